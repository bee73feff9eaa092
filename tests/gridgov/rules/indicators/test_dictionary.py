import json
import re
from pathlib import Path

import numpy as np
import pytest

from gridgov.rules.indicators import (
    find_change,
    get_indicator,
    load_indicators,
    say_figure,
)
from gridgov.rules.reports.counting import OUTCOMES
from gridgov.storage.queries.map_counts import OUTCOMES as KEPT_OUTCOMES

ROOT = Path(__file__).parents[4]


def test_every_definition_is_whole_in_both_languages():
    for key, one in load_indicators().items():
        assert key == one.key
        for name in ("name", "counted", "source"):
            words = getattr(one, name)
            assert re.search("[\u4e00-\u9fff]", words.zh), (key, name)
            assert words.en, (key, name)
            assert not re.search("[\u4e00-\u9fff]", words.en), (key, name)
        assert one.name.say("zh-CN") == one.name.zh
        assert one.name.say("fr") == one.name.en


def test_no_two_figures_have_one_name():
    for language in ("zh-CN", "en"):
        names = [one.name.say(language) for one in load_indicators().values()]
        assert len(set(names)) == len(names)


def test_every_figure_of_a_diagnosis_is_defined():
    source = (ROOT / "planner/plans/diagnosis.py").read_text("utf-8")
    keys = set(re.findall(r'key="(\w+)"', source)) | {"bounced", "disputed"}
    assert {"orders", "per_10k", "rank"} <= keys <= set(load_indicators())


def test_no_other_table_names_a_figure():
    words = json.loads((ROOT / "planner/plans/plan_text.json").read_text("utf-8"))
    assert "figures" not in words


def test_outcomes_are_those_of_the_storage_and_defined():
    assert OUTCOMES == KEPT_OUTCOMES
    assert set(OUTCOMES) <= set(load_indicators())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("orders", 12_345, "12,345"),
        ("solution_rate", 0.8312, "83.1%"),
        ("change_year", -0.125, "-12.5%"),
        ("change_year", 0.125, "+12.5%"),
        ("per_10k", 3.456, "3.46"),
        ("score", 80.0, "80"),
        ("score", 80.25, "80.2"),
        ("rank", 3, "3"),
        ("orders", None, ""),
        ("orders", np.nan, ""),
    ],
)
def test_a_figure_is_written_in_the_form_of_its_definition(key, value, said):
    assert say_figure(key, value) == said


def test_an_undefined_figure_is_a_fault_of_the_program():
    with pytest.raises(KeyError):
        get_indicator("luck")


def test_no_change_is_stated_from_few():
    assert find_change(20, 9) is None
    assert find_change(15, 10) == 0.5
    assert find_change(0, 10) == -1.0
