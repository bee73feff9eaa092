"""The map of a printed plan: true to scale, hotspots where they are, nothing outside the picture."""

import re

import geopandas as gpd
import numpy as np
import pytest
import shapely

from web.features.planning.plan_picture import HEIGHT, MARGIN, WIDTH, make_plan_picture

STREET = shapely.box(116.30, 39.90, 116.40, 39.95)
PARTS = [shapely.box(116.30, 39.90, 116.35, 39.95), shapely.box(116.35, 39.90, 116.40, 39.95)]


def frame(shapes):
    return gpd.GeoDataFrame({"code": range(len(shapes))}, geometry=list(shapes), crs="EPSG:4326")


def make_document(*places):
    spots = [
        {
            "hotspot_id": f"H{n}",
            "kind": "new",
            "name": f"第{n}处",
            "lon": lon,
            "lat": lat,
            "radius_m": 400.0,
        }
        for n, (lon, lat) in enumerate(places, start=1)
    ]
    return {"hotspots": spots, "tasks": [{"hotspot_id": "H1", "task_no": "T01"}]}


def read_points(path):
    pairs = re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)
    return np.array(pairs, dtype=float)


def test_distances_in_the_picture_are_those_on_the_ground():
    made = make_plan_picture(
        frame([STREET]), frame(PARTS), make_document((116.30, 39.95), (116.40, 39.90))
    )
    second, first = made.spots
    # Known: 0.1° of longitude at 39.925° N is 8,536 m, 0.05° of latitude 5,566 m on the sphere.
    px_m = made.bar / made.bar_m
    assert (second.x - first.x) / px_m == pytest.approx(8_536, rel=0.005)
    assert (second.y - first.y) / px_m == pytest.approx(5_566, rel=0.005)
    assert first.radius / px_m == pytest.approx(400, rel=0.02)
    assert (first.mark, second.mark) == ("T01", "2")


@pytest.mark.parametrize(
    "shape",
    [
        STREET,
        shapely.box(116.3, 39.0, 116.31, 40.0),
        STREET.difference(STREET.centroid.buffer(0.01)),
    ],
)
def test_the_street_fills_the_picture_and_stays_in_it(shape):
    made = make_plan_picture(frame([shape]), frame(PARTS[:0]), make_document())
    points = read_points(made.outline)
    assert points.min() == pytest.approx(MARGIN)
    assert points[:, 0].max() == pytest.approx(made.width - MARGIN, abs=0.2)
    assert points[:, 1].max() == pytest.approx(made.height - MARGIN, abs=0.2)
    assert made.width <= WIDTH + 0.1
    assert made.height <= HEIGHT + 0.1
    assert made.outline.count("M") == 1 + len(shape.interiors)


def test_a_street_without_a_boundary_has_no_picture():
    assert make_plan_picture(frame([]), frame([]), make_document()) is None
