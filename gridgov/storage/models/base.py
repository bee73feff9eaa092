"""What every table shares: names of constraints, surrogate keys, types of columns."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, mapped_column

from gridgov.storage.types import BigId, Instant, Json

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints are named, so that a migration can drop them on every database."""

Code = Annotated[str, mapped_column(sa.String(32))]
"""An official code or a unit's code."""
No = Annotated[str, mapped_column(sa.String(80))]
"""A public number."""
Key = Annotated[str, mapped_column(sa.String(64))]
"""A salted hash of a person."""
Id = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
Data = Annotated[dict[str, Any], mapped_column(Json)]


class Base(DeclarativeBase):
    """Root of all models."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant,
        date: sa.Date,
        str: sa.Text,
        int: sa.Integer,
        float: sa.Float(53),
        dict[str, Any]: Json,
        list[Any]: Json,
    }
