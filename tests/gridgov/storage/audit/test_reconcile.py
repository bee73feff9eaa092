"""Orders against the log: whatever was changed beside it is found, and nothing else."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import OrderAction
from gridgov.storage.audit.reconcile import reconcile
from gridgov.storage.audit.verify import check_against, check_log
from gridgov.storage.db import make_engine, transaction
from gridgov.storage.db_damage import find_damage
from tests.gridgov.services.city import CENTRE, do, load, take
from tests.web.orders_city import make_city_desk

# Statements here are the test's own.
# ruff: noqa: S608


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("reconcile"))


@pytest.fixture
def numbers(sessions, runtime):
    load(sessions, runtime)
    with transaction(sessions) as session:
        made = [take(session, runtime, appeal_no=f"A{at}").order_nos[0] for at in range(3)]
        do(session, runtime, made[0], OrderAction.ACCEPT, CENTRE, minutes=1)
    return made


def change(sessions, statement, **values):
    with transaction(sessions) as session:
        session.connection().execute(sa.text(statement), values)


CHANGES = {
    "state": "closed_solved",
    "unit_code": "D01",
    "item_code": "112",
    "street_code": "110101002",
}


def test_orders_that_the_service_changed_are_as_the_log_says(sessions, numbers):
    with sessions() as session:
        assert reconcile(session) == []
    assert len(numbers) == 3


@pytest.mark.parametrize("column", CHANGES)
def test_a_row_that_was_changed_beside_the_log_is_found(sessions, numbers, column):
    change(
        sessions,
        f"UPDATE orders SET {column} = :value WHERE order_no = :number",
        value=CHANGES[column],
        number=numbers[1],
    )
    with sessions() as session:
        (fault,) = reconcile(session)
    assert fault.order_no == numbers[1]
    assert fault.text.startswith(f"{column}: found '{CHANGES[column]}', the log says '")


def test_an_order_without_an_entry_and_one_that_is_gone_are_found(sessions, numbers):
    change(
        sessions, "UPDATE orders SET order_no = 'other' WHERE order_no = :number", number=numbers[2]
    )
    with sessions() as session:
        faults = {fault.order_no: fault.text for fault in reconcile(session)}
    assert faults == {
        "other": "the log has no entry of it",
        numbers[2]: "the log has entries of it, the order is gone",
    }


def test_heads_kept_elsewhere_are_still_there_after_more_was_written(sessions, runtime, numbers):
    with sessions() as session:
        kept = check_log(session).heads
    with transaction(sessions) as session:
        do(session, runtime, numbers[1], OrderAction.ACCEPT, CENTRE, minutes=2)
    with sessions() as session:
        assert check_against(session, kept) == []


def test_a_log_that_was_written_anew_is_found_though_it_is_whole(sessions, numbers, engine):
    with sessions() as session:
        kept = check_log(session).heads
    chain = next(head for head in kept if head.position)
    forged = [replace(head, hash=bytes(32)) if head is chain else head for head in kept]
    longer = [replace(chain, position=chain.position + 9)]
    with sessions() as session:
        (fault,) = check_against(session, forged)
        assert (fault.kind, fault.chain, fault.position) == (
            "rewritten",
            chain.chain,
            chain.position,
        )
        (fault,) = check_against(session, longer)
        assert "is gone" in fault.text
    assert find_damage(engine) == []
    assert numbers


def test_a_deep_check_tells_of_rows_keys_and_orders(sessions, numbers, engine):
    change(
        sessions,
        "UPDATE orders SET state = 'closed_solved' WHERE order_no = :number",
        number=numbers[0],
    )
    (fault,) = find_damage(engine)
    assert fault.startswith(f"order {numbers[0]}: state")


def test_a_damaged_file_is_told_with_what_to_do(sqlite_template, tmp_path):
    file = tmp_path / "city.db"
    data = bytearray(sqlite_template.read_bytes())
    for page in range(40, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    file.write_bytes(data)
    engine = make_engine(f"sqlite:///{file}")
    faults = find_damage(engine)
    assert faults
    assert any("restore" in fault or fault.startswith("file:") for fault in faults), faults
    engine.dispose()
