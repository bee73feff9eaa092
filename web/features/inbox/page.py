"""What a message looks like in the inbox: who wants what until when, and where it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from gridgov.rules.notices import NoticeKind, find_kind
from gridgov.storage.models.journal import Message
from web.kit.auth import has_permission
from web.kit.links import to_order
from web.kit.page_helpers import to
from web.kit.permissions import Permission

ICONS: Mapping[NoticeKind, str] = {
    NoticeKind.WHISTLE: "speakerphone",
    NoticeKind.DEADLINE: "clock-exclamation",
    NoticeKind.DISPUTE: "flag",
    NoticeKind.MENTION: "user",
    NoticeKind.ORDER: "clipboard-list",
    NoticeKind.REPLY: "message-2",
    NoticeKind.TASK: "list-check",
    NoticeKind.REPORT: "report",
}


@dataclass(frozen=True, kw_only=True)
class NoticeRow:
    """A message as a row.

    Parameters
    ----------
    message
        The row of the outbox.
    kind, icon
        What it is about.
    text
        In full.
    by
        Until when, as the message says it; empty where it says nothing.
    href
        Where it is done; empty where the visitor has no such page.
    """

    message: Message
    kind: NoticeKind
    icon: str
    text: str
    by: str
    href: str


def make_row(message: Message) -> NoticeRow:
    """Return a message as a row."""
    kind, body = find_kind(message.topic), message.body
    return NoticeRow(
        message=message,
        kind=kind,
        icon=ICONS[kind],
        text=str(body.get("text", "")),
        by=str(body.get("by") or body.get("due") or "").replace("—", "")
        if kind is not NoticeKind.MENTION
        else "",
        href=find_place(message, kind),
    )


def find_place(message: Message, kind: NoticeKind) -> str:
    """Return the address at which a message is acted on, empty where the visitor has none."""
    body: Mapping[str, Any] = message.body
    call_no, plan_no = body.get("call_no"), body.get("plan_no")
    if call_no and has_permission(Permission.WHISTLES_READ):
        return to("whistles.show", call_no=call_no)
    if message.order_no:
        return to_order(message.order_no)
    if not has_permission(Permission.PLANNING_READ):
        return ""
    views = current_app.view_functions
    if plan_no and "planning.plan" in views:
        return to("planning.plan", plan_no=plan_no)
    if kind is NoticeKind.REPORT and "planning.reports" in views:
        return to("planning.reports")
    return ""
