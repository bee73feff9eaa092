"""What of the city is on a map, as features of one form: areas, cells, orders, hotspots, tasks of plans.

A session that is bound to a scope reads the features of that scope alone. Texts of orders are those whose personal
numbers are masked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from geodata.versions import VersionState
from gridgov.errors import NotFoundError
from gridgov.storage.features.filtering import Field, FieldKind
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.city import Area, BoundaryVersion, Cell
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import HotspotRow, Plan, PlanTask
from gridgov.storage.queries.plans import DROPPED, choose_newest_plans
from gridgov.storage.types import Geom

AREA_KINDS = {"districts": "district", "streets": "street", "communities": "community"}
"""Name of the features → kind of area."""
VERSIONED = frozenset(AREA_KINDS)
NAMES = (*AREA_KINDS, "cells", "orders", "hotspots", "tasks")

_T, _N, _I = FieldKind.TEXT, FieldKind.NUMBER, FieldKind.INTEGER
_F, _M, _D = FieldKind.FLAG, FieldKind.TIME, FieldKind.DAY


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureSource:
    """Features of one kind, as a statement.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    base
        The statement without columns.
    feature_id
        Names a feature among those of its kind.
    keys
        By which features are sorted; together they are unique.
    fields
        Properties by name.
    shape
        EPSG:4326; may be missing.
    start, end
        Columns of the time of a feature; the same for an instant; None where it has none.
    """

    name: str
    base: sa.Select[Any]
    feature_id: Any
    keys: tuple[Field, ...]
    fields: Mapping[str, Field]
    shape: Any
    start: Field | None = None
    end: Field | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Feature:
    """One thing on the map: its name, its shape in EPSG:4326, its properties, and its place in the order."""

    feature_id: str
    shape: shapely.Geometry | None
    properties: Mapping[str, Any]
    key: tuple[Any, ...]


def find_version(session: Session, version: str = "") -> BoundaryVersion | None:
    """Return the boundary version of this name, the one in force where no name is given; None where there is none.

    Raises
    ------
    NotFoundError
        There is none of this name.
    """
    chosen = sa.select(BoundaryVersion).order_by(BoundaryVersion.id.desc()).limit(1)
    if not version:
        return session.scalar(chosen.where(BoundaryVersion.state == VersionState.ACTIVE))
    found = session.scalar(
        chosen.where(
            BoundaryVersion.version == version, BoundaryVersion.state != VersionState.INACTIVE
        )
    )
    if found is None:
        raise NotFoundError("boundary version", version)
    return found


def list_versions(session: Session) -> Sequence[BoundaryVersion]:
    """Return the boundary versions that are or were in force, the newest first."""
    chosen = sa.select(BoundaryVersion).where(BoundaryVersion.state != VersionState.INACTIVE)
    return session.scalars(chosen.order_by(BoundaryVersion.id.desc())).all()


def make_source(session: Session, name: str, *, version: str = "") -> FeatureSource:
    """Return the features of one kind.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    version
        Name of the boundary version of areas; empty: the one in force.

    Raises
    ------
    NotFoundError
        There is no such kind or version.
    """
    if name in AREA_KINDS:
        found = find_version(session, version)
        return _make_areas(name, 0 if found is None else found.id)
    makers = {
        "cells": _make_cells,
        "orders": _make_orders,
        "hotspots": _make_hotspots,
        "tasks": _make_tasks,
    }
    if name not in makers:
        raise NotFoundError("collection", name)
    return makers[name]()


def _make_fields(entity: Any, names: Mapping[str, FieldKind]) -> dict[str, Field]:
    return {name: Field(column=getattr(entity, name), kind=kind) for name, kind in names.items()}


def _make_areas(name: str, version_id: int) -> FeatureSource:
    parent = {"streets": "district_code", "communities": "street_code"}.get(name)
    fields = _make_fields(Area, {"code": _T, "name": _T, "lon": _N, "lat": _N})
    if parent is not None:
        fields[parent] = Field(column=Area.parent_code)
    fields["version"] = Field(column=BoundaryVersion.version)
    days = _make_fields(BoundaryVersion, {"valid_from": _D, "valid_to": _D})
    return FeatureSource(
        name=name,
        base=sa.select()
        .select_from(Area)
        .join(BoundaryVersion, BoundaryVersion.id == Area.version_id)
        .where(Area.kind == AREA_KINDS[name], Area.version_id == version_id),
        feature_id=Area.code,
        keys=(fields["code"],),
        fields=fields | days,
        shape=Area.shape,
        start=days["valid_from"],
        end=days["valid_to"],
    )


def _make_cells() -> FeatureSource:
    fields = _make_fields(
        Cell,
        {
            "cell_code": _T,
            "community_code": _T,
            "street_code": _T,
            "lon": _N,
            "lat": _N,
            "valid_from": _D,
            "valid_to": _D,
        },
    )
    return FeatureSource(
        name="cells",
        base=sa.select().select_from(Cell),
        feature_id=Cell.cell_code,
        keys=(fields["cell_code"],),
        fields=fields,
        shape=Cell.shape,
        start=fields["valid_from"],
        end=fields["valid_to"],
    )


def _make_orders() -> FeatureSource:
    fields = _make_fields(
        Order,
        {
            "order_no": _T,
            "state": _T,
            "outcome": _T,
            "unit_code": _T,
            "kind": _T,
            "item_code": _T,
            "level1_code": _T,
            "district_code": _T,
            "street_code": _T,
            "community_code": _T,
            "cell_code": _T,
            "route": _T,
            "grade": _T,
            "review": _F,
            "received_at": _M,
            "contact_by": _M,
            "contacted_at": _M,
            "due_at": _M,
            "replied_at": _M,
            "closed_at": _M,
            "solved": _T,
            "satisfied": _T,
            "boundary_version": _T,
        },
    ) | _make_fields(
        Appeal,
        {
            "appeal_no": _T,
            "channel": _T,
            "text": _T,
            "address": _T,
            "place_level": _T,
            "uncertainty_m": _N,
            "confidence": _N,
        },
    )
    # Words of a table of states are compared as the texts that they are.
    for name in ("state", "outcome"):
        fields[name] = Field(column=sa.type_coerce(fields[name].column, sa.String()))
    return FeatureSource(
        name="orders",
        base=sa.select().select_from(Order).join(Appeal, Appeal.id == Order.appeal_id),
        feature_id=Order.order_no,
        keys=(fields["received_at"], Field(column=Order.id, kind=_I)),
        fields=fields,
        shape=Appeal.point,
        start=fields["received_at"],
        end=fields["received_at"],
    )


def _make_hotspots() -> FeatureSource:
    newest = sa.select(sa.func.max(HotspotRow.run_at)).scalar_subquery()
    fields = _make_fields(
        HotspotRow,
        {
            "hotspot_no": _T,
            "kind": _T,
            "level1_code": _T,
            "item_code": _T,
            "name": _T,
            "street_code": _T,
            "community_code": _T,
            "lon": _N,
            "lat": _N,
            "radius_m": _N,
            "window_start": _D,
            "window_end": _D,
            "count": _I,
            "expected": _N,
            "q": _N,
            "run_at": _M,
        },
    )
    return FeatureSource(
        name="hotspots",
        base=sa.select().select_from(HotspotRow).where(HotspotRow.run_at == newest),
        feature_id=HotspotRow.hotspot_no,
        keys=(Field(column=HotspotRow.id, kind=_I),),
        fields=fields,
        shape=HotspotRow.shape,
        start=fields["window_start"],
        end=fields["window_end"],
    )


def _make_tasks() -> FeatureSource:
    """Return the tasks of each street's plan in force, with the shape of their hotspot, else of their street."""
    newest = choose_newest_plans()
    spot, later = aliased(HotspotRow), aliased(HotspotRow)
    last = (
        sa.select(sa.func.max(later.run_at))
        .where(later.hotspot_no == PlanTask.hotspot_no)
        .correlate(PlanTask)
        .scalar_subquery()
    )
    active = sa.select(BoundaryVersion.id).where(BoundaryVersion.state == VersionState.ACTIVE)
    street = aliased(Area)
    fields = _make_fields(
        PlanTask,
        {
            "task_id": _T,
            "task_no": _T,
            "title": _T,
            "street_code": _T,
            "hotspot_no": _T,
            "lead_unit_code": _T,
            "start_on": _D,
            "due_on": _D,
            "progress_share": _N,
        },
    )
    fields["street_code"] = Field(column=Plan.street_code)
    fields["state"] = Field(column=sa.type_coerce(PlanTask.state, sa.String()))
    fields["plan_no"] = Field(column=Plan.plan_no)
    return FeatureSource(
        name="tasks",
        base=sa.select()
        .select_from(PlanTask)
        .join(Plan, Plan.id == PlanTask.plan_id)
        .join(newest, newest.c.id == Plan.id)
        .outerjoin(spot, sa.and_(spot.hotspot_no == PlanTask.hotspot_no, spot.run_at == last))
        .outerjoin(
            street,
            sa.and_(
                street.kind == "street",
                street.code == Plan.street_code,
                street.version_id.in_(active),
            ),
        )
        .where(PlanTask.state != DROPPED),
        feature_id=Plan.plan_no + "." + PlanTask.task_no,
        keys=(Field(column=PlanTask.id, kind=_I),),
        fields=fields,
        shape=sa.type_coerce(sa.func.coalesce(spot.shape, street.shape), Geom()),
        start=fields["start_on"],
        end=fields["due_on"],
    )


