"""Column types that mean the same on PostGIS and on SQLite."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry
from geoalchemy2.elements import WKBElement
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

SRID = 4326

Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Structured values; JSONB on PostgreSQL."""

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Surrogate keys: SQLite counts up only what is called INTEGER."""


class Instant(TypeDecorator[datetime]):
    """A moment: aware in Python, always UTC in the database (``timestamptz``; on SQLite text that sorts)."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the database at hand."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` in UTC; a time without a zone is a fault of the program."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value.isoformat()} has no zone; expected an aware time")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Word(TypeDecorator[StrEnum]):
    """A value of a ``StrEnum`` as plain text, so that a new word needs no migration of a database type."""

    impl = sa.String
    cache_ok = True

    def __init__(self, words: type[StrEnum], length: int = 32) -> None:
        super().__init__(length)
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the text of a known word."""
        del dialect
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """Return the word."""
        del dialect
        return None if value is None else self.words(value)


class Geom(TypeDecorator[shapely.Geometry]):
    """A shapely geometry, EPSG:4326: PostGIS ``geometry`` with SRID, on SQLite WKB.

    GeoAlchemy2 asks a column's type for ``spatial_index``; indexes are explicit here (see ``spatial_index_on``), so it
    is always False.
    """

    impl = sa.LargeBinary
    cache_ok = True
    spatial_index = False

    def __init__(self, kind: str = "GEOMETRY") -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Return the type of the database at hand; GeoAlchemy2 also asks without one."""
        if dialect is not None and dialect.name == "postgresql":
            return dialect.type_descriptor(Geometry(self.kind, srid=SRID, spatial_index=False))
        return sa.LargeBinary() if dialect is None else dialect.type_descriptor(sa.LargeBinary())

    def process_bind_param(self, value: shapely.Geometry | None, dialect: Dialect) -> Any:
        """Return WKB, on PostGIS with its SRID."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return WKBElement(shapely.to_wkb(value), srid=SRID)
        return shapely.to_wkb(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> shapely.Geometry | None:
        """Return the geometry."""
        del dialect
        if value is None:
            return None
        if isinstance(value, WKBElement):
            return shapely.from_wkb(
                bytes(value.data) if not isinstance(value.data, str) else value.data
            )
        return shapely.from_wkb(value)


def spatial_index_on(table: str, column: str) -> sa.Index:
    """Return the one GiST index of a geometry column; SQLite has none."""
    return sa.Index(f"ix_{table}_{column}_gist", column, postgresql_using="gist").ddl_if(
        dialect="postgresql"
    )
