"""The log: append-only, in hash chains, so that whoever alters, removes or inserts an entry is found out.

Each entry's hash is ``sha256(hash of the entry before it in its chain + text)``. The text is a JSON array without
spaces, UTF-8, of all columns in the order of :data:`FIELDS`: numbers and texts as JSON has them, ``at`` as
``2026-01-31T08:30:00.000000Z``, objects with their keys sorted, whole floats as integers. The first entry of a
chain follows 32 zero bytes. ``log_heads`` holds the last position and hash of each chain.

There are several chains so that clients do not wait for each other. All entries of one transaction go to one
chain, whose head row is locked last thing before the commit: who holds it waits for nobody, so nothing can lock up.
"""

import hashlib
import json
import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, SessionTransaction

from gridgov.errors import GridgovError
from gridgov.rules.orders.needs import Actor
from gridgov.rules.privacy import mask_text
from gridgov.storage.models.journal import LogEntry, LogHead
from gridgov.storage.scope.apply import get_scope, without_row_scope

CHAINS = 16
"""Eight clients rarely meet on one of sixteen chains; the heads still fit on one page of a database."""

ZERO = bytes(32)
"""What the first entry of a chain follows."""

FIELDS = (
    "chain",
    "position",
    "at",
    "action",
    "subject_kind",
    "subject_no",
    "person_key",
    "role",
    "unit_code",
    "origin",
    "before",
    "after",
)
"""Columns under the hash, in this order."""

_CODES = ("_no", "_nos", "_code", "_codes", "_key", "_at", "_on", "_by", "_hash", "_id", "version")
"""Ends of the names of values that are no text."""
_CODE = re.compile(r"[\w.:|+/-]{1,120}", re.ASCII)
"""What such a value looks like; somebody may have typed anything else in its place."""
_PENDING = "gridgov_log"
# Made once: every change of anything goes through these three.
_LOCK_HEAD = (
    sa.select(LogHead.position, LogHead.hash)
    .where(LogHead.chain == sa.bindparam("of_chain"))
    .with_for_update()
)
_MOVE_HEAD = sa.update(cast("sa.Table", LogHead.__table__)).where(
    LogHead.chain == sa.bindparam("of_chain")
)
_INSERT = sa.insert(cast("sa.Table", LogEntry.__table__))


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a chain ends."""

    chain: int
    position: int
    hash: bytes


@dataclass(frozen=True, kw_only=True)
class Pending:
    """An entry that waits for the end of its transaction; `savepoint` is the one in which it was made."""

    values: Mapping[str, Any]
    savepoint: SessionTransaction | None


def record(
    session: Session,
    *,
    at: datetime,
    action: str,
    subject_kind: str,
    subject_no: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    actor: Actor | None,
    origin: str = "",
) -> None:
    """Add an entry to the log when the transaction of `session` commits; a rollback forgets it.

    Parameters
    ----------
    session
        Of the change that is recorded.
    at, action, subject_kind, subject_no
        When (aware) what happened to which ``order``, ``account``, ``boundary`` …
    before, after
        What changed, as far as it did; no personal data. Times, dates, enums and tuples become JSON.
    actor
        Who did it, None for the system.
    origin
        Address, command or job; by default that of the session's scope.

    Raises
    ------
    GridgovError
        A value has no place in JSON.
    """
    scope = get_scope(session)
    values = {
        "at": _check_aware(at),
        "action": action,
        "subject_kind": subject_kind,
        "subject_no": clean_text(subject_no),
        "person_key": "" if actor is None else actor.person_key,
        "role": "" if actor is None else actor.role.value,
        "unit_code": "" if actor is None else actor.unit_code,
        "origin": origin or ("" if scope is None else scope.origin),
        "before": None if before is None else mask_words(make_plain(before)),
        "after": None if after is None else mask_words(make_plain(after)),
    }
    if not session.in_transaction():
        # Else a rollback before the first statement would not know that there is something to forget.
        session.begin()
    waiting = session.info.setdefault(_PENDING, [])
    waiting.append(Pending(values=values, savepoint=session.get_nested_transaction()))


def choose_chain(subject_kind: str, subject_no: str) -> int:
    """Return the chain of a subject, 0 … 15: spread evenly, the same on every machine."""
    return zlib.crc32(f"{subject_kind}:{subject_no}".encode()) % CHAINS


def lock_head(session: Session, chain: int) -> Head:
    """Return where a chain ends; until the transaction ends nobody else adds to it."""
    row = session.connection().execute(_LOCK_HEAD, {"of_chain": chain}).one()
    return Head(chain=chain, position=row.position, hash=bytes(row.hash))


def move_head(session: Session, head: Head) -> None:
    """Write where a chain ends now."""
    values = {"of_chain": head.chain, "position": head.position, "hash": head.hash}
    session.connection().execute(_MOVE_HEAD, values)


def chain_rows(
    head: Head,
    *,
    at: datetime | Sequence[datetime],
    action: str,
    subject_kind: str,
    subject_nos: Sequence[str],
    afters: Sequence[str],
    actor: Actor | None = None,
    origin: str = "",
) -> tuple[Head, list[bytes]]:
    """Return the new head and the hashes of many entries of one kind, for bulk intake.

    Their positions are ``head.position + 1`` and on; ``before`` is null.

    Parameters
    ----------
    head
        From :func:`lock_head`; the caller gives the new one to :func:`move_head`.
    at
        One aware time, or one for each entry.
    action, subject_kind, actor, origin
        As in :func:`record`, the same for all.
    subject_nos
        Numbers of the subjects (n,).
    afters
        JSON texts (n,) as :func:`write_json` writes them: this is what goes into the column ``after`` too.
    """
    stamps = _say_times(at, len(subject_nos))
    quote = json.encoder.encode_basestring
    who = ("", "", "") if actor is None else (actor.person_key, actor.role.value, actor.unit_code)
    middle = f",{quote(action)},{quote(subject_kind)},"
    tail = "," + ",".join(quote(part) for part in (*who, origin)) + ",null,"
    sha, last, position = hashlib.sha256, head.hash, head.position
    hashes: list[bytes] = []
    for stamp, number, after in zip(stamps, subject_nos, afters, strict=True):
        position += 1
        text = f'[{head.chain},{position},"{stamp}"{middle}{quote(number)}{tail}{after}]'
        last = sha(last + text.encode()).digest()
        hashes.append(last)
    return Head(chain=head.chain, position=position, hash=last), hashes


def hash_entry(previous: bytes, values: Mapping[str, Any]) -> bytes:
    """Return the hash of an entry that follows `previous`; `values` by name of :data:`FIELDS`."""
    plain = [_say_time(values[name]) if name == "at" else values[name] for name in FIELDS]
    return hashlib.sha256(previous + write_json(plain).encode()).digest()


def mask_words(value: Any, name: str = "") -> Any:
    """Return plain values with numbers of people masked in every text that is no number or code of ours.

    An entry stays for good, so this is done here for all of them, whatever the service has masked already.
    """
    if isinstance(value, dict):
        return {key: mask_words(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [mask_words(one, name) for one in value]
    if not isinstance(value, str):
        return value
    is_code = name.endswith(_CODES) and _CODE.fullmatch(value) is not None
    return value if is_code else mask_text(value)


def write_json(value: Any) -> str:
    """Return plain values as the one JSON text that the hash covers."""
    return json.dumps(
        _settle_numbers(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )


def make_plain(value: Any) -> Any:
    """Return a value as JSON can hold it on both databases.

    Raises
    ------
    GridgovError
        It is of no kind that JSON knows.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {clean_text(str(key)): make_plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = sorted(value) if isinstance(value, set | frozenset) else value
        return [make_plain(one) for one in parts]
    return _make_text(value)


def _make_text(value: Any) -> str:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, datetime):
        return _say_time(_check_aware(value))
    if isinstance(value, date):
        return value.isoformat()
    raise GridgovError(
        f"log: found {value!r} ({type(value).__name__}), expected what JSON can hold"
    )


