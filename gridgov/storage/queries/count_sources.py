"""Where counts of a question stand: the deltas not yet moved, and the coarsest sums that can answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.counts.spans import LENGTHS, Span, split_months, split_window
from gridgov.storage.models.counts import AreaCount, AreaKind, CellCount, CountDelta, UnitCount
from gridgov.storage.models.orders import Outcome
from gridgov.storage.scope.apply import get_scope

OUTCOMES = tuple(one.value for one in Outcome)
CODE_COLUMNS = {
    "street": "street_code",
    "community": "community_code",
    "cell": "cell_code",
    "level1": "level1_code",
}


class Grain(StrEnum):
    """How finely the days of a question are told apart."""

    WINDOW = "window"
    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True, kw_only=True)
class CountFilter:
    """Which orders are counted.

    Parameters
    ----------
    first_on, last_on
        Days of receipt in the city's zone, both included.
    unit_codes
        Units that answer for them; None for all that the session sees.
    street_code
        Only in this street; empty for all.
    level1_code, item_code
        Only about this; empty for everything.
    outcomes
        Only with these outcomes; empty for all.
    """

    first_on: date
    last_on: date
    unit_codes: frozenset[str] | None = None
    street_code: str = ""
    level1_code: str = ""
    item_code: str = ""
    outcomes: tuple[Outcome, ...] = ()


def find_unit_codes(session: Session, chosen: CountFilter) -> frozenset[str] | None:
    """Return the units whose orders count: those asked for, as far as the session sees them; None for all."""
    scope = get_scope(session)
    if scope is None or scope.sees_all:
        return chosen.unit_codes
    own = frozenset(scope.unit_codes)
    return own if chosen.unit_codes is None else own & chosen.unit_codes


def find_sources(
    session: Session, kind: str, chosen: CountFilter, *, grain: Grain
) -> list[sa.Select[Any]]:
    """Return queries of ``code start_on`` and one column an outcome, which added up are the answer.

    Parameters
    ----------
    kind
        What ``code`` is of: ``street``, ``community``, ``cell`` or ``level1``. Sums of communities leave out what has
        none, where they are asked for without units and items.
    chosen
        What is counted.
    grain
        No row reaches from one day or month into the next, where days or months are told apart.
    """
    codes = find_unit_codes(session, chosen)
    is_split = codes is not None or bool(chosen.level1_code)
    deltas = _from_orders(CountDelta, kind, chosen, codes)
    if kind == "cell" or chosen.item_code or (kind == "community" and is_split):
        return [deltas, _from_orders(CellCount, kind, chosen, codes)]
    if is_split or (kind == "level1" and chosen.street_code):
        return [deltas, _from_units(kind, chosen, codes, grain)]
    return [deltas, _from_areas(kind, chosen, grain)]


PART_CODES = ("street_code", "community_code", "level1_code", "item_code")
"""Codes that the parts of a window are told apart by."""


def find_part_sources(
    session: Session, chosen: CountFilter, *, is_fine: bool
) -> list[sa.Select[Any]]:
    """Return queries of :data:`PART_CODES` and one column an outcome, which added up are the counts of a window.

    Parameters
    ----------
    is_fine
        Whether communities and items are told apart, which walks the finest sums; else their codes are empty.
    """
    codes = find_unit_codes(session, chosen)
    deltas = [
        sa.case((CountDelta.outcome == one, CountDelta.n), else_=0).label(one.value)
        for one in Outcome
    ]
    made: list[sa.Select[Any]] = []
    for row, tally in ((CountDelta, deltas), (CellCount, _list_tally(CellCount))):
        if row is CellCount and not is_fine:
            continue
        columns = [
            getattr(row, name)
            if is_fine or name in {"street_code", "level1_code"}
            else sa.literal("").label(name)
            for name in PART_CODES
        ]
        one = sa.select(*columns, *tally).where(row.day.between(chosen.first_on, chosen.last_on))
        made.append(_narrow(one, row, chosen, codes, ("street_code",)))
    if not is_fine:
        names = [
            getattr(UnitCount, name)
            if name in {"street_code", "level1_code"}
            else sa.literal("").label(name)
            for name in PART_CODES
        ]
        sums = sa.select(*names, *_list_tally(UnitCount))
        sums = sums.where(_match_spans(UnitCount, _split(chosen, Grain.WINDOW)))
        made.append(_narrow(sums, UnitCount, chosen, codes, ("street_code",)))
    return made


def find_street_day_sources(session: Session, chosen: CountFilter) -> list[sa.Select[Any]]:
    """Return queries of ``street_code day n``, which added up are the counts of each day of a window."""
    codes = find_unit_codes(session, chosen)
    deltas: Any = sa.select(CountDelta.street_code, CountDelta.day, CountDelta.n.label("n")).where(
        CountDelta.day.between(chosen.first_on, chosen.last_on)
    )
    total = sum((getattr(UnitCount, name) for name in OUTCOMES), sa.literal(0))
    sums: Any = sa.select(UnitCount.street_code, UnitCount.start_on.label("day"), total.label("n"))
    sums = sums.where(_match_spans(UnitCount, _split(chosen, Grain.DAY)))
    return [
        _narrow(deltas, CountDelta, chosen, codes, ("street_code",)),
        _narrow(sums, UnitCount, chosen, codes, ("street_code",)),
    ]


def _from_orders(
    row: Any, kind: str, chosen: CountFilter, codes: frozenset[str] | None
) -> sa.Select[Any]:
    """Return the query of counts by day: the deltas, or the finest sums."""
    if row is CountDelta:
        tally = [sa.case((row.outcome == one, row.n), else_=0).label(one.value) for one in Outcome]
    else:
        tally = _list_tally(row)
    code = getattr(row, CODE_COLUMNS[kind])
    made = sa.select(code.label("code"), row.day.label("start_on"), *tally)
    made = made.where(row.day.between(chosen.first_on, chosen.last_on))
    return _narrow(made, row, chosen, codes, ("street_code", "level1_code", "item_code"))


def _from_units(
    kind: str, chosen: CountFilter, codes: frozenset[str] | None, grain: Grain
) -> sa.Select[Any]:
    row = UnitCount
    code = getattr(row, CODE_COLUMNS[kind])
    made = sa.select(code.label("code"), row.start_on, *_list_tally(row))
    made = made.where(_match_spans(row, _split(chosen, grain)))
    return _narrow(made, row, chosen, codes, ("street_code", "level1_code"))


def _from_areas(kind: str, chosen: CountFilter, grain: Grain) -> sa.Select[Any]:
    row = AreaCount
    made = sa.select(row.code, row.start_on, *_list_tally(row))
    spans = _match_spans(row, _split(chosen, grain))
    return _narrow(
        made.where(row.kind == AreaKind(kind), spans), row, chosen, None, ("street_code",)
    )


def _list_tally(row: Any) -> list[Any]:
    return [getattr(row, name).label(name) for name in OUTCOMES]


def _narrow(
    made: sa.Select[Any],
    row: Any,
    chosen: CountFilter,
    codes: frozenset[str] | None,
    names: Sequence[str],
) -> sa.Select[Any]:
    for name in names:
        wanted = getattr(chosen, name)
        if wanted:
            made = made.where(getattr(row, name) == wanted)
    return made if codes is None else made.where(row.unit_code.in_(sorted(codes)))


def _split(chosen: CountFilter, grain: Grain) -> list[Span]:
    first, last = chosen.first_on, chosen.last_on
    if grain is Grain.MONTH:
        return split_months(first, last)
    return split_window(first, last, LENGTHS if grain is Grain.WINDOW else LENGTHS[:1])


def _match_spans(row: Any, spans: Sequence[Span]) -> sa.ColumnElement[bool]:
    """Return the condition on a table of sums that its row is one of some spans."""
    found = []
    for length in dict.fromkeys(length for length, _start in spans):
        starts = [start for one, start in spans if one == length]
        # Days or months one after the other are a range, which may be long.
        ranged = length <= 1 and _is_row(length, starts)
        inside = row.start_on.between(starts[0], starts[-1]) if ranged else row.start_on.in_(starts)
        found.append(sa.and_(row.days == length, inside))
    return sa.or_(*found) if found else sa.false()


def _is_row(length: int, starts: Sequence[date]) -> bool:
    """Tell whether days (length 1) or months follow one another without a gap; months always do."""
    return length == 0 or starts[-1] - starts[0] == timedelta(days=len(starts) - 1)
