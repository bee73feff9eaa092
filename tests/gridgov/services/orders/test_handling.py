"""Every action through the service: order, transfers, disputes, pauses, counts, log and messages move together."""

from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import ConflictError, NotFoundError
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.city_runtime import CityRuntime, UnknownUnitError
from gridgov.services.intake.checks import IntakeError
from gridgov.services.orders.evidence import make_evidence
from gridgov.services.orders.handling import find_actions
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.counts import CountDelta
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Dispute, Order, OrderPause, Outcome, Transfer
from tests.gridgov.services.city import (
    CENTRE,
    CLERK,
    DISPATCHER,
    DISTRICT,
    NEIGHBOUR,
    STREET,
    at,
    do,
    make_actor,
    take,
)
from tests.gridgov.services.city import (
    make_evidence as point_at,
)

A = OrderAction
SUPERVISOR = make_actor(Role.SUPERVISOR, DISTRICT)


@pytest.fixture
def order_no(loaded: sessionmaker[Session], runtime: CityRuntime) -> str:
    with loaded.begin() as session:
        return take(session, runtime).order_nos[0]


def get(session: Session, order_no: str) -> Order:
    return session.scalars(sa.select(Order).where(Order.order_no == order_no)).one()


def handle(session: Session, runtime: CityRuntime, order_no: str) -> None:
    for minute, action in enumerate((A.ACCEPT, A.CONTACT, A.HANDLE), start=1):
        do(session, runtime, order_no, action, CENTRE, minutes=minute)


def test_a_whole_life_until_the_person_says_solved(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="已清理")
        do(session, runtime, order_no, A.CALL_BACK, CLERK, minutes=20)
        do(session, runtime, order_no, A.CLOSE_SOLVED, CLERK, minutes=21, answer="solved")
    with loaded() as session:
        order = get(session, order_no)
        actions = session.scalars(
            sa.select(LogEntry.action)
            .where(LogEntry.subject_no == order_no)
            .order_by(LogEntry.position)
        ).all()
        sums = dict(
            session.execute(
                sa.select(CountDelta.outcome, sa.func.sum(CountDelta.n)).group_by(
                    CountDelta.outcome
                )
            ).all()
        )
        told = session.execute(sa.select(Message.topic, Message.unit_code)).all()
        assert verify(session) == []
    assert (order.state, order.outcome) == (OrderState.CLOSED_SOLVED, Outcome.SOLVED)
    assert (order.contacted_at, order.replied_at, order.closed_at) == (at(2), at(10), at(21))
    assert order.version == 7
    assert actions == [
        "receive",
        "accept",
        "contact",
        "handle",
        "reply",
        "call_back",
        "close_solved",
    ]
    assert {outcome: n for outcome, n in sums.items() if n} == {Outcome.SOLVED: 1}
    assert ("reply", "Q01") in told
    assert ("close_solved", STREET) in told


