"""What the map of one order shows: outlines around it, its point with the circle of its uncertainty."""

from typing import Any

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
    return {
        "lon": appeal.lon,
        "lat": appeal.lat,
        "uncertainty_m": appeal.uncertainty_m or 0,
        "streets": find_outlines(runtime, appeal.lon, appeal.lat, own=appeal.street_code or ""),
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


def find_outlines(runtime: CityRuntime, lon: float, lat: float, *, own: str) -> dict[str, Any]:
    """Return the streets around a point as GeoJSON; ``own`` marks the one it lies in.

    They are whole, so that no edge of a cut looks like a border; each has a point inside the part near the place, where
    its name stands.
    """
    streets = runtime.city.streets
    box = (
        lon - HALF_WIDTH_DEG * 1.3,
        lat - HALF_WIDTH_DEG,
        lon + HALF_WIDTH_DEG * 1.3,
        lat + HALF_WIDTH_DEG,
    )
    near = streets.iloc[sorted(streets.sindex.query(shapely.box(*box), predicate="intersects"))]
    names = name_apart(near["name"], near["street_code"], runtime)
    whole = near.geometry.to_numpy()
    shapes = shapely.simplify(whole, STEP_DEG * 2, preserve_topology=True)
    shapes = shapely.set_precision(shapes, STEP_DEG, mode="pointwise")
    words = shapely.point_on_surface(shapely.make_valid(shapely.clip_by_rect(whole, *box)))
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
