"""Areas that cannot be indexed are all named at once, with feature, value and remedy."""

import numpy as np
import pytest
import shapely

from geodata.areas import AreaIndex
from geodata.errors import InvalidDataError

SQUARE = shapely.box(116, 39, 117, 40)
BOWTIE = shapely.Polygon([(116, 39), (117, 40), (117, 39), (116, 40)])
with np.errstate(invalid="ignore"):
    NO_NUMBER = shapely.Polygon([(116, 39), (117, np.nan), (117, 40)])
FAULTS = {
    "nothing": (None, "has nothing"),
    "empty": (shapely.Polygon(), "has empty Polygon"),
    "line": (shapely.LineString([(116, 39), (117, 40)]), "has LineString"),
    "point": (shapely.Point(116, 39), "has Point"),
    "collection": (shapely.GeometryCollection([SQUARE]), "has GeometryCollection"),
    "bowtie": (BOWTIE, "is invalid: self-intersection"),
    "hole outside": (
        shapely.Polygon(SQUARE.exterior, [shapely.box(118, 39, 119, 40).exterior]),
        "is invalid: hole",
    ),
    "parts overlap": (
        shapely.MultiPolygon([SQUARE, shapely.box(116.5, 39.5, 118, 41)]),
        "is invalid",
    ),
    "swapped": (shapely.box(39, 116, 40, 117), "latitude and longitude in the wrong order"),
    "metres": (shapely.box(500_000, 4_000_000, 501_000, 4_001_000), "is not in degrees"),
    "no number": (NO_NUMBER, "no number"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name):
    shape, fault = FAULTS[name]
    with pytest.raises(InvalidDataError) as caught:
        AreaIndex.build([SQUARE, shape], ["a", "b"], layer="streets.gpkg")
    (problem,) = caught.value.problems
    assert problem.file == "streets.gpkg"
    assert problem.field == "feature 2"
    assert problem.value == "b"
    assert fault in problem.problem
    assert problem.expected


def test_all_faults_come_at_once():
    shapes = [shape for shape, _ in FAULTS.values()]
    codes = ["a", "a", "", None, *(f"c{i}" for i in range(len(shapes) - 4))]
    with pytest.raises(InvalidDataError) as caught:
        AreaIndex.build(shapes, codes)
    found = [problem.problem for problem in caught.value.problems]
    assert sum("code" in text for text in found) == 3
    assert len(found) == 3 + len(shapes)


def test_no_areas_and_no_codes_are_refused():
    with pytest.raises(InvalidDataError, match="has no areas"):
        AreaIndex.build([], [])
    with pytest.raises(InvalidDataError, match="1 geometries, 2 codes"):
        AreaIndex.build([SQUARE], ["a", "b"])


def test_a_repeated_code_names_both_features():
    with pytest.raises(InvalidDataError, match=r"feature 3 .* used before.*feature 1"):
        AreaIndex.build([SQUARE, SQUARE, SQUARE], ["a", "b", "a"])


def test_heights_are_left_out():
    high = shapely.force_3d(SQUARE, 50.0)
    index = AreaIndex.build([high], ["a"])
    assert index.content_hash == AreaIndex.build([SQUARE], ["a"]).content_hash
