"""Monthly proposals for the classes of streets (先进 进步 整改 治理), from the kept counts; people decide."""

from datetime import date, datetime, timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.pack.population import find_month_population
from gridgov.rules.rates.assessment import assess_counts
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.rules.streets.class_review import ClassDecision, make_measures, review_classes
from gridgov.services.city_runtime import Desk
from gridgov.storage.db import transaction
from gridgov.storage.models.plans import StreetClassRow
from gridgov.storage.queries.map_counts import CountFilter, count_area_months
from gridgov.storage.queries.rate_counts import get_rate_counts

ORIGIN = date(1990, 1, 1)
"""Before any counts."""


def review_streets(sessions: sessionmaker[Session], desk: Desk, *, now: datetime) -> int:
    """Propose the classes of every assessed month that is over and not yet proposed; return how many rows.

    The rules look at the months before too, and start from what people decided (``rules.street_class_review``).
    Appeals are counted at the place, by calendar month of receipt.
    """
    with transaction(sessions) as session:
        known = set(session.scalars(sa.select(StreetClassRow.month).distinct()))
        counts = get_rate_counts(session)
        over = [month for month in sorted(counts["month"].unique()) if _is_over(desk, month, now)]
        fresh = [month for month in over if month not in known]
        if not fresh:
            return 0
        proposals = _review(session, desk, counts[counts["month"].isin(over)], now)
        rows = proposals[proposals["month"].isin(fresh)]
        session.add_all(
            StreetClassRow(
                street_code=row["street_code"],
                month=row["month"],
                proposed=row["proposed"] or None,
                reasons=row["reason"],
            )
            for row in rows.to_dict("records")
        )
        return len(rows)


def _is_over(desk: Desk, month: str, now: datetime) -> bool:
    end = make_month(month, make_window_rules(desk.constants), desk.zone).end_at
    return bool(now >= end.to_pydatetime())


def _review(session: Session, desk: Desk, counts: pd.DataFrame, now: datetime) -> pd.DataFrame:
    table = assess_counts(counts, desk.city.units, constants=desk.constants)
    streets = table[table["group"] == "streets"]
    chosen = CountFilter(first_on=ORIGIN, last_on=desk.get_day(now) + timedelta(days=1))
    months = count_area_months(session, "street", chosen)
    appeals = months[months["code"] != ""].set_index(["month", "code"])["n"]
    measures = make_measures(
        streets,
        appeals,
        population=find_month_population(desk.city.find_population, streets["month"]),
        constants=desk.constants,
    )
    return review_classes(measures, decisions=_find_decisions(session), constants=desk.constants)


def _find_decisions(session: Session) -> list[ClassDecision]:
    decided = sa.select(StreetClassRow).where(StreetClassRow.decided_at.is_not(None))
    return [
        ClassDecision(
            street_code=row.street_code,
            from_month=row.month,
            proposed=row.proposed or "",
            decided=row.decided or "",
            decided_by=row.decided_by or "",
            decided_at=row.decided_at,
            reason=row.reasons or "—",
        )
        for row in session.scalars(decided)
        if row.decided_at is not None
    ]
