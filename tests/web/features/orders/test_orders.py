"""The orders room: lists that agree with counts, every step through its form, and what must not get through."""

import csv
import io
import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import shapely
import sqlalchemy as sa

from gridgov.jobs.exchange import read_export
from gridgov.rules.orders.transitions import OrderState, Role
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from gridgov.storage.queries.map_counts import CountFilter, count_areas
from tests.gridgov.services.city import NEIGHBOUR, NOW, STREET, take
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city, take_many
from tests.web.pages import PASSWORD, read_token, sign_in
from web.features.orders.live import get_newest_change, get_watcher, tell_changes
from web.features.orders.map import find_outlines

WHOLE = "window=2024-03-01..2024-03-31"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("orders"))


@pytest.fixture
def site(engine, runtime):
    seed_city(engine, runtime)
    return make_city_pages(engine, runtime)


@pytest.fixture
def take_in(engine, runtime):
    """Return a taker: changes of an appeal in, the number of its order out."""

    def take_one(**changes):
        with transaction(make_sessions(engine)) as session:
            return take(session, runtime, **changes).order_nos[0]

    return take_one


def enter(site, who):
    client = site.test_client()
    assert sign_in(client, who).status_code == 302
    return client


def send(client, order_no, path, **form):
    """Send the form of an order's page with the token and version that stand there."""
    page = client.get(f"/orders/{order_no}").text
    version = re.search(r'name="version" value="(\d+)"', page)
    form = {"csrf_token": read_token(page), "version": version.group(1) if version else ""} | form
    return client.post(f"/orders/{order_no}/{path}", data=form)


def get_order(engine, order_no):
    with make_sessions(engine)() as session:
        return session.scalars(sa.select(Order).where(Order.order_no == order_no)).one()


def count_statements(engine, call):
    seen = []
    sa.event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    call()
    return len(seen)


def test_list_count_export_and_map_agree(engine, runtime, site):
    with transaction(make_sessions(engine)) as session:
        take_many(session, runtime, 34)
        take_many_elsewhere = take(session, runtime, appeal_no="B1", lon=116.425, lat=39.925)
        counted = count_areas(
            session,
            "street",
            CountFilter(first_on=NOW.date().replace(day=1), last_on=NOW.date().replace(day=31)),
        )
    assert take_many_elsewhere.is_new
    client = enter(site, Role.DISPATCHER)
    page = client.get(f"/orders?{WHOLE}").text
    assert "共 35 条" in page
    assert page.count("data-order=") == 30
    assert client.get(f"/orders?{WHOLE}&page=2").text.count("data-order=") == 5
    rows = list(csv.DictReader(io.StringIO(client.get(f"/orders/export.csv?{WHOLE}").text[1:])))
    assert len(rows) == counted["n"].sum() == 35
    for street, n in zip(counted["code"], counted["n"], strict=True):
        assert f"共 {n} 条" in client.get(f"/orders?{WHOLE}&street={street}").text
        assert sum(row["街道编码"] == street for row in rows) == n


@pytest.mark.parametrize("asked", ["state=dispatched", "clock=unanswered", "q=第3件", "grade=24h"])
def test_filters_narrow_and_can_be_taken_away(engine, runtime, site, asked):
    with transaction(make_sessions(engine)) as session:
        take_many(session, runtime, 5)
    client = enter(site, Role.DISPATCHER)
    page = client.get(f"/orders?{WHOLE}&{asked}").text
    assert 'class="chip"' in page
    assert f"共 {1 if asked.startswith('q') else 5} 条" in page
    assert "没有符合条件的工单" in client.get(f"/orders?{WHOLE}&{asked}&item=999").text


def test_what_words_find_is_counted_so_far_as_texts_can_be_read(engine, runtime, site, monkeypatch):
    monkeypatch.setattr("gridgov.storage.queries.orders.COUNT_MAX_WORDS", 3)
    with transaction(make_sessions(engine)) as session:
        take_many(session, runtime, 4)
    client = enter(site, Role.DISPATCHER)
    assert "共 4 条" in client.get(f"/orders?{WHOLE}").text
    assert "超过 3 条" in client.get(f"/orders?{WHOLE}&q=件").text
    assert "3+ 件" in client.get(f"/search?{WHOLE}&q=件").text
    assert "共 1 条" in client.get(f"/orders?{WHOLE}&q=第3件").text


