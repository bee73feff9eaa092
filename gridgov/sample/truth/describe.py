"""What was planted, in the words of the pack: numbers, codes, dates."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridgov.sample.export.columns import Export
from gridgov.sample.land.geography import find_communities
from gridgov.sample.land.named_places import Towns
from gridgov.sample.land.slots import M_PER_DEG, SlotKind
from gridgov.sample.truth.background import GROWING_RATE, TOPIC_FACTOR
from gridgov.sample.truth.events import NEAR_BOUNDARY_M, Events
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.outcomes import Handling
from gridgov.sample.truth.plantings import Planting
from gridgov.sample.truth.seasons import AS_OF, FIRST_DAY, NO_SEASON, STORM_FACTORS

WHAT_OF_KIND = {"growing": "growth", "seasonal": "season"}
PATTERN_OF_KIND = {
    "persistent": "steady",
    "new": "rising",
    "growing": "rising",
    "seasonal": "seasonal",
    "ended": "ended",
    "sporadic": "recurring",
}
SEASONAL_PEAK = 1.75
"""An item has a season if its highest month is so many times the mean one."""
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
    hotspots = _describe_hotspots(events, items, towns)
    return {
        "planted": _describe_all(hotspots, events, items, towns),
        "streets": _describe_streets(events),
        "hotspots": hotspots,
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
    plain = (
        frame[(frame[["hotspot", "planting"]] < 0).all(axis=1)]
        .drop_duplicates("issue")
        .set_index("issue")
    )
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


def _describe_streets(events: Events) -> list[dict[str, Any]]:
    """Return what each street is made of, so that streets can be called alike."""
    structure = events.background.structure.round(4)
    return [{"street_code": str(code)} | row.to_dict() for code, row in structure.iterrows()]


def _describe_all(
    hotspots: list[dict[str, Any]], events: Events, items: Items, towns: Towns
) -> list[dict[str, Any]]:
    """Return one entry for everything planted, all with the same fields (:data:`ENTRY`)."""
    rows = [_describe_hotspot(spot, events, items, towns) for spot in hotspots]
    frame = events.frame
    groups = frame[frame["planting"] >= 0].groupby("planting")
    counts = groups.agg(appeals=("seconds", "size"), persons=("person", "nunique"))
    for k, planting in enumerate(events.planted):
        own = counts.loc[k] if k in counts.index else {"appeals": 0, "persons": 0}
        row = _describe_planting(planting, events, items, towns)
        row |= {"appeals": int(own["appeals"]), "persons": int(own["persons"])}
        rows.append({"id": f"P{k + 1:03d}"} | row)
    rows += _describe_city(events, items)
    return [{name: row.get(name, default) for name, default in ENTRY.items()} for row in rows]


ENTRY: dict[str, Any] = {
    "id": "",
    "what": "",
    "scale": "",
    "pattern": "",
    "factor": None,
    "start": "",
    "end": "",
    "street_code": "",
    "community_code": "",
    "lon": None,
    "lat": None,
    "radius_m": None,
    "address": "",
    "level1_code": "",
    "level2_code": "",
    "item_code": "",
    "scene_code": "",
    "lead_unit": "",
    "appeals": 0,
    "persons": 0,
    "expected": None,
    "effect": {},
}
"""Fields of an entry.

``what``
    item, place, area, institution, batch, burst, outbreak, growth, season, topic or measure; praise and consultation,
    which many persons give or ask at one place and which are nothing to govern.
``scale``
    item, place, street, community or city.
``factor``
    All appeals against the usual ones; empty where their number was planted and not their ratio.
``start end``
    First and last day.
``appeals persons``
    Those planted on top of the usual ones.
``expected``
    The usual appeals of the item (of everything, for a place) there and then.
``effect``
    Of a measure or of a season.
