"""Vector files and gazetteer tables of the sample pack, each in the datum that its source would have."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.datum import Datum, convert, convert_geometry
from gridgov.sample.land.addresses import shorten_communities
from gridgov.sample.land.named_places import Towns
from gridgov.sample.truth.events import Events

CONSUMER_DATUM = Datum.GCJ02
"""Of everything that comes from a map vendor: places, roads, exceptions."""
KNOWN_SHARE = 0.96
"""Of places that the gazetteer knows: no gazetteer knows all."""
NUMBERED_SHARE = 0.15
"""Of front doors whose position is known; the others must be interpolated."""
DIGITS = 6

EXCEPTIONS = (
    ("E001", "某中央机关家属院（样例）", "D56", "央产小区", 10, 190.0),
    ("E002", "某部委职工住宅区（样例）", "D56", "央产小区", 10, 150.0),
    ("E003", "某国有企业厂区（样例）", "J01", "国有企业", 20, 320.0),
    ("E004", "某铁路站场用地（样例）", "J01", "国有企业", 20, 260.0),
)
"""Code, name, unit, kind, priority, half width in metres of areas that stand above the streets."""


def write_geojson(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write `frame` as GeoJSON, one feature a line, coordinates as short as they are exact."""
    properties = frame.drop(columns="geometry").to_dict("records")
    shapes = shapely.to_geojson(frame.geometry.to_numpy())
    lines = [
        f'{{"type":"Feature","properties":{json.dumps(own, ensure_ascii=False)},"geometry":{shape}}}'
        for own, shape in zip(properties, shapes, strict=True)
    ]
    body = ",\n".join(lines)
    path.write_text(f'{{"type":"FeatureCollection","features":[\n{body}\n]}}\n', encoding="utf-8")


