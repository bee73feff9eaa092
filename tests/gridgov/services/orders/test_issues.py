"""Issues on both databases: merged and split with their lineage, every appellant still called."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders import issues
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Issue, IssueStep, Order
from tests.gridgov.services.city import CENTRE, CLERK, DISPATCHER, at, do, take


def open_two(session: Session, runtime: CityRuntime) -> tuple[str, str, list[str]]:
    numbers = [take(session, runtime, appeal_no=str(n)).order_nos[0] for n in range(4)]
    first = issues.open_issue(
        session, runtime, numbers[:2], title="占道", actor=DISPATCHER, at=at(1)
    ).issue_no
    second = issues.open_issue(
        session, runtime, numbers[2:], title="占道二", actor=DISPATCHER, at=at(1)
    ).issue_no
    return first, second, numbers


def find_members(session: Session) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = sa.select(Issue.issue_no, Order.order_no).join(Order, Order.issue_id == Issue.id)
    for issue_no, order_no in session.execute(query.order_by(Order.id)):
        found.setdefault(issue_no, []).append(order_no)
    return found


def test_merge_split_and_back(loaded: sessionmaker[Session], runtime: CityRuntime) -> None:
    with loaded.begin() as session:
        first, second, numbers = open_two(session, runtime)
    with loaded.begin() as session:
        book = issues.merge_issues(
            session, second, first, actor=DISPATCHER, at=at(2), reason="同一摊位"
        )
        assert book.merged_into(second) == first
        assert issues.find_callbacks(session, first) == tuple(numbers)
        assert find_members(session) == {first: numbers}
        with pytest.raises(GridgovError, match=f"merged into {first}"):
            issues.find_callbacks(session, second)
    with loaded.begin() as session:
        book = issues.split_issue(
            session, runtime, first, [numbers[0]], actor=DISPATCHER, at=at(3), reason="另一处"
        )
        new = book.records[-1].issue_no
        assert find_members(session) == {new: numbers[:1], first: numbers[1:]}
        assert (
            session.scalars(sa.select(Issue.split_from).where(Issue.issue_no == new)).one() == first
        )
    with loaded.begin() as session:
        issues.undo_merge(session, second, actor=DISPATCHER, at=at(4), reason="不是一处")
        assert find_members(session) == {new: numbers[:1], first: numbers[1:2], second: numbers[2:]}
    with loaded() as session:
        steps = session.execute(
            sa.select(IssueStep.step, IssueStep.issue_no, IssueStep.reason).order_by(IssueStep.id)
        ).all()
        logged = session.scalars(
            sa.select(LogEntry.action)
            .where(LogEntry.subject_no == numbers[2])
            .order_by(LogEntry.id)
        ).all()
        assert verify(session) == []
    assert [tuple(step) for step in steps] == [
        ("merge", second, "同一摊位"),
        ("split", new, "另一处"),
        ("split", second, "不是一处"),
    ]
    assert logged == ["receive", "open_issue", "merge_issue", "split_issue"]


def test_each_appellant_keeps_the_own_callback(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        first, second, numbers = open_two(session, runtime)
        for minute, action in enumerate(
            (OrderAction.ACCEPT, OrderAction.CONTACT, OrderAction.HANDLE), start=2
        ):
            do(session, runtime, numbers[3], action, CENTRE, minutes=minute)
        do(session, runtime, numbers[3], OrderAction.REPLY, CENTRE, minutes=5, text="好")
        do(session, runtime, numbers[3], OrderAction.CALL_BACK, CLERK, minutes=6)
        do(
            session,
            runtime,
            numbers[3],
            OrderAction.CLOSE_SOLVED,
            CLERK,
            minutes=7,
            answer="solved",
        )
        issues.merge_issues(session, second, first, actor=DISPATCHER, at=at(8), reason="x")
        assert issues.find_callbacks(session, first) == tuple(numbers[:3])


def test_refusals_change_nothing(loaded: sessionmaker[Session], runtime: CityRuntime) -> None:
    with loaded.begin() as session:
        first, second, numbers = open_two(session, runtime)
        before = find_members(session)
    when = {"actor": DISPATCHER, "at": at(2)}
    with loaded() as session:
        with pytest.raises(ForbiddenError):
            issues.merge_issues(session, second, first, actor=CLERK, at=at(2), reason="x")
        with pytest.raises(GridgovError, match="blank"):
            issues.merge_issues(session, second, first, reason=" ", **when)
        with pytest.raises(GridgovError, match="into itself"):
            issues.merge_issues(session, first, first, reason="x", **when)
        with pytest.raises(NotFoundError):
            issues.merge_issues(session, "none", first, reason="x", **when)
        with pytest.raises(GridgovError, match="some, not all"):
            issues.split_issue(session, runtime, first, numbers[:2], reason="x", **when)
        with pytest.raises(GridgovError, match="does not hold"):
            issues.split_issue(session, runtime, first, [numbers[3]], reason="x", **when)
        with pytest.raises(GridgovError, match="belong to an issue"):
            issues.open_issue(session, runtime, numbers[:1], title="x", **when)
        with pytest.raises(GridgovError, match="nothing to undo"):
            issues.undo_merge(session, first, reason="x", **when)
        assert find_members(session) == before
        assert session.scalars(sa.select(IssueStep)).all() == []
