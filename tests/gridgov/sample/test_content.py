"""The sample city's content: numbers of the issue, clean references, phrases that read and differ."""

import re
from datetime import date, timedelta

import pandas as pd
import pytest

from gridgov.errors import GridgovError
from gridgov.sample.content import load_phrases, write_tables
from gridgov.sample.content.tables import UNIT_COUNTS

DISTRICTS = 16
PER_DISTRICT = 3


@pytest.fixture(scope="module")
def streets() -> pd.DataFrame:
    rows = [
        (f"1101{d:02d}{s:03d}", f"第{d}区第{s}街道", f"1101{d:02d}", f"第{d}区")
        for d in range(1, DISTRICTS + 1)
        for s in range(1, PER_DISTRICT + 1)
    ]
    return pd.DataFrame(rows, columns=["street_code", "name", "district_code", "district"])


@pytest.fixture(scope="module")
def tables(tmp_path_factory, streets) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, streets)
    names = ("units", "catalogue", "duties", "dependencies", "holidays")
    return {n: pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False) for n in names}


def test_units_are_those_of_the_domain(tables):
    units = tables["units"]
    counts = units["kind"].value_counts()
    assert counts["street"] == DISTRICTS * PER_DISTRICT
    assert counts["district"] == DISTRICTS
    assert {kind: counts[kind] for kind in UNIT_COUNTS} == UNIT_COUNTS
    assert {"desk", "emergency", "joint"} <= set(counts.index)
    assert units["unit_code"].is_unique
    assert units["name"].is_unique
    assert set(units["parent_code"]) - {""} <= set(units["unit_code"])


def test_catalogue_has_three_levels_of_the_size_asked(tables):
    catalogue = tables["catalogue"]
    counts = catalogue["level"].value_counts()
    assert counts["1"] >= 15
    assert counts["2"] >= 100
    assert counts["3"] >= 500
    assert catalogue["item_code"].is_unique
    items = catalogue[catalogue["level"] == "3"]
    assert items["name"].is_unique
    assert set(items["grade"]) == {"2h", "24h", "7d", "15d"}
    assert set(items["kind"]) == {"consultation", "help", "complaint", "report", "suggestion"}
    assert items["tags"].str.startswith("七有五性;").all()
    assert (items["lead"] == "").sum() >= 5
    parents = catalogue[catalogue["level"] != "1"]["parent_code"]
    assert set(parents) <= set(catalogue["item_code"])


def test_every_unit_named_by_the_catalogue_exists(tables):
    known = set(tables["units"]["unit_code"]) | {"@street", "@district", ""}
    named = tables["catalogue"][["lead", "helpers"]].stack().str.split(";").explode()
    assert set(named) <= known


def test_duties_have_the_size_asked_and_five_batches(tables):
    duties = tables["duties"]
    assert duties["duty_code"].nunique() >= 200
    assert duties["scene_code"].nunique() >= 60
    assert set(duties["batch"]) == {"1", "2", "3", "4", "5"}
    assert (duties["days"].astype(float) > 0).all()
    assert (duties["authority"] != "").all()
    ends = tables["dependencies"][["before_duty", "after_duty"]].stack()
    assert set(ends) <= set(duties["duty_code"])


def test_holidays_are_days_once_each_and_make_up_days_are_weekends(tables):
    holidays = tables["holidays"]
    days = pd.to_datetime(holidays["date"]).dt.date
    assert days.is_unique
    assert {d.year for d in days} >= {2023, 2024, 2025, 2026}
    workdays = days[holidays["kind"] == "workday"]
    assert all(d.weekday() >= 5 for d in workdays)
    # The government's notices of 2023, 2024 and 2025.
    assert set(days) >= {date(2023, 1, 21) + timedelta(n) for n in range(7)}
    assert date(2024, 2, 18) in set(workdays)
    assert date(2025, 10, 11) in set(workdays)
    assert set(holidays.loc[holidays["date"] >= "2026-01-04", "status"]) == {"assumed"}


def test_phrases_cover_every_item_with_different_sentences(tables):
    phrases = load_phrases()
    items = tables["catalogue"].query("level == '3'")
    assert list(phrases) == list(items["item_code"])
    sentences = [t for p in phrases.values() for t in p.templates]
    assert len(set(sentences)) == len(sentences)
    for phrase in phrases.values():
        clauses = len(phrase.templates)
        assert clauses >= 6
        assert all("{place}" in t for t in phrase.templates)
        slots = set(re.findall(r"{(\w+)}", "".join(phrase.templates)))
        assert slots == set(phrase.fillers) | {"place"}
        assert len(phrase.months) == 12
        assert phrase.weight > 0


def test_each_planted_fault_is_in_the_tables(tmp_path, streets):
    facts = write_tables(tmp_path, streets)
    kinds = {fault["kind"] for fault in facts["duty_faults"]}
    assert kinds >= {
        "unheld",
        "two_leads",
        "circle",
        "unknown_unit",
        "unit_out_of_force",
        "never_needed",
        "two_batches",
    }
    duties = set(pd.read_csv(tmp_path / "duties.csv", dtype=str)["duty_code"])
    assert {d for f in facts["duty_faults"] for d in f["duties"]} <= duties


def test_same_streets_same_bytes(tmp_path, streets):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_tables(tmp_path / name, streets.sample(frac=1, random_state=len(name)))
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: s.drop(columns="district"), "lack district"),
        (lambda s: s.iloc[:0], "at least one"),
        (lambda s: pd.concat([s, s.iloc[:1]]), "occurs twice"),
    ],
)
def test_bad_streets_are_refused_with_a_reason(tmp_path, streets, spoil, message):
    with pytest.raises(GridgovError, match=message):
        write_tables(tmp_path, spoil(streets))
    assert not list(tmp_path.iterdir())
