"""New boundaries come into force on their day; what then lies elsewhere waits for a decision."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.pack.city import City, load_city
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.city_runtime import RunningCity, make_runtime
from gridgov.services.load.pack import (
    BoundariesChangedError,
    PackWaitsError,
    load_pack,
    switch_due,
)
from gridgov.services.orders.boundaries import mark_moved
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.city import CityPack, Unit
from gridgov.storage.models.journal import Message
from gridgov.storage.models.orders import Order
from tests.gridgov.packs import TABLES, TOML, write_pack
from tests.gridgov.services.city import (
    CENTRE,
    DISPATCHER,
    INSIDE,
    NEIGHBOUR,
    NOW,
    STREET,
    at,
    do,
    make_actor,
    take,
)
from tests.gridgov.services.promises import find_broken

A = OrderAction
FIRST_DAY = (NOW + timedelta(days=180)).date()
THEN = datetime.combine(FIRST_DAY, datetime.min.time(), tzinfo=UTC)


def write_later(folder: Path) -> City:
    """Write a pack in which the first two streets have changed places, from half a year on."""
    more = f'version = "later"\nvalid_from = {FIRST_DAY}\n'
    pack = write_pack(folder, TOML.replace("[layers.exceptions]", f"{more}\n[layers.exceptions]"))
    file = next(pack.rglob("streets.geojson")) if pack.is_dir() else pack.parent / "streets.geojson"
    layer = json.loads(file.read_text("utf-8"))
    ours = {one["properties"]["code"]: one for one in layer["features"]}
    one, other = ours[STREET], ours[NEIGHBOUR]
    one["geometry"], other["geometry"] = other["geometry"], one["geometry"]
    file.write_text(json.dumps(layer), "utf-8")
    return load_city(pack)


@pytest.fixture
def packs(tmp_path: Path) -> tuple[City, City]:
    return load_city(write_pack(tmp_path / "now")), write_later(tmp_path / "later")


@pytest.fixture
def running(sessions: sessionmaker[Session], packs: tuple[City, City]) -> Callable[[], str]:
    """Load both packs; give a reader of the boundary version by which the service judges."""
    with sessions.begin() as session:
        load_pack(session, packs[0], at=NOW)
    with sessions.begin() as session:
        figures = load_pack(session, packs[1], at=NOW)
    assert figures["waits_until"] == FIRST_DAY.isoformat()
    city = RunningCity(settings=ServiceSettings(salt="salt"), sessions=sessions)
    return lambda: city.get_runtime().boundary_version


def test_a_version_of_half_a_year_hence_judges_nothing_before_its_day(
    sessions: sessionmaker[Session], packs: tuple[City, City], running: Callable[[], str]
) -> None:
    assert running() == packs[0].boundary_version
    with sessions.begin() as session:
        assert switch_due(session, today=FIRST_DAY - timedelta(days=1), at=at(0)) == []
    assert running() == packs[0].boundary_version
    with sessions.begin() as session:
        assert switch_due(session, today=FIRST_DAY, at=THEN) == ["later"]
    assert running() == "later"
    with sessions() as session:
        assert (
            session.scalars(
                sa.select(CityPack.in_force_from).where(CityPack.in_force_from.is_not(None))
            ).all()
            == []
        )
        assert session.scalar(sa.select(sa.func.count(Unit.id)))
        assert verify(session) == []


def test_a_pack_that_waits_lies_in_a_folder_of_its_own(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with sessions.begin() as session:
        load_pack(session, load_city(write_pack(tmp_path / "city")), at=NOW)
    later = write_later(tmp_path / "city")
    with sessions() as session, pytest.raises(PackWaitsError, match="a folder of its own"):
        load_pack(session, later, at=NOW)


def test_open_orders_that_lie_elsewhere_wait_for_a_decision(
    sessions: sessionmaker[Session], packs: tuple[City, City], running: Callable[[], str]
) -> None:
    before = make_runtime(packs[0], salt="salt")
    after = make_runtime(packs[1], salt="salt")
    assert running()
    with sessions.begin() as session:
        moves, stays, answered = (take(session, before).order_nos[0] for _ in range(3))
        far = take(session, before, lon=116.425, lat=39.905).order_nos[0]
        for minute, action in enumerate((A.ACCEPT, A.CONTACT, A.HANDLE), 1):
            do(session, before, answered, action, CENTRE, minutes=minute)
        do(session, before, answered, A.REPLY, CENTRE, minutes=4, text="好")
    with sessions.begin() as session:
        assert mark_moved(session, before, at=at(5)) == []
        assert mark_moved(session, after, at=at(6)) == [moves, stays]
        assert mark_moved(session, after, at=at(7)) == []
    with sessions.begin() as session:
        named = {"reason_code": "boundaries"}
        do(session, after, moves, A.REASSIGN, DISPATCHER, minutes=8, unit_code=NEIGHBOUR, **named)
        do(session, after, stays, A.KEEP_UNIT, DISPATCHER, minutes=8, **named)
        # Decided is decided.
        assert mark_moved(session, after, at=at(9)) == []
    with sessions() as session:
        rows = {row.order_no: row for row in session.scalars(sa.select(Order))}
        assert find_broken(session, after, at(9)) == []
        assert verify(session) == []
    assert (rows[moves].unit_code, rows[moves].street_code) == (NEIGHBOUR, NEIGHBOUR)
    assert rows[moves].state is OrderState.DISPATCHED
    assert (rows[stays].unit_code, rows[stays].street_code) == (STREET, NEIGHBOUR)
    assert {rows[one].boundary_version for one in (moves, stays)} == {"later"}
    # What is answered, and what lies where it lay, keeps the version by which it was judged.
    assert {rows[one].boundary_version for one in (answered, far)} == {packs[0].boundary_version}
    assert (rows[stays].lon, rows[stays].lat) == INSIDE


def test_open_orders_whose_item_has_other_rules_wait_for_a_decision(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    """Another lead, another time or no such item any more; another name or another item changes nothing."""
    catalogue = TABLES["catalogue"]
    assert "111,3,11,占道经营,,,24h,@street,D01" in catalogue
    other = (
        catalogue.replace("111,3,11,占道经营,,,24h", "111,3,11,占道摆摊,,,7d")
        .replace("水管爆裂", "水管破裂")
        .replace("113,3,11,", "114,3,11,")
    )
    before = make_runtime(load_city(write_pack(tmp_path / "now")), salt="salt")
    after = make_runtime(load_city(write_pack(tmp_path / "new", catalogue=other)), salt="salt")
    with sessions.begin() as session:
        load_pack(session, before.city, at=NOW)
        numbers = {
            item: take(session, before, item_code=item, **where).order_nos[0]
            for item, where in (("111", {}), ("112", {"lon": 116.425}), ("113", {"lat": 39.925}))
        }
        assert mark_moved(session, before, at=at(1)) == []
        load_pack(session, after.city, at=at(2))
        states = {row.order_no: row.state for row in session.scalars(sa.select(Order))}
        assert set(states.values()) == {OrderState.DISPATCHED}
        assert mark_moved(session, after, at=at(3)) == [numbers["111"], numbers["113"]]
        assert mark_moved(session, after, at=at(4)) == []
        was = session.scalars(sa.select(Order).where(Order.order_no == numbers["111"])).one()
        due, contact = was.due_at, was.contact_by
        keep = {"reason_code": "boundaries"}
        do(session, after, numbers["111"], A.KEEP_UNIT, DISPATCHER, minutes=5, **keep)
        do(session, after, numbers["113"], A.KEEP_UNIT, DISPATCHER, minutes=5, **keep)
        assert mark_moved(session, after, at=at(6)) == []
    with sessions() as session:
        rows = {row.order_no: row for row in session.scalars(sa.select(Order))}
        told = session.scalars(sa.select(Message.order_no).where(Message.topic == "item_changed"))
        assert set(told) == {numbers["111"], numbers["113"]}
        assert verify(session) == []
    kept = rows[numbers["111"]]
    # Whoever keeps it answers by the grade that the item has now, from the receipt on.
    assert (kept.grade, kept.due_at - due) == ("7d", timedelta(days=6))
    assert kept.contact_by > contact
    assert not any(row.review for row in rows.values())


def test_a_version_that_was_replaced_does_not_come_back_under_its_name(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    named = [
        load_city(
            write_pack(
                tmp_path / name,
                TOML.replace("[layers.exceptions]", f'version = "{name}"\n[layers.exceptions]'),
            )
        )
        for name in ("one", "two")
    ]
    with sessions() as session:
        for city in named:
            load_pack(session, city, at=NOW)
        with pytest.raises(BoundariesChangedError, match="replaced on 2024-03-04"):
            load_pack(session, named[0], at=at(1))


def test_a_unit_that_has_left_the_table_is_replaced_and_not_kept(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    """The boundaries are the same; who has handled the order, and whoever takes a step back, is gone all the same."""
    units = "".join(
        line for line in TABLES["units"].splitlines(keepends=True) if not line.startswith("E01")
    )
    before = make_runtime(load_city(write_pack(tmp_path / "now")), salt="salt")
    with sessions.begin() as session:
        load_pack(session, before.city, at=NOW)
        number = take(session, before, item_code="112").order_nos[0]
        do(session, before, number, A.ACCEPT, make_actor(Role.HANDLER, "E01"), minutes=1)
        assert mark_moved(session, before, at=at(1)) == []
    catalogue = TABLES["catalogue"].replace("2h,E01", "2h,D01")
    duties = TABLES["duties"].replace(",E01,", ",D01,")
    pack = write_pack(tmp_path / "new", units=units, catalogue=catalogue, duties=duties)
    after = make_runtime(load_city(pack), salt="salt")
    with sessions.begin() as session:
        load_pack(session, after.city, at=at(2))
        assert mark_moved(session, after, at=at(3)) == [number]
    named = {"reason_code": "boundaries"}
    with sessions.begin() as session:
        with pytest.raises(OrderActionError, match="E01 is not in force"):
            do(session, after, number, A.KEEP_UNIT, DISPATCHER, minutes=4, **named)
        do(session, after, number, A.REASSIGN, DISPATCHER, minutes=5, unit_code="D01", **named)
        row = session.scalars(sa.select(Order)).one()
        assert (row.unit_code, row.review) == ("D01", False)
        assert find_broken(session, after, at(5)) == []
