"""Daily, weekly, monthly and yearly reports (日报告 周分析 月通报 年体检), made from the kept counts alone.

A report is made once, after its period, and stays as it was made; what was missed during a stop is made up for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.message_text import Language, MessageText, make_text
from gridgov.rules.order_labels import get_label
from gridgov.rules.rates.assessment import assess_counts
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.outbox.deliver import notify
from gridgov.storage.db import transaction
from gridgov.storage.models.plans import Report
from gridgov.storage.queries.map_counts import OUTCOMES, CountFilter, count_areas, count_days
from gridgov.storage.queries.rate_counts import get_rate_counts
from gridgov.storage.queries.report_counts import count_items, find_first_day

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Period:
    """What a report is about: days of receipt in the city's zone, both included."""

    name: str
    first_on: date
    last_on: date

    @property
    def before(self) -> tuple[date, date]:
        """Return the month or year before, as its own report has it; of other spans as many days just before."""
        last = self.first_on - DAY
        if self.is_year:
            return date(last.year, 1, 1), last
        if self.is_month:
            return last.replace(day=1), last
        return self.first_on - (self.last_on - self.first_on) - DAY, last

    @property
    def year_before(self) -> tuple[date, date]:
        """Return the same month or year a year earlier; of days and weeks the same days of the week 52 weeks earlier.

        A year against 364 days before would share days with itself; a day against its date would meet another weekday.
        """
        if self.is_year:
            return self.before
        if self.is_month:
            next_first = (self.last_on + DAY).replace(year=(self.last_on + DAY).year - 1)
            return self.first_on.replace(year=self.first_on.year - 1), next_first - DAY
        return self.first_on - 364 * DAY, self.last_on - 364 * DAY

    @property
    def is_month(self) -> bool:
        """Tell whether this is a whole calendar month."""
        ends = (self.last_on + DAY).day == 1
        return self.first_on.day == 1 and ends and (self.last_on - self.first_on).days < 31

    @property
    def is_year(self) -> bool:
        """Tell whether this is a whole calendar year."""
        return (self.first_on, self.last_on) == (
            date(self.first_on.year, 1, 1),
            date(self.first_on.year, 12, 31),
        )


def _find_days(today: date) -> Iterator[Period]:
    for back in range(1, 8):
        day = today - back * DAY
        yield Period(name=day.isoformat(), first_on=day, last_on=day)


def _find_weeks(today: date) -> Iterator[Period]:
    monday = today - today.weekday() * DAY
    for back in range(1, 5):
        first = monday - 7 * back * DAY
        year, week, _ = first.isocalendar()
        yield Period(name=f"{year}-W{week:02d}", first_on=first, last_on=first + 6 * DAY)


def _find_months(today: date) -> Iterator[Period]:
    last = today.replace(day=1) - DAY
    for _ in range(3):
        first = last.replace(day=1)
        yield Period(name=f"{first:%Y-%m}", first_on=first, last_on=last)
        last = first - DAY


def _find_years(today: date) -> Iterator[Period]:
    year = today.year - 1
    yield Period(name=str(year), first_on=date(year, 1, 1), last_on=date(year, 12, 31))


KINDS: Mapping[str, Callable[[date], Iterator[Period]]] = MappingProxyType(
    {"daily": _find_days, "weekly": _find_weeks, "monthly": _find_months, "yearly": _find_years}
)
"""Kind of report → the periods that are over and not too long ago to be made still, the latest first."""


def make_due_reports(
    sessions: sessionmaker[Session], runtime: CityRuntime, *, now: datetime
) -> list[tuple[str, str]]:
    """Make every report whose period is over and that is not there, each in a transaction of its own.

    Returns
    -------
        Kind and period of those made.
    """
    with sessions() as session:
        first = find_first_day(session)
        known = {
            (kind, period)
            for kind, period in session.execute(sa.select(Report.kind, Report.period))
        }
    if first is None:
        return []
    due = [
        (kind, period)
        for kind, find in KINDS.items()
        for period in find(runtime.get_day(now))
        if period.last_on >= first
        and (kind, period.name) not in known
        and _is_over(runtime, kind, period, now)
    ]
    for kind, period in due:
        with transaction(sessions) as session:
            _save(session, runtime, kind, period, now=now)
    return [(kind, period.name) for kind, period in due]


