"""A city pack into the database: boundary version, areas, units, catalogue, duties; idempotent by content."""

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from geodata.versions import Step, VersionState
from gridgov.errors import GridgovError
from gridgov.pack.city import City, load_city
from gridgov.rules.catalogue import ITEM_COLUMNS, Catalogue
from gridgov.services.intake.cells import as_multi
from gridgov.storage.audit.log import record
from gridgov.storage.models.city import (
    Area,
    BoundaryVersion,
    CatalogueItem,
    CityPack,
    Duty,
    DutyDependency,
    Unit,
)

LAYER = "streets"
"""Boundary versions are those of the streets: they decide who answers; all other areas go with them."""


class PackWaitsError(GridgovError):
    """A pack whose boundaries come into force later cannot wait, or cannot be put in use now that they do."""


class BoundariesChangedError(GridgovError):
    """A version of the boundaries that is loaded comes again with other boundaries, or after it was replaced."""


def load_pack(session: Session, city: City, *, at: datetime) -> dict[str, Any]:
    """Bring a pack into the database and return what changed, in figures.

    A pack whose content is the loaded one changes nothing. Units, catalogue and duties are replaced; orders keep the
    version by which they were judged.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    city
        The pack.
    at
        Now, aware. A boundary version becomes active when its first day has come in the city's zone.

    Returns
    -------
        ``waits_until`` among the figures says from which day on the pack is used, where that is later: until then
        orders are judged by the one before.

    Raises
    ------
    BoundariesChangedError
        A version of the same name has other boundaries, or another one has replaced it since.
    PackWaitsError
        It comes into force later and lies in the folder from which the city runs now.
    """
    last = session.scalars(sa.select(CityPack).order_by(CityPack.id.desc()).limit(1)).first()
    today = at.astimezone(city.settings.timezone).date()
    if last is not None and last.content_hash == city.content_hash:
        if last.in_force_from is None:
            last.path = str(city.settings.file)
        return {"changed": False, "activated": activate_due(session, today=today, at=at)}
    first_day = city.settings.layers["streets"].valid_from
    if last is not None and first_day is not None and first_day > today:
        return _keep_waiting(session, city, first_day, at=at)
    version, is_new = _load_boundaries(session, city, at=at)
    counts = _load_tables(session, city)
    session.add(_make_pack(city, at=at))
    session.flush()
    _record_load(session, city, last, at=at)
    activated = activate_due(session, today=today, at=at)
    return {
        "changed": True,
        "areas": len(version) if is_new else 0,
        **counts,
        "activated": activated,
    }


def _keep_waiting(session: Session, city: City, first_day: date, *, at: datetime) -> dict[str, Any]:
    """Keep a pack whose boundaries come into force later: until then the city runs by the one before."""
    path = city.settings.file.resolve()
    running = session.scalars(
        sa.select(CityPack)
        .where(CityPack.in_force_from.is_(None))
        .order_by(CityPack.id.desc())
        .limit(1)
    ).first()
    if running is not None and Path(running.path) == path:
        raise PackWaitsError(
            f"the boundaries of {path} come into force on {first_day}, and until then the city runs from the same "
            "folder. Keep that as it is, and load the new pack from a folder of its own"
        )
    areas, is_new = _load_boundaries(session, city, at=at)
    session.execute(sa.delete(CityPack).where(CityPack.in_force_from == first_day))
    session.add(_make_pack(city, at=at, in_force_from=first_day))
    session.flush()
    _record_load(session, city, None, at=at, in_force_from=first_day.isoformat())
    nothing = dict.fromkeys(("units", "items", "duties", "dependencies"), 0)
    return {
        "changed": True,
        "areas": len(areas) if is_new else 0,
        **nothing,
        "activated": [],
        "waits_until": first_day.isoformat(),
    }


def _make_pack(city: City, *, at: datetime, in_force_from: date | None = None) -> CityPack:
    return CityPack(
        name=city.name,
        timezone=str(city.settings.timezone),
        # Whole: pages are served from another folder than the one in which somebody loaded.
        path=str(city.settings.file.resolve()),
        content_hash=city.content_hash,
        boundary_version=city.boundary_version,
        loaded_at=at,
        in_force_from=in_force_from,
    )


def _record_load(
    session: Session, city: City, last: CityPack | None, *, at: datetime, **more: Any
) -> None:
    record(
        session,
        at=at,
        action="load_pack",
        subject_kind="city",
        subject_no=city.name,
        before=None if last is None else {"content_hash": last.content_hash},
        after={
            "content_hash": city.content_hash,
            "boundary_version": city.boundary_version,
            **more,
        },
        actor=None,
        origin="load",
    )


