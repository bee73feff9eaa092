"""How a message leaves: e-mail by SMTP, signed webhook by HTTP. One try each; the outbox decides about the next."""

import hashlib
import hmac
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from gridgov.errors import GridgovError
from gridgov.services.settings import ServiceSettings
from gridgov.storage.models.journal import Message

TIMEOUT_S = 10.0
"""How long one try may take to connect, and to answer."""

SIGNATURE_HEADER = "X-Gridgov-Signature"
TIMESTAMP_HEADER = "X-Gridgov-Timestamp"
ID_HEADER = "X-Gridgov-Message-Id"


class DeliveryError(GridgovError):
    """One try to deliver failed; the message stays in the outbox."""


def send_email(message: Message, settings: ServiceSettings) -> None:
    """Hand a message to the mail server.

    Its ``Message-ID`` comes from the message's key: a second delivery of the same message can be known as such.

    Raises
    ------
    DeliveryError
        The server is away, refuses, or asks for what is not set.
    """
    letter = make_email(message, settings)
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S) as server:
            if settings.smtp_tls:
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(letter)
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(
            f"mail server {settings.smtp_host}:{settings.smtp_port}: {error}"
        ) from error


def make_email(message: Message, settings: ServiceSettings) -> EmailMessage:
    """Return a message as an e-mail: its text, and the order's number below it."""
    letter = EmailMessage()
    letter["From"] = settings.mail_from
    letter["To"] = _flatten(message.address or "")
    letter["Subject"] = _flatten(message.subject)
    letter["Date"] = format_datetime(message.created_at)
    domain = settings.mail_from.partition("@")[2] or "localhost"
    name = hashlib.sha256(message.message_key.encode()).hexdigest()[:32]
    letter["Message-ID"] = f"<{name}@{domain}>"
    text = str(message.body.get("text", message.subject))
    letter.set_content(f"{text}\n\n{message.order_no}\n" if message.order_no else f"{text}\n")
    return letter


def _flatten(text: str) -> str:
    """Return text on one line: a line break in a header would begin another header."""
    return " ".join(text.split())


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nobody: a signed message goes to the address that was entered and to no other."""

    def redirect_request(self, *_arguments: Any, **_more: Any) -> None:
        """Return nothing, so that the redirection is an error."""


def send_webhook(message: Message, settings: ServiceSettings, *, now: datetime) -> None:
    """Post a message to another system, signed.

    The signature is HMAC-SHA256 of ``timestamp "." body`` with ``GRIDGOV_WEBHOOK_SECRET``, as hexadecimal digits; the
    timestamp is in seconds since 1970. Who receives it recomputes the signature, refuses old timestamps, and drops a
    message id seen before.

    Raises
    ------
    DeliveryError
        The address is none, nobody answers, or the answer is not 2xx.
    """
    url = message.address or ""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise DeliveryError(f"webhook {url!r}: expected an http or https address")
    body = make_webhook_body(message)
    stamp = str(int(now.timestamp()))
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url,
        data=body,
        method="POST",
        headers={
            "Content-Type": "application/json; charset=utf-8",
            TIMESTAMP_HEADER: stamp,
            SIGNATURE_HEADER: sign(body, stamp, settings.webhook_secret),
            ID_HEADER: message.message_key,
        },
    )
    try:
        with urllib.request.build_opener(_StayHere).open(request, timeout=TIMEOUT_S) as answer:
            answer.read(1024)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise DeliveryError(f"webhook {url}: {error}") from error


def list_webhook_hosts(settings: ServiceSettings) -> frozenset[str]:
    """Return the hosts to which accounts may have their own messages sent, in small letters."""
    return frozenset(
        one.strip().lower() for one in settings.webhook_hosts.split(",") if one.strip()
    )


def check_own_webhook(url: str, settings: ServiceSettings) -> str:
    """Return an address that somebody chose for themselves if the service may post to it.

    Whoever runs the service names the hosts: with any address, an account could make the service knock on doors inside
    its own network.

    Raises
    ------
    DeliveryError
        It is no http or https address, carries a name and password, or leads to another host.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        parts, host = urlsplit(""), ""
    hosts = list_webhook_hosts(settings)
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or host not in hosts:
        allowed = ", ".join(sorted(hosts)) or "none (GRIDGOV_WEBHOOK_HOSTS is empty)"
        raise DeliveryError(f"webhook host {host!r}: expected one of {allowed}")
    return url


def make_webhook_body(message: Message) -> bytes:
    """Return what a webhook posts."""
    facts = {
        "message_id": message.message_key,
        "topic": message.topic,
        "unit_code": message.unit_code,
        "order_no": message.order_no,
        "subject": message.subject,
        "body": message.body,
        "created_at": message.created_at.isoformat(),
    }
    return json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()


def sign(body: bytes, stamp: str, secret: str) -> str:
    """Return the signature of a webhook.

    Examples
    --------
    >>> sign(b"{}", "0", "secret")[:8]
    '4bbe8d39'
    """
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
