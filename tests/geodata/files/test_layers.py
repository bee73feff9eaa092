"""Layers: every kind of file gives the same features in WGS84; every fault names feature and remedy."""

import json
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.datum import convert_geometry
from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_layer, write_layer

DATA = Path(__file__).parents[2].parent / "shared" / "data"
BEIJING = "EPSG:4548"
SQUARES = [shapely.box(116.1, 39.9, 116.2, 40.0), shapely.box(116.2, 39.9, 116.3, 40.0)]


def make_layer(geometry=None, **columns):
    geometry = SQUARES if geometry is None else geometry
    columns = columns or {
        "code": [f"11010100{i}" for i in range(len(geometry))],
        "名称": "东华门街道",
    }
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=4326)


def write_features(path, *geometries):
    features = [
        {"type": "Feature", "properties": {"code": f"c{i}"}, "geometry": geometry}
        for i, geometry in enumerate(geometries, start=1)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def polygon(*ring):
    return {"type": "Polygon", "coordinates": [list(ring)]}


GOOD = polygon((116, 39), (117, 39), (117, 40), (116, 40), (116, 39))


def refuse(path, **options):
    with pytest.raises(InvalidDataError) as caught:
        read_layer(path, **{"datum": "WGS84", **options})
    return str(caught.value)


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "parquet", "shp", "csv"])
def test_every_kind_of_file_gives_the_same_features(tmp_path, ending):
    layer = make_layer()
    path = tmp_path / f"a.{ending}"
    if ending == "shp":
        layer.to_file(path, encoding="utf-8")
    elif ending == "csv":
        pd.DataFrame(layer.drop(columns="geometry")).assign(wkt=layer.to_wkt()["geometry"]).to_csv(
            path, index=False
        )
    else:
        write_layer(layer, path)
    frame, problems = read_layer(path, datum="WGS84", code="code")
    assert problems == []
    assert frame.crs.to_epsg() == 4326
    assert frame["code"].tolist() == ["110101000", "110101001"]
    assert frame["名称"].tolist() == ["东华门街道"] * 2
    assert frame.index.tolist() == [0, 1]
    # A Shapefile turns rings round, so places are compared, not the order of vertices.
    assert shapely.equals(frame.geometry.to_numpy(), layer.geometry.to_numpy()).all()


@pytest.mark.parametrize("cpg", [True, False])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_shapefile_text_is_read_with_and_without_cpg(tmp_path, encoding, cpg):
    make_layer().to_file(tmp_path / "a.shp", encoding=encoding)
    if not cpg:
        (tmp_path / "a.cpg").unlink()
    frame, problems = read_layer(tmp_path / "a.shp", datum="WGS84")
    assert problems == []
    assert frame["名称"].tolist() == ["东华门街道"] * 2


def test_shapefile_without_its_parts(tmp_path):
    make_layer().to_file(tmp_path / "a.shp")
    (tmp_path / "a.shx").unlink()
    assert "shapefile without its .shx" in refuse(tmp_path / "a.shp")


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_declared_datum_is_removed_once(tmp_path, datum):
    shifted = make_layer(convert_geometry(SQUARES, source="WGS84", target=datum))
    write_layer(shifted, tmp_path / "a.parquet")
    frame, problems = read_layer(tmp_path / "a.parquet", datum=datum)
    assert problems == []
    back = shapely.get_coordinates(frame.geometry.to_numpy())
    assert np.allclose(back, shapely.get_coordinates(SQUARES), rtol=0, atol=1e-9)
    assert shapely.coverage_is_valid(frame.geometry.to_numpy())  # the shared edge stays shared


def test_projected_layers_are_brought_to_degrees(tmp_path):
    write_layer(make_layer().to_crs(BEIJING), tmp_path / "a.gpkg")
    frame, problems = read_layer(tmp_path / "a.gpkg", datum="CGCS2000")
    assert problems == []
    back = shapely.get_coordinates(frame.geometry.to_numpy())
    assert np.allclose(back, shapely.get_coordinates(SQUARES), rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("crs", "datum", "field"),
    [
        (BEIJING, "GCJ-02", "datum"),
        ("EPSG:4490", "BD-09", "datum"),
        ("EPSG:4610", "WGS84", "crs"),
        ("EPSG:4610", "GCJ-02", "datum"),
    ],
)
def test_a_system_that_contradicts_the_declared_datum_is_told(tmp_path, crs, datum, field):
    write_layer(make_layer().to_crs(crs), tmp_path / "a.gpkg")
    frame, problems = read_layer(tmp_path / "a.gpkg", datum=datum)
    assert len(frame) == 2
    assert [(p.field, p.severity) for p in problems] == [(field, "warning")]


