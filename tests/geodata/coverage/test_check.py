"""Coverages: planted faults are found with their exact size and place, clean ones stay silent."""

import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.coverage import check_coverage
from geodata.coverage.check import FAULT_COLUMNS, FAULT_KINDS, Tolerances
from geodata.errors import GeodataError
from geodata.files import read_layer, write_layer

DATA = Path(__file__).parents[2].parent / "shared" / "data"
METRIC = "EPSG:4548"
X0, Y0 = 450_000.0, 4_400_000.0  # in that system, near Beijing


def is_usable(report):
    """Tell whether there is no error."""
    return "error" not in set(report.faults["severity"])


def make_areas(polygons, codes=None):
    """Return areas in metres from (0, 0) near Beijing; the check brings them to its own system."""
    moved = [
        None if p is None else shapely.transform(p, lambda xy: xy + np.array([X0, Y0]))
        for p in polygons
    ]
    codes = codes or [f"11010100{i}" for i in range(len(polygons))]
    return gpd.GeoDataFrame({"code": codes}, geometry=moved, crs=METRIC)


def check(areas, **options):
    return check_coverage(areas, key="code", metric_crs=METRIC, layer_name="streets", **options)


def pick(report, kind):
    return report.faults[report.faults["kind"] == kind]


def squares(columns=3, rows=2, side=1000.0):
    return [
        shapely.box(i * side, j * side, (i + 1) * side, (j + 1) * side)
        for j in range(rows)
        for i in range(columns)
    ]


def make_city(count, vertices, *, seed=1, size_m=60_000.0):
    """Return a clean coverage with wavy edges: the cells of random points, each edge bent once."""
    rng = np.random.default_rng(seed)
    seeds = shapely.multipoints(rng.random((count, 2)) * size_m)
    edges = shapely.get_parts(shapely.voronoi_polygons(seeds, only_edges=True))
    frame = shapely.box(0, 0, size_m, size_m)
    lines = shapely.union_all([*shapely.intersection(edges, frame), frame.exterior])
    parts = shapely.get_parts(lines)
    dense = shapely.segmentize(parts, 2 * shapely.length(parts).sum() / vertices)
    bent = shapely.transform(
        dense, lambda xy: xy + 10.0 * np.sin(xy[:, ::-1] / 157.0) + 150.0 * np.cos(xy / 900.0)
    )
    return shapely.get_parts(shapely.polygonize(bent))


def test_a_clean_coverage_has_no_faults():
    report = check(make_areas(squares()))
    assert report.faults.empty
    assert report.problems == []
    assert is_usable(report)
    assert list(report.faults.columns) == list(FAULT_COLUMNS)
    assert report.summarise() == "streets: 6 areas, nothing wrong"


def test_degrees_and_metres_give_the_same_report():
    areas = make_areas([shapely.box(0, 0, 510, 1000), shapely.box(500, 0, 1000, 1000)])
    metric, degrees = check(areas), check(areas.to_crs(4326))
    assert pick(metric, "overlap")["area_m2"].tolist() == pytest.approx(
        pick(degrees, "overlap")["area_m2"].tolist(), rel=1e-6
    )
    # Degrees round by nanometres: what else is seen is below any tolerance.
    assert set(degrees.faults["severity"][degrees.faults["kind"] != "overlap"]) <= {"note"}


@pytest.mark.parametrize(
    ("width_m", "severity"), [(0.0005, "note"), (0.5, "warning"), (15.0, "error")]
)
def test_overlap_is_measured_and_judged(width_m, severity):
    areas = make_areas([shapely.box(0, 0, 500 + width_m, 1000), shapely.box(500, 0, 1000, 1000)])
    report = check(areas)
    found = pick(report, "overlap")
    assert found["codes"].tolist() == ["110101000;110101001"]
    assert found["area_m2"].iloc[0] == pytest.approx(1000 * width_m, rel=1e-3)
    assert found["width_m"].iloc[0] == pytest.approx(width_m, rel=0.05)
    assert found["severity"].tolist() == [severity]
    assert is_usable(report) == (severity != "error")
    place = shapely.Point(found["lon"].iloc[0], found["lat"].iloc[0])
    assert (shapely.distance(areas.to_crs(4326).geometry.to_numpy(), place) < 1e-8).all()


def test_an_area_inside_another_is_an_overlap():
    report = check(make_areas([shapely.box(0, 0, 1000, 1000), shapely.box(200, 200, 400, 400)]))
    assert pick(report, "overlap")["area_m2"].tolist() == pytest.approx([40_000])


