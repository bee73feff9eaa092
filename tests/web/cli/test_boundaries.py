"""``gridgov boundaries``: faults and a proposed repair as files, the input never touched."""

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from geodata.errors import GeodataError, InvalidDataError
from web.cli.boundaries import boundaries

SQUARES = [shapely.box(116, 39, 116.01, 39.01), shapely.box(116.0095, 39, 116.02, 39.01)]


def write_areas(path, geometry=SQUARES, codes=("110101001", "110101002")):
    gpd.GeoDataFrame({"code": list(codes)}, geometry=geometry, crs=4326).to_file(path)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(
        boundaries, [*arguments], catch_exceptions=False, standalone_mode=False
    )


def test_faults_and_proposal_are_written_and_the_input_stays(tmp_path):
    areas = write_areas(tmp_path / "streets.geojson")
    before = (tmp_path / "streets.geojson").read_bytes()
    result = run(areas, "--key", "code", "--out", str(tmp_path / "out"))
    assert result.return_value == 2  # 4.8 ha with two offices is an error
    assert (tmp_path / "streets.geojson").read_bytes() == before
    faults = gpd.read_file(tmp_path / "out" / "faults.gpkg")
    assert faults["kind"].tolist() == ["overlap"]
    # 0.0005° by 0.01° at 39° north
    assert faults["area_m2"].iloc[0] == pytest.approx(43.3 * 1110, rel=0.01)
    repaired = gpd.read_file(tmp_path / "out" / "repaired.gpkg")
    assert shapely.coverage_is_valid(repaired.geometry.to_numpy())
    changes = pd.read_csv(tmp_path / "out" / "changes.csv", dtype={"code": str})
    assert changes["code"].iloc[0] == "110101002"
    assert changes["lost_m2"].iloc[0] == pytest.approx(faults["area_m2"].iloc[0], rel=0.001)
    assert "is unchanged" in result.output
    assert "nothing wrong" in result.output


def test_a_repaired_set_has_nothing_left_to_repair(tmp_path):
    areas = write_areas(tmp_path / "streets.geojson")
    run(areas, "--key", "code", "--out", str(tmp_path / "out"))
    again = run(
        str(tmp_path / "out" / "repaired.gpkg"),
        "--key",
        "code",
        "--out",
        "x",
        "--dry-run",
        "--json",
    )
    assert again.return_value == 0
    answer = json.loads(again.output)
    assert answer["usable"] is True
    assert answer["faults"] == {}
    assert answer["areas_changed"] == 0


def test_parents_and_the_last_version_are_compared(tmp_path):
    areas = write_areas(tmp_path / "now.geojson")
    parent = write_areas(
        tmp_path / "districts.geojson", [shapely.box(115.99, 38.99, 116.015, 39.02)], ["110101"]
    )
    last = write_areas(tmp_path / "last.geojson", SQUARES, ["110101001", "110101009"])
    result = run(
        areas, "--key", "code", "--out", str(tmp_path / "o"), "--dry-run", "--json",
        "--parents", parent, "--previous", last,
    )  # fmt: skip
    answer = json.loads(result.output)
    assert answer["severities"] == {"error": 2, "warning": 2}
    assert set(answer["faults"]) == {"overlap", "nesting", "recoded", "uncovered"}
    assert not (tmp_path / "o").exists()


def test_bad_input_is_a_message(tmp_path):
    areas = write_areas(tmp_path / "a.geojson")
    out = ["--out", str(tmp_path / "out")]
    with pytest.raises(GeodataError, match="has no column 'id'; its columns are code"):
        run(areas, "--key", "id", *out)
    with pytest.raises(GeodataError, match="is not projected"):
        run(areas, "--key", "code", *out, "--metric-crs", "EPSG:4326")
    with pytest.raises(InvalidDataError, match="does not exist"):
        run(str(tmp_path / "none.gpkg"), "--key", "code", *out)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").touch()
    with pytest.raises(GeodataError, match="not made by gridgov"):
        run(areas, "--key", "code", "--out", str(tmp_path / "mine"))
    assert not (tmp_path / "out").exists()


def test_a_layer_that_states_no_system_needs_a_datum(tmp_path):
    areas = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=SQUARES)
    with pytest.warns(UserWarning, match="crs"):
        areas.to_file(tmp_path / "a.gpkg")
    words = [str(tmp_path / "a.gpkg"), "--key", "code", "--out", str(tmp_path / "out")]
    with pytest.raises(InvalidDataError, match=r"states no coordinate system.* --datum with one"):
        run(*words)
    assert run(*words, "--datum", "WGS84", "--dry-run").return_value == 2  # the overlap
