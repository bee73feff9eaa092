"""What follows from each action, written out: who is told, what is written beside the state, which fields the log has.

The tables of the service are compared with these, so that a line that is left out there is noticed: no other check of
the log or of messages can notice what is absent.
"""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.needs import OrderFacts
from gridgov.rules.orders.states import OrderChange
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.services.orders.effects import EFFECTS, Act, find_recipients
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import LogEntry
from tests.gridgov.services.city import CENTRE, do, load, make_evidence, take
from tests.web.orders_city import make_city_desk

CONSEQUENCES = {
    # who is told: o the unit that has the order and the one that had it, d the desk, s the unit above,
    # w the unit above where the order is raised or supervised
    "ask_information": ("-", "-"),
    "give_information": ("d", "-"),
    "dispatch": ("o", "take_boundaries dispatch"),
    "recall": ("o", "recall"),
    "reassign": ("o", "take_boundaries rule drop_extension"),
    "keep_unit": ("o", "take_boundaries keep_unit"),
    "hand_over": ("-", "hand_over"),
    "answer_handed_over": ("-", "reply"),
    "answer_at_desk": ("-", "reply"),
    "accept": ("-", "-"),
    "dispute": ("d", "open_dispute"),
    "uphold_dispute": ("o", "take_evidence rule decide"),
    "reject_dispute": ("o", "decide"),
    "call_conference": ("ods", "call_conference"),
    "decide_conference": ("o", "keep_minutes take_evidence rule decide"),
    "contact": ("-", "contact"),
    "handle": ("-", "-"),
    "note": ("w", "-"),
    "ask_extension": ("s", "ask_extension"),
    "grant_extension": ("o", "grant_extension"),
    "refuse_extension": ("o", "refuse_extension"),
    "blow_whistle": ("-", "-"),
    "release_whistle": ("-", "end_whistle"),
    "raise": ("s", "end_whistle"),
    "return_raised": ("o", "-"),
    "assign_raised": ("o", "rule drop_extension"),
    "supervise": ("o", "end_whistle"),
    "end_supervision": ("o", "-"),
    "suspend": ("d", "pause drop_extension"),
    "resume": ("o", "resume"),
    "reply": ("dw", "reply drop_extension"),
    "return_reply": ("o", "return_reply"),
    "call_back": ("-", "-"),
    "not_reached": ("-", "miss"),
    "close_solved": ("o", "close"),
    "close_partly": ("o", "close"),
    "close_unsolved": ("o", "close"),
    "merge": ("o", "transfer drop_extension"),
    "follow_on": ("-", "transfer"),
    "follow_reply": ("-", "follow_reply"),
    "follow_back": ("-", "return_reply"),
    "split": ("d", "-"),
    "exclude": ("d", "exclude reached"),
    "readmit": ("o", "readmit"),
    "reopen": ("o", "reopen"),
}
"""Action → who is told, and what is written. Whoever changes one changes it here too, by hand."""
UNITS = {"o": "has", "d": "desk", "s": "above", "w": "above"}
AT = datetime(2024, 5, 6, tzinfo=UTC)


def make_step(action: OrderAction, from_state: OrderState) -> Act:
    order = OrderFacts(
        order_no="1",
        state=OrderState.HANDLING,
        at=AT,
        unit_code="has",
        desk_code="desk",
        superior_codes=("above", "far above"),
    )
    change = OrderChange(
        order_no="1",
        action=action,
        from_state=from_state,
        to_state=OrderState.HANDLING,
        at=AT,
        person_key="",
        role=None,
        actor_unit_code="",
        second_person_key="",
        unit_code="has",
        reason_code="",
        text="",
        until=None,
        target_order_no="",
        order=order,
    )
    nothing = dict.fromkeys(("session", "runtime", "row", "facts", "actor"))
    return Act(change=change, unit_before="had", **nothing)


def test_every_action_is_written_out():
    assert set(CONSEQUENCES) == {action.value for action in OrderAction}


@pytest.mark.parametrize("action", list(OrderAction))
def test_who_is_told_is_what_is_written_here(action):
    who = CONSEQUENCES[action.value][0].replace("-", "")
    expected = {UNITS[sign] for sign in who if sign != "w"}
    if "o" in who and action is not OrderAction.DISPATCH:
        expected.add("had")
    assert set(find_recipients(make_step(action, OrderState.HANDLING))) == expected
    for state in (OrderState.RAISED, OrderState.SUPERVISED):
        watched = expected | ({"above"} if "w" in who else set())
        assert set(find_recipients(make_step(action, state))) == watched


@pytest.mark.parametrize("action", list(OrderAction))
def test_what_is_written_beside_the_state_is_what_is_written_here(action):
    names = [one.__qualname__.split(".")[0].lstrip("_") for one in EFFECTS.get(action, ())]
    assert (" ".join(names) or "-") == CONSEQUENCES[action.value][1]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("consequences"))


def test_the_log_says_of_a_dispute_on_which_ground(sessions, runtime):
    load(sessions, runtime)
    with transaction(sessions) as session:
        number = take(session, runtime).order_nos[0]
        do(
            session,
            runtime,
            number,
            OrderAction.DISPUTE,
            CENTRE,
            minutes=1,
            ground="territory",
            evidence=make_evidence("110101002"),
            text="不在辖区，电话13812345678",
        )
    with sessions() as session:
        query = sa.select(LogEntry).where(LogEntry.action == "dispute")
        entry = session.scalars(query).one()
    assert entry.after["ground"] == "territory"
    assert entry.after["text"] == "不在辖区，电话138****5678"
    assert entry.before["state"] == "dispatched"
    assert (entry.person_key, entry.role) == (CENTRE.person_key, "street_centre")
