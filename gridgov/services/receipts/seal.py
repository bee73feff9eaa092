"""Signed daily roots: over the heads of the log's chains, its new entries, and the appeals that came in.

A leaf of an appeal says its number, when it came, its words as they are kept, and its entry's place and hash in the
log. So an appeal that is changed, moved or lost after its day, an entry that is exchanged and a chain that is cut off
no longer lead to the root; a root that is exchanged is not the one that was published, nor the one the next names.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.receipts import find_path, find_root, hash_leaf, write_plain
from gridgov.services.salt import make_mark
from gridgov.services.settings import ServiceSettings, SettingError
from gridgov.storage.db import transaction
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.journal import LogEntry, LogHead, Receipt, SignedRoot
from gridgov.storage.models.secrets import KeptSecret

KEY_NAME = "receipt_key"
FORM = "gridgov-root/1"
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class RootFault:
    """What is wrong with the root of a day.

    Parameters
    ----------
    number, day
        Which.
    fault
        ``signature``, ``previous``, ``heads``, ``entries`` (the log is not what was sealed), or ``appeal`` + number.
    """

    number: int
    day: date
    fault: str


def get_key(session: Session, settings: ServiceSettings) -> Ed25519PrivateKey:
    """Return the key that signs: the one that is set, else the one kept in the database.

    Raises
    ------
    SettingError
        The one that is set is no key, or there is none.
    """
    if settings.receipt_key:
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(settings.receipt_key))
        except ValueError as error:
            raise SettingError(
                "GRIDGOV_RECEIPT_KEY",
                f"{len(settings.receipt_key)} characters",
                "64 hexadecimal digits",
            ) from error
    kept = session.get(KeptSecret, KEY_NAME)
    if kept is None or not kept.value:
        raise SettingError("GRIDGOV_RECEIPT_KEY", "", "the key that signed the roots so far")
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept.value))


def _make_key(session: Session, settings: ServiceSettings, *, at: datetime) -> None:
    """Make a key and keep it, where none is set or kept and nothing was signed yet."""
    known = session.get(KeptSecret, KEY_NAME) is not None or _find_last(session) is not None
    if settings.receipt_key or known:
        return
    value = Ed25519PrivateKey.generate().private_bytes_raw().hex()
    session.add(KeptSecret(name=KEY_NAME, value=value, mark=make_mark(value), made_at=at))
    session.flush()


def seal_day(
    sessions: sessionmaker[Session],
    settings: ServiceSettings,
    *,
    city: str,
    zone: ZoneInfo,
    now: datetime,
) -> int:
    """Seal what came since the last root, once the day before `now` is over; return how many appeals got a receipt.

    Parameters
    ----------
    sessions
        Make the system's own sessions.
    now
        Aware.
    """
    day = now.astimezone(zone).date() - timedelta(days=1)
    with transaction(sessions) as session:
        last = _find_last(session)
        if last is not None and last.day >= day:
            return 0
        heads = _read_heads(session)
        since = _get_positions(last)
        leaves, appeals = _collect(session, since, heads)
        hashes = [hash_leaf(one) for one in leaves]
        statement = {
            "form": FORM,
            "city": city,
            "number": 1 if last is None else last.number + 1,
            "day": day.isoformat(),
            "size": len(hashes),
            "root": find_root(hashes).hex(),
            "previous": "" if last is None else last.hash,
            "heads": heads,
        }
        _write(session, settings, statement, day=day, now=now)
        first = len(leaves) - len(appeals)
        paths = find_path(hashes, range(first, len(leaves)))
        session.add_all(
            Receipt(
                appeal_id=appeal_id,
                number=statement["number"],
                leaf_index=first + at,
                leaf=leaf,
                path=paths[at],
            )
            for at, (appeal_id, leaf) in enumerate(appeals.items())
        )
    return len(appeals)


def _find_last(session: Session) -> SignedRoot | None:
    query = sa.select(SignedRoot).order_by(SignedRoot.number.desc()).limit(1)
    return session.scalars(query).first()


def _get_positions(root: SignedRoot | None) -> dict[int, int]:
    heads = [] if root is None else root.statement["heads"]
    return {chain: position for chain, position, _ in heads}


def _read_heads(session: Session) -> list[list[Any]]:
    query = sa.select(LogHead.chain, LogHead.position, LogHead.hash).order_by(LogHead.chain)
    return [[row.chain, row.position, row.hash.hex()] for row in session.execute(query)]


def _collect(
    session: Session, since: dict[int, int], heads: list[list[Any]]
) -> tuple[list[bytes], dict[int, dict[str, Any]]]:
    """Return the data of all leaves in their order, and the leaves of appeals by the appeal's id; they stand last."""
    leaves = [b"h" + write_plain(head) for head in heads]
    received: dict[tuple[str, str], list[Any]] = {}
    for chain, position, _ in heads:
        for entry in _read_entries(session, chain, since.get(chain, 0), position):
            leaves.append(b"e" + entry.hash)
            if entry.action == "receive" and entry.after:
                known = (str(entry.after.get("source")), str(entry.after.get("appeal_no")))
                received.setdefault(known, [chain, entry.position, entry.hash.hex()])
    appeals = _make_appeals(session, received)
    leaves += [b"a" + write_plain(leaf) for leaf in appeals.values()]
    return leaves, appeals