def test_as_many_statements_for_one_row_as_for_fifty(engine, runtime, site):
    client = enter(site, Role.DISPATCHER)
    client.get(f"/orders?{WHOLE}")
    with transaction(make_sessions(engine)) as session:
        take_many(session, runtime, 1)
    one = count_statements(engine, lambda: client.get(f"/orders?{WHOLE}"))
    with transaction(make_sessions(engine)) as session:
        take_many(session, runtime, 50)
    assert count_statements(engine, lambda: client.get(f"/orders?{WHOLE}")) <= one


def test_an_order_from_dispatch_to_the_persons_answer(engine, site, take_in):
    order_no = take_in()
    street = enter(site, Role.STREET_CENTRE)
    for action, form in (
        ("accept", {}),
        ("contact", {"text": "已电话联系"}),
        ("handle", {}),
        ("reply", {"text": "已清理，占道商贩已劝离"}),
    ):
        assert send(street, order_no, f"act/{action}", **form).status_code == 302, action
    clerk = enter(site, Role.CALLBACK_CLERK)
    answers = {"contacted": "true", "solved": "true", "satisfied": "satisfied", "note": "很快"}
    assert send(clerk, order_no, "callback", **answers).status_code == 302
    row = get_order(engine, order_no)
    assert (row.state, row.solved, row.satisfied) == (OrderState.CLOSED_SOLVED, "true", "satisfied")
    page = street.get(f"/orders/{order_no}").text
    for word in ("已电话联系", "已清理，占道商贩已劝离", "办结·已解决", "反馈办理结果"):
        assert word in page


def test_people_to_be_called_stand_due_first_with_the_tries_that_missed_them(engine, site, take_in):
    street, clerk = enter(site, Role.STREET_CENTRE), enter(site, Role.CALLBACK_CLERK)
    # The latest received are replied to first, so that neither receipt nor number gives the order that is asked for.
    numbers = [take_in(appeal_no=f"C{at}") for at in range(4)]
    for order_no in reversed(numbers):
        for action in ("accept", "contact", "handle", "reply"):
            assert send(street, order_no, f"act/{action}", text="已清理").status_code == 302
    with transaction(make_sessions(engine)) as session:
        rows = {one.order_no: one for one in session.scalars(sa.select(Order))}
        for at, order_no in enumerate(reversed(numbers)):
            rows[order_no].replied_at = NOW + timedelta(minutes=at)
        # One was missed once and is due now, the one replied to first of all was missed for the last time.
        rows[numbers[0]].calls_missed = 1
        rows[numbers[0]].call_again_at = NOW + timedelta(seconds=90)
        rows[numbers[3]].calls_missed = 3

    def find_rows(tab, **asked):
        page = clerk.get("/orders", query_string={"clock": tab, **asked}).text
        return re.findall(r'data-order="([^"]+)"', page), page

    shown, page = find_rows("to_call_back")
    assert shown == [numbers[2], numbers[0], numbers[1]]
    assert "未联系上 1 次" in page
    assert page.count("首次回访<br>") == 2
    assert find_rows("to_call_back", sort="-call_at")[0] == shown[::-1]
    assert find_rows("to_call_back", sort="order_no")[0] == sorted(shown)
    missed, page = find_rows("not_reached")
    assert missed == [numbers[0], numbers[3]]  # who is not called again comes last
    assert "未联系上 3 次" in page
    assert "不再拨打" in page
    assert "首次回访<br>" not in clerk.get(f"/orders?{WHOLE}").text


def test_a_refused_step_keeps_what_was_typed(site, take_in):
    order_no = take_in()
    street = enter(site, Role.STREET_CENTRE)
    answer = send(street, order_no, "act/dispute", evidence_lon="oops", text="不在我处，见附图")
    assert answer.status_code == 422
    assert "不在我处，见附图" in answer.text
    assert "没有保存任何内容" in answer.text


