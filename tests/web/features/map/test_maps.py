"""The pieces of maps: shapes without gaps, data that cannot break out of a script, datums of base maps."""

import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.errors import GeodataError
from web.kit.maps import (
    RoomLayer,
    add_areas,
    add_outlines,
    find_limits,
    find_opacity,
    make_base,
    make_room_map,
    make_script_json,
    make_shapes,
    move_points,
    render_room,
)

WAVE = [(116 + at / 400, 40 + 0.0002 * np.sin(at)) for at in range(201)]
"""A shared edge with bends smaller than the tolerance of streets."""


def make_pair() -> gpd.GeoDataFrame:
    """Return two areas that share a wavy edge."""
    above = shapely.Polygon([*WAVE, (116.5, 40.1), (116, 40.1)])
    below = shapely.Polygon([*WAVE, (116.5, 39.9), (116, 39.9)])
    return gpd.GeoDataFrame(
        {"code": ["a", "b"], "name": ["上", "</script><b>"]},
        geometry=[above, below],
        crs="EPSG:4326",
    )


def read_shapes(text: bytes) -> list[shapely.Geometry]:
    return [shapely.geometry.shape(feature["geometry"]) for feature in json.loads(text)["features"]]


def test_simpler_shapes_still_share_their_edge() -> None:
    areas = make_pair()
    above, below = read_shapes(make_shapes(areas, "street"))
    assert shapely.get_num_coordinates(above) <= 204 / 2
    assert shapely.intersection(above, below).area == 0
    whole = shapely.union(above, below)
    assert whole.area == pytest.approx(shapely.union_all(areas.geometry).area, rel=1e-4)
    assert isinstance(whole, shapely.Polygon)
    assert not whole.interiors


def test_cells_keep_their_corners() -> None:
    cell = shapely.box(116.40001, 39.90002, 116.40121, 39.90092)
    areas = gpd.GeoDataFrame({"code": ["c"], "name": ["c"]}, geometry=[cell], crs="EPSG:4326")
    assert read_shapes(make_shapes(areas, "cell"))[0].equals(cell)


def test_no_areas_are_an_empty_collection() -> None:
    empty = gpd.GeoDataFrame({"code": [], "name": []}, geometry=[], crs="EPSG:4326")
    assert json.loads(make_shapes(empty, "street"))["features"] == []


def test_data_in_a_script_cannot_end_it() -> None:
    text = make_script_json({"name": "</script><script>alert(1)</script>\u2028&"})
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == {"name": "</script><script>alert(1)</script>\u2028&"}
    assert "</" not in RoomLayer("addAreas", {"unit": "</script>"}).data


def test_not_a_number_is_refused_before_it_breaks_a_page() -> None:
    with pytest.raises(ValueError, match="JSON"):
        make_script_json({"n": float("nan")})


def test_a_base_map_in_another_datum_moves_points_and_shapes_alike() -> None:
    base = make_base("https://tiles.example/{z}/{x}/{y}.png", datum="GCJ-02")
    points = pd.DataFrame({"lon": [116.404], "lat": [39.915]})
    ((lat, lon),) = move_points(points, base)
    # The usual test pair of WGS84 and GCJ-02 in Beijing, to about a metre.
    assert (lon, lat) == pytest.approx((116.41024, 39.91640), abs=2e-5)
    corner = shapely.box(116.404, 39.915, 116.41, 39.92)
    areas = gpd.GeoDataFrame({"code": ["c"], "name": ["c"]}, geometry=[corner], crs="EPSG:4326")
    moved = read_shapes(make_shapes(areas, "cell", base=base))[0]
    assert shapely.Point(lon, lat).distance(moved.boundary) < 2e-5
    assert move_points(points, None) == [[39.915, 116.404]]


def test_no_base_map_is_the_default_and_a_wrong_datum_is_said() -> None:
    assert make_base("") is None
    with pytest.raises(GeodataError, match="datum"):
        make_base("https://tiles.example", datum="Moon")


def test_a_map_is_the_same_bytes_each_time_and_names_no_foreign_host() -> None:
    def make() -> tuple[str, str]:
        made = make_room_map((116, 39, 117, 40))
        texts = {"unit": "件", "links": []}
        add_areas(made, {"a": 3}, shapes_url="/maps/shapes/street", limits=(3.0,), texts=texts)
        add_outlines(made, shapes_url="/maps/shapes/street")
        room = render_room(made, (116, 39, 117, 40), None)
        return str(room.element), str(room.script)

    first, second = make(), make()
    assert first == second
    assert "http" not in "".join(first)
    assert 'gridgovMaps.addAreas(map_room, {"values":{"a":3}' in first[1]


@pytest.mark.parametrize(
    ("values", "limits"),
    [([], (1.0,)), ([0, 0], (1.0,)), ([4], (4.0,)), ([1, 1, 1, 9], (1.0, 5.0, 9.0))],
)
def test_classes_are_distinct_and_hold_the_largest(
    values: list[int], limits: tuple[float, ...]
) -> None:
    assert find_limits(values) == limits


def test_surer_hotspots_are_more_solid() -> None:
    shades = [find_opacity(q) for q in (1e-9, 1e-4, 0.04)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 3
