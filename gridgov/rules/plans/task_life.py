"""States of a plan's task as a transition table, and when one is slipping.

open → assigned to a unit and a person → accepted → running with notes and progress → done; dropped with a reason.
Assumed [A] like the table of plans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.life import DECIDERS, WRITERS, Need, Permit, Side, Step


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    DROPPED = "dropped"


class TaskAction(StrEnum):
    """What somebody does to a task."""

    ASSIGN = "assign"
    ACCEPT = "accept"
    DECLINE = "decline"
    ADVANCE = "advance"
    FINISH = "finish"
    REOPEN = "reopen"
    DROP = "drop"


LEADS: tuple[Permit, ...] = (
    (Role.HANDLER, Side.LEAD),
    (Role.STREET_CENTRE, Side.LEAD),
    (Role.FIELD_STAFF, Side.LEAD),
    (Role.PLANNER, Side.LEAD),
)
_S, _A = TaskState, TaskAction
_GIVERS = (*WRITERS, (Role.SUPERVISOR, Side.ABOVE))


def _step(
    source: TaskState,
    action: TaskAction,
    target: TaskState,
    permits: tuple[Permit, ...],
    *needs: Need,
) -> Step[TaskState, TaskAction]:
    return Step(source=source, action=action, target=target, permits=permits, needs=needs)


TASK_STEPS: tuple[Step[TaskState, TaskAction], ...] = (
    _step(_S.OPEN, _A.ASSIGN, _S.ASSIGNED, _GIVERS, Need.UNIT),
    _step(_S.ASSIGNED, _A.ASSIGN, _S.ASSIGNED, _GIVERS, Need.UNIT),
    _step(_S.ASSIGNED, _A.ACCEPT, _S.ACCEPTED, LEADS),
    _step(_S.ASSIGNED, _A.DECLINE, _S.OPEN, LEADS, Need.TEXT),
    _step(_S.ACCEPTED, _A.ADVANCE, _S.RUNNING, LEADS, Need.PROGRESS, Need.TEXT),
    _step(_S.RUNNING, _A.ADVANCE, _S.RUNNING, LEADS, Need.PROGRESS, Need.TEXT),
    _step(_S.RUNNING, _A.FINISH, _S.DONE, LEADS, Need.TEXT),
    _step(_S.DONE, _A.REOPEN, _S.RUNNING, DECIDERS, Need.TEXT),
    *(
        _step(source, _A.DROP, _S.DROPPED, DECIDERS, Need.TEXT)
        for source in (_S.OPEN, _S.ASSIGNED, _S.ACCEPTED, _S.RUNNING)
    ),
)
"""Every step there is, while the plan runs; what is not here is refused."""

AT_WORK = frozenset({TaskState.ASSIGNED, TaskState.ACCEPTED, TaskState.RUNNING})
ENDED = frozenset({TaskState.DONE, TaskState.DROPPED})
WEEK = timedelta(days=7)
BEHIND_SHARE = 0.25
"""A task is behind whose progress lies so far below the time that has passed. Assumed [A]."""


@dataclass(frozen=True, kw_only=True)
class TaskDates:
    """What decides whether a task slips.

    Parameters
    ----------
    state
        Where it stands.
    start_on, due_on
        None where not dated.
    told_on
        Day of the last note or step; None: none yet.
    progress_share
        0-1.
    """

    state: TaskState
    start_on: date | None
    due_on: date | None
    told_on: date | None
    progress_share: float


def find_slips(task: TaskDates, today: date) -> tuple[str, ...]:
    """Return why a task slips, the gravest first; empty: it does not.

    Returns
    -------
        ``overdue`` · ``not_begun``: its start has passed and nobody has accepted it · ``behind``: progress lies
        :data:`BEHIND_SHARE` or more below the time that has passed · ``silent``: a week without a word.
    """
    if task.state in ENDED:
        return ()
    found = []
    begun = task.start_on is not None and task.start_on <= today
    if task.due_on is not None and task.due_on < today:
        found.append("overdue")
    elif begun and task.due_on is not None and task.start_on is not None:
        length = max((task.due_on - task.start_on).days, 1)
        passed = (today - task.start_on).days / length
        if passed - task.progress_share >= BEHIND_SHARE and task.state is TaskState.RUNNING:
            found.append("behind")
    if begun and task.state in {TaskState.OPEN, TaskState.ASSIGNED}:
        found.append("not_begun")
    if begun and task.state in {TaskState.ACCEPTED, TaskState.RUNNING}:
        last = task.told_on or task.start_on
        if last is not None and today - last > WEEK:
            found.append("silent")
    return tuple(found)


def find_weeks(first: date, last: date) -> Sequence[date]:
    """Return the Mondays of the weeks from `first` to `last`."""
    monday = first - timedelta(days=first.weekday())
    return [monday + WEEK * at for at in range((last - monday).days // 7 + 1)]