def test_the_same_polygon_twice_is_an_overlap():
    report = check(make_areas([shapely.box(0, 0, 100, 100)] * 2))
    assert pick(report, "overlap")["area_m2"].tolist() == pytest.approx([10_000])


def test_gaps_are_found_between_their_neighbours():
    left = shapely.box(0, 0, 1000, 1000)
    right = shapely.box(1000, 0, 2000, 1000)
    notch = shapely.box(995, 400, 1005, 600)
    report = check(make_areas([left.difference(notch), right.difference(notch)]))
    gap = pick(report, "gap").iloc[0]
    assert gap["codes"] == "110101000;110101001"
    assert gap["area_m2"] == pytest.approx(2000)
    assert gap["width_m"] == pytest.approx(10, rel=0.06)
    assert gap["severity"] == "warning"


def test_a_hole_inside_one_area_is_a_gap_unless_an_enclave_fills_it():
    hole = shapely.box(400, 400, 600, 600)
    ring = shapely.box(0, 0, 1000, 1000).difference(hole)
    assert "inside 110101000" in pick(check(make_areas([ring])), "gap")["message"].iloc[0]
    assert check(make_areas([ring, hole])).faults.empty


def test_edges_straight_in_degrees_are_no_gap_and_no_overlap():
    """A vertex on a long edge lies beside the straight line between the edge's ends in metres."""
    north = shapely.Polygon([(116, 40), (116.05, 40), (116.05, 40.03), (116, 40.03)])
    south = [(116, 40), (116.025, 40), (116.05, 40), (116.05, 39.97), (116, 39.97)]
    east = [(116.05, 40), (116.05, 40.03), (116.06, 40.03), (116.06, 39.97), (116.05, 39.97)]
    west = [(116, 40), (116, 40.03), (115.99, 40.03), (115.99, 39.97), (116, 39.97)]
    shapes = [north, *(shapely.Polygon(ring) for ring in (south, east, west))]
    frame = gpd.GeoDataFrame({"code": list("1234")}, geometry=shapes, crs=4326)
    report = check_coverage(frame, key="code", metric_crs="EPSG:4548", layer_name="streets")
    assert (report.faults["severity"] == "note").all()
    moved = shapely.transform(shapes[1], lambda xy: xy - [0.0, 1e-5])  # 1.11 m away
    frame = frame.set_geometry(gpd.GeoSeries([north, moved, *shapes[2:]], crs=4326))
    report = check_coverage(frame, key="code", metric_crs="EPSG:4548", layer_name="streets")
    gap = report.faults[(report.faults["kind"] == "gap") & (report.faults["severity"] != "note")]
    assert gap["width_m"].tolist() == pytest.approx([1.11], abs=0.02)
    assert gap["area_m2"].tolist() == pytest.approx([1.11 * 4_270], rel=0.01)


def test_a_gap_between_two_areas_that_touch_at_its_ends_is_found():
    upper = shapely.Polygon([(0, 0), (50, 10), (100, 0), (100, 50), (0, 50)])
    lower = shapely.Polygon([(0, 0), (50, -10), (100, 0), (100, -50), (0, -50)])
    frame = gpd.GeoDataFrame(
        {"code": ["1", "2"]}, geometry=[upper, lower], crs="EPSG:4548"
    ).translate(500_000, 4_400_000)
    frame = gpd.GeoDataFrame({"code": ["1", "2"]}, geometry=frame, crs="EPSG:4548")
    report = check_coverage(frame, key="code", metric_crs="EPSG:4548", layer_name="streets")
    gap = report.faults[report.faults["kind"] == "gap"]
    assert gap["area_m2"].tolist() == pytest.approx([1_000.0])
    assert gap["codes"].tolist() == ["1;2"]


def test_an_open_gap_is_a_mismatched_edge():
    left = shapely.box(0, 0, 1000, 1000)
    right = shapely.box(1000.4, 0, 2000, 1000)
    report = check(make_areas([left, right]))
    edges = pick(report, "edge")
    assert len(edges) == 2
    assert edges["width_m"].tolist() == pytest.approx([0.4, 0.4], rel=0.01)
    assert set(edges["severity"]) == {"warning"}


def test_a_vertex_missing_on_a_straight_edge_is_only_a_note():
    left = shapely.Polygon([(0, 0), (1000, 0), (1000, 500), (1000, 1000), (0, 1000)])
    report = check(make_areas([left, shapely.box(1000, 0, 2000, 1000)]))
    assert set(report.faults["severity"]) == {"note"}
    assert [p.severity for p in report.problems] == ["warning"]
    assert "too small to matter" in report.problems[0].problem


