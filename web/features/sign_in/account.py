"""One's own account: password, second factor, sessions."""

from datetime import UTC, datetime

import pyotp
import sqlalchemy as sa
from flask import Blueprint, g, redirect, render_template, request, url_for
from flask import session as form_session
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.services.accounts.manage import (
    AccountError,
    end_sessions,
    get_actor,
    lock_account,
    set_code_secret,
    set_password,
    verify_password,
)
from gridgov.services.accounts.sign_in import find_code_step, start_session
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account, AccountSession
from gridgov.storage.queries.orders import find_unit_names
from web.kit import limits
from web.kit.auth import set_cookie
from web.kit.permissions import Permission, permission
from web.kit.security import get_address
from web.kit.service import get_service

blueprint = Blueprint("account", __name__, url_prefix="/account")
SECRET = "new_totp_secret"  # noqa: S105 - a name, no secret


@blueprint.get("")
@permission(Permission.OWN_ACCOUNT)
def index() -> str:
    """Show the account."""
    return show()


def show(problem: str = "", done: str = "") -> str:
    """Return the page with what went wrong or was done."""
    now = datetime.now(UTC)
    with get_service().read_sessions() as session:
        account = session.get_one(Account, g.visitor.account_id)
        open_sessions = session.scalars(
            sa.select(AccountSession)
            .where(
                AccountSession.account_id == account.id,
                AccountSession.ended_at.is_(None),
                AccountSession.expires_at > now,
            )
            .order_by(AccountSession.seen_at.desc())
            .limit(20)
        ).all()
        names = find_unit_names(session, {account.unit_code})
    secret = form_session.get(SECRET, "")
    uri = ""
    if secret:
        uri = pyotp.TOTP(secret, name=account.login, issuer="gridgov").provisioning_uri()
    return render_template(
        "account/index.html",
        unit_name=names.get(account.unit_code, ""),
        account=account,
        sessions=open_sessions,
        secret=secret,
        uri=uri,
        problem=problem,
        done=done or request.args.get("done", ""),
        must_change=account.password_given,
    )


@blueprint.post("/password")
@permission(Permission.OWN_ACCOUNT)
@limits.limited(limits.SIGN_IN_BY_LOGIN)
def change_password() -> BaseResponse | tuple[str, int]:
    """Change the password; every other session ends."""
    if request.form.get("new_password") != request.form.get("again"):
        return show(problem="account.not_alike"), 422
    now = datetime.now(UTC)
    service = get_service()
    with transaction(service.sessions) as session:
        account = lock_account(session, g.visitor.account_id)
        if not verify_password(account.password_hash, request.form.get("password", "")):
            return show(problem="account.wrong_password"), 422
        try:
            set_password(
                session,
                account,
                request.form.get("new_password", ""),
                now=now,
                actor=get_actor(account),
            )
        except AccountError:
            return show(problem="account.weak"), 422
        token = _start_anew(session, account, now)
    response = redirect(url_for("account.index", done="account.password_changed"))
    return set_cookie(response, token, service.settings)  # type: ignore[arg-type]  # Flask redirects with its own Response


def _start_anew(session: Session, account: Account, now: datetime) -> str:
    settings = get_service().settings
    return start_session(session, account, settings=settings, now=now, address=get_address())


@blueprint.post("/code/begin")
@permission(Permission.OWN_ACCOUNT)
def begin_code() -> BaseResponse:
    """Make a secret for the second factor; it counts only once a code of it was shown."""
    form_session[SECRET] = pyotp.random_base32()
    return redirect(url_for("account.index") + "#code")


@blueprint.post("/code/confirm")
@permission(Permission.OWN_ACCOUNT)
@limits.limited(limits.SIGN_IN_BY_LOGIN)
def confirm_code() -> BaseResponse | tuple[str, int]:
    """Turn the second factor on."""
    secret, now = form_session.get(SECRET, ""), datetime.now(UTC)
    step = find_code_step(secret, request.form.get("code", ""), now=now)
    if step is None:
        return show(problem="sign_in.wrong_code"), 422
    with transaction(get_service().sessions) as session:
        account = lock_account(session, g.visitor.account_id)
        set_code_secret(session, account, secret, step=step, now=now)
    form_session.pop(SECRET)
    return redirect(url_for("account.index", done="account.code_on"))


@blueprint.post("/code/end")
@permission(Permission.OWN_ACCOUNT)
@limits.limited(limits.SIGN_IN_BY_LOGIN)
def end_code() -> BaseResponse | tuple[str, int]:
    """Turn the second factor off, for who knows the password."""
    with transaction(get_service().sessions) as session:
        account = lock_account(session, g.visitor.account_id)
        if not verify_password(account.password_hash, request.form.get("password", "")):
            return show(problem="account.wrong_password"), 422
        set_code_secret(session, account, None, step=None, now=datetime.now(UTC))
    return redirect(url_for("account.index", done="account.code_off"))


@blueprint.post("/sessions/end")
@permission(Permission.OWN_ACCOUNT)
def end_others() -> BaseResponse:
    """End every other session of the account."""
    now, service = datetime.now(UTC), get_service()
    with transaction(service.sessions) as session:
        account = session.get_one(Account, g.visitor.account_id)
        end_sessions(session, account, now=now)
        token = _start_anew(session, account, now)
    response = redirect(url_for("account.index", done="account.sessions_ended"))
    return set_cookie(response, token, service.settings)  # type: ignore[arg-type]  # Flask redirects with its own Response
