"""Sums of the counts: deltas are moved into them by a job; a check counts the orders again.

A delta is taken away and added to the sums in one transaction, so that whoever reads sums and deltas in one statement
(:data:`SOURCES`) sees every order exactly once, at any moment.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.bulk import insert_frame
from gridgov.storage.counts import KEY_COLUMNS, RATE_COLUMNS
from gridgov.storage.db import is_postgres
from gridgov.storage.models.orders import Outcome

LOCK = 0x67726964
"""Key of the advisory lock that lets one transaction at a time write the sums."""

OUTCOMES = tuple(one.value for one in Outcome)
"""Columns of a tally."""

MOVED = sa.Table(
    "moved_counts",
    sa.MetaData(),
    *(sa.Column(name, sa.Date if name == "day" else sa.Text) for name in KEY_COLUMNS),
    sa.Column("n", sa.Integer),
)
"""What is being added to the sums; a table of the transaction."""

_KEYS = ", ".join(KEY_COLUMNS)
_PLACE_KEYS = ", ".join(name for name in KEY_COLUMNS if name != "outcome")
_AREA_KEYS = "kind, unit_code, span, start_on, level1_code, code"
_NAMES = ", ".join(OUTCOMES)
_TALLY = ", ".join(
    f"sum(CASE WHEN outcome = '{name}' THEN n ELSE 0 END) AS {name}" for name in OUTCOMES
)
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in OUTCOMES)
_ANY = " OR ".join(f"sum({name}) <> 0" for name in OUTCOMES)


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
    session.execute(sa.text("DROP TABLE moved_counts"))
    _compact_rates(session)
    return moved


def add_counts(session: Session, counted: pd.DataFrame) -> None:
    """Add many orders at once to the sums.

    Parameters
    ----------
    session
        The caller commits, soon: until then nobody else writes the sums.
    counted
        Frame of ``counts.KEY_COLUMNS`` and ``n``, as ``counts.count_frame`` gives it.
    """
    _take_lock(session, is_waiting=True)
    _drop_moved(session)
    _make_moved(session)
    insert_frame(session, MOVED, counted)
    _add_up(session)
    session.execute(sa.text("DROP TABLE moved_counts"))


def rebuild(session: Session, timezone: str | ZoneInfo) -> None:
    """Make all counts of orders anew from the orders, for a restored or repaired database."""
    _take_lock(session, is_waiting=True)
    day = _make_day(session, timezone)
    for table in ("count_deltas", "cell_counts", "area_counts"):
        session.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours
    session.execute(
        sa.text(
            f"""INSERT INTO cell_counts ({_PLACE_KEYS}, {_NAMES})
            SELECT {_PLACE_KEYS}, {_TALLY} FROM ({_count_orders(day)}) AS counted GROUP BY {_PLACE_KEYS}"""  # noqa: S608
        )
    )
    session.execute(
        sa.text(
            f"""INSERT INTO area_counts ({_AREA_KEYS}, {_NAMES})
            {_list_areas(session, "cell_counts", _SUMS)}"""
        )
    )


def recount(session: Session, timezone: str | ZoneInfo) -> pd.DataFrame:
    """Count the orders again and return where the kept counts differ: none may.

    Returns
    -------
        Frame ``table key counted kept``: the table at fault, the key, orders that there are, orders that it says.
    """
    day = _make_day(session, timezone)
    kept = f"""SELECT {_KEYS}, -n AS n FROM count_deltas UNION ALL {_list_tallies(-1)}"""  # noqa: S608
    finest = f"""SELECT {_KEYS}, sum(n) AS difference FROM ({_count_orders(day)} UNION ALL {kept}) AS both_sides
        GROUP BY {_KEYS} HAVING sum(n) <> 0"""  # noqa: S608
    differences = [
        ("cell_counts", "|".join(map(str, row[:-1])), row[-1])
        for row in session.execute(sa.text(finest))
    ]
    for row in session.execute(sa.text(_compare_areas(session))):
        differences.append(("area_counts", "|".join(map(str, row[:-1])), row[-1]))  # noqa: PERF401
    return pd.DataFrame(differences, columns=["table", "key", "difference"])


def _take_lock(session: Session, *, is_waiting: bool) -> bool:
    if not is_postgres(session):
        return True  # a transaction that writes has the whole file
    name = "pg_advisory_xact_lock" if is_waiting else "pg_try_advisory_xact_lock"
    return session.execute(sa.text(f"SELECT {name}({LOCK})")).scalar() is not False


def _drop_moved(session: Session) -> None:
    session.execute(sa.text("DROP TABLE IF EXISTS moved_counts"))


def _make_moved(session: Session) -> None:
    columns = ", ".join(f"{name} {'date' if name == 'day' else 'text'}" for name in KEY_COLUMNS)
    session.execute(sa.text(f"CREATE TEMPORARY TABLE moved_counts ({columns}, n integer)"))


def _take_deltas(session: Session) -> int:
    """Put all deltas that are visible into ``moved_counts`` and return how many there were."""
    _drop_moved(session)
    _make_moved(session)
    if is_postgres(session):
        taken = f"""WITH taken AS (DELETE FROM count_deltas RETURNING {_KEYS}, n)
            INSERT INTO moved_counts SELECT {_KEYS}, n FROM taken"""  # noqa: S608
        return _rows(session, taken)
    moved = _rows(session, f"INSERT INTO moved_counts SELECT {_KEYS}, n FROM count_deltas")  # noqa: S608
    session.execute(sa.text("DELETE FROM count_deltas"))
    return moved


def _rows(session: Session, statement: str) -> int:
    return int(session.connection().execute(sa.text(statement)).rowcount)


def _add_up(session: Session) -> None:
    """Add ``moved_counts`` to the sums."""
    session.execute(
        sa.text(
            f"""INSERT INTO cell_counts ({_PLACE_KEYS}, {_NAMES})
            SELECT * FROM (SELECT {_PLACE_KEYS}, {_TALLY} FROM moved_counts GROUP BY {_PLACE_KEYS}) AS summed
            WHERE {" OR ".join(f"{name} <> 0" for name in OUTCOMES)}"""  # noqa: S608
        )
    )
    added = ", ".join(f"{name} = area_counts.{name} + excluded.{name}" for name in OUTCOMES)
    session.execute(
        sa.text(
            f"""INSERT INTO area_counts ({_AREA_KEYS}, {_NAMES})
            SELECT * FROM ({_list_areas(session, "moved_counts", _TALLY)}) AS summed WHERE true
            ON CONFLICT ({_AREA_KEYS}) DO UPDATE SET {added}"""  # noqa: S608
        )
    )


AREA_SUMS = (
    ("street", "street_code", "day", False),
    ("street", "street_code", "month", False),
    ("street", "street_code", "day", True),
    ("street", "street_code", "month", True),
    ("community", "community_code", "day", False),
    ("community", "community_code", "month", False),
)
"""Sums of ``area_counts``: kind, column of its code, span, whether by unit and level-1 item."""


def _list_areas(session: Session, source: str, sums: str) -> str:
    """Return the query of every row of ``area_counts`` from rows of `source`."""
    month = (
        "CAST(date_trunc('month', day) AS date)"
        if is_postgres(session)
        else "date(day, 'start of month')"
    )
    parts = []
    for kind, column, span, is_split in AREA_SUMS:
        unit, level1 = ("unit_code", "level1_code") if is_split else ("''", "''")
        start = "day" if span == "day" else month
        known = "" if kind == "street" else f"WHERE {column} <> ''"
        groups = ", ".join(
            [start, column, *((unit, level1) if is_split else ())],
        )
        parts.append(
            f"SELECT '{kind}' AS kind, {unit} AS unit_code, '{span}' AS span, {start} AS start_on, "  # noqa: S608
            f"{level1} AS level1_code, {column} AS code, {sums} FROM {source} {known} GROUP BY {groups}"
        )
    return " UNION ALL ".join(parts)


def _compare_areas(session: Session) -> str:
    negative = ", ".join(f"-{name}" for name in OUTCOMES)
    key = _AREA_KEYS
    total = " + ".join(f"abs(sum({name}))" for name in OUTCOMES)
    return f"""SELECT {key}, {total} AS difference FROM (
        {_list_areas(session, "cell_counts", _SUMS)}
        UNION ALL SELECT {key}, {negative} FROM area_counts) AS both_sides
        GROUP BY {key} HAVING {_ANY}"""  # noqa: S608


def _list_tallies(sign: int) -> str:
    """Return the query of ``cell_counts`` with one row an outcome."""
    return " UNION ALL ".join(
        f"SELECT {_PLACE_KEYS}, '{name}' AS outcome, {sign} * {name} AS n FROM cell_counts "  # noqa: S608
        f"WHERE {name} <> 0"
        for name in OUTCOMES
    )


def _count_orders(day: str) -> str:
    columns = ", ".join(
        day
        if name == "day"
        else f"coalesce({name}, '') AS {name}"
        if name not in {"unit_code", "outcome"}
        else name
        for name in KEY_COLUMNS
    )
    # The groups are numbered: SQLite would take their names for the columns that may be missing.
    groups = ", ".join(str(at + 1) for at in range(len(KEY_COLUMNS)))
    return f"SELECT {columns}, count(*) AS n FROM orders GROUP BY {groups}"  # noqa: S608


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
