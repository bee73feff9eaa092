"""What the planner found into the tables that pages read: hotspots, classes of streets, plans with their tasks."""

import json
from collections.abc import Hashable
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.pack.city import City
from gridgov.progress import Progress, ignore_progress
from gridgov.rules.catalogue import find_catalogue
from gridgov.services.class_reviews import find_class_decisions, propose_classes
from gridgov.services.plans.drafts import Draft, DraftTask, put_draft
from gridgov.services.topics import save_topics
from gridgov.storage.models import plans as rows
from gridgov.storage.order_frames import read_bounces, read_order_frame, read_transfers
from gridgov.storage.queries.effects import DIFFICULTY, SEASONS, drop_analysis, put_analysis
from planner.jobs.desk import PlanningResult, make_plans
from planner.jobs.difficulty import make_difficulty_report
from planner.jobs.done_tasks import judge_done_tasks, with_measured
from planner.jobs.season_list import make_season_list
from planner.jobs.topics import CITY, make_city_topics
from planner.plans.edits import merge_edits
from planner.plans.record import SCHEMA, Plan, make_content_hash, read_plan

KEPT = (
    "kind",
    "level1_code",
    "item_code",
    "name",
    "street_code",
    "community_code",
    "lon",
    "lat",
    "radius_m",
    "window_start",
    "window_end",
    "count",
    "expected",
    "q",
)
"""Columns of a hotspot that are columns of its table."""

FIGURES = (
    "level1_name",
    "item_name",
    "n_cells",
    "months",
    "persons",
    "issues",
    "ratio",
    "z",
    "gi",
    "p",
)
"""Those that stand in its ``figures``."""


def plan_database(
    session: Session,
    city: City,
    *,
    as_of: datetime,
    population: pd.Series | None = None,
    progress: Progress = ignore_progress,
) -> dict[str, int]:
    """Find hotspots and make plans from the orders of the database, and save them.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    city
        The pack that is loaded.
    as_of
        Aware; orders from this moment on do not count.
    population
        Residents by street code, where known.
    progress
        Told when a stage starts and ends.

    Raises
    ------
    PlannerError
        The city has no unit grid.
    """
    orders = read_order_frame(session, city.settings.timezone)
    proposed = propose_classes(session, city, now=as_of)
    result = make_plans(
        with_measured(session, city),
        orders,
        as_of=as_of,
        population=population,
        previous=find_previous(session),
        decisions=find_class_decisions(session),
        transfers=read_transfers(session, city.settings.timezone),
        progress=progress,
    )
    saved = load_planning(session, result, as_of=as_of)
    bounces = read_bounces(session)
    topics = save_city_topics(session, city, orders, as_of=as_of, bounces=bounces)
    difficulty = make_difficulty_report(city, orders, as_of=as_of, bounces=bounces)
    put_analysis(session, DIFFICULTY, difficulty, at=as_of)
    save_season_list(session, city, orders, result, as_of=as_of)
    judged = judge_done_tasks(session, city, orders, result.model, as_of=as_of)
    return {"classes": proposed, **saved, "topics": topics, "effects": judged}


def save_season_list(
    session: Session, city: City, orders: pd.DataFrame, result: PlanningResult, *, as_of: datetime
) -> None:
    """Keep the pre-season list of the year to come; without a count model there is none."""
    if result.model is None:
        drop_analysis(session, SEASONS)
        return
    codes = orders["item_code"].unique()
    catalogue = find_catalogue(city.catalogue, codes, constants=city.settings.constants)
    put_analysis(
        session, SEASONS, make_season_list(city, catalogue, result.model, as_of=as_of), at=as_of
    )


TOPIC_NAMES = ("topic_code", "name", "theme_code", "theme_name", "rank")
"""Columns of a candidate that are columns of its table; the others stand in its ``figures``."""


def save_city_topics(
    session: Session,
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    bounces: pd.Series | None = None,
) -> int:
    """Score the candidates for the coming year's topics, city and districts, and save them; return those of the city.

    What people chose before stays.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    orders
        ``gridgov.frames.ORDER_COLUMNS``, with ``kind``.
    as_of
        Aware.
    bounces
        Times an order was passed on, by order number, where known.
    """
    year = find_topic_year(as_of.astimezone(city.settings.timezone).date())
    counts = {}
    for scope in make_city_topics(city, orders, as_of=as_of, bounces=bounces):
        found = [_make_topic(one) for one in scope.topics.to_dict("records")]
        counts[scope.scope_code] = save_topics(
            session, found, year=year, scope_code=scope.scope_code, at=as_of
        )
    return counts.get(CITY, 0)


