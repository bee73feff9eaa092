"""Daily, weekly, monthly, review and yearly reports (日报告 周分析 月通报 点评会 年体检) from the kept counts alone.

A report is made once, after its period, and stays as it was made; what was missed during a stop is made up for. What
they say is composed by ``gridgov.rules.reports``, from files of orders alike.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.jobs.report_scopes import make_naming, make_scopes
from gridgov.rules.message_text import Language, MessageText, make_text
from gridgov.rules.order_labels import get_label
from gridgov.rules.plans.task_life import ENDED
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.rules.reports import (
    KINDS,
    Naming,
    Period,
    PeriodCounts,
    ReportScope,
    assess_period,
    compose_report,
    list_months,
    make_figures,
    read_figures,
)
from gridgov.rules.reports.compose import SCHEMA
from gridgov.rules.reports.counting import PeriodFigures
from gridgov.rules.reports.periods import DAY, list_past
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.outbox.deliver import notify
from gridgov.storage.db import transaction
from gridgov.storage.models.plans import PlanTask, Report
from gridgov.storage.queries.plans import get_hotspots, list_current_tasks
from gridgov.storage.queries.rate_counts import get_rate_counts
from gridgov.storage.queries.report_counts import count_period, find_first_day

FINE = frozenset({"monthly", "review", "yearly"})
"""Reports that tell communities and tags apart, for which the finest sums are read."""


def make_due_reports(
    sessions: sessionmaker[Session], runtime: CityRuntime, *, now: datetime
) -> list[tuple[str, str]]:
    """Make every report whose period is over and that is not there, those of a period in a transaction of their own.

    Returns
    -------
        Kind and period of those made.
    """
    with sessions() as session:
        first = find_first_day(session)
        known = {
            (kind, period)
            for kind, period in session.execute(sa.select(Report.kind, Report.period).distinct())
        }
    if first is None:
        return []
    due = [
        period
        for kind in KINDS
        # the older first: a report is compared with the one before as it was made
        for period in reversed(list_past(kind, runtime.get_day(now)))
        if period.last_on >= first
        and (kind, period.name) not in known
        and _is_over(runtime, period, now)
    ]
    for period in due:
        with transaction(sessions) as session:
            save_reports(session, runtime, period, now=now)
    return [(period.kind, period.name) for period in due]


def _is_over(runtime: CityRuntime, period: Period, now: datetime) -> bool:
    """Tell whether everything a report says has come to its end: one of months ranks by assessed months too."""
    midnight = datetime.combine(period.last_on + DAY, time(), runtime.zone)
    months = list_months(period).get("now", [])
    if not months:
        return now >= midnight
    end = make_month(months[-1], make_window_rules(runtime.constants), runtime.zone).end_at
    return bool(now >= max(midnight, end.to_pydatetime()))


def save_reports(session: Session, runtime: CityRuntime, period: Period, *, now: datetime) -> None:
    """Make and keep the reports of a period, one for each area that has one, and tell whom they are for."""
    for scope, content in make_reports(session, runtime, period, now=now):
        session.add(
            Report(
                kind=period.kind,
                period=period.name,
                unit_code=scope.unit_code,
                content=content,
                made_at=now,
            )
        )

        def say(language: Language) -> MessageText:
            facts = {
                "kind": get_label("report", period.kind, language=language),
                "period": period.name,
            }
            return make_text("report", facts, language)

        notify(
            session,
            at=now,
            topic="report",
            unit_codes=(scope.unit_code or runtime.desk_code,),
            say=say,
            data={"kind": period.kind, "period": period.name, "unit_code": scope.unit_code},
            key=f"report:{period.kind}:{period.name}"
            + (f":{scope.unit_code}" if scope.unit_code else ""),
        )


def make_reports(
    session: Session, runtime: CityRuntime, period: Period, *, now: datetime
) -> list[tuple[ReportScope, dict[str, Any]]]:
    """Return the reports of a period, ready for JSON (``rules.reports.compose_report``), of every area that has one."""
    city, naming = runtime.city, make_naming(runtime.city)
    counts, before, year_before = (
        count_period(session, one, is_fine=period.kind in FINE)
        for one in (period, period.before, period.year_before)
    )
    kept = {one.name: _get_kept(session, one) for one in (period.before, period.year_before)}
    months = sorted({month for names in list_months(period).values() for month in names})
    earlier = [str(pd.Period(month, "M") - 1) for month in months]
    assessed = (
        assess_period(
            get_rate_counts(session, months={*months, *earlier}),
            city.units,
            period,
            constants=runtime.constants,
        )
        if months
        else {}
    )
    is_planned = period.kind in FINE
    tasks = _list_tasks(session, runtime.get_day(now)) if is_planned else []
    hotspots = _list_hotspots(session) if is_planned else []
    return [
        (
            scope,
            compose_report(
                period,
                scope,
                counts,
                naming=naming,
                before=_find_figures(kept[period.before.name], before, scope, naming),
                year_before=_find_figures(
                    kept[period.year_before.name], year_before, scope, naming
                ),
                assessed=assessed,
                callbacks_min=int(runtime.constants.number("rates.callbacks_min")),
                tasks=tasks,
                hotspots=hotspots,
            ),
        )
        for scope in make_scopes(city, period)
    ]


def _get_kept(session: Session, period: Period) -> dict[str, dict[str, Any]]:
    """Return the reports of a period as they were made, by unit."""
    rows = session.execute(
        sa.select(Report.unit_code, Report.content).where(
            Report.kind == period.kind, Report.period == period.name
        )
    )
    return {unit: content for unit, content in rows if content.get("schema") == SCHEMA}


def _find_figures(
    kept: Mapping[str, dict[str, Any]], counts: PeriodCounts, scope: ReportScope, naming: Naming
) -> PeriodFigures:
    """Return the figures that a report is compared with: those of the report as it was made, else counted now."""
    content = kept.get(scope.unit_code)
    return make_figures(counts, scope, naming.tags) if content is None else read_figures(content)


def _list_tasks(session: Session, today: date) -> list[dict[str, Any]]:
    """Return the tasks of the plans in force that are not dropped, with whether their date has passed."""
    return [
        {
            "street_code": street_code,
            "task_no": task.task_no,
            "title": task.title,
            "lead": task.lead_unit_code or "",
            "state": task.state.value,
            "progress": float(task.progress_share),
            "due_on": task.due_on.isoformat() if task.due_on else "",
            "is_late": _is_late(task, today),
        }
        for street_code, task in list_current_tasks(session)
    ]


def _is_late(task: PlanTask, today: date) -> bool:
    return task.state not in ENDED and task.due_on is not None and task.due_on < today


def _list_hotspots(session: Session) -> list[dict[str, Any]]:
    frame = get_hotspots(session)
    return [
        {
            "street_code": row["street_code"] or "",
            "name": row["name"],
            "kind": row["kind"],
            "item": row["figures"].get("item_name") or row["item_code"],
            "count": int(row["count"]),
            "persons": int(row["figures"].get("persons") or 0),
            "expected": float(row["expected"]),
        }
        for row in frame.drop(columns="geometry").to_dict("records")
    ]
