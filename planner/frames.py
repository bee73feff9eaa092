"""Column contracts of planner: what is counted, and the hotspots."""

from enum import StrEnum


class HotspotKind(StrEnum):
    """The course of a hotspot in time (planner/hotspots/temporal_patterns.py)."""

    RISING = "rising"
    STEADY = "steady"
    SEASONAL = "seasonal"
    BURST = "burst"
    RECURRING = "recurring"
    FALLING = "falling"
    ENDED = "ended"


class HotspotScale(StrEnum):
    """What is in excess where: one item at a place, everything at a place, one item in a whole area."""

    ITEM = "item"
    PLACE = "place"
    AREA = "area"


class Origin(StrEnum):
    """Where more than half of a cluster comes from; such a cluster is shown, not governed."""

    INSTITUTION = "institution"
    BATCH = "batch"
    ONE_DAY = "one day"


CUBE_COLUMNS = ("cell_code", "period", "level1_code", "count", "persons")
"""Counts, one row per non-empty cell × period × level-1 item: ``period`` the first day of the period ·
``count`` orders · ``persons`` distinct persons (orders without a person count one each)."""

COUNTED_COLUMNS = ("cell_code", "level1_code", "item_code", "person_key", "received_at")
"""What the statistics need of an order; rows without a cell or an item, or whose place is too uncertain, stay out."""

HELPFUL_COLUMNS = (
    "level2_code",
    "kind",
    "uncertainty_m",
    "district_code",
    "street_code",
    "community_code",
    "address",
    "matched",
    "place_level",
    "lon",
    "lat",
)
"""What they use where an order has it: without ``level2_code`` no excess of a level-2 item is found, without codes
those of the cell count, without addresses a place has no name."""

HOTSPOT_COLUMNS = (
    "hotspot_id",
    "kind",
    "scale",
    "level1_code",
    "level1_name",
    "item_code",
    "item_name",
    "item_level",
    "main_item_code",
    "name",
    "place_name",
    "street_code",
    "street_shares",
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
    "origin",
    "archived",
    "patterns",
    "geometry",
)
"""Hotspots, most certain first: ``kind`` :class:`HotspotKind`, the most probable of ``patterns`` ("rising:0.91;…") ·
``scale`` :class:`HotspotScale` · ``item_code`` what it is about, ``item_level`` 1-3 of that code; "" and 0 for
everything at a place · ``level1_code`` its level 1, "" for everything · ``main_item_code`` the commonest item inside ·
``name`` place and problem, readable · ``place_name`` the commonest compound or address of its orders, else "" ·
``street_code`` of most of its orders, ``street_shares`` of all ("110101001:0.62;…") · ``community_code`` of most;
missing for a whole street · ``lon lat`` centre, EPSG:4326 · ``radius_m`` holds nine tenths of its orders · ``cells``
codes joined by ";" · ``window_start window_end`` dates, both inside · ``months`` of the year when seasonal, "11;12;1",
else empty · ``count`` orders of that item in the cells (of that area) and the window (and its months), ``persons``
distinct ones, ``issues`` distinct issues (planner/hotspots/cube.py): one set of orders, that of
``find_hotspot_orders`` · ``expected`` persons if the place were as its surroundings, ``ratio`` = persons / expected ·
``p`` of the strongest test in it, ``z`` its normal equivalent, ``q`` after false-discovery control over all scales ·
``gi`` classic Gi* of the standardised residuals at its middle cell · ``origin`` :class:`Origin` or "" · ``archived``
whether it has ended · ``geometry`` the joined cells."""
