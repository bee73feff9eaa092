"""Whistle calls through the services: who may do what, what is told to whom, what stays on record."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gridgov.errors import ConflictError, ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.whistles.call import UnitState, WhistleCallError
from gridgov.rules.whistles.choosing import Change, UnitChange
from gridgov.services.whistles import calls as whistles
from gridgov.services.whistles.call_actions import CallAction, CallFacts, act_on_call
from gridgov.services.whistles.calls import Arrival
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import CheckIn, WhistleCall
from tests.gridgov.services.desks import (
    CENTRE,
    CITY_CARE,
    DISTRICT,
    OTHER_CENTRE,
    STREET,
    T0,
    WATER,
    put_order,
)

INSIDE, OUTSIDE = (116.405, 39.905), (116.425, 39.925)


def after(minutes):
    return T0 + timedelta(minutes=minutes)


def facts(minutes, **more):
    return Facts(at=after(minutes), reason_code="joint_work", text="水管爆裂，请到场", **more)


def blow(session, small_runtime, **more):
    return whistles.blow(session, small_runtime, "O1", actor=CENTRE, facts=facts(1), **more)


@pytest.fixture
def blown(sessions, small_runtime):
    """A database with one call in it."""
    with transaction(sessions) as session:
        put_order(session)
        blow(session, small_runtime)
    return sessions


def check_in(sessions, small_runtime, unit="E01", actor=WATER, minutes=10, place=INSIDE, **more):
    arrival = Arrival(at=after(minutes), lon=place[0], lat=place[1], **more)
    with transaction(sessions) as session:
        return whistles.check_in(
            session, small_runtime, "O1-W1", unit, actor=actor, arrival=arrival
        )


def test_blowing_calls_everybody_with_stage_and_time(blown):
    with blown() as session:
        assert session.scalars(sa.select(Order.state)).one() is OrderState.WHISTLED
        messages = session.scalars(
            sa.select(Message).where(Message.topic == "whistle_blown").order_by(Message.id)
        ).all()
        call = session.scalars(sa.select(WhistleCall)).one()
    assert [one.unit_code for one in messages] == ["E01", "D01"]
    assert messages[0].subject == "吹哨：东华门街道水管爆裂，请于2025-06-02 09:31前报到"
    assert messages[1].body["by"] == "2025-06-02 21:31"
    assert "恢复路面" in messages[1].body["text"]
    assert (call.plan["stages"], call.reason) == ([["D1"], ["D2", "D3"]], "水管爆裂，请到场")


def test_the_whole_way_to_the_release_of_the_order(blown, small_runtime):
    assert check_in(blown, small_runtime).units["E01"].inside is True
    assert (
        check_in(blown, small_runtime, "D01", CITY_CARE, 20, OUTSIDE).units["D01"].inside is False
    )
    with transaction(blown) as session, pytest.raises(WhistleCallError, match="duties left: D1"):
        whistles.release(session, small_runtime, "O1-W1", "E01", actor=CENTRE, at=after(30))
    with transaction(blown) as session:
        for unit, duty, actor in (("E01", "D1", WATER), ("D01", "D3", CITY_CARE)):
            whistles.finish_duty(session, "O1-W1", unit, duty, actor=actor, at=after(40))
        whistles.release(session, small_runtime, "O1-W1", "E01", actor=CENTRE, at=after(50))
        with pytest.raises(OrderActionError, match="D01 are still on site"):
            whistles.release_order(session, small_runtime, "O1-W1", actor=CENTRE, facts=facts(60))
        call = whistles.release(session, small_runtime, "O1-W1", "D01", actor=CENTRE, at=after(70))
        assert call.closed
        whistles.rate_unit(session, "O1-W1", "E01", 5, actor=CENTRE, at=after(71))
        whistles.rate_street(session, "O1-W1", "E01", 4, actor=WATER, at=after(72))
        whistles.release_order(session, small_runtime, "O1-W1", actor=CENTRE, facts=facts(80))
    with blown() as session:
        row = session.scalars(sa.select(WhistleCall)).one()
        assert (row.closed_at, row.version) == (after(70), 9)
        assert session.scalars(sa.select(Order.state)).one() is OrderState.HANDLING
        done = session.scalars(sa.select(Message).where(Message.topic == "whistle_done")).one()
        assert done.unit_code == STREET
        actions = session.scalars(
            sa.select(LogEntry.action).where(LogEntry.subject_kind == "whistle")
        )
        assert sorted(actions) == sorted(
            ["whistle_blow", "whistle_rate_unit", "whistle_rate_street"]
            + ["whistle_report_in", "whistle_finish_duty", "whistle_release"] * 2
        )
        assert verify(session) == []


def test_the_last_release_ends_call_and_order_together(blown, small_runtime):
    check_in(blown, small_runtime)
    check_in(blown, small_runtime, "D01", CITY_CARE, 20)
    with transaction(blown) as session:
        # The second of the chain waits for the first, whoever asks; and nobody does it for another.
        with pytest.raises(WhistleCallError, match="waits for D1"):
            whistles.finish_duty(session, "O1-W1", "D01", "D3", actor=CITY_CARE, at=after(25))
        with pytest.raises(ForbiddenError, match="finish_duty is for"):
            whistles.finish_duty(session, "O1-W1", "E01", "D1", actor=CENTRE, at=after(25))
        whistles.finish_duty(session, "O1-W1", "E01", "D1", actor=WATER, at=after(30))
        whistles.finish_duty(session, "O1-W1", "D01", "D3", actor=CITY_CARE, at=after(31))
        whistles.release(session, small_runtime, "O1-W1", "E01", actor=CENTRE, at=after(40))
        assert session.scalars(sa.select(Order.state)).one() is OrderState.WHISTLED
        whistles.release(session, small_runtime, "O1-W1", "D01", actor=CENTRE, at=after(50))
        assert session.scalars(sa.select(Order.state)).one() is OrderState.HANDLING
        assert session.scalars(sa.select(WhistleCall.closed_at)).one() == after(50)


def test_a_duty_is_taken_back_by_who_did_it_for_ten_minutes(blown, small_runtime):
    def undo(session, minutes, actor=WATER):
        return whistles.undo_duty(
            session, small_runtime, "O1-W1", "E01", "D1", actor=actor, at=after(minutes)
        )

    check_in(blown, small_runtime)
    with transaction(blown) as session:
        whistles.finish_duty(session, "O1-W1", "E01", "D1", actor=WATER, at=after(30))
    other = Actor(person_key="another", role=WATER.role, unit_code="E01")
    for actor, minutes in ((other, 32), (CITY_CARE, 32), (CENTRE, 32), (WATER, 41)):
        with transaction(blown) as session, pytest.raises(ForbiddenError):
            undo(session, minutes, actor)
    with transaction(blown) as session:
        assert undo(session, 40).units["E01"].left == ("D1",)
    with transaction(blown) as session:
        whistles.finish_duty(session, "O1-W1", "E01", "D1", actor=WATER, at=after(41))
    check_in(blown, small_runtime, "D01", CITY_CARE, 42)
    with transaction(blown) as session:
        whistles.finish_duty(session, "O1-W1", "D01", "D3", actor=CITY_CARE, at=after(43))
    with transaction(blown) as session, pytest.raises(WhistleCallError, match="D3 waited for 'D1'"):
        undo(session, 44)


@pytest.mark.parametrize(
    ("place", "accuracy_m", "inside"),
    [(INSIDE, 20, True), (OUTSIDE, 20, False), (INSIDE, 3000, None), (OUTSIDE, 3000, None)],
)
def test_a_position_says_no_more_than_it_can(blown, small_runtime, place, accuracy_m, inside):
    called = check_in(blown, small_runtime, place=place, accuracy_m=accuracy_m).units["E01"]
    assert called.inside is inside
    with blown() as session:
        row = session.scalars(sa.select(CheckIn)).one()
    assert (row.accuracy_m, row.is_sure) == (accuracy_m, inside is not None)


def test_units_are_added_and_left_out_with_a_reason_that_stays(sessions, small_runtime):
    changes = [
        UnitChange(unit_code="D01", name="城管委", change=Change.DROP, reason="已到场"),
        UnitChange(
            unit_code="110101", name="东城区", change=Change.ADD, reason="请来，电话13812345678"
        ),
    ]
    with transaction(sessions) as session:
        put_order(session)
        call = blow(session, small_runtime, changes=changes)
        assert [one.unit_code for one in call.units] == ["E01", "110101"]
        assert call.plan["changes"][0]["reason"] == "已到场"
    with sessions() as session:
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "whistle_blow")).one()
        assert "13812345678" not in str(entry.after)
        assert [one["unit_code"] for one in entry.after["changes"]] == ["D01", "110101"]
        told = session.scalars(sa.select(Message.unit_code).where(Message.topic == "whistle_blown"))
        assert set(told) == {"E01", "110101"}


def test_missing_and_powerless_units_are_raised_once(blown, small_runtime):
    check_in(blown, small_runtime, authority="none")
    moments = (after(30), after(32), after(33), after(1000))
    raised = []
    for now in moments:
        with transaction(blown) as session:
            raised += [
                whistles.raise_missing(session, small_runtime, call_no, now=now)
                for call_no in whistles.find_missing(session, now=now)
            ]
    assert raised == [("E01",), ("D01",)]
    with blown() as session:
        told = session.scalars(
            sa.select(Message).where(Message.topic == "whistle_missing").order_by(Message.id)
        ).all()
    assert [one.unit_code for one in told[:3]] == ["E01", "CITY", STREET]
    late = check_in(blown, small_runtime, minutes=1010).units["E01"]
    assert (late.state, late.raised_at) == (UnitState.REPORTED_IN, after(32))


def test_an_order_whose_whistle_is_over_looks_for_nobody(blown, small_runtime):
    with transaction(blown) as session:
        whistles.release_order(session, small_runtime, "O1-W1", actor=CENTRE, facts=facts(5))
    with blown() as session:
        assert whistles.find_missing(session, now=after(5000)) == []
        assert whistles.raise_missing(session, small_runtime, "O1-W1", now=after(5000)) == ()


def test_others_are_refused(blown, small_runtime):
    with pytest.raises(ForbiddenError, match="report_in is for"):
        check_in(blown, small_runtime, "E01", CITY_CARE)
    with transaction(blown) as session:
        for actor in (WATER, OTHER_CENTRE):
            with pytest.raises(ForbiddenError):
                whistles.release(session, small_runtime, "O1-W1", "E01", actor=actor, at=after(9))
        with pytest.raises(ForbiddenError):
            whistles.rate_unit(session, "O1-W1", "E01", 5, actor=WATER, at=after(9))
        with pytest.raises(NotFoundError):
            whistles.rate_unit(session, "O9-W1", "E01", 5, actor=CENTRE, at=after(9))
    with blown() as session, pytest.raises(OrderActionError):
        blow(session, small_runtime)  # it is whistled already


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"item_code": None}, "has no item"),
        ({"item_code": "999"}, "999"),
        ({"state": OrderState.REPLIED}, "cannot blow_whistle"),
    ],
)
def test_a_whistle_that_cannot_be_blown_leaves_nothing(sessions, small_runtime, more, error):
    with transaction(sessions) as session:
        put_order(session, **more)
    with pytest.raises(GridgovError, match=error), transaction(sessions) as session:
        blow(session, small_runtime)
    with sessions() as session:
        for model in (WhistleCall, Message, LogEntry):
            assert session.scalar(sa.select(sa.func.count()).select_from(model)) == 0


def test_who_has_seen_an_older_call_is_told(blown, small_runtime):
    check_in(blown, small_runtime)
    with blown() as session, pytest.raises(ConflictError, match="seen version 1, now 2"):
        act_on_call(
            session,
            small_runtime,
            "O1-W1",
            CallAction.RELEASE,
            actor=CENTRE,
            facts=CallFacts(unit_code="E01", arrival=Arrival(at=after(30))),
            seen_version=1,
        )


def test_units_that_check_in_at_the_same_moment_are_all_there(blown, small_runtime, engine):
    errors = []

    def come(unit, actor):
        try:
            check_in(make_sessions(engine), small_runtime, unit, actor)
        except GridgovError as error:
            errors.append(error)

    small_runtime.territory  # noqa: B018 - compiled before the threads need it
    threads = [
        threading.Thread(target=come, args=one) for one in (("E01", WATER), ("D01", CITY_CARE))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with blown() as session:
        call = session.scalars(sa.select(WhistleCall)).one()
        assert (errors, call.version) == ([], 3)


def test_the_district_is_above_the_street(small_runtime):
    assert small_runtime.find_superiors(STREET, small_runtime.get_day(T0)) == (DISTRICT, "CITY")
