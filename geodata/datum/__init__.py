"""Datums of coordinates in China.

In go degrees in WGS84, CGCS2000, GCJ-02 or BD-09, or points and layers whose datum nobody said; out come the
same places in another datum, and a guess with its reasons. Metric systems and EPSG codes are
:mod:`geodata.crs`.
"""

from geodata.datum.conversion import Datum, convert, convert_geometry, parse_datum
from geodata.datum.guess import guess_datum, guess_layer_datum

__all__ = [
    "Datum",
    "convert",
    "convert_geometry",
    "guess_datum",
    "guess_layer_datum",
    "parse_datum",
]
