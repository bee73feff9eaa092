"""Checks of geometries as they come from files: kind, rings, range of coordinates, swapped axes.

Every message names the layer, the feature (its number, the first is 1, and its code) and the remedy.
"""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geodata.polygons import (
    HARMLESS_M2,
    METRES_PER_DEGREE,
    explain_invalid,
    measure_disputed,
)
from geodata.problems import Problem

_FAMILIES = {
    0: "point",
    4: "point",
    1: "line",
    2: "line",
    5: "line",
    3: "polygon",
    6: "polygon",
    7: "mixed collection",
}  # shapely type ids


@dataclass(frozen=True, kw_only=True)
class FeatureNames:
    """How the features of a layer are named in messages.

    Attributes
    ----------
    file
        File or layer as the user named it.
    code
        Column whose value names a feature, None where there is none.
    first_row
        Row number of position 0: 1 for features, 2 below a table's header.
    left_out
        Attributes of rows without a usable place are put here by readers, for those who keep every row.
    """

    file: str
    code: str | None = None
    first_row: int = 1
    left_out: list[pd.DataFrame] = field(default_factory=list)

    def take(self, frame: gpd.GeoDataFrame, kept: npt.NDArray[np.bool_]) -> gpd.GeoDataFrame:
        """Return the features that are kept, and note the attributes of the others."""
        if not kept.all():
            self.left_out.append(pd.DataFrame(frame[~kept].drop(columns=frame.geometry.name)))
        return frame[kept]

    def make_problem(self, frame: gpd.GeoDataFrame, position: int, **facts: str) -> Problem:
        """Return a problem of the feature at index value `position`."""
        row = int(position) + self.first_row
        what = f"feature {row}" if self.first_row == 1 else f"row {row}"
        code = self._get_code(frame, position)
        facts["problem"] = f"{what}{f' ({code})' if code else ''}: {facts['problem']}"
        return Problem(file=self.file, row=row, **{"field": "geometry", **facts})  # type: ignore[arg-type]  # the facts are a problem's own

    def _get_code(self, frame: gpd.GeoDataFrame, position: int) -> str:
        if self.code is None or self.code not in frame.columns:
            return ""
        value = frame.at[position, self.code]
        return "" if value is None or value != value else str(value)[:40]  # noqa: PLR0124 - NaN


def take_usable(
    frame: gpd.GeoDataFrame, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Return the features that have a geometry of the layer's main kind, and the problems of the others."""
    frame, problems = _take_finite(frame, names)
    geometry = frame.geometry.to_numpy()
    kind = np.array([_FAMILIES.get(i, "") for i in shapely.get_type_id(geometry)], dtype=object)
    kind[shapely.is_empty(geometry)] = "empty geometry"
    kind[shapely.is_missing(geometry)] = "no geometry"
    present = [value for value in kind if value in {"point", "line", "polygon"}]
    main = max(set(present), key=lambda value: (present.count(value), value), default="")
    for at in np.flatnonzero(kind != main):
        found = str(kind[at])
        if found not in {"empty geometry", "no geometry"}:
            found = f"a {found} in a layer of {main or 'unknown'} features"
        problems.append(
            names.make_problem(
                frame,
                frame.index[at],
                problem=f"{found}; it is left out",
                expected="draw the geometry or delete the feature; one kind of geometry per layer",
            )
        )
    return names.take(frame, kind == main), problems


def _take_finite(
    frame: gpd.GeoDataFrame, names: FeatureNames
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Return the features whose coordinates are all numbers: others make every later question fail."""
    geometry = frame.geometry.to_numpy()
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    wrong = np.zeros(len(frame), dtype=bool)
    wrong[owner[~np.isfinite(xy).all(axis=1)]] = True
    problems = [
        names.make_problem(
            frame,
            frame.index[at],
            problem="a coordinate is no number; it is left out",
            expected="two finite numbers for each vertex; draw the geometry again or delete the feature",
        )
        for at in np.flatnonzero(wrong)
    ]
    return names.take(frame, ~wrong), problems


def find_range_faults(
    frame: gpd.GeoDataFrame, names: FeatureNames
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell for each feature in degrees whether it lies out of range, and whether swapping x and y would cure it."""
    del names
    bounds = shapely.bounds(frame.geometry.to_numpy()).reshape(-1, 4)
    x, y = np.abs(bounds[:, [0, 2]]).max(axis=1), np.abs(bounds[:, [1, 3]]).max(axis=1)
    outside = ~((x <= 180.0) & (y <= 90.0))
    return outside, outside & (x <= 90.0) & (y <= 180.0)


def find_ring_faults(frame: gpd.GeoDataFrame, names: FeatureNames) -> list[Problem]:
    """Return one problem per polygon in degrees whose rings cross or touch wrongly, with reason and place.

    A ring that only touches itself, or crosses by less than :data:`HARMLESS_M2`, encloses the same area
    by any reading, so it is a warning.
    """
    geometry = frame.geometry.to_numpy()
    invalid = np.flatnonzero(~shapely.is_valid(geometry) & ~shapely.is_missing(geometry))
    problems = []
    for at in invalid:
        reason, where = explain_invalid(geometry[at])
        disputed_m2 = measure_disputed(geometry[at]) * _get_degree_m2(geometry[at])
        harmless = disputed_m2 < HARMLESS_M2
        effect = "no area is in doubt" if harmless else f"{disputed_m2:,.0f} m² are in doubt"
        problems.append(
            names.make_problem(
                frame,
                frame.index[at],
                problem=f"polygon is not valid, {reason}; {effect}",
                value=where,
                expected="rings that do not cross themselves or each other; mend it in the source",
                severity="warning" if harmless else "error",
            )
        )
    return problems


def _get_degree_m2(geometry: shapely.Geometry) -> float:
    _, south, _, north = shapely.bounds(geometry)
    return float(METRES_PER_DEGREE**2 * np.cos(np.radians((south + north) / 2)))
