"""Journeys of operator, dispatcher, street and callback clerk on real PostGIS, on a desk and on a phone."""

import re

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.whistles import calls as whistles
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from tests.gridgov.services.city import CENTRE, at, do, take
from tests.web.orders_city import DEPARTMENT

WHOLE = "window=2024-03-01..2024-03-31"
SCRIPT = "<script>alert(1)</script>"
LONG = "小区北门外夜间烧烤油烟噪声扰民，占用盲道，" * 20


@pytest.fixture(scope="module")
def site(city_site):
    """Journeys go through the small city on PostgreSQL."""
    return city_site


@pytest.fixture
def order_no(engine, desk):
    with transaction(make_sessions(engine)) as session:
        return take(session, desk, text=LONG).order_nos[0]


def walk_to_reply(page):
    """Take the street's or department's order from acceptance to the reply."""
    for action in ("accept", "contact", "handle", "reply"):
        form = page.locator(f"#act-{action}")
        if form.get_attribute("open") is None:
            form.locator("summary").click()
        form.locator("textarea").fill(f"{action} {SCRIPT}")
        form.locator("button.btn-primary").click()
        page.wait_for_selector(".notice-success")


def blow_joint(session, desk):
    """Let the street call the department that helps with stalls; return the number of the call."""
    order_no = take(session, desk, appeal_no="joint").order_nos[0]
    do(session, desk, order_no, OrderAction.ACCEPT, CENTRE, minutes=1)
    do(session, desk, order_no, OrderAction.CONTACT, CENTRE, minutes=2)
    facts = Facts(at=at(3), reason_code="joint")
    return whistles.blow(session, desk, order_no, actor=CENTRE, facts=facts).call_no


def test_operator_takes_an_appeal_in(open_page):
    visit = open_page("operator")
    page = visit.go("/orders/new")
    page.fill("#f-text", "楼下水管爆了，水流到马路上")
    page.fill("#item-words", "水管")
    page.click("[data-item='112']")
    page.fill("#f-address", "和平")
    page.click("[data-place]")
    page.wait_for_selector("#preview :text('自来水集团')")
    # A click on the map stands above the address.
    page.click("#order-map", position={"x": 300, "y": 150})
    page.wait_for_selector("#drop-pin:visible")
    page.wait_for_selector("#preview dl")
    visit.check()
    page.click("button.btn-primary.btn-lg")
    page.wait_for_url(re.compile(r"/orders/\d+"))
    page.wait_for_selector(".leaflet-container canvas, .leaflet-container path")
    visit.check()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_street_accepts_contacts_handles_and_replies(open_page, order_no, size):
    visit = open_page("street_centre", size)
    page = visit.go(f"/orders?{WHOLE}")
    visit.check()
    page.click(f"tr[data-order='{order_no}'] a")
    walk_to_reply(page)
    assert page.locator(".badge-state", has_text="已反馈").count()
    visit.check()


def test_what_was_typed_survives_a_reload(open_page, order_no):
    visit = open_page("street_centre")
    page = visit.go(f"/orders/{order_no}")
    page.fill("#accept-text", "打到一半的字")
    page.wait_for_timeout(700)
    page.reload()
    page.wait_for_function("document.getElementById('accept-text').value === '打到一半的字'")
    visit.check()


def test_dispatcher_moves_the_pin_and_the_street_changes(open_page, order_no):
    visit = open_page("dispatcher")
    page = visit.go(f"/orders/{order_no}")
    page.click("#move-pin")
    for _ in range(3):  # three steps out: the neighbouring street comes into view
        page.click(".leaflet-control-zoom-out")
        page.wait_for_timeout(350)
    box = page.locator("#order-map").bounding_box()
    page.locator("#order-map").click(position={"x": box["width"] / 2, "y": 30})
    page.wait_for_selector("#pin-preview :text('景山街道')")
    visit.check()
    page.click("#pin-preview button.btn-primary")
    page.wait_for_selector(".notice-success")
    assert "景山街道" in page.inner_text(".head-sub")
    visit.check()