def switch_due(session: Session, *, today: date, at: datetime) -> list[str]:
    """Put packs in use that waited for the first day of their boundaries; return their versions.

    Raises
    ------
    PackWaitsError
        The files of one are gone or are not those that were loaded.
    """
    waiting = session.scalars(
        sa.select(CityPack)
        .where(CityPack.in_force_from <= today)
        .order_by(CityPack.in_force_from, CityPack.id)
    ).all()
    for pack in waiting:
        path = Path(pack.path)
        city = load_city(path) if path.exists() else None
        if city is None or city.content_hash != pack.content_hash:
            raise PackWaitsError(
                f"the boundaries of {path} are due since {pack.in_force_from}, but its files are gone or have changed "
                f"since they were loaded. Run: gridgov load {path}"
            )
        session.delete(pack)
        session.flush()
        load_pack(session, city, at=at)
    return [pack.boundary_version for pack in waiting]


def _load_boundaries(
    session: Session, city: City, *, at: datetime
) -> tuple[list[dict[str, Any]], bool]:
    """Add the version of the streets with all areas, unless it is there."""
    areas = list(_make_areas(city))
    content = _hash_areas(areas)
    known = session.scalars(
        sa.select(BoundaryVersion).where(
            BoundaryVersion.layer == LAYER, BoundaryVersion.version == city.boundary_version
        )
    ).first()
    if known is not None and known.state is VersionState.RETIRED:
        raise BoundariesChangedError(
            f"boundary version {city.boundary_version!r} of {city.name} was replaced on {known.valid_to}. The days of "
            "a version are one span, so what comes into force again is another version: give [layers.streets] another "
            'version = "…" (and valid_from) in city.toml'
        )
    if known is not None and known.content_hash == content:
        return areas, False
    if known is not None:
        raise BoundariesChangedError(
            f"boundary version {city.boundary_version!r} of {city.name} is loaded since "
            f"{known.loaded_at:%Y-%m-%d} with other boundaries. Orders keep the version by which they were judged, so "
            'a version never changes: give [layers.streets] another version = "…" (and valid_from) in city.toml'
        )
    version = BoundaryVersion(
        layer=LAYER,
        version=city.boundary_version,
        state=VersionState.INACTIVE,
        valid_from=city.settings.layers["streets"].valid_from,
        content_hash=content,
        loaded_at=at,
        events=[{"step": Step.LOAD.value, "at": at.isoformat(), "by": "load", "note": ""}],
    )
    session.add(version)
    session.flush()
    session.execute(sa.insert(Area), [{"version_id": version.id, **one} for one in areas])
    return areas, True


def activate_due(session: Session, *, today: date, at: datetime) -> list[str]:
    """Put loaded boundary versions in force whose first day has come; the one before retires that day.

    Versions without a first day come into force at once when they are loaded.
    """
    waiting = session.scalars(
        sa.select(BoundaryVersion)
        .where(BoundaryVersion.layer == LAYER, BoundaryVersion.state == VersionState.INACTIVE)
        .order_by(BoundaryVersion.id)
    ).all()
    due = [one for one in waiting if one.valid_from is None or one.valid_from <= today]
    due.sort(key=lambda one: (one.valid_from or date.min, one.id))
    for one in due:
        start = one.valid_from or today
        for old in session.scalars(
            sa.select(BoundaryVersion).where(
                BoundaryVersion.layer == LAYER, BoundaryVersion.state == VersionState.ACTIVE
            )
        ):
            old.state, old.valid_to = VersionState.RETIRED, start
            _note(old, Step.RETIRE, at, f"followed by {one.version}")
        one.state = VersionState.ACTIVE
        _note(one, Step.ACTIVATE, at, f"in force from {start.isoformat()}")
        session.flush()
        record(
            session,
            at=at,
            action="activate",
            subject_kind="boundary",
            subject_no=one.version,
            before={"state": VersionState.INACTIVE.value},
            after={"state": VersionState.ACTIVE.value, "valid_from": start.isoformat()},
            actor=None,
            origin="load",
        )
    return [one.version for one in due]


def _note(version: BoundaryVersion, step: Step, at: datetime, note: str) -> None:
    event = {"step": step.value, "at": at.isoformat(), "by": "load", "note": note}
    version.events = [*version.events, event]


_AREA_ROLES = (
    ("districts", "district", None),
    ("streets", "street", "district_code"),
    ("communities", "community", "street_code"),
    ("exceptions", "exception", None),
)
"""Layer of a pack → kind of area, and the column of its parent."""


