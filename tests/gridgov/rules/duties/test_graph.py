"""The duty graph: what is in force, who is meant where, who stands above."""

from datetime import date, timedelta

import pandas as pd
import pytest

from gridgov.rules.duties.graph import make_duty_graph

UNITS = pd.DataFrame(
    [
        ("CITY", "市政府", "joint", "", "", "city"),
        ("110101", "甲区政府", "district", "CITY", "110101", "district"),
        ("110101001", "东街道", "street", "110101", "110101", "street"),
        ("W1", "水务局", "department", "CITY", "", "city"),
    ],
    columns=["unit_code", "name", "kind", "parent_code", "district_code", "level"],
)
ITEMS = pd.DataFrame(
    {"item_code": ["1"], "level": [3], "name": ["爆管"], "lead": ["W1"], "scene_code": ["S1"]}
)


def make_duties(rows: list[tuple]) -> pd.DataFrame:
    columns = ["duty_code", "scene_code", "unit", "role", "days", "batch", "valid_from", "valid_to"]
    return pd.DataFrame(rows, columns=columns)


def make(duties: pd.DataFrame, pairs=(), on=date(2024, 1, 1), units=UNITS):
    dependencies = pd.DataFrame(list(pairs), columns=["before_duty", "after_duty"])
    return make_duty_graph(units, ITEMS, duties, dependencies=dependencies, on_date=on)


def test_rows_of_a_duty_become_one_with_leads_helpers_and_lost_units():
    graph = make(
        make_duties(
            [
                ("D1", "S1", "W1", "lead", "2", "1", None, None),
                ("D1", "S1", "@street", "helper", "3", "1", None, None),
                ("D1", "S1", "gone", "helper", "3", "1", None, None),
            ]
        )
    )
    duty = graph.duties["D1"]
    assert (duty.leads, duty.helpers, duty.lost) == (("W1",), ("@street",), ("gone",))
    assert duty.days == 3
    assert duty.rows == (0, 1, 2)


@pytest.mark.parametrize("days", ["", "soon", "-1", "inf", "nan", None])
def test_days_that_are_no_number_from_zero_on_count_as_none(days):
    duty = make(make_duties([("D1", "S1", "W1", "lead", days, "1", None, None)])).duties["D1"]
    assert duty.days != duty.days
    assert duty.known_days == 0


def test_a_place_makes_units_of_street_and_district():
    graph = make(make_duties([]))
    street = graph.units["110101001"]
    assert graph.resolve("@street", street) == "110101001"
    assert graph.resolve("@district", street) == "110101"
    assert graph.resolve("W1", street) == "W1"


def test_a_unit_with_another_code_answers_for_its_area():
    units = UNITS.assign(area_code=["", "", "9", ""])
    graph = make(make_duties([]), units=units)
    assert graph.areas["street", "9"] == "110101001"


def test_superiors_end_where_parents_run_in_a_circle():
    units = UNITS.assign(parent_code=["110101", "CITY", "110101", "CITY"])
    assert make(make_duties([]), units=units).find_superiors("110101001") == [
        "110101001",
        "110101",
        "CITY",
    ]


def test_versions_change_on_their_days_and_the_same_graph_serves_between():
    duties = make_duties(
        [
            ("D1", "S1", "W1", "lead", "1", "1", "2020-01-01", "2022-06-30"),
            ("D1", "S1", "@street", "lead", "1", "2", "2022-07-01", None),
        ]
    )
    graph = make(duties, on=date(2021, 1, 1))
    assert graph.duties["D1"].leads == ("W1",)
    assert (graph.first_day, graph.last_day) == (date(2020, 1, 1), date(2022, 6, 30))
    assert graph.at(date(2022, 6, 30)) is graph
    later = graph.at(date(2022, 7, 1))
    assert later.duties["D1"].leads == ("@street",)
    assert later.last_day == date.max
    assert not graph.at(date(2019, 12, 31)).duties
    assert graph.at(date(2024, 1, 1)) is later
    assert later.at(date(2021, 5, 5)) is graph
    for n in (-400, 0, 400, 800):
        day = date(2021, 6, 1) + timedelta(days=n)
        assert graph.at(day).duties.keys() == make(duties, on=day).duties.keys()


def test_dependencies_of_unknown_duties_are_kept_as_dangling():
    duties = make_duties(
        [
            ("D1", "S1", "W1", "lead", "1", "1", None, None),
            ("D2", "S1", "W1", "lead", "1", "1", None, None),
        ]
    )
    graph = make(duties, [("D1", "D2"), ("D1", "D9")])
    assert list(graph.graph.edges) == [("D1", "D2")]
    assert graph.dangling == (1,)


def test_empty_tables_make_an_empty_graph():
    empty = pd.DataFrame()
    graph = make_duty_graph(empty, empty, empty, dependencies=empty, on_date=date(2024, 1, 1))
    assert not graph.units
    assert not graph.duties
    assert graph.at(date(1900, 1, 1)) is graph
