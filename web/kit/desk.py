"""The city's pack behind the pages: read once per process and load, shared by all requests."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from gridgov.pack.city import find_settings_file
from gridgov.pack.read_settings import read_settings
from gridgov.pack.settings import Settings
from gridgov.rules.constants import Constants, make_constants
from gridgov.services.city_runtime import Desk, load_desk
from web.kit.service import get_service

EXTENSION = "gridgov_desk"


@dataclass(kw_only=True)
class _Kept:
    """What has been read, under the load of the city it belongs to."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    desk: Desk | None = None
    desk_of: int = 0
    settings: Settings | None = None
    settings_of: int = 0


def _get_kept() -> _Kept:
    # setdefault is atomic, so that two first requests share one.
    return cast("_Kept", current_app.extensions.setdefault(EXTENSION, _Kept()))


def get_desk() -> Desk:
    """Return the desk of the city in use; the first call reads the pack, which takes seconds.

    Raises
    ------
    GridgovError
        As ``gridgov.services.city_runtime.load_desk``.
    """
    service, kept = get_service(), _get_kept()
    pack_id = service.get_city().pack_id
    with kept.lock:
        if kept.desk is None or kept.desk_of != pack_id:
            with service.read_sessions() as session:
                kept.desk = load_desk(service.settings, session)
            kept.desk_of = pack_id
        return kept.desk


def get_constants() -> Constants:
    """Return the city's constants; the defaults where its pack is not at hand."""
    settings = _get_settings()
    return make_constants() if settings is None else settings.constants


def _get_settings() -> Settings | None:
    """Return what the pack's one settings file says; much quicker than the whole pack."""
    city, kept = get_service().get_city(), _get_kept()
    with kept.lock:
        if kept.settings_of != city.pack_id:
            known = city.path.exists()
            kept.settings = read_settings(find_settings_file(city.path))[0] if known else None
            kept.settings_of = city.pack_id
        return kept.settings
