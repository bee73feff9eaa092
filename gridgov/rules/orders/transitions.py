"""Order states as one transition table: who may do what in which state, where it leads, what it needs.

The states follow the law's course of an order (接 派 办 评, DOMAIN.md section 1): the unit replies, it never
closes; only what the person says in the callback closes an order. What is not in :data:`TRANSITIONS` is refused.

The service itself takes only the steps marked ``by_itself``: those that a date brings, or a step of another order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands."""

    RECEIVED = "received"
    NEEDS_INFORMATION = "needs_information"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    HANDLING = "handling"
    REPLIED = "replied"
    CALLBACK = "callback"
    CLOSED_SOLVED = "closed_solved"
    CLOSED_PARTLY = "closed_partly"
    CLOSED_UNSOLVED = "closed_unsolved"
    DISPUTED = "disputed"
    IN_CONFERENCE = "in_conference"
    WHISTLED = "whistled"
    RAISED = "raised"
    SUPERVISED = "supervised"
    SUSPENDED = "suspended"
    MERGED = "merged"
    EXCLUDED = "excluded"
    REOPENED = "reopened"


class OrderAction(StrEnum):
    """What somebody does to an order; each leads to one state, or leaves it where it stands."""

    ASK_INFORMATION = "ask_information"
    GIVE_INFORMATION = "give_information"
    DISPATCH = "dispatch"
    RECALL = "recall"
    REASSIGN = "reassign"
    KEEP_UNIT = "keep_unit"
    HAND_OVER = "hand_over"
    ANSWER_HANDED_OVER = "answer_handed_over"
    ANSWER_AT_DESK = "answer_at_desk"
    ACCEPT = "accept"
    DISPUTE = "dispute"
    UPHOLD_DISPUTE = "uphold_dispute"
    REJECT_DISPUTE = "reject_dispute"
    CALL_CONFERENCE = "call_conference"
    DECIDE_CONFERENCE = "decide_conference"
    CONTACT = "contact"
    HANDLE = "handle"
    NOTE = "note"
    ASK_EXTENSION = "ask_extension"
    GRANT_EXTENSION = "grant_extension"
    REFUSE_EXTENSION = "refuse_extension"
    BLOW_WHISTLE = "blow_whistle"
    RELEASE_WHISTLE = "release_whistle"
    RAISE = "raise"
    RETURN_RAISED = "return_raised"
    ASSIGN_RAISED = "assign_raised"
    SUPERVISE = "supervise"
    END_SUPERVISION = "end_supervision"
    SUSPEND = "suspend"
    RESUME = "resume"
    REPLY = "reply"
    RETURN_REPLY = "return_reply"
    CALL_BACK = "call_back"
    NOT_REACHED = "not_reached"
    CLOSE_SOLVED = "close_solved"
    CLOSE_PARTLY = "close_partly"
    CLOSE_UNSOLVED = "close_unsolved"
    MERGE = "merge"
    FOLLOW_ON = "follow_on"
    FOLLOW_REPLY = "follow_reply"
    FOLLOW_BACK = "follow_back"
    SPLIT = "split"
    EXCLUDE = "exclude"
    READMIT = "readmit"
    REOPEN = "reopen"


class Role(StrEnum):
    """Right of an account (DOMAIN.md section 8)."""

    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    CALLBACK_CLERK = "callback_clerk"
    SUPERVISOR = "supervisor"
    STREET_CENTRE = "street_centre"
    HANDLER = "handler"
    FIELD_STAFF = "field_staff"
    PLANNER = "planner"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Relation(StrEnum):
    """How an account's unit stands to an order."""

    DESK = "desk"  # the hotline that keeps the order
    OWNER = "owner"  # the unit that answers for it
    SUPERIOR = "superior"  # above the owner


class Need(StrEnum):
    """What an action must bring with it; how each is checked stands in ``order_needs.CHECKS``."""

    REASON = "reason"
    TEXT = "text"
    UNIT = "unit"
    OTHER_UNIT = "other_unit"
    TERRITORY = "territory"
    DATE = "date"
    SUSPENSION_DATE = "suspension_date"
    SUPERVISION_DATE = "supervision_date"
    EXTENSION_DATE = "extension_date"
    EXTENSION_ASKED = "extension_asked"
    ANSWER = "answer"
    OTHER_PERSON = "other_person"
    SECOND_PERSON = "second_person"
    TARGET_ORDER = "target_order"
    NOT_AT_DESK = "not_at_desk"
    NOT_BOUND = "not_bound"
    CHANGED_FACTS = "changed_facts"
    EMERGENCY_UNIT = "emergency_unit"
    REFERENCE = "reference"
    PERSONS = "persons"


