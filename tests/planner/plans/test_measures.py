import pandas as pd
import pytest

from gridgov.pack.read_tables import MEASURE_COLUMNS
from planner.errors import PlannerError
from planner.plans.measures import MeasureLibrary, join_effects, make_library

ROWS = [
    (
        "M1",
        "S1",
        "加装设施",
        "",
        "hardware",
        "30",
        "5",
        "20",
        "-0.4",
        "-0.6",
        "-0.2",
        "practice",
        "",
    ),
    (
        "M2",
        "S1",
        "巡查",
        "",
        "enforcement",
        "",
        "",
        "",
        "-0.2",
        "-0.3",
        "-0.1",
        "assumed",
        "无工期",
    ),
    ("M3", "S1", "大修", "", "hardware", "90", "50", "80", "-0.3", "", "", "assumed", ""),
    ("M4", "S1", "议事", "", "consultation", "10", "0", "1", "", "", "", "assumed", ""),
    ("M5", "S2", "宣传", "", "publicity", "5", "0", "0.5", "-0.05", "", "", "documented", ""),
]


def make_table(rows=ROWS):
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))


def test_the_most_effective_measure_of_each_kind_is_chosen():
    chosen = make_library(make_table()).choose("S1")

    assert [one.measure_code for one in chosen] == ["M1", "M2", "M4"]
    assert chosen[0].cost.low == 5
    assert (chosen[0].effect_low, chosen[0].effect, chosen[0].effect_high) == (0.2, 0.4, 0.6)
    assert chosen[1].days is None
    assert chosen[1].cost.status == "unknown"


def test_effects_work_on_what_is_left():
    chosen = make_library(make_table()).choose("S1")

    assert join_effects(chosen, 0.3) == pytest.approx(1 - 0.6 * 0.8)
    assert join_effects((), 0.3) == 0.3


def test_a_pack_without_measures_has_an_empty_library():
    assert make_library(None) == MeasureLibrary()
    assert make_library(None).choose("S1") == ()


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("kind", "magic", "row 2, kind: found 'magic'"),
        ("status", "", "row 2, status"),
        ("days", "-1", "row 2, days: found -1"),
        ("days", "soon", "row 2, days: found 'soon'"),
        ("cost_low", "30", "row 2, cost_low: found 30, expected at most cost_high = 20"),
        ("effect", "1.4", "row 2, effect: found 1.4"),
        ("effect", "0.4", "row 2, effect: found 0.4, expected a change"),
        (
            "effect_low",
            "-0.1",
            "row 2, effect_low: found -0.1, expected at most effect_high = -0.2",
        ),
    ],
)
def test_a_wrong_row_is_told(column, value, told):
    table = make_table()
    table.loc[0, column] = value
    with pytest.raises(PlannerError, match=told):
        make_library(table)
