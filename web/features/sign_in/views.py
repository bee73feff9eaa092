"""Signing in: password, second factor, the city's own identity provider; and out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import (
    Blueprint,
    Flask,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import (
    session as form_session,
)
from flask.blueprints import BlueprintSetupState
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as BaseResponse

from gridgov.services.accounts.sign_in import (
    SignIn,
    SignInOutcome,
    end_session,
    start_session,
    try_code,
    try_password,
)
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from web.demo.accounts import list_demo_accounts
from web.kit import errors, limits
from web.kit.auth import READING, forget_cookie, set_cookie
from web.kit.permissions import Permission, permission, public
from web.kit.resumed_forms import KeptForm, keep_form, read_kept, read_local, write_kept
from web.kit.security import get_address
from web.kit.service import get_service

blueprint = Blueprint("sign_in", __name__)
PENDING = "second_factor"
PENDING_S = 300
"""How long after the password the code may come."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What the sign-in page carries: where it leads, and a form that came too late."""

    next: str
    kept: KeptForm | None

    @property
    def kept_text(self) -> str:
        """The form for a hidden field."""
        return "" if self.kept is None else write_kept(self.kept)


def read_arrival() -> Arrival:
    """Return what the address and the form say."""
    asked = request.form.get("next") or request.args.get("next") or ""
    return Arrival(next=read_local(asked), kept=read_kept(request.form.get("kept", "")))


@blueprint.get("/sign-in")
@public
def index() -> BaseResponse:
    """Show the page; who is signed in already goes on."""
    arrival = read_arrival()
    if g.visitor is not None:
        return redirect(arrival.next or "/")
    return show(arrival)


def show(arrival: Arrival, *, problem: str = "", status: int = 200, **facts: object) -> Response:
    """Return the sign-in page."""
    service = get_service()
    response = make_response(
        render_template(
            "sign_in/index.html",
            arrival=arrival,
            problem=problem,
            login=request.form.get("login", "") if request.endpoint == "sign_in.enter" else "",
            demo=list_demo_accounts() if service.settings.demo else [],
            has_provider=bool(service.settings.oidc_issuer),
            **facts,
        )
    )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/sign-in")
@public
def enter() -> BaseResponse:
    """Try login and password."""
    arrival, login = read_arrival(), request.form.get("login", "").strip()[:64]
    limits.check_limit(limits.SIGN_IN_BY_ADDRESS, get_address())
    limits.check_limit(limits.SIGN_IN_BY_LOGIN, login.lower())
    service, now = get_service(), datetime.now(UTC)
    with transaction(service.sessions) as session:
        tried = try_password(
            session,
            login,
            request.form.get("password", ""),
            settings=service.settings,
            now=now,
            address=get_address(),
        )
    return follow(tried, arrival)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@public
def second_factor() -> BaseResponse:
    """Try the code of the second factor."""
    arrival, service, now = read_arrival(), get_service(), datetime.now(UTC)
    pending = form_session.get(PENDING, {})
    if now.timestamp() - pending.get("at", 0) > PENDING_S:
        if request.method in READING:
            return redirect(url_for("sign_in.index"))
        return show(arrival, problem="sign_in.again", status=401)
    if request.method in READING:
        return make_response(render_template("sign_in/code.html", arrival=arrival, problem=""))
    limits.check_limit(limits.SIGN_IN_BY_LOGIN, f"code {pending['account']}")
    with transaction(service.sessions) as session:
        tried = try_code(
            session,
            pending["account"],
            request.form.get("code", ""),
            settings=service.settings,
            now=now,
            address=get_address(),
        )
    if tried.outcome is SignInOutcome.WRONG:
        page = render_template("sign_in/code.html", arrival=arrival, problem="sign_in.wrong_code")
        return make_response(page, 401)
    return follow(tried, arrival)


def follow(tried: SignIn, arrival: Arrival) -> BaseResponse:
    """Return the page that follows a try to sign in."""
    if tried.outcome is SignInOutcome.LOCKED:
        return show(arrival, problem="sign_in.locked", status=401, locked_until=tried.locked_until)
    if tried.outcome is SignInOutcome.WRONG or tried.account is None:
        return show(arrival, problem="sign_in.wrong", status=401)
    form_session.clear()
    if tried.outcome is SignInOutcome.CODE_NEEDED:
        form_session[PENDING] = {"account": tried.account.id, "at": datetime.now(UTC).timestamp()}
        return make_response(render_template("sign_in/code.html", arrival=arrival, problem=""))
    return open_session(tried.account, arrival)


def open_session(account: Account, arrival: Arrival) -> BaseResponse:
    """Start a session and lead to where the visitor wanted to go, with the form that came too late."""
    service = get_service()
    with transaction(service.sessions) as session:
        kept_account = session.get_one(Account, account.id)
        token = start_session(
            session,
            kept_account,
            settings=service.settings,
            now=datetime.now(UTC),
            address=get_address(),
        )
    if arrival.kept is None:
        return set_cookie(make_response(redirect(arrival.next or "/")), token, service.settings)
    page = render_template("sign_in/resume.html", form=arrival.kept, old_form=False)
    return set_cookie(make_response(page), token, service.settings)


@blueprint.post("/sign-out")
@permission(Permission.OWN_ACCOUNT)
def leave() -> BaseResponse:
    """End the session; the browser forgets what it kept for us."""
    with transaction(get_service().sessions) as session:
        end_session(session, g.visitor, now=datetime.now(UTC), address=get_address())
    form_session.clear()
    response = make_response(redirect(url_for("sign_in.index")))
    forget_cookie(response, get_service().settings)
    # Drafts of forms may name people; the next person at this desk must not find them.
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


# --- who comes too late ---------------------------------------------------------------------------------


@blueprint.record_once
def _register(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    app.register_error_handler(errors.SignInNeededError, ask_to_sign_in)
    app.register_error_handler(CSRFError, ask_again)
    app.register_error_handler(errors.PasswordChangeNeededError, ask_for_new_password)


def ask_to_sign_in(error: errors.SignInNeededError) -> BaseResponse:
    """Answer a request without an account: pages lead to sign-in and back, forms are kept, parts get a notice."""
    if request.headers.get("HX-Request") or errors.wants_json():
        return errors.answer(error)
    if request.method in READING:
        wanted = request.full_path.rstrip("?")
        lang = {"lang": request.args["lang"]} if "lang" in request.args else {}
        query = urlencode(({} if wanted == "/" else {"next": wanted}) | lang)
        return redirect(url_for("sign_in.index") + (f"?{query}" if query else ""))
    return show(Arrival(next="", kept=keep_form()), problem="sign_in.over", status=401)


def ask_for_new_password(error: errors.PasswordChangeNeededError) -> BaseResponse:
    """Lead to the account's page, where the password is changed; parts and programs get a notice."""
    if request.headers.get("HX-Request") or errors.wants_json():
        return errors.answer(error)
    return redirect(url_for("account.index"))


def ask_again(error: CSRFError) -> BaseResponse:
    """Offer a form anew whose proof is too old or missing; it is sent only if the person says so."""
    if request.headers.get("HX-Request") or errors.wants_json():
        return errors.answer(error)
    kept = keep_form()
    if request.blueprint == "sign_in":
        return show(read_arrival(), problem="sign_in.again", status=400)
    page = render_template("sign_in/resume.html", form=kept, old_form=True)
    return make_response(page, 400)


def find_by_subject(subject: str) -> Account | None:
    """Return the account that an identity provider's subject belongs to."""
    with get_service().read_sessions() as session:
        return session.scalar(
            sa.select(Account).where(Account.oidc_subject == subject, Account.active)
        )
