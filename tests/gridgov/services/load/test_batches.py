"""Bulk intake: equal on both databases, once, whole, and consistent with the rules."""

import json
import threading
from pathlib import Path

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from geodata.versions import VersionState
from gridgov.jobs.pipeline import run_pipeline
from gridgov.pack.city import City, load_city
from gridgov.reading.appeals import read_appeals
from gridgov.rules.orders.transitions import FINAL, OrderState
from gridgov.services.load import store as load_store
from gridgov.services.load.batches import LoadError, LoadOptions, LoadResult, load_appeals
from gridgov.services.load.pack import BoundariesChangedError, load_pack, make_path
from gridgov.services.orders.rating import find_rate_key
from gridgov.storage.audit.verify import verify
from gridgov.storage.counts.sums import recount
from gridgov.storage.db import make_engine, make_sessions, transaction
from gridgov.storage.models.appeals import Appeal, AppealPerson
from gridgov.storage.models.city import Area, BoundaryVersion, CityPack, Unit
from gridgov.storage.models.counts import RateCount
from gridgov.storage.models.journal import ImportBatch
from gridgov.storage.models.orders import Callback, Order, Outcome
from tests.databases import clone_database, make_sqlite
from tests.gridgov.packs import TOML, WEST, make_squares, write_layer, write_pack
from tests.gridgov.services.load_city import AS_OF, read_content, write_city

N = 400
ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[City, Path]:
    pack, file = write_city(tmp_path_factory.mktemp("load"), appeals=N)
    return load_city(pack), file


def take_in(
    sessions: sessionmaker[Session],
    city: City,
    file: Path,
    *,
    source: str = "test",
    batch: int = 90,
) -> LoadResult:
    with transaction(sessions) as session:
        load_pack(session, city, at=AS_OF)
    options = LoadOptions(source=source, as_of=AS_OF, batch_rows=batch, salt="salt")
    return load_appeals(sessions, city, file, options=options)


def test_a_file_is_taken_in_once_and_whole(
    sessions: sessionmaker[Session], engine: sa.Engine, written: tuple[City, Path]
) -> None:
    city, file = written
    result = take_in(sessions, city, file)
    assert result.read == N == result.added + result.known + result.rejected
    assert (result.known, result.rejected, result.batches) == (0, 5, 5)
    with sessions() as session:
        assert session.scalar(sa.select(sa.func.count(Order.id))) == result.added
        assert recount(session, ZONE).empty
        assert verify(session) == []
    first = read_content(engine, timeless=False)
    again = take_in(sessions, city, file)
    assert (again.added, again.resumed) == (result.added, result.added)
    assert read_content(engine, timeless=False) == first


def test_orders_are_those_of_the_main_job(
    sessions: sessionmaker[Session], written: tuple[City, Path]
) -> None:
    city, file = written
    take_in(sessions, city, file)
    read = read_appeals(city, file, as_of=pd.Timestamp(AS_OF), salt="salt")
    wanted = run_pipeline(city, read.appeals, as_of=pd.Timestamp(AS_OF)).orders
    with sessions() as session:
        orders = session.scalars(sa.select(Order).order_by(Order.order_no)).all()
        persons = session.scalars(sa.select(Appeal.person_key).order_by(Appeal.appeal_no)).all()
    wanted = wanted.sort_values("order_no", ignore_index=True)
    assert [one.order_no for one in orders] == wanted["order_no"].tolist()
    assert list(persons) == wanted["person_key"].tolist()
    for name in ("unit_code", "street_code", "cell_code", "item_code", "grade", "route"):
        expected = wanted[name].astype(object).where(wanted[name].notna(), None)
        assert [getattr(one, name) for one in orders] == expected.tolist(), name
    assert [one.due_at for one in orders] == wanted["due_at"].dt.to_pydatetime().tolist()
    assert [one.review for one in orders] == wanted["review"].tolist()


def test_history_agrees_with_the_order_table(
    sessions: sessionmaker[Session], written: tuple[City, Path]
) -> None:
    city, file = written
    take_in(sessions, city, file)
    closes = {
        Outcome.SOLVED: OrderState.CLOSED_SOLVED,
        Outcome.UNSOLVED: OrderState.CLOSED_UNSOLVED,
    }
    with sessions() as session:
        orders = session.scalars(sa.select(Order)).all()
        called = set(session.scalars(sa.select(Callback.order_id)))
    assert {one.outcome for one in orders} == {Outcome.OPEN, *closes}
    for one in orders:
        assert (one.outcome in closes) == (one.state in FINAL) == (one.closed_at is not None)
        if one.outcome in closes:
            assert one.state is closes[one.outcome]
            assert one.id in called
            assert one.replied_at is not None
        if one.state is OrderState.REPLIED:
            assert one.replied_at is not None
        if one.state is OrderState.RECEIVED:
            assert one.review or one.unit_code == one.desk_code
            assert one.dispatched_at is None
        if one.state is OrderState.DISPATCHED:
            assert not one.review
            assert one.unit_code != one.desk_code
        late = one.replied_at is None and one.due_at is not None and one.due_at < AS_OF
        assert (one.overdue_at is not None) == late
        assert one.state_at >= one.received_at


