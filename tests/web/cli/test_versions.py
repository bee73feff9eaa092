"""Versions of boundaries by the command line: loaded inactive, checked, in force from a day."""

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner

from web.cli.versions import versions


def make_areas(width):
    squares = [shapely.box(116 + i * 0.01, 39, 116 + i * 0.01 + width, 39.01) for i in range(2)]
    return gpd.GeoDataFrame({"code": ["110101001", "110101002"]}, geometry=squares, crs="EPSG:4326")


def call(*words):
    return CliRunner().invoke(versions, [str(word) for word in words], standalone_mode=False)


@pytest.fixture
def load(tmp_path):
    def load_version(name, width=0.01):
        path = tmp_path / f"{name}.geojson"
        make_areas(width).to_file(path)
        return call(
            "load",
            tmp_path / "store",
            path,
            "--key",
            "code",
            "--version",
            name,
            "--metric-crs",
            "EPSG:4548",
        )

    return load_version


def test_life_of_two_versions(tmp_path, load):
    store = tmp_path / "store"
    assert load("2019").return_value == 0
    assert "inactive" in call("list", store).output
    call("activate", store, "2019", "--from", "2019-01-01", "--by", "chen")
    assert load("2024").return_value == 0
    lines = call("list", store).output.splitlines()
    assert "2019: active, in force 2019-01-01 to –" in lines[0]
    assert "2024: inactive" in lines[1]
    call("activate", store, "2024", "--from", "2024-07-01", "--by", "chen")
    assert "2019: retired, in force 2019-01-01 to 2024-07-01" in call("list", store).output
    for day, version in (("2024-06-30", "2019"), ("2024-07-01", "2024")):
        done = call("export", store, tmp_path / "out.parquet", "--on", day)
        assert version in done.output
        assert len(gpd.read_parquet(tmp_path / "out.parquet")) == 2


def test_a_faulty_version_is_refused_until_a_person_accepts_it(tmp_path, load):
    store = tmp_path / "store"
    loaded = load("broken", width=0.013)
    assert loaded.return_value == 2
    assert "overlap" in loaded.output
    refused = call("activate", store, "broken", "--from", "2024-01-01")
    assert refused.exception is not None
    call("accept", store, "broken", "--reason", "agreed with both streets", "--by", "li")
    done = call("activate", store, "broken", "--from", "2024-01-01")
    assert "active" in done.output


def test_an_empty_store_says_how_to_begin(tmp_path):
    assert "gridgov versions load" in call("list", tmp_path / "store").output