def test_the_second_of_two_people_gets_a_clear_conflict(site, take_in):
    order_no = take_in()
    first, second = enter(site, Role.STREET_CENTRE), enter(site, Role.STREET_CENTRE)
    page = second.get(f"/orders/{order_no}").text
    seen = re.search(r'name="version" value="(\d+)"', page).group(1)
    assert send(first, order_no, "act/accept").status_code == 302
    answer = second.post(
        f"/orders/{order_no}/act/accept",
        data={"csrf_token": read_token(page), "version": seen, "text": "我来办"},
    )
    assert answer.status_code == 409
    assert "别人刚刚改过这件工单" in answer.text


def test_territory_is_disputed_with_evidence_and_the_desk_decides(engine, site, take_in):
    order_no = take_in()
    street = enter(site, Role.STREET_CENTRE)
    evidence = {
        "ground": "territory",
        "evidence_lon": "116.405",
        "evidence_lat": "39.930",
        "evidence_source": "现场照片",
        "text": "在北边",
    }
    assert send(street, order_no, "act/dispute", **evidence).status_code == 302
    dispatcher = enter(site, Role.DISPATCHER)
    page = dispatcher.get(f"/orders/{order_no}").text
    assert "按证据位置属其他街道" in page
    shown = json.loads(re.search(r'id="order-map-data"[^>]*>(.*?)</script>', page)[1])
    streets = {
        one["properties"]["code"]: one["properties"]["name"] for one in shown["streets"]["features"]
    }
    assert shown["evidence"] == [
        {"lon": 116.405, "lat": 39.93, "code": NEIGHBOUR, "name": streets[NEIGHBOUR]}
    ]
    words = json.loads(re.search(r"data-words='([^']*)'", page)[1])
    assert words["evidence"] == "证据位置"
    decided = send(
        dispatcher, order_no, "act/uphold_dispute", unit_code=NEIGHBOUR, reason_code="territory"
    )
    assert decided.status_code == 302
    assert get_order(engine, order_no).unit_code == NEIGHBOUR
    page = dispatcher.get(f"/orders/{order_no}").text
    assert "（不属本辖区）" in page
    assert "[territory]" not in page
    # Who had it may still read it; there is nothing that it could do.
    assert street.get(f"/orders/{order_no}").status_code == 200
    assert send(street, order_no, "act/accept").status_code == 422
    assert enter(site, "other_street").get(f"/orders/{order_no}").status_code == 200


def test_evidence_far_away_brings_its_own_street_onto_the_map(runtime, monkeypatch):
    monkeypatch.setattr("web.features.orders.map.HALF_WIDTH_DEG", 0.001)
    streets = runtime.city.streets
    first, *others = shapely.point_on_surface(streets.geometry.to_numpy())
    code = streets["street_code"].iloc[0]
    assert list(find_named(runtime, first, code)) == [code]
    for at, other in enumerate(others, start=1):
        shown = find_named(runtime, first, code, also=[(other.x, other.y)])
        assert set(shown) == {code, streets["street_code"].iloc[at]}
        for found, words_at in shown.items():
            (shape,) = streets.geometry[streets["street_code"] == found]
            assert shape.covers(shapely.Point(words_at[::-1])), found


def find_named(runtime, point, code, also=()):
    shown = find_outlines(runtime, point.x, point.y, own=code, also=also)
    return {one["properties"]["code"]: one["properties"]["words_at"] for one in shown["features"]}


def test_codes_of_reasons_and_units_are_said_in_words(site, runtime):
    client = enter(site, Role.STREET_CENTRE)
    account = client.get("/account").text
    name = (
        runtime.city.names.get(STREET)
        or runtime.city.streets.set_index("street_code")["name"][STREET]
    )
    assert f"· {name}" in account
    assert f"· {STREET}" not in account
    reasons = site.jinja_env.get_template("orders/words.html").module
    with site.test_request_context():
        for code in (
            *("alone", "joint", "emergency", "callback", "territory"),
            *runtime.constants.texts("rates.not_reached_reasons"),
            *runtime.constants.texts("rates.exclusion_reasons"),
        ):
            said = str(reasons.reason(code))
            assert said, code
            assert code not in said
            assert re.search("[\u4e00-\u9fff]", said), code
        assert str(reasons.reason("<b>自定")) == "&lt;b&gt;自定"


