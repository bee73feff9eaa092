"""Jurisdiction of points: order of judgement, consistency of levels, edges, gaps, bundles."""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.areas import SIGMAS
from geodata.areas.near_grid import degree_lengths
from geodata.errors import InvalidDataError
from geodata.frames import JURISDICTION_COLUMNS
from geodata.territory import load_territory, make_territory, save_territory
from geodata.territory.store import TerritoryFolderError
from tests.geodata.wavy_areas import METRIC_CRS, make_areas, to_degrees, to_points

ANYWHERE = 1_700.0


def split_streets(streets, *, shift_deg=0.0):
    """Return communities: each street cut along its middle, the east part with the lower code."""
    shapes, codes = [], []
    for code, shape in zip(streets["street_code"], streets.geometry, strict=True):
        west, south, east, north = shape.bounds
        middle = (west + east) / 2
        for number, half in ((1, (middle, east)), (2, (west, middle))):
            shapes.append(shape.intersection(shapely.box(half[0], south, half[1], north)))
            codes.append(f"{code}{number:03d}")
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + shift_deg)
    return gpd.GeoDataFrame({"community_code": codes}, geometry=moved, crs=4326)


def make_streets(count=6, seed=0):
    return make_areas(count, seed=seed).rename(columns={"code": "street_code"})


def scatter(count, seed=0, reach=ANYWHERE):
    return to_points(*np.random.default_rng(seed).uniform(-reach, reach, (2, count)))


def test_columns_types_and_index():
    territory = make_territory(make_streets(), metric_crs=METRIC_CRS)
    lon, lat = scatter(50)
    index = pd.Index([f"a{k}" for k in range(50)])
    found = territory.judge(pd.Series(lon, index=index), pd.Series(lat, index=index), 30.0)
    assert tuple(found.columns) == JURISDICTION_COLUMNS
    assert found.index.equals(index)
    codes = [name for name in JURISDICTION_COLUMNS if name.endswith("_code")]
    assert (found[codes].dtypes == "str").all()
    assert (found[["boundary_m", "confidence"]].dtypes == "float64").all()


def test_street_by_brute_force_and_levels_that_agree():
    streets = make_streets()
    territory = make_territory(
        streets, metric_crs=METRIC_CRS, communities=split_streets(streets), version="v1"
    )
    lon, lat = scatter(4000)
    found = territory.judge(lon, lat)
    for code, shape in zip(streets["street_code"], streets.geometry, strict=True):
        inside = shapely.intersects_xy(shape, lon, lat)
        assert (found["street_code"][inside] <= code).all()
        assert not (found["street_code"] == code)[~inside].any()
    placed = found[found["street_code"].notna()]
    assert (placed["community_code"].str[:9] == placed["street_code"]).all()
    assert (placed["cell_code"].str[:12] == placed["community_code"]).all()
    assert (placed["district_code"] == placed["street_code"].str[:6]).all()
    nowhere = found[found["street_code"].isna()]
    assert nowhere[["community_code", "cell_code", "district_code"]].isna().all(axis=None)


def test_points_on_shared_edges_get_the_lowest_street_and_its_lowest_community():
    streets = make_streets()
    communities = split_streets(streets)
    territory = make_territory(streets, metric_crs=METRIC_CRS, communities=communities)
    lon, lat = shapely.get_coordinates(
        np.r_[streets.geometry.to_numpy(), communities.geometry.to_numpy()]
    ).T
    found = territory.judge(lon, lat)
    points = shapely.points(lon, lat)
    for layer, column in ((streets, "street_code"),):
        point, area = shapely.STRtree(layer.geometry.to_numpy()).query(points, "intersects")
        lowest = pd.Series(layer[column].to_numpy()[area]).groupby(point).min()
        held = lowest.reindex(range(len(points)))
        assert (found[column].fillna("") == held.fillna("")).all()
    point, area = shapely.STRtree(communities.geometry.to_numpy()).query(points, "intersects")
    touching = pd.DataFrame(
        {"point": point, "community_code": communities["community_code"].to_numpy()[area]}
    )
    own = touching["community_code"].str[:9] == found["street_code"].to_numpy()[point]
    lowest = touching[own].groupby("point")["community_code"].min()
    assert (found["community_code"].loc[lowest.index] == lowest).all()
    placed = found[found["street_code"].notna()]
    assert (placed["community_code"].str[:9] == placed["street_code"]).all()
    assert (placed["cell_code"].str[:12] == placed["community_code"]).all()


