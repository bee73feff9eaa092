"""Clients that others wrote read what is served: GDAL by OAPIF and MVT, and OWSLib."""

import json
import os
import subprocess
import sys

import pytest
from owslib.ogcapi.features import Features

from tests.gridgov.services.city import INSIDE, STREET
from tests.web.features.ogc.test_tiles import find_tile

READ = """
import json, sys
import pyogrio
asked = json.load(sys.stdin)
pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": asked["token"]})
told = {"layers": sorted(str(name) for name, _ in pyogrio.list_layers("OAPIF:" + asked["url"]))}
frame = pyogrio.read_dataframe("OAPIF:" + asked["url"], layer="orders")
told["orders"] = sorted(frame["order_no"])
told["crs"] = frame.crs.to_epsg() or str(frame.crs)
box = pyogrio.read_dataframe("OAPIF:" + asked["url"], layer="streets", bbox=tuple(asked["bbox"]))
told["streets"] = sorted(box["code"])
where = pyogrio.read_dataframe("OAPIF:" + asked["url"], layer="streets", where="code = '%s'" % asked["street"])
told["where"] = sorted(where["code"])
tile = pyogrio.read_dataframe("MVT:" + asked["tile"], layer="streets")
told["tile"] = sorted(set(tile["code"]))
told["bounds"] = list(tile.to_crs("EPSG:4326").total_bounds)
json.dump(told, sys.stdout)
"""


@pytest.fixture(scope="module")
def read_by_gdal(served, headers, address, tmp_path_factory):
    """What GDAL reads, in a process of its own: ours has told the library off most drivers."""
    lon, lat = INSIDE
    y, x = find_tile(13)
    path = f"/ogc/collections/streets/tiles/WebMercatorQuad/13/{y}/{x}"
    # GDAL knows where a tile lies by a name of this form.
    file = tmp_path_factory.mktemp("tiles") / "13" / str(x) / f"{y}.mvt"
    file.parent.mkdir(parents=True)
    file.write_bytes(served.app.test_client().get(path, headers=headers).data)
    asked = {
        "url": f"{address}/ogc",
        "token": headers["Authorization"].removeprefix("Bearer "),
        "bbox": [lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001],
        "street": STREET,
        "tile": str(file),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ],
        input=json.dumps(asked),
        env={name: value for name, value in os.environ.items() if name != "GDAL_SKIP"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_gdal_reads_the_features(read_by_gdal, served):
    told = read_by_gdal
    assert {"orders", "streets", "cells", "hotspots", "tasks"} <= set(told["layers"])
    assert set(served.filled.order_nos) <= set(told["orders"])
    assert told["streets"] == told["where"] == [STREET]


def test_gdal_reads_a_tile(read_by_gdal):
    assert STREET in read_by_gdal["tile"]
    west, south, east, north = read_by_gdal["bounds"]
    assert west < INSIDE[0] < east
    assert south < INSIDE[1] < north


def test_owslib_finds_its_way(headers, address):
    found = Features(f"{address}/ogc", headers=headers)
    assert (
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
        in (found.conformance()["conformsTo"])
    )
    assert {"streets", "orders"} <= set(found.feature_collections())
    assert found.collection("streets")["id"] == "streets"
    assert "code" in found.collection_queryables("streets")["properties"]
    lon, lat = INSIDE
    page = found.collection_items("streets", bbox=[lon, lat, lon + 1e-5, lat + 1e-5], limit=5)
    assert [one["id"] for one in page["features"]] == [STREET]
    filtered = found.collection_items("streets", filter=f"code = '{STREET}'")
    assert [one["id"] for one in filtered["features"]] == [STREET]
    assert found.collection_item("streets", STREET)["id"] == STREET
    assert found.api()["openapi"].startswith("3.0")
