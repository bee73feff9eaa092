"""Compile the kernels once, at set-up, so that the first real job does not wait for the compiler.

    python script/warm.py land         boundaries, grid, distances
    python script/warm.py addresses    gazetteer and geocoder

The two parts know nothing of each other: set-up runs them at the same time, one on each core. A tiny invented
town goes through the same calls as a city; results of earlier set-ups are kept by the compiler's own cache.
"""

import gc
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.areas import AreaIndex, area_probabilities
from geodata.datum import Datum, convert
from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Gazetteer, Geocoder, make_gazetteer
from geodata.territory import load_territory, make_territory, save_territory

WEST, SOUTH, STEP = 116.40, 39.90, 0.004
EXTENT = shapely.box(WEST - STEP, SOUTH - STEP, WEST + 6 * STEP, SOUTH + 6 * STEP)
ROADS = ("东直门内大街", "安定路", "和平里北街", "学院南路", "丰收胡同")


def make_squares(side: float, code: str) -> gpd.GeoDataFrame:
    """Return areas that share edges, one with a hole and an island in it."""
    boxes = [
        shapely.box(
            WEST + i * side, SOUTH + j * side, WEST + (i + 1) * side, SOUTH + (j + 1) * side
        )
        for i in range(2)
        for j in range(2)
    ]
    island = boxes[0].centroid.buffer(side / 8)
    boxes[0], boxes[3] = boxes[0] - island, shapely.MultiPolygon([boxes[3], island])
    codes = [f"110101{n:03d}{code}" for n in range(1, 5)]
    return gpd.GeoDataFrame({"code": codes, "name": codes}, geometry=boxes, crs="EPSG:4326")


def warm_land() -> None:
    """Compile what places points in areas and cells, built here and loaded from files."""
    streets = make_squares(2 * STEP, "").rename(columns={"code": "street_code"})
    communities = make_squares(2 * STEP, "001").rename(columns={"code": "community_code"})
    communities["street_code"] = communities["community_code"].str[:9]
    rng = np.random.default_rng(0)
    lon = rng.uniform(WEST - STEP, WEST + 5 * STEP, 5_000)
    lat = rng.uniform(SOUTH - STEP, SOUTH + 5 * STEP, 5_000)
    for datum in (Datum.GCJ02, Datum.BD09):
        convert(
            *convert(lon, lat, source=Datum.WGS84, target=datum), source=datum, target=Datum.WGS84
        )
    streets["district_code"] = "110101"
    made = make_territory(streets, metric_crs="EPSG:4548", communities=communities)
    with tempfile.TemporaryDirectory() as folder:
        save_territory(made, Path(folder) / "territory")
        loaded = load_territory(Path(folder) / "territory")
        index = AreaIndex.build(streets.geometry.to_numpy(), streets["street_code"].tolist())
        index.save(Path(folder) / "index")
        mapped = AreaIndex.load(Path(folder) / "index")
        for territory in (made, loaded):
            territory.judge(lon, lat, np.full(len(lon), 60.0))
        for one in (index, mapped):
            one.locate(lon, lat)
            one.near(lon, lat)
            area_probabilities(one, lon[:50], lat[:50], np.full(50, 90.0))
        mapped.prepare_near()  # the tree of nearest edges, which else comes with millions of points
        mapped.near(lon, lat)


def make_sources() -> list[GazetteerSource]:
    """Return roads with house numbers, compounds and areas of the town."""
    rng = np.random.default_rng(0)
    lines, rows = [], []
    for row, road in enumerate(ROADS):
        lat = SOUTH + (row + 0.5) * STEP
        lines.append(shapely.LineString([(WEST, lat), (WEST + 5 * STEP, lat)]))
        rows += [
            (f"{road}{n}号", WEST + n * STEP / 20, lat + 1e-4 * (n % 2)) for n in range(1, 99, 3)
        ]
    crossing = shapely.LineString([(WEST + STEP, SOUTH), (WEST + STEP, SOUTH + 5 * STEP)])
    roads = pd.DataFrame({"name": [*ROADS, "中轴路"], "geometry": [*lines, crossing]})
    numbers = pd.DataFrame(rows, columns=["address", "lon", "lat"])
    names = [f"{a}{b}{c}" for a in "花树石泉" for b in "园村桥井" for c in ("小区", "家园", "大厦")]
    lon, lat = WEST + rng.random(len(names)) * 5 * STEP, SOUTH + rng.random(len(names)) * 5 * STEP
    places = pd.DataFrame({"name": names, "lon": lon, "lat": lat, "aliases": ""})
    areas = make_squares(2 * STEP, "")
    areas["name"] = ["东街街道", "西街街道", "南街街道", "北街街道"]
    return [
        GazetteerSource(frame=roads.astype({"name": "str"}), kind="road", name="roads"),
        GazetteerSource(frame=numbers, kind="address", name="numbers"),
        GazetteerSource(frame=places, kind="place", name="places"),
        GazetteerSource(frame=pd.DataFrame(areas), kind="street", name="streets"),
    ]


def warm_addresses() -> None:
    """Compile what reads addresses and places them, built here and loaded from a file."""
    made = make_gazetteer(make_sources(), extent=EXTENT, city="北京市")
    asked = pd.Series(
        [
            "东街街道安定路17号院3号楼",
            "安定路与中轴路交叉口",
            "花园小区附近",
            "和平里北街甲5号对面",
            "xyz",
            "",
        ],
        dtype="str",
    )
    with tempfile.TemporaryDirectory() as folder:
        made.save(Path(folder) / "gazetteer.bin")
        loaded = Gazetteer.load(Path(folder) / "gazetteer.bin")
        for gazetteer in (made, loaded):
            geocoder = Geocoder(gazetteer, extent=EXTENT)
            geocoder.locate(asked)
            for text in ("东街街道安定", "学院南路3"):
                geocoder.suggest(text)


PARTS = {"land": warm_land, "addresses": warm_addresses}

if __name__ == "__main__":
    gc.disable()  # a tenth of the compiler's time goes into looking for garbage that is not there
    PARTS[sys.argv[1]]()