def test_a_community_layer_drawn_a_few_metres_off_still_agrees_with_the_street():
    streets = make_streets()
    communities = split_streets(streets, shift_deg=1e-4)  # some 10 m
    territory = make_territory(streets, metric_crs=METRIC_CRS, communities=communities)
    found = territory.judge(*scatter(4000))
    placed = found[found["street_code"].notna()]
    assert (placed["community_code"].str[:9] == placed["street_code"]).all()
    assert placed["cell_code"].notna().all()


def test_a_street_without_communities_has_cells_of_its_own():
    streets = make_streets()
    communities = split_streets(streets)
    bare = streets["street_code"].iloc[2]
    communities = communities[communities["community_code"].str[:9] != bare]
    territory = make_territory(streets, metric_crs=METRIC_CRS, communities=communities)
    found = territory.judge(*scatter(3000))
    there = found[found["street_code"] == bare]
    assert len(there)
    assert there["community_code"].isna().all()
    assert (there["cell_code"].str[:12] == f"{bare}000").all()


def test_extent_and_unknown_streets():
    streets = make_streets()
    extent = to_degrees([shapely.box(-5_000, -5_000, 5_000, 5_000)], ["all"])
    districts = to_degrees(
        [shapely.box(-5_000, -5_000, 1_600, 5_000), shapely.box(1_600, -5_000, 5_000, 5_000)],
        ["110101", "110102"],
        key="district_code",
    )
    territory = make_territory(streets, metric_crs=METRIC_CRS, extent=extent, districts=districts)
    lon, lat = to_points([0.0, 4_000.0, 9_000.0, np.nan], [0.0, 0.0, 0.0, 0.0])
    assert territory.in_extent(lon, lat).tolist() == [True, True, False, False]
    found = territory.judge(lon, lat, 20.0)
    assert found["street_code"].notna().tolist() == [True, False, False, False]
    assert found["district_code"].fillna("").tolist() == ["110101", "110102", "", ""]
    assert found["confidence"].notna().tolist() == [True, False, False, False]
    outside = found.iloc[2:]
    codes = [name for name in JURISDICTION_COLUMNS if name.endswith("_code")]
    assert outside[codes].isna().all(axis=None)


def test_districts_come_from_the_column_the_code_or_the_map():
    areas = make_streets(4)
    left = to_degrees([shapely.box(-9e3, -9e3, 9e3, 9e3)], ["D1"], key="district_code")
    lon, lat = scatter(200, reach=900)
    by_column = make_territory(areas.assign(district_code="110199"), metric_crs=METRIC_CRS)
    assert set(by_column.judge(lon, lat)["district_code"]) == {"110199"}
    by_code = make_territory(areas.assign(district_code=""), metric_crs=METRIC_CRS)
    assert set(by_code.judge(lon, lat)["district_code"]) == {"110101"}
    other = areas.assign(street_code=[f"ward {k}" for k in range(4)])
    by_map = make_territory(other, metric_crs=METRIC_CRS, districts=left)
    assert set(by_map.judge(lon, lat)["district_code"]) == {"D1"}
    none = make_territory(other, metric_crs=METRIC_CRS)
    assert none.judge(lon, lat)["district_code"].isna().all()


