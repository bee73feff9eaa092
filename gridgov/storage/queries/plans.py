"""What the planner left in the database: hotspots, classes of streets, plans with the progress of their tasks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import HotspotRow, Plan, PlanTask, Report, StreetClassRow
from gridgov.storage.statement_frames import to_frame

HOTSPOTS_COLUMNS = (
    "hotspot_no",
    "kind",
    "level1_code",
    "item_code",
    "name",
    "street_code",
    "community_code",
    "lon",
    "lat",
    "radius_m",
    "cells",
    "window_start",
    "window_end",
    "count",
    "expected",
    "q",
    "figures",
)
DONE, DROPPED = "done", "dropped"


def find_last_run(session: Session) -> datetime | None:
    """Return the moment from which the newest run of hotspots looked back, None where there is none."""
    return session.scalar(sa.select(sa.func.max(HotspotRow.run_at)))


def get_hotspots(session: Session, *, street_code: str | None = None) -> gpd.GeoDataFrame:
    """Return the hotspots of the newest run: :data:`HOTSPOTS_COLUMNS` and geometry, EPSG:4326, surest first."""
    newest = sa.select(sa.func.max(HotspotRow.run_at)).scalar_subquery()
    columns = [getattr(HotspotRow, name) for name in HOTSPOTS_COLUMNS]
    chosen = (
        sa.select(*columns, HotspotRow.shape)
        .where(HotspotRow.run_at == newest)
        .order_by(HotspotRow.q, HotspotRow.hotspot_no)
    )
    if street_code is not None:
        chosen = chosen.where(HotspotRow.street_code == street_code)
    frame = to_frame(session.execute(chosen), [*HOTSPOTS_COLUMNS, "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326")


def get_classes(session: Session) -> pd.DataFrame:
    """Return each street's newest class: ``street_code month proposed reasons decided decided_at class``.

    ``class`` is what a person decided, where somebody has, else what the rules propose.
    """
    newest = (
        sa.select(StreetClassRow.street_code, sa.func.max(StreetClassRow.month).label("month"))
        .group_by(StreetClassRow.street_code)
        .subquery()
    )
    row = StreetClassRow
    chosen = (
        sa.select(
            row.street_code, row.month, row.proposed, row.reasons, row.decided, row.decided_at
        )
        .join(newest, sa.and_(newest.c.street_code == row.street_code, newest.c.month == row.month))
        .order_by(row.street_code)
    )
    columns = ["street_code", "month", "proposed", "reasons", "decided", "decided_at"]
    frame = to_frame(session.execute(chosen), columns)
    frame["class"] = frame["decided"].where(frame["decided"].notna(), frame["proposed"])
    frame["class"] = frame["class"].fillna("")
    return frame


def get_plan_list(session: Session) -> pd.DataFrame:
    """Return the newest plan of each street with the progress of its tasks.

    Returns
    -------
        ``plan_no street_code period revision made_at tasks done progress late_on``: ``tasks`` without those dropped,
        ``progress`` the mean share from 0 to 1, missing without tasks, ``next_due`` the earliest date of a task that
        is not done.
    """
    newest = _newest_plans()
    open_due = sa.case((PlanTask.state.not_in((DONE, DROPPED)), PlanTask.due_on))
    kept = PlanTask.state != DROPPED
    chosen = (
        sa.select(
            Plan.plan_no,
            Plan.street_code,
            Plan.period,
            Plan.revision,
            Plan.made_at,
            sa.func.count(PlanTask.id).filter(kept).label("tasks"),
            sa.func.count(PlanTask.id).filter(PlanTask.state == DONE).label("done"),
            sa.func.avg(PlanTask.progress_share).filter(kept).label("progress"),
            sa.func.min(open_due).label("next_due"),
        )
        .join(newest, newest.c.id == Plan.id)
        .outerjoin(PlanTask, PlanTask.plan_id == Plan.id)
        .group_by(Plan.id)
        .order_by(Plan.street_code)
    )
    return pd.DataFrame(
        session.execute(chosen).all(), columns=[column.name for column in chosen.selected_columns]
    )


def _newest_plans() -> sa.Subquery:
    """Return the id of each street's newest plan: the plan made last, of equals the highest revision."""
    place = (
        sa.func.row_number()
        .over(
            partition_by=Plan.street_code,
            order_by=(Plan.made_at.desc(), Plan.revision.desc(), Plan.id.desc()),
        )
        .label("place")
    )
    numbered = sa.select(Plan.id, place).subquery()
    return sa.select(numbered.c.id).where(numbered.c.place == 1).subquery()


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanRecord:
    """A plan as it was fixed, with what has come of its tasks.

    Parameters
    ----------
    plan_no, street_code, period, revision, content_hash, made_at
        Of the plan.
    document
        Its JSON (``planner/documents/plan.schema.json``).
    tasks
        ``task_no state progress_share note updated_at`` by task number.
    """

    plan_no: str
    street_code: str
    period: str
    revision: int
    content_hash: str
    made_at: datetime
    document: dict[str, Any]
    tasks: dict[str, dict[str, Any]]


