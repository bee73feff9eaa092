"""Orders by area and window for maps, their tables and their exports: one question, so that all three agree.

Counts are read from the kept sums and the deltas that are not yet in them, in one statement (``storage/count_sums``).
"""

from datetime import timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.db import is_postgres
from gridgov.storage.queries.count_sources import OUTCOMES, CountFilter, Grain, find_sources
from gridgov.storage.statement_frames import to_frame

__all__ = ["OUTCOMES", "CountFilter", "count_area_months", "count_areas", "count_days"]


def count_areas(session: Session, kind: str, chosen: CountFilter) -> pd.DataFrame:
    """Return orders by area: ``code n`` and one column an outcome, most first; code ``""`` for no place.

    Parameters
    ----------
    kind
        ``street``, ``community`` or ``cell``; of cells and communities only those of ``chosen.street_code``, where
        one is given.
    """
    frame = _sum_up(session, kind, chosen, Grain.WINDOW)
    if kind == "community":
        frame = _add_placeless(frame, _sum_up(session, "street", chosen, Grain.WINDOW))
    return frame.sort_values(["n", "code"], ascending=[False, True], ignore_index=True)


def count_area_months(session: Session, kind: str, chosen: CountFilter) -> pd.DataFrame:
    """Return the same by calendar month: ``code month n`` and one column an outcome; ``month`` like 2025-11."""
    frame = _sum_up(session, kind, chosen, Grain.MONTH)
    days = frame.pop("month")
    frame.insert(1, "month", days.map({day: f"{day:%Y-%m}" for day in set(days)}))
    return frame.sort_values(["code", "month"], ignore_index=True)


def count_days(session: Session, chosen: CountFilter) -> pd.Series:
    """Return orders of each day of the window, 0 where there are none, by date."""
    kind = (
        "street" if chosen.street_code else "level1"
    )  # the whole city has fewer items than streets
    frame = _read(session, find_sources(session, kind, chosen, grain=Grain.DAY), ("start_on",))
    days = [
        chosen.first_on + timedelta(days=at)
        for at in range((chosen.last_on - chosen.first_on).days + 1)
    ]
    counts = dict(zip(frame["start_on"], _choose_n(frame, chosen), strict=True))
    return pd.Series({day: int(counts.get(day, 0)) for day in days}, dtype="int64")


def _sum_up(session: Session, kind: str, chosen: CountFilter, grain: Grain) -> pd.DataFrame:
    sources = find_sources(session, kind, chosen, grain=grain)
    keys = ("code", "month") if grain is Grain.MONTH else ("code",)
    frame = _read(session, sources, keys)
    frame["n"] = _choose_n(frame, chosen)
    return frame.loc[frame["n"] != 0, [*keys, "n", *OUTCOMES]].reset_index(drop=True)


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


def _read(session: Session, sources: list[sa.Select[Any]], keys: tuple[str, ...]) -> pd.DataFrame:
    """Return the sums of all sources by ``code``, ``start_on`` or ``month`` (its first day)."""
    both = sa.union_all(*sources).subquery()
    columns = {"month": _find_month(session, both.c.start_on), **dict(both.c.items())}
    groups = [columns[name] for name in keys]
    sums = [sa.func.sum(both.c[name]).label(name) for name in OUTCOMES]
    frame = to_frame(
        session.execute(sa.select(*groups, *sums).group_by(*groups)), [*keys, *OUTCOMES]
    )
    return frame.astype(dict.fromkeys(OUTCOMES, "int64"))


def _find_month(session: Session, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if is_postgres(session):
        return sa.cast(sa.func.date_trunc("month", day), sa.Date)
    return sa.func.date(day, "start of month", type_=sa.Date())