def test_broken_features_are_all_told_at_once():
    bow = shapely.Polygon([(3000, 0), (4000, 1000), (4000, 0), (3000, 1000)])
    polygons = [
        *squares(3, 1),
        bow,
        None,
        shapely.Polygon(),
        shapely.Point(1, 1),
        shapely.box(5000, 0, 6000, 9),
    ]
    codes = ["a", "b", "a", "d", "e", "f", "g", None]
    report = check(make_areas(polygons, codes))
    assert pick(report, "code")["codes"].tolist() == ["", "a", "a"]
    assert sorted(pick(report, "geometry")["message"]) == [
        "e has no geometry",
        "f has an empty geometry",
        "g has a Point",
    ]
    ring = pick(report, "ring").iloc[0]
    assert ring["codes"] == "d"
    assert "self-intersection" in ring["message"]
    assert ring["area_m2"] == pytest.approx(500_000)
    assert (ring["lon"], ring["lat"]) == pytest.approx(
        tuple(
            gpd.GeoSeries([shapely.Point(X0 + 3500, Y0 + 500)], crs=METRIC)
            .to_crs(4326)[0]
            .coords[0]
        )
    )
    rows = {problem.row for problem in report.problems if problem.field == "geometry"}
    assert rows == {5, 6, 7}
    assert not is_usable(report)


def test_slivers_are_found():
    area = shapely.multipolygons([shapely.box(0, 0, 1000, 1000), shapely.box(2000, 0, 2001, 2)])
    assert pick(check(make_areas([area])), "sliver")["area_m2"].tolist() == pytest.approx([2.0])


def test_touching_rings_are_a_warning():
    touching = shapely.Polygon([(0, 0), (1000, 0), (1000, 1000), (500, 0), (0, 1000)])
    report = check(make_areas([touching]))
    assert report.faults["severity"].tolist() == ["warning"]
    assert is_usable(report)


def test_children_that_leave_their_parent():
    parents = make_areas(squares(2, 1), ["110101", "110102"])
    inside = shapely.box(0, 0, 1000, 1000)
    children = [inside, shapely.box(900, 0, 2000, 1000), shapely.box(100, 100, 200, 200)]
    areas = make_areas(children, ["110101001", "110102001", "110199001"])
    report = check(areas, parents=parents, parent_key="code")
    nesting = pick(report, "nesting")
    assert nesting["codes"].tolist() == ["110102;110102001"]
    assert nesting["area_m2"].tolist() == pytest.approx([100_000])
    assert "9.1%" in nesting["message"].iloc[0]
    assert pick(report, "orphan")["codes"].tolist() == ["110199001"]


def test_a_child_in_the_wrong_parent_is_an_error():
    parents = make_areas(squares(2, 1), ["110101", "110102"])
    areas = make_areas(squares(2, 1), ["110102001", "110102002"])
    found = pick(check(areas, parents=parents), "nesting")
    assert found["severity"].tolist() == ["error"]
    assert found["codes"].tolist() == ["110102;110102001"]


def test_codes_without_prefixes_nest_by_place():
    parents = make_areas(squares(2, 1), ["North", "South"])
    areas = make_areas([shapely.box(0, 0, 500, 1000), shapely.box(500, 0, 1100, 1000)], ["1", "2"])
    report = check(areas, parents=parents)
    assert pick(report, "orphan").empty
    assert pick(report, "nesting")["codes"].tolist() == ["North;2"]


def test_parents_that_are_not_filled():
    parents = make_areas(squares(3, 1), ["110101", "110102", "110103"])
    areas = make_areas([shapely.box(0, 0, 1000, 900), squares(3, 1)[1]], ["110101001", "110102001"])
    found = pick(check(areas, parents=parents), "uncovered").sort_values("codes")
    assert found["codes"].tolist() == ["110101", "110103"]
    assert found["area_m2"].tolist() == pytest.approx([100_000, 1_000_000])


def test_changes_against_the_last_version():
    before = make_areas(squares(4, 1), ["a", "b", "c", "d"])
    now = make_areas(
        [shapely.box(0, 0, 1100, 1000), shapely.box(1100, 0, 2000, 1000), *squares(5, 1)[2::2]],
        ["a", "b", "x", "e"],
    )
    report = check(now, previous=before)
    assert pick(report, "moved")["codes"].tolist() == ["a", "b"]
    assert pick(report, "moved")["message"].tolist() == [
        "a gained 100,000 m² and lost 0 m² since the last version",
        "b gained 0 m² and lost 100,000 m² since the last version",
    ]
    assert pick(report, "recoded")["codes"].tolist() == ["c;x"]
    assert pick(report, "vanished")["codes"].tolist() == ["d"]
    assert pick(report, "appeared")["codes"].tolist() == ["e"]
    assert check(now, previous=now).faults.empty