def find_plan(session: Session, street_code: str) -> PlanRecord | None:
    """Return the newest plan of a street, None where it has none."""
    newest = _newest_plans()
    plan = session.scalar(
        sa.select(Plan).join(newest, newest.c.id == Plan.id).where(Plan.street_code == street_code)
    )
    return None if plan is None else _make_record(session, plan)


def get_plan(session: Session, plan_no: str) -> PlanRecord:
    """Return a plan by its number.

    Raises
    ------
    NotFoundError
        There is none.
    """
    plan = session.scalar(sa.select(Plan).where(Plan.plan_no == plan_no))
    if plan is None:
        raise NotFoundError("plan", plan_no)
    return _make_record(session, plan)


def _make_record(session: Session, plan: Plan) -> PlanRecord:
    columns = ("task_no", "state", "progress_share", "note", "updated_at")
    rows = session.execute(
        sa.select(*(getattr(PlanTask, name) for name in columns)).where(PlanTask.plan_id == plan.id)
    )
    return PlanRecord(
        plan_no=plan.plan_no,
        street_code=plan.street_code,
        period=plan.period,
        revision=plan.revision,
        content_hash=plan.content_hash,
        made_at=plan.made_at,
        document=plan.document,
        tasks={row[0]: dict(zip(columns, row, strict=True)) for row in rows},
    )


def get_evidence(session: Session, order_nos: list[str]) -> pd.DataFrame:
    """Return the orders behind a task, newest first, as far as the session may see them.

    Returns
    -------
        ``order_no received_at text address state outcome item_code cell_code``.
    """
    chosen = (
        sa.select(
            Order.order_no,
            Order.received_at,
            Appeal.text,
            Appeal.address,
            Order.state,
            Order.outcome,
            Order.item_code,
            Order.cell_code,
        )
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(Order.order_no.in_(order_nos))
        .order_by(Order.received_at.desc(), Order.order_no)
    )
    names = [column.name for column in chosen.selected_columns]
    return to_frame(session.execute(chosen), names)


def get_reports(session: Session, *, limit: int = 60) -> pd.DataFrame:
    """Return reports, newest first: ``kind period unit_code made_at``."""
    chosen = (
        sa.select(Report.kind, Report.period, Report.unit_code, Report.made_at)
        .order_by(Report.made_at.desc(), Report.kind)
        .limit(limit)
    )
    return pd.DataFrame(
        session.execute(chosen).all(), columns=["kind", "period", "unit_code", "made_at"]
    )


def get_report(session: Session, kind: str, period: str, *, unit_code: str = "") -> dict[str, Any]:
    """Return the content of a report.

    Raises
    ------
    NotFoundError
        There is none.
    """
    found = session.scalar(
        sa.select(Report.content).where(
            Report.kind == kind, Report.period == period, Report.unit_code == unit_code
        )
    )
    if found is None:
        raise NotFoundError("report", f"{kind} {period}")
    return dict(found)
