"""Accounts: locks lifted, lost second factors reset, accounts closed; and the security events, newest first."""

from datetime import UTC, datetime
from typing import Protocol

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from gridgov.rules.orders.needs import Actor
from gridgov.services.accounts.access import SECURITY_KINDS, list_events
from gridgov.services.accounts.manage import (
    AccountError,
    disable_account,
    enable_account,
    get_account,
    list_accounts,
    reset_code,
)
from gridgov.storage.models.accounts import Account
from gridgov.storage.queries.areas import get_unit_names
from web.kit import limits
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_scope, reading, writing

blueprint = Blueprint("accounts", __name__, url_prefix="/accounts")
SHOWN = 200


class Step(Protocol):
    """What an administrator does to an account."""

    def __call__(
        self, session: Session, account: Account, *, now: datetime, actor: Actor | None
    ) -> None:
        """Do it and put it on record."""


STEPS: dict[str, Step] = {
    "reset_code": reset_code,
    "enable": enable_account,
    "disable": disable_account,
}
"""Step → what does it; the words of each are ``accounts.done.<step>``."""


@blueprint.get("")
@permission(Permission.ACCOUNTS_KEEP)
def index() -> str:
    """Show every account and how it stands."""
    session, now = reading(), datetime.now(UTC)
    return render_template(
        "accounts/index.html",
        accounts=list_accounts(session),
        names=get_unit_names(session),
        now=now,
    )


@blueprint.post("/<login>/<step>")
@permission(Permission.ACCOUNTS_KEEP)
@limits.limited(limits.CHANGES)
def take_step(login: str, step: str) -> BaseResponse:
    """Do something to an account."""
    take = STEPS.get(step)
    if take is None:
        raise NotFound
    try:
        with writing() as session:
            account = get_account(session, login)
            take(session, account, now=datetime.now(UTC), actor=get_scope().actor)
    except AccountError:
        flash(gettext("accounts.refused"), "danger")
    else:
        flash(gettext(f"accounts.done.{step}", login=account.login), "success")
    return redirect(to("accounts.index"))


@blueprint.get("/events")
@permission(Permission.SECURITY_READ)
def events() -> str:
    """Show who signed in, who looked at a person, who took a file away."""
    session = reading()
    kind = request.args.get("kind", "")
    subject = request.args.get("subject", "").strip()[:80]
    people = {one.person_key: one.name for one in list_accounts(session)}
    return render_template(
        "accounts/events.html",
        rows=list_events(session, kind=kind, subject_no=subject, limit=SHOWN),
        people=people,
        kinds=SECURITY_KINDS,
        kind=kind if kind in SECURITY_KINDS else "",
        subject=subject,
    )
