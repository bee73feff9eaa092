"""The map of a plan as SVG: street, neighbours by name, cells by appeals, hotspots with the numbers of their tasks.

It is drawn from plain frames, so that the same picture comes from a pack's layers and from the database; scale bar,
north and legend stand inside, so that they are in every form of the document.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.documents.content import Drawing
from planner.documents.drawing import (
    INK,
    QUIET,
    WIDTH,
    cut_text,
    make_drawing,
    make_text,
    measure_text,
)

HEIGHT_MOST = 470.0
MARGIN = 14.0
FOOT = 78.0
"""Height of scale bar and legend below the map."""
DEGREE_M = 111_320.0
"""Length of a degree of latitude on the sphere of 6,371 km, rounded; the picture is good to 0.5 %."""
BAR_MOST = 150.0
STEPS_M = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
OUTSIDE_PX = 8.0
"""Drawn beyond the frame, so that edges of a cut are not seen."""
RADIUS_LEAST = 6.0
"""A hotspot of one compound would be a dot in a large township."""
CELL_FILLS = ("#e4ecf4", "#c9d9e8", "#a5c0d8", "#7ea4c4")
SPOT_FILL, SPOT_LINE = "#c2410c", "#7c2d12"
STREET_LINE, AROUND_LINE, INSIDE_LINE = "#1f2933", "#98a4b0", "#c3ccd4"
AROUND_FILL = "#f4f5f6"


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanGround:
    """What lies under the map of a plan; every frame in EPSG:4326, any may be empty.

    Parameters
    ----------
    streets
        ``street_code name geometry`` of the street and those around it.
    communities
        ``geometry`` of the communities of the street.
    cells
        ``count geometry``: cells of the street with their appeals.
    base
        ``geometry`` of quiet lines (roads, water).
    """

    streets: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame | None = None
    cells: gpd.GeoDataFrame | None = None
    base: gpd.GeoDataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class MapWords:
    """Words inside the map, in the language of the document."""

    label: str
    cells: str
    spot: str
    street: str
    metres: str
    kilometres: str


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A hotspot to draw: centre (EPSG:4326), radius in metres, what is written beside it, its name."""

    lon: float
    lat: float
    radius_m: float
    mark: str
    name: str
    is_task: bool


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """From degrees to pixels: plate carrée with the middle latitude true to scale."""

    west: float
    north: float
    east_px: float
    north_px: float
    px_m: float
    width: float
    height: float

    def place(self, points: Any) -> Any:
        """Return pixels of an array of (lon, lat)."""
        origin, size = (self.west, self.north), (self.east_px, -self.north_px)
        return (np.asarray(points) - origin) * size + MARGIN

    def cut(self, shapes: Iterable[Any]) -> list[Any]:
        """Return the parts of shapes (EPSG:4326) inside the frame and a little around it.

        What lies outside would be clipped in any case, but whoever draws the picture makes room for all of it: the
        neighbours of a street reach far. Edges of the cut lie outside of the frame, so no line of them is seen.
        """
        pad = MARGIN + OUTSIDE_PX
        parts: list[Any] = shapely.get_parts(
            shapely.clip_by_rect(
                list(shapes),
                self.west - pad / self.east_px,
                self.north - (self.height + OUTSIDE_PX - MARGIN) / self.north_px,
                self.west + (self.width + OUTSIDE_PX - MARGIN) / self.east_px,
                self.north + pad / self.north_px,
            )
        ).tolist()
        return parts


def find_spots(hotspots: Sequence[Mapping[str, Any]], tasks: Iterable[Any]) -> tuple[Spot, ...]:
    """Return what the map of a plan marks: tasks by their number, other hotspots by their place in the list."""
    marks = {task.hotspot_id: task.task_no for task in tasks if task.hotspot_id}
    # A hotspot of a whole street has no place on its map.
    return tuple(
        Spot(
            lon=float(spot["lon"]),
            lat=float(spot["lat"]),
            radius_m=float(spot["radius_m"]),
            mark=marks.get(spot["hotspot_id"], str(number)),
            name=str(spot["name"]),
            is_task=spot["hotspot_id"] in marks,
        )
        for number, spot in enumerate(hotspots, start=1)
        if spot.get("scale") != "area" and None not in (spot.get("lon"), spot.get("lat"))
    )


