"""Issues at work: several orders on the same thing at the same place, merged and split with their lineage kept.

The rules (``rules.issue_lineage``) work on a book of the issues concerned; their members are orders here. Every order
keeps its own state and callback: ten callers of one issue get ten calls.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from gridgov.errors import ConflictError, ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.issues import lineage as rules
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import CLOSED, OrderState, Role
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.take_in import make_number
from gridgov.services.orders.rows import get_order
from gridgov.storage.audit import log as audit
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Issue, IssueStep, Order
from gridgov.storage.scope.apply import without_row_scope

MERGERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.STREET_CENTRE})
"""Roles that say that two things are one [A]."""


def open_issue(
    session: Session,
    runtime: CityRuntime,
    order_nos: Sequence[str],
    *,
    title: str,
    actor: Actor,
    at: datetime,
) -> Issue:
    """Make an issue of orders that belong to none yet.

    Parameters
    ----------
    session
        Owns the transaction.
    runtime
        The city.
    order_nos
        At least one order that the session sees.
    title
        What it is, for people.
    actor, at
        Who says so, when (aware).

    Raises
    ------
    NotFoundError, ForbiddenError
        There is no such order, or this account may not.
    GridgovError
        There is no order, or one belongs to an issue already.
    """
    _check_merger(actor)
    rows = [get_order(session, number) for number in dict.fromkeys(order_nos)]
    taken = [row.order_no for row in rows if row.issue_id is not None]
    if taken or not rows:
        found = f"orders {', '.join(taken)} belong to an issue already" if taken else "no order"
        raise GridgovError(f"issue: {found}; expected at least one order without an issue")
    with without_row_scope(session):
        issue = Issue(
            issue_no=f"I{make_number(session, runtime, at, of=Issue)}",
            title=mask_text(title),
            item_code=rows[0].item_code,
            cell_code=rows[0].cell_code,
            created_at=at,
        )
        session.add(issue)
        session.flush()
        _put(session, issue, rows, action="open_issue", before={}, actor=actor, at=at)
    return issue


def merge_issues(
    session: Session, issue_no: str, into_no: str, *, actor: Actor, at: datetime, reason: str
) -> rules.IssueBook:
    """Merge one issue into another; return the book of both.

    Raises
    ------
    GridgovError
        One is not in force, both are one, or the reason is blank.
    ConflictError
        Somebody changed one of the orders at the same moment; the transaction must be rolled back.
    ForbiddenError
        This account may not.
    """
    return _change(
        session,
        (issue_no, into_no),
        lambda book, decision: rules.merge_issues(book, issue_no, into_no, decision=decision),
        decision=_decide(actor, at, reason),
        actor=actor,
    )


def split_issue(
    session: Session,
    runtime: CityRuntime,
    issue_no: str,
    order_nos: Iterable[str],
    *,
    actor: Actor,
    at: datetime,
    reason: str,
) -> rules.IssueBook:
    """Make some orders of an issue an issue of their own; return the book of both.

    Raises
    ------
    GridgovError
        The orders are none, all, or not the issue's; the issue is not in force; the reason is blank.
    ForbiddenError
        This account may not.
    """
    chosen = tuple(order_nos)
    with without_row_scope(session):
        new_no = f"I{make_number(session, runtime, at, of=Issue)}"
    return _change(
        session,
        (issue_no,),
        lambda book, decision: rules.split_issue(
            book, issue_no, chosen, new_no=new_no, decision=decision
        ),
        decision=_decide(actor, at, reason),
        actor=actor,
    )


def undo_merge(
    session: Session, issue_no: str, *, actor: Actor, at: datetime, reason: str
) -> rules.IssueBook:
    """Take an issue out again of what it was last merged into, under its old number.

    Raises
    ------
    GridgovError
        It was not merged, or what took it in is not in force.
    ForbiddenError
        This account may not.
    """
    return _change(
        session,
        (issue_no,),
        lambda book, decision: rules.undo_merge(book, issue_no, decision=decision),
        decision=_decide(actor, at, reason),
        actor=actor,
    )


def find_callbacks(session: Session, issue_no: str) -> tuple[str, ...]:
    """Return the orders of an issue whose appellants are still to be called back, each on their own.

    Raises
    ------
    GridgovError
        The issue is not in force; the message says what it was merged into.
    """
    book = load_book(session, (issue_no,))
    return tuple(member.appeal_no for member in rules.find_callbacks(book, issue_no))


def load_book(session: Session, issue_nos: Iterable[str]) -> rules.IssueBook:
    """Return the issues with all that were ever merged with or split from them; members are order numbers."""
    numbers, steps = _find_family(session, set(issue_nos))
    rows = session.scalars(sa.select(Issue).where(Issue.issue_no.in_(numbers))).all()
    origin = {row.issue_no: row.split_from for row in rows}
    found = session.execute(
        sa.select(Order.issue_id, Order.order_no, Order.state, Appeal.person_key)
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(Order.issue_id.in_([row.id for row in rows]))
    ).all()
    members: dict[int, list[rules.Member]] = {}
    for issue_id, order_no, state, person in found:
        assert issue_id is not None  # noqa: S101 - the query asks for those that have one
        member = rules.Member(
            appeal_no=order_no, person_key=person or "", callback=_get_callback(state)
        )
        members.setdefault(issue_id, []).append(member)
    book = rules.make_book(
        rules.Issue(
            issue_no=row.issue_no, members=tuple(members[row.id]), split_from=row.split_from
        )
        for row in rows
        if row.id in members
    )
    records = tuple(
        rules.LineageRecord(
            step="merge" if step.step == "merge" else "split",
            issue_no=step.issue_no,
            other_no=step.other_no,
            appeal_nos=tuple(step.order_nos),
            at=step.at,
            by=step.made_by,
            reason=step.reason,
            split_from=origin.get(step.issue_no, ""),
        )
        for step in steps
    )
    return rules.IssueBook(issues=book.issues, records=records)


def _find_family(session: Session, numbers: set[str]) -> tuple[set[str], list[IssueStep]]:
    """Return the numbers that are tied to these by merges and splits, and those steps in order."""
    while True:
        tied = sa.or_(IssueStep.issue_no.in_(numbers), IssueStep.other_no.in_(numbers))
        steps = list(session.scalars(sa.select(IssueStep).where(tied).order_by(IssueStep.id)))
        wider = numbers | {step.issue_no for step in steps} | {step.other_no for step in steps}
        if wider == numbers:
            return numbers, steps
        numbers = wider


def _get_callback(state: OrderState) -> rules.CallbackState:
    if state in CLOSED:
        return "done"
    return "waived" if state is OrderState.EXCLUDED else "due"


def _check_merger(actor: Actor) -> None:
    if actor.role not in MERGERS:
        wanted = ", ".join(sorted(MERGERS))
        raise ForbiddenError(f"{actor.role} may not change issues; {wanted} may")


def _decide(actor: Actor, at: datetime, reason: str) -> rules.Decision:
    _check_merger(actor)
    return rules.Decision(by=actor.person_key, at=at, reason=mask_text(reason))


def _change(
    session: Session,
    issue_nos: tuple[str, ...],
    step: Callable[[rules.IssueBook, rules.Decision], rules.IssueBook],
    *,
    decision: rules.Decision,
    actor: Actor,
) -> rules.IssueBook:
    for number in issue_nos:
        if session.scalar(sa.select(Issue.id).where(Issue.issue_no == number)) is None:
            raise NotFoundError("issue", number)
    try:
        with without_row_scope(session):
            # The rows are locked, so that two people do not merge the same issue two ways.
            family, _ = _find_family(session, set(issue_nos))
            lock = sa.select(Issue.id).where(Issue.issue_no.in_(family)).order_by(Issue.id)
            session.execute(lock.with_for_update()).all()
            before = load_book(session, issue_nos)
            after = step(before, decision)
            for record in after.records[len(before.records) :]:
                _write_step(session, record, actor)
    except StaleDataError as error:
        raise ConflictError("an order of issue", issue_nos[0], seen=None, found=None) from error
    return after


def _write_step(session: Session, record: rules.LineageRecord, actor: Actor) -> None:
    session.add(
        IssueStep(
            step=record.step,
            issue_no=record.issue_no,
            other_no=record.other_no,
            order_nos=list(record.appeal_nos),
            at=record.at,
            made_by=record.by,
            reason=record.reason,
        )
    )
    target_no, source_no = (
        (record.other_no, record.issue_no)
        if record.step == "merge"
        else (record.issue_no, record.other_no)
    )
    target = session.scalars(sa.select(Issue).where(Issue.issue_no == target_no)).one_or_none()
    if target is None:
        source = session.scalars(sa.select(Issue).where(Issue.issue_no == source_no)).one()
        target = Issue(
            issue_no=target_no,
            title=source.title,
            item_code=source.item_code,
            cell_code=source.cell_code,
            split_from=record.split_from,
            created_at=record.at,
        )
        session.add(target)
        session.flush()
    rows = session.scalars(
        sa.select(Order).where(Order.order_no.in_(record.appeal_nos)).order_by(Order.id)
    ).all()
    before = {"issue_no": source_no}
    _put(
        session,
        target,
        rows,
        action=f"{record.step}_issue",
        before=before,
        actor=actor,
        at=record.at,
        reason=record.reason,
    )


def _put(
    session: Session,
    issue: Issue,
    rows: Sequence[Order],
    *,
    action: str,
    before: dict[str, str],
    actor: Actor,
    at: datetime,
    reason: str = "",
) -> None:
    for row in rows:
        row.issue_id = issue.id
        audit.record(
            session,
            at=at,
            action=action,
            subject_kind="order",
            subject_no=row.order_no,
            before=before or None,
            after={"issue_no": issue.issue_no, **({"reason": reason} if reason else {})},
            actor=actor,
        )
    session.flush()
