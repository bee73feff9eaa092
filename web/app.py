"""The application: settings and a database in, pages out."""

import secrets
from pathlib import Path

import jinja2
import sqlalchemy as sa
from flask import Flask, Response, request, send_file
from werkzeug.exceptions import NotFound

from gridgov.services.logs import set_up_logs
from gridgov.services.settings import ServiceSettings, SettingError
from gridgov.storage.db import check_schema, make_engine
from web.blueprints import add_features
from web.kit import access_log, auth, errors, i18n, page_helpers, security
from web.kit.assets import find_static
from web.kit.permissions import check_routes, public
from web.kit.service import EXTENSION, Service

SECRET_LENGTH_MIN = 32
KEPT_FOR_GOOD_S = 365 * 86_400
KEPT_S = 300
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def make_app(settings: ServiceSettings, *, engine: sa.Engine | None = None) -> Flask:
    """Return the application.

    Parameters
    ----------
    settings
        From the environment (``gridgov.services.settings.read_settings``).
    engine
        A database that is open already; else the one of the settings is opened.

    Raises
    ------
    SchemaError
        The database does not have the schema of this program.
    SettingError
        The secret key is too short.
    UnguardedRouteError
        A route does not say what it needs.
    """
    set_up_logs()
    app = Flask("web", static_folder=None, template_folder=None)
    app.jinja_loader = jinja2.FileSystemLoader(find_template_folders())
    app.secret_key = check_secret(settings.secret_key)
    app.jinja_env.undefined = jinja2.StrictUndefined
    database = check_schema(engine or make_engine(settings.database_url))
    app.extensions[EXTENSION] = Service(settings=settings, engine=database)
    security.set_up(app, settings)
    i18n.set_up(app)
    auth.set_up(app)
    errors.set_up(app)
    access_log.set_up(app)
    page_helpers.set_up(app)
    app.context_processor(page_helpers.make_page_facts)
    app.add_url_rule("/static/<path:path>", "static", send_static)
    add_features(app)
    return check_routes(app)


def find_template_folders() -> list[Path]:
    """Return the folder of what all pages share, then that of each feature."""
    root = Path(__file__).parent
    return [root / "templates", *sorted(root.glob("features/*/templates"))]


def check_secret(secret: str) -> str:
    """Return the secret that signs cookies, a new random one if none is set.

    Raises
    ------
    SettingError
        It is too short to be a secret.
    """
    if not secret:
        return secrets.token_hex(SECRET_LENGTH_MIN)
    if len(secret) < SECRET_LENGTH_MIN:
        raise SettingError(
            "GRIDGOV_SECRET_KEY", f"{len(secret)} characters", f"{SECRET_LENGTH_MIN} or more"
        )
    return secret


@public
def send_static(path: str) -> Response:
    """Send a file of ours, in its compressed form where there is one and the browser takes it."""
    file = find_static(path)
    if file is None or path.endswith(".gz"):
        raise NotFound
    packed = file.with_name(file.name + ".gz")
    use_packed = request.accept_encodings.quality("gzip") > 0 and packed.is_file()
    response = send_file(
        packed if use_packed else file,
        mimetype=TYPES.get(file.suffix),
        max_age=KEPT_FOR_GOOD_S if "v" in request.args else KEPT_S,
    )
    if use_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.cache_control.public = True
    response.cache_control.immutable = "v" in request.args
    return response
