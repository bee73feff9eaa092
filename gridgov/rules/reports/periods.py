"""Days, weeks, months and years of receipt that reports are about, and what each is compared with."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from gridgov.errors import GridgovError

DAY = timedelta(days=1)
WEEKS_A_YEAR = timedelta(weeks=52)


@dataclass(frozen=True, kw_only=True)
class ReportKind:
    """A kind of report.

    Parameters
    ----------
    span
        What one report is about: ``day``, ``week``, ``month`` or ``year``.
    kept
        How many of the last periods are still made up for.
    levels
        Of which areas there is one each: ``city``, ``district``, ``street``.
    """

    span: str
    kept: int
    levels: tuple[str, ...] = ("city",)


KINDS: Mapping[str, ReportKind] = MappingProxyType(
    {
        "daily": ReportKind(span="day", kept=7),
        "weekly": ReportKind(span="week", kept=4),
        "monthly": ReportKind(span="month", kept=3),
        "review": ReportKind(span="month", kept=1, levels=("district", "street")),
        "yearly": ReportKind(span="year", kept=1),
    }
)
"""日报告, 周分析, 月通报, 点评会, 年体检 (DOMAIN.md section 7)."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """What a report is about: days of receipt in the city's zone, both included.

    Parameters
    ----------
    kind
        Of the report, one of :data:`KINDS`.
    name
        2025-05-31, 2025-W22, 2025-05 or 2025.
    first_on, last_on
        Its days.
    """

    kind: str
    name: str
    first_on: date
    last_on: date

    @property
    def before(self) -> "Period":
        """Return the period just before, as its own report has it."""
        return make_period(self.kind, self.first_on - DAY)

    @property
    def year_before(self) -> "Period":
        """Return the same month or year a year earlier; of days and weeks the same days of the week 52 weeks earlier.

        A year against 364 days before would share days with itself; a day against its date would meet another weekday.
        """
        if KINDS[self.kind].span in {"day", "week"}:
            return make_period(self.kind, self.first_on - WEEKS_A_YEAR)
        return make_period(self.kind, self.first_on.replace(year=self.first_on.year - 1))

    @property
    def is_one_day(self) -> bool:
        """Tell whether it is a single day."""
        return self.first_on == self.last_on


def _make_day(day: date) -> tuple[str, date, date]:
    return day.isoformat(), day, day


def _make_week(day: date) -> tuple[str, date, date]:
    first = day - day.weekday() * DAY
    year, week, _ = first.isocalendar()
    return f"{year}-W{week:02d}", first, first + 6 * DAY


def _make_month(day: date) -> tuple[str, date, date]:
    first = day.replace(day=1)
    last = (first + 31 * DAY).replace(day=1) - DAY
    return f"{first:%Y-%m}", first, last


def _make_year(day: date) -> tuple[str, date, date]:
    return f"{day.year:04d}", date(day.year, 1, 1), date(day.year, 12, 31)


_SPANS: Mapping[str, Callable[[date], tuple[str, date, date]]] = MappingProxyType(
    {"day": _make_day, "week": _make_week, "month": _make_month, "year": _make_year}
)
_FORMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "day": (r"\d{4}-\d{2}-\d{2}", "2025-05-31"),
        "week": (r"\d{4}-W\d{2}", "2025-W22"),
        "month": (r"\d{4}-\d{2}", "2025-05"),
        "year": (r"\d{4}", "2025"),
    }
)


def make_period(kind: str, day: date) -> Period:
    """Return the period of a kind of report that holds a day.

    Raises
    ------
    GridgovError
        There is no such kind.
    """
    name, first, last = _SPANS[_get_kind(kind).span](day)
    return Period(kind=kind, name=name, first_on=first, last_on=last)


def read_period(kind: str, name: str) -> Period:
    """Return the period of a kind of report by its name.

    Raises
    ------
    GridgovError
        There is no such kind, or the name is not one of its form.
    """
    form, example = _FORMS[_get_kind(kind).span]
    if re.fullmatch(form, name, flags=re.ASCII):
        texts = {"week": f"{name}-1", "month": f"{name}-01", "year": f"{name}-01-01"}
        try:
            return make_period(kind, date.fromisoformat(texts.get(KINDS[kind].span, name)))
        except (ValueError, OverflowError):
            pass
    raise GridgovError(
        f"period {name!r} of a {kind} report; expected a {KINDS[kind].span} such as {example}"
    )


def _get_kind(kind: str) -> ReportKind:
    if kind not in KINDS:
        raise GridgovError(f"kind of report {kind!r}; expected one of {', '.join(KINDS)}")
    return KINDS[kind]


def list_past(kind: str, today: date) -> list[Period]:
    """Return the last periods of a kind that are over and still made up for, the newest first."""
    made, at = [], make_period(kind, today)
    for _ in range(KINDS[kind].kept):
        at = at.before
        made.append(at)
    return made