def test_a_change_elsewhere_reaches_the_open_list(open_page, engine, desk):
    visit = open_page("dispatcher")
    page = visit.go(f"/orders?{WHOLE}")
    with transaction(make_sessions(engine)) as session:
        number = take(session, desk, text="刚刚来的一件").order_nos[0]
    page.wait_for_selector(f"tr[data-order='{number}']", timeout=15_000)
    visit.check()


def test_keys_walk_the_list_and_open_a_row(open_page, order_no):
    visit = open_page("dispatcher")
    page = visit.go(f"/orders?{WHOLE}&q={order_no}")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".order .said")
    page.wait_for_load_state("load")
    visit.check()


def test_clerk_calls_back_and_the_order_closes(open_page, engine, desk):
    with transaction(make_sessions(engine)) as session:
        number = take(session, desk).order_nos[0]
    street = open_page("street_centre")
    page = street.go(f"/orders/{number}")
    walk_to_reply(page)
    clerk = open_page("callback_clerk", "phone")
    page = clerk.go(f"/orders/{number}")
    page.select_option("[name=contacted]", "true")
    page.select_option("[name=solved]", "true")
    page.select_option("[name=satisfied]", "basically")
    clerk.check()
    page.click("#act-callback button.btn-primary")
    page.wait_for_selector(".notice-success")
    assert page.locator(".badge-state", has_text="办结·已解决").count()
    clerk.check()


@pytest.mark.parametrize("size", ["wall", "phone"])
@pytest.mark.parametrize("lang", ["zh_CN", "en"])
def test_pages_have_no_barriers(open_page, order_no, size, lang):
    visit = open_page("dispatcher", size)
    for path in ("/orders?", f"/orders/{order_no}?", "/orders/new?", f"/orders/{order_no}/merge?"):
        visit.go(f"{path}{WHOLE}&lang={lang}").wait_for_timeout(300)
        visit.check()
    visit.go(f"/orders?{WHOLE}&state=excluded&lang={lang}")
    visit.check()


def test_department_takes_its_order_and_reports_in_to_a_call(open_page, engine, desk):
    with transaction(make_sessions(engine)) as session:
        number = take(session, desk, appeal_no="department").order_nos[0]
        session.execute(
            sa.update(Order).where(Order.order_no == number).values(unit_code=DEPARTMENT)
        )
        session.expire_all()
        called = blow_joint(session, desk)
    visit = open_page("handler", "phone")
    page = visit.go(f"/orders/{number}")
    walk_to_reply(page)
    # What was typed is text in the history and nothing else.
    assert SCRIPT in page.inner_text(".steps")
    visit.check()
    page = visit.go(f"/whistles/{called}")
    page.click(".report-in[open] button[type=submit] >> nth=0")
    page.wait_for_selector("text=已记录报到")
    visit.check()


def test_two_people_edit_and_the_second_loses_nothing(open_page, order_no):
    first, second = open_page("street_centre"), open_page("street_centre")
    for visit in (first, second):
        visit.go(f"/orders/{order_no}")
    first.page.locator("#act-accept button.btn-primary").click()
    first.page.wait_for_selector(".notice-success")
    second.expected_statuses.add(409)
    second.page.fill("#accept-text", "第二个人写的说明")
    second.page.locator("#act-accept button.btn-primary").click()
    second.page.wait_for_selector(".notice-danger")
    assert "没有保存" in second.page.inner_text(".notice-danger")
    assert order_no in second.page.inner_text("h1")
    second.check()


def test_supervisor_decides_an_exclusion_from_the_list(open_page, order_no):
    street = open_page("street_centre")
    page = street.go(f"/orders/{order_no}")
    walk_to_reply(page)
    form = page.locator("#act-exclude")
    form.locator("summary").click()
    form.locator("select").select_option("unreasonable")
    form.locator("button.btn-primary").click()
    page.wait_for_selector(".notice-success")
    desk = open_page("desk_supervisor")
    page = desk.go("/orders/exclusions")
    desk.check()
    page.click(f"a:has-text('{order_no}')")
    page.click("button:has-text('批准剔除')")
    page.wait_for_selector(".notice-success")
    assert page.locator(".badge-state", has_text="已剔除").count()
    desk.check()