def _is_over(runtime: CityRuntime, kind: str, period: Period, now: datetime) -> bool:
    """Tell whether everything a report says has come to its end: a month ranks by the assessed month too."""
    midnight = datetime.combine(period.last_on + DAY, time(), runtime.zone)
    if kind != "monthly":
        return now >= midnight
    end = make_month(period.name, make_window_rules(runtime.constants), runtime.zone).end_at
    return bool(now >= max(midnight, end.to_pydatetime()))


def _save(
    session: Session, runtime: CityRuntime, kind: str, period: Period, *, now: datetime
) -> None:
    content = make_report(session, runtime, kind, period)
    session.add(Report(kind=kind, period=period.name, content=content, made_at=now))

    def say(language: Language) -> MessageText:
        facts = {"kind": get_label("report", kind, language=language), "period": period.name}
        return make_text("report", facts, language)

    notify(
        session,
        at=now,
        topic="report",
        unit_codes=(runtime.desk_code,),
        say=say,
        data={"kind": kind, "period": period.name},
        key=f"report:{kind}:{period.name}",
    )


def make_report(
    session: Session, runtime: CityRuntime, kind: str, period: Period
) -> dict[str, Any]:
    """Return what a report says, ready for JSON.

    ``received`` orders by day of receipt, of the ``before`` and ``year_before`` windows too; ``outcomes``; ``streets``
    and ``items`` with their number before; ``days`` where there are several; for a month ``ranking``.
    """
    span = (period.first_on, period.last_on)
    streets, before = (_count_streets(session, *days) for days in (span, period.before))
    content: dict[str, Any] = {
        "first_on": period.first_on.isoformat(),
        "last_on": period.last_on.isoformat(),
        "received": int(streets["n"].sum()),
        "received_before": int(before["n"].sum()),
        "received_year_before": int(_count_streets(session, *period.year_before)["n"].sum()),
        "outcomes": {name: int(streets[name].sum()) for name in OUTCOMES},
        "streets": _list_streets(runtime, streets, before),
        "items": _list_items(
            runtime, count_items(session, *span), count_items(session, *period.before)
        ),
    }
    if period.first_on < period.last_on:
        days = count_days(session, CountFilter(first_on=span[0], last_on=span[1]))
        content["days"] = {str(day): int(n) for day, n in days.items()}
    if kind == "monthly":
        content["ranking"] = rank_month(session, runtime, period.name)
    return content


def _count_streets(session: Session, first_on: date, last_on: date) -> pd.DataFrame:
    frame = count_areas(session, "street", CountFilter(first_on=first_on, last_on=last_on))
    return frame.set_index("code")


def _list_streets(
    runtime: CityRuntime, now: pd.DataFrame, before: pd.DataFrame
) -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "name": runtime.city.names.get(code, code),
            "before": int(before["n"].get(code, 0)),
            **{name: int(row[name]) for name in ("n", *OUTCOMES)},
        }
        for code, row in now.iterrows()
    ]


def _list_items(runtime: CityRuntime, now: pd.Series, before: pd.Series) -> list[dict[str, Any]]:
    catalogue = runtime.city.catalogue
    names: dict[str, str] = {}
    if catalogue is not None:
        items = catalogue.items.drop_duplicates("item_code", keep="last")
        names = dict(zip(items["item_code"], items["name"], strict=True))
    return [
        {
            "code": code,
            "name": names.get(str(code), str(code)),
            "n": int(n),
            "before": int(before.get(code, 0)),
        }
        for code, n in now.items()
    ]


def rank_month(session: Session, runtime: CityRuntime, month: str) -> list[dict[str, Any]]:
    """Return the ranking of an assessed month from the kept counts, ready for JSON."""
    table = make_ranking_table(session, runtime, month)
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def make_ranking_table(session: Session, runtime: CityRuntime, month: str) -> pd.DataFrame:
    """Return the rows of a month as ``rules.assessment.ASSESSMENT_COLUMNS``; the month before is compared with."""
    months = [str(pd.Period(month, "M") - 1), month]
    counts = get_rate_counts(session, months=months)
    table = assess_counts(counts, runtime.city.units, constants=runtime.constants)
    return table[table["month"] == month].reset_index(drop=True)
