"""The log on both databases: what is written is chained, what is tampered with is found, the database refuses."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import GridgovError
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.storage.audit import log as audit
from gridgov.storage.audit.verify import check_log, verify
from gridgov.storage.db import is_postgres
from gridgov.storage.models.journal import LogEntry, LogHead

AT = datetime(2026, 1, 31, 8, 30, 0, 123456, tzinfo=UTC)
CLERK = Actor(person_key="p1", role=Role.DISPATCHER, unit_code="Q01")


# Statements here are the test's own.
# ruff: noqa: S608, ISC004


def note(session: Session, number: str, **after: object) -> None:
    audit.record(
        session,
        at=AT,
        action="dispatch",
        subject_kind="order",
        subject_no=number,
        before={"state": "received"},
        after={"state": "dispatched", **after},
        actor=CLERK,
        origin="test",
    )


def write(sessions: sessionmaker[Session], count: int, *, each: int = 1) -> None:
    """Write `count` transactions of `each` entries about order "A"."""
    for at in range(count):
        with sessions.begin() as session:
            for one in range(each):
                note(
                    session, "A" if not one else f"A{at}-{one}", n=at, share=0.5, text="道路“坑”\n"
                )


def tamper(engine: sa.Engine, *statements: str) -> None:
    """Change the database as somebody who owns it can: with the guards out of the way."""
    with engine.begin() as connection:
        if is_postgres(connection):
            connection.execute(sa.text("SET session_replication_role = replica"))
            for statement in statements:
                connection.execute(sa.text(statement))
            connection.execute(sa.text("SET session_replication_role = DEFAULT"))
            return
        names = connection.execute(
            sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        ).all()
        for name, _ in names:
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(sa.text(statement))
        for _, text in names:
            connection.exec_driver_sql(text)


def find(sessions: sessionmaker[Session]) -> list[tuple[str, int]]:
    with sessions() as session:
        return [(fault.kind, fault.position) for fault in verify(session)]


def test_entries_are_chained_and_verify(sessions: sessionmaker[Session]) -> None:
    write(sessions, 3, each=2)
    with sessions() as session:
        found = check_log(session)
        rows = session.scalars(sa.select(LogEntry).order_by(LogEntry.position)).all()
    assert (found.entries, found.faults) == (6, ())
    assert [row.position for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {row.chain for row in rows} == {audit.choose_chain("order", "A")}
    assert (rows[0].at, rows[0].person_key, rows[0].role) == (AT, "p1", "dispatcher")
    assert rows[0].after == {"state": "dispatched", "n": 0, "share": 0.5, "text": "道路“坑”\n"}


def test_the_hash_is_what_the_module_documents(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        note(session, "A", n=2.0)
    text = (
        f'[{audit.choose_chain("order", "A")},1,"2026-01-31T08:30:00.123456Z","dispatch","order","A","p1",'
        '"dispatcher","Q01","test",{"state":"received"},{"n":2,"state":"dispatched"}]'
    )
    with sessions() as session:
        row = session.scalars(sa.select(LogEntry)).one()
    assert row.hash == hashlib.sha256(bytes(32) + text.encode()).digest()


CHAIN = audit.choose_chain("order", "A")
TAMPERINGS = [
    ("UPDATE log_entries SET person_key = 'p2' WHERE position = 2", [("altered", 2)]),
    ("UPDATE log_entries SET after = NULL WHERE position = 5", [("altered", 5)]),
    ("DELETE FROM log_entries WHERE position = 3", [("missing", 3)]),
    ("DELETE FROM log_entries WHERE position = 1", [("missing", 1)]),
    ("DELETE FROM log_entries WHERE position > 3", [("cut_off", 3)]),
    ("DELETE FROM log_entries", [("cut_off", 0)]),
    (f"UPDATE log_heads SET position = 3 WHERE chain = {CHAIN}", [("surplus", 5)]),
    (f"DELETE FROM log_heads WHERE chain = {CHAIN}", [("head", 5)]),
    (
        "UPDATE log_entries SET position = CASE position WHEN 2 THEN -3 ELSE -2 END WHERE position IN (2, 3);"
        "UPDATE log_entries SET position = -position WHERE position < 0",
        [("altered", 2), ("altered", 3), ("altered", 4)],
    ),
    (
        "INSERT INTO log_entries (chain, position, at, action, subject_kind, subject_no, person_key, role, unit_code,"
        " origin, hash) SELECT chain, 6, at, action, subject_kind, subject_no, person_key, role, unit_code, origin,"
        " hash FROM log_entries WHERE position = 5",
        [("altered", 6), ("surplus", 6)],
    ),
]


@pytest.mark.parametrize(("statements", "wanted"), TAMPERINGS, ids=lambda value: str(value)[:48])
def test_tampering_is_found(
    engine: sa.Engine, sessions: sessionmaker[Session], statements: str, wanted: list
) -> None:
    write(sessions, 5)
    assert find(sessions) == []
    tamper(engine, *statements.split(";"))
    assert find(sessions) == wanted


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_entries SET action = 'x'",
        "DELETE FROM log_entries",
        "DELETE FROM log_heads",
        f"UPDATE log_heads SET position = position - 1 WHERE chain = {CHAIN}",
        "TRUNCATE log_entries",
        "TRUNCATE log_heads",
        "INSERT OR REPLACE INTO log_entries (id, chain, position, at, action, subject_kind, subject_no, person_key,"
        " role, unit_code, origin, hash) SELECT id, chain, position, at, 'x', subject_kind, subject_no, person_key,"
        " role, unit_code, origin, hash FROM log_entries LIMIT 1",
        f"INSERT OR REPLACE INTO log_heads VALUES ({CHAIN}, 1, x'00')",
    ],
)
def test_the_database_refuses(
    engine: sa.Engine, sessions: sessionmaker[Session], statement: str
) -> None:
    write(sessions, 2)
    other_kind = {"TRUNCATE": False, "INSERT OR": True}.get(statement[:9].strip())
    foreign = other_kind is not None and other_kind is is_postgres(engine)
    wanted = "syntax error" if foreign else "refused|forward|may not go"
    with pytest.raises(sa.exc.DBAPIError, match=wanted), engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert find(sessions) == []


def test_a_rollback_forgets_and_a_savepoint_keeps_the_rest(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        note(session, "A")
        session.rollback()
        note(session, "B")
        inner = session.begin_nested()
        note(session, "C")
        inner.rollback()
        with session.begin_nested():
            note(session, "D")
        session.commit()
        note(session, "E")
    with sessions() as session:
        session.commit()
        numbers = session.scalars(sa.select(LogEntry.subject_no).order_by(LogEntry.position)).all()
    assert numbers == ["B", "D"]
    assert find(sessions) == []


def test_bulk_rows_have_the_hashes_of_single_ones(sessions: sessionmaker[Session]) -> None:
    numbers = ["A", "B“\\", "C"]
    afters = [{"unit": "甲", "n": 1}, {}, {"x": 0.25, "a": None}]
    with sessions.begin() as session:
        for number, after in zip(numbers, afters, strict=True):
            audit.record(
                session,
                at=AT,
                action="load",
                subject_kind="order",
                subject_no=number,
                before=None,
                after=after,
                actor=CLERK,
                origin="import",
            )
    with sessions() as session:
        rows = session.scalars(sa.select(LogEntry).order_by(LogEntry.position)).all()
        head, hashes = audit.chain_rows(
            audit.Head(chain=CHAIN, position=0, hash=audit.ZERO),
            at=[AT] * 3,
            action="load",
            subject_kind="order",
            subject_nos=numbers,
            afters=[audit.write_json(one) for one in afters],
            actor=CLERK,
            origin="import",
        )
        assert hashes == [row.hash for row in rows]
        assert head == audit.lock_head(session, CHAIN)


def test_many_clients_at_once_keep_the_chains(sessions: sessionmaker[Session]) -> None:
    def work(client: int) -> None:
        for at in range(10):
            with sessions.begin() as session:
                note(session, f"{client}-{at}")

    threads = [Thread(target=work, args=(client,)) for client in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        found = check_log(session)
        heads = session.scalars(sa.select(sa.func.sum(LogHead.position))).one()
    assert (found.entries, heads, found.faults) == (40, 40, ())


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(after=st.dictionaries(st.text(), plain, max_size=4))
def test_whatever_was_recorded_verifies(sessions: sessionmaker[Session], after: dict) -> None:
    with sessions.begin() as session:
        note(session, "A", x=after)
    assert find(sessions) == []


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (AT, object(), "what JSON can hold"),
        (AT, float("nan"), "what JSON can hold"),
        (datetime(2026, 1, 1), 1, "no zone"),  # noqa: DTZ001 - the fault under test
    ],
)
def test_what_cannot_be_recorded_is_said(
    session: Session, at: datetime, value: object, message: str
) -> None:
    make: Callable[[], None] = lambda: audit.record(  # noqa: E731 - beside its use
        session,
        at=at,
        action="x",
        subject_kind="order",
        subject_no="A",
        before=None,
        after={"x": value},
        actor=None,
    )
    with pytest.raises(GridgovError, match=message):
        make()


def test_times_dates_and_words_become_text() -> None:
    shape = {
        "at": AT + timedelta(hours=1),
        "on": AT.date(),
        "role": Role.HANDLER,
        "codes": ("1", "2"),
    }
    assert audit.make_plain(shape) == {
        "at": "2026-01-31T09:30:00.123456Z",
        "on": "2026-01-31",
        "role": "handler",
        "codes": ["1", "2"],
    }


def test_what_is_typed_is_masked_and_our_own_numbers_are_not(
    sessions: sessionmaker[Session],
) -> None:
    said = "请打１３８１２３４５６７８"
    with sessions.begin() as session:
        note(
            session,
            "13812345678",
            text=said,
            reason_code=said,
            order_no="13812345678-1",
            unit_code="13812345678",
            parts=[{"words": said, "order_nos": ["13812345678"]}],
        )
    with sessions() as session:
        entry = session.scalars(sa.select(LogEntry)).one()
        assert verify(session) == []
    masked = "请打138****5678"
    assert entry.subject_no == "13812345678"
    assert entry.after == {
        "state": "dispatched",
        "text": masked,
        "reason_code": masked,
        "order_no": "13812345678-1",
        "unit_code": "13812345678",
        "parts": [{"words": masked, "order_nos": ["13812345678"]}],
    }
