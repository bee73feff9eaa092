"""A plan in a browser on real PostGIS: drafted, edited, submitted, approved by another, worked on, printed."""

from datetime import timedelta

import pytest

from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.order_frames import read_order_frame
from planner.jobs.done_tasks import judge_done_tasks
from tests.gridgov.services.city import NOW
from tests.web.room_rows import fill_rooms


@pytest.fixture(scope="module")
def plan(engine, desk):
    with transaction(make_sessions(engine)) as session:
        return f"/planning/plans/{fill_rooms(session, desk).plan_no}"


@pytest.fixture(scope="module")
def site(city_site, plan):
    assert plan
    return city_site


def press(page, action):
    """Press the button of a step whose form leads to `action`."""
    with page.expect_navigation():
        page.locator(f"form[action*='act/{action}'] button").click()


def test_a_plan_goes_from_hand_to_hand(open_page, plan, engine, desk):
    writer = open_page("planner")
    page = writer.go(plan)
    assert page.locator("[aria-current=step]").inner_text() == "草案"
    page.click("text=编辑")
    page.locator("textarea[name$=consultation]").first.fill("由居委会召集议事会")
    page.click("text=保存修改")
    page.wait_for_selector("text=已保存 1 处修改")
    press(page, "submit")
    assert page.locator("form[action*='act/approve']").count() == 0
    writer.check()

    boss = open_page("desk_supervisor")
    page = boss.go(plan)
    press(page, "approve")
    assert page.locator("[aria-current=step]").inner_text() == "已批准"
    boss.check()

    centre = open_page("street_centre", "phone")
    press(centre.go(plan), "start")
    page = centre.go(f"{plan}/tasks/T01")
    page.select_option("[name=unit_code]", "D01")
    page.fill("[name=assignee]", "王工")
    press(page, "assign")
    centre.check()

    handler = open_page("handler", "phone")
    page = handler.go(f"{plan}/tasks/T01")
    press(page, "accept")
    page.fill("[name=progress]", "40")
    page.locator("form[action*='act/advance'] textarea").fill("已清理一半")
    press(page, "advance")
    assert page.locator("progress").get_attribute("value") == "40.0"
    page.locator("details:has(form[action*='act/finish']) summary").click()
    page.locator("form[action*='act/finish'] textarea").fill("占道摊点已入室经营")
    press(page, "finish")
    handler.check()

    page = writer.go(plan)
    assert "占道摊点已入室经营" in page.inner_text("main")
    assert page.locator("[aria-current=step]").inner_text() == "执行中"
    assert page.locator("#effect").count() == 0

    # the planning job looks at what is done; half a year later it says what came of it
    later = NOW + timedelta(days=200)
    with transaction(make_sessions(engine)) as session:
        orders = read_order_frame(session, desk.city.settings.timezone)
        assert judge_done_tasks(session, desk.city, orders, None, as_of=later) == 1
    page = writer.go(f"{plan}/tasks/T01")
    said = page.inner_text("#effect")
    assert "成效" in said
    # a handful of appeals cannot tell an effect from chance, and it says so
    assert "为时尚早" in said
    page = writer.go("/effects")
    assert "和平小区：治理占道经营" in page.inner_text("main")
    writer.check()


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("lang", ["zh_CN", "en"])
def test_pages_of_plans_are_quiet_and_free_of_barriers(open_page, plan, size, lang):
    visit = open_page("desk_supervisor", size)
    for path in (
        plan,
        f"{plan}/document",
        "/planning/oversight",
        "/planning/oversight?of=all",
        "/planning/classes",
        "/planning/classes/110101001",
        "/planning/follow-ups",
    ):
        page = visit.go(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path
        visit.check()


def test_what_is_typed_survives_a_reload(open_page, plan):
    visit = open_page("desk_supervisor")
    page = visit.go(plan)
    page.fill("#comment", "写到一半的话")
    page.wait_for_timeout(600)
    visit.go(plan)
    assert page.input_value("#comment") == "写到一半的话"
