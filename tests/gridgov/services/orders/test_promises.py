"""What the loop promises, one promise a test: each was broken once and is kept now."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import ForbiddenError, GridgovError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.amend import Amendment, amend, preview_amend
from gridgov.services.intake.take_in import NewAppeal, take_in
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.evidence import make_evidence
from gridgov.services.orders.exclusions import approve, find_proposals, propose, withdraw
from gridgov.services.orders.handling import act, record_refusal, undo
from gridgov.storage.audit.verify import verify
from gridgov.storage.counts.sums import recount
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.appeals import Appeal, AppealPerson, PinMove
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import (
    Dispute,
    Exclusion,
    Order,
    OrderExtension,
    Outcome,
    Transfer,
)
from gridgov.storage.scope.apply import bind, make_scope
from tests.gridgov.services.city import (
    CENTRE,
    CLERK,
    DISPATCHER,
    DISTRICT,
    INSIDE,
    NEIGHBOUR,
    NOW,
    STREET,
    at,
    do,
    make_actor,
    take,
)
from tests.gridgov.services.promises import find_broken

A, S = OrderAction, OrderState
SUPERVISOR = make_actor(Role.SUPERVISOR, DISTRICT)
DESK_SUPERVISOR = make_actor(Role.SUPERVISOR)
OPERATOR = make_actor(Role.OPERATOR)
OTHER_CENTRE = make_actor(Role.STREET_CENTRE, NEIGHBOUR)
THERE = (116.405, 39.925)
"""A point in the neighbour."""
COLUMNS = [one.key for one in sa.inspect(Order).column_attrs if one.key != "version"]


@pytest.fixture
def order_no(loaded: sessionmaker[Session], runtime: CityRuntime) -> str:
    with loaded.begin() as session:
        return take(session, runtime).order_nos[0]


def get(session: Session, order_no: str) -> Order:
    return session.scalars(sa.select(Order).where(Order.order_no == order_no)).one()


def handle(session: Session, runtime: CityRuntime, order_no: str, *, start: int = 1) -> None:
    for minute, action in enumerate((A.ACCEPT, A.CONTACT, A.HANDLE), start=start):
        do(session, runtime, order_no, action, CENTRE, minutes=minute)


def merge(session: Session, runtime: CityRuntime, one: str, into: str, *, minutes: float) -> None:
    do(session, runtime, one, A.MERGE, DISPATCHER, minutes=minutes, target_order_no=into)


# --- every appellant is called back -------------------------------------------------------------------


def test_each_of_three_merged_callers_is_called_back(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        others = [take(session, runtime).order_nos[0] for _ in range(2)]
        merge(session, runtime, others[0], order_no, minutes=1)
        merge(session, runtime, others[1], order_no, minutes=2)
        handle(session, runtime, order_no, start=3)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="已清理")
    with loaded() as session:
        assert {get(session, one).state for one in others} == {S.REPLIED}
        assert all(get(session, one).merged_into == order_no for one in others)
    with loaded.begin() as session:
        answers = ("true", "false", "partly")
        for minute, (one, solved) in enumerate(zip([order_no, *others], answers, strict=True), 20):
            record_callback(
                session,
                runtime,
                one,
                actor=CLERK,
                answers=Answers(
                    called_at=at(minute), contacted=True, solved=solved, satisfied="satisfied"
                ),
            )
    with loaded() as session:
        rows = [get(session, one) for one in (order_no, *others)]
        assert verify(session) == []
        assert recount(session, runtime.zone).empty
    assert [row.outcome for row in rows] == [Outcome.SOLVED, Outcome.UNSOLVED, Outcome.PARTLY]


def test_merged_orders_go_where_the_main_one_goes(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        other, third = (take(session, runtime).order_nos[0] for _ in range(2))
        merge(session, runtime, other, order_no, minutes=1)
        # What took one in goes into a third: both wait for that one.
        merge(session, runtime, order_no, third, minutes=2)
        assert get(session, other).merged_into == get(session, order_no).merged_into == third
        do(
            session,
            runtime,
            third,
            A.DISPUTE,
            CENTRE,
            minutes=3,
            ground="territory",
            evidence=make_evidence(runtime, *THERE, source="照片"),
        )
        do(
            session,
            runtime,
            third,
            A.UPHOLD_DISPUTE,
            DISPATCHER,
            minutes=4,
            unit_code=NEIGHBOUR,
            reason_code="territory",
        )
        # The unit that answers for the main order sees and answers for all.
        assert {get(session, one).unit_code for one in (other, order_no, third)} == {NEIGHBOUR}
        for minute, action in enumerate((A.ACCEPT, A.CONTACT, A.HANDLE), 5):
            do(session, runtime, third, action, OTHER_CENTRE, minutes=minute)
        do(session, runtime, third, A.REPLY, OTHER_CENTRE, minutes=9, text="好")
        assert get(session, other).state is S.REPLIED
        # An answer that was sent back is no answer for anybody.
        do(session, runtime, third, A.RETURN_REPLY, CLERK, minutes=10, reason_code="incomplete")
        assert get(session, other).state is get(session, order_no).state is S.MERGED
        do(session, runtime, third, A.REPLY, OTHER_CENTRE, minutes=11, text="好了")
        assert get(session, other).state is S.REPLIED
        # Whoever gave the answer does not ask about it either.
        assert get(session, other).replied_by == OTHER_CENTRE.person_key


def test_who_is_readmitted_waits_for_the_order_that_went_back_to_work(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        other, third = (take(session, runtime).order_nos[0] for _ in range(2))
        merge(session, runtime, other, order_no, minutes=1)
        handle(session, runtime, order_no, start=2)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="好")
        why = {"reason_code": "unreasonable"}
        do(session, runtime, other, A.EXCLUDE, CLERK, minutes=11, second=DESK_SUPERVISOR, **why)
        do(session, runtime, order_no, A.RETURN_REPLY, CLERK, minutes=12, **why)
        assert get(session, other).state is S.EXCLUDED
        do(session, runtime, other, A.READMIT, DESK_SUPERVISOR, minutes=13, **why)
        assert get(session, other).state is S.MERGED
        assert find_broken(session, runtime, at(13)) == []
        session.info.clear()
        merge(session, runtime, order_no, third, minutes=14)
        assert get(session, other).merged_into == third
        assert find_broken(session, runtime, at(14)) == []


def test_only_what_can_be_one_thing_is_merged(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        elsewhere = take(session, runtime, lon=THERE[0], lat=THERE[1]).order_nos[0]
        far = take(session, runtime, lon=INSIDE[0] + 0.008, lat=INSIDE[1] + 0.008).order_nos[0]
        solved = take(session, runtime).order_nos[0]
        handle(session, runtime, solved)
        do(session, runtime, solved, A.REPLY, CENTRE, minutes=10, text="好")
        refusals = {elsewhere: "two streets", far: "m away", solved: "still to come"}
        for target, why in refusals.items():
            with pytest.raises(OrderActionError, match=why):
                merge(session, runtime, order_no, target, minutes=11)
        do(session, runtime, solved, A.CALL_BACK, CLERK, minutes=12)
        do(session, runtime, solved, A.CLOSE_SOLVED, CLERK, minutes=13, answer="solved")
        with pytest.raises(OrderActionError, match="closed_solved"):
            merge(session, runtime, order_no, solved, minutes=14)
    with loaded() as session:
        assert get(session, order_no).state is S.DISPATCHED


# --- what was not reached is "not reached" ------------------------------------------------------------


def call(session: Session, runtime: CityRuntime, order_no: str, minutes: float, **said: object):
    answers = Answers(called_at=at(minutes), **said)  # type: ignore[arg-type]  # said are fields of Answers
    return record_callback(session, runtime, order_no, actor=CLERK, answers=answers)


def add_account(session: Session, actor: Actor) -> None:
    session.add(
        Account(
            login=actor.person_key,
            name=actor.person_key,
            role=actor.role,
            unit_code=actor.unit_code,
            person_key=actor.person_key,
            language="zh",
            active=True,
            created_at=NOW,
        )
    )
    session.flush()


def test_nobody_reached_is_recorded_tried_again_and_ends(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="好")
        first = call(session, runtime, order_no, 20, not_reached="no_answer")
        assert (first.state, first.call_again_at) == (S.REPLIED, at(20 + 4 * 60))
        second = call(session, runtime, order_no, 300, not_reached="switched_off")
        assert second.call_again_at == at(300 + 8 * 60)
        last = call(session, runtime, order_no, 900, not_reached="no_answer")
        assert (last.state, last.call_again_at) == (S.REPLIED, None)
        (proposal,) = find_proposals(session)
        assert proposal.reason_code == "no_valid_callback"
        # A second person says whether that was enough: here it was not, and the tries begin anew.
        withdraw(
            session,
            runtime,
            proposal.exclusion_id,
            actor=DESK_SUPERVISOR,
            reason="again",
            at=at(901),
        )
        assert get(session, order_no).calls_missed == 0
        for minute in (1000, 2000, 3000):
            call(session, runtime, order_no, minute, not_reached="wrong_number")
        (proposal,) = find_proposals(session)
        add_account(session, CLERK)
        approve(session, runtime, proposal.exclusion_id, actor=DESK_SUPERVISOR, at=at(3001))
    with loaded() as session:
        row = get(session, order_no)
        assert (row.outcome, row.calls_missed) == (Outcome.EXCLUDED, 0)
        assert session.scalars(sa.select(Exclusion)).all()[-1].approved_by
        assert verify(session) == []


def test_the_last_try_ends_in_a_decision_whichever_way_it_is_recorded(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    """As an action of its own; and where something else was proposed before and is withdrawn after it."""
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="好")

        def miss(*minutes: int) -> None:
            for minute in minutes:
                do(session, runtime, order_no, A.CALL_BACK, CLERK, minutes=minute)
                why = {"reason_code": "no_answer"}
                do(session, runtime, order_no, A.NOT_REACHED, CLERK, minutes=minute, **why)

        def drop() -> str:
            (one,) = find_proposals(session)
            how = {"actor": DESK_SUPERVISOR, "reason": "again", "at": at(9000)}
            withdraw(session, runtime, one.exclusion_id, **how)
            return one.reason_code

        miss(20, 1000, 2000)
        assert find_broken(session, runtime, at(2001)) == []
        assert drop() == "no_valid_callback"
        propose(session, runtime, order_no, actor=CENTRE, reason_code="unreasonable", at=at(2002))
        miss(3000, 4000, 5000)
        assert drop() == "unreasonable"
        session.info.clear()
        assert find_broken(session, runtime, at(9001)) == []
        assert get(session, order_no).calls_missed == 0


def test_a_call_that_reaches_somebody_ends_the_tries(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=10, text="好")
        with pytest.raises(GridgovError, match="expected one of no_answer"):
            call(session, runtime, order_no, 20, not_reached="asleep")
        with pytest.raises(GridgovError, match="yet something was answered"):
            call(session, runtime, order_no, 20, not_reached="no_answer", solved="true")
        call(session, runtime, order_no, 20, not_reached="no_answer")
        done = call(
            session, runtime, order_no, 30, contacted=True, solved="true", satisfied="satisfied"
        )
        row = get(session, order_no)
        assert (done.state, row.calls_missed, row.call_again_at) == (S.CLOSED_SOLVED, 0, None)


# --- a ruling binds -------------------------------------------------------------------------------------


def dispute(session: Session, runtime: CityRuntime, order_no: str, minutes: float) -> None:
    evidence = make_evidence(runtime, *THERE, source="现场照片")
    do(
        session,
        runtime,
        order_no,
        A.DISPUTE,
        CENTRE,
        minutes=minutes,
        ground="territory",
        evidence=evidence,
    )


def test_an_upheld_dispute_moves_place_reasons_and_clocks_and_binds(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        before = get(session, order_no)
        due = before.due_at
        dispute(session, runtime, order_no, 100)
        do(
            session,
            runtime,
            order_no,
            A.UPHOLD_DISPUTE,
            DISPATCHER,
            minutes=200,
            unit_code=NEIGHBOUR,
            reason_code="territory",
        )
        with pytest.raises(OrderActionError, match="already named this unit"):
            do(
                session,
                runtime,
                order_no,
                A.DISPUTE,
                OTHER_CENTRE,
                minutes=201,
                ground="territory",
                evidence=make_evidence(runtime, *INSIDE, source="x"),
            )
        with pytest.raises(OrderActionError, match="a decision has named"):
            do(session, runtime, order_no, A.RECALL, DISPATCHER, minutes=202, reason_code="x")
    with loaded() as session:
        row, appeal = get(session, order_no), session.scalars(sa.select(Appeal)).one()
        move = session.scalars(sa.select(PinMove)).one()
    assert (row.unit_code, row.bound_unit_code, row.bounces) == (NEIGHBOUR, NEIGHBOUR, 1)
    assert (row.street_code, appeal.street_code) == (NEIGHBOUR, NEIGHBOUR)
    assert (row.lon, row.lat) == THERE == (appeal.lon, appeal.lat)
    assert (move.source, move.address_key) == ("dispute", None)
    assert "景山街道" in row.reasons
    assert "东华门" not in row.reasons
    # The person has waited since the receipt; the new unit has the time of its grade to call.
    assert (row.due_at, row.contact_by, row.contacted_at) == (due, at(200 + 120), None)


def test_who_had_an_order_keeps_its_sight_of_it_but_not_of_the_person(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        new = NewAppeal(
            received_at=NOW,
            text="占道",
            item_code="111",
            lon=INSIDE[0],
            lat=INSIDE[1],
            phone="13800000000",
        )
        order_no = take_in(session, runtime, new, now=NOW).order_nos[0]
        dispute(session, runtime, order_no, 1)
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
    seen = {}
    for unit in (STREET, NEIGHBOUR, "110102001"):
        with loaded() as session:
            scope = make_scope(
                session, account_id=1, person_key="x", role=Role.STREET_CENTRE, unit_code=unit
            )
        with bind(loaded(), scope) as session:
            seen[unit] = (
                len(session.scalars(sa.select(Order)).all()),
                len(session.scalars(sa.select(Dispute)).all()),
                len(session.scalars(sa.select(AppealPerson)).all()),
            )
    assert seen == {STREET: (1, 1, 0), NEIGHBOUR: (1, 1, 1), "110102001": (0, 0, 0)}


def test_a_department_has_no_border_to_dispute_and_own_place_is_no_evidence(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        number = take(session, runtime, item_code="112").order_nos[0]
        unit = get(session, number).unit_code
        assert runtime.book.unit_kinds[unit] not in {"street", "district"}
        with pytest.raises(OrderActionError, match="不构成辖区异议"):
            do(
                session,
                runtime,
                number,
                A.DISPUTE,
                make_actor(Role.HANDLER, unit),
                minutes=1,
                ground="territory",
                evidence=make_evidence(runtime, *INSIDE, source="工单位置"),
            )
        own = take(session, runtime).order_nos[0]
        with pytest.raises(OrderActionError, match="不构成辖区异议"):
            do(
                session,
                runtime,
                own,
                A.DISPUTE,
                CENTRE,
                minutes=1,
                ground="territory",
                evidence=make_evidence(runtime, *INSIDE, source="工单位置"),
            )


def test_a_conference_has_a_day_persons_and_minutes(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        dispute(session, runtime, order_no, 1)
        with pytest.raises(OrderActionError, match=r"no date was given.*nobody was named"):
            do(session, runtime, order_no, A.CALL_CONFERENCE, DISPATCHER, minutes=2)
        day = at(60 * 24).date()
        do(
            session,
            runtime,
            order_no,
            A.CALL_CONFERENCE,
            DISPATCHER,
            minutes=2,
            until=day,
            persons="两街道、区城管委",
        )
        do(
            session,
            runtime,
            order_no,
            A.DECIDE_CONFERENCE,
            DESK_SUPERVISOR,
            minutes=3,
            unit_code=NEIGHBOUR,
            reason_code="territory",
            text="界桩以北归景山街道",
        )
        row = session.scalars(sa.select(Dispute)).one()
        assert (row.conference_on, row.persons, row.minutes) == (
            day,
            "两街道、区城管委",
            "界桩以北归景山街道",
        )
        assert get(session, order_no).street_code == NEIGHBOUR


def test_what_was_refused_is_on_record(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded() as session, pytest.raises(OrderActionError) as refused:
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=1, text="x")
    with loaded.begin() as session:
        record_refusal(session, order_no, A.REPLY.value, refused.value, actor=CENTRE, at=at(1))
        record_refusal(session, "no such", A.REPLY.value, refused.value, actor=CENTRE, at=at(1))
    with loaded() as session:
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "refused")).one()
        assert (entry.subject_no, entry.after["action"]) == (order_no, "reply")
        assert get(session, order_no).version == 1


# --- facts that change, and steps that are taken back -----------------------------------------------


def test_an_unsure_item_is_chosen_and_unit_clocks_and_route_follow(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        number = take(session, runtime, item_code="", text="路上有摊").order_nos[0]
        row = get(session, number)
        assert (row.state, row.item_code) == (S.RECEIVED, None)
        name = runtime.city.catalogue.names["112"]  # type: ignore[union-attr]  # it has one
        plan = preview_amend(
            session, runtime, number, amendment=Amendment(item_code=name), actor=DISPATCHER
        )
        assert plan.after.unit_after != plan.after.unit_before
        assert get(session, number).item_code is None
        amend(
            session,
            runtime,
            number,
            amendment=Amendment(item_code=name),
            actor=DISPATCHER,
            at=at(5),
        )
        row = get(session, number)
        assert (row.item_code, row.level1_code) == ("112", runtime.find_level1("112"))
        assert (row.unit_code, row.route) == (plan.after.unit_after, plan.after.decision.route)
        assert not row.review
        assert row.due_at == plan.due_at
        with pytest.raises(GridgovError, match="nothing of it differs"):
            amend(
                session,
                runtime,
                number,
                amendment=Amendment(item_code="112"),
                actor=DISPATCHER,
                at=at(6),
            )
        with pytest.raises(ForbiddenError):
            amend(
                session,
                runtime,
                number,
                amendment=Amendment(item_code="111"),
                actor=CENTRE,
                at=at(6),
            )
    with loaded() as session:
        assert verify(session) == []
        assert recount(session, runtime.zone).empty


def test_after_the_first_steps_a_changed_item_waits_for_a_decision(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        with pytest.raises(OrderActionError, match="nothing about the order has changed"):
            do(
                session,
                runtime,
                order_no,
                A.REASSIGN,
                DISPATCHER,
                minutes=5,
                unit_code="E01",
                reason_code="x",
            )
        amend(
            session,
            runtime,
            order_no,
            amendment=Amendment(item_code="112"),
            actor=OPERATOR,
            at=at(6),
        )
        row = get(session, order_no)
        assert (row.unit_code, row.state, row.review) == (STREET, S.HANDLING, True)
        do(
            session,
            runtime,
            order_no,
            A.REASSIGN,
            DISPATCHER,
            minutes=7,
            unit_code="E01",
            reason_code="item",
        )
        row = get(session, order_no)
        assert (row.unit_code, row.state, row.review, row.bounces) == (
            "E01",
            S.DISPATCHED,
            False,
            1,
        )
        assert row.contacted_at is None
        assert session.scalars(sa.select(Transfer)).one().action == "reassign"


def test_a_corrected_address_is_placed_anew(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        number = take(session, runtime, lon=None, lat=None, address="不知道哪里").order_nos[0]
        assert get(session, number).lon is None
        place = runtime.geocoder.suggest("旧", limit=1)
        address = str(place["name"].iloc[0]) if len(place) else "旧鼓楼"
        amend(
            session,
            runtime,
            number,
            amendment=Amendment(address=address, text="电话13812345678，井盖"),
            actor=OPERATOR,
            at=at(1),
        )
        appeal = session.scalars(sa.select(Appeal)).one()
        person = session.scalars(sa.select(AppealPerson)).one()
    with loaded() as session:
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "correct")).one()
    assert appeal.address == address
    assert "13812345678" not in (appeal.text or "")
    assert "13812345678" in (person.raw_text or "")
    assert "13812345678" not in str(entry.after)


def test_a_dispatch_is_recalled_while_nobody_works(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        do(session, runtime, order_no, A.RECALL, DISPATCHER, minutes=1, reason_code="typo")
        row = get(session, order_no)
        assert (row.state, row.dispatched_at, row.bounces) == (S.RECEIVED, None, 0)
        do(session, runtime, order_no, A.DISPATCH, DISPATCHER, minutes=2, unit_code=STREET)
        handle(session, runtime, order_no, start=3)
        with pytest.raises(OrderActionError):
            do(session, runtime, order_no, A.RECALL, DISPATCHER, minutes=9, reason_code="late")


def test_the_last_own_step_is_taken_back_for_ten_minutes(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        do(session, runtime, order_no, A.ACCEPT, CENTRE, minutes=1)
        do(session, runtime, order_no, A.CONTACT, CENTRE, minutes=2)
        do(session, runtime, order_no, A.HANDLE, CENTRE, minutes=3)
    with loaded() as session:
        before = {name: getattr(get(session, order_no), name) for name in COLUMNS}
    with loaded.begin() as session:
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=4, text="好")
    with loaded.begin() as session:
        with pytest.raises(ForbiddenError, match="nobody takes back another's"):
            undo(session, runtime, order_no, actor=CLERK, at=at(5))
        with pytest.raises(ForbiddenError, match="10 minutes old"):
            undo(session, runtime, order_no, actor=CENTRE, at=at(15))
        assert undo(session, runtime, order_no, actor=CENTRE, at=at(14)) is A.REPLY
    with loaded.begin() as session:
        row = get(session, order_no)
        assert {name: getattr(row, name) for name in COLUMNS} == before
        # One step, not the one before it.
        with pytest.raises(ForbiddenError):
            undo(session, runtime, order_no, actor=CENTRE, at=at(14))
    with loaded() as session:
        assert verify(session) == []
        assert recount(session, runtime.zone).empty


# --- extensions, notes, replies ---------------------------------------------------------------------


def test_an_extension_is_asked_and_granted_by_another(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        due = get(session, order_no).due_at
        day = date(2024, 3, 12)
        ask = {"until": day, "reason_code": "parts"}
        with pytest.raises(OrderActionError, match="the latest to which"):
            do(
                session,
                runtime,
                order_no,
                A.ASK_EXTENSION,
                CENTRE,
                minutes=4,
                **ask | {"until": date(2025, 1, 1)},
            )
        do(session, runtime, order_no, A.ASK_EXTENSION, CENTRE, minutes=4, **ask)
        # The clock moves with the grant alone.
        assert get(session, order_no).due_at == due
        with pytest.raises(OrderActionError):
            do(session, runtime, order_no, A.GRANT_EXTENSION, CENTRE, minutes=5)
        do(session, runtime, order_no, A.GRANT_EXTENSION, SUPERVISOR, minutes=5)
        row = get(session, order_no)
        assert row.due_at == datetime(2024, 3, 12, 16, tzinfo=UTC)
        assert (row.state, row.extensions, row.extension_until) == (S.HANDLING, 1, None)
        with pytest.raises(OrderActionError, match="were granted already"):
            do(session, runtime, order_no, A.ASK_EXTENSION, CENTRE, minutes=6, **ask)
        asked = session.scalars(sa.select(OrderExtension)).one()
        assert (asked.granted, asked.decided_by, asked.due_before) == (
            True,
            SUPERVISOR.person_key,
            due,
        )


@pytest.mark.parametrize("watched", [A.SUPERVISE, A.RAISE])
def test_a_supervised_or_raised_unit_says_how_far_it_is_and_replies(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str, watched: OrderAction
) -> None:
    with loaded.begin() as session:
        handle(session, runtime, order_no)
        do(
            session,
            runtime,
            order_no,
            watched,
            SUPERVISOR,
            minutes=5,
            reason_code="x",
            until=at(60 * 24 * 9).date(),
        )
        state, until = get(session, order_no).state, get(session, order_no).until
        do(session, runtime, order_no, A.NOTE, CENTRE, minutes=6, text="材料已到")
        assert (get(session, order_no).state, get(session, order_no).until) == (state, until)
        do(session, runtime, order_no, A.REPLY, CENTRE, minutes=7, text="已修好")
        assert get(session, order_no).state is S.REPLIED


def test_an_emergency_is_handed_over_under_its_number_and_answered(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        number = take(session, runtime, kind="紧急求助").order_nos[0]
        assert get(session, number).unit_code == "119"
        with pytest.raises(OrderActionError, match="no number of the other service"):
            do(session, runtime, number, A.HAND_OVER, OPERATOR, minutes=1)
        do(session, runtime, number, A.HAND_OVER, OPERATOR, minutes=1, reference="119-0042")
        do(session, runtime, number, A.ANSWER_HANDED_OVER, OPERATOR, minutes=9, text="已扑灭")
        row = get(session, number)
        assert (row.state, row.handover_no) == (S.REPLIED, "119-0042")
        ordinary = take(session, runtime).order_nos[0]
        with pytest.raises(OrderActionError, match="no emergency service"):
            do(session, runtime, ordinary, A.HAND_OVER, OPERATOR, minutes=1, reference="1")
    with loaded() as session:
        scope = make_scope(
            session, account_id=1, person_key="x", role=Role.STREET_CENTRE, unit_code=STREET
        )
    with bind(loaded(), scope) as session:
        assert number in session.scalars(sa.select(Order.order_no)).all()


def test_a_form_that_is_sent_twice_is_one_appeal(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    new = NewAppeal(received_at=NOW, text="占道", item_code="111", lon=INSIDE[0], lat=INSIDE[1])
    taken = []
    for _ in range(2):
        with loaded.begin() as session:
            taken.append(take_in(session, runtime, new, now=NOW, actor=OPERATOR, submit_key="k1"))
    with loaded.begin() as session:
        other = take_in(session, runtime, new, now=NOW, actor=OPERATOR, submit_key="k2")
        stranger = take_in(session, runtime, new, now=NOW, actor=DISPATCHER, submit_key="k1")
    assert [one.is_new for one in taken] == [True, False]
    assert taken[0].order_nos == taken[1].order_nos
    assert len({taken[0].order_nos, other.order_nos, stranger.order_nos}) == 3


def test_a_cut_sending_is_forgotten_with_its_appeal(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    new = NewAppeal(received_at=NOW, text="占道", item_code="111", lon=INSIDE[0], lat=INSIDE[1])
    with loaded() as session:
        take_in(session, runtime, new, now=NOW, actor=OPERATOR, submit_key="k1")
        session.rollback()
    with loaded.begin() as session:
        assert take_in(session, runtime, new, now=NOW, actor=OPERATOR, submit_key="k1").is_new


def test_the_name_of_an_item_is_that_item(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    name = runtime.city.catalogue.names["111"]  # type: ignore[union-attr]  # it has one
    with loaded.begin() as session:
        said = take(session, runtime, item_code="", text=name).order_nos[0]
        chosen = take(session, runtime, item_code=name).order_nos[0]
        assert {get(session, one).item_code for one in (said, chosen)} == {"111"}


def test_the_service_itself_takes_only_the_steps_that_are_its_own(
    loaded: sessionmaker[Session], runtime: CityRuntime, order_no: str
) -> None:
    with loaded.begin() as session, pytest.raises(OrderActionError, match="a person must"):
        act(session, runtime, order_no, A.ACCEPT, actor=None, facts=Facts(at=NOW + timedelta(1)))
