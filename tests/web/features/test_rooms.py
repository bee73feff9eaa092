"""Rooms of maps, whistles, planning, rates and today: figures agree, links open, what must not get through does not."""

import csv
import io
import re
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from gridgov.rules.orders.transitions import Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from tests.gridgov.services.city import STREET, take
from tests.web.orders_city import add_person, make_city_desk, make_city_pages, seed_city
from tests.web.pages import read_token, sign_in
from tests.web.room_rows import SPOT, SURGE, N, add_planning, blow, contact_pipe, fill_rooms

WHOLE = "window=2024-03-01..2024-03-31"
SCRIPT = "<script>alert(1)</script>"


@dataclass
class Rooms:
    """A served small city with something in each room."""

    app: Flask
    engine: sa.Engine
    runtime: CityRuntime
    order_nos: list[str]
    call_no: str
    called_order: str
    plan_no: str

    def enter(self, who: str):
        client = self.app.test_client()
        assert sign_in(client, who).status_code == 302
        return client


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("rooms"))


@pytest.fixture
def rooms(engine, runtime) -> Rooms:
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        filled = fill_rooms(session, runtime)
    return Rooms(
        app=make_city_pages(engine, runtime), engine=engine, runtime=runtime, **asdict(filled)
    )


def list_paths(rooms: Rooms) -> list[str]:
    return [
        "/today",
        "/today?mode=wall",
        "/today/part",
        "/today/part?mode=wall",
        f"/maps?{WHOLE}",
        f"/maps?{WHOLE}&level1=1&outcome=open",
        f"/maps?{WHOLE}&street={STREET}&by=community",
        f"/maps?{WHOLE}&street={STREET}&by=cell",
        "/maps/hotspots",
        "/maps/calls",
        "/maps/plans",
        "/whistles",
        "/whistles?state=late",
        f"/whistles?state=all&{WHOLE}",
        f"/whistles/{rooms.call_no}",
        f"/whistles/new/{rooms.called_order}",
        f"/planning?{WHOLE}",
        "/planning?sort=street&class=governance",
        f"/planning/streets/{STREET}",
        "/planning/streets/110102001",
        f"/planning/hotspots/{SPOT}",
        f"/planning/plans/{rooms.plan_no}",
        f"/planning/plans/{rooms.plan_no}/tasks/T01",
        "/planning/seasons",
        "/planning/reports",
        "/planning/reports?kind=special",
        "/planning/reports/weekly/2024-W09",
        "/planning/reports/weekly/2024-W09/document",
        f"/planning/reports/review/2024-03?of={STREET}",
        f"/planning/reports/review/2024-03/document?of={STREET}",
        f"/planning/reports/special/{SURGE}?of={STREET}",
        f"/planning/reports/special/{SURGE}/document?of={STREET}",
        "/planning/indicators",
        "/rates",
        "/rates?month=2024-01&group=departments",
        f"/rates/units/{STREET}",
        "/rates/units/D01",
    ]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_page_opens_in_both_languages(rooms, language):
    client = rooms.enter("supervisor")
    for path in list_paths(rooms):
        answer = client.get(path + ("&" if "?" in path else "?") + f"lang={language}")
        assert answer.status_code == 200, path
        text = answer.text
        words = text.replace("planning.window_days", "").replace("rates.", "")
        assert not re.search(r">(maps|planning|today|whistles)\.[a-z_.]+<", words), path


def read_table(page: str) -> dict[str, int]:
    """Return the counts of the table beside the map by code."""
    rows = re.findall(r'<tr data-code="([^"]+)">.*?data-n[^>]*>([\d,]+)<', page, re.DOTALL)
    return {code: int(n.replace(",", "")) for code, n in rows}


def read_map(page: str) -> dict[str, int]:
    """Return the counts that the map is drawn from."""
    found = re.search(r'gridgovMaps\.addAreas\(\w+, \{"values":(\{[^}]*\})', page)
    return {} if found is None else {k: int(v) for k, v in re.findall(r'"([^"]+)":(\d+)', found[1])}


