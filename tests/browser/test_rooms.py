"""Rooms in a browser on real PostGIS: every page watched, free of barriers; journeys of a planner and of a street."""

import re

import pytest

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import make_sessions, transaction
from tests.gridgov.services.city import STREET
from tests.web.orders_city import add_person
from tests.web.room_rows import SPOT, SURGE, contact_pipe, fill_rooms

WHOLE = "window=2024-02-01..2024-03-31"


@pytest.fixture(scope="module")
def filled(engine, desk):
    with transaction(make_sessions(engine)) as session:
        return fill_rooms(session, desk)


@pytest.fixture(scope="module")
def site(city_site, filled):
    """The small city with something in each room."""
    assert filled.plan_no
    return city_site


def list_paths(filled):
    return [
        "/today",
        f"/maps?{WHOLE}",
        f"/maps?{WHOLE}&street={STREET}&by=cell",
        "/maps/hotspots",
        "/maps/calls",
        "/maps/plans",
        "/whistles",
        f"/whistles/{filled.call_no}",
        f"/whistles/new/{filled.called_order}",
        "/planning",
        f"/planning/streets/{STREET}",
        f"/planning/hotspots/{SPOT}",
        f"/planning/plans/{filled.plan_no}",
        f"/planning/plans/{filled.plan_no}/tasks/T01",
        "/planning/seasons",
        "/planning/reports",
        "/planning/reports/monthly/2024-03",
        f"/planning/reports/review/2024-03?of={STREET}",
        f"/planning/reports/review/2024-03/document?of={STREET}",
        f"/planning/reports/special/{SURGE}?of={STREET}",
        "/planning/indicators",
        "/rates?month=2024-02",
        f"/rates/units/{STREET}",
    ]


@pytest.mark.parametrize(
    ("size", "extra"), [("desk", "lang=zh_CN"), ("phone", "lang=en"), ("wall", "mode=wall")]
)
def test_every_page_is_quiet_and_free_of_barriers(open_page, filled, size, extra):
    visit = open_page("supervisor", size)
    for path in list_paths(filled):
        page = visit.go(path + ("&" if "?" in path else "?") + extra)
        page.wait_for_load_state("networkidle")
        for box in page.query_selector_all(".map-box"):
            assert box.get_attribute("data-state") == "ready", path
        visit.check()


def hover(page, point, lights):
    """Move the pointer about a point, as a hand does, until something lights: a map that settles misses one move."""
    x, y = point
    for turn in range(150):
        page.mouse.move(x + turn % 3, y)
        if page.locator(lights).count():
            return
        page.wait_for_timeout(100)
    pytest.fail(f"nothing like {lights} after moving over {point}")


def test_table_and_map_light_each_other_and_months_slide(open_page):
    visit = open_page("analyst")
    page = visit.go(f"/maps?{WHOLE}")
    page.wait_for_selector(".map-box[data-state=ready] canvas")
    row = page.locator(f"tr[data-code='{STREET}']")
    counted = row.locator("[data-n]")
    whole = int(counted.inner_text())
    assert whole > 0
    # The middle of the map is the corner of four streets: a little to its lower left lies the first of them.
    box = page.locator(".leaflet-container").bounding_box()
    hover(
        page,
        (box["x"] + 0.4 * box["width"], box["y"] + 0.62 * box["height"]),
        f"tr[data-code='{STREET}'].lit",
    )
    assert page.locator("tr.lit").count() == 1
    assert "东华门街道" in page.locator(".leaflet-tooltip").inner_text()
    slider = page.locator("[data-months-slider]")
    slider.focus()
    page.keyboard.press("End")
    assert page.locator("[data-months-label]").inner_text() == "2024-03"
    assert int(counted.inner_text()) == whole
    assert "window=2024-03" in counted.get_attribute("href")
    page.keyboard.press("Home")
    assert int(page.locator("[data-total]").inner_text()) >= whole
    visit.check()


def test_a_failed_boundary_is_said_and_the_figures_stay(open_page):
    visit = open_page("analyst")
    visit.expected_statuses.add(503)
    visit.page.route("**/maps/shapes/**", lambda route: route.fulfill(status=503, body=""))
    page = visit.go(f"/maps?{WHOLE}")
    page.wait_for_selector(".map-box[data-state=failed] .map-fail:visible")
    assert page.locator(f"tr[data-code='{STREET}'] [data-n]").inner_text() != "0"
    visit.check()


def test_a_row_lights_its_hotspot_and_a_kind_can_be_hidden(open_page):
    page = open_page("planner").go("/maps/hotspots")
    page.wait_for_selector(".map-box[data-state=ready] .map-spots path")
    thin = page.locator(".map-spots path").first.get_attribute("stroke-width")
    page.hover(f"tr[data-code='{SPOT}'] th")
    assert float(page.locator(".map-spots path").first.get_attribute("stroke-width")) > float(thin)
    page.click("button[data-kind=seasonal]")
    assert page.locator("tr[data-kind=seasonal]:visible").count() == 0
    assert page.locator(".map-spots path").count() == 0
    assert page.locator("main [data-shown]").inner_text() == "0"


def test_planner_goes_from_the_city_to_the_evidence(open_page, filled):
    visit = open_page("planner")
    page = visit.go("/planning?sort=-hotspots")
    page.click("main tbody tr:first-child a")
    page.wait_for_selector("h1:text('东华门街道')")
    page.wait_for_selector("#months canvas")
    page.click("text=工单 3 件")
    page.wait_for_selector("h1:text('T01')")
    page.locator("tbody tr a").first.click()
    page.wait_for_url(re.compile(r"/orders/"))
    page.go_back()
    page.click("text=热点与全部工单")
    page.wait_for_selector("h1:text('热点')")
    with page.expect_download() as download:
        visit.go(f"/planning/streets/{STREET}").click("text=任务 CSV")
    assert download.value.suggested_filename == f"plan-{filled.plan_no}.csv"
    visit.check()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_street_calls_the_water_company_until_it_may_go(open_page, site, engine, desk, size):
    with transaction(make_sessions(engine)) as session:
        order_no = contact_pipe(session, desk, appeal_no=f"pipe-{size}")
    visit = open_page("street_centre", size)
    assert visit.base == site
    page = visit.go(f"/orders/{order_no}")
    page.click(f"a[href*='/whistles/new/{order_no}']")
    page.wait_for_url(re.compile("/whistles/new/"))
    assert page.locator(".duty-picture .duty-box").count() == 2
    page.fill("#f-text", "水漫到路上")
    page.select_option("#f-reason", "emergency")
    visit.check()
    page.click("button:has-text('吹哨')")
    page.wait_for_selector("text=已吹哨")
    call = page.url.removeprefix(site).partition("?")[0]
    water = open_page(add_person(engine, f"water-{size}", Role.HANDLER, "E01"), size)
    theirs = water.go(call)
    theirs.click(".report-in[open] button[type=submit]")
    theirs.wait_for_selector("text=已记录报到")
    while theirs.locator("button:has-text('办结职责')").count():
        with theirs.expect_navigation():
            theirs.locator("button:has-text('办结职责')").first.click()
    water.check()
    page.reload()
    page.click("button:has-text('撤哨')")
    page.wait_for_selector("text=撤哨时间")
    page.select_option("select[name=score]", "4")
    page.click("button:has-text('评单位')")
    page.wait_for_selector("text=已评分")
    visit.check()
