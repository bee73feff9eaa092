"""``gridgov assign`` on files of every kind, and what it says about bad ones."""

import json
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_layer, read_table
from web.cli.assign import assign

AREAS = gpd.GeoDataFrame(
    {"code": [110101002, 110101001], "name": ["东", "西"]},
    geometry=[shapely.box(116.01, 39, 116.02, 39.01), shapely.box(116, 39, 116.01, 39.01)],
    crs=4326,
)
POINTS = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "lon": [116.015, 116.00999, 117.0, np.nan],
        "lat": [39.005, 39.005, 39.0, np.nan],
        "note": ["一", "二", None, "四"],
    }
)


def write_layer(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


def write_points(path):
    if path.suffix == ".csv":
        POINTS.to_csv(path, index=False)
        return path
    points = gpd.points_from_xy(POINTS["lon"], POINTS["lat"], crs=4326)
    points = [None if point.is_empty else point for point in points]
    return write_layer(gpd.GeoDataFrame(POINTS[["id", "note"]], geometry=points, crs=4326), path)


def run(*arguments):
    return CliRunner().invoke(assign, [str(a) for a in arguments], catch_exceptions=False)


@pytest.mark.parametrize("areas", ["a.gpkg", "a.geojson", "a.shp", "a.parquet"])
@pytest.mark.parametrize("points", ["p.csv", "p.gpkg", "p.geojson", "p.parquet"])
def test_any_two_files(tmp_path, areas, points):
    layer = write_layer(AREAS, tmp_path / areas)
    out = tmp_path / "out.csv"
    result = run(layer, write_points(tmp_path / points), "--key", "code", "--out", out)
    assert result.exit_code == 0
    found = pd.read_csv(out, dtype={"code": "str", "neighbour": "str"})
    assert list(found["id"]) == list("abcd")
    assert list(found["code"])[:2] == ["110101002", "110101001"]
    assert found["code"][2:].isna().all()
    assert found["boundary_m"][1] == pytest.approx(0.865, abs=0.01)
    assert list(found["neighbour"].fillna(""))[:3] == ["", "110101002", ""]
    assert list(found["note"].fillna(""))[:3] == ["一", "二", ""]


@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".geoparquet", ".parquet", ".xlsx"])
def test_every_kind_of_output(tmp_path, ending):
    layer = write_layer(AREAS, tmp_path / "a.gpkg")
    out = tmp_path / f"out{ending}"
    result = run(layer, write_points(tmp_path / "p.csv"), "--key", "code", "--out", out)
    assert result.exit_code == 0
    readers = {
        ".parquet": pd.read_parquet,
        ".geoparquet": gpd.read_parquet,
        ".xlsx": lambda path: pd.read_excel(path, dtype="str"),
    }
    found = readers.get(ending, gpd.read_file)(out)
    assert list(found["id"]) == ["a", "b", "c", "d"]
    assert [str(code) for code in found["code"][:2]] == ["110101002", "110101001"]


def test_counts_are_printed_and_add_up(tmp_path):
    layer = write_layer(AREAS, tmp_path / "a.gpkg")
    out = tmp_path / "o.csv"
    points = write_points(tmp_path / "p.csv")
    result = run(layer, points, "--key", "code", "--out", out, "--json", "--dry-run")
    counts = json.loads(result.stdout)
    assert not out.exists()
    assert counts["read"] == counts["assigned"] + counts["outside"] + counts["without_place"] == 4
    assert counts["without_place"] == 1


def test_a_column_of_the_same_name_is_kept(tmp_path):
    layer = write_layer(AREAS, tmp_path / "a.gpkg")
    POINTS.assign(code="recorded").to_csv(tmp_path / "p.csv", index=False)
    run(layer, tmp_path / "p.csv", "--key", "code", "--out", tmp_path / "o.csv")
    found = pd.read_csv(tmp_path / "o.csv")
    assert (found["code_given"] == "recorded").all()


def test_datums_are_converted(tmp_path):
    layer = write_layer(AREAS, tmp_path / "a.gpkg")
    pd.DataFrame({"lon": [116.0055], "lat": [39.005]}).to_csv(tmp_path / "p.csv", index=False)
    for datum, expected in (("WGS84", "110101001"), ("GCJ-02", None)):
        arguments = (layer, tmp_path / "p.csv", "--key", "code", "--datum-points", datum)
        run(*arguments, "--out", tmp_path / "o.parquet")
        found = pd.read_parquet(tmp_path / "o.parquet")["code"][0]
        assert (found == expected) if expected else pd.isna(found) or found != expected