@pytest.mark.parametrize(
    ("kind", "inside"),
    [("street", ""), ("community", STREET), ("cell", STREET)],
)
def test_map_table_export_and_list_count_the_same(rooms, kind, inside):
    client = rooms.enter("analyst")
    query = f"{WHOLE}&by={kind}&street={inside}&level1=1" if inside else f"{WHOLE}&level1=1"
    page = client.get(f"/maps?{query}").text
    table, drawn = read_table(page), read_map(page)
    assert table == drawn
    exported = client.get(f"/maps/orders.csv?{query}")
    rows = list(csv.reader(io.StringIO(exported.text.removeprefix("\ufeff"))))[1:]
    assert {row[0]: int(row[2]) for row in rows if row[0]} == table
    with make_sessions(rooms.engine)() as session:
        column = getattr(Order, f"{kind}_code")
        made = sa.select(column, sa.func.count()).where(Order.level1_code == "1").group_by(column)
        if inside:
            made = made.where(Order.street_code == inside)
        counted = {code or "": n for code, n in session.execute(made)}
    assert {row[0]: int(row[2]) for row in rows} == counted
    total = re.search(r"data-total>([\d,]+)<", page)
    assert total is not None
    assert int(total[1]) == sum(counted.values())


def test_the_door_of_a_count_opens_as_many_orders(rooms):
    client = rooms.enter("analyst")
    page = client.get(f"/maps?{WHOLE}&outcome=open").text
    link = re.search(
        rf'data-code="{STREET}">.*?<a data-n href="([^"]+)"[^>]*>(\d+)<', page, re.DOTALL
    )
    assert link is not None
    path = link[1].replace("&amp;", "&")
    assert parse_qs(urlsplit(path).query)["outcome"] == ["open"]
    listed = client.get(path).text
    assert len(set(re.findall(r"/orders/(A\d+-1|pipe-1)", listed))) == int(link[2]) == N + 1


def test_shapes_are_kept_by_browsers_and_known_by_code(rooms):
    client = rooms.enter("analyst")
    page = client.get(f"/maps?{WHOLE}").text
    path = re.search(r'"shapes":"([^"]+)"', page)[1].replace("\\u0026", "&")
    plain = client.get(path)
    assert {one["id"] for one in plain.json["features"]} >= {STREET, "110102003"}
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "private" in packed.headers["Cache-Control"]
    assert "no-store" not in packed.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/maps?by=county",
        "/maps?by=cell",
        "/maps?outcome=won",
        "/maps/shapes/planet",
        "/whistles?state=lost",
        "/whistles/none",
        "/whistles/new/none",
        "/planning?sort=luck",
        "/planning/streets/none",
        "/planning/hotspots/none",
        "/planning/plans/none",
        "/planning/plans/none.json",
        "/planning/reports/weekly/none",
        "/planning/reports?kind=hourly",
        "/planning/reports/weekly/2024-W09.exe",
        "/planning/surges/none",
        "/rates?month=1999-01",
        "/rates?group=none",
        "/rates/units/none",
    ],
)
def test_what_does_not_exist_is_said_on_a_page(rooms, path):
    answer = rooms.enter("supervisor").get(path)
    assert answer.status_code in {404, 422}
    assert "<h1>" in answer.text


def test_markup_in_names_stays_text(engine, runtime):
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        order_no = take(session, runtime, text=f"路边{SCRIPT}", appeal_no="x").order_nos[0]
        add_planning(session, (order_no,), name=SCRIPT)
    app = make_city_pages(engine, runtime)
    client = app.test_client()
    sign_in(client, "supervisor")
    for path in ("/maps/hotspots", f"/planning/hotspots/{SPOT}", f"/planning/streets/{STREET}"):
        text = client.get(path).text
        assert "alert(1)" in text
        assert SCRIPT not in text


def test_a_street_sees_its_own_counts_and_everybodys_rank(rooms):
    client = rooms.enter("street_centre")
    table = read_table(client.get(f"/maps?{WHOLE}").text)
    assert set(table) == {STREET}
    ranks = client.get("/rates?month=2024-02").text
    assert "/rates/units/110101002" in ranks
    assert client.get(f"/maps?{WHOLE}&unit=110102003").status_code == 404


def test_rates_are_those_of_the_rules_and_few_callbacks_are_not_rated(rooms):
    client = rooms.enter("supervisor")
    page = client.get("/rates?month=2024-02&group=streets").text
    assert re.search(r"<b>68\.0</b>", page) is None  # 40 of 60 solved
    assert "<b>66.7</b>" in page
    assert "n = 12" in client.get("/rates?month=2024-02&group=departments").text
    text = client.get("/rates/month.csv?month=2024-02&group=streets").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    ranks = [(row["单位编码"], row["名次"], row["组别"]) for row in rows]
    assert ranks == [("110101002", "1", "街道乡镇"), (STREET, "2", "街道乡镇")]
    assert float(rows[1]["解决率"]) == pytest.approx(40 / 60)
    assert re.search("[a-z_]{3}", text.split("\n", 1)[0]) is None


