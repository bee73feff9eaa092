"""Signing in through the city's own identity provider (OpenID Connect, code flow with state, nonce and PKCE)."""

import logging
from typing import Any, cast

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, current_app, request, url_for
from flask import session as form_session
from flask.blueprints import BlueprintSetupState
from joserfc.errors import JoseError
from requests.exceptions import RequestException
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from gridgov.services.settings import ServiceSettings
from web.features.sign_in.views import Arrival, find_by_subject, open_session, show
from web.kit.permissions import public
from web.kit.resumed_forms import read_local

LOG = logging.getLogger("gridgov.web")
blueprint = Blueprint("provider", __name__, url_prefix="/sign-in/provider")
EXTENSION = "gridgov_provider"
NEXT = "provider_next"
TIMEOUT_S = 10


def make_provider(app: Flask, settings: ServiceSettings) -> Any:
    """Return the client of the provider; what the provider offers is asked for at the first sign-in."""
    oauth = OAuth(app)
    return oauth.register(
        "city",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "timeout": TIMEOUT_S,
        },
    )


@blueprint.record_once
def _register(state: BlueprintSetupState) -> None:
    settings = state.app.extensions["gridgov"].settings
    if settings.oidc_issuer:
        state.app.extensions[EXTENSION] = make_provider(state.app, settings)  # type: ignore[arg-type]  # a blueprint is set up by an application


def get_provider() -> Any:
    """Return the client; where no provider is set there is no such page."""
    found = current_app.extensions.get(EXTENSION)
    if found is None:
        raise NotFound
    return found


@blueprint.get("")
@public
def begin() -> BaseResponse:
    """Lead to the provider."""
    form_session[NEXT] = read_local(request.args.get("next", ""))
    try:
        answer = get_provider().authorize_redirect(url_for("provider.finish", _external=True))
    except (RequestException, AuthlibBaseError) as error:
        return fail(error)
    return cast("BaseResponse", answer)


@blueprint.get("/return")
@public
def finish() -> BaseResponse:
    """Take what the provider says and start a session of ours.

    The provider's word is checked by its signature, its audience and the nonce. Whose account it is says its subject,
    which never changes hands, and not a name or an address, which may.
    """
    try:
        token = get_provider().authorize_access_token()
    except (RequestException, AuthlibBaseError, JoseError) as error:
        return fail(error)
    subject = str((token.get("userinfo") or {}).get("sub", ""))
    account = find_by_subject(subject) if subject else None
    arrival = Arrival(next=form_session.pop(NEXT, ""), kept=None)
    if account is None:
        LOG.warning("no account for the provider's subject %r", subject)
        return show(arrival, problem="sign_in.no_account", status=403)
    form_session.clear()
    return open_session(account, arrival)


def fail(error: Exception) -> BaseResponse:
    """Say that the provider did not do it; the reason stands in the log."""
    LOG.warning("sign-in through the provider failed: %s", error)
    return show(
        Arrival(next=form_session.get(NEXT, ""), kept=None), problem="sign_in.provider", status=502
    )