def find_count_classes(
    counts: Sequence[int] | pd.Series, *, most: int = 4
) -> list[tuple[int, int]]:
    """Return classes of whole numbers as (first, last), about as many values in each, none overlapping.

    Examples
    --------
    >>> find_count_classes([1, 1, 1, 2, 3, 9])
    [(1, 1), (2, 2), (3, 9)]
    """
    values = np.asarray(counts, dtype="int64")
    values = np.sort(values[values > 0])
    if not len(values):
        return []
    cuts = np.quantile(values, np.linspace(1 / most, 1, most), method="lower")
    ends = np.unique(np.append(cuts[:-1], values[-1]))
    starts = [int(values[0]), *(int(end) + 1 for end in ends[:-1])]
    return [(first, int(last)) for first, last in zip(starts, ends, strict=True)]


def draw_street_map(
    ground: PlanGround, street_code: str, spots: Sequence[Spot], words: MapWords
) -> Drawing | None:
    """Return the map, None where the street's boundary is not known.

    Parameters
    ----------
    ground
        What lies under it.
    street_code
        The street in the middle.
    spots
        Marks, the first on top.
    words
        In the language of the document.
    """
    own = ground.streets[ground.streets["street_code"] == street_code]
    shape = None if own.empty else shapely.union_all(own.geometry.to_numpy())
    if shape is None or shape.is_empty:
        return None
    frame = _make_frame(shape.bounds)
    right, bottom = frame.width - MARGIN, frame.height - MARGIN
    clip = f'<clipPath id="map"><rect x="0" y="0" width="{frame.width:g}" height="{frame.height:g}"/></clipPath>'
    parts = [f'<defs>{clip}</defs><g clip-path="url(#map)">']
    around = ground.streets[ground.streets["street_code"] != street_code]
    parts.append(_draw_areas(around.geometry, frame, fill=AROUND_FILL, line=AROUND_LINE, width=0.8))
    classes = []
    if ground.cells is not None and not ground.cells.empty:
        classes = find_count_classes(ground.cells["count"])
        parts += _draw_cells(ground.cells, classes, frame)
    if ground.base is not None and not ground.base.empty:
        parts.append(_draw_lines(ground.base.geometry, frame))
    if ground.communities is not None and not ground.communities.empty:
        inside = ground.communities.geometry
        parts.append(_draw_areas(inside, frame, fill="none", line=INSIDE_LINE, width=0.7))
    parts.append(_draw_areas([shape], frame, fill="none", line=STREET_LINE, width=2.2))
    parts += _draw_names(around, frame)
    parts += _draw_spots(spots, frame)
    parts.append("</g>")
    parts.append(
        f'<rect x="0.5" y="0.5" width="{frame.width - 1:g}" height="{frame.height - 1:g}" fill="none" '
        f'stroke="{QUIET}" stroke-width="0.8"/>'
    )
    parts += _draw_north(right - 8, MARGIN + 4)
    parts += _draw_scale(frame, bottom + MARGIN + 16, words)
    parts += _draw_key(classes, frame.height + 38, frame.width, words)
    return make_drawing(parts, width=frame.width, height=frame.height + FOOT, label=words.label)


def _make_frame(bounds: tuple[float, float, float, float]) -> _Frame:
    """Return the frame that holds the bounds with a margin; it is always as wide as the page."""
    west, south, east, north = bounds
    shrink = float(np.cos(np.radians((south + north) / 2)))
    wide_m = max((east - west) * shrink * DEGREE_M, 50.0)
    high_m = max((north - south) * DEGREE_M, 50.0)
    px_m = min((WIDTH - 2 * MARGIN) / wide_m, (HEIGHT_MOST - 2 * MARGIN) / high_m)
    height = max(high_m * px_m + 2 * MARGIN, 200.0)
    # Centred: a narrow street shows its neighbours on both sides.
    spare_x = (WIDTH - 2 * MARGIN - wide_m * px_m) / 2
    spare_y = (height - 2 * MARGIN - high_m * px_m) / 2
    east_px, north_px = px_m * shrink * DEGREE_M, px_m * DEGREE_M
    return _Frame(
        west=west - spare_x / east_px,
        north=north + spare_y / north_px,
        east_px=east_px,
        north_px=north_px,
        px_m=px_m,
        width=WIDTH,
        height=round(height, 1),
    )