def overlap_times(
    source: FeatureSource, start: datetime | None, end: datetime | None
) -> Iterator[sa.ColumnElement[bool]]:
    """Give the conditions that the time of a feature shares a moment with a span; a feature without one always does.

    Parameters
    ----------
    start, end
        Aware; both are in the span; None: open.
    """
    for field, edge, is_start in ((source.end, start, True), (source.start, end, False)):
        if field is None or edge is None:
            continue
        value = edge.date() if field.kind is FieldKind.DAY else edge
        inside = field.column >= value if is_start else field.column <= value
        yield sa.or_(field.column.is_(None), inside)


def read_features(
    session: Session,
    source: FeatureSource,
    *,
    conditions: Sequence[sa.ColumnElement[bool]] = (),
    after: Sequence[Any] = (),
    limit: int,
) -> list[Feature]:
    """Return at most `limit` features in the order of their keys.

    Parameters
    ----------
    after
        Key of the feature before the first; empty for the first page.
    """
    keys = [field.column for field in source.keys]
    columns = [
        source.feature_id.label("f_id"),
        source.shape.label("f_shape"),
        *(key.label(f"k_{at}") for at, key in enumerate(keys)),
        *(field.column.label(f"p_{name}") for name, field in source.fields.items()),
    ]
    chosen = source.base.add_columns(*columns).where(*conditions)
    if after:
        edge = keys[0] > after[0] if len(keys) == 1 else sa.tuple_(*keys) > sa.tuple_(*after)
        chosen = chosen.where(edge)
    n = len(keys)
    return [
        Feature(
            feature_id=str(row[0]),
            shape=row[1],
            key=tuple(row[2 : 2 + n]),
            properties=dict(zip(source.fields, row[2 + n :], strict=True)),
        )
        for row in session.execute(chosen.order_by(*keys).limit(limit))
    ]


def count_features(
    session: Session,
    source: FeatureSource,
    *,
    conditions: Sequence[sa.ColumnElement[bool]] = (),
    most: int,
) -> int | None:
    """Return how many features there are, None where they are more than `most`: counting on would cost too much."""
    inner = source.base.add_columns(sa.literal(1).label("one")).where(*conditions)
    n = session.scalar(sa.select(sa.func.count()).select_from(inner.limit(most + 1).subquery()))
    return None if n is None or n > most else n


def get_feature(session: Session, source: FeatureSource, feature_id: str) -> Feature:
    """Return one feature.

    Raises
    ------
    NotFoundError
        There is none that the session sees.
    """
    found = read_features(session, source, conditions=[source.feature_id == feature_id], limit=1)
    if not found:
        raise NotFoundError(source.name, feature_id)
    return found[0]


def find_bounds(session: Session) -> tuple[float, float, float, float] | None:
    """Return west, south, east and north of the streets in force by their points, None where none are loaded."""
    version = find_version(session)
    if version is None:
        return None
    shapes = session.scalars(
        sa.select(Area.shape).where(Area.version_id == version.id, Area.kind == "street")
    ).all()
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapes)
    return float(west), float(south), float(east), float(north)
