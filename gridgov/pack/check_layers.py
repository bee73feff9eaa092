"""Layers of a pack against each other and against its units."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from geodata.problems import Problem
from gridgov.pack.read_layers import make_union
from gridgov.pack.read_tables import Faults, make_hint
from gridgov.pack.settings import Settings


@dataclass(frozen=True)
class PackLayers:
    """Layers read, by role; absent where the pack has none or it cannot be read."""

    settings: Settings
    frames: Mapping[str, gpd.GeoDataFrame]

    def faults(self, role: str) -> Faults:
        """Return an empty list of faults for the file of a layer."""
        return Faults(self.settings.layers[role].path, first_row=1)


def check_layers(layers: PackLayers, units: pd.DataFrame | None) -> list[Problem]:
    """Return what does not fit between the layers, and between them and the units.

    Parameters
    ----------
    layers
        Layers in EPSG:4326.
    units
        Table of units as read, None where the pack has none.
    """
    problems: list[Problem] = []
    checks = (
        ("streets", _check_streets),
        ("communities", _check_communities),
        ("exceptions", _check_exceptions),
    )
    for role, check in checks:
        if role in layers.frames:
            faults = layers.faults(role)
            check(layers.frames[role], faults, (layers, units))
            problems.extend(faults.problems)
    return problems


Context = tuple[PackLayers, pd.DataFrame | None]


def _check_streets(frame: gpd.GeoDataFrame, faults: Faults, context: Context) -> None:
    layers, units = context
    codes = frame["street_code"]
    if units is not None:
        kinds = dict(zip(units["unit_code"], units["kind"], strict=True))
        kind = codes.map(kinds)
        hint = "a row in the units table with this unit_code and kind street"
        faults.rows(codes, kind.isna() & (codes != ""), "is a street without a unit", expected=hint)
        faults.rows(
            codes, kind.notna() & (kind != "street"), "is a unit of another kind", expected=hint
        )
    _check_parents(frame["district_code"], layers.frames.get("districts"), faults)


def _check_communities(frame: gpd.GeoDataFrame, faults: Faults, context: Context) -> None:
    layers, _ = context
    _check_parents(frame["street_code"], layers.frames.get("streets"), faults)


def _check_parents(codes: pd.Series, parents: gpd.GeoDataFrame | None, faults: Faults) -> None:
    column = str(codes.name)
    if parents is None or column not in parents or (codes == "").all():
        return
    known = set(parents[column])
    unknown = ~codes.isin(known)
    layer = "streets" if column == "street_code" else "districts"
    faults.rows(codes, unknown, f"is no code of the layer {layer}", expected=make_hint(known))


def _check_exceptions(frame: gpd.GeoDataFrame, faults: Faults, context: Context) -> None:
    _, units = context
    codes = frame["unit_code"]
    faults.rows(codes, codes == "", "is empty", expected="the unit that handles this area")
    if units is not None:
        unknown = ~codes.isin(set(units["unit_code"])) & (codes != "")
        faults.rows(codes, unknown, "is no unit", expected="a unit_code of the units table")
    priority = pd.to_numeric(frame["priority"], errors="coerce")
    wrong = priority.isna() & (frame["priority"] != "")
    faults.rows(
        frame["priority"], wrong, "is no number", expected="a number; the highest stands above"
    )


def fill_districts(
    streets: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Return streets with the district in which a point inside them lies, where the layer does not say."""
    if districts is None or (streets["district_code"] != "").any():
        return streets
    inside = shapely.point_on_surface(streets.geometry.to_numpy())
    tree = shapely.STRtree(districts.geometry.to_numpy())
    point, area = tree.query(inside, predicate="intersects")
    found = pd.Series("", index=streets.index, dtype="str")
    found.iloc[point] = districts["district_code"].to_numpy()[area]
    return streets.assign(district_code=found)


def make_extent(frames: Mapping[str, gpd.GeoDataFrame]) -> shapely.Geometry:
    """Return the area in which the city can be: its extent, else its districts, else its streets."""
    for role in ("extent", "districts", "streets"):
        if role in frames and len(frames[role]):
            return make_union(frames[role])
    return shapely.Polygon()
