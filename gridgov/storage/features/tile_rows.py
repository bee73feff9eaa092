"""Vector tiles of features, and orders of a tile: counted by street and by cell from the kept counts, or one by one.

On PostGIS a tile is made by ``ST_AsMVT``, on SQLite by ``geodata.vector_tiles``: the same layers and properties.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from geodata.vector_tiles import BUFFER, EXTENT, Tile, TileLayer, snap_shapes, write_tile
from geodata.versions import VersionState
from gridgov.storage.db import is_postgres
from gridgov.storage.features.sources import FeatureSource
from gridgov.storage.models.city import Area, BoundaryVersion, Cell
from gridgov.storage.models.counts import CellCount, CountDelta
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.areas import MOST_CODES
from gridgov.storage.queries.map_counts import CountFilter, count_areas
from gridgov.storage.spatial import Relation, relate

PROPERTIES = {
    "districts": ("code", "name"),
    "streets": ("code", "name", "district_code"),
    "communities": ("code", "name", "street_code"),
    "cells": ("cell_code", "street_code", "community_code"),
    "hotspots": ("hotspot_no", "name", "kind", "item_code", "street_code", "count", "expected"),
    "tasks": ("plan_no", "task_no", "title", "state", "street_code", "lead_unit_code"),
}
"""What a shape of a tile says."""
STREET_ZOOM, ORDER_ZOOM = 11, 15
"""Up to the first, orders are counted by street; from the second on they stand alone, if a tile can hold them."""
MOST_ORDERS = 4_000
"""Orders of a tile that are shown one by one; more are counted by cell: a tile stays below 300 KB."""
UNITS_SIMPLIFIED = 2
FINE_ZOOM = 15
"""From this zoom on, edges are as they are."""


@dataclass(frozen=True, kw_only=True)
class OrderWindow:
    """Days of receipt, both included, and the moments at which they begin and end."""

    first_on: date
    last_on: date
    start: datetime
    end: datetime


def make_feature_tile(session: Session, source: FeatureSource, tile: Tile) -> bytes:
    """Return the tile of areas, cells, hotspots or tasks; its layer has the name of the source."""
    names = PROPERTIES[source.name]
    columns = [source.fields[name].column.label(name) for name in names]
    box = shapely.box(*tile.find_bounds(buffer=BUFFER))
    tolerance = 360.0 / (1 << tile.z) / EXTENT * UNITS_SIMPLIFIED if tile.z < FINE_ZOOM else 0.0
    near = source.base.where(relate(session, Relation.INTERSECTS, source.shape, box))
    if is_postgres(session):
        shape = source.shape
        if tolerance:
            shape = sa.func.ST_SimplifyPreserveTopology(shape, tolerance)
        placed = sa.func.ST_AsMVTGeom(
            sa.func.ST_Transform(shape, 3857),
            sa.func.ST_TileEnvelope(tile.z, tile.x, tile.y),
            EXTENT,
            BUFFER,
            True,  # noqa: FBT003 - as PostGIS has it
        )
        return _write_in_database(
            session,
            near.add_columns(sa.type_coerce(placed, sa.LargeBinary()).label("geom"), *columns),
            source.name,
        )
    rows = session.execute(
        near.add_columns(source.shape.label("geom"), *columns).order_by(source.feature_id)
    ).all()
    shapes = [row[0] for row in rows]
    if tolerance:
        shapes = list(shapely.simplify(shapes, tolerance))
    properties = [dict(zip(names, row[1:], strict=True)) for row in rows]
    snapped = snap_shapes(shapes, tile)
    return write_tile([TileLayer(name=source.name, shapes=snapped, properties=properties)])


def _write_in_database(session: Session, rows: sa.Select[Any], name: str) -> bytes:
    inner = rows.subquery("q")
    made = session.scalar(
        sa.select(
            sa.func.ST_AsMVT(sa.literal_column("q.*"), name, EXTENT, "geom", type_=sa.LargeBinary())
        ).select_from(inner)
    )
    return bytes(made or b"")


def make_order_tile(
    session: Session, source: FeatureSource, tile: Tile, window: OrderWindow
) -> bytes:
    """Return the orders of a window in a tile: layer ``orders``.

    Below :data:`ORDER_ZOOM`, and where there are too many, they are counted (``counted_by`` street or cell, ``code``,
    ``n``, ``open``); else each stands for itself (``order_no state outcome unit_code item_code received_at``).
    """
    bounds = tile.find_bounds(buffer=BUFFER)
    if tile.z >= ORDER_ZOOM:
        rows = _list_orders(session, source, bounds, window)
        if len(rows) <= MOST_ORDERS:
            names = ("order_no", "state", "outcome", "unit_code", "item_code", "received_at")
            properties = [
                dict(zip(names, (*row[2:7], row[7].isoformat()), strict=True)) for row in rows
            ]
            points = shapely.points([(row[0], row[1]) for row in rows]) if rows else []
            return _write_points(points, properties, tile)
    if tile.z <= STREET_ZOOM:
        counted, places = _count_streets(session, bounds, window)
    else:
        counted, places = _count_cells(session, bounds, window)
    by = "street" if tile.z <= STREET_ZOOM else "cell"
    shown = places[places["code"].isin(counted["code"])].merge(counted, on="code")
    properties = [
        {"counted_by": by, "code": str(code), "n": int(n), "open": int(still)}
        for code, n, still in zip(shown["code"], shown["n"], shown["open"], strict=True)
    ]
    return _write_points(
        shapely.points(shown[["lon", "lat"]].to_numpy(float)) if len(shown) else [],
        properties,
        tile,
    )


def _write_points(points: Any, properties: Sequence[dict[str, Any]], tile: Tile) -> bytes:
    snapped = snap_shapes(points, tile) if len(properties) else []
    return write_tile([TileLayer(name="orders", shapes=snapped, properties=properties)])


def _list_orders(
    session: Session, source: FeatureSource, bounds: Sequence[float], window: OrderWindow
) -> Sequence[Any]:
    """Return lon, lat and the facts of the orders inside, one more than a tile can hold where there are more."""
    west, south, east, north = bounds
    del source
    return session.execute(
        sa.select(
            Order.lon,
            Order.lat,
            Order.order_no,
            sa.type_coerce(Order.state, sa.String()),
            sa.type_coerce(Order.outcome, sa.String()),
            Order.unit_code,
            Order.item_code,
            Order.received_at,
        )
        .where(
            Order.cell_code.in_(_choose_cells(session, bounds)),
            Order.received_at >= window.start,
            Order.received_at < window.end,
            Order.lon.between(west, east),
            Order.lat.between(south, north),
        )
        .limit(MOST_ORDERS + 1)
    ).all()


def _choose_cells(session: Session, bounds: Sequence[float]) -> list[str]:
    west, south, east, north = bounds
    chosen = sa.select(Cell.cell_code).where(
        relate(session, Relation.INTERSECTS, Cell.shape, shapely.box(west, south, east, north))
    )
    return list(session.scalars(chosen))


def _count_streets(
    session: Session, bounds: Sequence[float], window: OrderWindow
) -> tuple[pd.DataFrame, pd.DataFrame]:
    west, south, east, north = bounds
    active = sa.select(BoundaryVersion.id).where(BoundaryVersion.state == VersionState.ACTIVE)
    rows = session.execute(
        sa.select(Area.code, Area.lon, Area.lat).where(
            Area.kind == "street",
            Area.version_id.in_(active),
            Area.lon.between(west, east),
            Area.lat.between(south, north),
        )
    ).all()
    places = pd.DataFrame(rows, columns=["code", "lon", "lat"])
    asked = CountFilter(first_on=window.first_on, last_on=window.last_on)
    if places.empty:
        return pd.DataFrame(columns=["code", "n", "open"]), places
    return count_areas(session, "street", asked)[["code", "n", "open"]], places


def _count_cells(
    session: Session, bounds: Sequence[float], window: OrderWindow
) -> tuple[pd.DataFrame, pd.DataFrame]:
    west, south, east, north = bounds
    rows = session.execute(
        sa.select(Cell.cell_code, Cell.lon, Cell.lat).where(
            Cell.lon.between(west, east), Cell.lat.between(south, north)
        )
    ).all()
    places = pd.DataFrame(rows, columns=["code", "lon", "lat"])
    codes = places["code"].tolist()
    outcomes = [getattr(CellCount, one.value) for one in Outcome]
    parts: list[Any] = []
    days = (window.first_on, window.last_on)
    for first in range(0, len(codes), MOST_CODES):
        some = codes[first : first + MOST_CODES]
        parts += session.execute(
            sa.select(
                CellCount.cell_code,
                sa.func.sum(sum(outcomes[1:], outcomes[0])),
                sa.func.sum(CellCount.open),
            )
            .where(CellCount.cell_code.in_(some), CellCount.day.between(*days))
            .group_by(CellCount.cell_code)
        ).all()
        parts += session.execute(
            sa.select(
                CountDelta.cell_code,
                sa.func.sum(CountDelta.n),
                sa.func.sum(sa.case((CountDelta.outcome == Outcome.OPEN, CountDelta.n), else_=0)),
            )
            .where(CountDelta.cell_code.in_(some), CountDelta.day.between(*days))
            .group_by(CountDelta.cell_code)
        ).all()
    frame = pd.DataFrame(parts, columns=["code", "n", "open"])
    frame = frame.astype({"n": "int64", "open": "int64"}).groupby("code", as_index=False).sum()
    return frame[frame["n"] > 0], places
