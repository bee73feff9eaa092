"""The map of a printed plan: the street with its communities, hotspots as circles, drawn as SVG that needs no script.

Only the layout is made here, in pixels; the template draws it in the colours of the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

WIDTH, HEIGHT = 680.0, 440.0
MARGIN = 18.0
LEAST_RADIUS = 5.0
"""A hotspot of one compound would be a dot in a large township."""
DEGREE_M = 111_320.0
"""Length of a degree of latitude on the sphere of 6,371 km, rounded; the picture is good to 0.5 %."""
BAR_MOST = 160.0
"""Pixels that the scale bar may take."""
STEPS_M = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A hotspot in the picture: centre and radius in pixels, number of its task or of its row, kind, name."""

    x: float
    y: float
    radius: float
    mark: str
    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class PlanPicture:
    """What the template draws.

    Parameters
    ----------
    width, height
        Of the picture, pixels.
    outline, inside
        Path data of the street and of the boundaries inside it.
    spots
        Hotspots, the first of the plan on top.
    bar_m, bar
        Length of the scale bar, metres and pixels.
    """

    width: float
    height: float
    outline: str
    inside: str
    spots: tuple[Spot, ...]
    bar_m: int
    bar: float


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """From degrees to pixels: plate carrée with the middle latitude true to scale."""

    west: float
    north: float
    east_px: float
    north_px: float

    def place(self, points: Any) -> Any:
        """Return pixels of an array of (lon, lat)."""
        return (np.asarray(points) - (self.west, self.north)) * (
            self.east_px,
            -self.north_px,
        ) + MARGIN


def make_plan_picture(
    street: gpd.GeoDataFrame, inside: gpd.GeoDataFrame, document: Mapping[str, Any]
) -> PlanPicture | None:
    """Return the picture of a plan, None where the street's boundary is not known.

    Parameters
    ----------
    street, inside
        The street's area, and those of its communities; EPSG:4326.
    document
        The plan (``planner/documents/plan.schema.json``).
    """
    shape = None if street.empty else shapely.union_all(street.geometry.to_numpy())
    if shape is None or shape.is_empty:
        return None
    west, south, east, north = shape.bounds
    shrink = float(np.cos(np.radians((south + north) / 2)))
    wide_m = max((east - west) * shrink * DEGREE_M, 1.0)
    high_m = max((north - south) * DEGREE_M, 1.0)
    px_m = min((WIDTH - 2 * MARGIN) / wide_m, (HEIGHT - 2 * MARGIN) / high_m)
    frame = _Frame(
        west=west, north=north, east_px=px_m * shrink * DEGREE_M, north_px=px_m * DEGREE_M
    )
    bar_m = max((step for step in STEPS_M if step * px_m <= BAR_MOST), default=STEPS_M[0])
    return PlanPicture(
        width=round(wide_m * px_m + 2 * MARGIN, 1),
        height=round(high_m * px_m + 2 * MARGIN, 1),
        outline=_write_path([shape], frame),
        inside=_write_path(inside.geometry, frame),
        spots=_place_spots(document["hotspots"], document["tasks"], frame, px_m),
        bar_m=bar_m,
        bar=round(bar_m * px_m, 1),
    )


def _place_spots(
    spots: Sequence[Mapping[str, Any]],
    tasks: Iterable[Mapping[str, Any]],
    frame: _Frame,
    px_m: float,
) -> tuple[Spot, ...]:
    marks = {task["hotspot_id"]: task["task_no"] for task in tasks}
    placed = []
    for number, spot in enumerate(spots, start=1):
        x, y = frame.place((spot["lon"], spot["lat"])).round(1).tolist()
        placed.append(
            Spot(
                x=x,
                y=y,
                radius=round(max(LEAST_RADIUS, spot["radius_m"] * px_m), 1),
                mark=marks.get(spot["hotspot_id"], str(number)),
                kind=spot["kind"],
                name=spot["name"],
            )
        )
    return tuple(reversed(placed))


def _write_path(shapes: Iterable[Any], frame: _Frame) -> str:
    """Return the rings of polygons as path data, a tenth of a pixel exact."""
    rings = []
    for polygon in shapely.get_parts(list(shapes)):
        for ring in (polygon.exterior, *polygon.interiors):
            points = frame.place(shapely.get_coordinates(ring)).round(1)
            moved = np.r_[True, np.any(np.diff(points, axis=0) != 0, axis=1)]
            rings.append("M" + "L".join(f"{x:g},{y:g}" for x, y in points[moved].tolist()) + "Z")
    return "".join(rings)
