"""The calls of API v1 as a program makes them: intake, work on orders, whistle calls, plans, figures, and bad input."""

import itertools
import json

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import TRANSITIONS, OrderAction, Role
from gridgov.services.accounts.tokens import TokenScope
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Callback, Order
from tests.web.features.api.test_tokens import check_problem
from tests.web.orders_city import add_person
from tests.web.room_rows import contact_pipe

INSIDE = {"lon": 116.405, "lat": 39.905}
NUMBERS = itertools.count(1)


def make_body(**changes):
    return {
        "source": "platform",
        "text": "路灯不亮，电话13812345678",
        "item_code": "111",
        **INSIDE,
    } | changes


def take(caller, **changes):
    answer = caller.post("/api/v1/appeals", make_body(appeal_no=f"P{next(NUMBERS)}", **changes))
    assert answer.status_code == 201, answer.text
    return answer.get_json()["order_nos"][0]


def act(caller, order_no, action, status=200, headers=None, **body):
    answer = caller.post(f"/api/v1/orders/{order_no}/actions/{action}", body, headers=headers or {})
    assert answer.status_code == status, (action, answer.text)
    return answer


def count(site, model):
    with make_sessions(site.engine)() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


def test_an_appeal_becomes_an_order_once_however_often_it_is_sent(callers):
    body = make_body(appeal_no="ONCE")
    first = callers["operator"].post("/api/v1/appeals", body)
    again = callers["operator"].post("/api/v1/appeals", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json() | {"is_new": False}
    told = callers["dispatcher"].get("/api/v1/appeals/platform/ONCE").get_json()
    assert told["street_code"] == "110101001"
    assert "13812345678" not in json.dumps(told, ensure_ascii=False)
    assert [one["order_no"] for one in told["orders"]] == first.get_json()["order_nos"]


def test_a_key_makes_a_call_count_once_and_another_call_under_it_is_refused(site, callers):
    caller, key = callers["operator"], {"Idempotency-Key": "k-1"}
    before = count(site, Appeal)
    first = caller.post("/api/v1/appeals", make_body(), headers=key)
    again = caller.post("/api/v1/appeals", make_body(), headers=key)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(site, Appeal) == before + 1
    other = caller.post("/api/v1/appeals", make_body(text="另一件"), headers=key)
    check_problem(other, 422, "key_reused")
    # Keys of two accounts do not meet, and a call that failed leaves its key free.
    assert (
        callers["dispatcher"].post("/api/v1/appeals", make_body(), headers=key).status_code == 201
    )
    key = {"Idempotency-Key": "k-2"}
    check_problem(
        caller.post("/api/v1/appeals", make_body(lon=1.0, lat=1.0), headers=key), 422, "fields"
    )
    assert caller.post("/api/v1/appeals", make_body(), headers=key).status_code == 201
    bad = caller.post("/api/v1/appeals", make_body(), headers={"Idempotency-Key": "x" * 201})
    check_problem(bad, 422, "fields")


def test_a_batch_that_is_half_right_is_refused_whole_with_every_fault(site, callers):
    caller, before = callers["operator"], count(site, Appeal)
    good = [make_body(appeal_no=f"B{at}") for at in range(3)]
    bad = [*good, make_body(lon=10.0, lat=10.0), make_body(item_code="no such item")]
    told = check_problem(caller.post("/api/v1/appeals/batch", {"appeals": bad}), 422, "fields")
    assert [one["pointer"] for one in told["errors"]] == ["/appeals/3/lon", "/appeals/4/item_code"]
    assert count(site, Appeal) == before
    answer = caller.post("/api/v1/appeals/batch", {"appeals": good})
    assert [one["appeal_no"] for one in answer.get_json()["appeals"]] == ["B0", "B1", "B2"]
    assert count(site, Appeal) == before + 3


@pytest.mark.parametrize(
    ("data", "kind", "status", "key", "pointer"),
    [
        ("{", "application/json", 400, "address", None),
        ("[" * 5_000, "application/json", 400, "address", None),
        ("\udcff", "application/json", 400, "address", None),
        ("a=1", "application/x-www-form-urlencoded", 415, "media_type", None),
        ("", "application/json", 422, "fields", "/source"),
        ("[]", "application/json", 422, "fields", ""),
        ('{"source": "p", "colour": 1}', "application/json", 422, "fields", "/colour"),
        ('{"source": 5, "text": "x"}', "application/json", 422, "fields", "/source"),
        ('{"source": "p", "text": "a\\u0000b"}', "application/json", 422, "fields", "/text"),
        ('{"source": "p", "text": "a\\ud800b"}', "application/json", 422, "fields", "/text"),
        ('{"source": "desk", "text": "x"}', "application/json", 422, "fields", "/source"),
        ('{"source": "p", "text": "x", "lon": NaN, "lat": 39.9}', "application/json", 422, "fields", "/lon"),
        ('{"source": "p", "text": "x", "lon": 1e400, "lat": 39.9}', "application/json", 422, "fields", "/lon"),
        ('{"source": "p", "text": "x", "lon": 116.4}', "application/json", 422, "fields", "/lon"),
        ('{"source": "p", "received_at": "2024-03-04T01:00:00"}', "application/json", 422, "fields", "/received_at"),
        ('{"source": "p", "received_at": "3024-03-04T01:00Z"}', "application/json", 422, "fields", "/received_at"),
        ('{"source": "p"}', "application/json", 422, "fields", "/text"),
    ],
)  # fmt: skip
def test_a_field_at_fault_is_named(callers, data, kind, status, key, pointer):
    raw = data.encode("utf-8", "surrogateescape")
    told = check_problem(
        callers["operator"].call("POST", "/api/v1/appeals", data=raw, content_type=kind),
        status,
        key,
    )
    if pointer is not None:
        assert pointer in [one["pointer"] for one in told["errors"]]


def test_an_order_goes_its_way_from_dispatch_to_the_persons_answer(site, callers):
    order_no = take(callers["operator"])
    centre, clerk = callers["street_centre"], callers["callback_clerk"]
    shown = centre.get(f"/api/v1/orders/{order_no}")
    offered = {one["action"] for one in shown.get_json()["actions"]}
    assert offered == {"accept", "dispute", "note"}
    seen = {"If-Match": shown.headers["ETag"]}
    accepted = act(centre, order_no, "accept", headers=seen)
    check_problem(act(centre, order_no, "contact", 412, headers=seen), 412, "precondition")
    act(centre, order_no, "contact", headers={"If-Match": accepted.headers["ETag"]})
    check_problem(act(centre, order_no, "accept", 409), 409, "state")
    act(centre, order_no, "handle")
    check_problem(act(centre, order_no, "reply", 422), 422, "refused")
    check_problem(act(callers["handler"], order_no, "reply", 404, text="x"), 404, "not_found")
    act(centre, order_no, "reply", text="已修复，13812345678")
    act(clerk, order_no, "call_back")
    closed = act(clerk, order_no, "close_solved", contacted=True, satisfied="satisfied")
    assert closed.get_json()["state"] == "closed_solved"
    with make_sessions(site.engine)() as session:
        call = session.scalars(sa.select(Callback).order_by(Callback.id.desc())).first()
        assert (call.contacted, call.solved, call.satisfied) == (True, "true", "satisfied")
        refused = session.scalars(
            sa.select(LogEntry).where(LogEntry.subject_no == order_no, LogEntry.action == "refused")
        ).all()
    assert [entry.after["action"] for entry in refused] == ["contact", "accept", "reply"]
    history = centre.get(f"/api/v1/orders/{order_no}").get_json()["history"]
    assert [one["action"] for one in history if one["action"] != "refused"] == [
        "receive", "accept", "contact", "handle", "reply", "call_back", "close_solved", "record_callback",
    ]  # fmt: skip


def test_every_action_of_the_table_is_a_call_and_none_is_a_fault(callers):
    order_no = take(callers["operator"])
    for row in TRANSITIONS:
        login = min((role.value for role, _ in row.who), default="operator")
        answer = callers[login].post(f"/api/v1/orders/{order_no}/actions/{row.action}", {})
        assert answer.status_code in {200, 403, 404, 409, 422}, (login, row.action, answer.text)
    told = callers["operator"].post(f"/api/v1/orders/{order_no}/actions/fly", {})
    assert all(one.value in check_problem(told, 422, "fields")["detail"] for one in OrderAction)


def test_a_step_is_taken_back_by_who_took_it(callers):
    order_no = take(callers["operator"])
    act(callers["street_centre"], order_no, "accept")
    undone = callers["street_centre"].post(f"/api/v1/orders/{order_no}/undo")
    assert undone.get_json()["state"] == "dispatched"
    check_problem(
        callers["street_centre"].post(f"/api/v1/orders/{order_no}/undo"), 403, "forbidden"
    )


def test_a_list_goes_on_where_it_was_left_and_shows_what_the_account_sees(callers):
    for _ in range(5):
        take(callers["operator"])
    caller, path, seen = callers["dispatcher"], "/api/v1/orders?limit=2&street_code=110101001", []
    page = caller.get(path).get_json()
    while True:
        seen += [one["order_no"] for one in page["orders"]]
        if page["next"] is None:
            break
        page = caller.get(f"{path}&cursor={page['next']}").get_json()
    assert len(seen) == len(set(seen)) >= 5
    own = callers["street_centre"].get("/api/v1/orders?limit=1000").get_json()["orders"]
    assert {one["unit_code"] for one in own} == {"110101001"}
    other = callers["other_street"].get("/api/v1/orders?limit=1000").get_json()["orders"]
    assert not {one["order_no"] for one in own} & {one["order_no"] for one in other}
    check_problem(callers["other_street"].get(f"/api/v1/orders/{seen[0]}"), 404, "not_found")
    assert "13812345678" not in json.dumps(own, ensure_ascii=False)
    first = caller.get(path)
    assert caller.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    newest = caller.get("/api/v1/orders?newest_first=true&limit=1").get_json()["orders"][0]
    assert (
        newest["order_no"]
        == caller.get("/api/v1/orders?limit=1000").get_json()["orders"][-1]["order_no"]
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("colour=red", "colour"),
        ("state=nowhere", "state"),
        ("outcome=x", "outcome"),
        ("received_from=yesterday", "received_from"),
        ("received_from=2024-03-04", "received_from"),
        ("cursor=xyz", "cursor"),
        ("cursor=WyIyMDI0LTAzLTA0VDAxOjAwOjAwKzAwOjAwIiwgMSwgIngiXQ", "cursor"),
        ("unit_code=" + ",".join("x" * 101), "unit_code"),
        ("q=" + "x" * 201, "q"),
    ],
)
def test_an_address_that_is_not_understood_names_its_parameter(callers, query, field):
    told = check_problem(callers["dispatcher"].get(f"/api/v1/orders?{query}"), 422, "fields")
    assert field in [one["parameter"] for one in told["errors"]]


