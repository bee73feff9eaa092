"""Slots: every thing that an appeal can be about the place of - a compound, a door, a crossing - in one table."""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from gridgov.sample.land.named_places import Towns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

M_PER_DEG = 111_320.0
"""Metres of one degree of latitude; jitter of some metres needs no projection."""


class SlotKind(IntEnum):
    """Which table a slot's ``ref`` points into."""

    PLACE = 0
    NUMBER = 1
    CROSSING = 2
    FREE = 3  # no named thing: ``ref`` is a community


KIND_SHARES = {"home": 0.62, "facility": 0.14, "number": 0.20, "crossing": 0.04}
"""Where appeals are about (assumed): homes, facilities, front doors, crossings."""


@dataclass(frozen=True, kw_only=True)
class Slots:
    """All places, numbers and crossings, on one index.

    Parameters
    ----------
    kind, ref, community, zone
        :class:`SlotKind`, row in that table, position of the community, zone; int64 (n,).
    home
        Whether people live there: compounds and villages, bool (n,).
    lon, lat, radius_m
        Middle and typical half width, float64 (n,).
    weight
        Expected share of background appeals, sums to 1, float64 (n,).
    """

    kind: IntArray
    ref: IntArray
    community: IntArray
    zone: IntArray
    home: BoolArray
    lon: FloatArray
    lat: FloatArray
    radius_m: FloatArray
    weight: FloatArray

    def with_weight(self, weight: FloatArray) -> "Slots":
        """Return the same places with other weights, made to sum to 1."""
        return replace(self, weight=weight / weight.sum())


def make_slots(towns: Towns) -> Slots:
    """Return the slots of `towns`; their weights follow where people live."""
    places, roads = towns.places, towns.roads
    sizes = (len(places), len(roads.numbers), len(roads.crossings))
    kind = np.repeat(np.arange(3), sizes)
    community = np.concatenate(
        [places["community"].to_numpy(), towns.number_community, towns.crossing_community]
    ).astype(np.int64)
    communities = towns.geography.communities
    residents = communities["residents"].to_numpy(float)
    home = np.zeros(len(kind), bool)
    home[: sizes[0]] = (places["kind"] != "place").to_numpy()
    weight = np.zeros(len(kind))
    weight[: sizes[0]] = places["residents"]
    groups = {
        "home": home,
        "facility": (kind == 0) & ~home,
        "number": kind == 1,
        "crossing": kind == 2,
    }
    for name, members in groups.items():
        if name != "home":
            inside = members & (community >= 0)
            counts = np.bincount(community[inside], minlength=len(communities))
            weight[inside] = (residents / np.maximum(counts, 1))[community[inside]]
        weight[members] *= KIND_SHARES[name] / weight[members].sum()
    return Slots(
        kind=kind,
        ref=np.concatenate([np.arange(size) for size in sizes]),
        community=community,
        zone=communities["zone"].to_numpy()[community],
        home=home,
        lon=np.concatenate([places["lon"], roads.numbers["lon"], roads.crossings["lon"]]),
        lat=np.concatenate([places["lat"], roads.numbers["lat"], roads.crossings["lat"]]),
        radius_m=np.concatenate(
            [places["radius_m"], np.full(sizes[1], 6.0), np.full(sizes[2], 15.0)]
        ),
        weight=weight,
    )


def scatter(
    slots: Slots, chosen: IntArray, rng: np.random.Generator, *, most_m: float = np.inf
) -> tuple[FloatArray, FloatArray]:
    """Return one point about each chosen slot: normal with half the slot's radius, at most `most_m`."""
    radius = np.minimum(slots.radius_m[chosen], most_m)
    dx, dy = np.clip(rng.standard_normal((2, len(chosen))), -2, 2) * radius * 0.5
    lat = slots.lat[chosen] + dy / M_PER_DEG
    lon = slots.lon[chosen] + dx / (M_PER_DEG * np.cos(np.radians(lat)))
    return lon, lat
