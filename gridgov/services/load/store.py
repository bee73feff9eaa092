"""One batch of appeals into every table it touches: the part of bulk intake that talks to the database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.catalogue import Catalogue
from gridgov.rules.orders.numbers import add_source
from gridgov.services.intake.cells import ensure_cells
from gridgov.services.load.pack import make_items
from gridgov.services.load.rows import Batch, BatchRules
from gridgov.storage.audit.log import chain_rows, choose_chain, lock_head, move_head
from gridgov.storage.bulk.insert import insert_frame, take_ids
from gridgov.storage.counts.changes import count_frame, record_rate_rows
from gridgov.storage.counts.sums import add_counts
from gridgov.storage.db import is_postgres
from gridgov.storage.models.appeals import Appeal, AppealPerson
from gridgov.storage.models.city import CatalogueItem
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Callback, Order

LOCK = 0x6C6F6164
"""Key of the advisory lock that lets one bulk intake at a time into the database."""

ACTION, SUBJECT, ORIGIN = "intake", "order", "load"
"""What the log says of each order."""

MOST_NUMBERS = 500
"""Numbers in one statement on SQLite; below every limit of variables."""


@contextmanager
def hold_load_lock(sessions: sessionmaker[Session]) -> Iterator[None]:
    """Wait until nobody else loads, and keep others waiting until the end, or until the connection is gone."""
    with sessions() as session:
        engine = session.get_bind()
    if not is_postgres(engine):
        yield  # a transaction that writes has the whole file
        return
    assert isinstance(engine, sa.Engine)  # noqa: S101 - what sessions are made with
    with engine.connect() as connection:
        # The server gives the lock back with the connection, so a killed load keeps nobody out.
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text(f"SELECT pg_advisory_lock({LOCK})"))
        try:
            yield
        finally:
            with suppress(sa.exc.DBAPIError):
                connection.execute(sa.text(f"SELECT pg_advisory_unlock({LOCK})"))


def save_references(session: Session, batch: Batch, *, rules: BatchRules, at: datetime) -> None:
    """Add cells and items that the orders of a batch name and that are not there yet.

    In a transaction of its own: batches that are saved side by side name the same ones, and each would wait for
    the other's end.
    """
    _add_items(session, batch.catalogue)
    on = at.astimezone(rules.city.settings.timezone).date()
    ensure_cells(session, rules.city, batch.frame["cell_code"].dropna().unique(), on=on)


def save_batch(
    session: Session, batch: Batch, *, rules: BatchRules, at: datetime, chain_key: str
) -> int:
    """Add the appeals of a batch that are not there yet and return how many they were.

    Parameters
    ----------
    session
        The caller holds the load lock, has called :func:`save_references`, and commits.
    batch
        Rows of every table.
    rules
        City and source.
    at
        Now, aware.
    chain_key
        Chooses the chain of the log, so that the same file goes into the same chains.
    """
    batch = batch.take(~_find_known(session, rules.source, batch.frame["appeal_no"]))
    n = len(batch)
    if not n:
        return 0
    batch.frame["order_no"] = _make_order_nos(session, batch.frame, rules.source)
    appeals: Any = Appeal.__table__
    orders: Any = Order.__table__
    appeal_ids, order_ids = take_ids(session, appeals, n), take_ids(session, orders, n)
    created = pd.Series(pd.Timestamp(at).tz_convert("UTC"), index=batch.frame.index)
    rows = batch.make_appeals(appeal_ids, source=rules.source, created_at=created)
    insert_frame(session, appeals, rows)
    _insert(session, AppealPerson, batch.make_persons(appeal_ids))
    made = batch.make_orders(order_ids, appeal_ids, desk_code=rules.desk_code)
    insert_frame(session, orders, made)
    _insert(session, Callback, batch.make_callbacks(order_ids))
    record_rate_rows(session, batch.make_rates())
    session.flush()
    add_counts(session, count_frame(made, rules.city.settings.timezone))
    _log(session, batch.frame, at=at, chain=choose_chain("import", chain_key))
    return n


def _insert(session: Session, model: type[Any], frame: pd.DataFrame) -> None:
    insert_frame(session, model.__table__, frame)


def _find_known(session: Session, source: str, numbers: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which appeals are there already."""
    query = sa.select(Appeal.appeal_no).where(Appeal.source == source)
    known = _find_among(session, query, Appeal.appeal_no, numbers)
    return np.asarray(numbers.isin(known), dtype=bool)


def _find_among(
    session: Session, query: sa.Select[Any], column: Any, values: Iterable[str]
) -> set[str]:
    wanted = list(values)
    if is_postgres(session):
        chosen = query.where(column == sa.any_(sa.bindparam("wanted", type_=sa.ARRAY(sa.Text))))
        return set(session.scalars(chosen, {"wanted": wanted}))
    found: set[str] = set()
    for start in range(0, len(wanted), MOST_NUMBERS):
        part = wanted[start : start + MOST_NUMBERS]
        found |= set(session.scalars(query.where(column.in_(part))))
    return found


def _make_order_nos(session: Session, frame: pd.DataFrame, source: str) -> pd.Series:
    """Return the numbers of the orders; where another source has the same number, with the source before it."""
    numbers: pd.Series = frame["order_no"]
    taken = _find_among(session, sa.select(Order.order_no), Order.order_no, numbers)
    is_taken = numbers.isin(taken)
    return numbers.mask(is_taken, numbers[is_taken].map(lambda number: add_source(number, source)))


def _add_items(session: Session, catalogue: Catalogue) -> None:
    """Add items that came with the appeals, where the city has no catalogue of its own."""
    rows = make_items(catalogue)
    known = set(session.scalars(sa.select(CatalogueItem.item_code)))
    missing = [row for row in rows if row["item_code"] not in known]
    if missing:
        session.execute(sa.insert(CatalogueItem), missing)


def _log(session: Session, frame: pd.DataFrame, *, at: datetime, chain: int) -> None:
    """Add one entry for each order; the head of the chain is locked last of all."""
    head = lock_head(session, chain)
    after, numbers = frame["after"].tolist(), frame["order_no"].tolist()
    moved, hashes = chain_rows(
        head,
        at=at,
        action=ACTION,
        subject_kind=SUBJECT,
        subject_nos=numbers,
        afters=after,
        origin=ORIGIN,
    )
    rows = pd.DataFrame(
        {
            "chain": chain,
            "position": np.arange(head.position + 1, moved.position + 1),
            "at": pd.Series(pd.Timestamp(at).tz_convert("UTC"), index=frame.index),
            "subject_no": frame["order_no"],
            "person_key": "",
            "role": "",
            "unit_code": "",
            "after": frame["after"],
            "hash": pd.Series(hashes, index=frame.index, dtype=object),
            "action": ACTION,
            "subject_kind": SUBJECT,
            "origin": ORIGIN,
        }
    )
    _insert(session, LogEntry, rows)
    move_head(session, moved)