def find_topic_year(day: date) -> int:
    """Return the year that topics made on a day are for: from July on the next one."""
    return day.year + (day.month > 6)


def _make_topic(one: dict[Hashable, Any]) -> dict[str, Any]:
    """Return a candidate as a row of its table."""
    plain = {str(name): _plain(value) for name, value in one.items()}
    figures = {name: value for name, value in plain.items() if name not in TOPIC_NAMES}
    return {**{name: plain[name] for name in TOPIC_NAMES}, "figures": figures}


def find_previous(session: Session) -> dict[str, Plan]:
    """Return the newest plan of each street, as far as it is of the form of today."""
    newest = sa.select(rows.Plan).order_by(rows.Plan.street_code, rows.Plan.id)
    documents = {row.street_code: row.document for row in session.scalars(newest)}
    return {
        street: read_plan(document)
        for street, document in documents.items()
        if document.get("schema") == SCHEMA
    }


def load_planning(session: Session, result: PlanningResult, *, as_of: datetime) -> dict[str, int]:
    """Save hotspots and plans, and return how many rows are new; the same again adds nothing.

    A plan that a street has already for the period is followed by a new revision only where its content differs.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    result
        What was found.
    as_of
        The moment from which the planner looked back, aware.
    """
    return {
        "hotspots": _save_hotspots(session, result, as_of),
        "plans": sum(_save_plan(session, plan, as_of) for plan in result.plans),
    }


def _save_hotspots(session: Session, result: PlanningResult, as_of: datetime) -> int:
    """Save the hotspots of a run in place of those of an earlier run that looked back from the same moment."""
    session.execute(sa.delete(rows.HotspotRow).where(rows.HotspotRow.run_at == as_of))
    made = [_make_hotspot(one, as_of) for one in result.hotspots.to_dict("records")]
    session.add_all(made)
    session.flush()
    return len(made)


def _make_hotspot(one: dict[str, Any], as_of: datetime) -> rows.HotspotRow:
    kept = {name: _plain(one[name]) for name in KEPT}
    return rows.HotspotRow(
        run_at=as_of,
        hotspot_no=str(one["hotspot_id"]),
        cells=str(one["cells"]).split(";"),
        figures={name: _plain(one[name]) for name in FIGURES if name in one},
        shape=one["geometry"],
        **{**kept, **{name: _day(one[name]) for name in ("window_start", "window_end")}},
    )


def _plain(value: Any) -> Any:
    """Return a value as a database and JSON hold it."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _day(value: Any) -> date:
    day: date = pd.Timestamp(value).date()
    return day


def _save_plan(session: Session, plan: Plan, as_of: datetime) -> bool:
    """Save a plan as a draft, with what people wrote in the one before, unless it says the same."""
    street, period = str(plan.street["code"]), f"{plan.period['start']}/{plan.period['end']}"

    def make(newest: rows.Plan | None, revision: int) -> Draft | None:
        merged = plan
        if newest is not None and newest.document.get("edits"):
            merged = merge_edits(read_plan(newest.document), plan)
        content = make_content_hash(merged)
        if newest is not None and newest.period == period and newest.content_hash == content:
            return None
        return make_draft(replace(merged, revision=revision, content_hash=content))

    return put_draft(session, street, at=as_of, make=make, period=period) is not None


def make_draft(plan: Plan) -> Draft:
    """Return a plan as the service keeps it; its hash and revision must be set."""
    return Draft(
        street_code=str(plan.street["code"]),
        period=f"{plan.period['start']}/{plan.period['end']}",
        document=json.loads(json.dumps({"plan_no": plan.plan_no, **asdict(plan)})),
        tasks=tuple(
            DraftTask(
                task_no=task.task_no,
                task_id=task.task_id,
                hotspot_no=task.hotspot_id,
                title=task.title,
                lead_unit_code=None if task.lead is None else task.lead.unit_code,
                helper_unit_codes=tuple(one.unit_code for one in task.helpers),
                start_on=date.fromisoformat(task.start_on) if task.start_on else None,
                due_on=date.fromisoformat(task.due_on) if task.due_on else None,
            )
            for task in plan.tasks
        ),
    )
