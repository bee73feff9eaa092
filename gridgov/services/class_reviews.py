"""Monthly proposals for the classes of streets (先进 进步 整改 治理), from the kept counts; people decide."""

from datetime import date, datetime, timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.pack.city import City
from gridgov.rules.rates.assessment import assess_counts
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.rules.streets import ClassDecision, review_months
from gridgov.storage.models.plans import StreetClassRow
from gridgov.storage.queries.map_counts import CountFilter, count_area_months
from gridgov.storage.queries.rate_counts import get_rate_counts

ORIGIN = date(1990, 1, 1)
"""Before any counts."""


def propose_classes(session: Session, city: City, *, now: datetime) -> int:
    """Propose the classes of every assessed month that is over and not yet proposed; return how many rows.

    The only writer of proposals. The rules look at the months before too, and start from what people decided
    (``rules.streets.class_review``). Appeals are counted at the place, by calendar month of receipt.
    """
    known = set(session.scalars(sa.select(StreetClassRow.month).distinct()))
    counts = get_rate_counts(session)
    over = [month for month in sorted(counts["month"].unique()) if _is_over(city, month, now)]
    fresh = [month for month in over if month not in known]
    if not fresh:
        return 0
    proposals = _review(session, city, counts[counts["month"].isin(over)], now)
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


def _is_over(city: City, month: str, now: datetime) -> bool:
    rules = make_window_rules(city.settings.constants)
    return bool(now >= make_month(month, rules, city.settings.timezone).end_at.to_pydatetime())


def _review(session: Session, city: City, counts: pd.DataFrame, now: datetime) -> pd.DataFrame:
    constants = city.settings.constants
    tomorrow = now.astimezone(city.settings.timezone).date() + timedelta(days=1)
    chosen = CountFilter(first_on=ORIGIN, last_on=tomorrow)
    months = count_area_months(session, "street", chosen)
    return review_months(
        assess_counts(counts, city.units, constants=constants),
        city.streets["street_code"],
        months[months["code"] != ""].set_index(["month", "code"])["n"],
        constants=constants,
        find_population=city.find_population,
        decisions=find_class_decisions(session),
    )


def find_class_decisions(session: Session) -> list[ClassDecision]:
    """Return what people decided about the classes of streets."""
    decided = sa.select(StreetClassRow).where(StreetClassRow.decided_at.is_not(None))
    return [
        ClassDecision(
            street_code=row.street_code,
            from_month=row.month,
            proposed=row.proposed or "",
            decided=row.decided or "",
            decided_by=row.decided_by or "",
            decided_at=row.decided_at,
            reason=row.decided_reason or row.reasons or "—",
        )
        for row in session.scalars(decided)
        if row.decided_at is not None
    ]