def _draw_areas(shapes: Iterable[Any], frame: _Frame, *, fill: str, line: str, width: float) -> str:
    """Return polygons as one path."""
    path = _write_path(shapes, frame)
    return (
        f'<path d="{path}" fill="{fill}" fill-rule="evenodd" stroke="{line}" stroke-width="{width}" '
        f'stroke-linejoin="round"/>'
        if path
        else ""
    )


def _draw_cells(
    cells: gpd.GeoDataFrame, classes: Sequence[tuple[int, int]], frame: _Frame
) -> list[str]:
    """Return the cells, one path a class."""
    parts = []
    for number, (first, last) in enumerate(classes):
        own = cells[(cells["count"] >= first) & (cells["count"] <= last)]
        path = _write_path(own.geometry, frame)
        fill = CELL_FILLS[number + len(CELL_FILLS) - len(classes)]
        if path:
            parts.append(f'<path d="{path}" fill="{fill}"/>')
    return parts


def _draw_lines(lines: Iterable[Any], frame: _Frame) -> str:
    """Return quiet lines as one path."""
    pieces = []
    for line in frame.cut(lines):
        points = _thin(frame.place(shapely.get_coordinates(line)))
        if len(points) > 1:
            pieces.append("M" + "L".join(f"{x:g},{y:g}" for x, y in points))
    return f'<path d="{"".join(pieces)}" fill="none" stroke="#d5dbe0" stroke-width="0.8"/>'


def _draw_names(around: gpd.GeoDataFrame, frame: _Frame) -> list[str]:
    """Return the names of the neighbours, each inside its own visible part; none where it would not fit."""
    view = shapely.box(
        frame.west - MARGIN / frame.east_px,
        frame.north - (frame.height - MARGIN) / frame.north_px,
        frame.west + (frame.width - MARGIN) / frame.east_px,
        frame.north + MARGIN / frame.north_px,
    )
    parts = []
    for row in around.itertuples():
        seen = shapely.intersection(row.geometry, view)
        if seen.is_empty or not seen.area:
            continue
        largest = max(shapely.get_parts([seen]), key=lambda one: one.area)
        if largest.area == 0:
            continue
        words = cut_text(str(row.name), size=10, width=130)
        circle = shapely.maximum_inscribed_circle(largest)
        x, y = frame.place(shapely.get_coordinates(circle)[0]).tolist()
        wide = measure_text(words, size=10)
        corners = np.array(
            [
                (x - wide / 2, y - 5),
                (x + wide / 2, y - 5),
                (x - wide / 2, y + 6),
                (x + wide / 2, y + 6),
            ]
        )
        degrees = (corners - MARGIN) / (frame.east_px, -frame.north_px) + (frame.west, frame.north)
        if shapely.contains_xy(largest, degrees[:, 0], degrees[:, 1]).all():
            parts.append(make_text(x, y + 4, words, size=10, anchor="middle", fill=QUIET))
    return parts


