"""Unit cells in the database: those in which something was reported, added as they come."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.pack.city import City
from gridgov.storage.bulk.insert import insert_frame, list_columns
from gridgov.storage.db import is_postgres
from gridgov.storage.models.city import Cell
from gridgov.storage.statements import insert_once

_SEEN: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Cells that each database has for good: cells are never deleted, so nobody needs to ask twice."""
_ADDED = "gridgov_new_cells"
FEW = 50
"""Up to so many new cells are inserted as they are; a table of their own would cost more."""
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
    seen = _SEEN.setdefault(session.get_bind(), set())
    missing = pd.Index([code for code in wanted if code not in seen], dtype="str")
    if not len(missing):  # the usual case, many times a second
        return 0
    known = _find_known(session, list(missing))
    # What this transaction has added itself may yet be rolled back.
    seen |= known - session.info.get(_ADDED, set())
    missing = missing[[code not in known for code in missing]]
    at = grid.find_positions(missing)
    missing, at = missing[at >= 0], at[at >= 0]
    if not len(missing):
        return 0
    _insert_new(session, _describe(city, missing, at, on=on))
    session.info.setdefault(_ADDED, set()).update(missing)
    return len(missing)


def _find_known(session: Session, codes: list[str]) -> set[str]:
    query = sa.select(Cell.cell_code)
    if is_postgres(session):
        wanted = sa.bindparam("wanted", type_=sa.ARRAY(sa.Text))
        return set(
            session.scalars(query.where(Cell.cell_code == sa.any_(wanted)), {"wanted": codes})
        )
    known: set[str] = set()
    for start in range(0, len(codes), MOST_CODES):
        part = codes[start : start + MOST_CODES]
        known |= set(session.scalars(query.where(Cell.cell_code.in_(part))))
    return known


def _describe(
    city: City, codes: pd.Index, at: npt.NDArray[np.int32], *, on: date
) -> dict[str, Any]:
    """Return the columns of new cells, `at` their positions in the grid."""
    grid = city.territory.grid
    assert grid is not None  # noqa: S101 - its cells are asked for
    lon, lat = grid.take_centers(at)
    names = ("community_code", "street_code")
    if len(at) <= FEW:  # one new cell an appeal, many times a second: a frame would take longer
        judged = [
            city.territory.judge_point(*place)
            for place in zip(lon.tolist(), lat.tolist(), strict=True)
        ]
        areas = {name: [one[name] for one in judged] for name in names}
    else:
        frame = city.territory.judge(lon, lat)
        areas = {name: frame[name].to_numpy() for name in names}
    shapes = as_multi(grid.shapes.geometries(at))
    return {
        "cell_code": codes,
        **areas,
        "valid_from": [on] * len(at),
        "lon": lon,
        "lat": lat,
        "shape": shapes,
    }


def _insert_new(session: Session, columns: dict[str, Any]) -> None:
    """Insert cells that another transaction may be inserting at the same time."""
    table: Any = Cell.__table__
    if len(columns["cell_code"]) <= FEW:
        values = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        session.connection().execute(insert_once(session, table), values)
        return
    rows = pd.DataFrame(columns).assign(valid_from=pd.to_datetime(columns["valid_from"]))
    if not is_postgres(session):
        insert_frame(session, table, rows)  # the transaction has the whole file
        return
    names = ", ".join(list_columns(table, rows))
    session.execute(sa.text("CREATE TEMPORARY TABLE new_cells (LIKE cells) ON COMMIT DROP"))
    made = (sa.Column(one.name, one.type) for one in table.columns)
    insert_frame(session, sa.Table("new_cells", sa.MetaData(), *made), rows)
    session.execute(
        sa.text(
            f"INSERT INTO cells ({names}) SELECT {names} FROM new_cells ON CONFLICT DO NOTHING"  # noqa: S608
        )
    )
    session.execute(sa.text("DROP TABLE new_cells"))


def as_multi(values: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return polygons as multipolygons, the others as they are."""
    simple = shapely.get_type_id(values) == shapely.GeometryType.POLYGON
    made = values.copy()
    made[simple] = [shapely.MultiPolygon([one]) for one in values[simple]]
    return made