Permit = tuple[Role, Relation]
"""A role, and how its unit must stand to the order."""


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One line of the table.

    Parameters
    ----------
    action
        What is done.
    sources
        States in which it may be done.
    target
        State to which it leads; None: the order stays where it stands.
    who
        Who may do it.
    needs
        What it must bring.
    second
        Who may be the second person, where one is needed.
    reasons
        Constant that lists the reason codes allowed; empty: any code.
    by_itself
        Whether the service itself takes this step, because a date has come or another order has brought it along.
    """

    action: OrderAction
    sources: frozenset[OrderState]
    target: OrderState | None
    who: frozenset[Permit]
    needs: tuple[Need, ...] = ()
    second: frozenset[Permit] = frozenset()
    reasons: str = ""
    by_itself: bool = False

    def find_target(self, state: OrderState) -> OrderState:
        """Return where an order that stands at `state` is after it."""
        return state if self.target is None else self.target


def _permits(relation: Relation, *roles: Role) -> frozenset[Permit]:
    return frozenset((role, relation) for role in roles)


_DISPATCHER = _permits(Relation.DESK, Role.DISPATCHER)
_CLERK = _permits(Relation.DESK, Role.CALLBACK_CLERK)
_OPERATOR = _permits(Relation.DESK, Role.OPERATOR, Role.DISPATCHER)
_SUPERVISOR = _permits(Relation.DESK, Role.SUPERVISOR) | _permits(
    Relation.SUPERIOR, Role.SUPERVISOR
)
# A desk beside the hotline, such as that of firms, works its own orders with the roles of a desk.
_OWNER = _permits(Relation.OWNER, Role.STREET_CENTRE, Role.HANDLER, Role.OPERATOR, Role.DISPATCHER)
_ON_SITE = _OWNER | _permits(Relation.OWNER, Role.FIELD_STAFF)
_STREET = _permits(Relation.OWNER, Role.STREET_CENTRE)

_S, _A, _N = OrderState, OrderAction, Need
CLOSED = frozenset({_S.CLOSED_SOLVED, _S.CLOSED_PARTLY, _S.CLOSED_UNSOLVED})
FINAL = CLOSED | {_S.EXCLUDED}
"""States in which an order may rest; a person may still reopen or readmit it. One that is merged into another waits for
that one's reply, and then for a callback of its own."""
UNDOABLE = frozenset(
    {
        _A.ASK_INFORMATION,
        _A.GIVE_INFORMATION,
        _A.DISPATCH,
        _A.RECALL,
        _A.ANSWER_AT_DESK,
        _A.ACCEPT,
        _A.CONTACT,
        _A.HANDLE,
        _A.RAISE,
        _A.RETURN_RAISED,
        _A.SUPERVISE,
        _A.END_SUPERVISION,
        _A.REPLY,
        _A.RETURN_REPLY,
    }
)
"""Steps that who took them may take back for a few minutes: all that they change stands in the order itself."""


def _row(
    action: OrderAction,
    sources: tuple[OrderState, ...] | frozenset[OrderState],
    target: OrderState | None,
    who: frozenset[Permit],
    *needs: Need,
    second: frozenset[Permit] = frozenset(),
    reasons: str = "",
    by_itself: bool = False,
) -> Transition:
    return Transition(
        action=action,
        sources=frozenset(sources),
        target=target,
        who=who,
        needs=needs,
        second=second,
        reasons=reasons,
        by_itself=by_itself,
    )


_AT_WORK = frozenset(
    {_S.ACCEPTED, _S.CONTACTED, _S.HANDLING, _S.WHISTLED, _S.RAISED, _S.SUPERVISED}
)
"""A unit works on it and its clock runs."""
_NOBODY: frozenset[Permit] = frozenset()


