"""Adjusted rates stand beside the official ones, with interval and n, and say what is lacking."""

import re

import pytest

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.counts import RateCount
from gridgov.storage.queries.effects import DIFFICULTY, put_analysis
from tests.web.pages import OTHER_STREET, STREET, make_pages, seed, sign_in
from tests.web.room_rows import AS_OF
from web.features.rates.adjusted import make_adjusted_view

SCRIPT = "<script>alert(1)</script>"


def make_unit(rate, adjusted, n=400):
    return {
        "n": n,
        "solution_rate": rate,
        "expected_rate": 0.6,
        "adjusted_rate": adjusted,
        "low": adjusted - 0.04,
        "high": adjusted + 0.04,
    }


def make_odds(feature, value, ratio, name="", n=100):
    row = {"feature": feature, "value": value, "name": name, "n": n, "odds_ratio": ratio}
    return row | {"low": ratio * 0.8, "high": ratio * 1.25}


CONTENT = {
    "start": "2023-03-04",
    "end": "2024-03-03",
    "n": 1_805,
    "solved": 1_200,
    "lacking": "",
    "auc": 0.71,
    "ece": 0.012,
    "odds": [
        make_odds("item_group", "11", 0.25, f"老旧小区 {SCRIPT}"),
        make_odds("route", "whistle", 0.6),
        make_odds("item_group", "12", 0.7, "停车"),
        make_odds("item_group", "13", 0.9, "只有几件", n=5),
        make_odds("season", "winter", 0.95),
        make_odds("season", "summer", 1.1),
        make_odds("item_group", "14", 1.5, "井盖"),
        make_odds("item_group", "15", 3.25, "路灯"),
    ],
    "calibration": [
        {"chance": 0.4, "solved": 0.41, "n": 900},
        {"chance": 0.8, "solved": 0.79, "n": 905},
    ],
    "units": {STREET: make_unit(0.523, 0.711), OTHER_STREET: make_unit(0.9, 0.9, n=5)},
}


@pytest.fixture
def site(engine):
    seed(engine)
    with transaction(make_sessions(engine)) as session:
        for unit in (STREET, OTHER_STREET):
            counts = dict.fromkeys(("orders", "callbacks", "contacted", "solved", "satisfied"), 50)
            rest = dict.fromkeys(("excluded", "flagged", "partly", "basically"), 0)
            session.add(RateCount(month="2024-02", unit_code=unit, **counts, **rest))
    return make_pages(engine)


def keep(engine, content):
    with transaction(make_sessions(engine)) as session:
        put_analysis(session, DIFFICULTY, content, at=AS_OF)


def read_page(site, **query):
    client = site.test_client()
    sign_in(client, Role.ANALYST)
    answer = client.get("/rates", query_string=query)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_they_stand_beside_the_official_rates(site, engine, language):
    keep(engine, CONTENT)
    page = read_page(site, lang=language)
    section = page.split('id="adjusted"')[1].split("</section>")[0]
    assert "100.0" in page.split('id="adjusted"')[0], "the official rate of the month stays"
    for figure in ("52.3", "71.1", "67.1–75.1", "+18.8", "1,805", "0.71", "0.012"):
        assert figure in section, figure
    assert "n = 5" in section, "too few answers are not rated"
    assert "90.0" not in section
    assert SCRIPT not in section
    words = (
        ("不代替官方数字", "吹哨报到", "冬季")
        if language == "zh_CN"
        else ("never replaces", "Winter")
    )
    for word in words:
        assert word in section
    assert not re.search(r"nan|None|orders\.route", section)
    if language == "en":
        assert not re.search("[调难优区]", section.replace("老旧小区", ""))


def test_before_the_first_run_and_without_a_model_the_page_says_so(site, engine):
    assert 'id="adjusted"' not in read_page(site)
    keep(
        engine,
        CONTENT
        | {"lacking": "150 callbacks", "n": 150, "units": {}, "odds": [], "calibration": []},
    )
    fresh = make_pages(engine)
    assert "只有 150 件有效回答" in read_page(fresh)


def test_the_hardest_and_the_easiest_problems_with_enough_orders():
    view = make_adjusted_view(CONTENT, {STREET: "甲", "unknown": "乙"}, least=30)
    assert [row["value"] for row in view.hard] == ["11", "12"]
    assert [row["value"] for row in view.easy] == ["15", "14"]
    assert list(view.features) == ["route", "season"]
    assert [row["unit_code"] for row in view.rows] == [STREET]


def test_the_best_adjusted_comes_first_and_the_unrated_last():
    names = {OTHER_STREET: "景山", STREET: "东华门", "110102001": "西长安街"}
    units = CONTENT["units"] | {"110102001": make_unit(0.4, 0.8)}
    view = make_adjusted_view(CONTENT | {"units": units}, names, least=30)
    assert [row["unit_code"] for row in view.rows] == ["110102001", STREET, OTHER_STREET]