def find_periods(page: str) -> dict[str, str]:
    """Return the words under which a page shows figures, and the time that stands beside each."""
    found = {}
    for block in page.split('<span class="figure-label">')[1:]:
        words, _, rest = block.partition('<b class="figure-value">')
        period = re.search(r'figure-period">([^<]*)<', rest.partition("</a>")[0])
        found[re.sub(r"<[^>]*>", "", words).strip()] = period[1] if period else ""
    return found


def test_figures_of_another_time_than_now_say_of_which(rooms):
    supervisor = rooms.enter("supervisor")
    (month,) = set(re.findall(r"month=(\d{4}-\d{2})", supervisor.get("/today/part").text))
    today = find_periods(supervisor.get("/today").text)
    assert [today[name] for name in ("响应率", "解决率", "满意率")] == [f"考核月 {month}"] * 3
    assert find_periods(supervisor.get("/today?mode=wall").text)["解决率"] == f"考核月 {month}"
    assert f"考核月 {month}：" in supervisor.get(f"/rates?month={month}").text
    planner = rooms.enter("planner")
    street = find_periods(planner.get(f"/planning/streets/{STREET}").text)
    assert len(street) == 6
    assert all(re.fullmatch(r"\S+，截至 \d{4}-\d{2}-\d{2}", one) for one in street.values()), street
    assert find_periods(planner.get(f"/planning/hotspots/{SPOT}").text)["诉求"]


def test_a_plan_leads_to_its_evidence_in_two_clicks(rooms):
    client = rooms.enter("planner")
    street = client.get(f"/planning/streets/{STREET}").text
    task = re.search(r'href="(/planning/plans/[^"]+/tasks/T01)"', street)[1]
    evidence = client.get(task).text
    assert f"/orders/{rooms.order_nos[0]}" in evidence
    assert client.get(f"/planning/plans/{rooms.plan_no}.json").json["plan_no"] == rooms.plan_no
    text = client.get(f"/planning/plans/{rooms.plan_no}.csv").text.removeprefix("\ufeff")
    assert next(csv.DictReader(io.StringIO(text)))["任务编号"] == "T01"
    assert re.search("[a-z_]{3}", text.split("\n", 1)[0]) is None


def step(client, rooms, **form):
    token = read_token(client.get("/account").text)
    return client.post(f"/whistles/{rooms.call_no}/steps", data={"csrf_token": token} | form)


def enter_water(rooms):
    """Return a client of somebody of the water company, which the call of the rooms has called."""
    return rooms.enter(add_person(rooms.engine, "water", Role.HANDLER, "E01"))


def test_the_call_says_who_was_reached_and_who_came_with_which_power(rooms):
    water, street = enter_water(rooms), rooms.enter("street_centre")
    page = street.get(f"/whistles/{rooms.call_no}").text
    assert "没有账号可以通知" in page  # the account was made after the call
    assert "各单位已收到通知" not in page
    powers = re.findall(
        r'name="brought" value="([^"]+)"', water.get(f"/whistles/{rooms.call_no}").text
    )
    form = {"unit_code": "E01", "asked": "1", "lon": "116.405", "lat": "39.905"}
    for wrong in ({"accuracy_m": "near"}, {"accuracy_m": "-1"}, {"lat": "north"}):
        assert step(water, rooms, step="report_in", **form | wrong).status_code == 422
    far = form | {"accuracy_m": "3000", "note": f"水已漫出 {SCRIPT} 13812345678"}
    assert step(water, rooms, step="report_in", **far).status_code == 302
    page = street.get(f"/whistles/{rooms.call_no}").text
    assert "定位太不准" in page
    assert "water 甲" in page
    assert SCRIPT not in page
    assert "13812345678" not in page
    assert bool(powers) == ("人到权未到" in page)


