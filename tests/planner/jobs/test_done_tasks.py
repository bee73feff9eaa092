"""Tasks that were done in a database are judged; what they did is kept and goes back into the library of measures."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm.attributes import flag_modified

from gridgov.rules.plans.task_life import TaskAction, TaskState
from gridgov.storage.models.effects import TaskEffect
from gridgov.storage.models.plans import Plan, PlanTask, TaskStep
from gridgov.storage.queries.effects import (
    MEASURES,
    find_plan_effects,
    get_analysis,
    put_analysis,
)
from planner.hotspots import find_to_govern
from planner.jobs.desk import make_plans
from planner.jobs.done_tasks import (
    find_earlier_places,
    find_left_alone,
    find_levels,
    find_problems,
    judge_done_tasks,
    list_done_tasks,
    list_worked_places,
    make_expect,
    with_measured,
)
from planner.jobs.store import load_planning
from planner.plans.measures import MEASURE_COLUMNS, apply_measured, make_library
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]

DONE_DAYS = 60


def make_measures(*rows):
    facts = dict.fromkeys(MEASURE_COLUMNS, "")
    return pd.DataFrame([facts | row for row in rows])


LIFT = {
    "measure_code": "M1",
    "scene_code": "S1",
    "name": "更换电梯",
    "kind": "hardware",
    "days": "30",
    "effect": "-0.3",
    "effect_low": "-0.5",
    "effect_high": "-0.1",
    "status": "assumed",
}


@pytest.fixture(scope="module")
def library_city(small_city):
    return replace(small_city, tables={**small_city.tables, "measures": make_measures(LIFT)})


@pytest.fixture(scope="module")
def planned_at():
    return pd.Timestamp("2025-04-01", tz="Asia/Shanghai").to_pydatetime()


@pytest.fixture(scope="module")
def early(library_city, small_orders, planned_at):
    """What the desk made in the spring, of which one task was then done."""
    return make_plans(library_city, small_orders, as_of=planned_at)


def finish(session, early, planned_at, *, months=3):
    """Save the plans of the spring and finish a task of one two months later, to be watched for some months."""
    load_planning(session, early, as_of=planned_at)
    tasks = session.scalars(sa.select(PlanTask).order_by(PlanTask.plan_id, PlanTask.task_no)).all()
    plans = {plan.id: plan for plan in session.scalars(sa.select(Plan))}
    words = {
        (plan.plan_no, task["task_no"]): task
        for plan in plans.values()
        for task in plan.document["tasks"]
    }
    for row in tasks:
        task = words[plans[row.plan_id].plan_no, row.task_no]
        if task["item_code"] == "010101" and task["cells"]:
            break
    else:
        pytest.fail("no task about lifts")
    task["target"]["watch_months"] = months
    plan = plans[row.plan_id]
    plan.document = {**plan.document}
    flag_modified(plan, "document")
    row.state = TaskState.DONE
    session.add(
        TaskStep(
            plan_task_id=row.id,
            at=planned_at + timedelta(days=DONE_DAYS),
            action=TaskAction.FINISH.value,
            by_key="k",
            by_name="甲",
            progress_share=1.0,
        )
    )
    session.flush()
    return row, task


def quieten(orders, task, start, keep, rng):
    """Return the orders with only a part of those about a task's place and item from a day on."""
    here = orders["cell_code"].isin(task["cells"]) & (orders["item_code"] == task["item_code"])
    goes = here & (orders["received_at"] >= start) & (rng.random(len(orders)) > keep)
    return orders[~goes].reset_index(drop=True)


def test_a_done_task_is_judged_and_kept(
    session, library_city, small_orders, early, planned_at, as_of
):
    row, task = finish(session, early, planned_at)
    start = pd.Timestamp(planned_at) + timedelta(days=DONE_DAYS)
    orders = quieten(small_orders, task, start, 0.0, np.random.default_rng(1))
    assert judge_done_tasks(session, library_city, orders, early.model, as_of=as_of) == 1
    effect = find_plan_effects(session, [row.task_id])[row.task_id]
    figures = effect.figures
    assert (effect.plan_no.split("-")[0], effect.task_no) == (effect.street_code, row.task_no)
    assert effect.done_on == start.date()
    assert figures["days"] == figures["watch_days"] == (effect.watch_to - effect.done_on).days + 1
    assert (effect.answer, effect.reason) == ("solved", "")
    assert figures["observed"] == 0
    assert (figures["alone_n"], figures["alone_factor"]) == (0, 1.0), "the city has too few others"
    assert figures["high"] < 0.7
    assert figures["measures"] == [{"code": "M1", "name": "更换电梯"}]
    json.dumps(figures, allow_nan=False)
    kept = get_analysis(session, MEASURES).content
    assert kept["tasks"] == 1
    assert [(one["measure_code"], one["n"] + one["n_running"]) for one in kept["measures"]] == [
        ("M1", 1)
    ]
    # The same again replaces what was said.
    judge_done_tasks(session, library_city, orders, early.model, as_of=as_of)
    assert session.scalar(sa.select(sa.func.count(TaskEffect.id))) == 1