BOWTIE = shapely.Polygon([(116, 39), (117, 40), (117, 39), (116, 40)])
BAD_AREAS = {
    "bowtie": (AREAS.set_geometry([BOWTIE, AREAS.geometry[1]]), "not valid"),
    "empty": (AREAS.set_geometry([shapely.Polygon(), AREAS.geometry[1]]), "empty geometry"),
    "swapped": (
        AREAS.set_geometry(shapely.transform(AREAS.geometry.to_numpy(), lambda xy: xy[:, ::-1])),
        "swap",
    ),
    "twice": (AREAS.assign(code=[1, 1]), "code used before"),
    "no code": (AREAS.assign(code=[None, "x"]), "no code"),
}


@pytest.mark.parametrize("name", BAD_AREAS)
def test_bad_areas_are_named(tmp_path, name):
    frame, fault = BAD_AREAS[name]
    layer = tmp_path / "streets.gpkg"
    frame.to_file(layer)
    with pytest.raises(GeodataError, match=fault) as caught:
        run(layer, write_points(tmp_path / "p.csv"), "--key", "code", "--out", tmp_path / "o.csv")
    assert "streets.gpkg" in str(caught.value)
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.gpkg", "p.csv", "--key", "codes", "--out", "o.csv"), "one of: code, name"),
        (("none.gpkg", "p.csv", "--key", "code", "--out", "o.csv"), "does not exist"),
        (("a.gpkg", "p.csv", "--key", "code", "--out", "o.doc"), r"o\.doc.*\.csv"),
        (("a.gpkg", "a.gpkg", "--key", "code", "--out", "o.csv"), "no layer of single points"),
        (("a.gpkg", "p.csv", "--key", "code", "--out", "o.csv", "--lon", "x"), "no column x"),
    ],
)
def test_the_command_line_says_what_is_wrong_without_a_traceback(tmp_path, arguments, message):
    write_layer(AREAS, tmp_path / "a.gpkg")
    write_points(tmp_path / "p.csv")
    command = [sys.executable, "-m", "web.cli.main", "assign", *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert pd.Series([result.stderr]).str.contains(message).all(), result.stderr


def test_a_layer_that_states_no_system_is_said_so(tmp_path):
    with pytest.warns(UserWarning, match="crs"):
        layer = write_layer(AREAS.set_crs(None, allow_override=True), tmp_path / "a.gpkg")
    words = [layer, write_points(tmp_path / "p.csv"), "--key", "code", "--out", tmp_path / "o.csv"]
    with pytest.raises(InvalidDataError, match=r"a\.gpkg · crs · states no .* --datum-areas with"):
        run(*words)
    assert not (tmp_path / "o.csv").exists()
    result = run(*words, "--datum-areas", "GCJ-02")
    assert result.exit_code == 0
    assert "its coordinates are read as degrees in GCJ-02" in result.stderr


def test_points_that_state_no_system_need_a_datum_unless_they_are_a_table(tmp_path):
    layer = write_layer(AREAS, tmp_path / "a.gpkg")
    geometry = gpd.points_from_xy([116.015], [39.005])
    with pytest.warns(UserWarning, match="crs"):
        points = write_layer(gpd.GeoDataFrame({"id": [1]}, geometry=geometry), tmp_path / "p.gpkg")
    words = [layer, points, "--key", "code", "--out", tmp_path / "o.csv"]
    with pytest.raises(InvalidDataError, match=r"p\.gpkg · crs .* --datum-points with"):
        run(*words)
    assert "1 in an area" in run(*words, "--datum-points", "WGS84").output
    pd.DataFrame({"wkt": ["POINT (116.015 39.005)"]}).to_csv(tmp_path / "w.csv", index=False)
    pd.DataFrame({"wkt": ["POINT (116.015 39.005)"]}).to_parquet(tmp_path / "w.parquet")
    for table in ("w.csv", "w.parquet"):
        told = run(layer, tmp_path / table, "--key", "code", "--out", tmp_path / "o.csv")
        assert "1 in an area" in told.output
        assert told.stderr == ""


@pytest.mark.parametrize(
    ("move", "says"),
    [
        (50.0, "no point lies in an area (areas longitude -71.1000 to -71.0000"),
        (None, "3 of 3 points lie in an area if latitude and longitude are swapped"),
    ],
)
def test_files_that_do_not_fit_each_other_are_said_so(tmp_path, move, says):
    areas = gpd.GeoDataFrame(
        {"code": ["a"]}, geometry=[shapely.box(-71.1, 42.3, -71, 42.4)], crs=4326
    )
    points = pd.DataFrame({"lon": [-71.05, -71.06, -71.07], "lat": [42.31, 42.32, 42.33]})
    if move is None:
        points = points.rename(columns={"lon": "lat", "lat": "lon"})
    else:
        points["lon"] += move
    points.to_csv(tmp_path / "p.csv", index=False)
    layer = write_layer(areas, tmp_path / "a.geojson")
    result = run(layer, tmp_path / "p.csv", "--key", "code", "--out", tmp_path / "o.csv")
    assert result.exit_code == 0
    assert says in result.stderr
    assert len(pd.read_csv(tmp_path / "o.csv")) == 3


def test_what_spoils_every_row_is_said_before_what_spoils_one(tmp_path):
    layer = write_layer(AREAS, tmp_path / "a.gpkg")
    lon = ["116.015"] * 12 + ["?"] * 11
    pd.DataFrame({"lon": lon, "lat": "38"}).to_csv(tmp_path / "p.csv", index=False)
    result = run(layer, tmp_path / "p.csv", "--key", "code", "--out", tmp_path / "o.csv")
    assert "no point lies in an area" in result.stderr.splitlines()[0]


def write_three(tmp_path):
    boxes = [shapely.box(116.4, 39.9, 116.43, 39.92), shapely.box(116.42, 39.9, 116.45, 39.92)]
    boxes.append(shapely.box(116.41, 39.9, 116.44, 39.92))
    frame = gpd.GeoDataFrame({"code": ["7", "8", "9"]}, geometry=boxes, crs=4326)
    frame.to_file(tmp_path / "areas.geojson")
    rows = "id,lon,lat\n1,116.425,39.91\n2,116.405,39.91\n3,116.435,39.91\n4,116.445,39.91\n5,,\n"
    (tmp_path / "points.csv").write_text(rows)
    return tmp_path / "areas.geojson", tmp_path / "points.csv"


def test_points_in_several_areas_are_told_with_the_next_area(tmp_path):
    areas, points = write_three(tmp_path)
    answer = run(areas, points, "--key", "code", "--out", tmp_path / "o.csv")
    frame, _ = read_table(tmp_path / "o.csv")
    assert frame["code"].tolist()[:4] == ["7", "7", "8", "8"]
    assert frame["neighbour"].fillna("").tolist()[:4] == ["8", "", "9", ""]
    assert "4 in an area (2 in several areas)" in answer.output
    assert "7 and 8 and 2 other pairs claim the same ground" in answer.stderr
    assert f"gridgov boundaries {areas} --key code" in answer.stderr


def test_a_sound_set_says_nothing_of_overlaps(tmp_path):
    areas, points = write_three(tmp_path)
    read_layer(areas, datum="WGS84")[0].iloc[:1].to_file(areas)
    answer = run(areas, points, "--key", "code", "--out", tmp_path / "o.csv", "--json")
    assert json.loads(answer.stdout)["in_several"] == 0
    assert "claim" not in answer.stderr


def test_a_system_can_be_declared_for_either_file(tmp_path):
    areas, points = write_three(tmp_path)
    frame = read_layer(areas, datum="WGS84")[0].iloc[:1].to_crs("EPSG:2249")
    frame.to_file(tmp_path / "feet.shp")
    (tmp_path / "feet.prj").unlink()
    feet = tmp_path / "feet.shp"
    with pytest.raises(InvalidDataError, match="--crs-areas with the EPSG code"):
        run(feet, points, "--key", "code", "--out", tmp_path / "o.csv")
    xy = gpd.GeoSeries([shapely.Point(116.405, 39.91)], crs=4326).to_crs("EPSG:4548")
    (tmp_path / "metres.csv").write_text(f"明细\nid,x,y\n1,{xy.x[0]},{xy.y[0]}\n2,,\n")
    declared = ("--crs-areas", "EPSG:2249", "--crs-points", "EPSG:4548")
    run(feet, tmp_path / "metres.csv", "--key", "code", "--out", tmp_path / "o.csv", *declared)
    found, _ = read_table(tmp_path / "o.csv")
    assert found["code"].fillna("").tolist() == ["7", ""]
    assert abs(float(found["lon"][0]) - 116.405) < 1e-7
