"""What became of the appeals: unit, times, callback; transfers between units and loops in which orders bounce."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.sample.land.named_places import Towns
from gridgov.sample.truth.events import DAY_S, Events
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.seasons import N_DAYS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ObjectArray = npt.NDArray[np.object_]

HOUR_S = 3600
LIMIT_S = {"2h": 2 * HOUR_S, "24h": 24 * HOUR_S, "7d": 7 * DAY_S, "15d": 15 * DAY_S}
"""The four grades (DOMAIN.md section 1)."""
CONTACT_S = {"2h": 0.2 * HOUR_S, "24h": 2.5 * HOUR_S, "7d": 7 * HOUR_S, "15d": 12 * HOUR_S}
"""Mean time to the first contact (assumed)."""
CALLBACK_SHARE = 0.72
OPEN_S = N_DAYS * DAY_S
"""What would close later than this is still open in the export."""

WRONG_STREET_SHARE = (0.015, 0.35)
"""First sent to the neighbouring street: anywhere, and within some metres of a boundary."""
WRONG_UNIT_SHARE = 0.025
TOPIC_HARD = 1.4
"""How much harder the items of topics are, as the log of the odds."""
LASTING = ("item", "place", "area", "growth", "season", "measure")
"""What is planted and stays because nobody solves it."""
LOOPS = 10
LOOP_APPEALS = (12, 30)
REASONS = {
    "territory": "地点不在本辖区，申请退回重派",
    "duty": "不属于本单位职责，申请转派",
    "found": "核实属地后转办",
    "loop": "认为应由对方单位牵头",
}


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Orders of one item that bounced between two units.

    Parameters
    ----------
    units
        The two units; ``@street`` stands for the street of each place.
    item
        Position in the items.
    rows
        The orders' rows.
    """

    units: list[str]
    item: int
    rows: IntArray


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How each appeal was handled, on the rows of the events.

    Parameters
    ----------
    unit
        Code of the unit that answered.
    contacted_s, closed_s
        Seconds since the first day; NaN where not yet.
    contacted, solved, satisfied
        Words of the callback in the export, empty without one.
    transfers
        ``row, seconds, from_unit, to_unit, reason`` in order of time.
    loops
        Planted loops.
    """

    unit: ObjectArray
    contacted_s: FloatArray
    closed_s: FloatArray
    contacted: ObjectArray
    solved: ObjectArray
    satisfied: ObjectArray
    transfers: pd.DataFrame
    loops: list[Loop]


def make_handling(events: Events, towns: Towns, items: Items, rng: np.random.Generator) -> Handling:
    """Return the handling of all events."""
    frame = events.frame
    street = towns.geography.communities["street_code"].to_numpy(object)[frame["community"]]
    unit = _find_units(frame, street, items)
    moved = _make_transfers(frame, street, unit, towns=towns, rng=rng)
    loops, looped = _make_loops(frame, unit, rng)
    moved = moved[~moved["row"].isin(looped["row"])]
    transfers = pd.concat([moved, looped]).sort_values(
        ["seconds", "row"], kind="stable", ignore_index=True
    )
    contacted_s, closed_s = _make_times(frame, items, transfers, rng)
    contacted, solved, satisfied = _make_callbacks(events, street, closed_s, items=items, rng=rng)
    return Handling(
        unit=unit,
        contacted_s=contacted_s,
        closed_s=closed_s,
        contacted=contacted,
        solved=solved,
        satisfied=satisfied,
        transfers=transfers,
        loops=loops,
    )


def _find_units(frame: pd.DataFrame, street: ObjectArray, items: Items) -> ObjectArray:
    lead = items.frame["lead"].to_numpy(object)[frame["item"]]
    district = np.array([code[:6] for code in street], dtype=object)
    unit = np.where((lead == "@street") | (lead == ""), street, lead)
    return np.where(lead == "@district", district, unit)


def _make_times(
    frame: pd.DataFrame, items: Items, transfers: pd.DataFrame, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    grade = items.frame["grade"].to_numpy(object)[frame["item"]]
    start = frame["seconds"].to_numpy(float)
    limit = pd.Series(grade).map(LIMIT_S).to_numpy(float)
    usual = pd.Series(grade).map(CONTACT_S).to_numpy(float)
    contacted = start + 240 + usual * rng.gamma(1.6, 0.6, len(frame))
    length = limit * rng.lognormal(-0.75, 0.55, len(frame))
    late = np.bincount(transfers["row"].to_numpy(), minlength=len(frame))
    length = length * (1 + 0.35 * late)
    closed = np.maximum(start + length, contacted + 600)
    contacted[contacted > OPEN_S] = np.nan
    closed[closed > OPEN_S] = np.nan
    return np.rint(contacted), np.rint(closed)


def _make_callbacks(
    events: Events,
    street: ObjectArray,
    closed_s: FloatArray,
    *,
    items: Items,
    rng: np.random.Generator,
) -> tuple[ObjectArray, ObjectArray, ObjectArray]:
    """Return answers: some items are hard, some streets are good at it, hotspots are unsolved."""
    frame = events.frame
    n = len(frame)
    asked = ~np.isnan(closed_s) & (rng.random(n) < CALLBACK_SHARE)
    codes, which = np.unique(street.astype(str), return_inverse=True)
    skill = rng.normal(0, 0.35, len(codes))[which]
    hard = rng.normal(0, 0.7, len(items.frame))[frame["item"]]
    hard += np.isin(events.background.level2, events.background.topics)[frame["item"]] * TOPIC_HARD
    hot = np.where(frame["hotspot"].to_numpy() >= 0, 1.1, 0.0)
    kept = np.array([p.what in LASTING for p in events.planted] + [False])
    hot += np.where(kept[frame["planting"].to_numpy()], 0.7, 0.0)
    chance = 1 / (1 + np.exp(-(1.5 + skill - hard - hot)))
    contacted = np.where(asked, np.where(rng.random(n) < 0.985, "是", "否"), "")
    is_solved = rng.random(n) < chance
    solved = np.where(asked, np.where(is_solved, "是", "否"), "")
    draw = rng.random(n) + np.where(is_solved, 0.0, 0.62)
    words = np.where(draw < 0.78, "满意", np.where(draw < 0.92, "基本满意", "不满意"))
    satisfied = np.where(asked, words, "")
    return contacted.astype(object), solved.astype(object), satisfied.astype(object)


def _make_transfers(
    frame: pd.DataFrame,
    street: ObjectArray,
    unit: ObjectArray,
    *,
    towns: Towns,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return orders that first went to a neighbouring street, or to the street though a department leads."""
    n = len(frame)
    local = unit == street
    near = frame["near_boundary"].to_numpy().astype(int)
    wrong_street = local & (rng.random(n) < np.array(WRONG_STREET_SHARE)[near])
    wrong_unit = ~local & (rng.random(n) < WRONG_UNIT_SHARE)
    neighbours = _find_neighbours(towns)
    first = street.copy()
    rows = np.flatnonzero(wrong_street)
    for row, turn in zip(rows, rng.random(len(rows)), strict=True):  # a few in a hundred
        around = neighbours[street[row]]
        first[row] = around[int(turn * len(around))]
    moved = np.sort(np.concatenate([rows, np.flatnonzero(wrong_unit)]))
    reason = np.where(wrong_unit[moved], REASONS["duty"], REASONS["territory"])
    return pd.DataFrame(
        {
            "row": moved,
            "seconds": frame["seconds"].to_numpy()[moved] + rng.integers(900, 90_000, len(moved)),
            "from_unit": first[moved],
            "to_unit": unit[moved],
            "reason": reason,
        }
    )


