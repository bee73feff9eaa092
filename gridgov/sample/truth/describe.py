"""What was planted, in the words of the pack: numbers, codes, dates."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridgov.sample.export.columns import Export
from gridgov.sample.land.geography import find_communities
from gridgov.sample.land.named_places import Towns
from gridgov.sample.truth.events import NEAR_BOUNDARY_M, Events
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.outcomes import Handling
from gridgov.sample.truth.seasons import FIRST_DAY, STORM_FACTORS

ISSUE_CALLERS, MOST_ISSUES = 3, 500
"""Issues that so many persons call about are listed one by one, up to so many."""


def describe_planted(
    events: Events, export: Export, handling: Handling, *, items: Items, towns: Towns
) -> dict[str, Any]:
    """Return everything planted but the duty faults and exceptions, ready for JSON."""
    frame = events.frame
    numbers = export.numbers.to_numpy(zero_copy_only=False)
    loops = [
        {
            "units": loop.units,
            "item_code": items.frame["item_code"].iloc[loop.item],
            "appeal_nos": numbers[loop.rows].tolist(),
        }
        for loop in handling.loops
    ]
    return {
        "hotspots": _describe_hotspots(events, items, towns),
        "decoys": _describe_decoys(events, items, towns),
        "repeats": _describe_repeats(frame),
        "issues": _describe_issues(frame, items),
        "bounce_loops": loops,
        "transfers": len(handling.transfers),
        "near_boundary": {
            "within_m": NEAR_BOUNDARY_M,
            "appeals": int(frame["near_boundary"].sum()),
            "listed_in": "truth.parquet, column near_boundary",
        },
        "enclaves": find_enclaves(towns),
        "unusable_rows": export.unusable,
    }


def find_enclaves(towns: Towns) -> list[dict[str, str]]:
    """Return pieces of one street that lie inside another: ``street_code, inside_street_code, community_code``."""
    streets, communities = towns.geography.streets, towns.geography.communities
    found = []
    for code, shape in zip(streets["code"], streets.geometry, strict=True):
        for part in shapely.get_parts(shape):
            for hole in part.interiors:
                point = shapely.point_on_surface(shapely.Polygon(hole))
                inside = find_communities(towns.geography, [point.x], [point.y])[0]
                if inside >= 0:
                    piece = communities["code"].iloc[inside]
                    found.append(
                        {
                            "street_code": piece[:9],
                            "inside_street_code": code,
                            "community_code": piece,
                        }
                    )
    return found


def _describe_repeats(frame: pd.DataFrame) -> dict[str, int]:
    calls = frame.groupby(["issue", "person"]).size()
    return {"groups": int((calls > 1).sum()), "appeals": int(calls[calls > 1].sum())}


def _describe_issues(frame: pd.DataFrame, items: Items) -> dict[str, Any]:
    """Return counts of issues with several callers, and those of many callers outside hotspots."""
    callers = frame.groupby("issue")["person"].nunique()
    several = callers[callers > 1]
    plain = frame[(frame["hotspot"] < 0)].drop_duplicates("issue").set_index("issue")
    many = several[(several >= ISSUE_CALLERS) & several.index.isin(plain.index)]
    own = plain.loc[many.index[:MOST_ISSUES]]
    level1 = items.frame["level1_code"].to_numpy(object)[own["item"]]
    listed = [
        {"issue_no": int(k), "level1_code": code, "persons": int(n), "lon": x, "lat": y}
        for k, code, n, x, y in zip(
            own.index,
            level1,
            many.iloc[:MOST_ISSUES],
            own["lon"].round(6),
            own["lat"].round(6),
            strict=True,
        )
    ]
    return {"groups": len(several), "persons": int(several.sum()), "of_many_callers": listed}


def _describe_hotspots(events: Events, items: Items, towns: Towns) -> list[dict[str, Any]]:
    frame = events.frame
    communities = towns.geography.communities["code"].to_numpy(object)
    rows = []
    for k, spot in enumerate(events.hotspots.itertuples()):
        own = frame[frame["hotspot"] == k]
        code = communities[spot.community]
        rows.append(
            {
                "id": f"H{k + 1:03d}",
                "kind": spot.kind,
                "level1_code": items.frame["level1_code"].iloc[spot.item],
                "item_code": items.frame["item_code"].iloc[spot.item],
                "lon": round(spot.lon, 6),
                "lat": round(spot.lat, 6),
                "radius_m": round(spot.radius_m),
                "street_code": code[:9],
                "community_code": code,
                "start": str(FIRST_DAY + spot.start_day),
                "end": str(FIRST_DAY + spot.end_day),
                "appeals": len(own),
                "persons": int(own["person"].nunique()),
            }
        )
    return rows


def _describe_decoys(events: Events, items: Items, towns: Towns) -> list[dict[str, Any]]:
    frame = events.frame
    words = items.frame
    rows: list[dict[str, Any]] = []
    for _, own in frame[frame["one_caller"] >= 0].groupby("one_caller"):
        item = words.iloc[own["item"].iloc[0]]
        rows.append(
            {
                "kind": "one_caller",
                "level1_code": item["level1_code"],
                "item_code": item["item_code"],
            }
            | _describe_slot(int(own["slot"].iloc[0]), events, towns)
            | {"appeals": len(own), "persons": 1}
        )
    for slot in events.dense:
        own = frame[frame["slot"] == slot]
        counts = {"appeals": len(own), "persons": int(own["person"].nunique())}
        rows.append({"kind": "dense_compound"} | _describe_slot(int(slot), events, towns) | counts)
    stormy = words.loc[words["season"].isin(list(STORM_FACTORS)), "item_code"]
    days = [str(FIRST_DAY + int(day)) for day in events.storms]
    rows.append({"kind": "storm_surge", "days": days, "item_codes": sorted(stormy)})
    return [{"id": f"D{k + 1:03d}"} | row for k, row in enumerate(rows)]


def _describe_slot(slot: int, events: Events, towns: Towns) -> dict[str, Any]:
    slots = events.slots
    community = towns.geography.communities["code"].to_numpy(object)[slots.community[slot]]
    return {
        "lon": round(float(slots.lon[slot]), 6),
        "lat": round(float(slots.lat[slot]), 6),
        "radius_m": round(float(np.maximum(slots.radius_m[slot], 20.0))),
        "street_code": community[:9],
        "community_code": community,
    }