def test_nothing_changes_where_nothing_changed(
    session, library_city, small_orders, early, planned_at, as_of
):
    row, _ = finish(session, early, planned_at)
    judge_done_tasks(session, library_city, small_orders, early.model, as_of=as_of)
    effect = find_plan_effects(session, [row.task_id])[row.task_id]
    assert effect.answer in {"no_change", "too_early"}
    assert effect.figures["low"] < 1 < effect.figures["high"]


def test_a_long_watch_still_runs(session, library_city, small_orders, early, planned_at, as_of):
    row, _ = finish(session, early, planned_at, months=12)
    judge_done_tasks(session, library_city, small_orders, early.model, as_of=as_of)
    effect = find_plan_effects(session, [row.task_id])[row.task_id]
    assert (effect.answer, effect.reason) == ("too_early", "watch_runs")
    assert effect.figures["days"] == (as_of.date() - effect.done_on).days
    (measure,) = get_analysis(session, MEASURES).content["measures"]
    assert (measure["n"], measure["n_running"], measure["fall"]) == (0, 1, None)


def test_without_done_tasks_nothing_is_kept(
    session, library_city, small_orders, early, planned_at, as_of
):
    load_planning(session, early, as_of=planned_at)
    assert judge_done_tasks(session, library_city, small_orders, early.model, as_of=as_of) == 0
    assert get_analysis(session, MEASURES) is None


def test_the_place_of_a_task_is_not_left_alone_and_others_are(
    session, library_city, small_orders, early, planned_at, as_of
):
    _, task = finish(session, early, planned_at)
    kept = list_done_tasks(session, library_city, as_of=as_of)
    levels = find_levels(library_city, small_orders)
    (worked,) = list_worked_places(session)
    assert worked.cells == frozenset(task["cells"])
    other = replace(worked, item_code="030101")
    elsewhere = replace(worked, cells=frozenset({"110101001000999"}))
    left = find_left_alone([worked, other, elsewhere, elsewhere], [worked], kept, levels)
    assert [(one.item_code, one.cells) for one in left] == [
        ("030101", worked.cells),
        (worked.item_code, elsewhere.cells),
    ], "the same problem once, another problem at the same place too"
    assert left[0].done_on == worked.run_on + timedelta(days=DONE_DAYS)


def test_an_earlier_run_is_made_up_for_from_the_orders_of_then(
    session, library_city, small_orders, early, planned_at, as_of
):
    load_planning(session, early, as_of=planned_at)
    levels = find_levels(library_city, small_orders)
    problems = find_problems(library_city, small_orders, levels, before=pd.Timestamp(as_of))
    day = date(2025, 4, 1)
    made = find_earlier_places(library_city, problems, run_on=day)
    govern = early.hotspots[find_to_govern(early.hotspots)]
    kept = {
        (row["street_code"], row["item_code"], row["cells"]) for row in govern.to_dict("records")
    }
    assert len(kept) > 0
    assert {(one.street_code, one.item_code, ";".join(sorted(one.cells))) for one in made} == {
        (street, item, ";".join(sorted(cells.split(";")))) for street, item, cells in kept
    }
    assert {one.run_on for one in made} == {day}


def test_what_a_place_is_compared_with_is_its_item_in_its_district(
    library_city, small_orders, early
):
    levels = find_levels(library_city, small_orders)
    expect = make_expect(early.model, levels, library_city)
    start, end = date(2024, 3, 1), date(2024, 8, 31)
    district = early.model.expect("110101", "0101", start, end).mean[0]
    assert expect("110101001", "0101", start, end) == pytest.approx(district, rel=0.005)
    assert expect("110101001", "010101", start, end) == expect("110101002", "0101", start, end)
    assert expect("110101001", "01", start, end) == expect("110101001", "0101", start, end)
    everything = sum(expect("110101001", item, start, end) for item in early.model.items)
    assert expect("110101001", "", start, end) == pytest.approx(everything)
    assert expect("110101001", "nothing", start, end) == 0.0
    assert make_expect(None, levels, library_city)("110101001", "0101", start, start) == 1.0


def test_measured_effects_replace_what_was_believed(session, library_city, as_of):
    assert with_measured(session, library_city) is library_city
    measured = {"measure_code": "M1", "n": 6, "fall": 0.22, "fall_low": -0.05, "fall_high": 0.4}
    put_analysis(session, MEASURES, {"measures": [measured]}, at=as_of)
    (lift,) = make_library(with_measured(session, library_city).tables["measures"]).scenes["S1"]
    assert (lift.effect, lift.effect_low, lift.effect_high) == (0.22, 0.0, 0.4)
    assert lift.status == "measured"
    assert "6" in lift.note


def test_what_is_not_known_well_enough_changes_nothing():
    table = make_measures(LIFT)
    unknown = {"measure_code": "M1", "n": 1, "fall": None, "fall_low": None, "fall_high": None}
    assert apply_measured(table, [unknown, unknown | {"measure_code": "M9", "fall": 0.5}]).equals(
        table.astype(object)
    )
