"""Windows of time and unit scope."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gridgov.rules.orders.transitions import Role
from tests.web.pages import DISTRICT, OTHER_STREET, STREET, sign_in
from web.kit.page_scope import WindowError, make_window

ZONE = ZoneInfo("Asia/Shanghai")
# Half past midnight in the city, the day before in UTC.
NOW = datetime(2025, 11, 20, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("today", date(2025, 11, 21), date(2025, 11, 21)),
        ("7d", date(2025, 11, 15), date(2025, 11, 21)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31)),
        ("2025-10-30..2025-11-02", date(2025, 10, 30), date(2025, 11, 2)),
    ],
)
def test_windows(key, first, last):
    window = make_window(key, now=NOW, zone=ZONE)
    assert (window.first_on, window.last_on) == (first, last)
    assert window.start == datetime(first.year, first.month, first.day, tzinfo=ZONE)
    assert window.days == (last - first).days + 1
    assert window.key == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "8d",
        "2025-13",
        "2025-02-30..2025-03-01",
        "2025-11-02..2025-11-01",
        "0001-01..",
        "x" * 500,
        "2015-01-01..2025-01-01",
        "9999-12",
        "２０２５-11",
    ],
)
def test_windows_that_cannot_be(key):
    with pytest.raises(WindowError):
        make_window(key, now=NOW, zone=ZONE)


def test_window_before_and_last_year():
    window = make_window("7d", now=NOW, zone=ZONE)
    assert window.shift_back().last_on == date(2025, 11, 14)
    assert window.shift_back(days=364).first_on.weekday() == window.first_on.weekday()


def test_unit_scope_is_shown_and_a_foreign_unit_looks_like_none(client):
    sign_in(client, Role.STREET_CENTRE)
    assert "东华门街道办事处" in client.get(f"/account?unit={STREET}").text
    foreign = client.get(f"/account?unit={OTHER_STREET}")
    unknown = client.get("/account?unit=nothing")
    assert foreign.status_code == unknown.status_code == 404
    assert "景山" not in foreign.text


def test_unit_chooser_shows_what_one_may_see(pages):
    client = pages.test_client()
    sign_in(client, Role.STREET_CENTRE)
    page = client.get("/units?q=街道").text
    assert STREET in page
    assert OTHER_STREET not in page
    client = pages.test_client()
    sign_in(client, Role.ANALYST)
    page = client.get("/units?q=街道&page=/account?window=7d").text
    assert f"/account?window=7d&amp;unit={OTHER_STREET}" in page
    assert f"unit={DISTRICT}" in client.get("/units").text


def test_links_keep_scope_window_and_language(client):
    sign_in(client, Role.ANALYST)
    page = client.get(f"/account?unit={DISTRICT}&window=7d&lang=en&page=4").text
    assert f"/account?unit={DISTRICT}&amp;window=30d&amp;lang=en" in page
    assert "page=4" not in page
