"""``gridgov rejudge`` on a small pack, and what it says about bad files."""

import json
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from geodata.errors import GeodataError, InvalidDataError
from tests.gridgov.packs import SOUTH, STEP, WEST, write_pack
from web.cli.rejudge import rejudge

EAST_OF_BORDER = (WEST + STEP * 1.1, SOUTH + STEP / 2)
FAR_EAST = (WEST + STEP * 1.9, SOUTH + STEP / 2)


@pytest.fixture
def city(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    return write_pack(tmp_path / "city")


def write_orders(path, points=(EAST_OF_BORDER, FAR_EAST)):
    frame = pd.DataFrame(points, columns=["lon", "lat"])
    frame["order_no"] = [f"D{k}" for k in range(len(frame))]
    frame["text"] = "电话 13800000000"
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def move_border(city, path, shift):
    """Write the pack's streets with the border between the columns moved east."""
    streets = gpd.read_file(city / "streets.geojson")
    border = WEST + STEP

    def move(xy):
        xy = xy.copy()
        xy[abs(xy[:, 0] - border) < 1e-9, 0] += shift
        return xy

    streets["geometry"] = shapely.transform(streets.geometry.to_numpy(), move)
    streets.to_file(path)
    return path


def run(*arguments):
    return CliRunner().invoke(rejudge, [str(a) for a in arguments], catch_exceptions=False)


@pytest.mark.parametrize("kind", [".parquet", ".csv"])
def test_it_shows_what_would_change_and_changes_nothing(city, tmp_path, kind):
    orders = write_orders(tmp_path / f"orders{kind}")
    new = move_border(city, tmp_path / "new.geojson", STEP / 2)
    before = {path: path.read_bytes() for path in city.rglob("*") if path.is_file()}
    result = run(city, orders, "--streets", new, "--out", tmp_path / "changes.csv")
    assert result.exit_code == 0
    assert "1 of 2 orders would change street" in result.output
    assert "nothing was changed" in result.output
    assert {path: path.read_bytes() for path in city.rglob("*") if path.is_file()} == before
    rows = pd.read_csv(tmp_path / "changes.csv", dtype=str)
    assert rows["order_no"].tolist() == ["D0"]
    assert "text" not in rows  # what people said stays where it is
    assert (rows["from_code"] != rows["to_code"]).all()


def test_json(city, tmp_path):
    orders = write_orders(tmp_path / "orders.parquet")
    new = move_border(city, tmp_path / "new.geojson", STEP / 2)
    facts = json.loads(run(city, orders, "--streets", new, "--json").output)
    assert (facts["judged"], facts["changed"], facts["skipped"]) == (2, 1, 0)
    assert facts["counts"][0]["places"] == 1
    same = json.loads(run(city, orders, "--streets", city / "streets.geojson", "--json").output)
    assert (same["changed"], same["counts"]) == (0, [])


def test_a_datum_that_does_not_fit_the_city_is_doubted(city, tmp_path):
    orders = write_orders(tmp_path / "orders.parquet")
    wrong = run(city, orders, "--streets", city / "streets.geojson", "--datum", "BD-09")
    assert "Is --datum right?" in wrong.stderr
    right = run(city, orders, "--streets", city / "streets.geojson")
    assert right.stderr == ""


def test_bad_files_are_named(city, tmp_path):
    orders = write_orders(tmp_path / "orders.parquet")
    streets = city / "streets.geojson"
    with pytest.raises(InvalidDataError, match="lon, lat"):
        bare = tmp_path / "bare.csv"
        bare.write_text("order_no\n1\n")
        run(city, bare, "--streets", streets)
    with pytest.raises(InvalidDataError, match=r"none\.geojson"):
        run(city, orders, "--streets", tmp_path / "none.geojson")
    with pytest.raises(InvalidDataError, match="id"):
        run(city, orders, "--streets", streets, "--code", "id")
    with pytest.raises(GeodataError, match="WGS85"):
        run(city, orders, "--streets", streets, "--datum", "WGS85")
    with pytest.raises(GeodataError, match="expected one of"):
        run(city, orders, "--streets", streets, "--out", tmp_path / "changes.doc")


def test_a_wrong_file_ends_with_2_and_no_traceback(city, tmp_path):
    orders = write_orders(tmp_path / "orders.parquet")
    command = [sys.executable, "-m", "web.cli.main", "rejudge", city, orders, "--streets", orders]
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "orders.parquet" in done.stderr
