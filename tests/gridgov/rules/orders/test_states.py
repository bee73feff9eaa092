"""Order states: the table is sound, walks stay in it, refusals say what would be allowed."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.order_labels import get_label, load_labels
from gridgov.rules.orders.disputes import Evidence
from gridgov.rules.orders.needs import ANSWERED, CHECKS, Actor, Facts, OrderFacts
from gridgov.rules.orders.states import OrderActionError, apply, find_actions, find_actions_for
from gridgov.rules.orders.transitions import (
    BY_STATE,
    CLOSED,
    FINAL,
    TRANSITIONS,
    Need,
    OrderAction,
    OrderState,
    Relation,
    Role,
    Transition,
)
from tests.gridgov.rules.orders.walk import find_log_faults, find_table_faults, walk

AT = datetime(2025, 3, 1, 9, tzinfo=UTC)
DESK, STREET, OTHER, DISTRICT = "12345", "110101001", "110101002", "110101"
EVIDENCE = Evidence(
    lon=116.4, lat=39.9, street_code=OTHER, confidence=0.99, boundary_version="1", source="photo"
)
REASONS = {
    OrderAction.SUSPEND: "funding",
    OrderAction.EXCLUDE: "unreasonable",
    OrderAction.NOT_REACHED: "no_answer",
}


def make_order(state, **changes):
    facts = {
        "unit_code": STREET,
        "desk_code": DESK,
        "superior_codes": (DISTRICT,),
        "unit_kind": "street",
    }
    return OrderFacts(order_no="A-1", state=OrderState(state), at=AT, **(facts | changes))


def make_actor(role, unit, person="p1"):
    return Actor(person_key=person, role=Role(role), unit_code=unit)


def fill(order, row: Transition):
    """Bring everything that a transition needs, by somebody who may."""
    units = {Relation.DESK: order.desk_code, Relation.OWNER: order.unit_code}
    permit = min((permit for permit in row.who if units.get(permit[1])), default=None)
    at = order.at + timedelta(minutes=1)
    facts = Facts(
        at=at,
        reason_code=REASONS.get(row.action, "any"),
        text="说明",
        unit_code=OTHER if order.unit_code == STREET else STREET,
        target_order_no="A-2",
        until=at.date() + timedelta(days=30),
        ground="territory",
        evidence=Evidence(
            lon=1.0,
            lat=1.0,
            street_code=OTHER if order.unit_code != OTHER else STREET,
            confidence=0.99,
            boundary_version="1",
            source="photo",
        ),
        answer=ANSWERED.get(row.action),
        second=make_actor("supervisor", DESK, "second"),
        reference="110-7",
        persons="街道、城管委",
    )
    if permit is None:
        return None, facts
    return make_actor(permit[0], units[permit[1]], f"p{at:%d%H%M}"), facts


def make_facts(**changes):
    return Facts(**({"at": AT + timedelta(hours=1)} | changes))


def test_the_table_is_sound():
    assert find_table_faults() == ()


@pytest.mark.parametrize(
    ("dropped", "fault"),
    [
        ("suspend", "suspended cannot be reached"),
        ("resume", "suspended never ends"),
        ("reject_dispute", None),
    ],
)
def test_faults_of_a_table_are_found(dropped, fault):
    rows = [row for row in TRANSITIONS if row.action != dropped]

    assert find_table_faults(rows) == ((fault,) if fault else ())


def test_a_unit_that_could_close_would_be_a_fault():
    row = Transition(
        action=OrderAction.REPLY,
        sources=frozenset({OrderState.CONTACTED}),
        target=OrderState.CLOSED_SOLVED,
        who=frozenset({(Role.HANDLER, Relation.OWNER)}),
    )

    assert find_table_faults([*TRANSITIONS, row]) == ("reply closes without the person's answer",)


def test_only_the_hotline_closes_and_only_after_a_callback():
    closing = {(state, row) for (state, _), row in BY_STATE.items() if row.target in CLOSED}

    assert {state for state, _ in closing} == {OrderState.CALLBACK}
    assert {permit for _, row in closing for permit in row.who} == {
        (Role.CALLBACK_CLERK, Relation.DESK)
    }


def test_every_code_has_words_in_both_languages():
    kinds = {"state": OrderState, "action": OrderAction, "role": Role, "relation": Relation}
    wanted = [
        (kind, code.value) for kind, codes in {**kinds, "need": Need}.items() for code in codes
    ]
    names = ("rates.exclusion_reasons", "deadlines.suspension_reasons", "rates.not_reached_reasons")
    kinds_of = ("exclusion_reason", "suspension_reason", "not_reached_reason")
    wanted += [
        (kind, code)
        for kind, name in zip(kinds_of, names, strict=True)
        for code in make_constants().texts(name)
    ]

    assert all(load_labels()[kind, code, lang] for kind, code in wanted for lang in ("zh", "en"))
    assert get_label("state", "closed_partly") == "办结·部分解决"
    assert set(CHECKS) == set(Need)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_walks_stay_in_the_table_and_their_log_is_sound(seed):
    changes = []
    order = make_order("received", unit_code="")
    for change in walk(order, fill, steps=40, rng=np.random.default_rng(seed)):
        row = BY_STATE[change.from_state, change.action]
        assert row.find_target(change.from_state) is change.to_state
        assert change.order.state is change.to_state
        assert (change.order.state is OrderState.SUSPENDED) <= (change.until is not None)
        changes.append({one.name: getattr(change, one.name) for one in fields(change)})

    log = pd.DataFrame(changes).drop(columns="order")
    assert len(log) == 40
    assert find_log_faults(log).empty
    gap = find_log_faults(log.drop(index=5))
    assert gap.index.tolist() == ([6] if log["from_state"][5] != log["to_state"][5] else [])


@pytest.mark.parametrize("seed", range(4))
def test_every_state_is_visited_by_walks(seed):
    order = make_order("received", unit_code="")
    seen = {
        change.to_state for change in walk(order, fill, steps=900, rng=np.random.default_rng(seed))
    }

    assert seen == set(OrderState)


@pytest.mark.parametrize("ground", ["duty", "workload", "person", "other"])
def test_only_territory_may_be_disputed(ground):
    facts = make_facts(ground=ground, evidence=EVIDENCE)

    with pytest.raises(OrderActionError, match="首接负责：只可对辖区提出异议") as refused:
        apply(
            make_order("dispatched"),
            OrderAction.DISPUTE,
            actor=make_actor("street_centre", STREET),
            facts=facts,
        )
    assert refused.value.refusal == "needs"
    assert refused.value.allowed == (OrderAction.ACCEPT, OrderAction.DISPUTE, OrderAction.NOTE)


def test_a_dispute_needs_evidence_and_ends_with_a_decision():
    order = make_order("dispatched")
    street = make_actor("street_centre", STREET)
    with pytest.raises(OrderActionError, match="须附位置证据"):
        apply(order, OrderAction.DISPUTE, actor=street, facts=make_facts(ground="territory"))

    claim = make_facts(ground="territory", evidence=EVIDENCE)
    order = apply(order, OrderAction.DISPUTE, actor=street, facts=claim).order
    dispatcher = make_actor("dispatcher", DESK)
    answer = make_facts(reason_code="own_place")
    order = apply(order, OrderAction.REJECT_DISPUTE, actor=dispatcher, facts=answer).order

    assert (order.state, order.unit_code) == (OrderState.DISPATCHED, STREET)
    with pytest.raises(OrderActionError, match="a decision has already named this unit"):
        apply(order, OrderAction.DISPUTE, actor=street, facts=claim)


def test_a_dispute_upheld_moves_the_order_to_another_unit():
    dispatcher = make_actor("dispatcher", DESK)
    order = make_order("disputed")
    with pytest.raises(OrderActionError, match="has the order already"):
        apply(
            order,
            OrderAction.UPHOLD_DISPUTE,
            actor=dispatcher,
            facts=make_facts(unit_code=STREET, reason_code="x"),
        )

    facts = make_facts(unit_code=OTHER, superior_codes=("110102",), reason_code="x")
    after = apply(order, OrderAction.UPHOLD_DISPUTE, actor=dispatcher, facts=facts).order

    assert (after.unit_code, after.superior_codes) == (OTHER, ("110102",))


def test_a_refusal_by_state_names_where_it_would_be_possible():
    with pytest.raises(OrderActionError) as refused:
        apply(
            make_order("accepted"),
            OrderAction.REPLY,
            actor=make_actor("handler", STREET),
            facts=make_facts(text="done"),
        )

    assert refused.value.refusal == "state"
    assert str(refused.value) == (
        "order A-1 is accepted, handler of '110101001' cannot reply: this is done only when it is handling, "
        "raised, supervised. Possible now for this account: contact, note, ask_extension"
    )


@pytest.mark.parametrize(
    ("role", "unit"),
    [("street_centre", OTHER), ("callback_clerk", STREET), ("planner", STREET), ("dispatcher", "")],
)
def test_a_refusal_by_role_or_relation_names_who_may(role, unit):
    with pytest.raises(
        OrderActionError, match="handler of the owner or operator of the owner or street_centre"
    ) as refused:
        apply(
            make_order("dispatched"),
            OrderAction.ACCEPT,
            actor=make_actor(role, unit),
            facts=make_facts(),
        )
    assert refused.value.refusal == "who"


def test_unit_never_closes():
    with pytest.raises(OrderActionError, match="callback_clerk of the desk"):
        apply(
            make_order("callback"),
            OrderAction.CLOSE_SOLVED,
            actor=make_actor("street_centre", STREET),
            facts=make_facts(answer="solved"),
        )


def test_the_answer_decides_how_it_closes_and_the_replier_does_not_close():
    clerk = make_actor("callback_clerk", DESK, "p9")
    order = make_order("callback", replied_by="p9")
    with pytest.raises(
        OrderActionError, match=r"answered 'unsolved'; expected 'solved'.*who replied may not close"
    ):
        apply(order, OrderAction.CLOSE_SOLVED, actor=clerk, facts=make_facts(answer="unsolved"))
    with pytest.raises(OrderActionError, match="no answer of the person"):
        apply(order, OrderAction.CLOSE_PARTLY, actor=clerk, facts=make_facts())

    other = make_actor("callback_clerk", DESK, "p8")
    change = apply(
        order, OrderAction.CLOSE_UNSOLVED, actor=other, facts=make_facts(answer="unsolved")
    )

    assert change.to_state is OrderState.CLOSED_UNSOLVED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": None}, "no date was given"),
        ({"until": date(2025, 3, 1)}, "date 2025-03-01 is not after 2025-03-01"),
        ({"until": date(2035, 3, 1)}, "date 2035-03-01 is after 2026-03-01, the latest"),
        ({"second": None}, "no second person approved"),
        ({"second": make_actor("supervisor", DESK, "p1")}, "both persons are the same"),
        ({"second": make_actor("operator", DESK, "p2")}, "the second person is operator"),
        ({"reason_code": ""}, "no reason code"),
        ({"reason_code": "busy"}, "'busy' is not known; expected one of policy_gap"),
    ],
)
def test_a_suspension_needs_date_reason_and_a_second_person(changes, message):
    given_facts = {
        "until": date(2025, 9, 1),
        "second": make_actor("supervisor", DISTRICT, "p2"),
        "reason_code": "funding",
    }
    street = make_actor("street_centre", STREET)
    order = make_order("handling")
    change = apply(order, OrderAction.SUSPEND, actor=street, facts=make_facts(**given_facts))
    assert (change.until, change.second_person_key) == (date(2025, 9, 1), "p2")
    assert order.state is OrderState.HANDLING

    with pytest.raises(OrderActionError, match=message):
        apply(order, OrderAction.SUSPEND, actor=street, facts=make_facts(**given_facts | changes))


def test_a_citys_own_reason_codes_count():
    codes = make_constant("deadlines.suspension_reasons", ["heritage"], "practice")
    facts = make_facts(
        until=date(2025, 9, 1),
        second=make_actor("supervisor", DESK, "p2"),
        reason_code="heritage",
    )

    change = apply(
        make_order("handling"),
        OrderAction.SUSPEND,
        actor=make_actor("handler", STREET),
        facts=facts,
        constants=make_constants([codes]),
    )

    assert change.reason_code == "heritage"


@pytest.mark.parametrize(
    ("at", "message"),
    [(datetime(2025, 4, 1), "has no zone"), (AT - timedelta(seconds=1), "before the last change")],  # noqa: DTZ001 - a time without a zone is the fault
)
def test_times_are_aware_and_never_run_back(at, message):
    with pytest.raises(OrderActionError, match=message):
        apply(
            make_order("dispatched"),
            OrderAction.ACCEPT,
            actor=make_actor("handler", STREET),
            facts=make_facts(at=at),
        )


def test_find_actions_by_role_and_relation():
    names = [row.action for row in find_actions(OrderState.REPLIED, role=Role.CALLBACK_CLERK)]
    owner = find_actions(OrderState.DISPATCHED, relation=Relation.OWNER)

    assert names == [
        OrderAction.RETURN_REPLY,
        OrderAction.CALL_BACK,
        OrderAction.REOPEN,
        OrderAction.EXCLUDE,
    ]
    assert {row.action for row in owner} == {
        OrderAction.ACCEPT,
        OrderAction.DISPUTE,
        OrderAction.NOTE,
    }
    assert find_actions_for(make_order("dispatched"), make_actor("auditor", STREET)) == ()
    assert all(find_actions(state) for state in OrderState if state not in FINAL)


def test_log_faults_are_named():
    times = pd.date_range("2025-01-01", periods=4, tz="UTC")
    log = pd.DataFrame(
        {
            "order_no": ["A", "A", "B", "A"],
            "at": times[[0, 2, 1, 1]],
            "action": ["dispatch", "accept", "close_solved", "handle"],
            "from_state": ["received", "dispatched", "callback", "accepted"],
            "to_state": ["dispatched", "accepted", "closed_solved", "handling"],
        }
    )

    found = find_log_faults(log)

    assert found["fault"].to_dict() == {
        2: "does not begin where the order stood",
        3: "is no transition of the table",
    }
    late = log.assign(action=["dispatch", "accept", "close_solved", "contact"])
    late["to_state"] = ["dispatched", "accepted", "closed_solved", "contacted"]
    assert find_log_faults(late)["fault"].loc[3] == "lies before the change before it"