@pytest.mark.parametrize(("crs", "datum"), [(4326, "GCJ-02"), (4490, "WGS84"), (4326, "CGCS2000")])
def test_usual_tags_are_no_contradiction(tmp_path, crs, datum):
    make_layer().set_crs(crs, allow_override=True).to_file(tmp_path / "a.gpkg")
    assert read_layer(tmp_path / "a.gpkg", datum=datum)[1] == []


def test_no_system_at_all(tmp_path):
    make_layer().to_file(tmp_path / "a.shp")
    make_layer().to_crs(BEIJING).to_file(tmp_path / "b.shp")
    for name in "ab":
        (tmp_path / f"{name}.prj").unlink()
    frame, problems = read_layer(tmp_path / "a.shp", datum="WGS84")
    assert len(frame) == 2
    assert [(p.field, p.severity) for p in problems] == [("crs", "warning")]
    assert "its coordinates are no degrees" in refuse(tmp_path / "b.shp")
    assert "no datum of its degrees is declared" in refuse(tmp_path / "a.shp", datum=None)
    make_layer().to_file(tmp_path / "c.shp")
    assert read_layer(tmp_path / "c.shp", datum=None)[1] == []


def test_faulty_features_are_named_with_number_and_code(tmp_path):
    path = write_features(
        tmp_path / "a.geojson",
        GOOD,
        polygon((117, 39), (118, 39), (118, 40), (117, 40)),
        polygon((118, 39), (119, 40), (119, 39), (118, 40), (118, 39)),
        None,
        {"type": "Polygon", "coordinates": []},
        {"type": "Point", "coordinates": [116, 39]},
        polygon((39, 116), (40, 116), (40, 117), (39, 116)),
    )
    frame, problems = read_layer(path, datum="WGS84", code="code")
    assert frame["code"].tolist() == ["c1", "c2", "c3"]
    assert frame.index.tolist() == [0, 1, 2]
    told = {problem.row: problem.problem for problem in problems}
    assert set(told) == {2, 3, 4, 5, 6, 7}
    assert "feature 2 (c2): ring is not closed" in told[2]
    assert "feature 3 (c3): polygon is not valid, self-intersection" in told[3]
    assert "no geometry" in told[4]
    assert "empty geometry" in told[5]
    assert "a point in a layer of polygon features" in told[6]
    assert "latitude and longitude are swapped" in told[7]
    assert all(problem.severity == "error" and problem.expected for problem in problems)
    assert frame.geometry.iloc[1].equals(shapely.box(117, 39, 118, 40))
    crossing = next(problem for problem in problems if problem.row == 3)
    assert crossing.value == "118.5 39.5"


def test_a_ring_that_only_touches_itself_is_a_warning(tmp_path):
    touching = polygon(
        (116, 39), (117, 39), (117, 40), (116.5, 39), (116, 40), (116, 39)
    )  # fmt: skip
    _, problems = read_layer(write_features(tmp_path / "a.geojson", touching), datum="WGS84")
    assert [problem.severity for problem in problems] == ["warning"]
    assert "no area is in doubt" in problems[0].problem


