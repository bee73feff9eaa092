"""The record of a whistle call: its table, its clock, and steps that it must refuse."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.whistles.call import (
    TRANSITIONS,
    CheckIn,
    UnitState,
    WhistleCallError,
    blow,
    finish_duty,
    raise_missing,
    rate_street,
    rate_unit,
    release,
    report_in,
)
from gridgov.rules.whistles.convene import whistle_for

T0 = datetime(2025, 6, 1, 8, tzinfo=UTC)
NO_ZONE = T0.replace(tzinfo=None)


def make_plan():
    units = pd.DataFrame(
        [
            ("s1", "一街", "street", "street"),
            ("A", "甲局", "department", "city"),
            ("B", "乙局", "department", "city"),
        ],
        columns=["unit_code", "name", "kind", "level"],
    )
    items = pd.DataFrame(
        {
            "item_code": ["1", "2"],
            "level": "3",
            "name": ["x", "y"],
            "lead": ["A", "@street"],
            "scene_code": ["S", ""],
        }
    )
    duties = pd.DataFrame(
        [("a", "A"), ("b", "B"), ("c", "A")], columns=["duty_code", "unit"]
    ).assign(scene_code="S", role="lead", days="1")
    pairs = pd.DataFrame({"before_duty": ["a"], "after_duty": ["b"]})
    graph = make_duty_graph(units, items, duties, dependencies=pairs, on_date=date(2025, 6, 1))
    return whistle_for(graph, "1", "s1"), whistle_for(graph, "2", "s1")


PLAN, ALONE = make_plan()


def make_call():
    return blow(PLAN, call_no="W1", order_no="O1", cell_code="110101001001001", at=T0)


def check_in(minutes: float, **values) -> CheckIn:
    usual = {"lon": 116.4, "lat": 39.9, "street_code": "s1"}
    return CheckIn(person_key="p", at=T0 + timedelta(minutes=minutes), **{**usual, **values})


def test_blown_call_knows_who_must_come_until_when():
    call = make_call()
    assert {u: (s.stage, s.duties, s.report_in_by - T0) for u, s in call.units.items()} == {
        "A": (1, ("a", "c"), timedelta(minutes=30)),
        "B": (2, ("b",), timedelta(days=1, minutes=30)),
    }
    assert not call.closed


def test_whole_way_to_release_and_ratings():
    call = report_in(make_call(), "A", check_in(10))
    assert (call.units["A"].inside, call.units["A"].late_min) == (True, 0)
    call = finish_duty(call, "A", "a")
    with pytest.raises(WhistleCallError, match="duties left: c"):
        release(call, "A", at=T0 + timedelta(hours=2))
    call = release(finish_duty(call, "A", "c"), "A", at=T0 + timedelta(hours=2))
    call = rate_street(rate_unit(call, "A", 5), "A", 4)
    assert (call.units["A"].street_rating, call.units["A"].unit_rating) == (5, 4)
    assert not call.closed
    call = report_in(call, "B", check_in(60 * 24))
    call = release(finish_duty(call, "B", "b"), "B", at=T0 + timedelta(days=2))
    assert call.closed


def test_late_unit_is_raised_and_stays_marked_when_it_comes():
    call = make_call()
    assert raise_missing(call, now=T0 + timedelta(minutes=30)) == call
    late = raise_missing(call, now=T0 + timedelta(minutes=31))
    assert {u: s.state for u, s in late.units.items()} == {
        "A": UnitState.RAISED,
        "B": UnitState.CALLED,
    }
    there = report_in(late, "A", check_in(50))
    assert there.units["A"].state is UnitState.REPORTED_IN
    assert there.units["A"].late_min == 20
    assert there.units["A"].raised_at == T0 + timedelta(minutes=31)
    assert raise_missing(late, now=T0 + timedelta(hours=1)).units["A"].raised_at == T0 + timedelta(
        minutes=31
    )


def test_people_without_power_do_not_count_as_there():
    call = report_in(make_call(), "A", check_in(5, authority="none"))
    assert call.units["A"].state is UnitState.POWERLESS
    assert call.units["A"].reported_at is None
    call = report_in(call, "A", check_in(6, authority="none"))
    with pytest.raises(WhistleCallError, match="is powerless"):
        finish_duty(call, "A", "a")
    raised = raise_missing(call, now=T0 + timedelta(hours=1))
    assert raised.units["A"].state is UnitState.RAISED
    assert (
        report_in(raised, "A", check_in(70, authority="none")).units["A"].state is UnitState.RAISED
    )
    full = report_in(raised, "A", check_in(80))
    assert full.units["A"].state is UnitState.REPORTED_IN
    assert len(full.units["A"].check_ins) == 3


def test_check_in_elsewhere_or_without_a_place_is_marked_not_refused():
    assert report_in(make_call(), "A", check_in(1, street_code="s2")).units["A"].inside is False
    assert report_in(make_call(), "A", check_in(1, lon=None)).units["A"].inside is None


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda c: report_in(c, "Z", check_in(1)), "was not called; called are A, B"),
        (lambda c: report_in(c, "A", check_in(-1)), "lies before the call"),
        (
            lambda c: report_in(c, "A", CheckIn(person_key="p", at=NO_ZONE)),
            "no zone",
        ),
        (lambda c: report_in(c, "A", check_in(1, authority="some")), "expected full or none"),
        (
            lambda c: report_in(report_in(c, "A", check_in(1)), "A", check_in(2)),
            "cannot report_in; possible now: release",
        ),
        (lambda c: release(c, "A", at=T0), "is called, cannot release"),
        (lambda c: finish_duty(c, "A", "a"), "expected reported_in"),
        (lambda c: finish_duty(report_in(c, "A", check_in(1)), "A", "b"), "it has a, c"),
        (lambda c: rate_unit(c, "A", 5), "only once released or raised"),
        (lambda c: rate_unit(c, "A", 6), "expected 1 to 5"),
        (lambda c: raise_missing(c, now=T0 - timedelta(days=1)), "lies before the call"),
    ],
)
def test_refused_steps_say_what_is_wrong_and_change_nothing(step, message):
    call = make_call()
    with pytest.raises(WhistleCallError, match=message):
        step(call)
    assert call == make_call()


def test_release_before_report_in_is_refused():
    call = report_in(make_call(), "A", check_in(10))
    for duty in ("a", "c"):
        call = finish_duty(call, "A", duty)
    with pytest.raises(WhistleCallError, match="before its report-in"):
        release(call, "A", at=T0 + timedelta(minutes=5))


def test_call_without_zone_or_without_anybody_is_refused():
    with pytest.raises(WhistleCallError, match="no zone"):
        blow(PLAN, call_no="W", order_no="", cell_code="", at=NO_ZONE)
    with pytest.raises(WhistleCallError, match="calls nobody"):
        blow(ALONE, call_no="W", order_no="", cell_code="", at=T0)


STEPS = {
    "in": lambda c, u, t: report_in(c, u, check_in(t)),
    "powerless": lambda c, u, t: report_in(c, u, check_in(t, authority="none")),
    "raise": lambda c, _, t: raise_missing(c, now=T0 + timedelta(minutes=t)),
    "do": lambda c, u, _: finish_duty(c, u, c.units[u].duties[0]),
    "do last": lambda c, u, _: finish_duty(c, u, c.units[u].duties[-1]),
    "release": lambda c, u, t: release(c, u, at=T0 + timedelta(minutes=t)),
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from("AB"), st.integers(0, 20)),
        max_size=25,
    )
)
def test_random_walks_never_leave_the_table(walk):
    call, minutes = make_call(), 0
    for name, unit, wait in walk:
        minutes += wait * 10
        before = call
        try:
            call = STEPS[name](call, unit, minutes)
        except WhistleCallError:
            assert call == before
        for code, state in call.units.items():
            old = before.units[code].state
            assert state.state == old or state.state in {
                target for (source, _), target in TRANSITIONS.items() if source is old
            }
            there = state.reported_at is not None
            # Who was there with its power has left nothing; who was not can be let go as it is.
            assert (state.state is not UnitState.RELEASED) or not (there and state.left)
            if state.state is not UnitState.RELEASED:
                assert there == (state.state is UnitState.REPORTED_IN)
            for duty in set(state.done) - set(before.units[code].done):
                assert before.find_waits(duty) == ()
