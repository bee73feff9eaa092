"""Orders by area and window for maps, their tables and their exports: one question, so that all three agree.

Counts are read from the kept sums and the deltas that are not yet in them, in one statement (``storage/count_sums``).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.models.counts import AreaCount, AreaKind, CellCount, CountDelta, Span
from gridgov.storage.models.orders import Outcome
from gridgov.storage.scope import get_scope

OUTCOMES = tuple(one.value for one in Outcome)
CODE_COLUMNS = {"street": "street_code", "community": "community_code", "cell": "cell_code"}


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


def count_areas(session: Session, kind: str, chosen: CountFilter) -> pd.DataFrame:
    """Return orders by area: ``code n`` and one column an outcome, most first; code ``""`` for no place.

    Parameters
    ----------
    kind
        ``street``, ``community`` or ``cell``; of cells and communities only those of ``chosen.street_code``, where
        one is given.
    """
    frame = _sum_up(session, kind, chosen, by_month=False)
    if kind == "community":
        frame = _add_placeless(frame, _sum_up(session, "street", chosen, by_month=False))
    return frame.sort_values(["n", "code"], ascending=[False, True], ignore_index=True)


def count_area_months(session: Session, kind: str, chosen: CountFilter) -> pd.DataFrame:
    """Return the same by calendar month: ``code month n`` and one column an outcome; ``month`` like 2025-11."""
    return _sum_up(session, kind, chosen, by_month=True)


def count_days(session: Session, chosen: CountFilter) -> pd.Series:
    """Return orders of each day of the window, 0 where there are none, by date."""
    frame = _read(session, _make_sources(session, "street", chosen, spans=False), by="start_on")
    days = [
        chosen.first_on + timedelta(days=at)
        for at in range((chosen.last_on - chosen.first_on).days + 1)
    ]
    counts = dict(zip(frame["start_on"], _choose_n(frame, chosen), strict=True))
    return pd.Series({day: int(counts.get(day, 0)) for day in days}, dtype="int64")


def _sum_up(session: Session, kind: str, chosen: CountFilter, *, by_month: bool) -> pd.DataFrame:
    sources = _make_sources(session, kind, chosen, spans=True)
    if by_month:
        frame = _read(session, sources, by="code, start_on")
        frame["month"] = [f"{day:%Y-%m}" for day in frame["start_on"]]
        frame = frame.drop(columns="start_on").groupby(["code", "month"], as_index=False).sum()
    else:
        frame = _read(session, sources, by="code")
    frame["n"] = _choose_n(frame, chosen)
    keys = ["code", "month"] if by_month else ["code"]
    kept = frame[frame["n"] != 0]
    return kept[[*keys, "n", *OUTCOMES]].reset_index(drop=True)


def _add_placeless(frame: pd.DataFrame, streets: pd.DataFrame) -> pd.DataFrame:
    """Return counts of communities with those of no community, which their sums leave out."""
    columns = ["n", *OUTCOMES]
    rest = streets[columns].sum() - frame[columns].sum()
    row = pd.DataFrame([{"code": "", **rest.to_dict()}])
    both = pd.concat([frame, row]).groupby("code", as_index=False)[columns].sum()
    return both[both["n"] != 0]


def _choose_n(frame: pd.DataFrame, chosen: CountFilter) -> pd.Series:
    names = [one.value for one in chosen.outcomes] or list(OUTCOMES)
    return frame[names].sum(axis=1).astype("int64")


def _read(session: Session, sources: list[sa.Select[Any]], *, by: str) -> pd.DataFrame:
    """Return the sums of all sources by some of their columns."""
    both = sa.union_all(*sources).subquery()
    keys = [both.c[name] for name in by.split(", ")]
    sums = [sa.func.sum(both.c[name]).label(name) for name in OUTCOMES]
    rows = session.execute(sa.select(*keys, *sums).group_by(*keys)).all()
    frame = pd.DataFrame(rows, columns=[*by.split(", "), *OUTCOMES])
    frame[list(OUTCOMES)] = frame[list(OUTCOMES)].astype("int64")
    return frame


def _make_sources(
    session: Session, kind: str, chosen: CountFilter, *, spans: bool
) -> list[sa.Select[Any]]:
    """Return where counts stand: the deltas, and the coarsest sums that can answer.

    Parameters
    ----------
    spans
        Whether sums of whole months may stand for their days.
    """
    codes = find_unit_codes(session, chosen)
    sources = [_from_deltas(kind, chosen, codes)]
    finest = kind == "cell" or bool(chosen.item_code) or bool(chosen.street_code)
    split = codes is not None or bool(chosen.level1_code)
    if finest or (kind == "community" and split):
        return [*sources, _from_cells(kind, chosen, codes)]
    return [*sources, *_from_areas(kind, chosen, codes, spans=spans)]


def find_unit_codes(session: Session, chosen: CountFilter) -> frozenset[str] | None:
    """Return the units whose orders count: those asked for, as far as the session sees them; None for all."""
    scope = get_scope(session)
    if scope is None or scope.sees_all:
        return chosen.unit_codes
    own = frozenset(scope.unit_codes)
    return own if chosen.unit_codes is None else own & chosen.unit_codes


def _from_deltas(kind: str, chosen: CountFilter, codes: frozenset[str] | None) -> sa.Select[Any]:
    row = CountDelta
    tally = [
        sa.case((row.outcome == outcome, row.n), else_=0).label(outcome.value)
        for outcome in Outcome
    ]
    made = sa.select(
        getattr(row, CODE_COLUMNS[kind]).label("code"), row.day.label("start_on"), *tally
    )
    return _narrow(made.where(row.day.between(chosen.first_on, chosen.last_on)), row, chosen, codes)


def _from_cells(kind: str, chosen: CountFilter, codes: frozenset[str] | None) -> sa.Select[Any]:
    row = CellCount
    tally = [getattr(row, name).label(name) for name in OUTCOMES]
    made = sa.select(
        getattr(row, CODE_COLUMNS[kind]).label("code"), row.day.label("start_on"), *tally
    )
    return _narrow(made.where(row.day.between(chosen.first_on, chosen.last_on)), row, chosen, codes)


def _narrow(
    made: sa.Select[Any], row: Any, chosen: CountFilter, codes: frozenset[str] | None
) -> sa.Select[Any]:
    for name in ("street_code", "level1_code", "item_code"):
        wanted = getattr(chosen, name)
        if wanted:
            made = made.where(getattr(row, name) == wanted)
    return made if codes is None else made.where(row.unit_code.in_(sorted(codes)))


def _from_areas(
    kind: str, chosen: CountFilter, codes: frozenset[str] | None, *, spans: bool
) -> list[sa.Select[Any]]:
    parts = (
        split_span(chosen.first_on, chosen.last_on)
        if spans
        else [(Span.DAY, chosen.first_on, chosen.last_on)]
    )
    row = AreaCount
    tally = [getattr(row, name).label(name) for name in OUTCOMES]
    made = []
    for span, first, last in parts:
        one = sa.select(row.code.label("code"), row.start_on.label("start_on"), *tally).where(
            row.kind == AreaKind(kind), row.span == span, row.start_on.between(first, last)
        )
        if codes is None and not chosen.level1_code:
            one = one.where(row.unit_code == "")
        else:
            one = one.where(
                row.unit_code != "" if codes is None else row.unit_code.in_(sorted(codes))
            )
            if chosen.level1_code:
                one = one.where(row.level1_code == chosen.level1_code)
        made.append(one)
    return made


def split_span(first_on: date, last_on: date) -> list[tuple[Span, date, date]]:
    """Return the spans of sums that make up a window: whole months, and the days before and after them.

    Examples
    --------
    >>> split_span(date(2025, 1, 30), date(2025, 3, 2))[1]
    (<Span.MONTH: 'month'>, datetime.date(2025, 2, 1), datetime.date(2025, 2, 1))
    """
    month = first_on if first_on.day == 1 else _next_month(first_on)
    after = (last_on + timedelta(days=1)).replace(day=1)  # first day that no whole month covers
    if month >= after:
        return [(Span.DAY, first_on, last_on)]
    parts = [(Span.MONTH, month, (after - timedelta(days=1)).replace(day=1))]
    if first_on < month:
        parts.insert(0, (Span.DAY, first_on, month - timedelta(days=1)))
    if after <= last_on:
        parts.append((Span.DAY, after, last_on))
    return parts


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