def test_orders_of_another_unit_are_not_there(site, take_in):
    order_no = take_in()
    other = enter(site, "other_street")
    assert other.get(f"/orders/{order_no}").status_code == 404
    assert order_no not in other.get(f"/orders?{WHOLE}").text
    token = read_token(other.get("/account").text)
    forged = other.post(f"/orders/{order_no}/act/accept", data={"csrf_token": token})
    assert forged.status_code == 404
    assert other.get(f"/orders?{WHOLE}&unit={STREET}").status_code == 404


def test_script_in_texts_is_shown_as_text(site, take_in):
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    order_no = take_in(text=evil, address="")
    client = enter(site, Role.DISPATCHER)
    for path in (f"/orders?{WHOLE}", f"/orders/{order_no}", f"/orders/{order_no}/similar"):
        page = client.get(path).text
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page


def test_exports_hold_no_numbers_of_people_and_no_formulas(site, take_in):
    take_in(text="=HYPERLINK(1) 电话13812345678", address="")
    text = enter(site, Role.ANALYST).get(f"/orders/export.csv?{WHOLE}").text
    assert "13812345678" not in text
    assert "'=HYPERLINK" in text


def test_each_form_holds_the_rows_of_the_list_and_what_was_asked(site, take_in, tmp_path):
    inside, outside = take_in(text="电话13812345678", address=""), take_in(item_code="112")
    client = enter(site, Role.ANALYST)
    for form in ("csv", "xlsx", "gpkg", "parquet"):
        answer = client.get(f"/orders/export.{form}?{WHOLE}&item=111")
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        (tmp_path / f"orders.{form}").write_bytes(answer.data)
        answer.close()
        read = read_export(tmp_path / f"orders.{form}", zone=ZoneInfo("Asia/Shanghai"))
        assert inside in read.orders["order_no"].tolist()
        assert outside not in read.orders["order_no"].tolist()
        assert "13812345678" not in "".join(read.orders["text"].dropna())
        if form != "csv":
            assert read.facts["城市"] == "测试市"
            assert read.facts["受理时间"] == WHOLE.removeprefix("window=")
            assert "111" in read.facts["筛选条件"] or "占道" in read.facts["筛选条件"]
    assert client.get(f"/orders/export.docx?{WHOLE}").status_code == 404
    assert enter(site, Role.OPERATOR).get("/orders/export.xlsx").status_code == 403


def test_raw_text_is_shown_to_who_needs_it_alone(site, take_in):
    order_no = take_in(text="请回电13812345678", name="王某", phone="13812345678")
    assert "13812345678" in enter(site, Role.STREET_CENTRE).get(f"/orders/{order_no}").text
    page = enter(site, Role.ANALYST).get(f"/orders/{order_no}").text
    assert "13812345678" not in page
    assert "王某" not in page


def test_numbers_of_people_in_what_is_typed_are_masked_in_the_log(engine, site, take_in):
    order_no = take_in(text="占道", phone="")
    street = enter(site, Role.STREET_CENTRE)
    send(street, order_no, "act/accept")
    send(street, order_no, "act/contact", text="已联系王某13812345678")
    page = street.get(f"/orders/{order_no}").text
    assert "138****5678" in page
    assert "13812345678" not in page
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM log_entries")).all()
    assert "13812345678" not in str(rows)


