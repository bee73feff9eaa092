"""The frame in a browser: sign-in, languages, expired sessions, themes, phone; nothing foreign, no barrier."""

import pytest

from gridgov.rules.orders.transitions import Role
from tests.web.pages import PASSWORD


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_sign_in_page(open_page, size):
    visit = open_page(size=size)
    page = visit.go("/sign-in")
    visit.check()
    visit.go("/sign-in?lang=en")
    assert page.locator("h1").inner_text() == "Sign in"
    visit.check()
    visit.expected_statuses.add(401)
    page.fill("#login", "dispatcher")
    page.fill("#password", "wrong horse staple")
    page.click("form button[type=submit]")
    assert page.locator(".notice-danger").is_visible()
    assert page.input_value("#login") == "dispatcher", "what was typed is still there"
    visit.check()


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_account_page(open_page, size, theme):
    visit = open_page(Role.DISPATCHER, size)
    page = visit.go("/account")
    page.click(".topline > .dropdown:last-child > button")
    page.click(f".theme-row input[value={theme}] ~ button")
    page.wait_for_selector(f"html[data-bs-theme={theme}]")
    visit.check()
    page.click("#unit-button")
    page.wait_for_selector("#unit-choices a:nth-child(2)")
    visit.check()


def test_wall(open_page):
    visit = open_page(Role.SUPERVISOR, "wall")
    page = visit.go("/account?mode=wall")
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    assert not page.locator(".rail").is_visible()
    visit.check()


def test_wrong_pages(open_page):
    visit = open_page(Role.ANALYST)
    visit.go("/nothing", status=404)
    visit.check()
    visit.go("/account?window=never", status=400)
    visit.check()


def test_expired_session_loses_nothing(open_page):
    visit = open_page(Role.HANDLER)
    page = visit.go("/account")
    visit.expected_statuses |= {401, 422}
    page.context.clear_cookies(name="gridgov_session")
    page.fill("#f-password", PASSWORD)
    page.fill("#f-new_password", "a")
    page.fill("#f-again", "a")
    page.click("form[action$='/account/password'] button")
    assert page.locator(".notice-warning").is_visible()
    page.fill("#login", "handler")
    page.fill("#password", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url("**/account")
    visit.check()


def test_language_is_kept_in_the_account(open_page):
    visit = open_page(Role.PLANNER)
    page = visit.go("/account")
    page.click("button[title=语言]")
    page.click("button[lang=en]")
    page.wait_for_selector("html[lang=en]")
    visit.go("/account")
    assert page.locator("h1").inner_text() == "Account and security"
    page.click("button[title=Language]")
    page.click("button[lang=zh-CN]")
    page.wait_for_selector("html[lang=zh-CN]")
    visit.check()


def test_signing_out_clears_what_the_browser_kept(open_page):
    visit = open_page(Role.OPERATOR)
    page = visit.go("/account")
    page.evaluate("localStorage.setItem('gridgov:draft:1:/x:y', 'text')")
    page.click(".topline > .dropdown:last-child > button")
    page.click("form[action$='/sign-out'] button")
    page.wait_for_url("**/sign-in")
    assert page.evaluate("localStorage.length") == 0
    visit.check()