def _find_neighbours(towns: Towns) -> dict[str, list[str]]:
    """Return street → streets that share a line with it, from streets of neighbouring communities."""
    streets = towns.geography.streets
    shapes, codes = streets.geometry, streets["code"].to_numpy(object)
    first, second = shapes.sindex.query(shapes.to_numpy(), predicate="touches")
    order = np.lexsort((second, first))
    out: dict[str, list[str]] = {}
    for a, b in zip(codes[first[order]], codes[second[order]], strict=True):
        out.setdefault(a, []).append(b)
    return out


def _make_loops(
    frame: pd.DataFrame, unit: ObjectArray, rng: np.random.Generator
) -> tuple[list[Loop], pd.DataFrame]:
    """Return pairs of units between which orders of one item bounced several times, and those transfers."""
    plain = np.flatnonzero((frame["hotspot"] < 0) & (frame["one_caller"] < 0))
    item = frame["item"].to_numpy()
    common = np.bincount(item[plain], minlength=item.max() + 1)
    usable = np.flatnonzero(common >= LOOP_APPEALS[1] + 5)
    usable = usable if len(usable) >= LOOPS else np.argsort(-common)[:LOOPS]
    loops: list[Loop] = []
    rows: list[tuple[int, int, str, str, str]] = []
    departments = sorted({code for code in set(unit) if code.startswith("D")})
    for chosen in np.sort(rng.choice(usable, LOOPS, replace=False)):
        own = plain[item[plain] == chosen]
        size = min(len(own), int(rng.integers(*LOOP_APPEALS)))
        bounced = np.sort(rng.choice(own, size, replace=False))
        first = unit[bounced]
        other = str(rng.choice([code for code in departments if code not in set(first)]))
        for row, source in zip(bounced, first, strict=True):
            rows.extend(_bounce(int(row), int(frame["seconds"].iloc[row]), (source, other), rng))
        one = first[0] if len(set(first)) == 1 else "@street"
        loops.append(Loop(units=[one, other], item=int(chosen), rows=bounced))
    columns = ["row", "seconds", "from_unit", "to_unit", "reason"]
    return loops, pd.DataFrame(rows, columns=columns)


def _bounce(
    row: int, start: int, pair: tuple[str, str], rng: np.random.Generator
) -> list[tuple[int, int, str, str, str]]:
    out, at = [], start
    for k in range(int(rng.integers(2, 4)) * 2):
        at += int(rng.integers(2 * HOUR_S, 30 * HOUR_S))
        source, target = pair if k % 2 == 0 else pair[::-1]
        out.append((row, at, source, target, REASONS["loop"]))
    return out
