"""Sums of the counts: deltas are moved into them by a job; a check counts the orders again.

A delta is taken away and added to the sums in one transaction, so that whoever reads sums and deltas in one statement
sees every order exactly once, at any moment.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.bulk.insert import insert_frame
from gridgov.storage.counts.changes import KEY_COLUMNS, RATE_COLUMNS
from gridgov.storage.counts.span_tables import (
    ANY,
    NAMES,
    OUTCOMES,
    STEPS,
    SUM_TABLES,
    SUMS,
    TALLY,
    SumTable,
)
from gridgov.storage.db import is_postgres
from gridgov.storage.models.counts import CountDelta

LOCK = 0x67726964
"""Key of the advisory lock that lets one transaction at a time write the sums."""

SUMMED = ("cell_counts", *(table.name for table in SUM_TABLES))

_KEYS = ", ".join(KEY_COLUMNS)
_PLACE_KEYS = ", ".join(name for name in KEY_COLUMNS if name != "outcome")


def compact(session: Session, *, is_waiting: bool = False) -> int:
    """Move all deltas into the sums and return how many there were.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    is_waiting
        Whether to wait for another transaction that writes the sums; else 0 is returned and it does the work.
    """
    if not _take_lock(session, is_waiting=is_waiting):
        return 0
    moved = _take_deltas(session)
    if moved:
        _add_up(session)
    _compact_rates(session)
    return moved


def add_counts(session: Session, counted: pd.DataFrame) -> None:
    """Add many orders at once; nobody waits for it. Who has added them all calls :func:`compact`.

    Parameters
    ----------
    session
        Holds the orders too; the caller commits.
    counted
        Frame of ``counts.KEY_COLUMNS`` and ``n``, as ``counts.count_frame`` gives it.
    """
    deltas: sa.Table = CountDelta.__table__  # type: ignore[assignment]
    insert_frame(session, deltas, counted)


def sweep(session: Session) -> int:
    """Remove sums that have become nought, such as of a cell whose orders went elsewhere, and return how many."""
    if not _take_lock(session, is_waiting=False):
        return 0
    return sum(
        _rows(session, f"DELETE FROM {name} WHERE NOT ({ANY})")  # noqa: S608 - names of ours
        for name in SUMMED
    )


def rebuild(session: Session, timezone: str | ZoneInfo) -> None:
    """Make all counts of orders anew from the orders, for a restored or repaired database."""
    _take_lock(session, is_waiting=True)
    for name in ("count_deltas", *SUMMED):
        # A table of dead rows would be built beside them.
        is_ours = is_postgres(session) and _owns(session, name)
        erase = "TRUNCATE" if is_ours else "DELETE FROM"
        session.execute(sa.text(f"{erase} {name}"))
    counted = f"""SELECT {_PLACE_KEYS}, {TALLY} FROM ({_count_orders(session, timezone)}) AS counted
        GROUP BY {_PLACE_KEYS}"""  # noqa: S608
    _fill_empty(session, counted)


def recount(session: Session, timezone: str | ZoneInfo) -> pd.DataFrame:
    """Count the orders again and return where the kept counts differ: none may.

    Returns
    -------
        Frame ``table key difference``: the table at fault, the key, orders that there are less those that it says.
    """
    orders = _count_orders(session, timezone)
    kept = f"""SELECT {_KEYS}, -n AS n FROM count_deltas UNION ALL {_list_tallies(-1)}"""  # noqa: S608
    finest = f"""SELECT {_KEYS}, sum(n) AS difference FROM ({orders} UNION ALL {kept}) AS both_sides
        GROUP BY {_KEYS} HAVING sum(n) <> 0"""  # noqa: S608
    checks = [("cell_counts", finest)]
    checks += [(table.name, query) for table in SUM_TABLES for query in _compare(session, table)]
    differences = [
        (name, "|".join(map(str, row[:-1])), row[-1])
        for name, query in checks
        for row in session.execute(sa.text(query))
    ]
    return pd.DataFrame(differences, columns=["table", "key", "difference"])


def _take_lock(session: Session, *, is_waiting: bool) -> bool:
    if not is_postgres(session):
        return True  # a transaction that writes has the whole file
    name = "pg_advisory_xact_lock" if is_waiting else "pg_try_advisory_xact_lock"
    return session.execute(sa.text(f"SELECT {name}({LOCK})")).scalar() is not False


def _take_deltas(session: Session) -> int:
    """Put all deltas that are visible into ``moved_counts``, a table of the connection, and return how many."""
    _make_empty(session, "moved_counts", "count_deltas", f"{_KEYS}, n")
    if is_postgres(session):
        taken = f"""WITH taken AS (DELETE FROM count_deltas RETURNING {_KEYS}, n)
            INSERT INTO moved_counts SELECT {_KEYS}, n FROM taken"""  # noqa: S608
        return _rows(session, taken)
    moved = _rows(session, f"INSERT INTO moved_counts SELECT {_KEYS}, n FROM count_deltas")  # noqa: S608
    session.execute(sa.text("DELETE FROM count_deltas"))
    return moved


def _make_empty(session: Session, name: str, like: str, columns: str) -> None:
    session.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    session.execute(
        sa.text(f"CREATE TEMPORARY TABLE {name} AS SELECT {columns} FROM {like} WHERE false")  # noqa: S608
    )


def _rows(session: Session, statement: str) -> int:
    return int(session.connection().execute(sa.text(statement)).rowcount)


def _add_up(session: Session) -> None:
    """Add ``moved_counts`` to the sums."""
    cells = f"SELECT {_PLACE_KEYS}, {TALLY} FROM moved_counts GROUP BY {_PLACE_KEYS}"  # noqa: S608
    if is_postgres(session):
        session.execute(sa.text("SET LOCAL work_mem = '128MB'"))
    if session.scalar(sa.text("SELECT NOT EXISTS (SELECT 1 FROM cell_counts)")):
        _fill_empty(session, cells)
    else:
        _upsert(session, "cell_counts", _PLACE_KEYS, cells)
        for table in SUM_TABLES:
            _make_empty(session, "moved_sums", table.name, table.columns)
            _fill(session, table, "moved_sums", days=table.write_days("moved_counts", TALLY))
            rows = f"SELECT {table.columns} FROM moved_sums"  # noqa: S608
            _upsert(session, table.name, table.key, rows, order=table.order)
        session.execute(sa.text("DROP TABLE moved_sums"))
    session.execute(sa.text("DROP TABLE moved_counts"))


def _fill_empty(session: Session, cells: str) -> None:
    """Make all sums from a query of the finest ones, where there are none yet; indexes are made after the rows."""
    with _without_indexes(session, "cell_counts"):
        session.execute(
            sa.text(
                f"INSERT INTO cell_counts ({_PLACE_KEYS}, {NAMES}) "  # noqa: S608
                f"SELECT * FROM ({cells}) AS summed WHERE {ANY} ORDER BY day, street_code"
            )
        )
    for table in SUM_TABLES:
        with _without_indexes(session, table.name):
            _fill(session, table, table.name, days=table.write_days("cell_counts", SUMS))


def _owns(session: Session, name: str) -> bool:
    """Tell whether this connection may change a table of PostgreSQL itself."""
    query = (
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = CAST(:name AS regclass)"
    )
    return bool(session.scalar(sa.text(query), {"name": name}))


@contextmanager
def _without_indexes(session: Session, name: str) -> Iterator[None]:
    """Drop the indexes of a table that nobody can use yet, and make them again; all within the transaction.

    Where the service runs as a login that owns nothing, they stay: it takes longer and comes to the same.
    """
    if not (is_postgres(session) and _owns(session, name)):
        yield
        return
    keys = session.execute(
        sa.text(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = CAST(:name AS regclass) AND contype = 'p'"
        ),
        {"name": name},
    ).all()
    indexes = session.execute(
        sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :name"),
        {"name": name},
    ).all()
    for key, _definition in keys:
        session.execute(sa.text(f"ALTER TABLE {name} DROP CONSTRAINT {key}"))
    others = [one for one in indexes if one[0] not in {key for key, _definition in keys}]
    for index, _definition in others:
        session.execute(sa.text(f"DROP INDEX {index}"))
    yield
    session.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
    for key, definition in keys:
        session.execute(sa.text(f"ALTER TABLE {name} ADD CONSTRAINT {key} {definition}"))
    for _index, definition in others:
        session.execute(sa.text(definition))
    session.execute(sa.text(f"ANALYZE {name}"))


def _upsert(session: Session, name: str, key: str, rows: str, *, order: str = "") -> None:
    """Add rows to those of the same key, in an order that indexes take fast and in which they are read."""
    added = ", ".join(f"{one} = {name}.{one} + excluded.{one}" for one in OUTCOMES)
    session.execute(
        sa.text(
            f"""INSERT INTO {name} ({key}, {NAMES})
            SELECT * FROM ({rows}) AS summed WHERE {ANY} ORDER BY {order or key}
            ON CONFLICT ({key}) DO UPDATE SET {added}"""  # noqa: S608
        )
    )


def _fill(session: Session, table: SumTable, target: str, *, days: str) -> None:
    """Add rows of a table of sums: single days by the query `days`, longer spans from these."""
    for query in (days, *table.write_longer(target, is_postgres=is_postgres(session))):
        rows = f"SELECT * FROM ({query}) AS summed WHERE {ANY} ORDER BY {table.order}"  # noqa: S608
        session.execute(sa.text(f"INSERT INTO {target} ({table.columns}) {rows}"))


def _compare(session: Session, table: SumTable) -> Iterator[str]:
    """Give the queries of rows that differ: single days from the finest counts, each length from the one before."""
    days = table.write_days("cell_counts", SUMS)
    longer = table.write_longer(table.name, is_postgres=is_postgres(session))
    lengths = [1, *(length for _shorter, length in STEPS)]
    negative = ", ".join(f"-{name}" for name in OUTCOMES)
    total = " + ".join(f"abs(sum({name}))" for name in OUTCOMES)
    wrong = " OR ".join(f"sum({name}) <> 0" for name in OUTCOMES)
    for length, wanted in zip(lengths, (days, *longer), strict=True):
        kept = f"SELECT {table.key}, {negative} FROM {table.name} WHERE days = {length}"  # noqa: S608
        yield (
            f"SELECT {table.key}, {total} AS difference FROM ({wanted} UNION ALL {kept}) AS both_sides "  # noqa: S608
            f"GROUP BY {table.key} HAVING {wrong}"
        )


def _list_tallies(sign: int) -> str:
    """Return the query of ``cell_counts`` with one row an outcome."""
    return " UNION ALL ".join(
        f"SELECT {_PLACE_KEYS}, '{name}' AS outcome, {sign} * {name} AS n FROM cell_counts "  # noqa: S608
        f"WHERE {name} <> 0"
        for name in OUTCOMES
    )


def _count_orders(session: Session, timezone: str | ZoneInfo) -> str:
    """Return the query of the orders themselves, by ``counts.KEY_COLUMNS``."""
    # The counts compare codes byte by byte; a column of the orders does not say so.
    collation = ' COLLATE "C"' if is_postgres(session) else ""
    columns = {
        **{name: f"coalesce({name}, ''){collation} AS {name}" for name in KEY_COLUMNS},
        "day": _make_day(session, timezone),
        "outcome": "outcome",
    }
    # The groups are numbered: SQLite would take their names for the columns that may be missing.
    groups = ", ".join(str(at + 1) for at in range(len(KEY_COLUMNS)))
    listed = ", ".join(columns[name] for name in KEY_COLUMNS)
    return f"SELECT {listed}, count(*) AS n FROM orders GROUP BY {groups}"  # noqa: S608


def _make_day(session: Session, timezone: str | ZoneInfo) -> str:
    """Return the SQL of the day of receipt in the city's zone."""
    zone = ZoneInfo(str(timezone))
    if is_postgres(session):
        return f"CAST(received_at AT TIME ZONE '{zone.key}' AS date) AS day"
    # SQLite knows no zones; the connection is given the function.
    driver = session.connection().connection.driver_connection
    assert driver is not None  # noqa: S101 - a connection that is open
    driver.create_function("gridgov_day", 1, _find_day(zone), deterministic=True)
    return "gridgov_day(received_at) AS day"


