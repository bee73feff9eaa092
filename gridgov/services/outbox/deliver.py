"""The outbox: messages are rows written with the change, one per recipient, and delivered at least once.

A message in the app is delivered by being there. E-mails and webhooks are taken by a worker under a lease: on
PostgreSQL ``SKIP LOCKED`` gives two workers different rows, on SQLite there is one writer at a time, and what a killed
worker had taken is due again when its lease ends. So nothing is lost, and something is sent twice only where a worker
died between sending and saying so; the key of the message lets the receiver see that.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.errors import NotFoundError
from gridgov.rules.message_text import Language, MessageText
from gridgov.rules.notices import Mode, NoticeChoices, Way, find_kind
from gridgov.rules.orders.needs import Actor
from gridgov.rules.privacy import mask_text
from gridgov.services.outbox.channels import (
    TIMEOUT_S,
    DeliveryError,
    check_own_webhook,
    send_email,
    send_webhook,
)
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit import log as audit
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import Message, NoticeSetting, Webhook
from gridgov.storage.scope.apply import without_row_scope
from gridgov.storage.statements import insert_once

CHANNELS_KEY = "gridgov_channels"
MESSAGES = cast("sa.Table", Message.__table__)
APP, EMAIL, WEBHOOK = "app", "email", "webhook"
EVERYTHING = "*"
"""Topic of a webhook that hears of everything; an empty unit code hears of every unit."""

BATCH = 20
LEASE = timedelta(seconds=(BATCH + 1) * 2 * TIMEOUT_S)
"""How long a worker has what it took: longer than a whole batch can take, connecting and answering."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
"""Wait before the second try, doubled each time [A]."""
LONGEST_AHEAD = max(LEASE, LONGEST_WAIT) + timedelta(minutes=5)
"""Nothing is put off for longer; the rest is for clocks of machines that differ a little."""
LONGEST_KEY = 120


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What a round of delivery did: messages sent, put off, given up."""

    sent: int = 0
    put_off: int = 0
    dead: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(
            sent=self.sent + other.sent,
            put_off=self.put_off + other.put_off,
            dead=self.dead + other.dead,
        )


def find_channels(settings: ServiceSettings) -> frozenset[str]:
    """Return the channels that are set up; the app always is."""
    mail = {EMAIL} if settings.smtp_host else set()
    return frozenset({APP, *mail, *({WEBHOOK} if settings.webhook_secret else set())})


def open_channels(
    sessions: sessionmaker[Session], settings: ServiceSettings
) -> sessionmaker[Session]:
    """Return `sessions`, whose messages from now on also go by the channels that are set up.

    Without this only the app is written to: a row for a mail server that nobody has would wait for ever.
    """
    info = {**sessions.kw.get("info", {}), CHANNELS_KEY: find_channels(settings)}
    sessions.configure(info=info)
    return sessions


def notify(
    session: Session,
    *,
    at: datetime,
    topic: str,
    unit_codes: Iterable[str],
    say: Callable[[Language], MessageText],
    data: Mapping[str, Any],
    order_no: str | None = None,
    key: str,
    account_ids: Iterable[int] = (),
) -> None:
    """Write the messages of one event: to each account of the units, or to the unit itself where it has none.

    In the app always; by e-mail and webhook as each account has chosen (``gridgov.rules.notices``).

    Each account is told in its own language; units without accounts and other systems in Chinese.

    Parameters
    ----------
    at
        When it happened, aware.
    topic
        Kind of event, at most 32 characters, such as ``dispatched``.
    unit_codes
        Units that must know.
    say
        Writes the message for people in a language.
    data
        The same for the page and for other systems. No personal data.
    key
        Names the event: the same event to the same recipient is written once, however often this is called.
    account_ids
        Persons who must know whatever their unit.
    """
    units = tuple(dict.fromkeys(code for code in unit_codes if code))
    persons = tuple(dict.fromkeys(account_ids))
    if not units and not persons:
        return
    channels = session.info.get(CHANNELS_KEY, frozenset({APP}))
    shared = {
        "topic": topic,
        "order_no": order_no,
        "created_at": at,
        "not_before": at,
        "tries": 0,
    }
    said, event_key = cache(say), make_key("event", key)
    rows = [
        {
            "message_key": make_key(f"{one.channel}:{one.name}", key),
            "event_key": event_key,
            "channel": one.channel,
            "account_id": one.account_id,
            "unit_code": one.unit_code,
            "address": one.address,
            "subject": said(one.language).subject,
            "body": {"text": said(one.language).text, **data},
            "delivered_at": at if one.channel == APP else None,
            **shared,
        }
        for one in _find_recipients(session, units, persons, topic)
        if one.channel in channels
    ]
    if not rows:
        return
    once = insert_once(session, MESSAGES, unique=("message_key",))
    session.connection().execute(once, rows)


def make_key(recipient: str, event: str) -> str:
    """Return the key of an event for a recipient, at most 120 characters long."""
    text = f"{recipient}:{event}"
    if len(text) <= LONGEST_KEY:
        return text
    return f"{recipient[:50]}:{hashlib.sha256(text.encode()).hexdigest()}"


# Made once: they are asked with every change that somebody must hear of.
_ACCOUNTS = (
    sa.select(
        *(Account.id, Account.unit_code, Account.email, Account.language),
        *(NoticeSetting.chosen, NoticeSetting.webhook_url),
    )
    .outerjoin(NoticeSetting, NoticeSetting.account_id == Account.id)
    .where(
        sa.or_(
            Account.unit_code.in_(sa.bindparam("units", expanding=True)),
            Account.id.in_(sa.bindparam("persons", expanding=True)),
        ),
        Account.active,
    )
    .order_by(Account.id)
)
_WEBHOOKS = (
    sa.select(Webhook.id, Webhook.unit_code, Webhook.url)
    .where(
        Webhook.active,
        Webhook.unit_code.in_(sa.bindparam("units", expanding=True)),
        Webhook.topic.in_(sa.bindparam("topics", expanding=True)),
    )
    .order_by(Webhook.id)
)


class _Recipient(NamedTuple):
    """Who is told: by which channel, under which name in it, for which unit, in which language."""

    channel: str
    name: str
    unit_code: str
    language: Language = "zh"
    account_id: int | None = None
    address: str | None = None


def _find_recipients(
    session: Session, units: Sequence[str], persons: Sequence[int], topic: str
) -> Iterator[_Recipient]:
    """Yield everybody who must know, by every channel."""
    connection, kind = session.connection(), find_kind(topic)
    accounts = connection.execute(_ACCOUNTS, {"units": units, "persons": persons}).all()
    staffed = {row.unit_code for row in accounts}
    yield from (_Recipient(APP, f"unit {unit}", unit) for unit in units if unit not in staffed)
    for row in accounts:
        language: Language = "en" if row.language.startswith("en") else "zh"
        person = _Recipient(APP, str(row.id), row.unit_code, language, row.id)
        choices = NoticeChoices(chosen=row.chosen or {})
        yield person
        if row.email and choices.get(kind, Way.EMAIL) is Mode.NOW:
            yield person._replace(channel=EMAIL, address=row.email)
        if row.webhook_url and choices.get(kind, Way.WEBHOOK) is Mode.NOW:
            yield person._replace(channel=WEBHOOK, address=row.webhook_url)
    asked = {"units": (*units, ""), "topics": (topic, EVERYTHING)}
    for hook in connection.execute(_WEBHOOKS, asked):
        for unit in [hook.unit_code] if hook.unit_code else units:
            yield _Recipient(WEBHOOK, f"{hook.id} {unit}", unit, address=hook.url)


def deliver_due(
    sessions: sessionmaker[Session],
    settings: ServiceSettings,
    now: datetime,
    *,
    at_most: int = 1000,
) -> Delivered:
    """Send what is due, each message in a transaction of its own, and return what came of it.

    Parameters
    ----------
    sessions
        Make the worker's own sessions.
    settings
        Mail server, secret of webhooks, number of tries.
    now
        Aware; the time that sending takes is added to it.
    at_most
        Messages of one round: other jobs of the worker have their turn too.
    """
    started = time.monotonic()
    done = Delivered()
    for _ in range(0, at_most, BATCH):
        at = now + timedelta(seconds=time.monotonic() - started)
        taken, dead = _take(sessions, at, tries_max=settings.outbox_tries)
        done += Delivered(dead=dead)
        if not taken and not dead:
            break
        for message in taken:
            moment = now + timedelta(seconds=time.monotonic() - started)
            if (
                moment < at + LEASE / 2
            ):  # else a slow server has eaten the lease; due again at its end
                done += _deliver(sessions, settings, message, moment)
    return done


def _take(
    sessions: sessionmaker[Session], at: datetime, *, tries_max: int
) -> tuple[list[Message], int]:
    """Take up to a batch of what is due, so that nobody else takes it before the lease ends.

    Also returns how many were given up, because whoever took them last time never came back.
    """
    due = (
        sa.select(Message)
        .where(
            Message.delivered_at.is_(None),
            Message.dead_at.is_(None),
            # Nothing is put off for longer: what lies further ahead was written before the clock was set back.
            sa.or_(Message.not_before <= at, Message.not_before > at + LONGEST_AHEAD),
        )
        .order_by(Message.not_before, Message.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with transaction(sessions) as session:
        found = list(session.scalars(due))
        lost = [message for message in found if message.tries >= tries_max]
        taken = [message for message in found if message.tries < tries_max]
        for message in lost:
            message.dead_at = at
        for message in taken:
            # Counted before sending: a message that kills its worker must not be tried for ever.
            message.tries += 1
            message.not_before = at + LEASE
    return taken, len(lost)


def _deliver(
    sessions: sessionmaker[Session], settings: ServiceSettings, message: Message, at: datetime
) -> Delivered:
    """Send one message and write down how it went."""
    try:
        _send(message, settings, at)
    except DeliveryError as error:
        # Whatever went wrong is tried again: a refused address costs a few tries, a temporary refusal
        # taken for a final one would cost the message.
        return _put_off(sessions, message, at, error=str(error), tries_max=settings.outbox_tries)
    with transaction(sessions) as session:
        session.execute(
            sa.update(Message)
            .where(Message.id == message.id)
            .values(delivered_at=at, dead_at=None, last_error=None)
        )
    return Delivered(sent=1)


def _send(message: Message, settings: ServiceSettings, at: datetime) -> None:
    if message.channel not in find_channels(settings):
        names = {EMAIL: "GRIDGOV_SMTP_HOST", WEBHOOK: "GRIDGOV_WEBHOOK_SECRET"}
        raise DeliveryError(
            f"{message.channel}: {names.get(message.channel, 'its channel')} is not set here"
        )
    if message.channel == EMAIL:
        send_email(message, settings)
    elif message.channel == WEBHOOK:
        if message.account_id is not None:
            check_own_webhook(message.address or "", settings)
        send_webhook(message, settings, now=at)


def _put_off(
    sessions: sessionmaker[Session],
    message: Message,
    at: datetime,
    *,
    error: str,
    tries_max: int,
) -> Delivered:
    dead = message.tries >= tries_max
    wait = min(FIRST_WAIT * 2 ** min(message.tries - 1, 20), LONGEST_WAIT)
    with transaction(sessions) as session:
        session.execute(
            sa.update(Message)
            # Only if it is still ours: after the lease another worker may have had better luck.
            .where(
                Message.id == message.id,
                Message.tries == message.tries,
                Message.delivered_at.is_(None),
            )
            .values(
                last_error=mask_text(error)[:500],
                not_before=at + wait,
                dead_at=at if dead else None,
            )
        )
    return Delivered(dead=1) if dead else Delivered(put_off=1)


def find_dead(session: Session, *, at_most: int = 100) -> list[Message]:
    """Return messages that were given up and that nobody has put aside, the newest first."""
    dead = sa.select(Message).where(
        Message.dead_at.is_not(None), Message.delivered_at.is_(None), Message.read_at.is_(None)
    )
    return list(
        session.scalars(dead.order_by(Message.dead_at.desc(), Message.id.desc()).limit(at_most))
    )


def count_retried(session: Session) -> int:
    """Return how many messages wait for another try after one that failed."""
    waiting = sa.select(sa.func.count()).where(
        Message.delivered_at.is_(None), Message.dead_at.is_(None), Message.last_error.is_not(None)
    )
    return session.scalar(waiting) or 0


def revive(
    session: Session, message_id: int, *, at: datetime, actor: Actor | None = None
) -> Message:
    """Return a dead message, due again with all its tries; logged where somebody did it.

    Raises
    ------
    NotFoundError
        There is no dead message with this number.
    """
    message = _get_dead(session, message_id)
    with without_row_scope(session):
        _log(session, message, "revive_message", at=at, actor=actor)
        message.dead_at, message.read_at, message.tries, message.not_before = None, None, 0, at
    return message


def put_aside(session: Session, message_id: int, *, at: datetime, actor: Actor) -> Message:
    """Return a dead message that nobody need look at any more: it stays, undelivered, and leaves the list.

    Raises
    ------
    NotFoundError
        There is no dead message with this number.
    """
    message = _get_dead(session, message_id)
    with without_row_scope(session):
        _log(session, message, "put_aside_message", at=at, actor=actor)
        message.read_at = at
    return message


def _get_dead(session: Session, message_id: int) -> Message:
    # A statement, not session.get: what the account may not see is not there.
    asked = sa.select(Message).where(Message.id == message_id).with_for_update()
    message = session.scalars(asked).one_or_none()
    if message is None or message.dead_at is None:
        raise NotFoundError("dead message", str(message_id))
    return message


def _log(
    session: Session, message: Message, action: str, *, at: datetime, actor: Actor | None
) -> None:
    if actor is None:
        return
    audit.record(
        session,
        at=at,
        action=action,
        subject_kind="message",
        subject_no=str(message.id),
        before={"tries": message.tries, "last_error": message.last_error},
        after=None,
        actor=actor,
    )
