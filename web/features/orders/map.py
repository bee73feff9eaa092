"""What the map of one order shows: outlines around it, its point with the circle of its uncertainty."""

from typing import Any

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


def find_outlines(runtime: CityRuntime, lon: float, lat: float, *, own: str) -> dict[str, Any]:
    """Return the streets around a point as GeoJSON, cut to a square; ``own`` marks the one it lies in."""
    streets = runtime.city.streets
    box = (
        lon - HALF_WIDTH_DEG * 1.3,
        lat - HALF_WIDTH_DEG,
        lon + HALF_WIDTH_DEG * 1.3,
        lat + HALF_WIDTH_DEG,
    )
    near = streets.iloc[sorted(streets.sindex.query(shapely.box(*box), predicate="intersects"))]
    cut = shapely.set_precision(shapely.clip_by_rect(near.geometry.to_numpy(), *box), STEP_DEG)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(shape),
                "properties": {"code": code, "name": name, "own": code == own},
            }
            for shape, code, name in zip(cut, near["street_code"], near["name"], strict=True)
            if not shape.is_empty
        ],
    }
