"""Effects of tasks and analyses of the city, as the planning job kept them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.models.effects import Analysis, TaskEffect

DIFFICULTY, MEASURES, SEASONS = "difficulty", "measures", "seasons"
"""Kinds of analyses: rates adjusted for difficulty, effects pooled by measure, the pre-season list."""


@dataclass(frozen=True, kw_only=True)
class KeptAnalysis:
    """An analysis with the moment it was made."""

    made_at: datetime
    content: dict[str, Any]


def put_analysis(session: Session, kind: str, content: Mapping[str, Any], *, at: datetime) -> None:
    """Keep an analysis in place of the one before."""
    row = session.get(Analysis, kind)
    if row is None:
        session.add(Analysis(kind=kind, made_at=at, content=dict(content)))
    else:
        row.made_at, row.content = at, dict(content)
    session.flush()


def drop_analysis(session: Session, kind: str) -> None:
    """Remove an analysis that can no longer be made, so that nobody reads an old one as today's."""
    session.execute(sa.delete(Analysis).where(Analysis.kind == kind))


def get_analysis(session: Session, kind: str) -> KeptAnalysis | None:
    """Return the analysis of a kind, None where none was made."""
    row = session.get(Analysis, kind)
    return None if row is None else KeptAnalysis(made_at=row.made_at, content=dict(row.content))


def put_task_effects(session: Session, effects: Iterable[TaskEffect]) -> int:
    """Keep what was judged in place of what was judged before of the same tasks; return how many."""
    known = {(one.task_id, one.done_on): one for one in session.scalars(sa.select(TaskEffect))}
    n = 0
    for effect in effects:
        before = known.get((effect.task_id, effect.done_on))
        if before is not None:
            session.delete(before)
            session.flush()
        session.add(effect)
        n += 1
    session.flush()
    return n


def list_task_effects(session: Session) -> list[TaskEffect]:
    """Return the effects of all tasks, the one done last first."""
    chosen = sa.select(TaskEffect).order_by(
        TaskEffect.done_on.desc(), TaskEffect.plan_no, TaskEffect.task_no
    )
    return list(session.scalars(chosen))


def find_plan_effects(session: Session, task_ids: Iterable[str]) -> dict[str, TaskEffect]:
    """Return the last effect of each of some tasks by its id, which every revision of a plan shares."""
    chosen = (
        sa.select(TaskEffect)
        .where(TaskEffect.task_id.in_(list(task_ids)))
        .order_by(TaskEffect.done_on)
    )
    return {one.task_id: one for one in session.scalars(chosen)}