def test_who_said_it_is_told_to_whom_it_may_be_and_put_on_record(site, callers):
    order_no = take(callers["operator"], name="张三", phone="13812345678")
    path = f"/api/v1/orders/{order_no}?person=true"
    told = callers["street_centre"].get(path).get_json()
    assert told["person"]["phone"] == "13812345678"
    assert callers["analyst"].get(path).get_json()["person"] is None
    assert callers["street_centre"].get(path.partition("?")[0]).get_json()["person"] is None
    narrow = site.make_caller("street_centre", TokenScope.ORDERS_READ)
    assert narrow.get(path).get_json()["person"] is None
    with make_sessions(site.engine)() as session:
        seen = session.scalars(
            sa.select(LogEntry).where(
                LogEntry.subject_kind == "person", LogEntry.subject_no == order_no
            )
        ).all()
    assert [entry.action for entry in seen] == ["view_person"]


def test_a_whistle_is_blown_answered_and_ends(site, callers):
    with transaction(make_sessions(site.engine)) as session:
        order_no = contact_pipe(session, site.runtime, appeal_no="whistle")
    centre = callers["street_centre"]
    water = site.make_caller(add_person(site.engine, "water", Role.HANDLER, "E01"))
    act(centre, order_no, "blow_whistle", reason_code="emergency", text="水漫到路上")
    calls = callers["supervisor"].get("/api/v1/whistles?state=running").get_json()["calls"]
    call_no = next(one["call_no"] for one in calls if one["order_no"] == order_no)
    path = f"/api/v1/whistles/{call_no}/steps"
    said = {"unit_code": "E01"}
    check_problem(centre.post(f"{path}/fly", said), 404, "not_found")
    check_problem(
        callers["other_street"].post(f"{path}/report_in", said | INSIDE), 404, "not_found"
    )
    version = {"If-Match": water.get(f"/api/v1/whistles/{call_no}").headers["ETag"]}
    arrived = said | INSIDE | {"accuracy_m": 8, "note": "已到，电话13812345678"}
    assert water.post(f"{path}/report_in", arrived, headers=version).status_code == 200
    check_problem(water.post(f"{path}/release", said, headers=version), 412, "precondition")
    (unit,) = water.get(f"/api/v1/whistles/{call_no}").get_json()["units"]
    assert unit["inside"] is True
    duties = [said | {"duty_code": code} for code in unit["duties"]]
    for duty in duties:
        assert water.post(f"{path}/finish_duty", duty).status_code == 200
    assert water.post(f"{path}/undo_duty", duties[-1]).status_code == 200
    assert centre.post(f"{path}/release", said).status_code == 422
    assert water.post(f"{path}/finish_duty", duties[-1]).status_code == 200
    assert centre.post(f"{path}/release", said).get_json()["closed"] is True
    assert centre.post(f"{path}/rate_unit", said | {"score": 9}).status_code == 422
    assert centre.post(f"{path}/rate_unit", said | {"score": 4}).status_code == 200
    assert water.post(f"{path}/rate_street", said | {"score": 5}).status_code == 200
    (unit,) = centre.get(f"/api/v1/whistles/{call_no}").get_json()["units"]
    assert (unit["street_rating"], unit["unit_rating"]) == (4, 5)