def clean_text(text: str) -> str:
    """Return text without what no database of ours stores: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _settle_numbers(value: Any) -> Any:
    """Return whole floats as integers: the databases do not keep the two apart."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _settle_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_settle_numbers(one) for one in value]
    return value


def _say_times(at: datetime | Sequence[datetime], count: int) -> list[str]:
    if isinstance(at, datetime):
        return [_say_time(at)] * count
    return [_say_time(one) for one in at]


def _check_aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise GridgovError(f"log: time {at.isoformat()} has no zone; expected an aware time")
    return at


def _say_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def _chain(head: Head, waiting: Iterable[Pending]) -> tuple[Head, list[dict[str, Any]]]:
    rows = []
    for one in waiting:
        values = {**one.values, "chain": head.chain, "position": head.position + 1}
        head = Head(
            chain=head.chain, position=head.position + 1, hash=hash_entry(head.hash, values)
        )
        rows.append({**values, "hash": head.hash})
    return head, rows


@sa.event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Chain and insert what was recorded; only when the whole transaction commits, not at a savepoint."""
    if session.in_nested_transaction() or not session.info.get(_PENDING):
        return
    session.flush()
    waiting: list[Pending] = session.info.pop(_PENDING)
    first = waiting[0].values
    chain = choose_chain(first["subject_kind"], first["subject_no"])
    # An entry may be about what its account does not see any more: it has just given it away.
    with without_row_scope(session):
        head, rows = _chain(lock_head(session, chain), waiting)
        session.connection().execute(_INSERT, rows)
        move_head(session, head)


@sa.event.listens_for(Session, "after_soft_rollback")
def _forget_savepoint(session: Session, ended: SessionTransaction) -> None:
    """Drop what was recorded inside a savepoint that is gone."""
    if not ended.nested:
        return
    waiting: list[Pending] = session.info.get(_PENDING, [])
    kept = [one for one in waiting if not _is_inside(one.savepoint, ended)]
    session.info[_PENDING] = kept


def _is_inside(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None:
        if inner is outer:
            return True
        inner = inner.parent
    return False


@sa.event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_PENDING, None)
