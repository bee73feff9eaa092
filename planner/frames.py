"""Column contracts of planner: what is counted, and the hotspots."""

from enum import StrEnum


class HotspotKind(StrEnum):
    """The course of a hotspot in time; names after the emerging hot spot literature."""

    PERSISTENT = "persistent"
    NEW = "new"
    GROWING = "growing"
    SEASONAL = "seasonal"
    DIMINISHING = "diminishing"
    SPORADIC = "sporadic"


CUBE_COLUMNS = ("cell_code", "period", "level1_code", "count", "persons")
"""Counts, one row per non-empty cell × period × level-1 item: ``period`` the first day of the period ·
``count`` orders · ``persons`` distinct persons (orders without a person count one each)."""

COUNTED_COLUMNS = ("cell_code", "level1_code", "item_code", "person_key", "received_at")
"""What the statistics need of an order; rows without a cell or an item, or whose place is too uncertain, stay out."""

HOTSPOT_COLUMNS = (
    "hotspot_id",
    "kind",
    "level1_code",
    "level1_name",
    "item_code",
    "item_name",
    "name",
    "street_code",
    "community_code",
    "lon",
    "lat",
    "radius_m",
    "cells",
    "n_cells",
    "window_start",
    "window_end",
    "months",
    "count",
    "persons",
    "issues",
    "expected",
    "ratio",
    "z",
    "gi",
    "p",
    "q",
    "geometry",
)
"""Hotspots, most certain first: ``kind`` :class:`HotspotKind` · ``item_code`` the commonest item inside · ``name``
place and problem, readable · ``lon lat`` centre, EPSG:4326 · ``radius_m`` holds nine tenths of its orders ·
``cells`` codes joined by ";" · ``window_start window_end`` dates, both inside · ``months`` of the year when seasonal,
"11;12;1", else empty · ``count`` orders of that level-1 item in the cells and the window, ``persons`` distinct ones ·
``issues`` distinct issues (planner/hotspots/cube.py) ·
``expected`` persons if the place were as its surroundings, ``ratio`` = persons / expected · ``p`` of the strongest
neighbourhood, ``z`` its normal equivalent, ``q`` after false-discovery control · ``gi`` classic Gi* of the
standardised residuals at that cell · ``geometry`` the joined cells."""
