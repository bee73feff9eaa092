"""What people call a place, and whether a cluster is one address: read off the addresses of its own orders.

Addresses are split by :func:`geodata.address.parse_address`; no gazetteer is needed. The commonest name is the one
that most addresses end on (吉华公寓 ends 朝阳区豆各庄地区吉华公寓 too). A name whose addresses go on with buildings
and rooms is a compound, where many live; one door, or one name whose points lie together, is one address.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geodata.address import parse_address

MOST_READ = 200
"""Addresses of a cluster that are read; more say nothing else."""

SHORTEST_NAME = 3
"""Shorter texts (小区, 路口, 门口) name no place."""

HOME_SHARE = 0.1
"""Share of a name's addresses with a building or a room from which it is a compound. Assumed."""

ONE_ADDRESS_M = 60.0
"""Points of one address lie within so much of their middle (three quarters of them). Assumed: a plot."""

FEWEST_POINTS = 3
NAMING = ("way", "text", "name", "village_text")
INSIDE_UNITS = ("building", "unit", "floor", "room")
DOOR_UNITS = ("house", "none")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Name (of a compound, a road, a place), house number or "", and whether it says which building or room."""

    name: str
    number: str
    is_inside: bool

    @property
    def door(self) -> str:
        """Return name and number as written."""
        return f"{self.name}{self.number}"


def read_address(text: str) -> Address | None:
    """Return what an address names; None where it names nothing."""
    name, number, is_inside = "", "", False
    before = ""
    for part in parse_address(text):
        if part.kind in NAMING and len(part.folded) >= SHORTEST_NAME:
            name, number = part.text.strip(), ""
            # 69 Paris St: the number stands before its road
            if before and part.kind == "way":
                number, before = before, ""
        elif part.kind == "number" and part.unit in INSIDE_UNITS:
            is_inside = is_inside or bool(name)
        elif part.kind == "number" and part.unit in DOOR_UNITS:
            if not name:
                before = f"{part.text} "
            elif not number:
                number = part.text
    return Address(name=name, number=number, is_inside=is_inside) if name else None


def read_addresses(rows: pd.DataFrame) -> list[Address | None]:
    """Return what the addresses of some orders name, at most :data:`MOST_READ`: ``matched`` before ``address``."""
    few = rows.iloc[:: max(len(rows) // MOST_READ, 1)].head(MOST_READ)
    empty = pd.Series(None, index=few.index, dtype="object")
    matched = few["matched"].astype("object") if "matched" in few.columns else empty
    written = few["address"].astype("object") if "address" in few.columns else empty
    texts = matched.where(matched.notna() & (matched != ""), written)
    known: dict[str, Address | None] = {}
    read: list[Address | None] = []
    for text in texts:
        if not isinstance(text, str) or not text:
            read.append(None)
            continue
        if text not in known:
            known[text] = read_address(text)
        read.append(known[text])
    return read


def find_place_name(addresses: list[Address | None]) -> str:
    """Return the name that most addresses end on, the longest of several; "" where there is none."""
    names = Counter(one.name for one in addresses if one is not None)
    ends: Counter[str] = Counter()
    for name, times in names.items():
        for other in names:
            if name.endswith(other):
                ends[other] += times
    if not ends:
        return ""
    return min(ends, key=lambda name: (-ends[name], -len(name), name))


def is_one_address(addresses: list[Address | None], rows: pd.DataFrame) -> bool:
    """Return whether more than half of some orders come from one address.

    Parameters
    ----------
    addresses
        What their addresses name (:func:`read_addresses` of `rows`).
    rows
        Optional columns ``lon lat place_level``.
    """
    if not addresses:
        return False
    place = find_place_name(addresses)
    at_place = [one for one in addresses if one is not None and one.name.endswith(place)]
    if any(one.is_inside for one in at_place) and (
        sum(one.is_inside for one in at_place) >= HOME_SHARE * len(at_place)
    ):
        return False
    doors = Counter(
        f"{place}{one.number}"
        for one in addresses
        if one is not None and one.number and place and one.name.endswith(place)
    )
    if doors and doors.most_common(1)[0][1] * 2 > len(addresses):
        return True
    named = [one is not None and not one.number and one.name.endswith(place) for one in addresses]
    if not place or sum(named) * 2 <= len(addresses):
        return False
    few = rows.iloc[:: max(len(rows) // MOST_READ, 1)].head(MOST_READ)
    return _lie_together(few[np.array(named)])


def _lie_together(rows: pd.DataFrame) -> bool:
    """Return whether the points of some orders lie on one plot; False where too few are known."""
    if not {"lon", "lat"} <= set(rows.columns):
        return False
    known = rows["lon"].notna() & rows["lat"].notna()
    if "place_level" in rows.columns:
        # a point that a gazetteer gave is the same for all of a compound
        known &= rows["place_level"].astype("object").isin(["point", "number"])
    points = rows.loc[known, ["lon", "lat"]].to_numpy(np.float64)
    if len(points) < FEWEST_POINTS:
        return False
    middle = np.median(points, axis=0)
    east = (points[:, 0] - middle[0]) * 111_320 * np.cos(np.radians(middle[1]))
    north = (points[:, 1] - middle[1]) * 111_320
    return bool(np.quantile(np.hypot(east, north), 0.75) <= ONE_ADDRESS_M)