def test_exceptions_stand_beside_the_street_they_lie_in():
    streets = make_streets()
    exceptions = to_degrees([shapely.box(-100, -100, 100, 100)], ["X1"], key="exception_code")
    territory = make_territory(
        streets, metric_crs=METRIC_CRS, exceptions=exceptions.assign(unit_code="U9")
    )
    lon, lat = to_points([0.0, 150.0], [0.0, 0.0])
    found = territory.judge(lon, lat)
    assert found["exception_code"].fillna("").tolist() == ["X1", ""]
    assert found["street_code"].notna().all()
    assert territory.exceptions.units == {"X1": "U9"}


def test_official_cells_are_used_where_the_city_has_them():
    streets = make_streets()
    made = make_territory(streets, metric_crs=METRIC_CRS)
    cells = made.grid.geometries()[["cell_code", "geometry"]]
    drawn = make_territory(streets, metric_crs=METRIC_CRS, cells=cells)
    lon, lat = scatter(2000)
    pd.testing.assert_frame_equal(drawn.judge(lon, lat), made.judge(lon, lat))


def test_official_cells_whose_codes_tell_no_area_are_found_by_their_polygon():
    streets = make_streets()
    made = make_territory(streets, metric_crs=METRIC_CRS)
    cells = made.grid.geometries()[["cell_code", "geometry"]]
    named = cells.assign(cell_code=[f"cell {k:05d}" for k in range(len(cells))])
    lon, lat = scatter(500)
    drawn = make_territory(streets, metric_crs=METRIC_CRS, cells=named).judge(lon, lat)
    names = dict(zip(cells["cell_code"], named["cell_code"], strict=True))
    expected = made.judge(lon, lat)["cell_code"].map(names)
    assert (drawn["cell_code"].fillna("") == expected.fillna("")).all()


def test_confidence_falls_towards_the_boundary():
    halves = [shapely.box(-1_500, -1_500, 0, 1_500), shapely.box(0, -1_500, 1_500, 1_500)]
    streets = to_degrees(halves, ["1", "2"], key="street_code")
    territory = make_territory(streets, metric_crs=METRIC_CRS)
    lon, lat = to_points([1.0, 20.0, 100.0, 700.0], [0.0, 0.0, 0.0, 0.0])
    found = territory.judge(lon, lat, 60.0)
    assert found["confidence"].is_monotonic_increasing
    assert found["confidence"].iloc[0] == pytest.approx(0.5, abs=0.03)
    assert found["confidence"].iloc[-1] == 1.0
    np.testing.assert_allclose(found["boundary_m"], [1, 20, 100, 200], atol=0.01)
    assert found["neighbour_code"].fillna("").tolist() == ["1", "1", "1", ""]
    assert (territory.judge(lon, lat)["confidence"] == 1).all()
    assert (territory.judge(lon, lat, [0.0, 0.0, 0.0, 0.0])["confidence"] == 1).all()
    wide = territory.judge(lon, lat, 5_000.0)["confidence"]
    assert (wide < 0.6).all()  # larger than what the distance was looked for


def test_an_uncertain_place_names_the_two_most_probable_streets():
    streets = make_streets()
    territory = make_territory(streets, metric_crs=METRIC_CRS)
    rng = np.random.default_rng(21)
    lon, lat = scatter(120, seed=5)
    radius = rng.choice([80.0, 400.0, 1_200.0], len(lon))
    found = territory.judge(lon, lat, radius)
    checked = 0
    for i in np.flatnonzero(found["street_code"].notna() & (found["confidence"] < 0.95)):
        mx, my = degree_lengths(lat[i])
        x, y = rng.normal(size=(2, 20_000)) * radius[i] / SIGMAS
        hits = territory.streets.index.locate(lon[i] + x / mx, lat[i] + y / my)
        shares = pd.Series(hits).value_counts(normalize=True, dropna=True)
        others = shares.drop(found["street_code"].iloc[i], errors="ignore")
        if others.iloc[0] > others.iloc[1] + 0.05:
            assert found["neighbour_code"].iloc[i] == others.index[0]
            checked += 1
    assert checked > 30


