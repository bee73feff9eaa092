"""Maps: in come counts by area, hotspots, calls, plans; out go a map with the same rows as a table and as CSV."""

from web.features.map.page import AreaView, make_area_view, make_point_room, make_words

__all__ = ["AreaView", "make_area_view", "make_point_room", "make_words"]
