"""Headers of every answer: nothing runs or loads that is not ours; compressed texts; where requests come from."""

import gzip
import io
import ipaddress
import secrets
import socket
from functools import partial
from itertools import chain
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from gridgov.services.settings import ServiceSettings

UPLOAD_MAX = 20 * 1024 * 1024
"""Largest request; pages with larger uploads of their own raise it for themselves."""
FORM_MAX = 1024 * 1024
"""Largest form without its files: longer than any text that people type."""
COMPRESSED = ("text/", "application/json", "application/geo+json", "image/svg+xml")
SMALLEST = 1_400
"""Bytes below which compressing gains nothing: one packet."""
LONGEST_PADDING = 64

csrf = CSRFProtect()


def set_up(app: Flask, settings: ServiceSettings) -> None:
    """Give `app` its headers, its CSRF check and its limits of size."""
    app.config.update(
        MAX_CONTENT_LENGTH=UPLOAD_MAX,
        MAX_FORM_MEMORY_SIZE=FORM_MAX,
        MAX_FORM_PARTS=500,
        SESSION_COOKIE_NAME="__Host-gridgov_form" if settings.behind_https else "gridgov_form",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.behind_https,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the browser's session; a form may lie open for a day
        WTF_CSRF_CHECK_DEFAULT=False,  # checked in web.kit.auth, after the visitor is known
    )
    app.url_map.converters["int"] = SmallInteger
    csrf.init_app(app)
    app.jinja_env.globals["nonce"] = get_nonce
    if settings.behind_https:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]  # how Werkzeug says that it is put in front
    headers = make_headers(settings)
    app.before_request(partial(check_host, read_hosts(settings)))

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if "Content-Security-Policy" not in response.headers:
            response.headers["Content-Security-Policy"] = make_policy(settings, get_nonce())
        if "visitor" in g and request.endpoint != "static":
            # Pages of an account are kept nowhere: not by a proxy, not behind the "back" button after signing out.
            response.headers.setdefault("Cache-Control", "no-store")
        return compress(response)


def get_nonce() -> str:
    """Return the random word of this answer that scripts of ours carry."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return cast("str", g.nonce)


def make_policy(settings: ServiceSettings, nonce: str) -> str:
    """Return the content security policy: this host alone, plus the tiles of a base map where one is set."""
    tiles = ""
    if settings.base_map_url:
        parts = urlsplit(settings.base_map_url)
        host = parts.netloc.replace("{s}", "*")
        tiles = f" {parts.scheme}://{host}" if parts.netloc else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            f"img-src 'self' data: blob:{tiles}",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def make_headers(settings: ServiceSettings) -> dict[str, str]:
    """Return the headers that are the same on every answer."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=()",
    }
    if settings.behind_https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def check_size() -> None:
    """Refuse a form that is too large before it is read; Werkzeug limits only the other kind of forms (multipart).

    Raises
    ------
    RequestEntityTooLarge
        It is larger than :data:`FORM_MAX`.
    """
    is_plain = request.mimetype == "application/x-www-form-urlencoded"
    if is_plain and (request.content_length or 0) > FORM_MAX:
        raise RequestEntityTooLarge


class SmallInteger(IntegerConverter):
    """A number in an address that a column can hold; a larger one is the number of nothing."""

    def __init__(self, map: Map) -> None:  # noqa: A002 - Werkzeug's name
        super().__init__(map, max=2**63 - 1)


def check_signs() -> None:
    """Refuse an address or a form with NUL, which no text has and no column of PostgreSQL takes.

    Raises
    ------
    BadRequest
        There is one.
    """
    values = (*request.view_args.values(), *chain(*request.args.items(multi=True)))  # type: ignore[union-attr]  # a view was found
    fields = chain(*request.form.items(multi=True)) if request.form else ()
    names = (file.filename or "" for file in request.files.values()) if request.files else ()
    if any("\0" in str(one) for one in (*values, *fields, *names)):
        raise BadRequest("the address or the form holds a NUL")


def read_hosts(settings: ServiceSettings) -> frozenset[str]:
    """Return the names under which the service may be asked for, in small letters."""
    given = (one.strip().lower() for one in settings.hosts.split(","))
    return frozenset(one for one in given if one) or frozenset(
        {"localhost", socket.gethostname().lower(), socket.getfqdn().lower()}
    )


def check_host(hosts: frozenset[str]) -> None:
    """Refuse a request under a name that is not ours: links in pages and answers to others would carry it.

    Addresses made of numbers are nobody's name and always allowed.

    Raises
    ------
    BadRequest
        The name is another.
    """
    try:
        name = (urlsplit(f"//{request.host}").hostname or "").lower().rstrip(".")
    except ValueError:
        name = ""
    if name in hosts or is_number(name):
        return
    raise BadRequest(f"this service has another name than {name!r}; set GRIDGOV_HOSTS")


def is_number(name: str) -> bool:
    """Tell whether a host is an IP address.

    Examples
    --------
    >>> is_number("::1"), is_number("localhost")
    (True, False)
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_foreign() -> bool:
    """Tell whether another site made the browser send this request."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in {"cross-site", "same-site"}


def get_address() -> str:
    """Return where the request comes from."""
    return request.remote_addr or "unknown"


def compress(response: Response) -> Response:
    """Compress a text for a browser that takes it.

    The gzip header gets a name of random length, so that the length of a page does not tell what a secret in it
    shares with a text put there by somebody else (BREACH; the remedy is Palacios et al. 2022, "Heal the Breach").
    """
    if (
        response.direct_passthrough
        or response.is_streamed
        or response.status_code in {204, 206, 304}
        or "Content-Encoding" in response.headers
        or not request.accept_encodings.quality("gzip")
        or not (response.mimetype or "").startswith(COMPRESSED)
        or (response.content_length or 0) < SMALLEST
    ):
        return response
    packed = io.BytesIO()
    name = "x" * secrets.randbelow(LONGEST_PADDING)
    with gzip.GzipFile(name, "wb", compresslevel=5, fileobj=packed, mtime=0) as stream:
        stream.write(response.get_data())
    response.set_data(packed.getvalue())
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response