TRANSITIONS: tuple[Transition, ...] = (
    # --- intake and dispatch ---------------------------------------------------------------------
    _row(_A.ASK_INFORMATION, (_S.RECEIVED,), _S.NEEDS_INFORMATION, _OPERATOR, _N.TEXT),
    _row(_A.GIVE_INFORMATION, (_S.NEEDS_INFORMATION,), _S.RECEIVED, _OPERATOR, _N.TEXT),
    _row(_A.DISPATCH, (_S.RECEIVED, _S.REOPENED), _S.DISPATCHED, _DISPATCHER, _N.UNIT),
    # A ruling stays: who was named by one keeps the order.
    _row(
        _A.RECALL,
        (_S.DISPATCHED, _S.ACCEPTED),
        _S.RECEIVED,
        _DISPATCHER,
        _N.REASON,
        _N.NOT_BOUND,
    ),
    # Only where the facts have changed since: an item, a place or a boundary that was corrected.
    _row(
        _A.REASSIGN,
        (_S.DISPATCHED, _S.ACCEPTED, _S.CONTACTED, _S.HANDLING),
        _S.DISPATCHED,
        _DISPATCHER,
        _N.OTHER_UNIT,
        _N.REASON,
        _N.CHANGED_FACTS,
    ),
    _row(
        _A.KEEP_UNIT,
        _AT_WORK | {_S.DISPATCHED, _S.SUSPENDED},
        None,
        _DISPATCHER,
        _N.REASON,
        _N.CHANGED_FACTS,
    ),
    # An emergency service has its own numbers and no account here; the link goes back over the desk (DOMAIN 1 [D]).
    _row(
        _A.HAND_OVER,
        (_S.DISPATCHED,),
        _S.HANDLING,
        _OPERATOR,
        _N.EMERGENCY_UNIT,
        _N.REFERENCE,
    ),
    _row(
        _A.ANSWER_HANDED_OVER,
        (_S.HANDLING,),
        _S.REPLIED,
        _OPERATOR,
        _N.EMERGENCY_UNIT,
        _N.TEXT,
    ),
    _row(_A.ANSWER_AT_DESK, (_S.RECEIVED, _S.NEEDS_INFORMATION), _S.REPLIED, _OPERATOR, _N.TEXT),
    _row(_A.ACCEPT, (_S.DISPATCHED,), _S.ACCEPTED, _OWNER),
    # --- first receiver: only territory may be disputed, once, with evidence (DOMAIN 1 [D]) --------
    _row(_A.DISPUTE, (_S.DISPATCHED,), _S.DISPUTED, _OWNER, _N.TERRITORY),
    _row(_A.UPHOLD_DISPUTE, (_S.DISPUTED,), _S.DISPATCHED, _DISPATCHER, _N.OTHER_UNIT, _N.REASON),
    _row(_A.REJECT_DISPUTE, (_S.DISPUTED,), _S.DISPATCHED, _DISPATCHER, _N.REASON),
    _row(
        _A.CALL_CONFERENCE,
        (_S.DISPUTED,),
        _S.IN_CONFERENCE,
        _DISPATCHER | _SUPERVISOR,
        _N.DATE,
        _N.PERSONS,
    ),
    _row(
        _A.DECIDE_CONFERENCE,
        (_S.IN_CONFERENCE,),
        _S.DISPATCHED,
        _SUPERVISOR,
        _N.UNIT,
        _N.REASON,
        _N.TEXT,
    ),
    # --- handling: first the person, then the matter ---------------------------------------------
    _row(_A.CONTACT, (_S.ACCEPTED,), _S.CONTACTED, _ON_SITE),
    _row(_A.HANDLE, (_S.CONTACTED,), _S.HANDLING, _ON_SITE),
    _row(
        _A.NOTE,
        _AT_WORK | {_S.DISPATCHED, _S.SUSPENDED},
        None,
        _ON_SITE | _SUPERVISOR | _DISPATCHER,
        _N.TEXT,
    ),
    # 延期: asked by the unit, granted by whoever supervises it; the clock moves only with the grant.
    _row(_A.ASK_EXTENSION, _AT_WORK, None, _OWNER, _N.REASON, _N.EXTENSION_DATE),
    _row(_A.GRANT_EXTENSION, _AT_WORK, None, _SUPERVISOR, _N.EXTENSION_ASKED),
    _row(_A.REFUSE_EXTENSION, _AT_WORK, None, _SUPERVISOR, _N.EXTENSION_ASKED, _N.REASON),
    _row(_A.BLOW_WHISTLE, (_S.CONTACTED, _S.HANDLING), _S.WHISTLED, _STREET, _N.REASON),
    _row(_A.RELEASE_WHISTLE, (_S.WHISTLED,), _S.HANDLING, _STREET, _N.TEXT),
    _row(_A.RAISE, (_S.HANDLING, _S.WHISTLED), _S.RAISED, _OWNER | _SUPERVISOR, _N.REASON),
    _row(_A.RETURN_RAISED, (_S.RAISED,), _S.HANDLING, _SUPERVISOR, _N.REASON),
    _row(_A.ASSIGN_RAISED, (_S.RAISED,), _S.DISPATCHED, _SUPERVISOR, _N.OTHER_UNIT, _N.REASON),
    _row(
        _A.SUPERVISE,
        (_S.HANDLING, _S.WHISTLED, _S.RAISED),
        _S.SUPERVISED,
        _SUPERVISOR,
        _N.REASON,
        _N.SUPERVISION_DATE,
    ),
    _row(_A.END_SUPERVISION, (_S.SUPERVISED,), _S.HANDLING, _SUPERVISOR, _N.TEXT),
    _row(
        _A.SUSPEND,
        (_S.HANDLING, _S.RAISED, _S.SUPERVISED),
        _S.SUSPENDED,
        _OWNER,
        _N.REASON,
        _N.SUSPENSION_DATE,
        _N.SECOND_PERSON,
        second=_SUPERVISOR,
        reasons="deadlines.suspension_reasons",
    ),
    # A pause until a date ends on it: nobody must remember.
    _row(_A.RESUME, (_S.SUSPENDED,), _S.HANDLING, _OWNER | _SUPERVISOR, by_itself=True),
    _row(_A.REPLY, (_S.HANDLING, _S.RAISED, _S.SUPERVISED), _S.REPLIED, _OWNER, _N.TEXT),
    # --- evaluation: the person's answer closes, nobody else ---------------------------------------
    _row(
        _A.RETURN_REPLY, (_S.REPLIED,), _S.HANDLING, _CLERK | _DISPATCHER, _N.REASON, _N.NOT_AT_DESK
    ),
    _row(_A.CALL_BACK, (_S.REPLIED,), _S.CALLBACK, _CLERK),
    _row(
        _A.NOT_REACHED,
        (_S.CALLBACK,),
        _S.REPLIED,
        _CLERK,
        _N.REASON,
        reasons="rates.not_reached_reasons",
    ),
    *(
        _row(action, (_S.CALLBACK,), target, _CLERK, _N.ANSWER, _N.OTHER_PERSON)
        for action, target in (
            (_A.CLOSE_SOLVED, _S.CLOSED_SOLVED),
            (_A.CLOSE_PARTLY, _S.CLOSED_PARTLY),
            (_A.CLOSE_UNSOLVED, _S.CLOSED_UNSOLVED),
        )
    ),
    # What the desk itself answered is reopened and sent out, because nobody else has it.
    _row(
        _A.REOPEN, CLOSED | {_S.REPLIED}, _S.REOPENED, _OPERATOR | _CLERK | _SUPERVISOR, _N.REASON
    ),
    # --- corrections -------------------------------------------------------------------------------
    _row(
        _A.MERGE,
        (_S.RECEIVED, _S.NEEDS_INFORMATION, _S.DISPATCHED, _S.ACCEPTED, _S.CONTACTED, _S.HANDLING),
        _S.MERGED,
        _DISPATCHER,
        _N.TARGET_ORDER,
    ),
    # Every appellant is called back: with the reply of the order that goes on, each one merged into it is to be called.
    _row(_A.FOLLOW_ON, (_S.MERGED,), None, _NOBODY, _N.TARGET_ORDER, by_itself=True),
    _row(_A.FOLLOW_REPLY, (_S.MERGED,), _S.REPLIED, _NOBODY, by_itself=True),
    _row(_A.FOLLOW_BACK, (_S.REPLIED, _S.CALLBACK), _S.MERGED, _NOBODY, by_itself=True),
    _row(_A.SPLIT, (_S.MERGED,), _S.RECEIVED, _DISPATCHER, _N.REASON),
    _row(
        _A.EXCLUDE,
        CLOSED | {_S.REPLIED, _S.CALLBACK},
        _S.EXCLUDED,
        _OWNER | _CLERK,
        _N.REASON,
        _N.SECOND_PERSON,
        second=_permits(Relation.DESK, Role.SUPERVISOR),
        reasons="rates.exclusion_reasons",
    ),
    _row(
        _A.READMIT,
        (_S.EXCLUDED,),
        _S.REPLIED,
        _permits(Relation.DESK, Role.SUPERVISOR),
        _N.REASON,
    ),
)
"""Everything that may happen to an order. Which roles there are is documented [D], which of them may do what is
assumed [A] where the law does not say it."""

BY_STATE: Mapping[tuple[OrderState, OrderAction], Transition] = {
    (source, row.action): row for row in TRANSITIONS for source in row.sources
}
