"""Candidates are shown with their evidence; a person picks with a reason, and every choice stays on record."""

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.services.topics import save_topics
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.topics import TopicChoice, TopicRow
from tests.web.pages import DEPARTMENT, make_pages, read_token, seed, sign_in

AT = datetime(2026, 1, 2, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
FIGURES = {
    "persons": 237,
    "persons_before": 180,
    "streets": 154,
    "solution_rate": 0.61,
    "answers": 90,
    "days": 6.5,
    "units": 4,
    "bounce_share": 0.1,
    "growth_ratio": 1.3,
    "season_share": 0.6,
    "season_month": 11,
    "low_street_share": 0.7,
    "is_held": True,
    "frequency": 0.9,
    "spread": 0.8,
    "difficulty": 0.7,
    "cross_duty": 0.6,
    "growth": 0.5,
    "policy_gap": 0.35,
    "score": 0.77,
    "rank_low": 1,
    "rank_high": 3,
    "cure": "season",
    "lead": DEPARTMENT,
    "best_month": 10,
}


def make_row(code, rank, **other):
    names = {"name": f"问题{code} {SCRIPT}", "theme_code": "1", "theme_name": "市政"}
    return {"topic_code": code, "rank": rank, "figures": FIGURES | other, **names}


@pytest.fixture
def site(engine):
    seed(engine)
    with transaction(make_sessions(engine)) as session:
        rows = [
            make_row("11 / 排水", 1),
            make_row(
                "12", 2, cure="policy", best_month=0, answers=0, days=None, lead="", is_held=False
            ),
        ]
        save_topics(session, rows, year=2026, scope_code="", at=AT)
    return make_pages(engine)


def enter(site, role):
    client = site.test_client()
    sign_in(client, role)
    return client


def choose(client, code, **form):
    token = read_token(client.get("/account").text)
    return client.post(
        "/topics/one",
        query_string={"year": 2026, "code": code},
        data={"csrf_token": token, **form},
        follow_redirects=True,
    )


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_candidates_and_their_evidence_are_shown(site, language):
    client = enter(site, Role.ANALYST)
    page = client.get(f"/topics?lang={language}").text
    assert "237" in page
    assert "1–3" in page
    assert SCRIPT not in page
    one = client.get("/topics/one", query_string={"code": "11 / 排水", "lang": language}).text
    assert "11、12、1" in one
    assert "61.0" in one
    other = client.get("/topics/one", query_string={"code": "12", "lang": language}).text
    assert (
        ("无单位" in other or "没有单位承担" in other)
        if language == "zh_CN"
        else "No unit holds" in other
    )


def test_a_topic_is_picked_with_reason_month_and_lead(site, engine):
    client = enter(site, Role.PLANNER)
    answer = choose(
        client,
        "11 / 排水",
        decision="pick",
        month="10",
        lead_unit_code=DEPARTMENT,
        reason="年年冬天都来",
    )
    assert "已选为主题" in answer.text
    assert "年年冬天都来" in answer.text
    assert "10 月" in client.get("/topics").text
    with make_sessions(engine)() as session:
        row = session.scalars(sa.select(TopicChoice)).one()
        assert (row.is_picked, row.month, row.lead_unit_code) == (True, 10, DEPARTMENT)
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "choose_topic")).one()
        assert entry.after["reason"] == "年年冬天都来"
        assert entry.subject_no == "2026//11 / 排水"


def test_a_later_choice_follows_and_the_earlier_one_stays(site, engine):
    client = enter(site, Role.SUPERVISOR)
    choose(client, "12", decision="pick", month="3", reason="先选上")
    page = choose(client, "12", decision="leave", month="3", reason="与另一题重复").text
    assert "先选上" in page
    assert "与另一题重复" in page
    with make_sessions(engine)() as session:
        last = session.scalars(sa.select(TopicChoice).order_by(TopicChoice.id.desc())).first()
        assert (last.is_picked, last.month) == (False, None)
        assert session.scalar(sa.select(sa.func.count()).select_from(TopicChoice)) == 2


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"decision": "pick", "month": "3", "reason": "  "}, "请写明理由"),
        ({"decision": "pick", "month": "13", "reason": "好"}, "1 到 12 月"),
        ({"decision": "pick", "month": "x", "reason": "好"}, "1 到 12 月"),
        (
            {"decision": "pick", "month": "3", "reason": "好", "lead_unit_code": "nobody"},
            "没有这个单位",
        ),
        ({"decision": "leave", "reason": "长" * 2001}, "2000 字"),
    ],
)
def test_a_choice_that_lacks_something_keeps_what_was_typed(site, engine, form, said):
    answer = choose(enter(site, Role.PLANNER), "12", **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert form["reason"].strip() in answer.text
    with make_sessions(engine)() as session:
        assert session.scalars(sa.select(TopicChoice)).first() is None


def test_who_may_only_read_cannot_choose(site):
    client = enter(site, Role.AUDITOR)
    assert "不能选题" in client.get("/topics/one?code=12").text
    assert choose(client, "12", decision="pick", month="3", reason="好").status_code == 403
    assert enter(site, Role.OPERATOR).get("/topics").status_code == 403


@pytest.mark.parametrize("address", ["/topics/one?code=nothing", "/topics?year=abc", "/topics/one"])
def test_what_is_not_there_is_404(site, address):
    assert enter(site, Role.ANALYST).get(address).status_code == 404


def test_the_file_holds_every_candidate(site):
    client = enter(site, Role.ANALYST)
    text = client.get("/topics/candidates.csv?year=2026").text
    assert text.count("\n") == 3
    assert "0.77" in text
    assert re.search("[a-z_]{3}", text.replace("\r", "").split("\n", 1)[0]) is None


def test_without_candidates_the_page_says_how_to_get_them(engine):
    seed(engine)
    page = enter(make_pages(engine), Role.ANALYST).get("/topics").text
    assert "还没有候选主题" in page


def test_new_candidates_replace_the_old_ones_and_keep_choices(site, engine):
    choose(enter(site, Role.PLANNER), "12", decision="pick", month="3", reason="好")
    with transaction(make_sessions(engine)) as session:
        save_topics(session, [make_row("12", 1)], year=2026, scope_code="", at=AT)
    with make_sessions(engine)() as session:
        assert session.scalars(sa.select(TopicRow.topic_code)).all() == ["12"]
    assert "3 月" in enter(site, Role.ANALYST).get("/topics").text
