"""What history says about the duty list: where orders bounce, and who really solves what.

A bounce is an order that comes back to a unit that had passed it on. Groups of units among which orders
bounce are strongly connected components of those moves; a single order that was sent on and never came back
is no bounce. Where somebody else than the listed lead solves a scene, an amendment is proposed with its
evidence; it stands only if the lower bound of Wilson's interval (E. B. Wilson, Probable inference, 1927)
of his share is above one half.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET
from gridgov.rules.duties.cycles import Links
from gridgov.rules.duties.graph import DutyGraph

TRANSFER_COLUMNS = ("order_no", "at", "from_unit", "to_unit")
"""Moves of orders between units: ``at`` aware or naive datetime, the rest str."""

LOOP_COLUMNS = (
    "loop",
    "units",
    "orders",
    "times",
    "days_lost",
    "places",
    "item_codes",
    "order_nos",
)
"""One row per loop, most orders first: ``loop`` tuple of units from the lowest on in the order of passing ·
``units`` its length · ``orders`` that ran it · ``times`` in all · ``days_lost`` from leaving a unit to coming
back, summed · ``places`` streets or districts that ``@street`` or ``@district`` in it stands for, else empty ·
``item_codes`` most frequent items, if given · ``order_nos`` the first :data:`EVIDENCE_SHOWN`."""

GROUP_COLUMNS = ("group", "units", "orders", "moves", "days_lost")
"""One row per strongly connected group of the moves in loops: ``group`` tuple of units, sorted."""

EVIDENCE_SHOWN = 20
ITEMS_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Bounces:
    """Where orders bounce.

    Parameters
    ----------
    loops
        Frame of :data:`LOOP_COLUMNS`.
    groups
        Frame of :data:`GROUP_COLUMNS`, by days lost.
    rejected
        Transfers that say nothing (row positions): no order, time or unit, or from a unit to itself.
    """

    loops: pd.DataFrame
    groups: pd.DataFrame
    rejected: tuple[int, ...]


def find_bounces(
    transfers: pd.DataFrame,
    *,
    places: Mapping[str, str] | None = None,
    items: pd.Series | None = None,
    orders_min: int = 3,
) -> Bounces:
    """Return loops and groups of units among which orders bounce.

    Parameters
    ----------
    transfers
        Frame of :data:`TRANSFER_COLUMNS`, any order of rows.
    places
        Unit → ``@street`` or ``@district``, see :func:`find_place_units`: a department may bounce orders with
        three hundred streets, each of them once; in a loop with one street the street becomes the token
        where several streets have the same loop.
    items
        Item code by order number.
    orders_min
        Loops that fewer orders ran are chance, not a fault of the list, and are left out [A].
    """
    clean, rejected = _clean_transfers(transfers)
    runs = pd.DataFrame(_find_runs(clean), columns=["loop", "order_no", "days"])
    runs = _join_places(runs, places or {})
    runs["item_code"] = "" if items is None else runs["order_no"].map(items).fillna("")
    loops = _sum_loops(runs)
    loops = loops[loops["orders"] >= orders_min].reset_index(drop=True)
    return Bounces(loops=loops, groups=_find_groups(loops, runs), rejected=rejected)


def find_place_units(graph: DutyGraph) -> dict[str, str]:
    """Return unit → ``@street`` or ``@district`` for the units that answer for an area."""
    tokens = {"street": LEAD_STREET, "district": LEAD_DISTRICT}
    return {c: tokens[unit.kind] for c, unit in graph.units.items() if unit.kind in tokens}


def _clean_transfers(transfers: pd.DataFrame) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """Return usable rows of orders with two or more moves by order and time, and the positions of the rest."""
    columns = list(TRANSFER_COLUMNS)
    frame = transfers[columns].reset_index(drop=True)
    usable = frame.notna().all(axis=1) & (frame["from_unit"] != frame["to_unit"])
    kept = frame[usable]
    kept = kept[kept.duplicated("order_no", keep=False)]
    ordered = kept.sort_values(["order_no", "at"], kind="stable")
    return ordered, tuple(np.flatnonzero(~usable.to_numpy()).tolist())


def _find_runs(transfers: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], str, float]]:
    """Yield each coming back: loop from its lowest unit on, order, days from leaving to coming back."""
    days = (
        pd.to_datetime(transfers["at"], utc=True).to_numpy(dtype="datetime64[us]").astype(np.int64)
        / 86_400e6
    )
    values = zip(
        transfers["order_no"], transfers["from_unit"], transfers["to_unit"], days, strict=True
    )
    order = ""
    way: list[str] = []
    left: list[float] = []
    for order_no, source, target, day in values:
        if order_no != order or (way and way[-1] != source):
            # A new order, or a gap in the record: what came before cannot be joined.
            order, way, left = order_no, [source], []
        left.append(float(day))
        if target in way:
            at = way.index(target)
            yield _turn(tuple(way[at:])), order, float(day) - left[at]
            way, left = way[: at + 1], left[:at]
        else:
            way.append(target)


def _turn(loop: tuple[str, ...]) -> tuple[str, ...]:
    at = loop.index(min(loop))
    return loop[at:] + loop[:at]


def _join_places(runs: pd.DataFrame, places: Mapping[str, str]) -> pd.DataFrame:
    """Return runs with ``place`` and the loop by token where several places have the same loop."""
    found = [_find_place(loop, places) for loop in runs["loop"]]
    place = pd.Series(found, index=runs.index, dtype=object)
    joined = [
        _turn(tuple(places[unit] if unit == at else unit for unit in loop)) if at else loop
        for loop, at in zip(runs["loop"], found, strict=True)
    ]
    by_token = pd.Series(joined, index=runs.index, dtype=object)
    several = place.groupby(by_token).transform("nunique") > 1
    return runs.assign(loop=by_token.where(several, runs["loop"]), place=place.where(several, None))


def _find_place(loop: tuple[str, ...], places: Mapping[str, str]) -> str | None:
    """Return the only place of a loop; two streets that bounce an order quarrel about a boundary."""
    found = [unit for unit in loop if unit in places]
    return found[0] if len(found) == 1 else None


def _sum_loops(runs: pd.DataFrame) -> pd.DataFrame:
    if runs.empty:
        return pd.DataFrame(columns=list(LOOP_COLUMNS)).astype({"orders": np.int64})
    grouped = runs.groupby("loop", sort=True)
    frame = grouped.agg(
        orders=("order_no", "nunique"),
        times=("order_no", "size"),
        days_lost=("days", "sum"),
        places=("place", lambda codes: tuple(sorted(set(codes.dropna())))),
        item_codes=("item_code", _find_most_frequent),
        order_nos=("order_no", lambda nos: tuple(dict.fromkeys(nos))[:EVIDENCE_SHOWN]),
    ).reset_index()
    frame["units"] = frame["loop"].map(len)
    frame = frame.sort_values(["orders", "days_lost", "loop"], ascending=[False, False, True])
    return frame[list(LOOP_COLUMNS)].reset_index(drop=True)


def _find_most_frequent(codes: pd.Series) -> tuple[str, ...]:
    counts = Counter(code for code in codes if code)
    return tuple(sorted(counts, key=lambda code: (-counts[code], code))[:ITEMS_SHOWN])


def _find_groups(loops: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    graph: Links = nx.DiGraph()
    for loop in loops["loop"]:
        nx.add_cycle(graph, loop)
    kept = runs[runs["loop"].isin(set(loops["loop"]))]
    rows = []
    for members in nx.strongly_connected_components(graph):
        mine = kept[kept["loop"].map(lambda loop, group=members: loop[0] in group)]
        rows.append(
            {
                "group": tuple(sorted(members)),
                "units": len(members),
                "orders": mine["order_no"].nunique(),
                "moves": int(mine["loop"].map(len).sum()),
                "days_lost": float(mine["days"].sum()),
            }
        )
    frame = pd.DataFrame(rows, columns=list(GROUP_COLUMNS))
    return frame.sort_values(["days_lost", "group"], ascending=[False, True], ignore_index=True)


def find_solvers(orders: pd.DataFrame, transfers: pd.DataFrame) -> pd.Series:
    """Return who had each order last: the last unit it was passed to, else its own unit.

    Parameters
    ----------
    orders
        ``order_no, unit_code``.
    transfers
        Frame of :data:`TRANSFER_COLUMNS`.

    Returns
    -------
    ``unit_code`` on the index of `orders`.
    """
    last = transfers.sort_values("at", kind="stable").drop_duplicates("order_no", keep="last")
    passed = orders["order_no"].map(last.set_index("order_no")["to_unit"])
    return passed.fillna(orders["unit_code"]).rename("unit_code")