"""


def _describe_hotspot(
    spot: dict[str, Any], events: Events, items: Items, towns: Towns
) -> dict[str, Any]:
    """Return the entry of a hotspot that nobody can overlook."""
    background, words = events.background, items.frame
    item = int(words.index[words["item_code"] == spot["item_code"]][0])
    slots = events.slots
    dy = (slots.lat - spot["lat"]) * M_PER_DEG
    dx = (slots.lon - spot["lon"]) * M_PER_DEG * np.cos(np.radians(spot["lat"]))
    away = np.hypot(dx, dy)
    inside = np.flatnonzero((away <= spot["radius_m"]) & (background.street >= 0))
    start, end = (
        int((np.datetime64(spot[name], "D") - FIRST_DAY) / np.timedelta64(1, "D"))
        for name in ("start", "end")
    )
    same = np.flatnonzero(words["level1_code"].to_numpy(object) == spot["level1_code"])
    expected = background.expect(inside, same, start, end)
    return (
        spot
        | _describe_item(item, spot["street_code"], items)
        | {
            "what": WHAT_OF_KIND.get(spot["kind"], "item"),
            "scale": "item",
            "pattern": PATTERN_OF_KIND[spot["kind"]],
            "factor": None,
            "expected": round(expected, 4),
            "address": _name_slot(int(np.argmin(away)), events, towns),
        }
    )


def _describe_planting(
    planting: Planting, events: Events, items: Items, towns: Towns
) -> dict[str, Any]:
    slots = events.slots
    communities = towns.geography.communities["code"].to_numpy(object)
    street = str(towns.geography.streets["code"].iloc[planting.street])
    level2 = sorted({str(code) for code in events.background.level2[planting.items]})
    row: dict[str, Any] = {
        "what": planting.what,
        "scale": planting.scale,
        "pattern": planting.pattern,
        "factor": planting.factor,
        "start": str(FIRST_DAY + planting.start),
        "end": str(FIRST_DAY + planting.end),
        "street_code": street,
        "expected": round(planting.expected, 4),
        "effect": dict(planting.effect),
    }
    if "since" in planting.effect:
        row["effect"]["since"] = str(FIRST_DAY + int(planting.effect["since"]))
    if planting.scale != "street":
        row["community_code"] = str(communities[planting.community])
    if planting.scale in {"item", "place"}:
        row |= {
            "lon": round(float(slots.lon[planting.centre]), 6),
            "lat": round(float(slots.lat[planting.centre]), 6),
            "radius_m": round(planting.radius_m),
            "address": _name_slot(planting.centre, events, towns),
        }
    if len(level2) == 1:
        mix = events.background.mix[planting.street, planting.items]
        main = planting.main if planting.main >= 0 else int(planting.items[np.argmax(mix)])
        row |= _describe_item(main, street, items)
        if planting.main < 0:
            row["item_code"] = ""
    elif planting.what == "institution":
        row["level1_code"] = level2[0][:2]
    return row


def _describe_item(item: int, street: str, items: Items) -> dict[str, str]:
    words = items.frame.iloc[item]
    lead = {"@street": street, "@district": street[:6], "": street}.get(
        words["lead"], words["lead"]
    )
    code = str(words["item_code"])
    return {
        "level1_code": code[:2],
        "level2_code": code[:4],
        "item_code": code,
        "scene_code": str(words["scene_code"]),
        "lead_unit": str(lead),
    }


def _name_slot(slot: int, events: Events, towns: Towns) -> str:
    slots = events.slots
    if slots.kind[slot] != SlotKind.PLACE:
        return ""
    return str(towns.places["name"].iloc[slots.ref[slot]])


def _describe_city(events: Events, items: Items) -> list[dict[str, Any]]:
    """Return what runs in the whole city: topics, growing items and items with a season."""
    background = events.background
    level2 = background.level2
    counts = pd.Series(level2[events.frame["item"]]).value_counts()
    days = {"start": str(FIRST_DAY), "end": str(AS_OF - 1)}
    rows: list[dict[str, Any]] = []

    def add(prefix: str, what: str, code: str, pattern: str, **facts: Any) -> None:
        row: dict[str, Any] = {"what": what, "scale": "city", "pattern": pattern} | days
        row |= {"level1_code": code[:2], "level2_code": code, "lead_unit": _find_lead(code, items)}
        total = int(counts.get(code, 0))
        number = sum(other["what"] == what for other in rows) + 1
        rows.append({"id": f"{prefix}{number:03d}"} | row | {"expected": total} | facts)

    for code in background.topics:
        add("T", "topic", code, "steady", factor=TOPIC_FACTOR)
    for code in background.growing:
        add("G", "growth", code, "rising", factor=round(float(np.exp(GROWING_RATE)), 2))
    share = pd.Series(items.mix.mean(axis=0))
    for code, own in share.groupby(level2):
        seasons = own.groupby(items.frame["season"].loc[own.index]).sum()
        name = str(seasons.idxmax())
        months = np.array(items.months[name])
        if name != NO_SEASON and months.max() >= SEASONAL_PEAK * months.mean():
            peak = [int(m) + 1 for m in np.flatnonzero(months >= 0.7 * months.max())]
            add("S", "season", str(code), "seasonal", effect={"season": name, "peak_months": peak})
    return rows


def _find_lead(level2: str, items: Items) -> str:
    """Return the unit that leads most of a level-2 item's appeals; ``@street`` where it is each street's own."""
    words = items.frame
    own = words["item_code"].str[:4] == level2
    share = pd.Series(items.mix.mean(axis=0))[own.to_numpy()].groupby(words.loc[own, "lead"]).sum()
    return str(share.idxmax())


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