def _make_areas(city: City) -> Iterable[dict[str, Any]]:
    for role, kind, parent in _AREA_ROLES:
        layer = city.layers.get(role)
        if layer is None:
            continue
        shapes = as_multi(layer.geometry.to_numpy())
        inside = shapely.point_on_surface(shapes)
        for at in range(len(layer)):
            row = layer.iloc[at]
            yield {
                "kind": kind,
                "code": str(row[f"{kind}_code"]),
                "name": _text(row.get("name")) or str(row[f"{kind}_code"]),
                "parent_code": _text(row.get(parent)) if parent else None,
                "unit_code": _text(row.get("unit_code")),
                "exception_kind": _text(row.get("kind")) if kind == "exception" else None,
                "priority": _number(row.get("priority")) if kind == "exception" else None,
                "lon": float(shapely.get_x(inside[at])),
                "lat": float(shapely.get_y(inside[at])),
                "shape": shapes[at],
            }


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) or value == "" else str(value)


def _number(value: Any) -> int | None:
    return None if value is None or pd.isna(value) or value == "" else int(value)


def _hash_areas(areas: list[dict[str, Any]]) -> str:
    digest = sha256()
    for one in areas:
        digest.update(f"{one['kind']}\0{one['code']}\0{one['parent_code']}\0".encode())
        digest.update(shapely.to_wkb(one["shape"]))
    return digest.hexdigest()


def _load_tables(session: Session, city: City) -> dict[str, int]:
    """Replace units, catalogue, duties and dependencies with those of the pack."""
    tables = {
        "units": (Unit, _make_units(city.units)),
        "items": (CatalogueItem, make_items(city.catalogue)),
        "duties": (Duty, _take(city, "duties", Duty)),
        "dependencies": (DutyDependency, _take(city, "dependencies", DutyDependency)),
    }
    for model, rows in tables.values():
        # Without a catalogue in the pack the items came with appeals and stay.
        if rows or model is not CatalogueItem:
            session.execute(sa.delete(model))
        if rows:
            session.execute(sa.insert(model), rows)
    return {name: len(rows) for name, (_model, rows) in tables.items()}


def _make_units(units: pd.DataFrame) -> list[dict[str, Any]]:
    parents = dict(zip(units["unit_code"], units["parent_code"], strict=True))
    return [
        {
            "unit_code": one["unit_code"],
            "name": one["name"] or one["unit_code"],
            "kind": one["kind"],
            "parent_code": _text(one["parent_code"]),
            "district_code": _text(one["district_code"]),
            "level": _text(one["level"]),
            "path": make_path(str(one["unit_code"]), parents),
            **_days(one),
        }
        for one in units.to_dict("records")
    ]


def make_path(unit_code: str, parents: dict[str, str]) -> str:
    """Return the codes from the top down to a unit, ``/a/b/c/``.

    A parent that is no unit, or that stands below its own child, ends the path: it is then the top.
    """
    path, at = [unit_code], unit_code
    while (parent := parents.get(at, "")) and parent in parents and parent not in path:
        path.append(parent)
        at = parent
    return "/" + "/".join(reversed(path)) + "/"


def make_items(catalogue: Catalogue | None) -> list[dict[str, Any]]:
    """Return the rows of a catalogue, each with its level-1 ancestor; none for None."""
    if catalogue is None:
        return []
    top = catalogue.find_top(catalogue.items["item_code"])
    rows = []
    for one, level1 in zip(catalogue.items.to_dict("records"), top, strict=True):
        texts = {name: _text(one[name]) for name in ITEM_COLUMNS if not name.startswith("valid_")}
        rows.append(
            {
                **texts,
                "level": int(one["level"]),
                "name": one["name"] or one["item_code"],
                "level1_code": level1,
                **_days(one),
            }
        )
    return rows


def _days(row: dict[Any, Any]) -> dict[str, date | None]:
    found = {}
    for name in ("valid_from", "valid_to"):
        value = row.get(name)
        found[name] = None if value is None or pd.isna(value) else pd.Timestamp(value).date()
    return found


def _take(city: City, role: str, model: type[Any]) -> list[dict[str, Any]]:
    """Return the rows of a table of the pack in the columns of its model; NOT NULL texts may be empty."""
    frame = city.tables.get(role)
    if frame is None:
        return []
    columns = [one for one in model.__table__.columns if one.name in frame and one.name != "id"]
    rows = []
    for one in frame.to_dict("records"):
        row: dict[str, Any] = _days(one)
        for column in columns:
            if column.name.startswith("valid_"):
                continue
            value = one[column.name]
            missing = value is None or pd.isna(value) or value == ""
            row[column.name] = ("" if not column.nullable else None) if missing else value
        rows.append(row)
    return rows