def test_a_call_from_report_in_to_ratings(rooms):
    unit, street = rooms.enter("handler"), rooms.enter("street_centre")
    with make_sessions(rooms.engine)() as session:
        called = session.execute(sa.text("SELECT unit_code FROM called_units")).scalars().all()
    assert called == ["E01"]
    # The handler's account sits in another unit: nothing is offered, and nothing is taken.
    assert 'value="report_in"' not in unit.get(f"/whistles/{rooms.call_no}").text
    assert step(unit, rooms, step="report_in", unit_code="E01").status_code in {403, 404}
    page = street.get(f"/whistles/{rooms.call_no}").text
    assert 'value="report_in"' in page
    assert 'value="release"' not in page
    assert step(street, rooms, step="report_in", unit_code="E01").status_code == 302
    # A duty is done by the unit that holds it, and by nobody for it.
    assert 'value="finish_duty"' not in street.get(f"/whistles/{rooms.call_no}").text
    water = enter_water(rooms)
    duties = re.findall(
        r'name="duty_code" value="([^"]+)"', water.get(f"/whistles/{rooms.call_no}").text
    )
    assert duties
    for duty in duties:
        form = {"unit_code": "E01", "duty_code": duty}
        assert step(street, rooms, step="finish_duty", **form).status_code == 403
        assert step(water, rooms, step="finish_duty", **form).status_code == 302
        assert 'value="undo_duty"' in water.get(f"/whistles/{rooms.call_no}").text
        assert step(water, rooms, step="undo_duty", **form).status_code == 302
        assert step(water, rooms, step="finish_duty", **form).status_code == 302
    page = street.get(f"/whistles/{rooms.call_no}").text
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    assert step(street, rooms, step="release", unit_code="E01", version="1").status_code == 409
    freed = step(street, rooms, step="release", unit_code="E01", version=version)
    assert freed.status_code == 302
    assert step(street, rooms, step="rate_unit", unit_code="E01", score="9").status_code == 422
    assert step(street, rooms, step="rate_unit", unit_code="E01", score="4").status_code == 302
    assert step(street, rooms, step="dance", unit_code="E01").status_code == 404


def test_blowing_needs_a_reason_and_keeps_what_was_typed(rooms):
    with transaction(make_sessions(rooms.engine)) as session:
        order_no = contact_pipe(session, rooms.runtime, appeal_no="p2")
    client = rooms.enter("street_centre")
    page = client.get(f"/whistles/new/{order_no}").text
    form = {"csrf_token": read_token(page), "text": "水漫到路上"}
    refused = client.post(f"/whistles/new/{order_no}", data=form)
    assert refused.status_code == 422
    assert "水漫到路上" in refused.text
    form["reason"] = "emergency"
    unknown = client.post(
        f"/whistles/new/{order_no}", data=form | {"add": "月球局", "add_why": "x"}
    )
    assert unknown.status_code == 422
    assert 'value="月球局"' in unknown.text
    without = client.post(f"/whistles/new/{order_no}", data=form | {"add": "D01"})
    assert without.status_code == 422
    assert "都须写明理由" in without.text
    more = {"add": "D01", "add_why": "路面要开挖", "drop": "E01", "why:E01": "已在现场"}
    blown = client.post(f"/whistles/new/{order_no}", data=form | more)
    assert blown.status_code == 302
    page = client.get(blown.headers["Location"]).text
    assert "路面要开挖" in page
    assert "已在现场" in page
    assert f"/whistles/{order_no}-W1" in blown.headers["Location"]


def count_queries(rooms, client, path) -> int:
    seen = []
    listener = lambda *args: seen.append(args[2])  # noqa: E731 - to be removed by the same name
    sa.event.listen(rooms.engine, "before_cursor_execute", listener)
    try:
        assert client.get(path).status_code == 200
    finally:
        sa.event.remove(rooms.engine, "before_cursor_execute", listener)
    return len(seen)


def test_many_calls_need_no_more_queries_than_one(rooms):
    client = rooms.enter("supervisor")
    paths = ("/whistles", "/maps/calls", "/today")
    for path in paths:
        client.get(path)
    few = [count_queries(rooms, client, path) for path in paths]
    with transaction(make_sessions(rooms.engine)) as session:
        for number in range(12):
            blow(session, rooms.runtime, appeal_no=f"more{number}")
    assert [count_queries(rooms, client, path) for path in paths] == few


def test_empty_rooms_say_what_would_be_there(engine, runtime):
    seed_city(engine, runtime)
    client = make_city_pages(engine, runtime).test_client()
    sign_in(client, "supervisor")
    for path in (
        "/today",
        "/maps",
        "/maps/hotspots",
        "/maps/calls",
        "/maps/plans",
        "/whistles",
        "/planning",
        f"/planning/streets/{STREET}",
        "/planning/seasons",
        "/planning/reports",
        "/rates",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
        if path not in {"/today", "/planning"}:
            assert "empty-state" in answer.text, path
