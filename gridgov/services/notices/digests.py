"""The digest: once a day one e-mail of what somebody wants told together and has not read."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.rules.message_text import Language, make_text
from gridgov.rules.notices import Mode, NoticeChoices, Way
from gridgov.services.notices.inbox import is_of_kinds
from gridgov.services.outbox.deliver import APP, CHANNELS_KEY, EMAIL, make_key
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import Message, NoticeSetting
from gridgov.storage.statements import insert_once

MOST_LINES = 30
"""Lines of one e-mail; of more it says how many there are."""
LONGEST_BACK = timedelta(days=7)
"""After a longer stop nobody wants to read older ones by e-mail; they stand in the inbox [A]."""
DEFAULT_HOUR = 8


def send_digests(sessions: sessionmaker[Session], zone: ZoneInfo, *, now: datetime) -> int:
    """Write the digests that are due, each in a transaction of its own; return how many.

    Parameters
    ----------
    sessions
        The worker's own, with its channels.
    zone
        Of the city, in whose hours people choose.
    now
        Aware.
    """
    with sessions() as session:
        if EMAIL not in session.info.get(CHANNELS_KEY, frozenset()):
            return 0
        query = sa.select(Account.id).where(Account.active, Account.email.is_not(None))
        accounts = list(session.scalars(query.order_by(Account.id)))
    sent = 0
    for account_id in accounts:
        with transaction(sessions) as session:
            sent += _send_one(session, account_id, zone, now)
    return sent


def _send_one(session: Session, account_id: int, zone: ZoneInfo, now: datetime) -> bool:
    account = session.get_one(Account, account_id)
    row = session.get(NoticeSetting, account_id, with_for_update=True)
    local = now.astimezone(zone)
    due = datetime.combine(
        local.date(), time(DEFAULT_HOUR if row is None else row.digest_hour), tzinfo=zone
    )
    until = None if row is None else row.digested_at
    # What lies ahead was written before the clock was set back.
    if local < due or (until is not None and due <= until <= now):
        return False
    choices = NoticeChoices(chosen={} if row is None else row.chosen)
    since = max(until or now - timedelta(days=1), now - LONGEST_BACK)
    found = session.scalars(
        sa.select(Message)
        .where(
            Message.account_id == account_id,
            Message.channel == APP,
            Message.read_at.is_(None),
            Message.created_at > since,
            Message.created_at <= now,
            is_of_kinds(choices.list_kinds(Way.EMAIL, Mode.DIGEST)),
        )
        .order_by(Message.id)
    ).all()
    if row is None:
        row = NoticeSetting(account_id=account_id, chosen={}, digest_hour=DEFAULT_HOUR)
        session.add(row)
    row.digested_at = now
    if found:
        _write(session, account, found, day=f"{local:%Y-%m-%d}", now=now)
    return bool(found)


def _write(
    session: Session, account: Account, found: Sequence[Message], *, day: str, now: datetime
) -> None:
    language: Language = "en" if account.language.startswith("en") else "zh"
    lines = [f"· {one.subject}" for one in found[:MOST_LINES]]
    facts = {"n": len(found), "day": day, "lines": "\n".join(lines)}
    said = make_text("digest", facts, language)
    values = {
        "message_key": make_key(f"{EMAIL}:{account.id}", f"digest:{day}"),
        "event_key": make_key("event", f"digest:{account.id}:{day}"),
        "channel": EMAIL,
        "topic": "digest",
        "account_id": account.id,
        "unit_code": account.unit_code,
        "address": account.email,
        "subject": said.subject,
        "body": {"text": said.text, "n": len(found)},
        "order_no": None,
        "created_at": now,
        "not_before": now,
        "tries": 0,
    }
    table = sa.inspect(Message).local_table
    assert isinstance(table, sa.Table)  # noqa: S101 - a model's own table
    session.connection().execute(insert_once(session, table, unique=("message_key",)), [values])
