import pytest
from sqlalchemy.orm import Session, sessionmaker

from gridgov.pack.city import load_city
from gridgov.services.city_runtime import Desk, make_desk
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)
from tests.gridgov.packs import write_pack
from tests.gridgov.services.city import load
from tests.gridgov.services.desks import make_small_desk

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The small city, compiled once."""
    return make_desk(load_city(write_pack(tmp_path_factory.mktemp("pack"))), salt="test")


@pytest.fixture
def loaded(sessions: sessionmaker[Session], desk: Desk) -> sessionmaker[Session]:
    """Sessions of a database with the small city in it."""
    load(sessions, desk)
    return sessions


@pytest.fixture(scope="session")
def small_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The desk of the small city whose duty list calls two units, one after the other."""
    return make_small_desk(tmp_path_factory.mktemp("small"))
