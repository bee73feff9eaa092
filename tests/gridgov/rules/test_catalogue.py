"""The catalogue: versions on past dates, levels, search."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.rules.catalogue import make_catalogue, make_path_catalogue, split_list
from gridgov.rules.in_force import (
    find_change_days,
    find_overlaps,
    get_in_force,
    make_versions,
)

ROWS = pd.DataFrame(
    [
        {"item_code": "A", "level": 1, "name": "市容环境"},
        {"item_code": "A1", "level": 2, "parent_code": "A", "name": "垃圾清运"},
        {
            "item_code": "A11",
            "level": 3,
            "parent_code": "A1",
            "name": "生活垃圾未及时清运",
            "grade": "24h",
            "lead": "@street",
            "helpers": "D01；D02",
            "valid_to": pd.Timestamp("2023-12-31"),
        },
        {
            "item_code": "A11",
            "level": 3,
            "parent_code": "A1",
            "name": "生活垃圾未及时清运",
            "grade": "2h",
            "valid_from": pd.Timestamp("2024-01-01"),
        },
        {"item_code": "B", "level": 1, "name": "供暖"},
        {
            "item_code": "B1",
            "level": 2,
            "parent_code": "B",
            "name": "暖气不热",
            "guidance": "室温低于18度",
        },
    ]
)
CATALOGUE = make_catalogue(ROWS)


def test_an_item_is_as_it_was_on_the_day():
    assert CATALOGUE.get("A11", date(2023, 12, 31)).grade == "24h"
    assert CATALOGUE.get("A11", date(2024, 1, 1)).grade == "2h"
    assert CATALOGUE.get("A11", date(2020, 1, 1)).helpers == ("D01", "D02")
    with pytest.raises(KeyError):
        CATALOGUE.get("nothing", date(2024, 1, 1))
    assert get_in_force(CATALOGUE.items, date(2024, 1, 1))["item_code"].tolist() == [
        "A",
        "A1",
        "A11",
        "B",
        "B1",
    ]


def test_levels():
    codes = pd.Series(["A11", "B1", "A", None, "zzz"], dtype="str", index=[5, 6, 7, 8, 9])
    top = CATALOGUE.find_top(codes)
    assert top.index.tolist() == [5, 6, 7, 8, 9]
    assert top.iloc[:3].tolist() == ["A", "B", "A"]
    assert top.iloc[3:].isna().all()
    assert CATALOGUE.find_names(codes)[6] == "暖气不热"


def test_search_finds_by_name_and_guidance_best_first():
    assert CATALOGUE.search("家里暖气不热", on=date(2024, 1, 1))["item_code"].iloc[0] == "B1"
    assert CATALOGUE.search("室温", on=date(2024, 1, 1))["item_code"].tolist() == ["B1"]
    assert CATALOGUE.search("楼下垃圾没人清运", on=date(2024, 1, 1))["item_code"].iloc[0] in {
        "A1",
        "A11",
    }
    assert CATALOGUE.search("xyz", on=date(2024, 1, 1)).empty
    assert CATALOGUE.search("", on=date(2024, 1, 1)).empty
    match = CATALOGUE.search("垃圾清运", on=date(2024, 1, 1))["match"]
    assert match.between(0, 1 + 1e-12).all()
    assert match.is_monotonic_decreasing


def test_categories_of_an_export_become_a_catalogue():
    found = make_path_catalogue(["Street / Dead animal", "Housing / Bed bugs", "Noise"], grade="7d")
    assert found.items["item_code"].tolist() == [
        "Housing",
        "Housing / Bed bugs",
        "Noise",
        "Street",
        "Street / Dead animal",
    ]
    assert found.find_top(pd.Series(["Housing / Bed bugs"])).tolist() == ["Housing"]
    assert set(found.items["lead"]) == {"@street"}


def test_lists():
    assert split_list(" a; b；;c ") == ("a", "b", "c")


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 9)),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-5, 60)), min_size=1, max_size=20),
)
@settings(max_examples=80, deadline=None)
def test_versions_equal_a_plain_search(rows, asked):
    epoch = pd.Timestamp("1970-01-01")
    table = pd.DataFrame(
        {
            "code": pd.Series([code for code, _, _ in rows], dtype="str"),
            "valid_from": [epoch + pd.Timedelta(days=start) for _, start, _ in rows],
            "valid_to": [epoch + pd.Timedelta(days=start + length) for _, start, length in rows],
        }
    )
    table = table.drop(index=table.index[find_overlaps(table, "code")])
    while len(again := find_overlaps(table, "code")):
        table = table.drop(index=table.index[again])
    table = table.reset_index(drop=True)
    versions = make_versions(table, "code")
    changes = find_change_days(table)
    for code, day in asked:
        row = versions.find(code, day)
        when = epoch + pd.Timedelta(days=day)
        plain = table[(table.code == code) & (table.valid_from <= when) & (when <= table.valid_to)]
        assert plain.index.tolist() == ([] if row is None else [row])
        # Between two days of change nothing changes.
        first = max((int(one) for one in changes if one <= day), default=None)
        assert first is None or versions.find(code, first) == row
