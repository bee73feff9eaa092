"""Schema checks and migrations on real databases."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session

from geodata.versions import VersionState
from gridgov.storage.db import (
    DatabaseError,
    SchemaError,
    check_schema,
    find_revision,
    make_config,
    make_engine,
    read_url,
)
from gridgov.storage.db_faults import explain
from gridgov.storage.models.city import Area, BoundaryVersion


def test_migrated_database_is_what_the_models_say(engine: sa.Engine) -> None:
    check_schema(engine)
    command.check(make_config(engine))


def test_down_to_nothing_and_up_again(engine: sa.Engine) -> None:
    command.downgrade(make_config(engine), "base")
    left = set(sa.inspect(engine).get_table_names()) - {"alembic_version", "spatial_ref_sys"}
    assert left == set()
    with pytest.raises(SchemaError, match=r"empty.*gridgov db upgrade"):
        check_schema(engine)
    command.upgrade(make_config(engine), "head")
    check_schema(engine)


def test_a_newer_and_an_older_schema_are_told_apart(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="newer") as newer:
        check_schema(engine)
    assert newer.value.found == "9999"
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    if find_revision(engine) != newer.value.wanted:
        with pytest.raises(SchemaError, match=r"older.*gridgov db upgrade"):
            check_schema(engine)


def test_no_server_is_said_so() -> None:
    with pytest.raises(DatabaseError, match="cannot be reached"):
        find_revision(make_engine("postgresql://gridgov@127.0.0.1:1/none"))


@pytest.mark.parametrize("text", ["mysql://x/y", "not an address"])
def test_other_databases_are_refused(text: str) -> None:
    with pytest.raises(DatabaseError, match=r"expected sqlite"):
        read_url(text)


def test_times_and_shapes_come_back_as_they_were(session: Session) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    version = BoundaryVersion(
        layer="streets",
        version="1",
        state=VersionState.ACTIVE,
        content_hash="x",
        loaded_at=at,
        events=[{"a": 1}],
    )
    session.add(version)
    session.flush()
    shape = shapely.MultiPolygon([shapely.box(116, 39, 116.1, 39.1)])
    session.add(
        Area(
            version_id=version.id,
            kind="street",
            code="1",
            name="东",
            lon=116.05,
            lat=39.05,
            shape=shape,
        )
    )
    session.commit()
    session.expire_all()
    area = session.scalars(sa.select(Area)).one()
    assert area.shape.equals(shape)
    found = session.get(BoundaryVersion, version.id)
    assert found is not None
    assert (found.loaded_at, found.state, found.events) == (at, VersionState.ACTIVE, [{"a": 1}])


def test_a_time_without_a_zone_is_a_fault(session: Session) -> None:
    session.add(
        BoundaryVersion(
            layer="streets",
            version="1",
            state=VersionState.ACTIVE,
            content_hash="x",
            loaded_at=datetime(2026, 1, 2),  # noqa: DTZ001 - the fault under test
        )
    )
    with pytest.raises(sa.exc.StatementError, match="no zone"):
        session.flush()


def test_the_server_compiles_no_statement(postgres: sa.Engine) -> None:
    with postgres.connect() as connection:
        connection.rollback()
        assert connection.scalar(sa.text("SHOW jit")) == "off"


def test_one_gist_index_a_geometry_column(postgres: sa.Engine) -> None:
    with postgres.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT tablename, count(*) FROM pg_indexes WHERE indexdef LIKE '%gist%' "
                "AND schemaname = 'public' GROUP BY tablename ORDER BY 1"
            )
        ).all()
        columns = connection.execute(
            sa.text(
                "SELECT f_table_name, srid FROM geometry_columns WHERE f_table_schema = 'public' ORDER BY 1"
            )
        ).all()
    assert rows == [(name, 1) for name, _ in columns]
    assert {srid for _, srid in columns} == {4326}


def test_a_file_that_is_no_database_and_a_folder_that_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database " * 100)
    with pytest.raises(DatabaseError, match=r"the folder .*notes\.txt cannot be made"):
        make_engine(f"sqlite:///{file}/gridgov.db")
    with pytest.raises(sa.exc.DatabaseError) as caught:
        find_revision(make_engine(f"sqlite:///{file}"))
    assert "is no SQLite database. Name another" in explain(caught.value)
