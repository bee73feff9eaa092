from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from planner.errors import PlannerError
from planner.hotspots.cube import make_cube

ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = datetime(2025, 7, 1, tzinfo=ZONE)
CELLS = pd.DataFrame(
    {"x_m": [50.0, 150.0, 5050.0], "y_m": [50.0, 50.0, 50.0]},
    index=pd.Index(["a", "b", "far"], name="cell_code"),
)


def make_orders(*rows):
    frame = pd.DataFrame(rows, columns=["cell_code", "level1_code", "person_key", "received_at"])
    received = pd.to_datetime(frame["received_at"], format="mixed").dt.tz_localize(ZONE)
    return frame.assign(item_code=frame["level1_code"], received_at=received)


def test_one_row_per_cell_month_and_item():
    orders = make_orders(
        ("a", "01", "p", "2025-06-02"),
        ("a", "01", "q", "2025-06-30 23:59"),
        ("a", "02", "p", "2025-06-02"),
        ("b", "01", "p", "2025-05-31 23:59"),
    )

    frame = make_cube(orders, CELLS, as_of=AS_OF).make_frame()

    assert frame[["cell_code", "level1_code", "count", "persons"]].to_numpy().tolist() == [
        ["a", "01", 2, 2],
        ["a", "02", 1, 1],
        ["b", "01", 1, 1],
    ]
    assert [str(day.date()) for day in frame["period"]] == [
        "2025-06-01",
        "2025-06-01",
        "2025-05-01",
    ]


def test_one_person_calling_sixty_times_counts_once():
    orders = make_orders(
        *[("ab"[k % 2], "01", "p", f"2025-06-{k % 28 + 1:02d}") for k in range(60)]
    )

    cube = make_cube(orders, CELLS, as_of=AS_OF)

    assert len(cube.find_first(np.array([0]))) == 1
    assert cube.make_frame()["count"].sum() == 60


def test_the_same_person_elsewhere_or_about_something_else_counts_again():
    orders = make_orders(
        ("a", "01", "p", "2025-06-02"),
        ("far", "01", "p", "2025-06-02"),
        ("a", "02", "p", "2025-06-02"),
    )

    cube = make_cube(orders, CELLS, as_of=AS_OF)

    assert len(cube.find_first(np.array([0]))) == 3


def test_orders_without_person_are_persons_of_their_own():
    orders = make_orders(("a", "01", None, "2025-06-02"), ("a", "01", None, "2025-06-03"))

    cube = make_cube(orders, CELLS, as_of=AS_OF)

    assert len(cube.find_first(np.array([0]))) == 2


def test_orders_from_as_of_on_stay_out():
    orders = make_orders(("a", "01", "p", "2025-06-30"), ("a", "01", "q", "2025-07-01"))

    cube = make_cube(orders, CELLS, as_of=AS_OF)

    assert cube.source.tolist() == [0]


def test_orders_without_cell_or_item_stay_out():
    orders = make_orders((None, "01", "p", "2025-06-02"), ("a", None, "q", "2025-06-02"))

    assert len(make_cube(orders, CELLS, as_of=AS_OF).cell) == 0


def test_no_orders_at_all():
    orders = make_orders(("a", "01", "p", "2025-06-02")).iloc[:0]

    cube = make_cube(orders, CELLS, as_of=AS_OF)

    assert cube.make_frame().empty
    assert cube.n_periods == 1


def test_a_missing_column_is_named():
    with pytest.raises(PlannerError, match="person_key"):
        make_cube(make_orders().drop(columns="person_key"), CELLS, as_of=AS_OF)


def test_an_unknown_cell_is_named():
    with pytest.raises(PlannerError, match="nowhere"):
        make_cube(make_orders(("nowhere", "01", "p", "2025-06-02")), CELLS, as_of=AS_OF)


def test_an_issue_ends_with_a_long_pause():
    days = ("2025-01-02", "2025-01-20", "2025-04-01", "2025-04-02")
    orders = make_orders(
        *[("a", "01", f"p{k}", day) for k, day in enumerate(days)], ("b", "01", "q", "2025-01-03")
    )

    cube = make_cube(orders, CELLS, as_of=AS_OF)

    assert len(cube.find_issues(np.arange(5))) == 3