def test_swapped_layers_are_refused_as_a_whole(tmp_path):
    swapped = polygon((39, 116), (40, 116), (40, 117), (39, 116))
    message = refuse(write_features(tmp_path / "a.geojson", swapped, swapped))
    assert "latitude and longitude are swapped in 2 of 2 features" in message


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.geojson", b"", "is empty (0 bytes)"),
        ("a.geojson", b"no json", "cannot be read"),
        ("a.gpkg", b"no database", "cannot be read"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.csv", b"a,b\n1,2\n", "no columns of longitude and latitude"),
        ("a.kml", b"<kml/>", "layers of kind '.kml' are not read"),
    ],
)
def test_unreadable_files_say_why(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    assert message in refuse(tmp_path / name)


def test_no_features_is_a_problem(tmp_path):
    frame, problems = read_layer(write_features(tmp_path / "a.geojson"), datum="WGS84")
    assert frame.empty
    assert [problem.problem for problem in problems] == ["has no features"]


def test_unknown_datum_and_missing_file(tmp_path):
    with pytest.raises(GeodataError, match="datum 'Mars-1' is not known"):
        read_layer(write_features(tmp_path / "a.geojson", GOOD), datum="Mars-1")
    assert "does not exist" in refuse(tmp_path / "b.geojson")


def test_layers_inside_a_geopackage_are_chosen_by_name(tmp_path):
    path = tmp_path / "a.gpkg"
    make_layer(code=["1", "2"]).to_file(path, layer="streets")
    make_layer(code=["3", "4"]).to_file(path, layer="cells")
    assert "has 2 layers (streets, cells)" in refuse(path)
    assert read_layer(path, datum="WGS84", layer="cells")[0]["code"].tolist() == ["3", "4"]
    named = read_layer(f"{path}|layername=streets", datum="WGS84")[0]
    assert named["code"].tolist() == ["1", "2"]
    assert "one of: streets, cells" in refuse(path, layer="roads")


def test_wkt_tables_name_bad_rows(tmp_path):
    rows = [SQUARES[0].wkt, "POLYGON ((1 1, 2 2", "", SQUARES[1].wkt]
    table = pd.DataFrame({"code": list("abcd"), "WKT": rows})
    table.to_csv(tmp_path / "a.csv", index=False)
    frame, problems = read_layer(tmp_path / "a.csv", datum="WGS84", code="code")
    assert frame["code"].tolist() == ["a", "d"]
    assert sorted(problem.row for problem in problems) == [3, 4]
    assert any("row 3 (b)" in problem.problem for problem in problems)


def test_geojson_in_gb18030(tmp_path):
    path = tmp_path / "a.geojson"
    write_layer(make_layer(), path)
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert read_layer(path, datum="WGS84")[0]["名称"].tolist() == ["东华门街道"] * 2


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet"])
def test_same_frame_gives_the_same_bytes_and_odd_columns_are_stored(tmp_path, ending):
    frame = make_layer(code=["1", "2"], n=pd.array([1, None], dtype="Int64"))
    frame["at"] = pd.to_datetime(["2024-01-01 08:00", None]).tz_localize("Asia/Shanghai")
    for name in "ab":
        write_layer(frame, tmp_path / name / f"x.{ending}")
        time.sleep(1.1)
    first, second = ((tmp_path / name / f"x.{ending}").read_bytes() for name in "ab")
    assert first == second
    back, problems = read_layer(tmp_path / "a" / f"x.{ending}", datum="WGS84")
    assert problems == []
    assert back["n"].isna().tolist() == [False, True]


def test_geojson_is_written_in_degrees_and_empty_layers_are_layers(tmp_path):
    write_layer(make_layer().to_crs(BEIJING), tmp_path / "a.geojson")
    frame, _ = read_layer(tmp_path / "a.geojson", datum="WGS84")
    assert frame.total_bounds == pytest.approx([116.1, 39.9, 116.3, 40.0], abs=1e-8)
    write_layer(make_layer().iloc[:0], tmp_path / "a.gpkg")
    assert [p.problem for p in read_layer(tmp_path / "a.gpkg", datum="WGS84")[1]] == [
        "has no features"
    ]


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.gpkg"
    write_layer(make_layer(), path)
    old = path.read_bytes()
    broken = make_layer(code=["1", "2"], CODE=["3", "4"])  # GPKG knows no such pair
    with pytest.raises(GeodataError, match="cannot be written"):
        write_layer(broken, path)
    with pytest.raises(GeodataError, match=r"'\.shp' are not written"):
        write_layer(make_layer(), tmp_path / "a.shp")
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.gpkg"]


@pytest.mark.real
def test_real_layers_are_read_without_errors():
    if not DATA.exists():
        pytest.skip(f"no {DATA}")
    streets, problems = read_layer(
        DATA / "beijing" / "dongcheng_streets_gcj02.geojson", datum="GCJ-02", code="name"
    )
    assert len(streets) == 17
    assert problems == []
    # The official area is 41.86 km²; the offset of GCJ-02 itself stretches by about a thousandth.
    assert streets.to_crs(BEIJING).area.sum() / 1e6 == pytest.approx(41.86, abs=0.1)
    wards, problems = read_layer(DATA / "boston" / "wards.geojson", datum="WGS84", code="WARD")
    assert len(wards) == 22
    assert {problem.severity for problem in problems} == {"warning"}