def test_plans_and_figures_answer_before_anything_was_planned(callers):
    planner = callers["planner"]
    assert planner.get("/api/v1/plans").get_json() == {"plans": []}
    check_problem(planner.get("/api/v1/plans/none"), 404, "not_found")
    check_problem(planner.post("/api/v1/plans/none/actions/submit", {}), 404, "not_found")
    check_problem(planner.post("/api/v1/plans/none/actions/fly", {}), 422, "fields")
    check_problem(planner.post("/api/v1/plans/none/tasks/1/actions/accept", {}), 404, "not_found")
    assert planner.get("/api/v1/hotspots").get_json() == {"run_at": None, "hotspots": []}
    assert planner.get("/api/v1/surges").get_json() == {"surges": None}
    assert planner.get("/api/v1/topics").get_json()["topics"] == []
    body = {"year": 2024, "topic_code": "x", "is_picked": True, "reason": "多", "month": 3}
    assert planner.post("/api/v1/topics/choices", body).status_code in {404, 422}
    check_problem(planner.get("/api/v1/rates?month=1999-01"), 404, "not_found")


def test_rates_of_a_month_are_those_of_the_callbacks(site, callers):
    order_no = take(callers["operator"])
    for action in ("accept", "contact", "handle"):
        act(callers["street_centre"], order_no, action)
    act(callers["street_centre"], order_no, "reply", text="好了")
    act(callers["callback_clerk"], order_no, "call_back")
    act(
        callers["callback_clerk"],
        order_no,
        "close_unsolved",
        contacted=True,
        satisfied="unsatisfied",
    )
    told = callers["analyst"].get("/api/v1/rates").get_json()
    own = next(one for one in told["rates"] if one["unit_code"] == "110101001")
    with make_sessions(site.engine)() as session:
        closed = session.scalar(
            sa.select(sa.func.count()).where(
                Order.unit_code == "110101001", Order.closed_at.is_not(None)
            )
        )
    assert own["callbacks"] == closed
    assert own["solution_rate"] == pytest.approx((closed - 1) / closed)
    assert own["response_rate"] == 1.0
