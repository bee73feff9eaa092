"""Counts equal the orders after any changes, moved or not, and never show a wrong sum."""

import threading
from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.storage.counts.changes import (
    KEY_COLUMNS,
    CountKey,
    count_frame,
    make_key,
    record_change,
    record_rates,
)
from gridgov.storage.counts.spans import LENGTHS, MONTH
from gridgov.storage.counts.sums import add_counts, compact, rebuild, recount, sweep
from gridgov.storage.models.counts import AreaCount, CellCount, CountDelta, RateCount, UnitCount
from gridgov.storage.models.orders import Order, Outcome
from tests.gridgov.storage.order_rows import add_orders

ZONE = "Asia/Shanghai"


def test_the_day_is_that_of_the_city(session: Session) -> None:
    order = add_orders(session, 1)[0]
    order.received_at = pd.Timestamp("2026-01-31T16:30:00Z").to_pydatetime()
    assert make_key(order, ZONE).day == date(2026, 2, 1)
    assert make_key(order, "America/New_York").day == date(2026, 1, 31)


def test_counts_follow_random_changes(session: Session) -> None:
    rng = np.random.default_rng(7)
    orders = []
    for turn in range(6):
        for order in add_orders(session, 40, seed=turn, first=turn * 40):
            record_change(session, None, make_key(order, ZONE))
            orders.append(order)
        for order in rng.choice(np.array(orders, dtype=object), size=15):
            before = make_key(order, ZONE)
            order.outcome = Outcome(rng.choice([one.value for one in Outcome]))
            order.cell_code = rng.choice(["110101001001001", "110101001001002"])
            order.unit_code = rng.choice(["110101001", "W9"])
            record_change(session, before, make_key(order, ZONE))
        session.flush()
        assert recount(session, ZONE).empty
        if turn % 2:
            assert compact(session) > 0
            assert recount(session, ZONE).empty
    assert compact(session) == 0
    assert session.scalar(sa.select(sa.func.count(CountDelta.id))) == 0
    assert _sum(session, CellCount) == len(orders)
    placed = sum(order.community_code is not None for order in orders)
    for kind, expected in (("street", len(orders)), ("level1", len(orders)), ("community", placed)):
        for length in (MONTH, *LENGTHS):
            chosen = (AreaCount.kind == kind) & (AreaCount.days == length)
            assert _sum(session, AreaCount, chosen) == expected
    for length in (MONTH, *LENGTHS):
        assert _sum(session, UnitCount, UnitCount.days == length) == len(orders)


def _sum(session: Session, model: type, where: sa.ColumnElement[bool] | None = None) -> int:
    total = sum(getattr(model, one.value) for one in Outcome)
    query = sa.select(sa.func.sum(total))
    return session.scalar(query if where is None else query.where(where)) or 0


def test_a_fault_of_the_counts_is_found(session: Session) -> None:
    for order in add_orders(session, 20):
        record_change(session, None, make_key(order, ZONE))
    session.flush()
    compact(session)
    row = session.scalars(sa.select(CellCount)).first()
    assert row is not None
    row.open += 2
    session.flush()
    assert set(recount(session, ZONE)["table"]) == {"cell_counts", "area_counts", "unit_counts"}
    rebuild(session, ZONE)
    assert recount(session, ZONE).empty


def test_counts_of_an_empty_table_leave_its_indexes_as_they_were(postgres: sa.Engine) -> None:
    """A first load drops them and makes them again; a broken one leaves them too."""
    query = sa.text(
        "SELECT indexdef FROM pg_indexes WHERE tablename IN ('cell_counts', 'area_counts', 'unit_counts') "
        "ORDER BY indexdef"
    )
    sessions = sessionmaker(postgres)
    with sessions() as session:
        before = session.scalars(query).all()
    for is_kept in (False, True):
        with sessions() as session:
            for order in add_orders(session, 30, seed=2 + is_kept):
                record_change(session, None, make_key(order, ZONE))
            session.flush()
            compact(session)
            if is_kept:
                session.commit()
        with sessions() as session:
            assert session.scalars(query).all() == before
            assert recount(session, ZONE).empty
            assert _sum(session, CellCount) == 30 * is_kept
    assert len(before) == 8


def test_a_fault_of_a_longer_span_is_found(session: Session) -> None:
    for order in add_orders(session, 20):
        record_change(session, None, make_key(order, ZONE))
    session.flush()
    compact(session)
    chosen = sa.select(AreaCount).where(AreaCount.days == 64, AreaCount.kind == "street")
    row = session.scalars(chosen).first()
    assert row is not None
    row.solved -= 1
    session.flush()
    found = recount(session, ZONE)
    assert set(found["table"]) == {"area_counts"}
    assert found["key"].str.contains(rf"\|64\|{row.start_on}").any()


