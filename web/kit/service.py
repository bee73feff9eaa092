"""What every request needs of the service: settings, database, city, clock. One object per application."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from flask import current_app, g
from sqlalchemy.orm import Session, sessionmaker

from gridgov.jobs.place_service import PlaceService
from gridgov.rules.constants import Constants
from gridgov.services.city_runtime import CityFacts, CityRuntime, RunningCity
from gridgov.services.clock import CLOCK
from gridgov.services.intake.corrections import KeptCorrections
from gridgov.services.outbox.deliver import open_channels
from gridgov.services.salt import with_salt
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import make_sessions
from gridgov.storage.scope.apply import Scope, bind

EXTENSION = "gridgov"


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
    city: RunningCity = field(init=False)
    corrections: KeptCorrections = field(init=False)
    _places: tuple[int, PlaceService] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        # No service without a salt: persons are hashed under the one that belongs to the database.
        self.settings = with_salt(self.settings, self.engine)
        # Messages of what people do here go out by e-mail and webhook too, where these are set up.
        self.sessions = open_channels(make_sessions(self.engine), self.settings)
        # On SQLite readers must not wait for the writer's lock (gridgov.storage.db).
        self.read_sessions = make_sessions(self.engine.execution_options(sqlite_read_only=True))
        self.city = RunningCity(settings=self.settings, sessions=self.read_sessions)
        self.corrections = KeptCorrections(sessions=self.read_sessions)

    def get_now(self) -> datetime:
        """Return the service's time, UTC: the machine's, less what a demo with old data lies back."""
        return CLOCK.now() - timedelta(minutes=self.settings.clock_behind_min)

    def get_city(self) -> CityFacts:
        """Return the city in use.

        Raises
        ------
        NoCityError
            None has been loaded.
        """
        return self.city.get_facts()

    def get_places(self) -> PlaceService:
        """Return the place service of the city in use; a newer load is seen as soon as by :meth:`get_city`.

        Raises
        ------
        GridgovError
            As ``RunningCity.get_runtime``.
        """
        kept, pack_id = self._places, self.get_city().pack_id
        if kept is None or kept[0] != pack_id:
            runtime = self.city.get_runtime()
            kept = pack_id, PlaceService(city=runtime.city, get_book=runtime.get_book)
            self._places = kept
        return kept[1]


def get_service() -> Service:
    """Return the service of the current application."""
    return cast("Service", current_app.extensions[EXTENSION])


def get_runtime() -> CityRuntime:
    """Return the city in use with all that services ask; raises as ``RunningCity.get_runtime``."""
    return get_service().city.get_runtime()


def get_constants() -> Constants:
    """Return the city's constants; the defaults where its pack is not at hand."""
    return get_service().get_city().constants


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
