"""What the map of one order shows: outlines around it, its point with its uncertainty, points given as evidence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.services.city_runtime import CityRuntime
from gridgov.storage.queries.order_detail import OrderDetail
from web.kit.service import get_runtime

HALF_WIDTH_DEG = 0.02
"""Half of the shown square in degrees of latitude, about two kilometres: a street and its neighbours."""
STEP_DEG = 1e-5
"""Steps of the outlines' coordinates, about a metre."""


def make_order_map(session: Session, detail: OrderDetail) -> dict[str, Any] | None:
    """Return the data of the map, None where the place is not known or the city's layers are not at hand."""
    del session
    appeal = detail.appeal
    if appeal.lon is None or appeal.lat is None:
        return None
    try:
        runtime = get_runtime()
    except GridgovError:
        return None
    evidence = [one.evidence for one in detail.disputes if one.evidence]
    streets = find_outlines(
        runtime,
        appeal.lon,
        appeal.lat,
        own=appeal.street_code or "",
        also=[(one["lon"], one["lat"]) for one in evidence],
    )
    names = {one["properties"]["code"]: one["properties"]["name"] for one in streets["features"]}
    shown = [
        {
            "lon": one["lon"],
            "lat": one["lat"],
            "code": one["street_code"],
            # As the map writes it: boundaries may have changed since, then as the city has it.
            "name": names.get(one["street_code"]) or runtime.city.names.get(one["street_code"], ""),
        }
        for one in evidence
    ]
    return {
        "lon": appeal.lon,
        "lat": appeal.lat,
        "uncertainty_m": appeal.uncertainty_m or 0,
        "streets": streets,
        "evidence": shown,
    }


def name_apart(names: pd.Series, codes: pd.Series, runtime: CityRuntime) -> list[str]:
    """Return names of streets that tell them apart: with the district's where two of the city have the same."""
    streets = runtime.city.streets
    twice = set(streets.loc[streets["name"].duplicated(keep=False), "name"])
    districts = runtime.book.street_districts
    said = []
    for name, code in zip(names, codes, strict=True):
        district = runtime.city.names.get(districts.get(code, ""), "")
        said.append(f"{name}（{district or code}）" if name in twice else str(name))
    return said


def find_outlines(
    runtime: CityRuntime,
    lon: float,
    lat: float,
    *,
    own: str,
    also: Sequence[tuple[float, float]] = (),
) -> dict[str, Any]:
    """Return the streets around a point as GeoJSON; ``own`` marks the one it lies in.

    They are whole, so that no edge of a cut looks like a border; each has a point inside the part near the place, where
    its name stands.

    Parameters
    ----------
    lon, lat
        Of the point, degrees EPSG:4326.
    own
        Code of its street.
    also
        Longitude and latitude of more points whose surroundings are shown too.
    """
    streets = runtime.city.streets
    boxes = [
        (
            x - HALF_WIDTH_DEG * 1.3,
            y - HALF_WIDTH_DEG,
            x + HALF_WIDTH_DEG * 1.3,
            y + HALF_WIDTH_DEG,
        )
        for x, y in [(lon, lat), *also]
    ]
    found = {
        at
        for box in boxes
        for at in streets.sindex.query(shapely.box(*box), predicate="intersects")
    }
    near = streets.iloc[sorted(found)]
    names = name_apart(near["name"], near["street_code"], runtime)
    whole = near.geometry.to_numpy()
    shapes = shapely.simplify(whole, STEP_DEG * 2, preserve_topology=True)
    shapes = shapely.set_precision(shapes, STEP_DEG, mode="pointwise")
    words = _find_inside(whole, boxes[0])
    for box in boxes[1:]:
        words = np.where(shapely.is_empty(words), _find_inside(whole, box), words)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(shape),
                "properties": {
                    "code": code,
                    "name": name,
                    "own": code == own,
                    "words_at": [word.y, word.x],
                },
            }
            for shape, word, code, name in zip(
                shapes, words, near["street_code"], names, strict=True
            )
            if not word.is_empty
        ],
    }


def _find_inside(shapes: Any, box: tuple[float, float, float, float]) -> Any:
    """Return a point within the part of each shape in a box (west, south, east, north), empty where none lies in it."""
    return shapely.point_on_surface(shapely.make_valid(shapely.clip_by_rect(shapes, *box)))