def test_a_key_has_one_row_and_none_when_it_is_nought(session: Session) -> None:
    orders = add_orders(session, 30)
    for order in orders:
        record_change(session, None, make_key(order, ZONE))
    compact(session)
    for _ in range(3):
        for order in orders:
            before = make_key(order, ZONE)
            order.outcome = Outcome.SOLVED if order.outcome is Outcome.OPEN else Outcome.OPEN
            record_change(session, before, make_key(order, ZONE))
        session.flush()
        compact(session)
    keys = {make_key(order, ZONE) for order in orders}
    places = {tuple(v for k, v in vars(key).items() if k != "outcome") for key in keys}
    rows = session.scalar(sa.select(sa.func.count()).select_from(CellCount))
    assert rows == len(places)
    for order in orders:
        before = make_key(order, ZONE)
        order.unit_code = "W9"
        record_change(session, before, make_key(order, ZONE))
    session.flush()
    compact(session)
    assert sweep(session) > len(places)
    assert recount(session, ZONE).empty
    assert set(session.scalars(sa.select(CellCount.unit_code))) == {"W9"}
    assert set(session.scalars(sa.select(UnitCount.unit_code))) == {"W9"}


def test_orders_of_a_load_are_counted_before_and_after_they_are_moved(session: Session) -> None:
    orders = add_orders(session, 50)
    names = [name for name in KEY_COLUMNS if name != "day"]
    frame = pd.DataFrame(
        [{name: getattr(order, name) for name in [*names, "received_at"]} for order in orders]
    )
    add_counts(session, count_frame(frame, ZONE))
    assert recount(session, ZONE).empty
    assert compact(session) > 0
    assert _sum(session, CellCount) == 50
    assert recount(session, ZONE).empty


def test_a_frame_counts_as_its_orders_one_by_one(session: Session) -> None:
    orders = add_orders(session, 200)
    names = [name for name in KEY_COLUMNS if name != "day"]
    frame = pd.DataFrame(
        [{name: getattr(order, name) for name in [*names, "received_at"]} for order in orders]
    )
    frame["outcome"] = [order.outcome.value for order in orders]
    counted = count_frame(frame, ZONE)
    expected: dict[CountKey, int] = {}
    for order in orders:
        key = make_key(order, ZONE)
        expected[key] = expected.get(key, 0) + 1
    found = {
        CountKey(
            **{name: row[name] for name in names if name != "outcome"},
            day=row["day"].date(),
            outcome=Outcome(row["outcome"]),
        ): row["n"]
        for row in counted.to_dict("records")
    }
    assert found == expected


def test_nobody_sees_a_wrong_sum_while_deltas_move(postgres: sa.Engine) -> None:
    sessions = sessionmaker(postgres)
    with sessions.begin() as session:
        for order in add_orders(session, 60):
            record_change(session, None, make_key(order, ZONE))
    stop, seen = threading.Event(), set()

    def read() -> None:
        sums = " + ".join(one.value for one in Outcome)
        query = sa.text(
            f"SELECT (SELECT sum({sums}) FROM cell_counts), (SELECT sum(n) FROM count_deltas)"  # noqa: S608 - columns of our own tables
        )
        while not stop.is_set():
            with sessions() as session:
                moved, waiting = session.execute(query).one()
                seen.add((moved or 0) + (waiting or 0))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(10):
        with sessions.begin() as session:
            order = session.scalars(sa.select(Order).order_by(Order.id).offset(turn)).first()
            assert order is not None
            before = make_key(order, ZONE)
            order.outcome = Outcome.SOLVED if order.outcome is Outcome.OPEN else Outcome.OPEN
            record_change(session, before, make_key(order, ZONE))
        with sessions.begin() as session:
            compact(session)
    stop.set()
    reader.join()
    assert seen == {60}
    with sessions() as session:
        assert recount(session, ZONE).empty


def test_rates_add_up_to_one_row_a_month_and_unit(session: Session) -> None:
    one = {"month": "2026-01", "unit_code": "U1", "orders": 1, "callbacks": 1, "contacted": 1}
    for _ in range(3):
        record_rates(session, None, one)
    record_rates(session, one, one | {"excluded": 1, "callbacks": 0, "contacted": 0})
    record_rates(session, None, one | {"unit_code": "U2"})
    session.flush()
    compact(session)
    found = {
        row.unit_code: (row.orders, row.callbacks, row.excluded)
        for row in session.scalars(sa.select(RateCount))
    }
    assert found == {"U1": (3, 2, 1), "U2": (1, 1, 0)}
