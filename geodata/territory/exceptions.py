"""Exceptions: polygons that stand above the streets (DOMAIN.md §3).

Enclaves 飞地, compounds of central bodies 央产小区 and sites of state firms lie inside a street, and yet
another unit answers. A point in one keeps the street it lies in and gets the exception's code beside it;
whoever dispatches looks at the exception first.
"""

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.areas import AreaIndex
from geodata.errors import InvalidDataError
from geodata.problems import Problem

FloatArray = npt.NDArray[np.float64]

EXCEPTION_COLUMNS = ("exception_code", "name", "kind", "unit_code", "priority")
"""``exception_code`` str unique · ``name`` for people · ``kind`` such as enclave, central, state_firm; a pack may
name others · ``unit_code`` the unit that answers there · ``priority`` int, the higher one wins."""

DEFAULT_KIND = "enclave"
LAYER = "exceptions"


@dataclass(frozen=True, kw_only=True, eq=False)
class Exceptions:
    """Exceptions of one boundary version.

    Attributes
    ----------
    frame
        :data:`EXCEPTION_COLUMNS` and ``geometry`` in EPSG:4326, the winning ones first: by priority
        downwards, then by code.
    index
        Point → row of `frame`.
    """

    frame: gpd.GeoDataFrame
    index: AreaIndex

    @cached_property
    def codes(self) -> pd.api.extensions.ExtensionArray:
        """Codes, in the order of `frame`."""
        return pd.array(self.frame["exception_code"], dtype="str")

    def locate_positions(self, lon: FloatArray, lat: FloatArray) -> npt.NDArray[np.int32]:
        """Return the row of the exception that each point lies in, int32, -1 = none.

        The border belongs to the exception; where several overlap, the highest priority wins, then the
        lowest code.
        """
        found: npt.NDArray[np.int32] = self.index.locate_positions(lon, lat)
        return found

    @property
    def units(self) -> dict[str, str]:
        """Exception code → code of the unit that answers."""
        return dict(zip(self.frame["exception_code"], self.frame["unit_code"], strict=True))


def make_exceptions(layer: gpd.GeoDataFrame) -> Exceptions:
    """Return exceptions from a layer with the columns ``exception_code``, ``unit_code`` and optional others.

    Without a ``kind`` they are enclaves, without a ``priority`` all have 0.

    Raises
    ------
    InvalidDataError
        If a column is missing, a code repeats or is empty, a unit is missing, a priority is no whole
        number, or a polygon is broken; every fault is named.
    """
    problems = _find_faults(layer)
    if problems:
        raise InvalidDataError(problems)
    frame = gpd.GeoDataFrame(
        {
            "exception_code": layer["exception_code"].astype("str"),
            "name": _take(layer, "name", layer["exception_code"]).astype("str"),
            "kind": _take(layer, "kind", DEFAULT_KIND).astype("str"),
            "unit_code": layer["unit_code"].astype("str"),
            "priority": pd.to_numeric(_take(layer, "priority", 0)).astype("int64"),
        },
        geometry=layer.geometry.to_numpy(),
        crs=layer.crs,
    )
    frame = frame.sort_values(
        ["priority", "exception_code"], ascending=[False, True], ignore_index=True
    )
    # The index prefers the lowest code, so the ranks stand in for the codes.
    ranks = [f"{rank:09d}" for rank in range(len(frame))]
    return Exceptions(
        frame=frame, index=AreaIndex.build(frame.geometry.to_numpy(), ranks, layer=LAYER)
    )


def _take(layer: gpd.GeoDataFrame, column: str, default: object) -> pd.Series:
    """Return a column with gaps filled, or the default for every row."""
    filler = pd.Series(default, index=layer.index)
    if column not in layer.columns:
        return filler
    return layer[column].where(_is_given(layer[column]), filler)


def _is_given(values: pd.Series) -> pd.Series:
    """Tell which values are there; readers write empty text where a file has nothing."""
    return values.notna() & (values.astype("str").str.strip() != "")


def _find_faults(layer: gpd.GeoDataFrame) -> list[Problem]:
    columns = ", ".join(map(str, layer.columns))
    missing = [
        Problem(file=LAYER, field=name, problem="column is missing", expected=f"not only {columns}")
        for name in ("exception_code", "unit_code")
        if name not in layer.columns
    ]
    if missing:
        return missing
    code, unit = layer["exception_code"], layer["unit_code"]
    problems = [
        *_flag(layer, "exception_code", ~_is_given(code), "is empty", "a code of its own"),
        *_flag(layer, "exception_code", code.duplicated(), "stands twice", "unique codes"),
        *_flag(layer, "unit_code", ~_is_given(unit), "is empty", "the unit that answers there"),
    ]
    if "priority" in layer.columns:
        number = pd.to_numeric(layer["priority"], errors="coerce")
        wrong = _is_given(layer["priority"]) & (number.isna() | (number % 1 != 0))
        problems += _flag(layer, "priority", wrong, "is no whole number", "0, 1, 2 …; higher wins")
    return problems


def _flag(
    layer: gpd.GeoDataFrame, field: str, wrong: pd.Series, problem: str, expected: str
) -> list[Problem]:
    return [
        Problem(
            file=LAYER,
            field=f"feature {row + 1} {field}",
            value=str(layer[field].iloc[row]),
            problem=problem,
            expected=expected,
        )
        for row in np.flatnonzero(wrong)
    ]
