from importlib import resources

import pandas as pd
import pytest

from gridgov.pack.read_tables import MEASURE_COLUMNS
from planner.errors import PlannerError
from planner.plans.measures import (
    MeasureLibrary,
    MixedPart,
    join_effects,
    make_library,
    mix_measures,
)

ROWS = [
    (
        "M1",
        "S1",
        "",
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
        "",
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
    ("M3", "S1", "", "大修", "", "hardware", "90", "50", "80", "-0.3", "", "", "assumed", ""),
    ("M4", "S1", "", "议事", "", "consultation", "10", "0", "1", "", "", "", "assumed", ""),
    ("M5", "S2", "", "宣传", "", "publicity", "5", "0", "0.5", "-0.05", "", "", "documented", ""),
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

    assert join_effects(chosen, 0.3, most=0.8) == pytest.approx(1 - 0.6 * 0.8)
    assert join_effects((), 0.3, most=0.8) == 0.3


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


def make_wide_library():
    rows = [
        *ROWS,
        (
            "M6",
            "",
            "I12",
            "专项检查",
            "",
            "enforcement",
            "20",
            "",
            "",
            "-0.3",
            "",
            "",
            "assumed",
            "",
        ),
        ("M7", "", "I1", "约谈", "", "rule", "20", "", "", "-0.1", "", "", "assumed", ""),
        ("M8", "", "", "综合治理", "", "service", "60", "", "", "-0.2", "", "", "assumed", ""),
    ]
    return make_library(make_table(rows))


def test_an_item_without_a_scene_takes_the_measures_of_the_nearest_item_above():
    library = make_wide_library()

    def choose(scene, *line):
        return [one.measure_code for one in library.choose(scene, line)]

    assert choose("S1", "I121", "I12", "I1") == ["M1", "M2", "M4"]
    assert choose("", "I121", "I12", "I1") == ["M6"]
    assert choose("S9", "I131", "I13", "I1") == ["M7"]
    assert choose("", "I2") == []
    assert [one.measure_code for one in library.choose_general()] == ["M8"]


def test_a_measure_acts_only_on_the_part_that_it_is_for():
    library = make_wide_library()
    hardware, check = library.scenes["S1"][0], library.items["I12"][0]
    parts = [
        MixedPart(name="停水", share=0.5, measures=(hardware,)),
        MixedPart(name="漏水", share=0.25, measures=(hardware, check)),
    ]
    mixed = mix_measures(parts, library.choose_general(), most=3)

    assert [one.measure_code for one in mixed] == ["M8", "M1", "M6"]
    assert mixed[1].effect == pytest.approx(0.75 * 0.4)
    assert (mixed[1].effect_low, mixed[1].effect_high) == (pytest.approx(0.15), pytest.approx(0.45))
    assert "75%" in mixed[1].note
    assert "停水、漏水" in mixed[1].note
    assert join_effects(mixed, 0.3, most=0.8) == pytest.approx(1 - 0.8 * 0.7 * 0.925, abs=1e-4)
    whole = mix_measures([MixedPart(name="停水", share=1.0, measures=(hardware,))], most=3)
    assert whole == (hardware,)


def test_the_sample_has_a_measure_for_every_problem_that_can_be_planted():
    content = resources.files("gridgov.sample.content").joinpath("data")
    measures = pd.read_csv(content.joinpath("measures.csv"), dtype=str, keep_default_na=False)
    catalogue = pd.read_csv(content.joinpath("catalogue.csv"), dtype=str, keep_default_na=False)
    library = make_library(measures)
    parents = dict(zip(catalogue["item_code"], catalogue["parent_code"], strict=True))
    problems = catalogue[catalogue["kind"].isin(["complaint", "report"])]
    without = [
        row["name"]
        for row in problems.to_dict("records")
        if not library.choose(row["scene_code"], (row["item_code"], parents[row["item_code"]]))
    ]

    assert len(problems) > 200
    assert without == []
