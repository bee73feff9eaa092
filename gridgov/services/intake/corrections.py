"""Pins that people moved answer the next address too: at once, in every process, because they are rows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from geodata.address import fold_text
from geodata.frames import PlaceLevel
from geodata.geocoder import CORRECTED_RADIUS_M, CORRECTION_COLUMNS, make_corrections
from gridgov.pack.city import City
from gridgov.rules.privacy import mask_text
from gridgov.storage.models.appeals import PinMove

LONGEST_KEY = 200
CORRECTIONS_KEPT_S = 2.0


def make_address_key(address: str | None) -> str | None:
    """Return an address as it is compared, numbers of people masked; None where it has no letter or digit."""
    return fold_text(mask_text(address))[:LONGEST_KEY] or None if address else None


def find_correction(session: Session, address: str | None) -> dict[str, Any] | None:
    """Return the place that a person gave this address last, ``PLACE_COLUMNS`` by name; None if nobody did."""
    key = make_address_key(address)
    if key is None:
        return None
    query = (
        sa.select(PinMove.lon, PinMove.lat)
        .where(PinMove.address_key == key, PinMove.withdrawn_at.is_(None))
        .order_by(PinMove.made_at.desc(), PinMove.id.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    return None if found is None else _make_place(found.lon, found.lat, address or "")


def _make_place(lon: float, lat: float, address: str) -> dict[str, Any]:
    return {
        "lon": lon,
        "lat": lat,
        "place_level": PlaceLevel.NUMBER.value,
        "uncertainty_m": CORRECTED_RADIUS_M,
        "matched": mask_text(address),
        "score": 1.0,
        "place_problem": None,
    }


@dataclass(kw_only=True)
class KeptCorrections:
    """The corrections that hold, for a service that is asked a thousand times a second: looked up again every 2 s.

    Parameters
    ----------
    sessions
        For reading.
    """

    sessions: sessionmaker[Session]
    _points: dict[str, tuple[float, float]] = field(init=False, default_factory=dict)
    _seen: tuple[Any, ...] | None = field(init=False, default=None)
    _until_s: float = field(init=False, default=0.0)

    def get_finder(self) -> Callable[[str], dict[str, Any] | None] | None:
        """Return what gives an address its corrected place (``PLACE_COLUMNS``), None where there are none at all."""
        if time.monotonic() > self._until_s:
            self._refresh()
            self._until_s = time.monotonic() + CORRECTIONS_KEPT_S
        return self._find if self._points else None

    def _find(self, address: str) -> dict[str, Any] | None:
        point = self._points.get(make_address_key(address) or "")
        return None if point is None else _make_place(*point, address)

    def _refresh(self) -> None:
        marks = sa.select(sa.func.max(PinMove.id), sa.func.max(PinMove.withdrawn_at))
        with self.sessions() as session:
            seen = tuple(session.execute(marks).one())
            if seen == self._seen:
                return
            query = sa.select(PinMove.address_key, PinMove.lon, PinMove.lat).where(
                PinMove.address_key.is_not(None), PinMove.withdrawn_at.is_(None)
            )
            # The last one given stands, as in find_correction.
            rows = session.execute(query.order_by(PinMove.made_at, PinMove.id)).all()
        self._points = {row.address_key: (row.lon, row.lat) for row in rows}
        self._seen = seen


def load_corrections(session: Session) -> pd.DataFrame:
    """Return every correction as ``geodata.geocoder.corrections`` knows them, for a geocoder of many addresses."""
    query = sa.select(PinMove).where(PinMove.address_key.is_not(None)).order_by(PinMove.id)
    rows = [_make_row(move) for move in session.scalars(query)]
    empty = make_corrections()
    if not rows:
        return empty
    return pd.DataFrame(rows, columns=list(CORRECTION_COLUMNS)).astype(empty.dtypes)


def apply_corrections(session: Session, city: City) -> City:
    """Return the city with the pins that people moved, for files of appeals: itself where there are none."""
    corrections = load_corrections(session)
    return city if corrections.empty else replace(city, corrections=corrections)


def _make_row(move: PinMove) -> dict[str, Any]:
    return {
        "correction_no": move.id,
        "address": move.address,
        "lon": move.lon,
        "lat": move.lat,
        "source": move.source,
        "made_by": move.made_by,
        "made_at": _to_utc(move.made_at),
        "withdrawn_by": move.withdrawn_by,
        "withdrawn_at": None if move.withdrawn_at is None else _to_utc(move.withdrawn_at),
    }


def _to_utc(at: datetime) -> pd.Timestamp:
    return pd.Timestamp(at).tz_convert("UTC")
