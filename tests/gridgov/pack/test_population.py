"""Residents of streets: by the table of a day, else by the layer, else unknown."""

from datetime import date

import pandas as pd

from gridgov.pack.city import check_city, load_city
from gridgov.pack.population import find_population
from tests.gridgov.packs import TOML, make_squares, write_layer, write_pack

TABLE = '[tables.population]\npath = "population.csv"\n'


def test_the_table_of_the_day_stands_above_the_layer():
    table = pd.DataFrame(
        {
            "street_code": ["a", "a", "b", "c"],
            "population": ["10", "20", "", "30.0"],
            "valid_from": pd.to_datetime([None, "2024-01-01", None, "2025-01-01"]),
            "valid_to": pd.to_datetime(["2023-12-31", None, None, None]),
        }
    )
    layer = pd.DataFrame({"street_code": ["a", "b"], "population": ["1", "2"]})
    before, after = (
        find_population({"population": table}, layer, day)
        for day in (date(2023, 12, 31), date(2024, 1, 1))
    )
    assert before.to_dict() == {"a": 10.0}
    assert after.to_dict() == {"a": 20.0}
    assert find_population({}, layer, date(2024, 1, 1)).to_dict() == {"a": 1.0, "b": 2.0}
    assert find_population({}, layer[["street_code"]], date(2024, 1, 1)) is None
    assert find_population({}, None, date(2024, 1, 1)) is None


def test_a_layer_with_residents_still_judges_places(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    toml = TOML.replace('district = "district"\n', 'district = "district"\npopulation = "n"\n', 1)
    folder = write_pack(tmp_path / "city", toml)
    squares = make_squares()
    for feature, people in zip(squares["features"], (5, 6, None, 8), strict=True):
        feature["properties"]["n"] = people
    write_layer(folder, squares)
    for _ in range(2):  # compiled, then from the store
        city = load_city(folder)
        assert city.territory.judge([116.405], [39.905])["street_code"].tolist() == ["110101001"]
    found = city.find_population(date(2025, 1, 1))
    assert found.to_dict() == {"110101001": 5.0, "110101002": 6.0, "110102003": 8.0}


def test_faults_of_the_table_are_told(tmp_path):
    rows = "street_code,population\n110101001,5\n110101001,6\n999,7\n110101002,lots\n"
    folder = write_pack(tmp_path / "city", TOML + TABLE, population=rows)
    _, problems = check_city(folder)
    told = {(p.row, p.field, p.severity) for p in problems if "population" in p.file}
    assert told == {
        (3, "street_code", "error"),
        (4, "street_code", "warning"),
        (5, "population", "error"),
    }


def test_a_missing_column_of_the_layer_is_named(tmp_path):
    toml = TOML.replace('district = "district"\n', 'district = "district"\npopulation = "n"\n', 1)
    _, problems = check_city(write_pack(tmp_path / "city", toml))
    assert any("has no column 'n'" in str(p) for p in problems)
