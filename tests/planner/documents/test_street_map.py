import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from planner.documents.street_map import (
    CELL_FILLS,
    PlanGround,
    Spot,
    draw_street_map,
    find_count_classes,
)
from planner.documents.street_map import MapWords as Words

WORDS = Words(label="图", cells="件", spot="热点", street="界线", metres="米", kilometres="千米")
SVG = "{http://www.w3.org/2000/svg}"


def make_spot(**changes):
    return replace(
        Spot(lon=116.38, lat=39.895, radius_m=300.0, mark="T01", name="某小区", is_task=True),
        **changes,
    )


@pytest.fixture
def drawn(ground):
    code = str(ground.streets["street_code"].iloc[0])
    return draw_street_map(ground, code, [make_spot()], WORDS)


@given(st.lists(st.integers(0, 50), max_size=80))
def test_classes_hold_every_count_once(counts):
    classes = find_count_classes(counts)

    for count in counts:
        inside = [one for one in classes if one[0] <= count <= one[1]]
        assert len(inside) == (count > 0)
    assert len(classes) <= 4
    assert all(last < first for (_, last), (first, _) in pairwise(classes))


def test_a_cell_has_the_colour_of_its_class(drawn):
    fills = re.findall(r'fill="(#[0-9a-f]{6})"', drawn.svg)

    # Once in the map and once in the key.
    assert [fills.count(fill) for fill in CELL_FILLS] == [2, 2, 2, 2]


def test_a_spot_stands_at_its_place_and_is_as_wide_as_it_is(drawn):
    root = ET.fromstring(drawn.svg)  # noqa: S314 - ours
    circle = root.find(f".//{SVG}circle")
    x, y, radius = (float(circle.get(key)) for key in ("cx", "cy", "r"))
    # The middle of the street is the middle of the map; the scale bar says how long a metre is.
    bar = re.search(r"v6h([\d.]+)v-6", drawn.svg)
    words = [one.text for one in root.iter(f"{SVG}text")]
    length = next(1_000 * int(text.split()[0]) for text in words if text and text.endswith("千米"))
    pixels_a_metre = float(bar[1]) / length

    assert x == pytest.approx(310, abs=0.2)
    assert radius == pytest.approx(300 * pixels_a_metre, rel=0.02)
    assert 100 < y < 300


def test_names_of_neighbours_stand_inside_their_own_areas(drawn):
    root = ET.fromstring(drawn.svg)  # noqa: S314 - ours
    outline = re.search(r'<path d="([^"]+)"[^>]+stroke-width="2.2"', drawn.svg)[1]
    right = max(float(x) for x in re.findall(r"[ML]([\d.]+),", outline))
    name = next(one for one in root.iter(f"{SVG}text") if one.text == "景山街道")

    # The neighbour lies to the east: half of the four characters reaches left of the middle of the name.
    assert float(name.get("x")) - 20 >= right


def test_words_are_no_markup(ground):
    code = str(ground.streets["street_code"].iloc[0])
    drawn = draw_street_map(ground, code, [make_spot(name="<script>", mark="<b>")], WORDS)

    assert "<script>" not in drawn.svg
    ET.fromstring(drawn.svg)  # noqa: S314 - ours


def test_marks_do_not_cover_each_other(ground):
    code = str(ground.streets["street_code"].iloc[0])
    spots = [make_spot(mark=f"T{k:02d}") for k in range(1, 6)]
    root = ET.fromstring(draw_street_map(ground, code, spots, WORDS).svg)  # noqa: S314

    heights = sorted(
        float(one.get("y"))
        for one in root.iter(f"{SVG}text")
        if re.fullmatch(r"T\d\d", one.text or "")
    )
    assert len(heights) == 5
    assert np.diff(heights).min() >= 11.9


def test_a_street_without_a_boundary_has_no_map(ground):
    assert draw_street_map(ground, "999", [], WORDS) is None


@pytest.mark.parametrize("size", [(0.2, 0.01), (0.01, 0.2), (0.0001, 0.0001)])
def test_streets_of_any_shape_fit(size):
    wide, high = size
    streets = gpd.GeoDataFrame(
        {"street_code": ["1"], "name": ["甲"]},
        geometry=[box(116.4, 39.9, 116.4 + wide, 39.9 + high)],
        crs="EPSG:4326",
    )

    drawn = draw_street_map(PlanGround(streets=streets), "1", [], WORDS)

    assert drawn.width == 620
    assert 200 <= drawn.height <= 550
    inside = [float(x) for pair in re.findall(r"[ML]([\d.-]+),", drawn.svg) for x in [pair]]
    assert min(inside) >= 0
    assert max(inside) <= 620