def _find_day(zone: ZoneInfo) -> Callable[[str], str]:
    def find(text: str) -> str:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        found: date = moment.astimezone(zone).date()
        return found.isoformat()

    return find


def _compact_rates(session: Session) -> None:
    """Leave one row for each month and unit in ``rate_counts``."""
    names = ", ".join(RATE_COLUMNS)
    sums = ", ".join(f"sum({name})" for name in RATE_COLUMNS)
    several = session.execute(
        sa.text("SELECT 1 FROM rate_counts GROUP BY month, unit_code HAVING count(*) > 1 LIMIT 1")
    ).first()
    if several is None:
        return
    if is_postgres(session):
        session.execute(
            sa.text(
                f"""WITH taken AS (DELETE FROM rate_counts RETURNING month, unit_code, {names})
                INSERT INTO rate_counts (month, unit_code, {names})
                SELECT month, unit_code, {sums} FROM taken GROUP BY month, unit_code"""  # noqa: S608
            )
        )
        return
    session.execute(
        sa.text(
            f"""CREATE TEMPORARY TABLE moved_rates AS
            SELECT month, unit_code, {", ".join(f"sum({name}) AS {name}" for name in RATE_COLUMNS)}
            FROM rate_counts GROUP BY month, unit_code"""  # noqa: S608
        )
    )
    session.execute(sa.text("DELETE FROM rate_counts"))
    session.execute(
        sa.text(
            f"INSERT INTO rate_counts (month, unit_code, {names}) "  # noqa: S608
            f"SELECT month, unit_code, {names} FROM moved_rates"
        )
    )
    session.execute(sa.text("DROP TABLE moved_rates"))
