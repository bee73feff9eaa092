"""Codes become names of files and ids of elements: what cannot be one is refused by the pack's check."""

import geopandas as gpd
import pytest
import shapely

from gridgov.pack.city import check_city

TOML = """
[city]
name = "样例市"
timezone = "Asia/Shanghai"
metric_crs = "EPSG:4548"

[layers.streets]
path = "streets.geojson"
code = "code"
name = "name"
district = "district"
datum = "WGS84"
"""


def check(folder, code):
    areas = gpd.GeoDataFrame(
        {"code": ["S1", code], "name": ["甲街道", "乙街道"], "district": ["D1", "D1"]},
        geometry=[shapely.box(116.3, 39.9, 116.4, 40.0), shapely.box(116.4, 39.9, 116.5, 40.0)],
        crs="EPSG:4326",
    )
    areas.to_file(folder / "streets.geojson")
    (folder / "city.toml").write_text(TOML, "utf-8")
    _, problems = check_city(folder)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    "code", ["../../../evil", "a/b", "a\\b", "..", "A&<\"'", "a..b", "<script>", "a\nb", ".hidden"]
)
def test_a_code_that_is_no_file_name_is_refused(tmp_path, code):
    assert any("cannot be the name of a file" in said for said in check(tmp_path, code))


@pytest.mark.parametrize("code", ["S2", "Ward 7", "东门街道", "A.1-b_2"])
def test_an_own_code_of_a_city_is_taken(tmp_path, code):
    assert not any("cannot be the name of a file" in said for said in check(tmp_path, code))