def test_a_new_appeal_is_previewed_taken_in_and_shown(engine, site):
    client = enter(site, Role.OPERATOR)
    token = read_token(client.get("/orders/new").text)
    form = {"csrf_token": token, "text": "水管爆了", "address": "和平小区", "item_code": "112"}
    preview = client.post("/orders/new/preview", data=form).text
    assert "自来水集团" in preview
    assert "东华门街道" in preview
    answer = client.post("/orders/new", data=form)
    assert answer.status_code == 302
    number = re.search(r"/orders/([^?]+)", answer.headers["Location"]).group(1)
    assert get_order(engine, number).unit_code == "E01"
    assert "已受理并派单" in client.get(answer.headers["Location"]).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lon": "2.35", "lat": "48.86"}, "点位不在本市范围内"),
        ({"lon": "here", "lat": "39.9"}, "经纬度无法识别"),
        ({"text": "", "item_code": ""}, "请写下诉求内容或选择事项"),
        ({"item_code": "nothing"}, "没有这个事项"),
    ],
)
def test_a_wrong_appeal_comes_back_with_what_was_typed(engine, site, change, said):
    client = enter(site, Role.OPERATOR)
    token = read_token(client.get("/orders/new").text)
    form = {"csrf_token": token, "text": "水管爆了", "address": "和平小区<b>", "name": "李某"}
    answer = client.post("/orders/new", data=form | change)
    assert answer.status_code == 422
    assert said in answer.text
    assert "和平小区&lt;b&gt;" in answer.text
    assert "李某" in answer.text
    with make_sessions(engine)() as session:
        assert session.scalar(sa.select(sa.func.count(Order.id))) == 0


def test_suggestions_while_typing(site):
    client = enter(site, Role.OPERATOR)
    assert 'data-item="112"' in client.get("/orders/suggest/items?item_words=水管").text
    assert "和平小区" in client.get("/orders/suggest/places?address=和平").text
    assert client.get("/orders/suggest/places?address=%00").status_code == 400
    found = enter(site, Role.DISPATCHER).get("/orders/suggest/units?unit_code=景山").text
    assert f'value="{NEIGHBOUR}"' in found


def test_a_moved_pin_moves_the_jurisdiction(engine, site, take_in):
    order_no = take_in()
    client = enter(site, Role.DISPATCHER)
    asked = client.get(f"/orders/{order_no}/pin?lon=116.405&lat=39.930").text
    assert "景山街道" in asked
    assert get_order(engine, order_no).unit_code == STREET
    assert "这里不行" in client.get(f"/orders/{order_no}/pin?lon=0&lat=0").text
    moved = send(client, order_no, "pin", lon="116.405", lat="39.930")
    assert moved.status_code == 302
    row = get_order(engine, order_no)
    assert (row.unit_code, row.street_code) == (NEIGHBOUR, NEIGHBOUR)


def test_orders_are_compared_merged_and_made_one_issue(engine, site, take_in):
    first, second, third = (take_in(appeal_no=f"M{at}") for at in range(3))
    client = enter(site, Role.DISPATCHER)
    assert "同一问题" in client.get(f"/orders/{second}/similar").text
    assert first in client.get(f"/orders/{second}/merge?target={first}").text
    assert client.get(f"/orders/{second}/merge?target={second}").status_code == 422
    assert client.get(f"/orders/{second}/merge?target=none").status_code == 422
    assert send(client, second, "act/merge", target_order_no=first).status_code == 302
    assert get_order(engine, second).merged_into == first
    assert send(client, third, "issue", target_order_no=first).status_code == 302
    assert get_order(engine, third).issue_id == get_order(engine, first).issue_id is not None
    assert "从问题点位中分出" in client.get(f"/orders/{third}").text
    refused = send(client, third, "issue/leave", text=" ")
    assert refused.status_code == 422
    assert send(client, third, "issue/leave", text="两处不同的路灯").status_code == 302
    assert get_order(engine, third).issue_id != get_order(engine, first).issue_id


def test_an_exclusion_needs_a_second_person(engine, site, take_in):
    order_no = take_in()
    street = enter(site, Role.STREET_CENTRE)
    for action in ("accept", "contact", "handle"):
        send(street, order_no, f"act/{action}", text="办")
    send(street, order_no, "act/reply", text="办完")
    assert send(street, order_no, "exclusion", reason_code="unreasonable").status_code == 302
    assert get_order(engine, order_no).state is OrderState.REPLIED
    assert send(street, order_no, "exclusion/1/approve").status_code == 422
    assert "由您提出，须他人批准" in street.get("/orders/exclusions").text
    waiting = enter(site, Role.SUPERVISOR).get("/orders/exclusions").text
    assert order_no in waiting
    assert "请您决定" in waiting
    assert order_no not in enter(site, "other_street").get("/orders/exclusions").text
    supervisor = enter(site, "desk_supervisor")
    assert send(supervisor, take_in(), "exclusion/1/approve").status_code == 404  # of another order
    assert send(supervisor, order_no, "exclusion/1/approve").status_code == 302
    assert "没有待批准的剔除" in supervisor.get("/orders/exclusions").text
    assert get_order(engine, order_no).state is OrderState.EXCLUDED


