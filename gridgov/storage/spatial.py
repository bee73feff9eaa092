"""Spatial questions in SQL: PostGIS answers them itself; on SQLite shapely does, called by the database row by row."""

from enum import StrEnum
from functools import lru_cache
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.db import is_postgres
from gridgov.storage.types import SRID

KEPT_GEOMETRIES = 64


class Relation(StrEnum):
    """How a shape stands to another (OGC Simple Features, 06-103r4, 6.1.15)."""

    INTERSECTS = "intersects"
    DISJOINT = "disjoint"
    WITHIN = "within"
    CONTAINS = "contains"
    EQUALS = "equals"
    TOUCHES = "touches"
    CROSSES = "crosses"
    OVERLAPS = "overlaps"


def relate(
    session: Session, relation: Relation, shape: Any, other: shapely.Geometry
) -> sa.ColumnElement[bool]:
    """Return the condition that a column of shapes stands in a relation to `other`; a missing shape does in none.

    Parameters
    ----------
    shape
        Column of :class:`gridgov.storage.types.Geom`, EPSG:4326.
    other
        EPSG:4326.
    """
    blob = shapely.to_wkb(other)
    if is_postgres(session):
        function = getattr(sa.func, f"ST_{relation.capitalize()}")
        asked = function(shape, sa.func.ST_GeomFromWKB(blob, SRID), type_=sa.Boolean())
        is_so: sa.ColumnElement[bool] = asked.is_(sa.true())
        return is_so
    raw = session.connection().connection.driver_connection
    assert raw is not None  # noqa: S101 - a connection that is open has its driver's
    raw.create_function("gridgov_relate", 3, _relate, deterministic=True)
    return sa.func.gridgov_relate(relation.value, shape, blob, type_=sa.Integer()) == 1


@lru_cache(maxsize=KEPT_GEOMETRIES)
def _prepare(blob: bytes) -> shapely.Geometry:
    other = shapely.from_wkb(blob)
    shapely.prepare(other)
    return other


_SEEN_FROM_OTHER = {Relation.WITHIN: Relation.CONTAINS, Relation.CONTAINS: Relation.WITHIN}


def _relate(relation: str, shape: bytes | None, other: bytes) -> int:
    if shape is None:
        return 0
    asked = Relation(relation)
    # The other one is prepared, so it is the one that is asked.
    ask = getattr(_prepare(other), _SEEN_FROM_OTHER.get(asked, asked).value)
    return int(ask(shapely.from_wkb(shape)))
