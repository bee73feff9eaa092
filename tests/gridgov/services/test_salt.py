"""The salt of persons: made once, the same for all that start, and never taken for another."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from gridgov.services.salt import find_file, find_salt, make_mark, with_salt
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import DatabaseError, make_engine, make_sessions
from gridgov.storage.models.secrets import KeptSecret


def test_the_first_start_makes_it_and_every_other_finds_it(engine):
    made = find_salt("", engine)
    assert len(made) == 64
    assert find_salt("", engine) == made
    assert with_salt(ServiceSettings(), engine).salt == made
    with make_sessions(engine)() as session:
        kept = session.get_one(KeptSecret, "salt")
        assert kept.mark == make_mark(made)
        assert kept.value == (made if engine.dialect.name == "postgresql" else None)


def test_first_starts_at_the_same_moment_agree(engine):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: find_salt("", engine), range(8)))
    assert len(found) == 1
    assert found == {find_salt("", engine)}


def test_on_sqlite_it_lies_beside_the_database_for_its_owner_alone(sqlite_template, tmp_path):
    file = tmp_path / "city.db"
    file.write_bytes(sqlite_template.read_bytes())
    engine = make_engine(f"sqlite:///{file}")
    made = find_salt("", engine)
    beside = tmp_path / "city.db.salt"
    assert find_file(engine) == beside
    assert beside.read_text().strip() == made
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert made.encode() not in file.read_bytes()
    beside.unlink()
    with pytest.raises(DatabaseError, match=r"city\.db\.salt.*GRIDGOV_SALT"):
        find_salt("", engine)
    assert find_salt(made, engine) == made  # given by hand, it is the right one
    beside.write_text("another\n")
    with pytest.raises(DatabaseError, match="not the salt"):
        find_salt("", engine)
    engine.dispose()


def test_the_one_that_is_set_is_kept_to(engine):
    assert find_salt("from the environment", engine) == "from the environment"
    with pytest.raises(DatabaseError, match="not the salt"):
        find_salt("another", engine)
    with pytest.raises(DatabaseError, match="GRIDGOV_SALT"):
        find_salt("", engine)


def test_a_start_that_died_before_it_was_done_leaves_its_salt(sqlite_template, tmp_path):
    file = tmp_path / "city.db"
    file.write_bytes(sqlite_template.read_bytes())
    (tmp_path / "city.db.salt").write_text("left over\n")
    engine = make_engine(f"sqlite:///{file}")
    assert find_salt("", engine) == "left over"
    engine.dispose()


@pytest.mark.parametrize("role", ["gridgov_app", "gridgov_city"])
def test_no_role_of_an_account_reads_it(postgres, role):
    find_salt("", postgres)
    with postgres.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.execute(sa.text("SELECT value FROM kept_secrets"))
