"""States of a plan as one transition table: who may do what in which state, where it leads, what it needs.

draft → submitted → approved by a second person → running → closed. A draft that a newer one has taken the place of is
replaced; from the approval on the content is sealed. The table is assumed [A]: no city has published how its plans are
approved; the four-eyes rule is that of exclusions (DOMAIN.md section 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from gridgov.errors import GridgovError
from gridgov.rules.orders.transitions import Role

StateT = TypeVar("StateT", bound=StrEnum)
ActionT = TypeVar("ActionT", bound=StrEnum)


class PlanState(StrEnum):
    """Where a plan stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RUNNING = "running"
    CLOSED = "closed"
    REPLACED = "replaced"


class PlanAction(StrEnum):
    """What somebody does to a plan."""

    EDIT = "edit"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    RETURN = "return"
    APPROVE = "approve"
    START = "start"
    CLOSE = "close"
    REPLACE = "replace"


class Side(StrEnum):
    """How an account's unit stands to a plan or task; the first that fits counts."""

    STREET = "street"  # the street of the plan
    ABOVE = "above"  # the street is in the unit's subtree
    LEAD = "lead"  # the unit that answers for the task, or one above it
    SYSTEM = "system"  # a job of the program


class Need(StrEnum):
    """What an action must bring with it."""

    TEXT = "text"
    OTHER_PERSON = "other_person"  # nobody who wrote or submitted it
    UNIT = "unit"
    PROGRESS = "progress"


Permit = tuple[Role, Side]
"""A role, and how its unit stands to the plan."""

WRITERS: tuple[Permit, ...] = (
    (Role.PLANNER, Side.STREET),
    (Role.PLANNER, Side.ABOVE),
    (Role.STREET_CENTRE, Side.STREET),
)
DECIDERS: tuple[Permit, ...] = (
    (Role.PLANNER, Side.STREET),
    (Role.PLANNER, Side.ABOVE),
    (Role.SUPERVISOR, Side.STREET),
    (Role.SUPERVISOR, Side.ABOVE),
)


@dataclass(frozen=True, kw_only=True)
class Step(Generic[StateT, ActionT]):
    """One line of a table of transitions."""

    source: StateT
    action: ActionT
    target: StateT
    permits: tuple[Permit, ...]
    needs: tuple[Need, ...] = ()


_S, _A = PlanState, PlanAction
STEPS: tuple[Step[PlanState, PlanAction], ...] = (
    Step(source=_S.DRAFT, action=_A.EDIT, target=_S.DRAFT, permits=WRITERS),
    Step(source=_S.DRAFT, action=_A.SUBMIT, target=_S.SUBMITTED, permits=WRITERS),
    Step(
        source=_S.DRAFT,
        action=_A.REPLACE,
        target=_S.REPLACED,
        permits=((Role.PLANNER, Side.SYSTEM),),
    ),
    Step(source=_S.SUBMITTED, action=_A.WITHDRAW, target=_S.DRAFT, permits=WRITERS),
    Step(
        source=_S.SUBMITTED,
        action=_A.RETURN,
        target=_S.DRAFT,
        permits=DECIDERS,
        needs=(Need.TEXT,),
    ),
    Step(
        source=_S.SUBMITTED,
        action=_A.APPROVE,
        target=_S.APPROVED,
        permits=DECIDERS,
        needs=(Need.OTHER_PERSON,),
    ),
    Step(
        source=_S.APPROVED,
        action=_A.START,
        target=_S.RUNNING,
        permits=(*WRITERS, (Role.SUPERVISOR, Side.ABOVE)),
    ),
    Step(
        source=_S.RUNNING,
        action=_A.CLOSE,
        target=_S.CLOSED,
        permits=DECIDERS,
        needs=(Need.TEXT,),
    ),
)
"""Every step there is; what is not here is refused."""

SEALED = frozenset({PlanState.APPROVED, PlanState.RUNNING, PlanState.CLOSED})
"""States in which nobody may change a word of a plan."""


class LifeError(GridgovError):
    """A plan or task is not in the state for this, or not for this account.

    Attributes
    ----------
    key
        ``state``, ``permit`` or the need that is not met, for words of a page.
    """

    def __init__(self, what: str, action: str, key: str, why: str) -> None:
        self.what, self.action, self.key = what, action, key
        super().__init__(f"{what}: {action} is refused: {why}")


@dataclass(frozen=True, kw_only=True)
class Doer:
    """Who acts, as the tables ask.

    Parameters
    ----------
    person_key, role
        Of the account.
    sides
        How its unit stands to the thing.
    """

    person_key: str
    role: Role
    sides: frozenset[Side]


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What an action brings with it.

    Parameters
    ----------
    text
        Why, or what was done.
    unit_code
        Who shall answer.
    progress_share
        0-1.
    author_keys
        Who wrote or submitted the thing.
    """

    text: str = ""
    unit_code: str = ""
    progress_share: float | None = None
    author_keys: frozenset[str] = frozenset()


def find_steps(
    table: Sequence[Step[StateT, ActionT]], state: StateT, doer: Doer
) -> tuple[Step[StateT, ActionT], ...]:
    """Return what an account can do to a thing in a state, in the order of the table.

    Parameters
    ----------
    table
        :data:`STEPS` or ``task_life.TASK_STEPS``.
    state
        Where the thing stands.
    doer
        Who asks.
    """
    return tuple(step for step in table if step.source == state and _is_permitted(step, doer))


def take_step(
    table: Sequence[Step[StateT, ActionT]],
    what: str,
    state: StateT,
    action: ActionT,
    *,
    doer: Doer,
    brought: Brought,
) -> StateT:
    """Return the state to which an action leads.

    Parameters
    ----------
    table
        :data:`STEPS` or ``task_life.TASK_STEPS``.
    what
        Name of the thing, for the message.
    state, action
        Where it stands, and what shall be done.
    doer, brought
        Who, with what.

    Raises
    ------
    LifeError
        There is no such step from this state, it is not for this account, or something is missing.
    """
    steps = [step for step in table if step.source == state and step.action == action]
    if not steps:
        sources = ", ".join(step.source for step in table if step.action == action) or "no state"
        raise LifeError(what, action, "state", f"it is {state}; expected {sources}")
    allowed = [step for step in steps if _is_permitted(step, doer)]
    if not allowed:
        who = ", ".join(f"{role} ({side})" for role, side in steps[0].permits)
        sides = ", ".join(sorted(doer.sides)) or "neither its street nor above it"
        raise LifeError(what, action, "permit", f"it is for {who}, not for {doer.role} ({sides})")
    step = allowed[0]
    for need in step.needs:
        if fault := _find_fault(need, doer, brought):
            raise LifeError(what, action, need.value, fault)
    return step.target


def _is_permitted(step: Step[StateT, ActionT], doer: Doer) -> bool:
    return any(doer.role is role and side in doer.sides for role, side in step.permits)


def _find_fault(need: Need, doer: Doer, brought: Brought) -> str:
    """Return what is missing, empty for nothing."""
    if need is Need.TEXT and not brought.text.strip():
        return "no reason is given; expected a text"
    if need is Need.OTHER_PERSON and doer.person_key in brought.author_keys:
        return "whoever wrote or submitted it may not approve it; expected a second person"
    if need is Need.UNIT and not brought.unit_code:
        return "no unit is named; expected who shall answer for it"
    if need is Need.PROGRESS and not (
        brought.progress_share is not None and 0 <= brought.progress_share <= 1
    ):
        return f"progress is {brought.progress_share}; expected a share from 0 to 1"
    return ""