def _read_entries(session: Session, chain: int, after: int, until: int) -> Iterator[Any]:
    query = (
        sa.select(LogEntry.position, LogEntry.hash, LogEntry.action, LogEntry.after)
        .where(LogEntry.chain == chain, LogEntry.position > after, LogEntry.position <= until)
        .order_by(LogEntry.position)
        .execution_options(yield_per=10_000)
    )
    yield from session.execute(query)


def _make_appeals(
    session: Session, received: dict[tuple[str, str], list[Any]]
) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    wanted = list(received)
    for start in range(0, len(wanted), BATCH):
        numbers = [no for _, no in wanted[start : start + BATCH]]
        rows = session.execute(
            sa.select(
                *(Appeal.id, Appeal.source, Appeal.appeal_no, Appeal.received_at, Appeal.text)
            ).where(Appeal.appeal_no.in_(numbers))
        )
        for row in rows:
            entry = received.get((row.source, row.appeal_no))
            if entry is not None:
                found[row.id] = {
                    "appeal_no": row.appeal_no,
                    "received_at": f"{row.received_at.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}",
                    "text": row.text or "",
                    "entry": entry,
                }
    return dict(sorted(found.items()))


def _write(
    session: Session,
    settings: ServiceSettings,
    statement: dict[str, Any],
    *,
    day: date,
    now: datetime,
) -> None:
    plain = write_plain(statement)
    _make_key(session, settings, at=now)
    session.add(
        SignedRoot(
            number=statement["number"],
            day=day,
            statement=statement,
            hash=hashlib.sha256(plain).hexdigest(),
            signature=get_key(session, settings).sign(plain).hex(),
        )
    )
    session.flush()


def check_roots(session: Session, settings: ServiceSettings) -> list[RootFault]:
    """Return what is wrong with the roots: each is made anew from the log and compared, the oldest first.

    Raises
    ------
    SettingError
        There are roots, and the key that signed them is not at hand.
    """
    roots = session.scalars(sa.select(SignedRoot).order_by(SignedRoot.number)).all()
    if not roots:
        return []
    public = get_key(session, settings).public_key()
    faults: list[RootFault] = []
    before: SignedRoot | None = None
    for root in roots:
        plain, said = write_plain(root.statement), []
        if not _is_signed(public, root.signature, plain):
            said.append("signature")
        if root.hash != hashlib.sha256(plain).hexdigest() or root.statement["previous"] != (
            "" if before is None else before.hash
        ):
            said.append("previous")
        heads, since = root.statement["heads"], _get_positions(before)
        if any(position < since.get(chain, 0) for chain, position, _ in heads):
            said.append("heads")
        said += _compare(session, root, since)
        faults += [RootFault(number=root.number, day=root.day, fault=one) for one in said]
        before = root
    return faults


def _is_signed(public: Ed25519PublicKey, signature: str, plain: bytes) -> bool:
    try:
        public.verify(bytes.fromhex(signature), plain)
    except (InvalidSignature, ValueError):
        return False
    return True


def _compare(session: Session, root: SignedRoot, since: dict[int, int]) -> list[str]:
    heads = root.statement["heads"]
    leaves = [b"h" + write_plain(head) for head in heads]
    for chain, position, _ in heads:
        leaves += [
            b"e" + entry.hash
            for entry in _read_entries(session, chain, since.get(chain, 0), position)
        ]
    query = (
        sa.select(Receipt.leaf, Appeal)
        .outerjoin(Appeal, Appeal.id == Receipt.appeal_id)
        .where(Receipt.number == root.number)
        .order_by(Receipt.leaf_index)
    )
    said = []
    for leaf, appeal in session.execute(query):
        leaves.append(b"a" + write_plain(leaf))
        received = f"{appeal.received_at.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"
        if (appeal.appeal_no, received) != (leaf["appeal_no"], leaf["received_at"]):
            said.append(f"appeal {leaf['appeal_no']}")
    whole = find_root([hash_leaf(one) for one in leaves]).hex()
    if (whole, len(leaves)) != (root.statement["root"], root.statement["size"]):
        said.append("entries")
    return said
