"""The views for a GIS: what a reader sees, that each column says what it is, and that nothing else is open."""

import geopandas as gpd
import pytest
import sqlalchemy as sa

from gridgov.pack.city import load_city
from gridgov.services.city_runtime import make_runtime
from gridgov.storage.db import make_sessions, transaction
from tests.gridgov.packs import write_pack
from tests.gridgov.services.city import STREET, load, take
from tests.web.room_rows import SPOT, add_planning


@pytest.fixture
def read(postgres, tmp_path):
    """Return what asks as the reader, on a small city with an order, a hotspot and a plan."""
    runtime = make_runtime(load_city(write_pack(tmp_path / "pack")), salt="test")
    load(make_sessions(postgres), runtime)
    with transaction(make_sessions(postgres)) as session:
        number = take(session, runtime, phone="13812345678", name="王某").order_nos[0]
        add_planning(session, (number,), cells="")

    def ask(query):
        with postgres.connect() as connection:
            connection.execute(sa.text("SET ROLE gridgov_reader"))
            return connection.execute(sa.text(query)).all()

    ask.engine = postgres
    return ask


def test_a_reader_sees_the_city_and_no_persons(read):
    ((order, unit, street, text),) = read(
        "SELECT order_no, unit_name, street_name, text FROM gis.orders"
    )
    assert order
    assert unit
    assert street == "东华门街道"
    assert "13812345678" not in text
    assert len(read("SELECT code FROM gis.streets")) == 4
    assert read("SELECT hotspot_no FROM gis.hotspots") == [(SPOT,)]
    ((task, is_spot),) = read(
        "SELECT t.task_no, ST_Equals(t.shape, h.shape) FROM gis.tasks t JOIN gis.hotspots h USING (hotspot_no)"
    )
    assert (task, is_spot) == ("T01", True)
    assert read("SELECT count(*) FROM gis.cells") != [(0,)]
    assert {row[0] for row in read("SELECT kind FROM gis.boundaries")} >= {"street"}


@pytest.mark.parametrize(
    "table", ["orders", "appeals", "appeal_persons", "accounts", "log_entries"]
)
def test_a_reader_reads_no_table(read, table):
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        read(f"SELECT * FROM public.{table}")  # noqa: S608 - a name of this test
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        read("DELETE FROM gis.cells")


def test_accounts_of_the_service_do_not_read_past_their_scope(read):
    with read.engine.connect() as connection:
        connection.execute(sa.text("SET ROLE gridgov_app"))
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.execute(sa.text("SELECT * FROM gis.orders"))


def test_every_view_and_column_says_what_it_is(read):
    inspector = sa.inspect(read.engine)
    views = inspector.get_view_names(schema="gis")
    assert len(views) == 8
    for view in views:
        assert inspector.get_table_comment(view, schema="gis")["text"]
        silent = [
            one["name"]
            for one in inspector.get_columns(view, schema="gis")
            if not one["comment"] and one["name"] != "id"
        ]
        assert not silent, view


def test_a_gis_takes_the_views_as_layers(read):
    frame = gpd.read_postgis("SELECT * FROM gis.streets", read.engine, geom_col="shape")
    assert frame.crs == "EPSG:4326"
    assert STREET in set(frame["code"])
