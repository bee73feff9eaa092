"""Layers: every kind of file gives the same features in WGS84; every fault names feature and remedy."""

import json
import struct
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.datum import convert_geometry
from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_layer, write_layer
from geodata.files.layers import pyogrio  # registered as the readers have it

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
        ("a.geojson", b"no json", "is no layer of a kind that is read"),
        ("a.geojson", b"{no json", "cannot be read"),
        ("a.gpkg", b"SQLite format 3\0 no database", "cannot be read"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.csv", b"a,b\n1,2\n", "no columns of longitude and latitude"),
        ("a.kml", b"<kml/>", "cannot be read"),
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


CODES = ["01", "02", "03"]


def make_three() -> gpd.GeoDataFrame:
    boxes = [shapely.box(116.4 + at / 100, 39.9, 116.41 + at / 100, 39.91) for at in range(3)]
    names = ["东门街道", "西门街道", "南湖街道"]
    return gpd.GeoDataFrame({"code": CODES, "name": names}, geometry=boxes, crs=4326)


def read_codes(path, **options):
    frame, problems = read_layer(path, **{"datum": "WGS84"} | options)
    name = "Name" if "Name" in frame else "name"  # KML has its own
    return frame["code"].tolist(), frame[name].tolist(), problems


def write_topology(path, *, objects=1):
    def box(west):
        return [
            [west, 39.9],
            [west + 0.01, 39.9],
            [west + 0.01, 39.91],
            [west, 39.91],
            [west, 39.9],
        ]

    parts = [[116.4, 116.41, 116.42], [116.4]][:objects]
    arcs, layers = [], {}
    for at, wests in enumerate(parts):
        shapes = []
        for west in wests:
            properties = {"code": CODES[len(shapes)], "name": make_three()["name"][len(shapes)]}
            shapes.append({"type": "Polygon", "arcs": [[len(arcs)]], "properties": properties})
            arcs.append(box(west))
        layers[f"l{at}"] = {"type": "GeometryCollection", "geometries": shapes}
    topology = {"type": "Topology", "objects": layers, "arcs": arcs}
    path.write_text(json.dumps(topology, ensure_ascii=False), encoding="utf-8")


DRIVERS = {"fgb": "FlatGeobuf", "kml": "LIBKML", "gml": "GML"}


@pytest.mark.parametrize("ending", ["fgb", "kml", "gml", "shp.zip"])
def test_other_kinds_give_the_same_features(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    if ending == "shp.zip":
        make_three().to_file(tmp_path / "街道.shp", encoding="gb18030")
        (tmp_path / "街道.cpg").unlink()
        with zipfile.ZipFile(path, "w") as archive:
            for part in sorted(tmp_path.glob("街道.*")):
                archive.write(part, f"数据/{part.name}")
            archive.writestr("readme.txt", "x")
    else:
        pyogrio.write_dataframe(make_three(), path, driver=DRIVERS[ending])
    before = sorted(tmp_path.iterdir())
    codes, names, problems = read_codes(path)
    assert sorted(zip(codes, names, strict=True)) == list(
        zip(CODES, make_three()["name"], strict=True)
    )
    assert problems == []
    assert sorted(tmp_path.iterdir()) == before  # nothing is written beside


@pytest.mark.parametrize("name", ["a.json", "a.topojson", "a.geojson"])
def test_topojson_is_read_by_its_content_and_never_the_first_of_several(tmp_path, name):
    write_topology(tmp_path / name)
    assert read_codes(tmp_path / name)[0] == CODES
    write_topology(tmp_path / name, objects=2)
    said = refuse(tmp_path / name)
    assert "has 2 layers (l0, l1)" in said
    assert f"{name}|layername=NAME" in said
    assert read_codes(f"{tmp_path / name}|layername=l0")[0] == CODES
    assert read_codes(f"{tmp_path / name}|layername=l1")[0] == CODES[:1]


def test_an_archive_of_several_layers_wants_a_name(tmp_path):
    for name in ("a", "b"):
        make_three().to_file(tmp_path / f"{name}.geojson")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.write(tmp_path / "a.geojson", "a.geojson")
        archive.write(tmp_path / "b.geojson", "../b.geojson")
    assert "has 2 layers (a.geojson, ../b.geojson)" in refuse(tmp_path / "c.zip")
    assert read_codes(f"{tmp_path / 'c.zip'}|layername=b")[0] == CODES
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("x.txt", "x")
    assert "holds no layer" in refuse(tmp_path / "d.zip")


@pytest.mark.parametrize("name", ["a.geojson", "a.gml", "a.kml", "a.shp", "a.json"])
@pytest.mark.parametrize(
    "text",
    [
        "<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{other}</SrcDataSource></OGRVRTLayer>",
        "  <!-- x --><OGRVRTDataSource><OGRVRTLayer name='secret'/></OGRVRTDataSource>",
        "<OGRWFSDataSource><URL>http://localhost:9/</URL></OGRWFSDataSource>",
        '{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {other}"}}',
        '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>',
        "<html><body>Not found</body></html>",
    ],
)
def test_what_leads_to_other_files_is_never_opened(tmp_path, name, text):
    other = tmp_path / "secret.geojson"
    make_three().to_file(other)
    (tmp_path / name).write_text(text.format(other=other))
    said = refuse(tmp_path / name)
    assert "东门" not in said
    assert "GeoJSON, TopoJSON" in said  # what is read instead


def test_the_library_does_not_know_how_to_lead_elsewhere():
    assert not {"OGR_VRT", "WFS", "GDALG", "OAPIF", "CSW"} & set(pyogrio.list_drivers())
    assert {"GPKG", "GeoJSON", "TopoJSON", "FlatGeobuf", "GML"} <= set(pyogrio.list_drivers())


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_vertex_that_is_no_number_costs_its_feature_alone(tmp_path, value):
    text = make_three().to_json().replace("116.4,", f"{value},", 1)
    (tmp_path / "a.geojson").write_text(text, encoding="utf-8")
    codes, _, problems = read_codes(tmp_path / "a.geojson", code="code")
    assert codes == CODES[1:]
    assert [(p.row, p.severity) for p in problems] == [(1, "error")]
    assert problems[0].problem == "feature 1 (01): a coordinate is no number; it is left out"


@pytest.mark.parametrize("ending", ["shp", "parquet", "csv", "gpkg"])
def test_no_kind_of_file_brings_in_vertices_that_are_no_numbers(tmp_path, ending):
    frame = make_three()
    ring = [(116.4, 39.9), (116.41, np.nan), (116.41, 39.91), (116.4, 39.9)]
    with np.errstate(invalid="ignore"):
        frame.loc[1, "geometry"] = shapely.Polygon(ring)
    path = tmp_path / f"a.{ending}"
    if ending == "csv":
        frame.assign(wkt=shapely.to_wkt(frame.geometry.to_numpy())).drop(columns="geometry").to_csv(
            path, index=False
        )
    elif ending == "parquet":
        frame.to_parquet(path)
    elif ending == "shp":
        make_three().to_file(path)
        data = bytearray(path.read_bytes())
        at = 100 + 136 + 8 + 48 + 24  # second record, second vertex, y (ESRI's description of 1998)
        assert struct.unpack_from("<d", data, at)[0] in {39.9, 39.91}
        struct.pack_into("<d", data, at, float("nan"))
        path.write_bytes(bytes(data))
    else:
        frame.to_file(path)
    codes, _, problems = read_codes(path)
    assert codes == CODES[::2]
    assert [p.severity for p in problems if "left out" in p.problem] == ["error"]


@pytest.mark.parametrize(
    ("encoding", "cpg", "noted"),
    [
        ("gb18030", "OEM", True),
        ("gb18030", "", True),
        ("gb18030", "UTF-8", True),
        ("gb18030", "ISO-8859-1", True),
        ("gb18030", "ANSI 1252", True),
        ("gb18030", "ANSI 936", False),
        ("gb18030", "GBK", False),
        ("gb18030", "CP936", False),
        ("utf-8", "", True),
        ("utf-8", "ISO-8859-1", True),
        ("utf-8", "GBK", True),
        ("utf-8", "65001", False),
    ],
)
def test_the_bytes_of_a_shapefile_decide(tmp_path, encoding, cpg, noted):
    make_three().to_file(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").write_text(cpg)
    _, names, problems = read_codes(tmp_path / "a.shp")
    assert names == make_three()["name"].tolist()
    assert [p.severity for p in problems] == ["warning"] * noted
    assert all(p.value == cpg for p in problems)


def test_letters_with_accents_stay_what_the_cpg_file_says(tmp_path):
    frame = make_three().assign(name=["Café", "Peñarol", "Straße"])
    frame.to_file(tmp_path / "a.shp", encoding="ISO-8859-1")
    (tmp_path / "a.cpg").write_text("ANSI 1252")
    assert read_codes(tmp_path / "a.shp")[1] == ["Café", "Peñarol", "Straße"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_cut_in_the_middle_of_a_character(tmp_path, encoding):
    make_three().to_file(tmp_path / "a.shp", encoding=encoding)
    data = bytearray((tmp_path / "a.dbf").read_bytes())
    cut = "a街道的名称全称".encode(encoding)[:10]
    data[64:75] = cut + b"\0"  # the second field's name, as other programs cut it
    (tmp_path / "a.dbf").write_bytes(bytes(data))
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    found, _ = read_layer(tmp_path / "a.shp", datum="WGS84")
    name = next(str(column) for column in found if str(column).startswith("a街"))
    assert "a街道的名称全称".startswith(name)
    assert found[name].tolist() == make_three()["name"].tolist()


def test_a_system_can_be_declared_for_a_file_that_states_none(tmp_path):
    make_three().to_crs(2249).to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    assert "declared EPSG code" in refuse(tmp_path / "a.shp", datum=None)
    frame, problems = read_layer(tmp_path / "a.shp", datum=None, crs="EPSG:2249")
    assert problems == []
    assert np.allclose(frame.total_bounds, make_three().total_bounds, atol=1e-7)
    with pytest.raises(GeodataError, match="EPSG:99999"):
        read_layer(tmp_path / "a.shp", datum=None, crs="EPSG:99999")


def test_a_declared_system_that_the_file_contradicts_is_said(tmp_path):
    make_three().to_crs(BEIJING).to_file(tmp_path / "a.gpkg")
    assert read_layer(tmp_path / "a.gpkg", datum=None, crs=BEIJING)[1] == []
    _, problems = read_layer(tmp_path / "a.gpkg", datum=None, crs="EPSG:4549")
    assert [(p.field, p.severity) for p in problems] == [("crs", "warning")]


def test_a_table_in_metres_with_a_declared_system(tmp_path):
    points = make_three().to_crs(BEIJING).centroid
    pd.DataFrame({"code": CODES, "name": "x", "x": points.x, "y": points.y}).to_csv(
        tmp_path / "a.csv", index=False
    )
    frame, _ = read_layer(tmp_path / "a.csv", datum="CGCS2000", crs=BEIJING)
    assert np.allclose(frame.geometry.x, [116.405, 116.415, 116.425], atol=1e-6)
