"""Messages that could not be delivered: what, to whom, why; tried again or put aside by the administrator."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from gridgov.services.outbox.deliver import count_retried, find_dead, put_aside, revive
from gridgov.storage.models.journal import Message
from gridgov.storage.queries.areas import get_unit_names
from web.kit import limits
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, get_service, reading, writing

blueprint = Blueprint("outbox", __name__, url_prefix="/outbox")
SHOWN = 200


@blueprint.get("")
@permission(Permission.OUTBOX_KEEP)
def index() -> str:
    """Show what was given up."""
    session = reading()
    found = find_dead(session, at_most=SHOWN + 1)
    return render_template(
        "outbox/index.html",
        rows=found[:SHOWN],
        more=len(found) > SHOWN,
        retried=count_retried(session),
        names=get_unit_names(session),
    )


@blueprint.post("/<int:message_id>/again")
@permission(Permission.OUTBOX_KEEP)
@limits.limited(limits.CHANGES)
def try_again(message_id: int) -> BaseResponse:
    """Send a message again, with all its tries."""
    return _change(message_id, revive, gettext("outbox.revived"))


@blueprint.post("/again")
@permission(Permission.OUTBOX_KEEP)
@limits.limited(limits.CHANGES)
def try_all_again() -> BaseResponse:
    """Send all messages of the list again, as after a mail server that was away."""
    at, actor = get_service().get_now(), get_scope().actor
    with writing() as session:
        found = find_dead(session, at_most=SHOWN)
        for message in found:
            revive(session, message.id, at=at, actor=actor)
    flash(gettext("outbox.revived_all", n=len(found)), "success")
    return redirect(to("outbox.index"))


@blueprint.post("/<int:message_id>/aside")
@permission(Permission.OUTBOX_KEEP)
@limits.limited(limits.CHANGES)
def give_up(message_id: int) -> BaseResponse:
    """Put a message aside for good."""
    return _change(message_id, put_aside, gettext("outbox.put_aside"))


def _change(message_id: int, step: Callable[..., Message], words: str) -> BaseResponse:
    with writing() as session:
        step(session, message_id, at=get_service().get_now(), actor=get_scope().actor)
    flash(words, "success")
    return redirect(to("outbox.index"))
