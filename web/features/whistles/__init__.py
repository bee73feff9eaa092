"""Whistle calls: in come calls and duty lists; out go the calls that run, one call with its picture, the preview."""

from web.features.whistles.rows import make_call_points, make_call_rows

__all__ = ["make_call_points", "make_call_rows"]