def test_a_suspension_is_signed_by_a_second_person(engine, site, take_in):
    order_no = take_in()
    street = enter(site, Role.STREET_CENTRE)
    for action in ("accept", "contact", "handle"):
        send(street, order_no, f"act/{action}", text="办")
    form = {"reason_code": "funding", "until": "2024-09-01", "text": "待预算"}
    signed = {"second_login": "desk_supervisor", "second_password": "wrong password!"}
    refused = send(street, order_no, "act/suspend", **form, **signed)
    assert refused.status_code == 422
    assert "待预算" in refused.text
    assert "wrong password!" not in refused.text
    signed["second_password"] = PASSWORD
    assert send(street, order_no, "act/suspend", **form, **signed).status_code == 302
    assert get_order(engine, order_no).state is OrderState.SUSPENDED


def test_several_orders_at_once_each_by_itself(engine, site, take_in):
    numbers = [take_in(appeal_no=f"S{at}") for at in range(3)]
    street = enter(site, Role.STREET_CENTRE)
    send(street, numbers[0], "act/accept")
    token = read_token(street.get("/account").text)
    form = {"csrf_token": token, "action": "accept", "order_no": numbers}
    check = street.post("/orders/bulk", data=form)
    assert "请核对" in check.text
    assert get_order(engine, numbers[1]).state is OrderState.DISPATCHED
    done = street.post("/orders/bulk", data=form | {"sure": "yes"}).text
    assert done.count("已完成") == 2
    assert done.count("未执行") == 1
    assert get_order(engine, numbers[2]).state is OrderState.ACCEPTED


def test_saved_views_are_ones_own(site):
    client = enter(site, Role.DISPATCHER)
    token = read_token(client.get("/account").text)
    form = {"csrf_token": token, "name": "超时<x>", "clock": "overdue", "evil": "1"}
    client.post("/orders/views", data=form)
    page = client.get("/orders").text
    assert "超时&lt;x&gt;" in page
    assert "evil" not in page
    assert "超时&lt;x&gt;" not in enter(site, Role.SUPERVISOR).get("/orders").text
    view = re.search(r"/orders/views/(\d+)/delete", page).group(1)
    client.post(f"/orders/views/{view}/delete", data={"csrf_token": token})
    assert "超时&lt;x&gt;" not in client.get("/orders").text


def test_open_pages_hear_of_a_change(engine, site, take_in):
    with site.app_context():
        watcher = get_watcher()
    with make_sessions(engine)() as session:
        seen = get_newest_change(session)
    events = tell_changes(watcher, seen, lives_s=20)
    assert f"data: {seen}" in next(events)
    take_in()
    told = next(event for event in events if event.startswith("event: changed"))
    assert int(re.search(r"data: (\d+)", told).group(1)) > seen
    events.close()
    assert watcher.waiting == 0


def test_pages_beyond_the_places_ask_now_and_then(site):
    with site.app_context():
        watcher = get_watcher()
    watcher.places = 1
    live = tell_changes(watcher, 7, lives_s=20)
    assert "retry: 3000" in next(live)
    late = list(tell_changes(watcher, 7, lives_s=20))
    assert late == ["retry: 20000\nevent: hello\ndata: 7\n\n"]
    assert watcher.waiting == 1
    live.close()
    again = tell_changes(watcher, 7, lives_s=20)
    assert "retry: 3000" in next(again)
    again.close()
    watcher.places = 0
    answer = enter(site, Role.DISPATCHER).get("/orders/stream")
    assert answer.mimetype == "text/event-stream"
    assert answer.text.startswith("retry: 20000\nevent: hello\n")
