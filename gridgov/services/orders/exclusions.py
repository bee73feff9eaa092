"""Exclusions (剔除): proposed by one person, approved by a second, withdrawn where they were wrong."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.needs import Actor, Facts, has_permit
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import BY_STATE, OrderAction, Relation, Role
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.handling import act
from gridgov.services.orders.proposals import add_proposal, find_proposal, log_exclusion
from gridgov.services.orders.rating import counted
from gridgov.services.orders.rows import get_order, make_rule_order
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.orders import Exclusion, Order
from gridgov.storage.scope.apply import without_row_scope

_SUPERVISOR = frozenset({(Role.SUPERVISOR, Relation.DESK)})


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An exclusion that waits for its second person."""

    exclusion_id: int
    order_no: str
    unit_code: str
    reason_code: str
    proposed_by: str
    proposed_at: datetime


def propose(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    *,
    actor: Actor,
    reason_code: str,
    at: datetime,
    seen_version: int | None = None,
) -> Exclusion:
    """Propose that an order shall not count; it counts until a second person has approved.

    Raises
    ------
    NotFoundError, ConflictError
        As :func:`gridgov.services.orders.handling.act`.
    OrderActionError
        The order is not in a state, or the account not one, of the transition ``exclude``.
    GridgovError
        The reason is not one of the city's, or the order has a proposal already.
    """
    row = get_order(session, order_no, seen_version=seen_version)
    _check_may_propose(runtime, row, actor)
    known = runtime.constants.texts("rates.exclusion_reasons")
    if reason_code not in known:
        raise GridgovError(
            f"order {order_no}: exclusion reason {reason_code!r}; expected one of {', '.join(known)}"
        )
    if find_proposal(session, row) is not None:
        raise GridgovError(
            f"order {order_no}: an exclusion is proposed already; approve or withdraw that one"
        )
    with without_row_scope(session):
        return add_proposal(session, row, actor=actor, reason_code=reason_code, at=at)


def _check_may_propose(runtime: CityRuntime, row: Order, actor: Actor) -> None:
    order = make_rule_order(row, runtime)
    transition = BY_STATE.get((order.state, OrderAction.EXCLUDE))
    if transition is not None and has_permit(order, actor, transition.who):
        return
    raise OrderActionError(
        order,
        OrderAction.EXCLUDE,
        actor,
        refusal="state" if transition is None else "who",
        message="an exclusion is proposed by its owner or a callback clerk, once the order is replied",
    )


def find_proposals(session: Session, *, at_most: int = 200) -> list[Proposal]:
    """Return the exclusions that wait for a second person, the oldest first."""
    query = (
        sa.select(Exclusion, Order.order_no, Order.unit_code)
        .join(Order, Order.id == Exclusion.order_id)
        .where(Exclusion.approved_at.is_(None), Exclusion.withdrawn_at.is_(None))
        .order_by(Exclusion.proposed_at, Exclusion.id)
        .limit(at_most)
    )
    return [
        Proposal(
            exclusion_id=one.id,
            order_no=order_no,
            unit_code=unit_code,
            reason_code=one.reason_code,
            proposed_by=one.proposed_by,
            proposed_at=one.proposed_at,
        )
        for one, order_no, unit_code in session.execute(query)
    ]


def approve(
    session: Session, runtime: CityRuntime, exclusion_id: int, *, actor: Actor, at: datetime
) -> Exclusion:
    """Approve a proposal as the second person: from now on the order does not count.

    Raises
    ------
    NotFoundError
        There is no open proposal with this number, or not for this account.
    ForbiddenError
        Who proposed it has no account any more.
    OrderActionError
        The second person is the first, or may not approve; or the order is no longer where it can be excluded.
    """
    exclusion, row = _get_open(session, exclusion_id)
    with without_row_scope(session), counted(session, runtime, row):
        first = _find_actor(session, exclusion.proposed_by)
        exclusion.approved_by, exclusion.approved_at = actor.person_key, at
        facts = Facts(at=at, reason_code=exclusion.reason_code, second=actor)
        act(session, runtime, row.order_no, OrderAction.EXCLUDE, actor=first, facts=facts)
    return exclusion


def withdraw(
    session: Session,
    runtime: CityRuntime,
    exclusion_id: int,
    *,
    actor: Actor,
    reason: str,
    at: datetime,
) -> Exclusion:
    """Take an exclusion back: a proposal by whoever made it or the desk's supervisor, an approved one by the latter.

    Raises
    ------
    NotFoundError
        There is no exclusion in force or proposed with this number, or not for this account.
    ForbiddenError, OrderActionError
        The account may not.
    """
    exclusion, row = _get(session, exclusion_id)
    reason = mask_text(reason)
    if exclusion.approved_at is None:
        is_supervisor = has_permit(make_rule_order(row, runtime), actor, _SUPERVISOR)
        if actor.person_key != exclusion.proposed_by and not is_supervisor:
            raise ForbiddenError(
                f"order {row.order_no}: a proposed exclusion is withdrawn by who proposed it, or by a "
                f"supervisor of {row.desk_code}, not by {actor.role} of {actor.unit_code}"
            )
        with without_row_scope(session):
            exclusion.withdrawn_at = at
            if row.call_again_at is None:
                # It was not to be given up, for whichever reason: the tries begin anew.
                row.calls_missed, row.call_again_at = 0, None
            log_exclusion(session, row, "withdraw_exclusion", actor, at, reason_code=reason)
        return exclusion
    with without_row_scope(session), counted(session, runtime, row):
        exclusion.withdrawn_at = at
        facts = Facts(at=at, reason_code=reason)
        act(session, runtime, row.order_no, OrderAction.READMIT, actor=actor, facts=facts)
    return exclusion


def check_belongs(session: Session, exclusion_id: int, order_no: str) -> None:
    """Make sure that an exclusion is of the order that an address names beside it.

    Raises
    ------
    NotFoundError
        It is not, or there is no such exclusion for this account.
    """
    if _get(session, exclusion_id)[1].order_no != order_no:
        raise NotFoundError("exclusion", str(exclusion_id))


def _get(session: Session, exclusion_id: int) -> tuple[Exclusion, Order]:
    query = (
        sa.select(Exclusion, Order)
        .join(Order, Order.id == Exclusion.order_id)
        .where(Exclusion.id == exclusion_id, Exclusion.withdrawn_at.is_(None))
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFoundError("exclusion", str(exclusion_id))
    return found[0], found[1]


def _get_open(session: Session, exclusion_id: int) -> tuple[Exclusion, Order]:
    exclusion, row = _get(session, exclusion_id)
    if exclusion.approved_at is not None:
        raise NotFoundError("proposed exclusion", str(exclusion_id))
    return exclusion, row


def _find_actor(session: Session, person_key: str) -> Actor:
    account = session.scalars(
        sa.select(Account).where(Account.person_key == person_key, Account.active)
    ).one_or_none()
    if account is None:
        raise ForbiddenError(
            "who proposed this exclusion has no account any more; withdraw it and propose it anew"
        )
    return Actor(person_key=person_key, role=account.role, unit_code=account.unit_code)
