"""The inbox of a person and of a unit, the bell that every page asks, and how somebody wants to be told."""

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import NotFoundError
from gridgov.rules.notices import Mode, NoticeKind, Way, list_modes
from gridgov.services.notices import choices as kept
from gridgov.services.notices import inbox
from gridgov.services.outbox.channels import list_webhook_hosts
from gridgov.services.outbox.deliver import find_channels
from gridgov.storage.models.accounts import Account
from web.features.inbox.page import make_row
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, get_service, reading, writing

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")
PAGE = 50
MOST_TOLD = 3
"""New messages that a page shows over its head; of more it says how many."""
BOXES = ("own", "unit")


@blueprint.get("")
@permission(Permission.OWN_ACCOUNT)
def index() -> str:
    """Show what waits for the visitor, or what the unit was told."""
    box, kind = request.args.get("box", "own"), request.args.get("kind", "")
    if box not in BOXES:
        raise NotFoundError("inbox", box)
    if kind and kind not in set(NoticeKind):
        raise NotFoundError("kind of message", kind)
    session, scope = reading(), get_scope()
    kinds = (NoticeKind(kind),) if kind else tuple(NoticeKind)
    facts: dict[str, Any] = {"box": box, "kind": kind, "kinds": tuple(NoticeKind)}
    if box == "unit":
        events = inbox.list_unit_events(session, scope, kinds=kinds)
        return render_template(
            "inbox/unit.html", rows=[(make_row(one.newest), one) for one in events], **facts
        )
    unread = request.args.get("unread") == "1"
    before = request.args.get("before", "")
    found = inbox.list_notices(
        session,
        scope,
        kinds=kinds,
        only_unread=unread,
        before_id=int(before) if before.isdecimal() and len(before) < 19 else None,
        at_most=PAGE + 1,
    )
    return render_template(
        "inbox/index.html",
        rows=[make_row(one) for one in found[:PAGE]],
        more=found[PAGE - 1].id if len(found) > PAGE else None,
        unread=unread,
        **facts,
    )


# --- the bell -------------------------------------------------------------------------------------


@blueprint.get("/bell")
@permission(Permission.OWN_ACCOUNT)
def bell() -> BaseResponse:
    """Tell an open page how many wait, and the newest of them."""
    return jsonify({"count": _count(), "newest": inbox.find_newest(reading(), get_scope())})


def _count() -> int:
    session, scope = reading(), get_scope()
    return inbox.count_unread(session, scope, kept.get_choices(session, scope).notices)


@blueprint.post("/shown")
@permission(Permission.OWN_ACCOUNT)
def shown() -> BaseResponse:
    """Put on record that an open page has what was new, and give it to the page."""
    scope = get_scope()
    with writing() as session:
        quiet = kept.get_choices(session, scope).notices.list_kinds(Way.APP, Mode.OFF)
        found = [make_row(one) for one in inbox.mark_shown(session, scope, at=_now())]
        loud = [row for row in found if row.kind not in quiet]
        new = [
            {
                "id": row.message.id,
                "subject": row.message.subject,
                "href": row.href,
                "kind": row.kind,
            }
            for row in loud[:MOST_TOLD]
        ]
    return jsonify({"count": _count(), "new": new, "more": max(len(loud) - MOST_TOLD, 0)})


@blueprint.post("/opened")
@permission(Permission.OWN_ACCOUNT)
def opened() -> BaseResponse:
    """Put on record that somebody opened messages, by their numbers or by the order whose page they opened."""
    numbers = [int(one) for one in request.form.getlist("id") if one.isdecimal() and len(one) < 19]
    order_no = request.form.get("order_no", "")
    if numbers or order_no:
        with writing() as session:
            inbox.mark_read(
                session,
                get_scope(),
                at=_now(),
                ids=numbers or None,
                order_no=order_no or None,
            )
    return jsonify({"count": _count()})


@blueprint.post("/read")
@permission(Permission.OWN_ACCOUNT)
def read_all() -> BaseResponse:
    """Mark everything as read."""
    with writing() as session:
        count = inbox.mark_read(session, get_scope(), at=_now())
    flash(gettext("inbox.all_read", n=count), "success")
    return redirect(to("inbox.index"))


def _now() -> Any:
    return get_service().get_now()


# --- choices --------------------------------------------------------------------------------------


@blueprint.get("/choices")
@permission(Permission.OWN_ACCOUNT)
def choices() -> str:
    """Show how the visitor is told."""
    return _show_choices()


def _show_choices(problem: str = "", detail: str = "") -> str:
    session, scope, settings = reading(), get_scope(), get_service().settings
    found = kept.get_choices(session, scope)
    account = session.get_one(Account, scope.account_id)
    return render_template(
        "inbox/choices.html",
        chosen=found,
        kinds=tuple(NoticeKind),
        ways=tuple(Way),
        modes={(kind, way): list_modes(kind, way) for kind in NoticeKind for way in Way},
        channels=find_channels(settings),
        email=account.email or "",
        hosts=sorted(list_webhook_hosts(settings)),
        hours=[(hour, f"{hour:02d}:00") for hour in kept.HOURS],
        problem=problem,
        detail=detail,
    )


@blueprint.post("/choices")
@permission(Permission.OWN_ACCOUNT)
def choose() -> BaseResponse | tuple[str, int]:
    """Keep what the visitor chose."""
    hour = request.form.get("digest_hour", "")
    chosen = {name: mode for name, mode in request.form.items() if ":" in name}
    try:
        with writing() as session:
            kept.put_choices(
                session,
                get_scope(),
                chosen,
                digest_hour=int(hour) if hour.isdecimal() and len(hour) < 3 else -1,
                webhook_url=request.form.get("webhook_url", "").strip(),
                settings=get_service().settings,
            )
    except kept.ChoiceError as error:
        return _show_choices(problem="inbox.not_kept", detail=str(error)), 422
    flash(gettext("inbox.kept"), "success")
    return redirect(to("inbox.choices"))
