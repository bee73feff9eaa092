"""A small city's desk, its people, and orders in any state, for tests of services."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from gridgov.pack.city import load_city
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import OrderState, Role
from gridgov.services.city_runtime import CityRuntime, make_runtime
from gridgov.services.orders.rows import find_outcome
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order
from tests.gridgov.packs import TABLES, TOML, write_pack

T0 = datetime(2025, 6, 2, 1, tzinfo=UTC)
STREET, OTHER_STREET, DISTRICT, DESK = "110101001", "110101002", "110101", "Q01"

CENTRE = Actor(person_key="centre", role=Role.STREET_CENTRE, unit_code=STREET)
OTHER_CENTRE = Actor(person_key="other", role=Role.STREET_CENTRE, unit_code=OTHER_STREET)
WATER = Actor(person_key="water", role=Role.HANDLER, unit_code="E01")
CITY_CARE = Actor(person_key="care", role=Role.HANDLER, unit_code="D01")
CLERK = Actor(person_key="clerk", role=Role.CALLBACK_CLERK, unit_code=DESK)
BOSS = Actor(person_key="boss", role=Role.SUPERVISOR, unit_code=DESK)

DUTIES = TABLES["duties"] + "D3,S1,爆管,恢复路面,D01,lead,0\n"
DEPENDENCIES = TABLES["dependencies"] + "D1,D3,先关阀\n"


def make_small_runtime(folder: Path, more: str = "") -> CityRuntime:
    """Return the desk of four streets; item 112 calls E01 at once and D01 half a day later."""
    pack = write_pack(folder, TOML + more, duties=DUTIES, dependencies=DEPENDENCIES)
    return make_runtime(load_city(pack), salt="salt")


def put_order(session: Session, order_no: str = "O1", **more: object) -> Order:
    """Return a new order of the first street, being handled."""
    facts = {
        "state": OrderState.HANDLING,
        "state_at": T0,
        "unit_code": STREET,
        "desk_code": DESK,
        "route": "street",
        "grade": "7d",
        "review": False,
        "reasons": "",
        "dispatched_at": T0,
        "contact_by": T0 + timedelta(days=1),
        "due_at": T0 + timedelta(days=7),
        "item_code": "112",
        "level1_code": "1",
        "street_code": STREET,
        "district_code": DISTRICT,
    } | more
    facts.setdefault("outcome", find_outcome(facts["state"]))
    shared = {"received_at": facts.pop("received_at", T0), "boundary_version": "v"}
    appeal = Appeal(source="test", appeal_no=order_no, created_at=T0, **shared)
    session.add(appeal)
    session.flush()
    order = Order(order_no=order_no, appeal_id=appeal.id, **shared, **facts)
    session.add(order)
    session.flush()
    return order
