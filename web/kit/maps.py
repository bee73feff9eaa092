"""Maps of the rooms: folium makes the map, its scale and its base; our own module draws the layers from data.

One base style for all: a quiet ground, fills by class, lines of the areas above them. Colours are names of the page's
style, so that the dark mode needs no second map. Texts reach the page as data and are set as text, never as markup.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from folium.template import Template
from markupsafe import Markup

from geodata.datum import Datum, convert, convert_geometry, parse_datum
from planner.documents.maps import (
    CERTAINTIES,
    KIND_LINES,
    add_layer,
    make_base_map,
    make_classes,
    render_map,
)

CLASS_COUNT = 5
DEGREE_M = 111_320.0
"""Metres of one degree of latitude, and of longitude at the equator."""
AREA_TOLERANCE_M = {"street": 60.0, "community": 15.0, "cell": 0.0, "district": 80.0}
"""How far a simplified edge may lie from the true one: invisible at the zoom in which the kind is shown."""
PRECISION = {"street": 1e-4, "community": 1e-5, "cell": 1e-5, "district": 1e-4}
"""Steps of coordinates in degrees."""
CITY_BOUNDS = (73.0, 18.0, 135.0, 54.0)
"""Shown where no area is loaded yet: the whole country."""


@dataclass(frozen=True, kw_only=True)
class BaseMap:
    """Tiles under a map: address with ``{z}/{x}/{y}``, their datum, and the line that credits them."""

    url: str
    datum: Datum
    credit: str


@dataclass(frozen=True, kw_only=True)
class RoomMap:
    """A map for a page: its element, its script (for a module that has ``gridgovMaps``), and its name there."""

    element: Markup
    script: Markup
    name: str


class RoomLayer(folium.MacroElement):
    """A layer drawn by ``web/static/js/map_layers.js``.

    Parameters
    ----------
    draw
        Function of that module.
    options
        Its data; must be JSON.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}\n"
        "gridgovMaps.{{ this.draw }}({{ this._parent.get_name() }}, {{ this.data }});\n"
        "{% endmacro %}"
    )

    def __init__(self, draw: str, options: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca has no types
        self._name = "room_layer"
        self.draw = draw
        self.data = make_script_json(options)


def make_script_json(value: object) -> str:
    """Return a value as JSON that can stand inside a script: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def make_base(url: str, *, datum: str = "WGS84", credit: str = "") -> BaseMap | None:
    """Return the base map of the settings, None where none is set.

    Raises
    ------
    GeodataError
        The datum is not known.
    """
    return BaseMap(url=url, datum=parse_datum(datum), credit=credit) if url else None


def make_room_map(
    bounds: Sequence[float] | None, *, name: str = "map_room", base: BaseMap | None = None
) -> folium.Map:
    """Return an empty map of the one base style.

    Parameters
    ----------
    bounds
        West, south, east, north in degrees, EPSG:4326; None where nothing is loaded yet.
    name
        Two words joined by ``_``, unique in its page.
    base
        Tiles; none is needed.
    """
    made = make_base_map(name, move_bounds(bounds or CITY_BOUNDS, base))
    if base is not None:
        tiles = folium.TileLayer(tiles=base.url, attr=base.credit or " ", name="base")
        add_layer(made, tiles, "base")
    return made


def render_room(made: folium.Map, bounds: Sequence[float] | None, base: BaseMap | None) -> RoomMap:
    """Return the pieces of a map for the page."""
    parts = render_map(made, move_bounds(bounds or CITY_BOUNDS, base))
    return RoomMap(
        element=Markup(parts.element),  # noqa: S704 - made by folium without any text of ours
        script=Markup(parts.script),  # noqa: S704 - data in it went through make_script_json
        name=parts.name,
    )


def move_bounds(bounds: Sequence[float], base: BaseMap | None) -> tuple[float, ...]:
    """Return bounds in the datum of the base map."""
    x, y = convert(
        [bounds[0], bounds[2]], [bounds[1], bounds[3]], source=Datum.WGS84, target=get_datum(base)
    )
    return float(x[0]), float(y[0]), float(x[1]), float(y[1])


def get_datum(base: BaseMap | None) -> Datum:
    """Return the datum in which a map is drawn."""
    return Datum.WGS84 if base is None else base.datum


def find_bounds(frame: gpd.GeoDataFrame) -> tuple[float, ...] | None:
    """Return the bounds of all shapes, None where there are none."""
    if frame.empty or frame.geometry.is_empty.all():
        return None
    return tuple(float(value) for value in frame.total_bounds)


# --- shapes ---------------------------------------------------------------------------------------


def make_shapes(areas: gpd.GeoDataFrame, kind: str, *, base: BaseMap | None = None) -> bytes:
    """Return areas as compact GeoJSON, UTF-8: ``id`` is the code, ``name`` its only property.

    Shared edges are simplified together, so that no gaps open between neighbours.

    Parameters
    ----------
    areas
        ``code name geometry``, EPSG:4326.
    kind
        A key of :data:`AREA_TOLERANCE_M`.
    base
        The base map under them: shapes are moved into its datum.
    """
    shapes = simplify(areas.geometry.to_numpy(), tolerance_m=AREA_TOLERANCE_M[kind])
    shapes = convert_geometry(shapes, source=Datum.WGS84, target=get_datum(base))
    shapes = shapely.set_precision(shapes, PRECISION[kind], mode="pointwise")
    features = ",".join(
        f'{{"type":"Feature","id":{json.dumps(str(code))},"properties":{{"name":'
        f'{json.dumps(str(name), ensure_ascii=False)}}},"geometry":{text}}}'
        for code, name, text in zip(
            areas["code"], areas["name"], shapely.to_geojson(shapes), strict=True
        )
    )
    return f'{{"type":"FeatureCollection","features":[{features}]}}'.encode()


def simplify(shapes: Any, *, tolerance_m: float) -> Any:
    """Return shapes with simpler edges, shared ones alike; what would vanish stays as it was."""
    if tolerance_m <= 0 or not len(shapes):
        return shapes
    simple = shapely.coverage_simplify(shapes, tolerance_m / DEGREE_M)
    return np.where(shapely.is_empty(simple), shapes, simple)


# --- layers ---------------------------------------------------------------------------------------


def add_areas(
    made: folium.Map,
    values: Mapping[str, float],
    *,
    shapes_url: str,
    limits: Sequence[float],
    texts: Mapping[str, Any],
) -> None:
    """Add areas filled by class.

    Parameters
    ----------
    values
        Quantity by code; areas without one are drawn as none.
    shapes_url
        Where the page fetches :func:`make_shapes`.
    limits
        Upper limits of the classes.
    texts
        What the page's module needs beside: ``unit``, ``links`` (label and address, ``CODE`` in it replaced).
    """
    options = {"values": dict(values), "shapes": shapes_url, "limits": list(limits), **texts}
    add_layer(made, RoomLayer("addAreas", options), "areas")


def add_ground(made: folium.Map, *, shapes_url: str) -> None:
    """Add areas as quiet ground, where no quantity fills them."""
    add_layer(made, RoomLayer("addGround", {"shapes": shapes_url}), "ground")


def add_outlines(made: folium.Map, *, shapes_url: str, name: str = "outlines") -> None:
    """Add the lines of areas above all fills."""
    add_layer(made, RoomLayer("addOutlines", {"shapes": shapes_url}), name)


def add_spots(
    made: folium.Map, spots: gpd.GeoDataFrame, *, most: float, base: BaseMap | None = None
) -> None:
    """Add hotspots: their cells as shapes and one circle each, whose area follows the quantity.

    Parameters
    ----------
    spots
        ``code name kind q n lon lat geometry``, ``tips`` pairs of label and text, ``href`` its link.
    most
        The largest ``n``, so that circles of two maps compare.
    base
        The base map under them.
    """
    shapes = convert_geometry(spots.geometry.to_numpy(), source=Datum.WGS84, target=get_datum(base))
    shapes = shapely.set_precision(shapes, PRECISION["cell"], mode="pointwise")
    places = move_points(spots, base)
    rows = [
        {
            "code": str(row["code"]),
            "name": str(row["name"]),
            "kind": str(row["kind"]),
            "opacity": find_opacity(float(row["q"])),
            "weight": KIND_LINES[str(row["kind"])][0],
            "dashes": KIND_LINES[str(row["kind"])][1],
            "radius": round(3.5 + 7.5 * (float(row["n"]) / max(most, 1.0)) ** 0.5, 2),
            "at": place,
            "tips": row["tips"],
            "href": row["href"],
            "shape": json.loads(shape),
        }
        for row, place, shape in zip(
            spots.drop(columns=spots.geometry.name).to_dict("records"),
            places,
            shapely.to_geojson(shapes),
            strict=True,
        )
    ]
    add_layer(made, RoomLayer("addSpots", {"spots": rows}), "spots")


def add_points(
    made: folium.Map, points: pd.DataFrame, *, base: BaseMap | None = None, name: str = "points"
) -> None:
    """Add places with a word for their state: whistle calls, plans.

    Parameters
    ----------
    points
        ``code name lon lat tone icon label tips href``: ``tone`` names the colour, ``icon`` the sign of the same.
    base
        The base map under them.
    """
    columns = ("code", "name", "tone", "icon", "label", "tips", "href")
    places = move_points(points, base)
    rows = [
        {"at": place, **{column: row[column] for column in columns}}
        for row, place in zip(points.to_dict("records"), places, strict=True)
    ]
    add_layer(made, RoomLayer("addPoints", {"points": rows}), name)


def move_points(frame: pd.DataFrame, base: BaseMap | None) -> list[list[float]]:
    """Return latitude and longitude of rows in the datum of the base map, as Leaflet takes them."""
    lon, lat = frame["lon"].to_numpy(np.float64), frame["lat"].to_numpy(np.float64)
    lon, lat = convert(lon, lat, source=Datum.WGS84, target=get_datum(base))
    return [[round(float(y), 5), round(float(x), 5)] for x, y in zip(lon, lat, strict=True)]


def find_opacity(q: float) -> float:
    """Return how solid a hotspot of this false-discovery value is drawn."""
    return next((opacity for limit, opacity in CERTAINTIES if q <= limit), CERTAINTIES[-1][1])


def find_limits(values: Sequence[float]) -> tuple[float, ...]:
    """Return upper limits of :data:`CLASS_COUNT` classes of about equal size, each once."""
    limits = make_classes(pd.Series(values, dtype="float64"), count=CLASS_COUNT)
    distinct = tuple(sorted({limit for limit in limits if limit > 0}))
    return distinct or (1.0,)
