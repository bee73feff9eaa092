"""Areas and cells of the city for maps: who is where in the boundary version in force."""

from collections.abc import Iterable, Sequence

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from geodata.versions import VersionState
from gridgov.errors import GridgovError
from gridgov.storage.models.city import Area, BoundaryVersion, CatalogueItem, Cell, Unit
from gridgov.storage.statement_frames import to_frame

CRS = "EPSG:4326"
MOST_CODES = 900
"""Codes asked for in one statement; SQLite's oldest limit of variables is 999."""


def find_version_key(session: Session) -> str:
    """Return what changes whenever the boundaries in force change, empty where none are loaded."""
    rows = session.execute(
        sa.select(BoundaryVersion.layer, BoundaryVersion.version, BoundaryVersion.content_hash)
        .where(BoundaryVersion.state == VersionState.ACTIVE)
        .order_by(BoundaryVersion.layer)
    ).all()
    return "|".join(f"{layer}:{version}:{content[:16]}" for layer, version, content in rows)


def find_version_name(session: Session) -> str:
    """Return the name of the street boundaries in force, empty where none are loaded."""
    return (
        session.scalar(
            sa.select(BoundaryVersion.version)
            .where(BoundaryVersion.state == VersionState.ACTIVE)
            .where(BoundaryVersion.layer == "streets")
            .order_by(BoundaryVersion.id.desc())
            .limit(1)
        )
        or ""
    )


def get_areas(
    session: Session, kind: str, *, parent_code: str | None = None, code: str | None = None
) -> gpd.GeoDataFrame:
    """Return areas of one kind in force: ``code name parent_code lon lat geometry``, EPSG:4326, by code.

    Parameters
    ----------
    kind
        ``district``, ``street``, ``community`` or ``exception``.
    parent_code
        Only those inside this area; None for all.
    code
        Only this one; None for all.
    """
    active = sa.select(BoundaryVersion.id).where(BoundaryVersion.state == VersionState.ACTIVE)
    chosen = (
        sa.select(Area.code, Area.name, Area.parent_code, Area.lon, Area.lat, Area.shape)
        .where(Area.kind == kind, Area.version_id.in_(active))
        .order_by(Area.code)
    )
    if parent_code is not None:
        chosen = chosen.where(Area.parent_code == parent_code)
    if code is not None:
        chosen = chosen.where(Area.code == code)
    columns = ["code", "name", "parent_code", "lon", "lat", "geometry"]
    frame = to_frame(session.execute(chosen), columns)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def get_area_names(
    session: Session, kinds: Sequence[str] = ("street",), *, codes: Iterable[str] | None = None
) -> dict[str, str]:
    """Return the name of each area in force by its code; of all of these kinds, or only of `codes`."""
    active = sa.select(BoundaryVersion.id).where(BoundaryVersion.state == VersionState.ACTIVE)
    chosen = sa.select(Area.code, Area.name).where(
        Area.kind.in_(kinds), Area.version_id.in_(active)
    )
    if codes is not None:
        wanted = sorted(set(codes))
        if not wanted:
            return {}
        chosen = chosen.where(Area.code.in_(wanted))
    return dict(session.execute(chosen).all())


def get_area_parents(session: Session, kind: str) -> dict[str, str]:
    """Return the parent of each area of one kind in force by its code."""
    active = sa.select(BoundaryVersion.id).where(BoundaryVersion.state == VersionState.ACTIVE)
    chosen = sa.select(Area.code, Area.parent_code).where(
        Area.kind == kind, Area.version_id.in_(active), Area.parent_code.is_not(None)
    )
    return {code: str(parent) for code, parent in session.execute(chosen)}


def get_cells(session: Session, codes: Iterable[str]) -> gpd.GeoDataFrame:
    """Return cells: ``code name parent_code lon lat geometry``, EPSG:4326; codes that do not exist are left out."""
    wanted = list(dict.fromkeys(codes))
    rows: list[tuple[object, ...]] = []
    for first in range(0, len(wanted), MOST_CODES):
        chosen = sa.select(Cell.cell_code, Cell.street_code, Cell.lon, Cell.lat, Cell.shape).where(
            Cell.cell_code.in_(wanted[first : first + MOST_CODES])
        )
        rows += [
            (code, code, street, lon, lat, shape)
            for code, street, lon, lat, shape in session.execute(chosen)
        ]
    columns = ["code", "name", "parent_code", "lon", "lat", "geometry"]
    frame = to_frame(rows, columns).sort_values("code", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def get_street_cells(session: Session, street_code: str) -> gpd.GeoDataFrame:
    """Return the cells in use of one street, as :func:`get_cells` does."""
    chosen = (
        sa.select(Cell.cell_code, Cell.cell_code, Cell.street_code, Cell.lon, Cell.lat, Cell.shape)
        .where(Cell.street_code == street_code)
        .order_by(Cell.cell_code)
    )
    columns = ["code", "name", "parent_code", "lon", "lat", "geometry"]
    frame = to_frame(session.execute(chosen), columns)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def get_unit_names(session: Session) -> dict[str, str]:
    """Return the name of each unit by its code; of several versions the newest."""
    chosen = sa.select(Unit.unit_code, Unit.name).order_by(Unit.valid_from)
    return dict(session.execute(chosen).all())


def get_units(session: Session) -> pd.DataFrame:
    """Return units as ``rules.assessment`` takes them: ``unit_code name kind district_code``, the newest of each."""
    columns = ["unit_code", "name", "kind", "district_code"]
    chosen = sa.select(Unit.unit_code, Unit.name, Unit.kind, Unit.district_code).order_by(
        Unit.valid_from, Unit.unit_code
    )
    frame = to_frame(session.execute(chosen), columns)
    return frame.drop_duplicates("unit_code", keep="last", ignore_index=True)


def get_item_names(session: Session, *, level: int | None = None) -> dict[str, str]:
    """Return the name of each item of the catalogue by its code; all levels, or one."""
    chosen = sa.select(CatalogueItem.item_code, CatalogueItem.name).order_by(
        CatalogueItem.valid_from, CatalogueItem.item_code
    )
    if level is not None:
        chosen = chosen.where(CatalogueItem.level == level)
    return dict(session.execute(chosen).all())


def check_kind(kind: str) -> str:
    """Return `kind` if a map can show areas of it.

    Raises
    ------
    GridgovError
        It is none of street, community and cell.
    """
    if kind not in {"street", "community", "cell"}:
        raise GridgovError(f"areas of kind {kind!r}; expected street, community or cell")
    return kind
