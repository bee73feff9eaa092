"""The search box on a city at work is tested with the orders' pages; here: who may look where."""

import pytest

from gridgov.rules.orders.transitions import Role
from tests.web.pages import OTHER_STREET, STREET, sign_in


def test_units_are_found_within_the_scope_only(client, pages):
    sign_in(client, Role.STREET_CENTRE)
    page = client.get("/search?q=街道").text
    assert f"unit={STREET}" in page
    assert OTHER_STREET not in page
    analyst = pages.test_client()
    sign_in(analyst, Role.ANALYST)
    assert f"unit={OTHER_STREET}" in analyst.get("/search?q=街道").text


@pytest.mark.parametrize(
    "words", ["%", "_", "\\", "'; DROP TABLE units; --", "<script>", "x" * 500, "٣", " "]
)
def test_words_are_only_words(client, words):
    sign_in(client, Role.DISPATCHER)
    answer = client.get("/search", query_string={"q": words})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert STREET not in answer.text


def test_roles_without_orders_are_offered_none(client):
    sign_in(client, Role.ADMINISTRATOR)
    page = client.get("/search?q=街道").text
    assert "/orders" not in page
    assert f"unit={STREET}" in page
