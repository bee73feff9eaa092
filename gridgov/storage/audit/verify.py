"""Checking the log: every chain is computed again and compared with what stands in the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.audit.log import CHAINS, FIELDS, ZERO, Head, hash_entry
from gridgov.storage.models.journal import LogEntry, LogHead

CHUNK = 10_000
"""Entries held at a time: ten million are checked in the memory of ten thousand."""

FaultKind = Literal["altered", "missing", "cut_off", "surplus", "head", "rewritten"]


@dataclass(frozen=True, kw_only=True)
class LogFault:
    """Something in the log is not as it was written.

    Parameters
    ----------
    chain, position
        Where.
    kind
        ``altered``: an entry, or the order of entries, does not fit its hash; ``missing``: positions are lacking in
        the middle; ``cut_off``: at the end; ``surplus``: there are more than the head knows; ``head``: the head is
        lacking or has another hash; ``rewritten``: the entry at a head that was kept elsewhere is gone or another.
    text
        What was found and what was expected.
    """

    chain: int
    position: int
    kind: FaultKind
    text: str


@dataclass(frozen=True, kw_only=True)
class LogCheck:
    """What a check of the log found.

    Parameters
    ----------
    entries
        How many were read.
    heads
        Where each chain ends: kept elsewhere, they prove later that nobody wrote the whole log anew.
    faults
        Everything that is wrong, by chain and position.
    """

    entries: int
    heads: tuple[Head, ...]
    faults: tuple[LogFault, ...]


def verify(session: Session) -> list[LogFault]:
    """Return everything that was altered, removed, inserted, reordered or cut off, by chain and position."""
    return list(check_log(session).faults)


def check_log(session: Session) -> LogCheck:
    """Return what a check of every entry of every chain finds."""
    query = sa.select(LogHead.chain, LogHead.position, LogHead.hash).order_by(LogHead.chain)
    heads = {
        row.chain: Head(chain=row.chain, position=row.position, hash=bytes(row.hash))
        for row in session.connection().execute(query)
    }
    faults: list[LogFault] = []
    entries = 0
    for chain in _find_chains(session, heads):
        count, found = _check_chain(session, chain, heads.get(chain))
        entries += count
        faults += found
    return LogCheck(entries=entries, heads=tuple(heads.values()), faults=tuple(faults))


def check_against(session: Session, kept: Iterable[Head]) -> list[LogFault]:
    """Return where the log does not lead to heads that were kept elsewhere: somebody wrote it anew, or cut it off."""
    faults = []
    for head in kept:
        if head.position == 0:
            continue
        query = sa.select(LogEntry.hash).where(
            LogEntry.chain == head.chain, LogEntry.position == head.position
        )
        found = session.connection().execute(query).scalar()
        if found is not None and bytes(found) == head.hash:
            continue
        text = (
            "the entry that was the last one then is gone"
            if found is None
            else f"its hash is {bytes(found).hex()}, it was {head.hash.hex()}"
        )
        fault = LogFault(chain=head.chain, position=head.position, kind="rewritten", text=text)
        faults.append(fault)
    return faults


def _find_chains(session: Session, heads: dict[int, Head]) -> list[int]:
    # A scan of the index only; there are seldom others than the sixteen.
    outside = sa.select(LogEntry.chain).where(~LogEntry.chain.between(0, CHAINS - 1)).distinct()
    strange = session.connection().execute(outside).scalars()
    return sorted({*range(CHAINS), *heads, *strange})


def _check_chain(session: Session, chain: int, head: Head | None) -> tuple[int, list[LogFault]]:
    faults: list[LogFault] = []
    last: bytes | None = ZERO
    position = count = 0
    for row in _read_chain(session, chain):
        count += 1
        at = row["position"]
        if at != position + 1:
            faults.append(_say_gap(chain, position, at))
            last = None if at > position + 1 else last
        stored = bytes(row["hash"])
        if last is not None and hash_entry(last, row) != stored:
            text = f"entry of {row['subject_kind']} {row['subject_no']} does not fit its hash"
            faults.append(LogFault(chain=chain, position=at, kind="altered", text=text))
        last, position = stored, at
    faults += _check_head(chain, head, position, last or ZERO)
    return count, faults


def _say_gap(chain: int, position: int, found: int) -> LogFault:
    text = f"found position {found} after {position}, expected {position + 1}: entries are missing"
    return LogFault(chain=chain, position=position + 1, kind="missing", text=text)


def _check_head(chain: int, head: Head | None, position: int, last: bytes) -> list[LogFault]:
    def fault(kind: FaultKind, text: str) -> list[LogFault]:
        return [LogFault(chain=chain, position=position, kind=kind, text=text)]

    if head is None:
        return fault("head", "the chain has no head")
    if position < head.position:
        return fault(
            "cut_off",
            f"the chain ends at {position}, its head at {head.position}: the end is missing",
        )
    if position > head.position:
        return fault(
            "surplus",
            f"the chain ends at {position}, its head at {head.position}: entries were added",
        )
    return (
        [] if last == head.hash else fault("head", "the head's hash is not that of the last entry")
    )


def _read_chain(session: Session, chain: int) -> Iterator[dict[str, Any]]:
    table = LogEntry.__table__
    columns = [table.c[name] for name in (*FIELDS, "hash")]
    query = sa.select(*columns).where(table.c.chain == chain).order_by(table.c.position)
    result = session.connection().execute(query, execution_options={"yield_per": CHUNK})
    for row in result.mappings():
        yield dict(row)
