"""Kinds of appeals and measures: each fault of the table is said with its row, column and what was expected."""

import pytest

from gridgov.pack.city import check_city, load_city
from tests.gridgov.packs import TOML, write_pack

KINDS = (
    "kind,name,name_en,counts_as_problem\ncomplaint,投诉,complaint,true\npraise,表扬,praise,false\n"
)
MEASURES = (
    "measure_code,scene_code,name,name_en,kind,days,cost_low,cost_high,effect,effect_low,effect_high,status,note\n"
    "M1,S1,换管,Replace pipes,hardware,30,10,20,-0.3,-0.5,-0.1,assumed,\n"
    "M2,S1,巡查,Patrol,service,,,,,,,practice,\n"
)


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))


def write(folder, *, kinds=KINDS, measures=MEASURES, toml=TOML):
    for name in ("kinds", "measures"):
        toml = toml.replace(
            "[tables.units]", f'[tables.{name}]\npath = "{name}.csv"\n[tables.units]'
        )
    pack = write_pack(folder / "pack", toml)
    (pack / "kinds.csv").write_text(kinds, encoding="utf-8")
    (pack / "measures.csv").write_text(measures, encoding="utf-8")
    return pack


def find_errors(pack):
    city, problems = check_city(pack)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert (city is None) == bool(errors)
    return [str(problem) for problem in errors]


def test_sound_tables_have_no_fault(tmp_path):
    pack = write(tmp_path)
    assert not find_errors(pack)
    assert not [p for p in load_city(pack).problems if p.severity == "error"]


@pytest.mark.parametrize(
    ("old", "new", "row", "words"),
    [
        ("praise,表扬,praise,false", "praise,表扬,praise,no", 3, ("counts_as_problem", "'no'", "one of true, false")),
        ("praise,表扬,praise,false", "praise,表扬,praise,", 3, ("counts_as_problem",)),
        ("praise,表扬,praise,false", ",表扬,praise,false", 3, ("kind",)),
        ("praise,表扬,praise,false", "complaint,投诉,complaint,false", 3, ("kind", "occurs twice", "each kind once")),
    ],
)  # fmt: skip
def test_faults_of_kinds(tmp_path, old, new, row, words):
    assert old in KINDS
    errors = find_errors(write(tmp_path, kinds=KINDS.replace(old, new)))
    assert any(
        f"kinds.csv:{row} " in error and all(word in error for word in words) for error in errors
    ), errors


@pytest.mark.parametrize(
    ("old", "new", "row", "words"),
    [
        ("hardware", "hardwear", 2, ("kind", "'hardwear'", "hardware")),
        ("assumed", "guessed", 2, ("status", "'guessed'", "assumed")),
        ("M2,", "M1,", 3, ("measure_code", "occurs twice")),
        ("M2,S1", "M2,S9", 3, ("scene_code", "is no scene of the duties", "'S9'")),
        ("hardware,30", "hardware,-30", 2, ("days", "'-30'", "a number or nothing")),
        ("hardware,30", "hardware,a month", 2, ("days", "'a month'")),
        ("hardware,30", "hardware,inf", 2, ("days", "'inf'")),
        (",10,20,", ",cheap,20,", 2, ("cost_low", "'cheap'")),
        (",10,20,", ",30,20,", 2, ("cost_low", "is above cost_high")),
        ("-0.5,-0.1", "-0.1,-0.5", 2, ("effect_low", "is above effect_high")),
        (",-0.3,", ",nan,", 2, ("effect",)),
    ],
)
def test_faults_of_measures(tmp_path, old, new, row, words):
    assert old in MEASURES
    errors = find_errors(write(tmp_path, measures=MEASURES.replace(old, new, 1)))
    assert any(
        f"measures.csv:{row} " in error and all(word in error for word in words) for error in errors
    ), errors


def test_a_measure_is_for_a_scene_or_an_item_of_the_catalogue(tmp_path):
    head, first, _ = MEASURES.splitlines()
    with_items = head.replace("scene_code,", "scene_code,item_code,")
    rows = [first.replace("S1,", "S1,I9,"), "M3,,I9,查,Check,service,,,,,,,practice,"]
    errors = find_errors(write(tmp_path, measures="\n".join([with_items, *rows]) + "\n"))
    assert any("measures.csv:2 " in one and "beside a scene_code" in one for one in errors), errors
    assert any("measures.csv:3 " in one and "no item of the catalogue" in one for one in errors)


def test_a_missing_column_is_named(tmp_path):
    errors = find_errors(write(tmp_path, kinds="kind,name\ncomplaint,投诉\n"))
    assert any("kinds.csv" in error and "counts_as_problem" in error for error in errors), errors
