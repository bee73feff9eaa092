"""Repairs: broken coverages become clean, answers inside overlaps stay, effects per area are stated."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.coverage import check_coverage, propose_repair
from geodata.coverage.repair import CHANGE_COLUMNS
from geodata.files import read_layer

DATA = Path(__file__).parents[2].parent / "shared" / "data"
METRIC = "EPSG:4548"
ORIGIN = np.array([450_000.0, 4_400_000.0])  # in that system, near Beijing


def make_areas(polygons, codes=None):
    moved = [None if p is None else shapely.transform(p, lambda xy: xy + ORIGIN) for p in polygons]
    codes = codes or [f"c{i}" for i in range(len(polygons))]
    areas = gpd.GeoDataFrame({"code": codes, "name": codes}, geometry=moved, crs=METRIC)
    return areas.to_crs(4326)


def repair(areas, **options):
    report = check_coverage(areas, key="code", metric_crs=METRIC, layer_name="streets")
    return propose_repair(areas, report, key="code", metric_crs=METRIC, **options)


REPAIRED = ("overlap", "ring", "code", "geometry")


def assert_clean(proposal, *, kinds=(*REPAIRED, "edge")):
    geometry = proposal.areas.geometry.to_numpy()
    assert shapely.is_valid(geometry).all()
    assert shapely.coverage_is_valid(geometry)
    assert not proposal.remaining.faults["kind"].isin(kinds).any()


def metric_areas(proposal):
    return proposal.areas.to_crs(METRIC).set_index("code").area


def test_a_clean_coverage_is_left_alone():
    areas = make_areas([shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)])
    before = areas.copy()
    proposal = repair(areas)
    assert proposal.changes.empty
    assert list(proposal.changes.columns) == list(CHANGE_COLUMNS)
    assert shapely.equals_exact(
        proposal.areas.geometry.to_numpy(), areas.geometry.to_numpy(), 1e-9, normalize=True
    ).all()
    assert areas.equals(before)


def test_an_overlap_goes_to_the_lower_code_whatever_the_order():
    polygons = [shapely.box(990, 0, 2000, 1000), shapely.box(0, 0, 1010, 1000)]
    for order, codes in ((polygons, ["b", "a"]), (polygons[::-1], ["a", "b"])):
        proposal = repair(make_areas(order, codes))
        assert_clean(proposal)
        assert metric_areas(proposal).to_dict() == pytest.approx(
            {"a": 1_010_000, "b": 990_000}, rel=1e-6
        )
        change = proposal.changes.iloc[0]
        assert change["code"] == "b"
        assert change["lost_m2"] == pytest.approx(20_000, rel=1e-4)
        assert change["gained_m2"] == pytest.approx(0, abs=0.1)
        assert "overlap given to the lower code" in change["change"]


def test_a_narrow_gap_is_filled_and_a_wide_one_stays():
    left, right = shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)
    narrow, wide = shapely.box(999, 100, 1001, 300), shapely.box(970, 500, 1030, 900)
    holed = [left.difference(narrow | wide), right.difference(narrow | wide)]
    proposal = repair(make_areas(holed))
    assert_clean(proposal)
    assert proposal.remaining.faults["area_m2"].tolist() == pytest.approx([24_000], rel=1e-4)
    assert proposal.changes["gained_m2"].sum() == pytest.approx(400, rel=1e-3)
    assert repair(make_areas(holed), gap_width_m=100).remaining.faults.empty


def test_an_enclave_stays_an_enclave():
    hole = shapely.box(400, 400, 600, 600)
    ring = shapely.box(0, 0, 1000, 1000).difference(hole)
    proposal = repair(make_areas([ring, hole]))
    assert proposal.changes.empty
    assert metric_areas(proposal)["c1"] == pytest.approx(40_000, rel=1e-6)


def test_an_area_inside_another_is_decided_by_code():
    inner, outer = shapely.box(400, 400, 600, 600), shapely.box(0, 0, 1000, 1000)
    proposal = repair(make_areas([outer, inner], ["b", "a"]))
    assert_clean(proposal)
    assert metric_areas(proposal).to_dict() == pytest.approx({"a": 40_000, "b": 960_000}, rel=1e-6)


def test_features_that_cannot_be_repaired_are_named():
    areas = make_areas(
        [shapely.box(0, 0, 10, 10), None, shapely.box(50, 0, 60, 10), shapely.box(10, 0, 20, 10)],
        ["a", "b", None, "a"],
    )
    proposal = repair(areas)
    assert proposal.left_out == (1, 2)
    assert proposal.areas["code"].tolist() == ["a"]
    assert metric_areas(proposal)["a"] == pytest.approx(200, rel=1e-5)
    assert "2 features are left out" in proposal.summarise()


def test_crossing_rings_become_parts():
    bow = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000)])
    proposal = repair(make_areas([bow]))
    assert_clean(proposal)
    assert metric_areas(proposal)["c0"] == pytest.approx(500_000, rel=1e-5)


def test_nothing_to_repair():
    assert repair(make_areas([])).areas.empty


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-30, 30)] * 4), min_size=9, max_size=9))
def test_shaken_squares_become_a_coverage_with_the_same_lookup(shifts):
    polygons = [
        shapely.box(i * 500 + w, j * 500 + s, (i + 1) * 500 + e, (j + 1) * 500 + n)
        for (i, j), (w, s, e, n) in zip(np.ndindex(3, 3), shifts, strict=True)
    ]
    areas = make_areas(polygons)
    proposal = repair(areas)
    # A gap that opens to the outside is left to a person: who owns it, nobody can tell.
    assert_clean(proposal, kinds=REPAIRED)
    # Where somebody answered before, the same office answers after (the lowest code).
    rng = np.random.default_rng(0)
    points = shapely.points(rng.uniform(-50, 1550, (400, 2)) + ORIGIN)
    before = [shapely.transform(p, lambda xy: xy + ORIGIN) for p in polygons]
    after = proposal.areas.to_crs(METRIC).geometry.to_numpy()
    for point in points:
        held = [i for i, p in enumerate(before) if p.contains(point)]
        if held and before[held[0]].boundary.distance(point) > 0.1:
            assert after[held[0]].intersects(point)


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "datum", "key", "crs", "left"),
    [
        ("beijing/dongcheng_streets_gcj02.geojson", "GCJ-02", "name", METRIC, 0),
        ("boston/wards.geojson", "WGS84", "WARD", "EPSG:26986", 2),
    ],
)
def test_real_layers_are_repaired(file, datum, key, crs, left):
    if not (DATA / file).exists():
        pytest.skip(f"no {DATA / file}")
    areas, _ = read_layer(DATA / file, datum=datum)
    report = check_coverage(areas, key=key, metric_crs=crs, layer_name=file)
    proposal = propose_repair(areas, report, key=key, metric_crs=crs)
    assert shapely.coverage_is_valid(proposal.areas.geometry.to_numpy())
    # What is left are open gaps at the outer edge of the city: only a person knows who owns them.
    assert (proposal.remaining.faults["severity"] != "note").sum() == left
    assert not proposal.remaining.faults["kind"].isin(["overlap", "gap"]).any()
    total = areas.to_crs(crs).area.sum()
    assert abs(proposal.areas.to_crs(crs).area.sum() - total) / total < 1e-5
