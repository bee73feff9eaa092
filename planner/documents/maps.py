"""Maps by folium, without any foreign host: quiet areas, hotspots with certainty as opacity and kind as outline."""

import html
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.frames import HotspotKind
from planner.plans.plan_text import load_words

ASSETS = {"js": (("leaflet", "leaflet/leaflet.js"),), "css": (("leaflet", "leaflet/leaflet.css"),)}
"""What a map loads, relative to the assets folder; nothing else is left of folium's own lists."""

HUE = "#0b7285"
LINE = "#083f4a"

CERTAINTIES = ((1e-6, 0.78), (1e-3, 0.5), (1.0, 0.26))
"""Upper limit of q and opacity, most certain first."""

KIND_LINES: dict[str, tuple[float, str | None]] = {
    HotspotKind.RISING: (4.2, None),
    HotspotKind.STEADY: (2.2, None),
    HotspotKind.SEASONAL: (2.2, "5 4"),
    HotspotKind.BURST: (3.0, "9 3"),
    HotspotKind.RECURRING: (1.4, "8 4 2 4"),
    HotspotKind.FALLING: (1.4, "2 4"),
    HotspotKind.ENDED: (1.0, "1 5"),
}
"""Width and dashes of the outline of each kind: told apart without colour."""

GREYS = ("#fbfcfc", "#eef1f3", "#dfe4e8", "#cbd3d9", "#b3bec7")
"""Five classes of a quantity under the hotspots, few to many."""


@dataclass(frozen=True, kw_only=True)
class MapParts:
    """The pieces of a map for a page of ours: its element, its script, and the script's name for it."""

    element: str
    script: str
    name: str


def make_classes(values: pd.Series, *, count: int) -> tuple[float, ...]:
    """Return upper limits of `count` classes of about equal size, ascending, whole numbers."""
    positive = values[values > 0]
    if positive.empty:
        return (0.0,) * count
    limits = np.ceil(np.quantile(positive, np.linspace(1 / count, 1, count)))
    return tuple(float(limit) for limit in np.maximum.accumulate(limits))


def find_class(value: float, limits: tuple[float, ...]) -> int:
    """Return the class of a value."""
    return min(int(np.searchsorted(limits, value)), len(limits) - 1)


def find_opacity(q: float) -> float:
    """Return how solid a hotspot of this q is drawn."""
    return next(opacity for limit, opacity in CERTAINTIES if q <= limit)


def make_city_map(streets: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame) -> MapParts:
    """Return the map of all streets with the hotspots of the city.

    Parameters
    ----------
    streets
        ``street_code name count geometry``; ``link`` to its plan or empty.
    hotspots
        All, with ``link``; each is one circle that shows at any zoom, and its cells from close by.
    """
    made = make_base_map("map_city", streets.total_bounds)
    limits = make_classes(streets["count"], count=len(GREYS))
    fills = {
        code: GREYS[find_class(n, limits)]
        for code, n in zip(streets["street_code"], streets["count"], strict=True)
    }
    _add_areas(
        made,
        streets,
        "streets",
        lambda feature: {
            "fillColor": fills[feature["properties"]["street_code"]],
            "fillOpacity": 1.0,
            "color": "#93a1ad",
            "weight": 0.7,
        },
        fields=("name", "count"),
    )
    _add_hotspots(made, hotspots, "cells")
    points = hotspots.set_geometry(
        gpd.points_from_xy(hotspots["lon"], hotspots["lat"]), crs="EPSG:4326"
    )
    _add_hotspots(made, points, "spots")
    return render_map(made, streets.total_bounds)


def simplify_streets(streets: gpd.GeoDataFrame, *, tolerance_m: float = 60.0) -> gpd.GeoDataFrame:
    """Return streets with simpler shared edges, still without gaps, coordinates of about a metre."""
    degrees = tolerance_m / 111_320.0
    shapes = shapely.coverage_simplify(streets.geometry.to_numpy(), degrees)
    empty = shapely.is_empty(shapes)
    shapes = np.where(empty, streets.geometry.to_numpy(), shapes)
    return streets.set_geometry(
        gpd.GeoSeries(
            shapely.set_precision(shapes, 1e-5, mode="pointwise"),
            crs=streets.crs,
            index=streets.index,
        )
    )


