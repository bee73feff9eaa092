"""What works: every answer in words, with figures, reasons and cautions; the library with what was measured."""

import csv
import io
import re
from datetime import UTC, date, datetime

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm.attributes import flag_modified

from gridgov.pack.city import load_city
from gridgov.rules.orders.transitions import Role
from gridgov.services.city_runtime import make_runtime
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.effects import TaskEffect
from gridgov.storage.models.plans import Plan, PlanTask
from gridgov.storage.queries.effects import MEASURES, put_analysis, put_task_effects
from planner.plans.measures import MEASURE_COLUMNS
from tests.gridgov.packs import TOML, write_pack
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.pages import STREET, make_pages, seed, sign_in
from tests.web.room_rows import fill_rooms

AT = datetime(2026, 1, 2, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
SEEN = {"observed": 42, "expected": 60.1, "ratio": 0.7, "low": 0.55, "high": 0.88, "p_fewer": 0.99}


def make_effect(number, answer, reason="", cautions=(), **figures):
    return TaskEffect(
        task_id=f"{STREET}-t{number}",
        done_on=date(2025, 6, number),
        plan_no=f"{STREET}-r1",
        task_no=f"T{number:02d}",
        street_code=STREET,
        title=f"治理{number} {SCRIPT}",
        watch_to=date(2025, 9, number),
        answer=answer,
        reason=reason,
        figures={
            "days": 92,
            "watch_days": 92,
            "planned": 0.7,
            "measures": [{"code": "M1", "name": "巡查"}],
            "cautions": list(cautions),
            "power": 0.8,
            "placebo": None,
            "next_door": None,
            **figures,
        },
        judged_at=AT,
    )


def make_measure(code, **other):
    facts = {
        "measure_code": code,
        "name": f"措施{code}",
        "believed": 0.35,
        "n": 5,
        "n_alone": 2,
        "n_running": 1,
        "answer": "better",
        "reason": "",
        "power": 0.91,
        **SEEN,
        "fall": 0.22,
        "fall_low": 0.09,
        "fall_high": 0.34,
    }
    return facts | other


EFFECTS = (
    lambda: make_effect(1, "solved", **SEEN),
    lambda: make_effect(2, "better", cautions=("fell_before", "moved"), **SEEN),
    lambda: make_effect(3, "no_change", **SEEN | {"ratio": 1.02}),
    lambda: make_effect(4, "worse", **SEEN | {"ratio": 3.5, "high": 5.0}),
    lambda: make_effect(5, "too_early", "watch_runs", **SEEN),
    lambda: make_effect(6, "too_early", "few_expected", **SEEN),
    lambda: make_effect(7, "too_early", "low_power", **SEEN),
    lambda: make_effect(8, "too_early", "no_baseline", power=None),
)
POOLS = (
    make_measure("M1"),
    make_measure("M2", fall=None, fall_low=None, fall_high=None, believed=None, n_running=0),
    {
        "measure_code": "M3",
        "name": "措施M3",
        "believed": 0.1,
        "n": 0,
        "n_alone": 0,
        "n_running": 2,
        "answer": "too_early",
        "reason": "watch_runs",
        "power": None,
        "fall": None,
        "fall_low": None,
        "fall_high": None,
    },
)


def keep(engine, *, alone_n=40):
    with transaction(make_sessions(engine)) as session:
        put_task_effects(session, [make() for make in EFFECTS])
        content = {"tasks": 8, "alone_n": alone_n, "alone_factor": 0.83, "measures": list(POOLS)}
        put_analysis(session, MEASURES, content, at=AT)


@pytest.fixture
def site(engine):
    seed(engine)
    keep(engine)
    return make_pages(engine)


def read_page(site, language="zh_CN"):
    client = site.test_client()
    sign_in(client, Role.PLANNER)
    answer = client.get(f"/effects?lang={language}")
    assert answer.status_code == 200
    return answer.text


WORDS = {
    "zh_CN": (
        "已解决",
        "有好转",
        "没有变化",
        "变差",
        "观察期未满",
        "看不出三分之一",
        "多半看不出",
        "没有可比的诉求",
        "早先时段也同样下降",
        "可能只是转移",
        "数据不足",
        "40 处",
        "83%",
    ),
    "en": (
        "Solved",
        "Better",
        "No change",
        "Worse",
        "the watch still runs",
        "change by a third",
        "probably not be seen",
        "no appeals before",
        "earlier time in which nothing was done",
        "only have moved",
        "not enough data",
        "40 such places",
        "83 %",
    ),
}


@pytest.mark.parametrize("language", WORDS)
def test_every_answer_has_words_and_figures(site, language):
    page = read_page(site, language)
    for words in WORDS[language]:
        assert words in page, words
    for figure in ("42 / 60.1", "<b>-30</b>", "-45 … -12", "+250", "<b>-22</b>", "-34 … -9", "-35"):
        assert figure in page, figure
    assert SCRIPT not in page
    assert not re.search(r"\bnan\b|None", page.split("<main")[1])
    widths = [float(x) for x in re.findall(r'x2="([\d.]+)"', page)]
    assert max(widths) <= 100, "a ratio beyond the bar ends at its end"


def test_without_places_left_alone_the_page_says_what_it_assumes(engine):
    seed(engine)
    keep(engine, alone_n=0)
    page = read_page(make_pages(engine))
    assert "不足五处" in page
    assert "假定" in page


def test_before_any_task_is_done_the_page_says_how_one_gets_there(engine):
    seed(engine)
    assert "还没有可评的任务" in read_page(make_pages(engine))


def test_the_page_is_for_those_who_may_read_plans(site):
    client = site.test_client()
    sign_in(client, Role.OPERATOR)
    assert client.get("/effects").status_code == 403


def test_what_is_judged_anew_replaces_what_was_said(engine, site):
    with transaction(make_sessions(engine)) as session:
        put_task_effects(session, [make_effect(1, "worse", **SEEN)])
    page = read_page(site)
    assert page.count(f"/planning/plans/{STREET}-r1/tasks/T01") == 2, "row and link, once"
    assert ">已解决<" in page.replace("\n", "")


def test_the_library_is_sent_with_what_was_measured(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("effects")
    facts = dict.fromkeys(MEASURE_COLUMNS, "")
    rows = [
        facts
        | {"measure_code": code, "scene_code": "S1", "name": code, "kind": "service"}
        | {"effect": "-0.35", "status": "assumed"}
        for code in ("M1", "M2")
    ]
    file = write_pack(folder, TOML + '[tables.measures]\npath = "measures.csv"\n')
    pd.DataFrame(rows).to_csv(folder / "measures.csv", index=False)
    runtime = make_runtime(load_city(file), salt="test")
    seed_city(engine, runtime)
    keep(engine)
    client = make_city_pages(engine, runtime).test_client()
    sign_in(client, Role.PLANNER)
    text = client.get("/effects/measures.csv").text.removeprefix("\ufeff")
    sent = list(csv.DictReader(io.StringIO(text)))
    assert list(sent[0]) == list(MEASURE_COLUMNS)
    assert [(row["measure_code"], row["effect"], row["status"]) for row in sent] == [
        ("M1", "-0.22", "measured"),
        ("M2", "-0.35", "assumed"),
    ]
    assert (sent[0]["effect_low"], sent[0]["effect_high"]) == ("-0.34", "-0.09")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_plan_and_task_show_what_came_of_it(engine, tmp_path_factory, language):
    runtime = make_city_desk(tmp_path_factory.mktemp("plan"))
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        plan_no = fill_rooms(session, runtime).plan_no
        row = session.scalars(sa.select(PlanTask)).one()
        row.task_id = "t1"
        effect = make_effect(1, "better", cautions=("moved",), **SEEN | {"placebo": SEEN})
        effect.task_id = "t1"
        effect.figures |= {"alone_n": 40, "alone_factor": 0.83}
        put_task_effects(session, [effect])
        plan = session.scalars(sa.select(Plan).where(Plan.plan_no == plan_no)).one()
        plan.document["tasks"][0]["task_id"] = "t1"
        flag_modified(plan, "document")
    client = make_city_pages(engine, runtime).test_client()
    sign_in(client, "planner")
    word = "有好转" if language == "zh_CN" else "Better"
    plan_page = client.get(f"/planning/plans/{plan_no}?lang={language}").text
    task_page = client.get(f"/planning/plans/{plan_no}/tasks/T01?lang={language}").text
    for page in (plan_page, task_page):
        assert word in page
        assert "-45 … -12" in page
    assert "83" in task_page.split('id="effect"')[1].split("</section>")[0]
