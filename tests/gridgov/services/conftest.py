import pytest
from sqlalchemy.orm import Session, sessionmaker

from gridgov.pack.city import load_city
from gridgov.services.city_runtime import CityRuntime, make_runtime
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
from tests.gridgov.services.desks import make_small_runtime

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> CityRuntime:
    """The small city, compiled once."""
    return make_runtime(load_city(write_pack(tmp_path_factory.mktemp("pack"))), salt="test")


@pytest.fixture
def loaded(sessions: sessionmaker[Session], runtime: CityRuntime) -> sessionmaker[Session]:
    """Sessions of a database with the small city in it."""
    load(sessions, runtime)
    return sessions


@pytest.fixture(scope="session")
def small_runtime(tmp_path_factory: pytest.TempPathFactory) -> CityRuntime:
    """The desk of the small city whose duty list calls two units, one after the other."""
    return make_small_runtime(tmp_path_factory.mktemp("small"))