def to_consumer_datum(geometry: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return geometries in :data:`CONSUMER_DATUM`, rounded to :data:`DIGITS` decimals."""
    moved = convert_geometry(geometry, source=Datum.WGS84, target=CONSUMER_DATUM)
    rounded: npt.NDArray[np.object_] = shapely.transform(moved, lambda xy: np.round(xy, DIGITS))
    return rounded


def write_layers(folder: Path, towns: Towns, events: Events) -> list[dict[str, Any]]:
    """Write districts, streets, communities, exceptions and base lines; return the planted exceptions."""
    land = towns.geography
    streets = land.streets.rename(columns={"code": "street_code"})
    write_geojson(
        folder / "streets.geojson", streets[["street_code", "name", "district_code", "geometry"]]
    )
    write_geojson(folder / "districts.geojson", land.districts[["code", "name", "geometry"]])
    communities = land.communities.assign(residents=events.community_residents.astype("int64"))
    communities[["code", "name", "street_code", "residents", "geometry"]].to_parquet(
        folder / "communities.parquet", index=False
    )
    population = communities.groupby("street_code", as_index=False)["residents"].sum()
    population.rename(columns={"residents": "population"}).to_csv(
        folder / "population.csv", index=False, lineterminator="\n"
    )
    lines = towns.roads.lines
    wide = lines[lines["kind"].isin(["avenue", "boundary"])]
    base = gpd.GeoDataFrame(
        {"name": wide["name"]}, geometry=to_consumer_datum(wide.geometry.to_numpy())
    )
    write_geojson(folder / "base.geojson", base)
    exceptions = make_exceptions(towns, events)
    shown = exceptions.set_geometry(to_consumer_datum(exceptions.geometry.to_numpy()))
    write_geojson(
        folder / "exceptions.geojson",
        shown[["code", "name", "unit", "kind", "priority", "geometry"]],
    )
    point = exceptions.geometry.representative_point()
    found = exceptions.drop(columns="geometry").assign(lon=point.x.round(7), lat=point.y.round(7))
    rows: list[dict[str, Any]] = json.loads(found.to_json(orient="records", force_ascii=False))
    return rows


def make_exceptions(towns: Towns, events: Events) -> gpd.GeoDataFrame:
    """Return the exception areas, EPSG:4326: about compounds of the town that hold no hotspot."""
    places = towns.places
    zone = towns.geography.communities["zone"].to_numpy()[places["community"]]
    usual = (places["kind"] == "compound") & (zone == 0) & (places["residents"] > 1000)
    hot = events.hotspots
    candidates = np.flatnonzero(usual)
    far = np.ones(len(candidates), bool)
    for lon, lat in zip(hot["lon"], hot["lat"], strict=True):
        away = np.hypot(
            places["lon"].to_numpy()[candidates] - lon, places["lat"].to_numpy()[candidates] - lat
        )
        far &= away > 0.015
    chosen = candidates[far][:: max(1, far.sum() // len(EXCEPTIONS))][: len(EXCEPTIONS)]
    rows = []
    for k, (code, name, unit, kind, priority, half_m) in zip(chosen, EXCEPTIONS, strict=True):
        lon, lat = places["lon"].iloc[k], places["lat"].iloc[k]
        dy = half_m / 111_320
        dx = dy / np.cos(np.radians(lat))
        box = shapely.affinity.rotate(
            shapely.box(lon - dx, lat - 0.8 * dy, lon + dx, lat + 0.8 * dy), 7
        )
        rows.append((code, name, unit, kind, priority, box))
    columns = ["code", "name", "unit", "kind", "priority", "geometry"]
    return gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=columns), geometry="geometry", crs="EPSG:4326"
    )


def write_gazetteer(folder: Path, towns: Towns, events: Events, rng: np.random.Generator) -> None:
    """Write places.csv, communities.csv, numbers.csv and roads.geojson, in :data:`CONSUMER_DATUM`."""
    land = towns.geography
    street = land.communities["street_code"].map(land.streets.set_index("code")["name"])
    district = land.communities["code"].str[:6].map(land.districts.set_index("code")["name"])
    area = pd.DataFrame(
        {"street": street, "district": district, "community": shorten_communities(towns)}
    )
    places = towns.places.assign(residents=events.place_residents.astype("int64"))
    places = places[rng.random(len(places)) < KNOWN_SHARE]
    table = (
        places[["name", "alias", "type", "residents"]]
        .rename(columns={"alias": "aliases"})
        .reset_index(drop=True)
    )
    own = area.iloc[places["community"].to_numpy()].reset_index(drop=True)
    _write_points(
        folder / "places.csv", pd.concat([table, own], axis=1), places["lon"], places["lat"]
    )
    middle = land.communities.geometry.representative_point()
    names = pd.DataFrame({"name": area["community"], "aliases": land.communities["name"]})
    _write_points(
        folder / "communities.csv",
        pd.concat([names, area[["street", "district"]]], axis=1),
        middle.x,
        middle.y,
    )
    numbers = towns.roads.numbers[rng.random(len(towns.roads.numbers)) < NUMBERED_SHARE]
    where = towns.number_community[numbers.index]
    numbers, where = numbers[where >= 0], where[where >= 0]
    doors = pd.DataFrame(
        {
            "road": towns.roads.lines["name"].to_numpy()[numbers["road"]],
            "number": numbers["number"].to_numpy(),
            "street": area["street"].to_numpy()[where],
            "district": area["district"].to_numpy()[where],
        }
    )
    _write_points(folder / "numbers.csv", doors, numbers["lon"], numbers["lat"])
    lines = towns.roads.lines
    names_of = land.districts.set_index("code")["name"]
    roads = gpd.GeoDataFrame(
        {"name": lines["name"], "district": lines["district_code"].map(names_of)},
        geometry=to_consumer_datum(lines.geometry.to_numpy()),
    )
    write_geojson(folder / "roads.geojson", roads)


def _write_points(path: Path, table: pd.DataFrame, lon: npt.ArrayLike, lat: npt.ArrayLike) -> None:
    x, y = convert(lon, lat, source=Datum.WGS84, target=CONSUMER_DATUM)
    table = table.assign(lon=np.round(x, DIGITS), lat=np.round(y, DIGITS))
    table.to_csv(path, index=False, lineterminator="\n")