def test_tolerances_are_arguments():
    areas = make_areas([shapely.box(0, 0, 501, 1000), shapely.box(500, 0, 1000, 1000)])
    strict = check(areas, tolerances=Tolerances(error_m2=500))
    assert not is_usable(strict)
    lenient = check(areas, tolerances=Tolerances(note_m2=5000, note_width_m=2))
    assert set(lenient.faults["severity"]) == {"note"}


def test_missing_column_is_named():
    with pytest.raises(
        GeodataError, match="streets has no column 'code'; its columns are geometry"
    ):
        check(make_areas(squares()).drop(columns="code"))


def test_no_areas_at_all():
    assert check(make_areas([])).faults.empty


def test_faults_are_stored_as_a_layer(tmp_path):
    report = check(
        make_areas([shapely.box(0, 0, 510, 1000), shapely.box(500, 0, 1000, 1000), None])
    )
    write_layer(report.faults, tmp_path / "faults.gpkg")
    stored = gpd.read_file(tmp_path / "faults.gpkg")
    assert stored["kind"].tolist() == report.faults["kind"].tolist()
    assert set(report.faults["kind"]) <= set(FAULT_KINDS)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 19), st.integers(0, 19), st.integers(1, 20), st.integers(1, 20)),
        min_size=2,
        max_size=8,
    )
)
def test_overlaps_and_gaps_agree_with_counting_cells(boxes):
    # Brute force: boxes on a lattice of 10 m, counted cell by cell.
    boxes = [(x, y, min(x + wide, 20), min(y + high, 20)) for x, y, wide, high in boxes]
    polygons = [shapely.box(*(10.0 * value for value in box)) for box in boxes]
    report = check(make_areas(polygons))
    covers = np.zeros((len(boxes), 20, 20), dtype=bool)
    for at, (x0, y0, x1, y1) in enumerate(boxes):
        covers[at, x0:x1, y0:y1] = True
    wanted = {
        f"11010100{i};11010100{j}": 100.0 * (covers[i] & covers[j]).sum()
        for i in range(len(boxes))
        for j in range(i + 1, len(boxes))
        if (covers[i] & covers[j]).any()
    }
    found = pick(report, "overlap")
    assert dict(zip(found["codes"], found["area_m2"], strict=True)) == pytest.approx(wanted)
    empty = ~covers.any(axis=0)
    outside = np.pad(empty, 1, constant_values=True)
    reached = np.zeros_like(outside)
    reached[0, 0] = True
    while True:  # flood from the corner: what it does not reach is enclosed
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= outside
        if (grown == reached).all():
            break
        reached = grown
    assert pick(report, "gap")["area_m2"].sum() == pytest.approx(100.0 * (outside & ~reached).sum())


@pytest.mark.real
def test_real_streets_have_the_small_faults_that_are_known():
    path = DATA / "beijing" / "dongcheng_streets_gcj02.geojson"
    if not path.exists():
        pytest.skip(f"no {path}")
    streets, _ = read_layer(path, datum="GCJ-02")
    report = check_coverage(streets, key="name", metric_crs=METRIC, layer_name="streets")
    assert is_usable(report)
    assert 0 < pick(report, "overlap")["area_m2"].sum() < 100  # as the data's own description says
    wards, _ = read_layer(DATA / "boston" / "wards.geojson", datum="WGS84")
    report = check_coverage(wards, key="WARD", metric_crs="EPSG:26986", layer_name="wards")
    assert is_usable(report)
    assert set(pick(report, "ring")["severity"]) == {"warning"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "vertices", "limit_s"), [(343, 200_000, 10.0), (1500, 150_000, 15.0)]
)
def test_a_whole_city_is_checked_in_time(count, vertices, limit_s):
    polygons = make_city(count, vertices)
    assert len(polygons) == count
    areas = make_areas(list(polygons), [f"{i:09}" for i in range(count)])
    assert shapely.coverage_is_valid(areas.geometry.to_numpy())
    assert check(areas).faults.empty
    shifted = areas.geometry.to_numpy().copy()
    moved = np.arange(0, count, 10)
    shifted[moved] = shapely.transform(shifted[moved], lambda xy: xy + 5.0)
    started = time.process_time()
    report = check(areas.set_geometry(gpd.GeoSeries(shifted, crs=METRIC)), previous=areas)
    assert time.process_time() - started < limit_s
    assert len(pick(report, "moved")) == len(moved)
    touched = set(";".join(pick(report, "overlap")["codes"]).split(";"))
    assert len({f"{i:09}" for i in moved} & touched) > 0.95 * len(moved)  # a corner may move away
