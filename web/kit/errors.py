"""Errors as pages: one table from class to status; each page says what happened, what is safe, what to do next."""

import logging
import secrets
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from geodata.errors import GeodataError
from gridgov.errors import (
    ConflictError,
    ForbiddenError,
    GridgovError,
    NotFoundError,
    UnknownEntryError,
)
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.plans import LifeError
from gridgov.services.city_runtime import NoCityError
from gridgov.services.intake.checks import IntakeError
from gridgov.services.kept_answers import KeyReusedError
from gridgov.storage.db import DatabaseError
from planner.errors import PlannerError
from web.kit.api.problems import TITLES, Fault, ProblemError, find_form, read_problems
from web.kit.api.tokens import TokenNeededError
from web.kit.limits import TooOftenError
from web.kit.page_scope import WindowError, get_unit_scope, get_window
from web.kit.service import close_reading

LOG = logging.getLogger("gridgov.web")


class SignInNeededError(GridgovError):
    """The page needs an account, and nobody is signed in or the session is over."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody is signed in, or the session is over. Sign in; what was typed is kept"
        )


class PasswordChangeNeededError(ForbiddenError):
    """Somebody else knows the account's password: it must be changed before anything else is done."""

    def __init__(self) -> None:
        super().__init__(
            "The password was set by somebody else. Change it under your account, then go on"
        )


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an error means to a browser: its status and the key of its words (``error.<key>.…``)."""

    status: int
    key: str


MEANINGS: tuple[tuple[type[Exception], Meaning], ...] = (
    (SignInNeededError, Meaning(status=401, key="sign_in")),
    (TokenNeededError, Meaning(status=401, key="sign_in")),
    (CSRFError, Meaning(status=400, key="old_form")),
    (ForbiddenError, Meaning(status=403, key="forbidden")),
    (NotFoundError, Meaning(status=404, key="not_found")),
    (UnknownEntryError, Meaning(status=404, key="not_found")),
    (ConflictError, Meaning(status=409, key="conflict")),
    (TooOftenError, Meaning(status=429, key="too_often")),
    (WindowError, Meaning(status=400, key="address")),
    (NoCityError, Meaning(status=503, key="no_city")),
    (DatabaseError, Meaning(status=503, key="database")),
    (sa.exc.OperationalError, Meaning(status=503, key="database")),
    # A value that no column can hold came from outside: from inside, types are checked.
    (sa.exc.DataError, Meaning(status=400, key="address")),
    (GridgovError, Meaning(status=422, key="refused")),
    (PlannerError, Meaning(status=422, key="refused")),
    (GeodataError, Meaning(status=422, key="refused")),
)
"""Class → meaning; the first that fits counts, so the special ones stand above the general."""

HTTP_KEYS = {
    400: "address",
    403: "forbidden",
    404: "not_found",
    405: "address",
    413: "too_large",
    415: "address",
    429: "too_often",
}
BROKEN = Meaning(status=500, key="broken")


def find_meaning(error: Exception) -> Meaning:
    """Return what an error means; an unknown one is a fault of the program."""
    if isinstance(error, ProblemError):
        return Meaning(status=error.status, key=error.key)
    for kind, meaning in MEANINGS:
        if isinstance(error, kind):
            return meaning
    if isinstance(error, HTTPException) and error.code is not None:
        return Meaning(status=error.code, key=HTTP_KEYS.get(error.code, "address"))
    return BROKEN


def set_up(app: Flask) -> None:
    """Let `app` answer every error by the table."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Return the page, fragment or JSON of an error."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return cast("Response", error.get_response())
    # The session may stand in a transaction that failed; the page of the error reads in a new one.
    close_reading()
    meaning = find_meaning(error)
    number = secrets.token_hex(4)
    if meaning.status >= 500:
        # The rule, not the address: whoever writes an address may write anything.
        LOG.error("error %s at %s %s", number, request.method, request.url_rule, exc_info=error)
    response = _render(error, meaning, number)
    if find_form() is None:
        response.status_code = meaning.status
    if isinstance(error, TooOftenError):
        response.headers["Retry-After"] = str(error.wait_s)
    if isinstance(error, TokenNeededError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="gridgov"'
    if isinstance(error, HTTPException):
        allowed = dict(error.get_headers()).get("Allow")
        if allowed:
            response.headers["Allow"] = allowed
    return response


def _render(error: Exception, meaning: Meaning, number: str) -> Response:
    # A fault of the program may name anything in its message: only its number is shown.
    detail = "" if meaning.status >= 500 and not isinstance(error, GridgovError) else _say(error)
    form = find_form()
    if form is not None:
        status, key = _find_program_meaning(error, meaning)
        return form(status, key, detail, _find_faults(error), number)
    facts = {"key": meaning.key, "status": meaning.status, "detail": detail, "number": number}
    if wants_json():
        return jsonify(error=meaning.key, message=detail or meaning.key, number=number)
    if request.headers.get("HX-Request"):
        response = make_response(render_template("errors/notice.html", **facts))
        # The page stays as it is, with all that was typed; the notice comes above it.
        response.headers.update({"HX-Retarget": "#notices", "HX-Reswap": "beforeend"})
        return response
    try:
        page = render_template("errors/page.html", framed=_has_frame(), **facts)
        return make_response(page)
    except Exception:
        # The page of an error may not fail for the reason that made the error (no database, no city).
        LOG.exception("the page of error %s failed", number)
        g.pop("visitor", None)
        return make_response(render_template("errors/bare.html", **facts))


REFUSALS = {"state": (409, "state"), "who": (403, "forbidden"), "permit": (403, "forbidden")}
"""Why the rules of orders and plans refuse a step → how a program is told; whatever is lacking is 422."""


def _find_program_meaning(error: Exception, meaning: Meaning) -> tuple[int, str]:
    """Return the status and key by which programs know an error; some are told more exactly than people need."""
    if isinstance(error, OrderActionError):
        return REFUSALS.get(error.refusal, (422, "refused"))
    if isinstance(error, LifeError):
        return REFUSALS.get(error.key, (422, "refused"))
    if isinstance(error, IntakeError):
        return meaning.status, "fields"
    if isinstance(error, KeyReusedError):
        return meaning.status, "key_reused"
    if isinstance(error, MethodNotAllowed):
        return meaning.status, "method"
    key = {"sign_in": "token", "old_form": "forbidden"}.get(meaning.key, meaning.key)
    return meaning.status, key if key in TITLES else "address"


def _find_faults(error: Exception) -> tuple[Fault, ...]:
    """Return the fields at fault, where an error knows them."""
    if isinstance(error, ProblemError):
        return error.faults
    if isinstance(error, IntakeError):
        return tuple(read_problems(error.problems))
    return ()


def _has_frame() -> bool:
    """Tell whether the frame around a page can be shown: somebody is there, and scope and window can be read."""
    if "scope" not in g:
        return False
    try:
        get_window()
        get_unit_scope()
    except GridgovError:
        return False
    return True


def wants_json() -> bool:
    """Tell whether the caller is a program."""
    return (
        request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    )


def _say(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return error.description or ""
    return str(error)
