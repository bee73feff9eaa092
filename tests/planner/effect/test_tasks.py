"""Tasks of a city judged together: what each was compared with, what speaks against it, what a measure does."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from planner.effect import Answer, DoneTask, PlaceTask, index_orders, judge_tasks

FIRST, DAYS = date(2023, 1, 1), 1_000
LAST = FIRST + timedelta(days=DAYS - 1)
DONE = 800
STREET, ITEM = "110101001", "010101"


def make_city(rng, rates, *, done=None, theta=0.7, also=()):
    """Orders of places (a cell each, so many a day); from `done` on θ times as many at those of `also`."""
    parts = []
    for number, rate in enumerate(rates):
        mean = np.full(DAYS, rate)
        if done is not None and number in also:
            mean[done:] *= theta
        day = np.repeat(np.arange(DAYS), rng.poisson(mean))
        parts.append(pd.DataFrame({"cell_code": f"c{number}", "day": day}))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(
        street_code=STREET,
        item_code=ITEM,
        level2_code=ITEM[:4],
        level1_code=ITEM[:2],
        on=[FIRST + timedelta(days=int(day)) for day in frame["day"]],
        person_key=[f"P{k}" for k in range(len(frame))],
    )


def make_place(number, *, item=ITEM, days=180):
    return PlaceTask(
        task_id=f"T{number}",
        street_code=STREET,
        item_code=item,
        cells=frozenset({f"c{number}"}),
        found_from=FIRST + timedelta(days=600),
        found_to=FIRST + timedelta(days=700),
        done_on=FIRST + timedelta(days=DONE),
        watch_days=days,
    )


def make_done(number, *measures, **other):
    return DoneTask(place=make_place(number), planned=0.7, measures=measures or ("M1",), **other)


def expect_evenly(_street, _item, start, stop):
    return 3.0 * ((stop - start).days + 1)


def judge(frame, tasks, left=(), **other):
    facts = {"first_on": FIRST, "last_on": LAST, "seed": 1} | other
    return judge_tasks(index_orders(frame), tasks, left, expect_evenly, **facts)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_what_worked_is_told_from_what_did_not(rng):
    frame = make_city(rng, [1.0] * 14, done=DONE, theta=0.5, also=(0,))
    found = judge(frame, [make_done(0), make_done(1)], [make_place(k) for k in range(2, 14)])
    works, idle = found.tasks
    assert works.answer is Answer.BETTER
    assert works.verdict.effect.low < 0.5 < works.verdict.effect.high
    assert idle.answer is not Answer.BETTER
    assert works.verdict.alone.n == 12
    assert works.verdict.alone.factor == pytest.approx(1.0, abs=0.06)


def test_a_place_back_at_its_usual_level_is_solved(rng):
    frame = make_city(rng, [1.0] * 14, done=DONE, theta=0.3, also=(0,))
    left = [make_place(k) for k in range(2, 14)]
    task = make_done(0, usual_a_day=0.5)
    assert judge(frame, [task], left).tasks[0].answer is Answer.SOLVED
    assert judge(frame, [replace(task, usual_a_day=0.2)], left).tasks[0].answer is Answer.BETTER, (
        "still more than usual there"
    )


def test_a_watch_that_runs_says_so_and_counts_what_is_there(rng):
    frame = make_city(rng, [1.0, 1.0])
    one = make_done(0)
    soon = judge(frame, [one], last_on=FIRST + timedelta(days=DONE + 29)).tasks[0]
    assert (soon.answer, soon.reason, soon.days) == (Answer.TOO_EARLY, "watch_runs", 30)
    assert soon.watch.expected == pytest.approx(30, rel=0.15)
    before = judge(frame, [one], last_on=FIRST + timedelta(days=DONE - 1)).tasks[0]
    assert (before.answer, before.reason, before.watch) == (Answer.TOO_EARLY, "watch_runs", None)


def test_a_place_of_which_nothing_is_known_has_no_answer(rng):
    frame = make_city(rng, [1.0])
    first = make_done(0)
    task = replace(
        first, place=replace(first.place, done_on=FIRST, found_from=FIRST, found_to=FIRST)
    )
    judged = judge(frame, [task])
    assert (judged.tasks[0].reason, judged.tasks[0].answer) == ("no_baseline", Answer.TOO_EARLY)
    assert judged.pools[0].n == 0


def test_an_item_of_any_level_finds_its_orders(rng):
    frame = make_city(rng, [1.0])
    counts = {
        item: judge(frame, [replace(make_done(0), place=make_place(0, item=item))]).tasks[0].watch
        for item in (ITEM, ITEM[:4], ITEM[:2], "")
    }
    assert len({watch.observed for watch in counts.values()}) == 1
    other = replace(make_done(0), place=make_place(0, item="02"))
    assert judge(frame, [other]).tasks[0].watch.observed == 0


def test_appeals_that_only_moved_next_door_are_seen(rng):
    frame = make_city(rng, [1.0] * 14, done=DONE, theta=0.5, also=(0,))
    louder = make_city(rng, [0.0, 1.0], done=DONE, theta=1.0)
    extra = louder[louder["day"] >= DONE]
    task = make_done(0, ring=frozenset({"c0", "c1"}))
    left = [make_place(k) for k in range(2, 14)]
    quiet = judge(frame, [task], left).tasks[0]
    moved = judge(pd.concat([frame, extra]), [task], left).tasks[0]
    assert quiet.cautions == ()
    assert moved.cautions == ("moved",)
    assert moved.next_door.low > 1.3


def test_a_place_that_fell_before_anything_was_done_is_seen(rng):
    frame = make_city(rng, [2.0] * 14, done=500, theta=0.3, also=(0,))
    left = [make_place(k) for k in range(2, 14)]
    base = make_done(0).place
    # Watched days 800-899, found from 620 on: the placebo's time is 520-619, after a fall that nobody caused.
    place = replace(base, watch_days=100, found_from=FIRST + timedelta(days=620))
    fell = judge(frame, [replace(make_done(0), place=place)], left).tasks[0]
    assert "fell_before" in fell.cautions
    even = replace(make_done(1), place=replace(place, task_id="T1", cells=frozenset({"c1"})))
    assert judge(frame, [even], left).tasks[0].cautions == ()


def test_a_pool_says_how_much_its_measure_does(rng):
    frame = make_city(rng, [0.3] * 30, done=DONE, theta=0.6, also=range(8))
    tasks = [make_done(k, "M1") for k in range(8)]
    left = [make_place(k) for k in range(8, 30)]
    pool = judge(frame, tasks, left).pools[0]
    assert (pool.measure_code, pool.n, pool.n_alone, pool.n_running) == ("M1", 8, 8, 0)
    assert pool.fall_low < 0.4 < pool.fall_high
    assert pool.fall == pytest.approx(1 - pool.verdict.effect.ratio)
    few = judge(frame, tasks[:1], left).pools[0]
    assert few.verdict.effect.expected < 60
    assert few.fall is None, "too few to say how much"


def test_measures_used_together_share_what_they_did_as_the_library_says(rng):
    frame = make_city(rng, [0.3] * 30, done=DONE, theta=0.5, also=range(8))
    tasks = [make_done(k, "M1", "M2") for k in range(8)]
    left = [make_place(k) for k in range(8, 30)]
    known = {"M1": 0.3, "M2": 0.1}
    pools = {one.measure_code: one for one in judge(frame, tasks, left, known=known).pools}
    both = (1 - pools["M1"].fall) * (1 - pools["M2"].fall)
    assert both == pytest.approx(pools["M1"].verdict.effect.ratio), "together they did all of it"
    logs = [np.log(1 - pools[code].fall) / np.log(1 - known[code]) for code in known]
    assert logs[0] == pytest.approx(logs[1])
    assert all(one.n_alone == 0 for one in pools.values())
    unknown = judge(frame, tasks, left, known={"M1": 0.3}).pools
    assert [one.fall for one in unknown] == [None, None]


def test_a_place_is_compared_with_its_own_kind(rng):
    """What has just risen stays up: nobody who worked at an old problem may be credited for that."""
    frame = make_city(rng, [1.0] * 24, done=600, theta=3.0, also=range(12, 24))
    old, new = range(1, 12), range(13, 24)
    left = [make_place(k) for k in (*old, *new)]
    steady, risen = judge(frame, [make_done(0), make_done(12)], left).tasks
    assert (steady.watch.rise, risen.watch.rise) == (
        pytest.approx(1, abs=0.3),
        pytest.approx(1.9, abs=0.5),
    )
    assert steady.verdict.alone.factor == pytest.approx(1.0, abs=0.1)
    assert risen.verdict.alone.factor > 1.5
    assert {steady.answer, risen.answer} <= {Answer.NO_CHANGE, Answer.TOO_EARLY}