def test_a_bundle_comes_back_as_it_was(tmp_path):
    streets = make_streets()
    exceptions = to_degrees([shapely.box(-100, -100, 100, 100)], ["X1"], key="exception_code")
    territory = make_territory(
        streets,
        metric_crs=METRIC_CRS,
        version="2024",
        communities=split_streets(streets),
        districts=to_degrees([shapely.box(-9e3, -9e3, 9e3, 9e3)], ["110101"], key="district_code"),
        exceptions=exceptions.assign(unit_code="U9"),
        extent=shapely.box(116, 39.5, 117, 40.5),
    )
    save_territory(territory, tmp_path / "t")
    save_territory(territory, tmp_path / "t")  # replaces its own
    back = load_territory(tmp_path / "t")
    lon, lat = scatter(1000)
    pd.testing.assert_frame_equal(back.judge(lon, lat, 40.0), territory.judge(lon, lat, 40.0))
    assert back.version == "2024"
    shapes = back.grid.geometries(back.grid.codes[:5]).geometry
    assert shapes.geom_equals(territory.grid.geometries(territory.grid.codes[:5]).geometry).all()


@pytest.mark.parametrize("name", ["territory.json", "links.npz", "streets/index.bin"])
def test_a_damaged_bundle_is_named(tmp_path, name):
    save_territory(make_territory(make_streets(2), metric_crs=METRIC_CRS), tmp_path / "t")
    (tmp_path / "t" / name).write_bytes(b"{")
    with pytest.raises(TerritoryFolderError, match="build"):
        load_territory(tmp_path / "t")


def test_equal_boundaries_have_equal_version_names():
    one, other = (make_territory(make_streets(3), metric_crs=METRIC_CRS) for _ in range(2))
    assert one.version == other.version
    assert make_territory(make_streets(3, seed=1)).version != one.version


def test_faults_name_layer_and_feature():
    streets = make_streets(3)
    with pytest.raises(InvalidDataError, match=r"streets.*street_code"):
        make_territory(streets.rename(columns={"street_code": "id"}))
    with pytest.raises(InvalidDataError, match=r"streets.*not in lon, lat"):
        make_territory(streets.to_crs(METRIC_CRS))
    far = to_degrees([shapely.box(9e4, 9e4, 9.1e4, 9.1e4)], ["C1"], key="community_code")
    with pytest.raises(InvalidDataError, match=r"communities.*C1.*belongs to no street"):
        make_territory(streets, communities=far)


def test_two_hundred_thousand_points_take_well_under_two_seconds():
    streets = make_streets(6)
    territory = make_territory(streets, metric_crs=METRIC_CRS, communities=split_streets(streets))
    lon, lat = scatter(200_000)
    territory.judge(lon[:10], lat[:10], 30.0)  # compile
    seconds = []
    for _ in range(3):
        start = time.process_time()
        territory.judge(lon, lat, 30.0)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 2.0


@pytest.mark.parametrize("communities", [False, True])
@pytest.mark.parametrize("radius", [None, 0.0, 30.0, 400.0])
def test_one_point_is_judged_as_many_are(communities, radius):
    streets = make_streets()
    layers = {"communities": split_streets(streets)} if communities else {}
    territory = make_territory(streets, metric_crs=METRIC_CRS, **layers)
    lon, lat = scatter(60, seed=3)
    lon[0], lat[1] = np.nan, 0.0
    known = np.nan if radius is None else radius
    many = territory.judge(lon, lat, np.full(len(lon), known))
    for at, (_, row) in enumerate(many.iterrows()):
        one = territory.judge_point(lon[at], lat[at], radius)
        wanted = {name: None if pd.isna(value) else value for name, value in row.items()}
        assert one == wanted