def _draw_spots(spots: Sequence[Spot], frame: _Frame) -> list[str]:
    """Return circles with their marks, the first spot on top; a mark that would cover another moves down."""
    parts: list[str] = []
    taken: list[tuple[float, float, float]] = []
    placed = [(spot, *frame.place((spot.lon, spot.lat)).tolist()) for spot in spots]
    for spot, x, y in reversed(placed):
        radius = max(RADIUS_LEAST, spot.radius_m * frame.px_m)
        fill = f'fill="{SPOT_FILL}" fill-opacity="0.35"' if spot.is_task else 'fill="none"'
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {fill} stroke="{SPOT_LINE}" stroke-width="1.4">'
            f"<title>{escape(spot.mark)} {escape(spot.name)}</title></circle>"
        )
    for spot, x, y in placed:
        radius = max(RADIUS_LEAST, spot.radius_m * frame.px_m)
        wide = measure_text(spot.mark, size=11)
        left = x + radius + 3
        if left + wide > frame.width - 4:
            left = x - radius - 3 - wide
        at = min(max(y + 4, 14.0), frame.height - 4)
        while any(
            abs(at - y0) < 12 and left < x0 + w0 and x0 < left + wide for x0, y0, w0 in taken
        ):
            at += 12
        taken.append((left, at, wide))
        weight = ' font-weight="700"' if spot.is_task else ""
        halo = ' stroke="#fff" stroke-width="3" paint-order="stroke"'
        parts.append(make_text(left, at, spot.mark, extra=weight + halo))
    return parts


def _draw_north(x: float, y: float) -> list[str]:
    """Return the arrow to the north."""
    return [
        f'<path d="M{x:.1f},{y + 26:.1f}v-22l-5,9m5,-9l5,9" fill="none" stroke="{INK}" stroke-width="1.4"/>',
        make_text(x, y + 40, "N", anchor="middle"),
    ]


def _draw_scale(frame: _Frame, y: float, words: MapWords) -> list[str]:
    """Return the scale bar."""
    length = max((step for step in STEPS_M if step * frame.px_m <= BAR_MOST), default=STEPS_M[0])
    text = f"{length} {words.metres}" if length < 1_000 else f"{length // 1_000} {words.kilometres}"
    bar = length * frame.px_m
    return [
        f'<path d="M{MARGIN:g},{y - 6:.1f}v6h{bar:.1f}v-6" fill="none" stroke="{INK}" stroke-width="1.4"/>',
        make_text(MARGIN + bar + 6, y, text),
    ]


def _draw_key(
    classes: Sequence[tuple[int, int]], y: float, width: float, words: MapWords
) -> list[str]:
    """Return the key: what circles, lines and fills mean."""
    del width
    line = f'<path d="M{MARGIN:g},{y + 9:.1f}h18" stroke="{STREET_LINE}" stroke-width="2.2" fill="none"/>'
    x = MARGIN + 24
    parts = [line, make_text(x, y + 13, words.street)]
    x += measure_text(words.street, size=11) + 18
    parts.append(
        f'<circle cx="{x + 6:.1f}" cy="{y + 9:.1f}" r="6" fill="{SPOT_FILL}" fill-opacity="0.35" '
        f'stroke="{SPOT_LINE}" stroke-width="1.4"/>'
    )
    parts.append(make_text(x + 17, y + 13, words.spot))
    if not classes:
        return parts
    x, y = MARGIN, y + 20
    parts.append(make_text(x, y + 13, words.cells))
    x += measure_text(words.cells, size=11) + 10
    for number, (first, last) in enumerate(classes):
        fill = CELL_FILLS[number + len(CELL_FILLS) - len(classes)]
        text = f"{first}" if first == last else f"{first}–{last}"
        parts.append(f'<rect x="{x:.1f}" y="{y + 4:.1f}" width="14" height="10" fill="{fill}"/>')
        parts.append(make_text(x + 18, y + 13, text))
        x += 18 + measure_text(text, size=11) + 14
    return parts


def _write_path(shapes: Iterable[Any], frame: _Frame) -> str:
    """Return the rings of polygons as path data, a tenth of a pixel exact."""
    rings = []
    for polygon in frame.cut(shapes):
        if polygon.geom_type != "Polygon":
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            points = _thin(frame.place(shapely.get_coordinates(ring)))
            if len(points) > 2:
                rings.append("M" + "L".join(f"{x:g},{y:g}" for x, y in points) + "Z")
    return "".join(rings)


def _thin(points: Any) -> list[list[float]]:
    """Return points to a tenth of a pixel, without repeats."""
    rounded = np.asarray(points).round(1)
    moved = np.r_[True, np.any(np.diff(rounded, axis=0) != 0, axis=1)]
    thinned: list[list[float]] = rounded[moved].tolist()
    return thinned
