"""What follows from each action, written out: who is told, what is written beside the state, which fields the log has.

The tables of the service are compared with these, so that a line that is left out there is noticed: no other check of
the log or of messages can notice what is absent.
"""

from datetime import UTC, date, datetime
from functools import partial

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.needs import OrderFacts
from gridgov.rules.orders.states import OrderChange
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.orders.effects import EFFECTS, Act, find_recipients
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Order
from tests.gridgov.services.city import (
    CENTRE,
    CLERK,
    DISPATCHER,
    NEIGHBOUR,
    STREET,
    do,
    load,
    make_actor,
    make_evidence,
    take,
)
from tests.web.orders_city import make_city_desk

A = OrderAction
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


OPERATOR, BOSS = make_actor(Role.OPERATOR), make_actor(Role.SUPERVISOR)
NEXT = make_actor(Role.STREET_CENTRE, NEIGHBOUR)
WHY, SAID = {"reason_code": "other"}, {"text": "说明"}
AT_WORK = ((A.ACCEPT, {}), (A.CONTACT, {}), (A.HANDLE, {}))
LIVES = {
    # order → what is done to it, by whom and with what; several orders so that each action is possible somewhere
    "whole": (
        (DISPATCHER, A.RECALL, WHY),
        (OPERATOR, A.ASK_INFORMATION, SAID),
        (OPERATOR, A.GIVE_INFORMATION, SAID),
        (DISPATCHER, A.DISPATCH, {"unit_code": NEIGHBOUR}),
        *((NEXT, *one) for one in AT_WORK),
        (NEXT, A.NOTE, SAID),
        (NEXT, A.ASK_EXTENSION, WHY | {"until": date(2024, 3, 20)}),
        (BOSS, A.REFUSE_EXTENSION, WHY),
        (NEXT, A.ASK_EXTENSION, WHY | {"until": date(2024, 3, 25)}),
        (BOSS, A.GRANT_EXTENSION, {}),
        (NEXT, A.BLOW_WHISTLE, WHY),
        (NEXT, A.RELEASE_WHISTLE, SAID),
        (NEXT, A.RAISE, WHY),
        (BOSS, A.RETURN_RAISED, WHY),
        (BOSS, A.SUPERVISE, WHY | {"until": date(2024, 3, 8)}),
        (BOSS, A.END_SUPERVISION, SAID),
        (
            NEXT,
            A.SUSPEND,
            {"reason_code": "season", "until": date(2024, 3, 30), "second": BOSS},
        ),
        (NEXT, A.RESUME, {}),
        (NEXT, A.RAISE, WHY),
        (BOSS, A.ASSIGN_RAISED, WHY | {"unit_code": STREET}),
        *((CENTRE, *one) for one in AT_WORK),
        (CENTRE, A.REPLY, SAID),
        (CLERK, A.RETURN_REPLY, WHY),
        (CENTRE, A.REPLY, SAID),
        (CLERK, A.CALL_BACK, {}),
        (CLERK, A.NOT_REACHED, {"reason_code": "no_answer"}),
        (CLERK, A.CALL_BACK, {}),
        (CLERK, A.CLOSE_PARTLY, {"answer": "partly"}),
        (CLERK, A.REOPEN, WHY),
    ),
    "upheld": (
        (CENTRE, A.DISPUTE, {"ground": "territory", "evidence": make_evidence(NEIGHBOUR)}),
        (DISPATCHER, A.UPHOLD_DISPUTE, WHY | {"unit_code": NEIGHBOUR}),
    ),
    "refused": (
        (CENTRE, A.DISPUTE, {"ground": "territory", "evidence": make_evidence(NEIGHBOUR, 0.5)}),
        (DISPATCHER, A.REJECT_DISPUTE, WHY),
    ),
    "heard": (
        (CENTRE, A.DISPUTE, {"ground": "territory", "evidence": make_evidence(NEIGHBOUR, 0.5)}),
        (DISPATCHER, A.CALL_CONFERENCE, {"until": date(2024, 3, 6), "persons": "双方"}),
        (BOSS, A.DECIDE_CONFERENCE, WHY | SAID | {"unit_code": NEIGHBOUR}),
    ),
    "fire": (
        (DISPATCHER, A.RECALL, WHY),
        (DISPATCHER, A.DISPATCH, {"unit_code": "119"}),
        (OPERATOR, A.HAND_OVER, {"reference": "119-7"}),
        (OPERATOR, A.ANSWER_HANDED_OVER, SAID),
    ),
    "at the desk": (
        (DISPATCHER, A.RECALL, WHY),
        (OPERATOR, A.ANSWER_AT_DESK, SAID),
        (CLERK, A.CALL_BACK, {}),
        (CLERK, A.CLOSE_SOLVED, {"answer": "solved"}),
        (CLERK, A.EXCLUDE, {"reason_code": "unreasonable", "second": BOSS}),
        (BOSS, A.READMIT, WHY),
        (CLERK, A.CALL_BACK, {}),
        (CLERK, A.CLOSE_UNSOLVED, {"answer": "unsolved"}),
    ),
    "main": (
        (CENTRE, A.ACCEPT, {}),
        (DISPATCHER, A.KEEP_UNIT, WHY),
        (DISPATCHER, A.REASSIGN, WHY | {"unit_code": NEIGHBOUR}),
        *((NEXT, *one) for one in AT_WORK),
        (NEXT, A.REPLY, SAID),
        (CLERK, A.RETURN_REPLY, WHY),
    ),
    "merged": ((DISPATCHER, A.SPLIT, WHY),),
}
FIELDS = {
    "merge": "merged_into outcome state state_at",
    "recall": "dispatched_at reason_code state state_at",
    "ask_information": "state state_at text",
    "give_information": "state state_at text",
    "dispatch": "dispatched_at reasons state state_at unit_code",
    "accept": "state state_at",
    "contact": "contacted_at state state_at",
    "handle": "state state_at",
    "note": "text",
    "ask_extension": "extension_until reason_code",
    "refuse_extension": "extension_until reason_code",
    "grant_extension": "due_at extension_until extensions",
    "blow_whistle": "reason_code state state_at",
    "release_whistle": "state state_at text",
    "raise": "reason_code state state_at",
    "return_raised": "reason_code state state_at",
    "supervise": "reason_code state state_at until",
    "end_supervision": "state state_at text until",
    "suspend": "reason_code second_person_key state state_at until",
    "resume": "due_at state state_at until",
    "assign_raised": (
        "bounces bound_unit_code contact_by contacted_at dispatched_at reason_code "
        "reasons state state_at unit_code"
    ),
    "reply": "replied_at replied_by state state_at text",
    "return_reply": "reason_code replied_at state state_at",
    "call_back": "state state_at",
    "not_reached": "call_again_at calls_missed reason_code state state_at",
    "close_partly": "answer call_again_at calls_missed closed_at outcome state state_at",
    "reopen": (
        "clock_from closed_at contact_by contacted_at due_at outcome reason_code "
        "replied_at state state_at"
    ),
    "dispute": "ground state state_at",
    "uphold_dispute": (
        "bounces bound_unit_code cell_code contact_by dispatched_at due_at "
        "reason_code reasons state state_at street_code unit_code"
    ),
    "reject_dispute": "bound_unit_code reason_code state state_at",
    "call_conference": "persons state state_at",
    "decide_conference": (
        "bounces bound_unit_code cell_code contact_by dispatched_at due_at "
        "reason_code reasons state state_at street_code text unit_code"
    ),
    "hand_over": "contacted_at handover_no reference state state_at",
    "answer_handed_over": "replied_at replied_by state state_at text",
    "answer_at_desk": "replied_at replied_by state state_at text unit_code",
    "close_solved": "answer closed_at outcome state state_at",
    "exclude": "outcome reason_code second_person_key state state_at",
    "readmit": "outcome reason_code state state_at",
    "close_unsolved": "answer closed_at outcome state state_at",
    "keep_unit": "reason_code review",
    "reassign": (
        "bounces contact_by dispatched_at due_at reason_code reasons review state "
        "state_at unit_code"
    ),
    "follow_on": "bounces unit_code",
    "follow_reply": "outcome replied_at replied_by state state_at",
    "follow_back": "outcome replied_at state state_at",
    "split": "merged_into outcome reason_code state state_at",
}
"""Action → the fields of its first entry in these lives: one that is left out is noticed here alone."""


def live(session, runtime):
    """Lead every order through its life; one is merged into another before that one goes on."""
    numbers = {name: take(session, runtime, appeal_no=name).order_nos[0] for name in LIVES}
    minutes = iter(range(1, 200_000, 61))
    step = partial(do, session, runtime)
    merge = {"target_order_no": numbers["main"]}
    step(numbers["merged"], A.MERGE, DISPATCHER, minutes=next(minutes), **merge)
    for name, steps in LIVES.items():
        for actor, action, facts in steps:
            if action in {A.KEEP_UNIT, A.REASSIGN}:  # as after new boundaries
                session.scalars(
                    sa.select(Order).where(Order.order_no == numbers[name])
                ).one().review = True
            step(numbers[name], action, actor, minutes=next(minutes), **facts)


def test_the_log_of_an_action_has_the_fields_that_are_written_here(sessions, runtime):
    load(sessions, runtime)
    with transaction(sessions) as session:
        live(session, runtime)
    found = {}
    with sessions() as session:
        for entry in session.scalars(sa.select(LogEntry).order_by(LogEntry.id)):
            if entry.subject_kind == "order" and entry.action in CONSEQUENCES:
                found.setdefault(entry.action, " ".join(sorted(entry.after or {})))
    assert found == FIELDS
