"""Points: every row stays, columns are found by their usual names, swapped axes are told."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.datum import convert
from geodata.errors import InvalidDataError
from geodata.files import read_points, write_layer, write_table

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        ("lon", "lat"),
        ("LONGITUDE", "Latitude"),
        ("经度", "纬度"),
        ("x", "y"),
        ("lng_wgs84", "lat_wgs84"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_columns_are_found_by_their_usual_names(tmp_path, ending, lon, lat):
    table = pd.DataFrame({"no": ["a", "b"], lon: [116.1, 116.2], lat: [39.9, 39.8]})
    write_table(table, tmp_path / f"a.{ending}")
    frame, problems = read_points(tmp_path / f"a.{ending}", datum="WGS84")
    assert problems == []
    assert frame["lon"].tolist() == [116.1, 116.2]
    assert frame["lat"].tolist() == [39.9, 39.8]
    assert frame["no"].tolist() == ["a", "b"]


def test_rows_without_a_usable_place_stay_and_are_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "no,lon,lat\n1,116.4,39.9\n2,,39.9\n3,abc,39.9\n4,39.9,116.4\n5,inf,39.9\n6,500,1\n7,116,39\n"
    )
    frame, problems = read_points(path, datum="WGS84")
    assert len(frame) == 7
    assert frame["lon"].isna().tolist() == [False, True, True, True, True, True, False]
    assert frame["lat"].isna().tolist()[3] is True
    told = {problem.row: problem.problem for problem in problems}
    assert told == {
        3: "no coordinate",
        4: "coordinate is not a number",
        5: "latitude and longitude are swapped",
        6: "coordinate is not a number",
        7: "out of range",
    }


def test_datum_is_removed_and_a_column_name_may_contradict_it(tmp_path):
    lon, lat = convert([116.4], [39.9], source="WGS84", target="GCJ-02")
    write_table(pd.DataFrame({"lon_gcj02": lon, "lat_gcj02": lat}), tmp_path / "a.csv")
    frame, problems = read_points(tmp_path / "a.csv", datum="GCJ-02")
    assert problems == []
    assert np.allclose(frame[["lon", "lat"]], [[116.4, 39.9]], rtol=0, atol=1e-9)
    _, problems = read_points(tmp_path / "a.csv", datum="CGCS2000")
    assert [(p.field, p.severity) for p in problems] == [("lon_gcj02", "warning")]


def test_named_columns_and_swapped_files(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("east,north\n116.4,39.9\n116.5,39.8\n")
    frame, _ = read_points(path, datum="WGS84", lon="east", lat="north")
    assert frame["lon"].tolist() == [116.4, 116.5]
    with pytest.raises(InvalidDataError, match="swapped in 2 of 2 rows"):
        read_points(path, datum="WGS84", lon="north", lat="east")
    with pytest.raises(InvalidDataError, match="has no column west"):
        read_points(path, datum="WGS84", lon="west", lat="north")
    with pytest.raises(
        InvalidDataError, match=r"no columns of longitude and latitude.*east, north"
    ):
        read_points(path, datum="WGS84")


def test_metres_in_columns_of_degrees_are_one_fault_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("lon,lat\n448000,4420000\n448100,4421000\n116.4,39.9\n")
    with pytest.raises(InvalidDataError) as caught:
        read_points(path, datum="WGS84")
    assert len(caught.value.problems) == 1
    assert "no degrees in 2 of 3 rows (lon 116.4 to 448100, lat 39.9 to 4421000)" in str(
        caught.value
    )


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "parquet"])
def test_layers_of_points(tmp_path, ending):
    layer = gpd.GeoDataFrame(
        {"no": ["a", "b"]}, geometry=shapely.points([[116.1, 39.9], [116.2, 39.8]]), crs=4326
    )
    write_layer(layer.to_crs("EPSG:4548"), tmp_path / f"a.{ending}")
    frame, problems = read_points(tmp_path / f"a.{ending}", datum="WGS84")
    assert problems == []
    assert frame["lon"].tolist() == pytest.approx([116.1, 116.2], abs=1e-8)
    assert list(frame.columns) == ["no", "lon", "lat"]


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "parquet"])
def test_features_without_a_place_stay_as_rows_in_their_order(tmp_path, ending):
    shapes = [None, shapely.Point(116.1, 39.9), shapely.Point(500, 39), shapely.Point(), None]
    if ending == "geojson":
        shapes[3] = None  # GeoJSON has no empty point
    layer = gpd.GeoDataFrame({"no": list("abcde")}, geometry=shapes, crs=4326)
    write_layer(layer, tmp_path / f"a.{ending}")
    frame, problems = read_points(tmp_path / f"a.{ending}", datum="WGS84")
    assert frame["no"].tolist() == list("abcde")
    assert frame["lon"].isna().tolist() == [True, False, True, True, True]
    assert list(frame.columns) == ["no", "lon", "lat"]
    assert sorted(problem.row for problem in problems) == [1, 3, 4, 5]
    assert all("it has no place" in problem.problem for problem in problems)


def test_areas_are_no_points(tmp_path):
    write_layer(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326), tmp_path / "a.gpkg")
    with pytest.raises(InvalidDataError, match="feature 1 is a Polygon"):
        read_points(tmp_path / "a.gpkg", datum="WGS84")


@pytest.mark.real
def test_real_cases():
    path = DATA / "boston" / "cases_2014_2019.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    frame, problems = read_points(path, datum="WGS84")
    raw = pd.read_csv(path)
    assert len(frame) == len(raw) == 43_543
    assert np.array_equal(frame["lon"], raw["longitude"], equal_nan=True)
    assert len({problem.row for problem in problems}) == raw["longitude"].isna().sum()
