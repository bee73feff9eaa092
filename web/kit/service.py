"""What every request needs of the service: settings, database, city, clock. One object per application."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app, g
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import GridgovError
from gridgov.pack.city import find_settings_file
from gridgov.pack.read_settings import read_settings
from gridgov.services.outbox.deliver import open_channels
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_sessions
from gridgov.storage.models.city import CityPack
from gridgov.storage.scope.apply import Scope, bind

CITY_KEPT_S = 30.0
"""How long the city's name is kept before the database is asked for a newer load."""
EXTENSION = "gridgov"


class NoCityError(GridgovError):
    """No city has been loaded into the database."""

    def __init__(self) -> None:
        super().__init__("There is no city in the database yet. Run: gridgov load CITY")


@dataclass(frozen=True, kw_only=True)
class CityFacts:
    """What pages say of the city."""

    name: str
    name_en: str
    zone: ZoneInfo
    synthetic: bool
    path: Path
    pack_id: int


@dataclass(kw_only=True)
class Service:
    """The service behind the pages.

    Parameters
    ----------
    settings
        From the environment.
    engine
        Its database, of the right schema.
    """

    settings: ServiceSettings
    engine: sa.Engine
    sessions: sessionmaker[Session] = field(init=False)
    read_sessions: sessionmaker[Session] = field(init=False)
    _city: CityFacts | None = field(init=False, default=None)
    _city_until: float = field(init=False, default=0.0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Messages of what people do here go out by e-mail and webhook too, where these are set up.
        self.sessions = open_channels(make_sessions(self.engine), self.settings)
        # On SQLite readers must not wait for the writer's lock (gridgov.storage.db).
        self.read_sessions = make_sessions(self.engine.execution_options(sqlite_read_only=True))

    def get_now(self) -> datetime:
        """Return the service's time, UTC: the machine's, less what a demo with old data lies back."""
        return datetime.now(UTC) - timedelta(minutes=self.settings.clock_behind_min)

    def get_city(self) -> CityFacts:
        """Return the city in use.

        Raises
        ------
        NoCityError
            None has been loaded.
        """
        with self._lock:
            if self._city is None or time.monotonic() > self._city_until:
                self._city = self._load_city()
                self._city_until = time.monotonic() + CITY_KEPT_S
            return self._city

    def _load_city(self) -> CityFacts:
        with self.read_sessions() as session:
            pack = session.scalar(sa.select(CityPack).order_by(CityPack.id.desc()).limit(1))
        if pack is None:
            raise NoCityError
        if self._city is not None and self._city.pack_id == pack.id:
            return self._city
        path = Path(self.settings.city or pack.path)
        read, _ = read_settings(find_settings_file(path)) if path.exists() else (None, [])
        return CityFacts(
            name=pack.name,
            name_en="" if read is None else read.name_en,
            zone=ZoneInfo(pack.timezone),
            # Where the pack is not at hand, its name still says what it says.
            synthetic=read is not None and read.synthetic,
            path=path,
            pack_id=pack.id,
        )


def get_service() -> Service:
    """Return the service of the current application."""
    return cast("Service", current_app.extensions[EXTENSION])


def get_scope() -> Scope:
    """Return what the visitor of this request may see; only views behind a permission have one."""
    return cast("Scope", g.scope)


def reading() -> Session:
    """Return the request's session for reading, limited to what its visitor may see."""
    if "read_session" not in g:
        g.read_session = bind(get_service().read_sessions(), get_scope())
    return cast("Session", g.read_session)


@contextmanager
def writing() -> Iterator[Session]:
    """Give a session for changing, limited like :func:`reading`; commits at the end, rolls back on any error."""
    # What was read before must not hold a snapshot from before the change.
    close_reading()
    with get_service().sessions() as session, session.begin():
        yield bind(session, get_scope())


def close_reading(_error: BaseException | None = None) -> None:
    """End the request's reading session."""
    session = g.pop("read_session", None)
    if session is not None:
        session.close()
