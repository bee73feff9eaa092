"""``gridgov check`` as a user calls it."""

import json
from collections import Counter

import geopandas as gpd
import pytest

from tests.gridgov.packs import MINIMAL, TABLES, TOML, make_squares, write_pack


def test_a_cell_of_the_duty_list_is_told_of_once(gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    duties = TABLES["duties"] + "D3,S1,爆管,回填,D77,lead,1\nD4,S1,爆管,通水,,lead,1\n"
    city = write_pack(tmp_path / "city", duties=duties)
    code, out, _ = gridgov("check", city, "--json")
    assert code == 0
    problems = [p for p in json.loads(out)["problems"] if p["field"] == "unit"]
    assert Counter(p["row"] for p in problems) == {4: 1, 5: 1}
    told = {p["row"]: (p["value"], p["problem"]) for p in problems}
    assert told[4] == ("D3 D77", "this duty names a unit that does not exist")
    assert told[5] == ("D4", "nobody holds this duty")


def test_a_duty_that_is_not_in_force_today_is_told_of_by_the_pack_check(
    gridgov, tmp_path, monkeypatch
):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    header, first, second = TABLES["duties"].splitlines()
    ended = "D3,S1,爆管,回填,D77,lead,1,2020-01-01,2020-12-31"
    rows = [f"{header},valid_from,valid_to", f"{first},,", f"{second},,", ended]
    city = write_pack(tmp_path / "city", duties="\n".join(rows) + "\n")
    code, out, _ = gridgov("check", city, "--json")
    assert code == 0
    problems = [p for p in json.loads(out)["problems"] if p["field"] == "unit"]
    assert [(p["row"], p["value"], p["problem"]) for p in problems] == [(4, "D77", "is no unit")]


@pytest.mark.parametrize("known", [True, False])
def test_a_layer_of_districts_that_is_missing_is_told_of(gridgov, tmp_path, monkeypatch, known):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    layer = '[layers.districts]\npath = "districts.geojson"\ncode = "code"\nname = "name"\ndatum = "WGS84"\n'
    city = write_pack(tmp_path / "city", TOML + layer if known else TOML)
    whole = gpd.GeoDataFrame.from_features(make_squares(), crs="EPSG:4326").union_all()
    frame = gpd.GeoDataFrame({"code": ["110101"], "name": ["东城区"]}, geometry=[whole], crs=4326)
    frame.to_file(city / "districts.geojson")
    _, out, _ = gridgov("check", city, "--json")
    told = [p for p in json.loads(out)["problems"] if p["field"] == "layers.districts"]
    assert [(p["severity"], "no layer of districts" in p["problem"]) for p in told] == (
        [] if known else [("warning", True)]
    )


def test_the_first_rows_of_an_export_are_tried(gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    city = write_pack(tmp_path / "city", toml=MINIMAL)
    row = "A{0},{1},116.405,39.905\n"
    header = "appeal_no,received_at,lon,lat\n"
    rows = [row.format(at, "2024-05-06 08:30") for at in range(1_500)]
    (tmp_path / "a.csv").write_text(header + row.format("x", "05.2024.06") + "".join(rows))
    code, out, _ = gridgov("check", city, tmp_path / "a.csv", "--json")
    assert code == 0
    problems = [p for p in json.loads(out)["problems"] if p["file"].endswith("a.csv")]
    assert [(p["row"], p["field"]) for p in problems] == [(2, "received_at")]
    # Not one row can be used: the form of the times is missing in the pack.
    (tmp_path / "b.csv").write_text(header + row.format("x", "15/05/2024 08:30"))
    code, out, _ = gridgov("check", city, tmp_path / "b.csv")
    assert code == 2
    assert 'time_format = "%d/%m/%Y %H:%M"' in out
    assert "none of the first 1,000 rows can be used" in out
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    code, out, _ = gridgov("check", city, tmp_path / "c.csv")
    assert code == 2
    assert "has no column 'appeal_no'" in out


@pytest.mark.parametrize("day", ["2024-10-01", "2024年10月1日", "2024/10/1", "45566", "01/10/2024"])
def test_holidays_take_the_forms_of_appeals(gridgov, tmp_path, monkeypatch, day):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    toml = (
        MINIMAL
        + '[tables.holidays]\npath = "holidays.csv"\n[appeals]\ntime_format = "%d/%m/%Y %H:%M"\n'
    )
    city = write_pack(
        tmp_path / "city", toml=toml, holidays=f"date,kind\n{day},holiday\n02.10.24,holiday\n"
    )
    code, out, _ = gridgov("check", city, "--json")
    problems = json.loads(out)["problems"]
    assert [(p["row"], p["problem"]) for p in problems if p["field"] == "date"][:1] == [
        (3, "is not a date")
    ]
    assert code == 2


def test_a_layer_in_feet_without_a_system_names_the_line_that_helps(gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    city = write_pack(tmp_path / "city", toml=MINIMAL)
    folder = city if city.is_dir() else city.parent
    layer = gpd.read_file(folder / "streets.geojson").to_crs("EPSG:2249")
    layer.to_file(folder / "feet.shp")
    (folder / "feet.prj").unlink()
    toml = (folder / "city.toml").read_text(encoding="utf-8")
    toml = toml.replace("streets.geojson", "feet.shp")
    (folder / "city.toml").write_text(toml, encoding="utf-8")
    code, out, _ = gridgov("check", city)
    assert code == 2
    assert '[layers.streets] crs = "EPSG:…"' in out
    declared = toml.replace('"feet.shp"', '"feet.shp"\ncrs = "EPSG:2249"')
    (folder / "city.toml").write_text(declared, encoding="utf-8")
    assert gridgov("check", city)[0] == 0
    (folder / "city.toml").write_text(declared.replace("2249", "224999"), encoding="utf-8")
    code, out, _ = gridgov("check", city)
    assert code == 2
    assert "is not a known coordinate system" in out