def test_rates_are_those_that_one_change_would_count(
    sessions: sessionmaker[Session], written: tuple[City, Path]
) -> None:
    city, file = written
    take_in(sessions, city, file)

    class Rules:
        constants = city.settings.constants
        zone = city.settings.timezone

    wanted: dict[tuple[str, str], list[int]] = {}
    names = ("orders", "callbacks", "solved", "satisfied", "basically")
    with sessions() as session:
        for order in session.scalars(sa.select(Order)):
            key = find_rate_key(session, Rules(), order)
            if key is None:
                continue
            sums = wanted.setdefault((key["month"], key["unit_code"]), [0] * len(names))
            for at, name in enumerate(names):
                sums[at] += key.get(name, 0)
        columns = [sa.func.sum(getattr(RateCount, name)) for name in names]
        rows = session.execute(
            sa.select(RateCount.month, RateCount.unit_code, *columns).group_by(
                RateCount.month, RateCount.unit_code
            )
        )
        assert {(row[0], row[1]): list(row[2:]) for row in rows} == wanted
    assert wanted


def test_personal_numbers_stand_apart(
    sessions: sessionmaker[Session], written: tuple[City, Path]
) -> None:
    city, file = written
    take_in(sessions, city, file)
    with sessions() as session:
        texts = session.scalars(sa.select(Appeal.text)).all()
        raw = session.scalars(sa.select(AppealPerson.raw_text)).all()
    assert not any("13800" in text for text in texts)
    assert raw
    assert all("13800" in text for text in raw)


def test_both_databases_hold_the_same(
    written: tuple[City, Path], sqlite_template: Path, postgres_template: sa.URL, tmp_path: Path
) -> None:
    city, file = written
    with clone_database(postgres_template) as url:
        found = []
        for address in (url, make_sqlite(sqlite_template, tmp_path)):
            engine = make_engine(address)
            take_in(make_sessions(engine), city, file)
            found.append(read_content(engine))
            engine.dispose()
    postgres, sqlite = found
    assert set(postgres) == set(sqlite)
    for name in postgres:
        differences = set(postgres[name]) ^ set(sqlite[name])
        assert not differences, (name, sorted(differences)[:4])


