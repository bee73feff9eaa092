"""The city as the service knows it: the loaded pack, boundary versions, areas, cells, units, catalogue, duties."""

from datetime import date, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from geodata.versions import VersionState
from gridgov.storage.models.base import Base, Code, Id
from gridgov.storage.types import Geom, Json, Word, spatial_index_on


class CityPack(Base):
    """Each load of the city's pack; the newest row whose first day has come is the one in use."""

    __tablename__ = "city_packs"

    id: Mapped[Id]
    name: Mapped[str]
    timezone: Mapped[str]
    path: Mapped[str]
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    boundary_version: Mapped[str] = mapped_column(sa.String(64))
    loaded_at: Mapped[datetime]
    in_force_from: Mapped[date | None]
    """First day in use where that is later than the load; None once it is, and where it was from the load on."""


class BoundaryVersion(Base):
    """A set of street boundaries with its life: inactive → active → retired (``geodata.versions.register``)."""

    __tablename__ = "boundary_versions"
    __table_args__ = (sa.UniqueConstraint("layer", "version"),)

    id: Mapped[Id]
    layer: Mapped[Code]
    version: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[VersionState] = mapped_column(Word(VersionState))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    loaded_at: Mapped[datetime]
    events: Mapped[list[Any]] = mapped_column(Json, default=list)


class Area(Base):
    """A district, street, community or exception of one boundary version."""

    __tablename__ = "areas"
    __table_args__ = (
        sa.UniqueConstraint("version_id", "kind", "code"),
        sa.Index("ix_areas_kind_code", "kind", "code"),
        spatial_index_on("areas", "shape"),
    )

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("boundary_versions.id"))
    kind: Mapped[str] = mapped_column(sa.String(16))  # district, street, community, exception
    code: Mapped[Code]
    name: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(sa.String(32))
    unit_code: Mapped[str | None] = mapped_column(sa.String(32))  # of an exception
    exception_kind: Mapped[str | None]
    priority: Mapped[int | None]
    lon: Mapped[float]  # a point inside, for labels
    lat: Mapped[float]
    shape: Mapped[shapely.Geometry] = mapped_column(Geom("MULTIPOLYGON"))


class Cell(Base):
    """A unit cell with its start and end day; its code is never used again."""

    __tablename__ = "cells"
    __table_args__ = (
        sa.Index("ix_cells_street_code", "street_code"),
        spatial_index_on("cells", "shape"),
    )

    cell_code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    community_code: Mapped[str | None] = mapped_column(sa.String(32))
    street_code: Mapped[str | None] = mapped_column(sa.String(32))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    lon: Mapped[float]
    lat: Mapped[float]
    shape: Mapped[shapely.Geometry] = mapped_column(Geom("MULTIPOLYGON"))


class Unit(Base):
    """A unit that can be answerable: street, district, department, enterprise, platform, desk, emergency, joint."""

    __tablename__ = "units"
    __table_args__ = (
        sa.UniqueConstraint("unit_code", "valid_from"),
        sa.Index("ix_units_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )

    id: Mapped[Id]
    unit_code: Mapped[Code] = mapped_column(index=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(sa.String(16))
    parent_code: Mapped[str | None] = mapped_column(sa.String(32))
    district_code: Mapped[str | None] = mapped_column(sa.String(32))
    level: Mapped[str | None] = mapped_column(sa.String(16))
    path: Mapped[str]
    """Codes from the top down to this unit, ``/a/b/c/``: a subtree is a prefix."""
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class CatalogueItem(Base):
    """An entry of the dispatch catalogue, level 1 to 3."""

    __tablename__ = "catalogue_items"
    __table_args__ = (sa.UniqueConstraint("item_code", "valid_from"),)

    id: Mapped[Id]
    item_code: Mapped[str] = mapped_column(sa.String(200), index=True)
    level: Mapped[int]
    parent_code: Mapped[str | None] = mapped_column(sa.String(200))
    level1_code: Mapped[str] = mapped_column(sa.String(200))
    name: Mapped[str]
    guidance: Mapped[str | None]
    kind: Mapped[str | None]
    grade: Mapped[str | None] = mapped_column(sa.String(16))
    lead: Mapped[str | None]
    helpers: Mapped[str | None]
    scene_code: Mapped[str | None] = mapped_column(sa.String(64))
    route: Mapped[str | None] = mapped_column(sa.String(32))
    tags: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class Duty(Base):
    """One duty of one unit in a scene (职责清单)."""

    __tablename__ = "duties"

    id: Mapped[Id]
    duty_code: Mapped[str] = mapped_column(sa.String(64), index=True)
    scene_code: Mapped[str] = mapped_column(sa.String(64), index=True)
    scene_name: Mapped[str | None]
    name: Mapped[str]
    unit: Mapped[str]  # a unit code, "@street" or "@district", empty where nobody holds it
    role: Mapped[str] = mapped_column(sa.String(16))  # lead, helper
    days: Mapped[float | None]
    authority: Mapped[str | None]
    batch: Mapped[str | None] = mapped_column(sa.String(32))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class DutyDependency(Base):
    """One duty can begin only after another."""

    __tablename__ = "duty_dependencies"

    id: Mapped[Id]
    before_duty: Mapped[str] = mapped_column(sa.String(64), index=True)
    after_duty: Mapped[str] = mapped_column(sa.String(64), index=True)
    reason: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
