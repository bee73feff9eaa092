"""Who is there and whether they may: asked before every view, by the permission that its route states."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from flask import Flask, Response, current_app, g, request

from gridgov.errors import ForbiddenError
from gridgov.rules.orders.needs import Actor
from gridgov.services.accounts.sign_in import (
    SEEN_EVERY,
    SignInOutcome,
    Visitor,
    find_visitor,
    touch_session,
    try_code,
    try_password,
)
from gridgov.services.settings import ServiceSettings
from gridgov.storage.db import transaction
from gridgov.storage.scope.apply import Scope, make_scope
from web.kit import limits
from web.kit.api.problems import find_form
from web.kit.api.tokens import (
    TokenCache,
    TokenMark,
    TokenNeededError,
    check_scope,
    find_mark,
    read_token,
)
from web.kit.errors import PasswordChangeNeededError, SignInNeededError
from web.kit.permissions import Permission, find_permission, is_granted
from web.kit.security import check_signs, check_size, csrf, get_address, is_foreign
from web.kit.service import Service, close_reading, get_service

COOKIE = "gridgov_session"
BEFORE_THE_CHANGE = ("account.", "sign_in.leave", "home.choose_language", "home.choose_theme")
"""Endpoints that are open to who must first change a password that somebody else knows."""
PASSIVE = frozenset({"inbox.bell", "inbox.shown", "orders.stream", "whistles.reach"})
"""Endpoints that an open page asks by itself: nobody sits there because of it, so the session's idle time runs on."""
SCOPE_KEPT_S = 30.0
"""How long the units below an account's unit are kept; its role and unit themselves are read at every request."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(kw_only=True)
class ScopeCache:
    """Scopes by account, so that not every request asks for the whole tree of units."""

    kept: dict[tuple[int, str, str], tuple[float, Scope]] = field(default_factory=dict)

    def get(self, service: Service, visitor: Visitor) -> Scope:
        """Return the scope of a visitor."""
        key = (visitor.account_id, visitor.role, visitor.unit_code)
        until, scope = self.kept.get(key, (0.0, None))
        if scope is None or until < time.monotonic():
            with service.read_sessions() as session:
                scope = make_scope(
                    session,
                    account_id=visitor.account_id,
                    person_key=visitor.person_key,
                    role=visitor.role,
                    unit_code=visitor.unit_code,
                )
            self.kept[key] = (time.monotonic() + SCOPE_KEPT_S, scope)
        return replace(scope, origin=get_address())


def set_up(app: Flask) -> None:
    """Let `app` ask before every view."""
    app.extensions["gridgov_scopes"] = ScopeCache()
    app.extensions["gridgov_tokens"] = TokenCache()
    app.before_request(guard)
    app.after_request(tell_rate)
    app.teardown_request(close_reading)


def guard() -> None:
    """Find out who is there and whether they may.

    Raises
    ------
    SignInNeededError
        The view needs an account and nobody is signed in.
    ForbiddenError
        The account's role does not have the permission, or another site sent the request.
    TooOftenError
        Too many changes in a minute.
    PasswordChangeNeededError
        Somebody else knows the account's password.
    BadRequest
        The address or the form holds a sign that no text has.
    """
    if request.endpoint == "static":
        return
    view = current_app.view_functions.get(request.endpoint or "")
    token_mark = find_mark(view)
    if token_mark is not None:
        _guard_program(token_mark)
        return
    # Below the roots of programs no cookie is looked at, whether the view is there or not.
    g.visitor = None if find_form() is not None else identify(get_service())
    if view is None:
        # No such page; who is signed in reads so within the frame.
        if g.visitor is not None:
            g.scope = get_scope_of(g.visitor)
        return
    needed = find_permission(view)
    check_size()
    check_signs()
    if needed is not None:
        g.scope = _check_permission(needed)
        if g.visitor.password_given and not str(request.endpoint).startswith(BEFORE_THE_CHANGE):
            raise PasswordChangeNeededError
    if request.method not in READING:
        _check_change()


def _guard_program(mark: TokenMark) -> None:
    """Find out by its token who calls, whether they may, and whether not too often.

    Raises
    ------
    TokenNeededError, ForbiddenError, TooOftenError, BadRequest
        As the page's guard, by token.
    """
    g.visitor = None
    view = current_app.view_functions[str(request.endpoint)]
    needed = find_permission(view)
    token = read_token(mark)
    if not token and mark.cookie_reads and request.method in READING:
        g.visitor = identify(get_service())
    elif token or needed is not None:
        admit(token)
    check_size()
    check_signs()
    if needed is not None:
        if g.visitor is None or g.visitor.password_given:
            raise TokenNeededError
        g.scope = _check_permission(needed)
        if g.get("holder") is not None:
            check_scope(g.holder, mark.scope)
    if request.method not in READING and is_foreign():
        raise ForbiddenError("another site sent this request; nothing was changed")


def admit(token: str) -> None:
    """Take the holder of a token as the visitor of this request; a call of theirs is counted.

    Raises
    ------
    TokenNeededError
        It does not hold.
    TooOftenError
        Too many calls in this minute.
    """
    cache: TokenCache = current_app.extensions["gridgov_tokens"]
    holder = cache.find(get_service(), token)
    g.holder, g.visitor = holder, holder.visitor
    cache.count(holder)


def tell_rate(response: Response) -> Response:
    """Tell a program how many calls it has left."""
    for name, value in g.get("rate_headers", {}).items():
        response.headers[name] = value
    return response


def _check_permission(needed: Permission) -> Scope:
    visitor = g.visitor
    if visitor is None:
        raise SignInNeededError
    if not is_granted(visitor.role, needed):
        raise ForbiddenError(
            f"role {visitor.role} does not have the permission {needed}, which this page needs"
        )
    return get_scope_of(visitor)


def get_scope_of(visitor: Visitor) -> Scope:
    """Return what a visitor may see."""
    cache: ScopeCache = current_app.extensions["gridgov_scopes"]
    return cache.get(get_service(), visitor)


def _check_change() -> None:
    if is_foreign():
        raise ForbiddenError("another site sent this request; nothing was changed")
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    if g.visitor is not None:
        limits.check_limit(limits.CHANGES, str(g.visitor.account_id))


def sign_second(login: str, password: str, code: str) -> Actor | None:
    """Return the second person, who signs beside the first; None where their sign-in does not fit or is locked.

    Wrong tries are counted as at signing in, in a transaction of their own.
    """
    settings, now = get_service().settings, datetime.now(UTC)
    with transaction(get_service().sessions) as session:
        address = get_address()
        tried = try_password(session, login, password, settings=settings, now=now, address=address)
        if tried.outcome is SignInOutcome.CODE_NEEDED and tried.account is not None:
            account_id = tried.account.id
            tried = try_code(session, account_id, code, settings=settings, now=now, address=address)
        account = tried.account if tried.outcome is SignInOutcome.DONE else None
        if account is None or account.password_given:
            return None  # Whoever gave the password could sign in their place.
        return Actor(person_key=account.person_key, role=account.role, unit_code=account.unit_code)


def identify(service: Service) -> Visitor | None:
    """Return who is signed in by the cookie of this request."""
    token = request.cookies.get(get_cookie_name(service.settings), "")
    if not token:
        return None
    now = datetime.now(UTC)
    with service.read_sessions() as session:
        visitor = find_visitor(session, token, settings=service.settings, now=now)
    passive = request.endpoint in PASSIVE
    if visitor is not None and not passive and now - visitor.seen_at > SEEN_EVERY:
        with transaction(service.sessions) as session:
            touch_session(session, visitor, now=now)
    return visitor


def get_cookie_name(settings: ServiceSettings) -> str:
    """Return the name of the session's cookie.

    Under HTTPS a browser takes a ``__Host-`` cookie from this host alone: no neighbouring name of the same domain, and
    nobody on an unencrypted line, can put one in its place (RFC 6265bis, section 4.1.3.2).
    """
    return f"__Host-{COOKIE}" if settings.behind_https else COOKIE


def forget_cookie(response: Response, settings: ServiceSettings) -> Response:
    """Take the session's token from the browser."""
    name = get_cookie_name(settings)
    response.delete_cookie(name, secure=settings.behind_https, httponly=True, samesite="Lax")
    return response


def set_cookie(response: Response, token: str, settings: ServiceSettings) -> Response:
    """Give the browser the token of a session."""
    response.set_cookie(
        get_cookie_name(settings),
        token,
        max_age=settings.session_hours * 3600,
        secure=settings.behind_https,
        httponly=True,
        samesite="Lax",
    )
    return response


def has_permission(name: str) -> bool:
    """Tell whether the visitor of this request has a permission; for templates."""
    visitor = g.get("visitor")
    return visitor is not None and is_granted(visitor.role, Permission(name))
