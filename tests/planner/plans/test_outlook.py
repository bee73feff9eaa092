from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from planner.plans.outlook import (
    Course,
    HistoryMonths,
    make_curve,
    make_history,
    make_outlook,
)

TODAY = date(2025, 12, 31)
BACK = HistoryMonths(recent=6, usual=24, prior=12)


def make_orders(days, persons):
    times = [pd.Timestamp(day, tz="Asia/Shanghai") + pd.Timedelta(hours=9) for day in days]
    return pd.DataFrame({"received_at": times, "person_key": persons})


def find_outlook(history, course, *, lengths=(3, 12), curve=None):
    flat = make_curve(date(2023, 1, 1), np.ones(1500))
    return make_outlook(
        history,
        curve or flat,
        course,
        back=BACK,
        today=TODAY,
        due_on=date(2026, 3, 31),
        lengths=lengths,
        effect=0.3,
        usual_per_month=0.1,
        alpha=0.0,
    )


def test_a_curve_is_summed_over_days_and_repeats_its_year():
    curve = make_curve(date(2025, 1, 1), np.arange(1, 366))

    assert curve.between(date(2025, 1, 1), date(2025, 1, 3)) == 6
    assert curve.between(date(2025, 12, 31), date(2025, 12, 31)) == 365
    # 364 days before 2026-01-01 is 2025-01-02
    assert curve.between(date(2026, 1, 1), date(2026, 1, 1)) == 2
    assert curve.between(date(2025, 12, 31), date(2026, 1, 1)) == 367
    assert curve.between(date(2024, 12, 31), date(2025, 1, 1)) == 2


def test_a_person_counts_once_in_a_window_and_again_in_another():
    days = ["2025-02-01", "2025-02-10", "2025-08-01", "2025-08-02"]
    history = make_history(make_orders(days, ["p", "p", "p", None]))

    assert history.count(date(2025, 1, 1), date(2025, 3, 31)) == 1
    assert history.count(date(2025, 1, 1), TODAY) == 2
    assert history.count(date(2025, 8, 1), date(2025, 8, 1)) == 1
    assert history.count(date(2025, 1, 1), TODAY, months=[2]) == 1


def test_windows_before_are_as_long_as_the_watch_and_cover_the_history():
    days = pd.date_range("2024-01-01", "2025-12-31", freq="10D").date
    history = make_history(make_orders(days, [f"p{k}" for k in range(len(days))]))
    short, long = find_outlook(history, Course(since=date(2024, 1, 1))).watches

    assert (short.start, short.end) == (date(2026, 4, 1), date(2026, 6, 30))
    assert (long.start, long.end) == (date(2026, 4, 1), date(2027, 3, 31))
    assert short.baseline == sum(day >= date(2025, 10, 1) for day in days)
    assert short.seen == long.seen == len(days)
    assert short.seen_exposure == 731
    assert short.exposure == 91


def test_a_place_that_is_new_is_judged_by_the_days_it_has_existed():
    days = [TODAY - timedelta(days=k) for k in range(0, 60, 2)]
    history = make_history(make_orders(days, [f"p{k}" for k in range(30)]))
    watch = find_outlook(history, Course(since=TODAY - timedelta(days=59))).watches[1]

    assert watch.seen == 30
    assert watch.seen_exposure == 60


def test_a_season_is_compared_with_its_own_months():
    days = [
        "2023-12-05",
        "2024-01-05",
        "2024-06-01",
        "2024-12-05",
        "2025-01-05",
        "2025-01-06",
        "2025-12-02",
    ]
    history = make_history(make_orders(days, [f"p{k}" for k in range(7)]))
    course = Course(since=date(2023, 1, 1), months=(12, 1, 2))
    outlook = find_outlook(history, course)

    # a season comes once a year: the same watch for every length, so that it can be pooled with others
    assert outlook.watches[0] == outlook.watches[1]
    assert outlook.watches[0].start == date(2026, 12, 1)
    assert outlook.watches[0].baseline == 3
    assert outlook.watches[0].seen_exposure == 2
    assert outlook.watches[0].seen == 5


def test_months_that_jump_more_than_chance_widen_the_prediction():
    rng = np.random.default_rng(1)
    months = pd.date_range("2024-01-01", periods=24, freq="MS")
    steady = [month + pd.Timedelta(days=k) for month in months for k in range(10)]
    jumping = [
        month + pd.Timedelta(days=k % 28) for month in months for k in range(rng.choice([0, 20]))
    ]
    wide, narrow = (
        find_outlook(
            make_history(
                make_orders([d.date() for d in days], [f"p{k}" for k in range(len(days))])
            ),
            Course(since=date(2024, 1, 1)),
        ).dispersion
        for days in (jumping, steady)
    )
    # months that do not jump at all: what is left is the doubt of 23 whole months and a prior worth 12
    assert narrow == pytest.approx(1 + 0.5 * np.sqrt(2 / 35))
    assert wide > 3


def test_the_items_own_dispersion_counts_at_the_level_of_a_month_and_less_the_more_is_known():
    rng = np.random.default_rng(4)
    flat = make_curve(date(2023, 1, 1), np.ones(1500))
    days = [TODAY - timedelta(days=int(k)) for k in rng.integers(0, 720, 240)]

    def spread(known, alpha):
        history = make_history(make_orders(known, [f"p{k}" for k in range(len(known))]))
        outlook = make_outlook(
            history,
            flat,
            Course(since=min(known)),
            back=BACK,
            today=TODAY,
            due_on=date(2026, 3, 31),
            lengths=(12,),
            effect=0.3,
            usual_per_month=0.1,
            alpha=alpha,
        )
        return outlook.dispersion

    ten_a_month = 1 + 0.2 * 10
    assert spread(days, 0.0) < 1.4
    assert spread(days, 0.0) < spread(days, 0.2) < ten_a_month
    new = [day for day in days if day > TODAY - timedelta(days=60)]
    assert spread(new, 0.2) == pytest.approx(1 + 0.2 * len(new) / 2, abs=0.6)
