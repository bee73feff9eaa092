"""Nobody sees what is not theirs: by role and unit, by every model, and in the database itself on PostgreSQL."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.orders.transitions import OrderAction, Role
from gridgov.rules.whistles.call import UnitState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.handling import act
from gridgov.storage.audit.log import record
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import is_postgres
from gridgov.storage.models.accounts import Account, SavedView
from gridgov.storage.models.appeals import AppealPerson
from gridgov.storage.models.counts import AreaCount
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Issue, IssueStep, Order, OrderPause, Transfer
from gridgov.storage.models.plans import Plan
from gridgov.storage.models.tables import METADATA, Base
from gridgov.storage.models.whistles import CalledUnit, CheckIn, WhistleCall
from gridgov.storage.queries.orders import SORTS, OrderFilter, count_orders, list_orders
from gridgov.storage.scope.apply import Scope, bind, make_scope, without_row_scope
from gridgov.storage.scope.criteria import COUNTED, OF_APPEALS, OF_ORDERS
from tests.gridgov.services.city import (
    CENTRE,
    DESK,
    DISPATCHER,
    DISTRICT,
    NEIGHBOUR,
    NOW,
    STREET,
    at,
    do,
    take,
)

POINTS = {
    STREET: (116.405, 39.905),
    NEIGHBOUR: (116.405, 39.925),
    "110102001": (116.425, 39.905),
    "110102003": (116.425, 39.925),
}
MODELS = sorted(
    {
        *OF_ORDERS,
        *OF_APPEALS,
        *COUNTED,
        AreaCount,
        Order,
        CalledUnit,
        CheckIn,
        Issue,
        IssueStep,
        LogEntry,
        Message,
    },
    key=lambda model: model.__tablename__,
)


@pytest.fixture
def full(loaded: sessionmaker[Session], runtime: CityRuntime) -> sessionmaker[Session]:
    """An order in each street, one of them with a whistle call to D01, a transfer, a pause and an issue."""
    with loaded.begin() as session:
        for street, (lon, lat) in POINTS.items():
            take(
                session, runtime, appeal_no=street, lon=lon, lat=lat, phone="13812345678", name="王"
            )
        session.add_all(
            Account(
                login=f"{role}{unit}".lower(),
                name="x",
                role=role,
                unit_code=unit,
                person_key=f"{role}@{unit}",
                created_at=NOW,
            )
            for role in Role
            for unit in (STREET, DISTRICT, DESK, "D01", "CITY")
        )
    with loaded.begin() as session:
        order = session.scalars(sa.select(Order).where(Order.order_no == f"{STREET}-1")).one()
        issue = Issue(issue_no="I1", title="x", created_at=NOW)
        call = WhistleCall(
            call_no="W1",
            order_id=order.id,
            unit_code=STREET,
            street_code=STREET,
            item_code="111",
            blown_at=NOW,
            blown_by="x",
            plan={},
        )
        session.add_all([issue, call])
        session.flush()
        order.issue_id = issue.id
        called = CalledUnit(
            call_id=call.id,
            position=0,
            unit_code="D01",
            stage=1,
            duties=[],
            state=UnitState.CALLED,
            report_in_by=at(30),
        )
        session.add(called)
        session.flush()
        session.add_all(
            [
                CheckIn(called_unit_id=called.id, person_key="x", at=NOW, authority="full"),
                IssueStep(
                    step="merge",
                    issue_no="I0",
                    other_no="I1",
                    order_nos=[],
                    at=NOW,
                    made_by="x",
                    reason="x",
                ),
                OrderPause(order_id=order.id, paused_at=NOW, reason_code="x"),
                Transfer(
                    order_id=order.id,
                    at=NOW,
                    from_unit_code="D01",
                    to_unit_code=STREET,
                    action="x",
                    made_by="x",
                ),
            ]
        )
    return loaded


def find_scope(session: Session, role: Role, unit: str) -> Scope:
    account = session.scalars(
        sa.select(Account).where(Account.role == role, Account.unit_code == unit)
    ).one()
    return make_scope(
        session,
        account_id=account.id,
        person_key=account.person_key,
        role=role,
        unit_code=unit,
    )


def open_as(sessions: sessionmaker[Session], role: Role, unit: str) -> Session:
    with sessions() as session:
        scope = find_scope(session, role, unit)
    return bind(sessions(), scope)


@pytest.fixture
def as_street(full: sessionmaker[Session]) -> Iterator[Session]:
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        yield session


SEEN = {
    # unit: streets whose orders it sees, where the role itself is not city-wide
    STREET: {STREET},
    DISTRICT: {STREET, NEIGHBOUR},
    "D01": {STREET},  # called by whistle
    DESK: set(POINTS),
}


def test_role_and_unit_decide_what_is_seen(full: sessionmaker[Session]) -> None:
    without_person = {Role.PLANNER, Role.ANALYST, Role.AUDITOR, Role.ADMINISTRATOR}
    for role in Role:
        city_wide = role in {Role.ANALYST, Role.AUDITOR, Role.ADMINISTRATOR}
        for unit in (*SEEN, "CITY"):
            wanted = set(POINTS) if city_wide or unit == "CITY" else SEEN[unit]
            with open_as(full, role, unit) as session:
                orders = session.scalars(sa.select(Order.street_code)).all()
                phones = session.scalars(sa.select(AppealPerson.phone)).all()
            assert sorted(orders) == sorted(wanted), (role, unit)
            assert len(phones) == (0 if role in without_person else len(wanted)), (role, unit)


def count_all(session: Session) -> dict[str, int]:
    counts = {}
    for model in MODELS:
        chosen = sa.select(sa.func.count()).select_from(model)
        counts[model.__tablename__] = session.scalar(chosen) or 0
    return counts


EXPECTED = {
    "appeal_persons": 1,
    "area_counts": 0,
    "called_units": 1,
    "callbacks": 0,
    "cell_counts": 0,
    "check_ins": 1,
    "count_deltas": 1,
    "disputes": 0,
    "exclusions": 0,
    "issue_steps": 1,
    "issues": 1,
    "log_entries": 1,
    "messages": 1,
    "order_extensions": 0,
    "order_files": 0,
    "order_pauses": 1,
    "orders": 1,
    "pin_moves": 0,
    "transfers": 1,
    "unit_counts": 0,
    "whistle_calls": 1,
}


def test_every_model_is_limited(full: sessionmaker[Session]) -> None:
    with full() as session:
        whole = count_all(session)
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        own = count_all(session)
    with open_as(full, Role.STREET_CENTRE, NEIGHBOUR[:6]) as session:
        district = count_all(session)
    # The message to a street without accounts is the unit's; this street's own went to no account at its time.
    assert own == EXPECTED
    assert whole["orders"] == whole["count_deltas"] == whole["appeal_persons"] == 4
    assert (district["orders"], district["messages"], district["transfers"]) == (2, 0, 1)


def test_the_log_of_a_plan_is_for_its_street(loaded: sessionmaker[Session]) -> None:
    """A plan and an order of one number do not lend their logs to each other."""
    with loaded.begin() as session:
        for street in (STREET, NEIGHBOUR):
            plan = {"street_code": street, "period": "2024", "revision": 1, "made_at": NOW}
            session.add(Plan(plan_no=f"P-{street}", content_hash="x", document={}, **plan))
            for kind in ("plan", "order", "account"):
                record(
                    session,
                    at=NOW,
                    action="x",
                    subject_kind=kind,
                    subject_no=f"P-{street}",
                    before=None,
                    after={},
                    actor=None,
                )
    with loaded() as session:
        scope = Scope(
            account_id=1,
            person_key="p",
            role=Role.STREET_CENTRE,
            unit_code=STREET,
            unit_codes=(STREET,),
            sees_all=False,
            sees_personal=True,
        )
        bind(session, scope)
        query = sa.select(LogEntry.subject_kind, LogEntry.subject_no)
        assert session.execute(query).all() == [("plan", f"P-{STREET}")]


def test_a_query_that_forgets_the_filter_shows_nothing_more(full: sessionmaker[Session]) -> None:
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        wanted = count_all(session)
        for name in wanted:
            raw = session.scalar(sa.text(f"SELECT count(*) FROM {name}"))  # noqa: S608 - a name of our own tables
            if is_postgres(session):
                assert raw == wanted[name], name
            else:
                assert raw >= wanted[name], name


def test_nobody_bound_sees_nothing(full: sessionmaker[Session]) -> None:
    """The role of accounts without its settings: as if somebody forgot to say who asks."""
    with full() as session:
        if not is_postgres(session):
            pytest.skip("SQLite has no roles; what stands in its file is seen by who has the file")
        for role in ("gridgov_app", "gridgov_city"):
            session.execute(sa.text(f"SET LOCAL ROLE {role}"))
            for name in ("messages", "saved_views", "appeal_persons", "accounts"):
                assert session.scalar(sa.text(f"SELECT count(*) FROM {name}")) == 0, name  # noqa: S608 - a name of our own tables
            if role == "gridgov_app":
                for name in EXPECTED:
                    assert session.scalar(sa.text(f"SELECT count(*) FROM {name}")) == 0, name  # noqa: S608 - a name of our own tables


def test_every_table_with_an_order_or_a_person_has_policies(full: sessionmaker[Session]) -> None:
    telling = {
        name
        for name, table in METADATA.tables.items()
        if {"order_id", "appeal_id", "order_no", "account_id", "person_key", "call_id"}
        & set(table.columns.keys())
    }
    with full() as session:
        if not is_postgres(session):
            pytest.skip("SQLite has no row-level security")
        found = set(
            session.scalars(
                sa.text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
            )
        )
    assert telling - found == set()
    assert {model.__tablename__ for model in MODELS} - found == set()
    assert Base.metadata is METADATA


def test_what_is_not_seen_cannot_be_changed(full: sessionmaker[Session]) -> None:
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        statement = "UPDATE orders SET reasons = 'x' WHERE street_code <> :street"
        if is_postgres(session):
            done = session.execute(sa.text(statement), {"street": STREET})
            assert done.rowcount == 0
        orm = session.execute(sa.update(Order).values(reasons="x"))
        assert orm.rowcount == 1


def test_a_scope_holds_in_every_transaction_of_its_session(full: sessionmaker[Session]) -> None:
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        for _ in range(3):
            assert len(session.scalars(sa.select(Order)).all()) == 1
            session.commit()
            session.rollback()
    with full() as session:  # the connection goes back without its role
        assert len(session.scalars(sa.select(Order)).all()) == 4


def test_services_write_further_than_the_account_sees(
    full: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        do(session, runtime, f"{STREET}-1", OrderAction.ACCEPT, CENTRE, minutes=1)
        do(session, runtime, f"{STREET}-1", OrderAction.CONTACT, CENTRE, minutes=2)
        do(session, runtime, f"{STREET}-1", OrderAction.HANDLE, CENTRE, minutes=3)
        do(session, runtime, f"{STREET}-1", OrderAction.RAISE, CENTRE, minutes=4, reason_code="x")
        assert len(session.scalars(sa.select(Order)).all()) == 1
        session.commit()
    supervisor = f"{Role.SUPERVISOR}@{DISTRICT}"
    with open_as(full, Role.SUPERVISOR, DISTRICT) as session:
        scope = find_scope(session, Role.SUPERVISOR, DISTRICT)
        assert scope.person_key == supervisor
        do(
            session,
            runtime,
            f"{STREET}-1",
            OrderAction.ASSIGN_RAISED,
            scope.actor,
            minutes=5,
            unit_code="E01",
            reason_code="x",
        )
        session.commit()
        # What one of its units had is still to be read.
        seen = {row.street_code: row.unit_code for row in session.scalars(sa.select(Order))}
        assert seen == {STREET: "E01", NEIGHBOUR: NEIGHBOUR}
    with full() as session:
        assert verify(session) == []
        told = session.scalars(sa.select(Message.unit_code).where(Message.topic == "assign_raised"))
        assert sorted(set(told)) == sorted(["E01", STREET])


def test_limits_return_after_a_service_failed(full: sessionmaker[Session]) -> None:
    with open_as(full, Role.STREET_CENTRE, STREET) as session:
        with pytest.raises(RuntimeError), without_row_scope(session):
            assert len(session.scalars(sa.select(Order)).all()) == 4
            raise RuntimeError
        assert len(session.scalars(sa.select(Order)).all()) == 1
        with pytest.raises(sa.exc.DBAPIError), without_row_scope(session):
            session.execute(sa.text("SELECT no_such_column FROM orders"))
        assert len(session.scalars(sa.select(Order)).all()) == 1


def test_own_views_and_accounts_only(full: sessionmaker[Session]) -> None:
    with full.begin() as session:
        for role in (Role.HANDLER, Role.STREET_CENTRE):
            scope = find_scope(session, role, STREET)
            session.add(
                SavedView(
                    account_id=scope.account_id, page="orders", name="x", query={}, created_at=NOW
                )
            )
    with open_as(full, Role.HANDLER, STREET) as session:
        assert len(session.scalars(sa.select(SavedView)).all()) == 1
        assert [one.role for one in session.scalars(sa.select(Account))] == [Role.HANDLER]
    with open_as(full, Role.ADMINISTRATOR, "CITY") as session:
        assert session.scalars(sa.select(SavedView)).all() == []
        assert len(session.scalars(sa.select(Account)).all()) == 5 * len(Role)


def test_the_desk_dispatches_through_a_bound_session(
    full: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with open_as(full, Role.DISPATCHER, DESK) as session:
        taken = take(session, runtime, item_code="", appeal_no="new")
        change = do(
            session,
            runtime,
            taken.order_nos[0],
            OrderAction.DISPATCH,
            DISPATCHER,
            minutes=1,
            unit_code=NEIGHBOUR,
        )
        session.commit()
    assert (change.order.unit_code, act.__name__) == (NEIGHBOUR, "act")


@pytest.mark.parametrize("unit", SEEN)
def test_the_list_and_its_count_are_what_the_account_sees(
    full: sessionmaker[Session], unit: str
) -> None:
    with open_as(full, Role.STREET_CENTRE, unit) as session:
        seen = session.scalars(sa.select(Order.order_no)).all()
        for sort in SORTS:
            for sign in ("", "-"):
                page = list_orders(session, OrderFilter(), sort=sign + sort)
                assert sorted(row.order_no for row in page.rows) == sorted(seen)
                assert page.total == len(seen)
        turned = [
            row.order_no
            for at_page in range(1, len(seen) + 1)
            for row in list_orders(
                session, OrderFilter(), sort="order_no", page=at_page, rows=1
            ).rows
        ]
        assert turned == sorted(seen)
        elsewhere = OrderFilter(street_code="110102003")
        assert count_orders(session, elsewhere) == (unit == DESK)
