from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from gridgov.sample.land.geography import METRIC_CRS, find_communities, sample_points
from gridgov.sample.truth.describe import find_enclaves

NAMES = Path(__file__).parents[4] / "shared" / "data" / "beijing"


def get_edges(shapes):
    """All edges of shapes, each as a set element whatever its direction."""
    edges = []
    for ring in shapely.get_rings(shapely.get_parts(shapes)):
        xy = shapely.get_coordinates(ring)
        a, b = xy[:-1], xy[1:]
        swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
        edges.append(np.where(swap[:, None], np.hstack([b, a]), np.hstack([a, b])))
    return {tuple(edge) for edge in np.concatenate(edges)}


def test_numbers_and_codes(land):
    assert len(land.districts) == 16
    assert len(land.streets) == 343
    assert len(land.communities) > 7_400
    for areas, digits in ((land.districts, 6), (land.streets, 9), (land.communities, 12)):
        assert areas["code"].is_unique
        assert areas["code"].is_monotonic_increasing
        assert areas["code"].str.fullmatch(rf"\d{{{digits}}}").all()
        assert areas["name"].str.len().ge(2).all()


def test_every_level_is_a_clean_coverage_with_bit_identical_edges(land):
    edges = {}
    for name in ("districts", "streets", "communities"):
        shapes = getattr(land, name).geometry.to_numpy()
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
        edges[name] = get_edges(shapes)
    assert edges["districts"] < edges["streets"] < edges["communities"]


def test_areas_add_up_without_gap_or_overlap(land):
    area = [
        getattr(land, n).to_crs(METRIC_CRS).area.sum()
        for n in ("districts", "streets", "communities")
    ]
    whole = land.streets.to_crs(METRIC_CRS).geometry.union_all().area
    assert area == pytest.approx([whole] * 3, rel=1e-9)
    assert whole / 1e6 == pytest.approx(16_410, rel=0.01)  # the city's official area, km²


def test_streets_are_hard_enough(land):
    vertices = shapely.get_num_coordinates(land.streets.geometry.to_numpy())
    assert np.median(vertices) > 300
    assert (land.streets.geom_type == "MultiPolygon").sum() >= 15
    size = land.streets.to_crs(METRIC_CRS).area / 1e6
    town = land.streets["zone"] == 0
    assert size[town].median() < 10
    assert size[land.streets["zone"] == 2].median() > 40


def test_enclaves_lie_inside_the_other_street(towns):
    streets = towns.geography.streets.set_index("code").geometry
    enclaves = find_enclaves(towns)
    assert len(enclaves) >= 5
    for found in enclaves:
        host = streets[found["inside_street_code"]]
        filled = shapely.union_all([shapely.Polygon(p.exterior) for p in shapely.get_parts(host)])
        piece = towns.geography.communities.set_index("code").geometry[found["community_code"]]
        assert found["street_code"] == found["community_code"][:9] != found["inside_street_code"]
        assert filled.covers(piece)
        assert not host.intersects(piece.representative_point())


def test_points_are_inside_and_spread_by_area(land):
    shapes = land.communities.geometry.to_numpy()[:40]
    chosen = np.repeat(np.arange(40), 500)
    lon, lat = sample_points(shapes, chosen, np.random.default_rng(1))
    assert shapely.contains_xy(shapes[chosen], lon, lat).all()
    # The mean of uniform points is the centroid: standard error well below a tenth of the width.
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    width = np.ptp(shapely.bounds(shapes).reshape(-1, 2, 2), axis=1)
    mean = np.stack([lon.reshape(40, -1).mean(axis=1), lat.reshape(40, -1).mean(axis=1)], axis=1)
    assert (np.abs(mean - centre) < 0.08 * width).all()


def test_communities_are_found_as_shapely_finds_them(land):
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform((115.3, 39.3), (117.6, 41.2), (3000, 2)).T
    point, area = land.communities.sindex.query(shapely.points(lon, lat), predicate="intersects")
    expected = np.full(3000, -1)
    expected[point[::-1]] = area[::-1]
    assert (find_communities(land, lon, lat) == expected).all()
    assert (expected >= 0).sum() > 500


@pytest.mark.real
@pytest.mark.skipif(not NAMES.is_dir(), reason="the folder with official names is not there")
def test_names_and_codes_are_the_official_ones(land):
    official = pd.read_csv(NAMES / "streets_2023.csv", dtype=str).set_index("code")["name"]
    official = official[official.index.str[6] != "4"]
    ours = land.streets.set_index("code")["name"]
    assert ours.to_dict() == official.to_dict()
    communities = pd.read_csv(NAMES / "communities_2023.csv", dtype=str).set_index("code")["name"]
    ours = land.communities.set_index("code")["name"]
    assert (communities.reindex(ours.index) == ours).all()