def make_base_map(name: str, bounds: Iterable[float]) -> folium.Map:
    """Return an empty map with a fixed name, so that the same plan gives the same bytes.

    Parameters
    ----------
    name
        Two words joined by ``_``, unique in its page.
    bounds
        West, south, east, north in degrees, EPSG:4326.
    """
    west, south, east, north = (float(value) for value in bounds)
    made = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        attribution_control=False,
        prefer_canvas=True,
        zoom_snap=0.25,
        zoom_delta=0.5,
        scroll_wheel_zoom=False,
    )
    made._name, made._id = name.split("_")  # noqa: SLF001 - folium's only way to a name that is not random
    made.default_js, made.default_css = [], []
    made.fit_bounds([[south, west], [north, east]], padding=(12, 12))
    return made


def _add_areas(
    made: folium.Map,
    areas: gpd.GeoDataFrame,
    name: str,
    style: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    fields: tuple[str, ...] = ("name",),
) -> None:
    """Add polygons with a hint."""
    if areas.empty:
        return
    columns = ["street_code", *fields, *(["link"] if "link" in areas.columns else [])]
    layer = folium.GeoJson(_make_geojson(areas, columns), style_function=style, smooth_factor=0.3)
    _add_hint(layer, fields, name)
    add_layer(made, layer, name)


SPOT_FIELDS = (
    "name",
    "kind_name",
    "count",
    "persons",
    "expected",
    "ratio",
    "q_text",
    "window_text",
)


def _add_hotspots(made: folium.Map, hotspots: gpd.GeoDataFrame, name: str) -> None:
    """Add hotspots: polygons as they are, points as circles whose area follows the persons."""
    if hotspots.empty:
        return
    most = max(float(hotspots["persons"].max()), 1.0)

    def style(feature: dict[str, Any]) -> dict[str, Any]:
        values = feature["properties"]
        weight, dashes = KIND_LINES[values["kind"]]
        return {
            "fillColor": HUE,
            "fillOpacity": find_opacity(values["q"]),
            "color": LINE,
            "weight": weight,
            "dashArray": dashes,
            "radius": 3.5 + 7.5 * (values["persons"] / most) ** 0.5,
        }

    columns = ["hotspot_id", "kind", "q", "street_code", *SPOT_FIELDS]
    marker = folium.CircleMarker(radius=6, fill=True)
    marker._id = name  # noqa: SLF001 - as above
    layer = folium.GeoJson(
        _make_geojson(hotspots, [*columns, *(["link"] if "link" in hotspots.columns else [])]),
        style_function=style,
        marker=marker,
    )
    _add_hint(layer, SPOT_FIELDS, name)
    add_layer(made, layer, name)


def _add_hint(layer: folium.GeoJson, fields: tuple[str, ...], name: str) -> None:
    """Add what a pointer shows."""
    names = load_words()["hints"]
    hint = folium.GeoJsonTooltip(
        list(fields), aliases=[names[field] for field in fields], sticky=True
    )
    hint._id = f"hint_{name}"  # noqa: SLF001 - as above
    layer.add_child(hint)


def add_layer(made: folium.Map, layer: Any, name: str) -> None:
    """Add a layer under a fixed name."""
    layer._id = name  # noqa: SLF001 - as above
    layer.add_to(made)


def _make_geojson(frame: gpd.GeoDataFrame, columns: list[str]) -> dict[str, Any]:
    """Return GeoJSON whose texts can stand inside a script and a hint: nothing in them is markup."""
    values = {
        column: frame[column].tolist()
        if pd.api.types.is_numeric_dtype(frame[column])
        else [html.escape(str(value)) for value in frame[column].fillna("")]
        for column in columns
    }
    shapes = shapely.to_geojson(
        shapely.set_precision(frame.geometry.to_numpy(), 1e-6, mode="pointwise")
    )
    features = [
        {
            "type": "Feature",
            "id": str(number),
            "properties": {column: values[column][number] for column in columns},
            "geometry": json.loads(shape),
        }
        for number, shape in enumerate(shapes)
    ]
    return {"type": "FeatureCollection", "features": features}


def render_map(made: folium.Map, bounds: Iterable[float]) -> MapParts:
    """Return the pieces; folium's own page around them is not used.

    Added are a metric scale, and a second fit once the page has its layout.
    """
    figure: Any = made.get_root()
    figure.render()
    name = made.get_name()
    west, south, east, north = (round(float(value), 5) for value in bounds)
    after = (
        f"L.control.scale({{imperial: false}}).addTo({name});\n"
        f"window.addEventListener('load', function () {{\n"
        f"  {name}.invalidateSize(); {name}.fitBounds({name}_bounds, {{padding: [12, 12], animate: false}});\n}});\n"
    )
    fitted = f"var {name}_bounds = [[{south}, {west}], [{north}, {east}]];\n"
    return MapParts(
        element=figure.html.render(), script=figure.script.render() + fitted + after, name=name
    )