def test_the_same_numbers_from_another_file_are_known(
    sessions: sessionmaker[Session], written: tuple[City, Path], tmp_path: Path
) -> None:
    city, file = written
    first = take_in(sessions, city, file)
    frame = pd.read_csv(file, dtype=str)
    more = frame.iloc[: N // 2].assign(编号="M" + frame["编号"])
    other = tmp_path / "more.csv"
    pd.concat([frame.iloc[N // 2 :], more]).to_csv(other, index=False)
    second = take_in(sessions, city, other)
    assert second.known + second.added + second.rejected == second.read
    assert second.known > 100 < second.added
    third = take_in(sessions, city, file, source="elsewhere")
    assert third.added == first.added
    with sessions() as session:
        assert (
            session.scalar(
                sa.select(sa.func.count(Order.id)).where(Order.order_no.startswith("elsewhere:"))
            )
            == first.added
        )
        assert recount(session, ZONE).empty


def test_two_loads_of_one_file_at_once(
    sessions: sessionmaker[Session], written: tuple[City, Path]
) -> None:
    city, file = written
    with transaction(sessions) as session:
        load_pack(session, city, at=AS_OF)
    results: list[LoadResult] = []

    def run() -> None:
        results.append(take_in(sessions, city, file, batch=40))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.added for one in results] == [N - 5, N - 5]
    with sessions() as session:
        assert session.scalar(sa.select(sa.func.count(Order.id))) == N - 5
        assert recount(session, ZONE).empty
        assert verify(session) == []


def test_a_lost_connection_keeps_whole_batches(
    postgres: sa.Engine, written: tuple[City, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    city, file = written
    sessions = make_sessions(postgres)
    add = load_store.add_counts
    calls = []

    def cut(session: Session, counted: pd.DataFrame) -> None:
        calls.append(1)
        if len(calls) == 3:  # appeals and orders of the batch are written by now
            pid = session.scalar(sa.text("SELECT pg_backend_pid()"))
            with psycopg.connect(
                postgres.url.set(drivername="postgresql").render_as_string(), autocommit=True
            ) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
        add(session, counted)

    monkeypatch.setattr(load_store, "add_counts", cut)
    # Two batches are under way at once, so the third to count may be the second, third or fourth of the file.
    with pytest.raises(LoadError, match=r"Batch [234] was not taken in.*same command again"):
        take_in(sessions, city, file, batch=40)
    with sessions() as session:
        kept = session.scalar(sa.select(sa.func.sum(ImportBatch.rows)))
        # Batches are saved two at a time: the one beside the lost one comes to its end.
        assert kept in {80, 120}
        orders = session.scalar(sa.select(sa.func.count(Order.id)))
        assert orders == session.scalar(sa.select(sa.func.sum(ImportBatch.added)))
        assert recount(session, ZONE).empty
        assert verify(session) == []
    result = take_in(sessions, city, file, batch=40)
    assert result.added == N - 5
    assert result.resumed == kept


def test_a_full_disk_is_told(
    sqlite_template: Path, written: tuple[City, Path], tmp_path: Path
) -> None:
    city, file = written
    engine = make_engine(make_sqlite(sqlite_template, tmp_path))

    @sa.event.listens_for(engine, "connect")
    def limit(connection: object, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]  # the driver of SQLite
        connection.execute(f"PRAGMA max_page_count = {pages + 130}")  # type: ignore[attr-defined]  # the driver of SQLite

    before = set(threading.enumerate())
    with pytest.raises(LoadError, match="full") as told:
        take_in(make_sessions(engine), city, file, batch=60)
    # `told` holds the frames of the failed load: what they left running would be alive still.
    assert not set(threading.enumerate()) - before, told.value
    engine.dispose()
    roomy = make_engine(engine.url)
    with make_sessions(roomy)() as session:
        assert recount(session, ZONE).empty
    result = take_in(make_sessions(roomy), city, file, batch=60)
    assert result.added == N - 5
    roomy.dispose()


def test_a_pack_is_loaded_once(sessions: sessionmaker[Session], written: tuple[City, Path]) -> None:
    city, _file = written
    with transaction(sessions) as session:
        assert load_pack(session, city, at=AS_OF)["changed"]
        assert not load_pack(session, city, at=AS_OF)["changed"]
    with sessions() as session:
        assert session.scalar(sa.select(sa.func.count(CityPack.id))) == 1
        paths = dict(session.execute(sa.select(Unit.unit_code, Unit.path)).all())
        kinds = dict(
            session.execute(sa.select(Area.kind, sa.func.count(Area.id)).group_by(Area.kind)).all()
        )
    assert paths["110101001"] == "/CITY/110101/110101001/"
    assert kinds["street"] == 4
    assert kinds["exception"] == 1


def test_new_boundaries_come_into_force_on_their_day(
    sessions: sessionmaker[Session], written: tuple[City, Path], tmp_path: Path
) -> None:
    city, _file = written
    toml = TOML.replace(
        'datum = "WGS84"\n', 'datum = "WGS84"\nversion = "next"\nvalid_from = 2024-07-01\n', 1
    )
    other = load_city(write_pack(tmp_path / "next", toml))
    with transaction(sessions) as session:
        load_pack(session, city, at=AS_OF)
        load_pack(session, other, at=AS_OF)
    assert _states(sessions) == {
        city.boundary_version: VersionState.ACTIVE,
        "next": VersionState.INACTIVE,
    }
    with transaction(sessions) as session:
        later = pd.Timestamp("2024-07-01 00:30", tz=ZONE).to_pydatetime()
        assert load_pack(session, other, at=later)["activated"] == ["next"]
    assert _states(sessions) == {
        city.boundary_version: VersionState.RETIRED,
        "next": VersionState.ACTIVE,
    }
    moved = json.dumps(make_squares()).replace(f"[{WEST}, ", f"[{WEST - 0.001}, ")
    write_layer(tmp_path / "next", json.loads(moved))
    changed = load_city(tmp_path / "next")
    with (
        pytest.raises(BoundariesChangedError, match="another version"),
        transaction(sessions) as session,
    ):
        load_pack(session, changed, at=AS_OF)


def _states(sessions: sessionmaker[Session]) -> dict[str, VersionState]:
    with sessions() as session:
        rows = session.execute(sa.select(BoundaryVersion.version, BoundaryVersion.state))
        return {row.version: row.state for row in rows}


def test_a_path_ends_where_parents_go_round() -> None:
    assert make_path("c", {"a": "", "b": "a", "c": "b"}) == "/a/b/c/"
    assert make_path("b", {"a": "b", "b": "a"}) == "/a/b/"
    assert make_path("x", {"x": "nobody"}) == "/x/"