def test_the_second_person_gets_a_conflict(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        do(session, runtime, order_no, A.ACCEPT, CENTRE, minutes=1, seen=1)
    with loaded() as session:
        with pytest.raises(ConflictError) as error:
            do(session, runtime, order_no, A.CONTACT, CENTRE, minutes=2, seen=1)
        assert (error.value.seen, error.value.found) == (1, 2)


def test_two_at_the_same_moment_one_wins(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    barrier = Barrier(2, timeout=30)
    outcomes: list[str] = []

    def work() -> None:
        try:
            with loaded.begin() as session:
                # On SQLite the transactions come one after the other; there the second sees the first.
                if session.get_bind().dialect.name == "postgresql":
                    get(session, order_no)
                    barrier.wait()
                do(session, runtime, order_no, A.ACCEPT, CENTRE, minutes=1)
            outcomes.append("done")
        except (ConflictError, OrderActionError) as refused:
            outcomes.append(type(refused).__name__)

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("done") == 1
    assert len(set(outcomes) & {"ConflictError", "OrderActionError"}) == 1
    with loaded() as session:
        assert get(session, order_no).version == 2
        assert verify(session) == []


def test_a_dispute_with_sure_evidence_goes_to_the_other_street(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        due = get(session, order_no).due_at
        evidence = make_evidence(runtime, 116.405, 39.925, source="现场照片")
        assert evidence.street_code == NEIGHBOUR
        do(
            session,
            runtime,
            order_no,
            A.DISPUTE,
            CENTRE,
            minutes=1,
            ground="territory",
            evidence=evidence,
        )
        do(
            session,
            runtime,
            order_no,
            A.UPHOLD_DISPUTE,
            DISPATCHER,
            minutes=2,
            unit_code=NEIGHBOUR,
            reason_code="territory",
        )
    with loaded() as session:
        order = get(session, order_no)
        dispute = session.scalars(sa.select(Dispute)).one()
        transfer = session.scalars(sa.select(Transfer)).one()
        told = session.scalars(
            sa.select(Message.unit_code).where(Message.topic == "uphold_dispute")
        )
        assert sorted(told) == [STREET, NEIGHBOUR]
    assert (order.unit_code, order.due_at) == (NEIGHBOUR, due)
    assert (dispute.decision, dispute.to_unit_code, dispute.decided_at) == (
        "upheld",
        NEIGHBOUR,
        at(2),
    )
    assert dispute.ruling["unit_code"] == NEIGHBOUR
    assert (transfer.from_unit_code, transfer.to_unit_code) == (STREET, NEIGHBOUR)


def test_a_dispute_goes_through_a_conference_and_binds(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    evidence = point_at(NEIGHBOUR, confidence=0.5)
    with loaded.begin() as session:
        do(
            session,
            runtime,
            order_no,
            A.DISPUTE,
            CENTRE,
            minutes=1,
            ground="territory",
            evidence=evidence,
        )
        do(
            session,
            runtime,
            order_no,
            A.CALL_CONFERENCE,
            DISPATCHER,
            minutes=2,
            until=at(60 * 24).date(),
            persons="东华门街道、景山街道",
        )
        do(
            session,
            runtime,
            order_no,
            A.DECIDE_CONFERENCE,
            SUPERVISOR,
            minutes=3,
            unit_code=STREET,
            reason_code="territory",
            text="现场核对界桩",
        )
        with pytest.raises(OrderActionError, match="already named this unit"):
            do(
                session,
                runtime,
                order_no,
                A.DISPUTE,
                CENTRE,
                minutes=4,
                ground="territory",
                evidence=evidence,
            )
    with loaded() as session:
        dispute = session.scalars(sa.select(Dispute)).one()
        assert session.scalars(sa.select(Transfer)).all() == []
    assert (dispute.conference_at, dispute.decision) == (at(2), "conference")


def test_a_suspension_moves_the_deadline_by_its_length(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    reason = runtime.constants.texts("deadlines.suspension_reasons")[0]
    with loaded.begin() as session:
        due = get(session, order_no).due_at
        assert due == at(24 * 60)
        handle(session, runtime, order_no)
        do(
            session,
            runtime,
            order_no,
            A.SUSPEND,
            CENTRE,
            minutes=60,
            until=at(60 * 24 * 9).date(),
            reason_code=reason,
            second=SUPERVISOR,
        )
        assert session.scalars(sa.select(OrderPause)).one().resumed_at is None
        do(session, runtime, order_no, A.RESUME, CENTRE, minutes=360)
    with loaded() as session:
        pause = session.scalars(sa.select(OrderPause)).one()
        assert (pause.paused_at, pause.resumed_at, pause.reason_code) == (at(60), at(360), reason)
        assert get(session, order_no).due_at == at(24 * 60 + 300)


def test_a_reopened_order_has_its_limits_anew(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="好")
        do(session, runtime, order_no, A.REOPEN, CLERK, minutes=3000, reason_code="again")
    with loaded() as session:
        order = get(session, order_no)
    assert (order.state, order.due_at, order.replied_at) == (
        OrderState.REOPENED,
        at(3000 + 24 * 60),
        None,
    )


def test_merging_needs_an_order_that_goes_on(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        other = take(session, runtime).order_nos[0]
        third = take(session, runtime).order_nos[0]
        do(session, runtime, other, A.MERGE, DISPATCHER, minutes=1, target_order_no=order_no)
        with pytest.raises(OrderActionError, match="merged itself"):
            do(session, runtime, third, A.MERGE, DISPATCHER, minutes=2, target_order_no=other)
        with pytest.raises(NotFoundError):
            do(session, runtime, third, A.MERGE, DISPATCHER, minutes=2, target_order_no="none")
        assert get(session, other).outcome is Outcome.MERGED
        do(session, runtime, other, A.SPLIT, DISPATCHER, minutes=3, reason_code="not the same")
        assert get(session, other).outcome is Outcome.OPEN


def test_refusals_keep_everything_as_it_was(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        waiting = take(session, runtime, item_code="").order_nos[0]
        with pytest.raises(UnknownUnitError, match="NONE"):
            do(session, runtime, waiting, A.DISPATCH, DISPATCHER, minutes=1, unit_code="NONE")
        with pytest.raises(OrderActionError):
            do(session, runtime, order_no, A.ACCEPT, DISPATCHER, minutes=1)
        with pytest.raises(NotFoundError):
            do(session, runtime, "none", A.ACCEPT, CENTRE, minutes=1)
        with pytest.raises(IntakeError, match="outside the city"):
            make_evidence(runtime, 10.0, 39.9, source="x")
    with loaded() as session:
        assert {order.version for order in session.scalars(sa.select(Order))} == {1}
        assert (
            len(
                session.scalars(
                    sa.select(LogEntry.id).where(LogEntry.subject_kind == "order")
                ).all()
            )
            == 2
        )


def test_what_can_be_done_is_what_the_table_says(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded() as session:
        for_street = find_actions(session, runtime, order_no, actor=CENTRE)
        for_desk = find_actions(session, runtime, order_no, actor=DISPATCHER)
        nothing = find_actions(session, runtime, order_no, actor=make_actor(Role.HANDLER, "D01"))
    assert [view.action for view in for_street] == [A.ACCEPT, A.DISPUTE, A.NOTE]
    assert [view.action for view in for_desk] == [
        A.RECALL,
        A.REASSIGN,
        A.KEEP_UNIT,
        A.HAND_OVER,
        A.NOTE,
        A.MERGE,
    ]
    assert nothing == ()
