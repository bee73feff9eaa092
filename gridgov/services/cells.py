"""Unit cells in the database: those in which something was reported, added as they come."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gridgov.city import City
from gridgov.storage.models.city import Cell

MOST_CODES = 500
"""Codes in one statement; below every limit of variables."""


def ensure_cells(session: Session, city: City, codes: Iterable[str], *, on: date) -> int:
    """Add the cells of these codes that are not there yet and return how many were new.

    Cells come in when the first appeal lies in them: a city has a million, of which most stay empty.

    Parameters
    ----------
    session
        The caller commits.
    city
        The pack, whose grid has the polygons.
    codes
        Cell codes; those that the grid does not know are left out.
    on
        First day of the new rows.
    """
    grid = city.territory.grid
    wanted = sorted(set(codes))
    if grid is None or not wanted:
        return 0
    known: set[str] = set()
    for start in range(0, len(wanted), MOST_CODES):
        part = wanted[start : start + MOST_CODES]
        known |= set(session.scalars(sa.select(Cell.cell_code).where(Cell.cell_code.in_(part))))
    missing = pd.Index([code for code in wanted if code not in known], dtype="str")
    missing = missing[grid.find_positions(missing) >= 0]
    if not len(missing):
        return 0
    shapes = grid.geometries(missing)
    centres = grid.centers(missing)
    multi = as_multi(shapes.geometry)
    judged = city.territory.judge(centres["lon"], centres["lat"])
    rows = [
        {
            "cell_code": code,
            "community_code": _code(community),
            "street_code": _code(street),
            "valid_from": on,
            "lon": float(lon),
            "lat": float(lat),
            "shape": shape,
        }
        for code, community, street, lon, lat, shape in zip(
            missing,
            judged["community_code"],
            judged["street_code"],
            centres["lon"],
            centres["lat"],
            multi,
            strict=True,
        )
    ]
    _insert_new(session, Cell.__table__, rows)
    return len(rows)


def _insert_new(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows that another transaction may be inserting at the same time."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(insert(table).on_conflict_do_nothing(), rows)


def _code(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def as_multi(shapes: gpd.GeoSeries) -> npt.NDArray[np.object_]:
    """Return polygons as multipolygons, the others as they are."""
    values: npt.NDArray[np.object_] = np.asarray(shapes.to_numpy(), dtype=object)
    simple = shapely.get_type_id(values) == shapely.GeometryType.POLYGON
    made = values.copy()
    made[simple] = [shapely.MultiPolygon([one]) for one in values[simple]]
    return made
