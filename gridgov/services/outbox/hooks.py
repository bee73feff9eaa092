"""Webhooks of other systems: where they listen, and what they were told once more.

Whoever runs the machine enters them, because a signed message goes to the address: no account of the service may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError, NotFoundError
from gridgov.services.outbox.deliver import EVERYTHING, WEBHOOK
from gridgov.storage.audit import log as audit
from gridgov.storage.models.city import Unit
from gridgov.storage.models.journal import Message, Webhook

TOPIC_LENGTH_MAX, URL_LENGTH_MAX = 32, 2_000


class HookError(GridgovError):
    """A webhook cannot be entered like this."""


@dataclass(frozen=True, kw_only=True)
class NewHook:
    """Where a system listens, and to what.

    Parameters
    ----------
    url
        http or https.
    topic
        Kind of event; ``*`` for all.
    unit_code
        Only what this unit is told; empty for every unit.
    """

    url: str
    topic: str = EVERYTHING
    unit_code: str = ""


def add_hook(session: Session, new: NewHook, *, now: datetime, origin: str) -> Webhook:
    """Return a webhook that listens from now on; the same one entered again is the one that is there.

    Raises
    ------
    HookError
        The address, the topic or the unit cannot be meant.
    """
    _check(session, new)
    facts = {"url": new.url, "topic": new.topic, "unit_code": new.unit_code}
    hook = session.scalars(sa.select(Webhook).filter_by(**facts).limit(1)).one_or_none()
    if hook is not None and hook.active:
        return hook
    if hook is None:
        hook = Webhook(**facts)
        session.add(hook)
    hook.active = True
    session.flush()
    _log(session, hook, "add_webhook", now=now, origin=origin, after={**facts, "active": True})
    return hook


def _check(session: Session, new: NewHook) -> None:
    try:
        parts = urlsplit(new.url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address, parts = False, urlsplit("")
    if not is_address or "@" in parts.netloc or len(new.url) > URL_LENGTH_MAX:
        raise HookError(
            "webhook: expected an http or https address without a name and password in it"
        )
    if not 1 <= len(new.topic) <= TOPIC_LENGTH_MAX:
        raise HookError(
            f"topic of {len(new.topic)} characters; expected 1 to {TOPIC_LENGTH_MAX}, or *"
        )
    known = sa.select(Unit.id).where(Unit.unit_code == new.unit_code).limit(1)
    if new.unit_code and session.scalar(known) is None:
        raise HookError(f"unit {new.unit_code!r} is none of the city's")


def list_hooks(session: Session) -> Sequence[Webhook]:
    """Return all webhooks, also those that were stopped, by number."""
    return session.scalars(sa.select(Webhook).order_by(Webhook.id)).all()


def stop_hook(session: Session, hook_id: int, *, now: datetime, origin: str) -> Webhook:
    """Return a webhook that is told nothing more; what waits for it still goes out.

    Raises
    ------
    NotFoundError
        There is none with this number.
    """
    hook = get_hook(session, hook_id)
    if hook.active:
        hook.active = False
        _log(session, hook, "stop_webhook", now=now, origin=origin, after={"active": False})
    return hook


def get_hook(session: Session, hook_id: int) -> Webhook:
    """Return a webhook by its number.

    Raises
    ------
    NotFoundError
        There is none.
    """
    hook = session.get(Webhook, hook_id)
    if hook is None:
        raise NotFoundError("webhook", str(hook_id))
    return hook


def replay(
    session: Session,
    hook_id: int,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    origin: str,
) -> int:
    """Make messages of a webhook due once more, and return how many.

    They go out in the order in which they were written, under the ids that they had: a receiver that has one drops it,
    one that has lost it takes it. What waits anyway is left as it is.

    Parameters
    ----------
    since, until
        Of the event, aware; the end is excluded.

    Raises
    ------
    NotFoundError
        There is no such webhook.
    HookError
        The span is empty.
    """
    hook = get_hook(session, hook_id)
    if since >= until:
        raise HookError(f"from {since.isoformat()} to {until.isoformat()} is no span")
    done = sa.or_(Message.delivered_at.is_not(None), Message.dead_at.is_not(None))
    again = (
        sa.update(Message)
        .where(
            Message.channel == WEBHOOK,
            Message.message_key.startswith(f"{WEBHOOK}:{hook.id} ", autoescape=True),
            Message.created_at >= since,
            Message.created_at < until,
            done,
        )
        .values(
            address=hook.url,
            delivered_at=None,
            dead_at=None,
            read_at=None,
            last_error=None,
            tries=0,
            not_before=now,
        )
        .execution_options(synchronize_session=False)
    )
    n = int(session.execute(again).rowcount)  # type: ignore[attr-defined]  # an update has one
    facts = {"since": since.isoformat(), "until": until.isoformat(), "messages": n}
    _log(session, hook, "replay_webhook", now=now, origin=origin, after=facts)
    return n


def _log(
    session: Session,
    hook: Webhook,
    action: str,
    *,
    now: datetime,
    origin: str,
    after: dict[str, object],
) -> None:
    audit.record(
        session,
        at=now,
        action=action,
        subject_kind="webhook",
        subject_no=str(hook.id),
        before=None,
        after=after,
        actor=None,
        origin=origin,
    )
