"""What every template has at hand: navigation, addresses that keep scope and window, icons, numbers, times."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext
from markupsafe import Markup, escape

from gridgov.services.city_runtime import CityFacts, NoCityError
from gridgov.services.notices.choices import get_choices
from gridgov.services.notices.inbox import count_unread
from web.kit.assets import get_static
from web.kit.auth import has_permission
from web.kit.i18n import find_language
from web.kit.page_scope import CARRIED, DAYS, Window, carry, get_unit_scope, get_window
from web.kit.permissions import Permission
from web.kit.service import get_scope, get_service, reading

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, kw_only=True)
class NavigationEntry:
    """A room in the left bar; its words are ``nav.<endpoint's blueprint>``."""

    endpoint: str
    icon: str
    permission: Permission

    @property
    def room(self) -> str:
        """Name of the blueprint."""
        return self.endpoint.partition(".")[0]


NAVIGATION = (
    NavigationEntry(endpoint="today.index", icon="dashboard", permission=Permission.TODAY_READ),
    NavigationEntry(
        endpoint="orders.index", icon="clipboard-list", permission=Permission.ORDERS_READ
    ),
    NavigationEntry(
        endpoint="whistles.index", icon="speakerphone", permission=Permission.WHISTLES_READ
    ),
    NavigationEntry(endpoint="field.index", icon="map-pin", permission=Permission.FIELD_READ),
    NavigationEntry(endpoint="maps.index", icon="map-2", permission=Permission.MAPS_READ),
    NavigationEntry(
        endpoint="planning.index", icon="building-community", permission=Permission.PLANNING_READ
    ),
    NavigationEntry(endpoint="rates.index", icon="scale", permission=Permission.RATES_READ),
)
"""The left bar, top to bottom. An entry shows where its room exists and the visitor may enter it."""


def set_up(app: Flask) -> None:
    """Give the templates of `app` their helpers."""
    app.jinja_env.globals.update(
        asset=asset,
        bell_count=count_notices,
        can=has_permission,
        current_endpoints=lambda: current_app.view_functions,
        find_city=find_city,
        here=here,
        icon=icon,
        navigation=list_rooms,
        to=to,
        unit_scope=get_unit_scope,
        window=get_window,
        windows=tuple(DAYS),
    )
    app.jinja_env.filters.update(
        day=format_day,
        moment=format_moment,
        number=format_number,
        share=format_share,
        span=format_span,
        xmlattr_dashed=write_attributes,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def list_rooms() -> list[NavigationEntry]:
    """Return the rooms that the visitor may enter."""
    return [
        entry
        for entry in NAVIGATION
        if entry.endpoint in current_app.view_functions and has_permission(entry.permission)
    ]


def count_notices() -> int:
    """Return how many messages wait for the visitor, as the bell counts them."""
    session, scope = reading(), get_scope()
    return count_unread(session, scope, get_choices(session, scope).notices)


def find_city() -> CityFacts | None:
    """Return the city in use, None before the first load."""
    try:
        return get_service().get_city()
    except NoCityError:
        return None


def find_zone() -> ZoneInfo:
    """Return the city's zone."""
    city = find_city()
    return DEFAULT_ZONE if city is None else city.zone


# --- addresses ----------------------------------------------------------------------------------------


def to(endpoint: str, **values: Any) -> str:
    """Return the address of a page that keeps scope, window and language; a value of None leaves one out."""
    kept = carry(request.args) | values
    return url_for(endpoint, **{name: value for name, value in kept.items() if value is not None})


def here(**changes: Any) -> str:
    """Return the address of this page with some arguments changed; None leaves one out.

    A change of anything but the page starts again on the first page.
    """
    args: dict[str, Any] = dict(request.args.lists())
    if "page" not in changes:
        args.pop("page", None)
    merged = {name: value for name, value in (args | changes).items() if value is not None}
    query = urlencode(merged, doseq=True)
    return request.path + (f"?{query}" if query else "")


@cache
def _find_version(file: Path, stamp: int) -> str:
    del stamp
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def asset(path: str) -> str:
    """Return the address of a static file; it changes with the content, so browsers keep it for good."""
    # Looked up once a request: a table may show the same icon in each of its rows.
    known: dict[str, str] = g.setdefault("assets", {})
    if path not in known:
        file = get_static(path)
        known[path] = url_for("static", path=path, v=_find_version(file, file.stat().st_mtime_ns))
    return known[path]


def icon(name: str, title: str = "") -> Markup:
    """Return an icon of the sprite; `title` says what it means where no word stands beside it."""
    address = escape(f"{asset('vendor/icons.svg')}#{name}")
    words = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return Markup(f'<svg class="icon" {words}><use href="{address}"></use></svg>')  # noqa: S704 - escaped above


def write_attributes(values: dict[str, Any]) -> Markup:
    """Return attributes of an element; ``data_private=true`` of a template becomes ``data-private``."""
    words = Markup()
    for name, value in values.items():
        if value is None or value is False:
            continue
        dashed = name.replace("_", "-")
        words += (
            Markup(" {}").format(dashed)
            if value is True
            else Markup(' {}="{}"').format(dashed, value)
        )
    return words


# --- numbers and times --------------------------------------------------------------------------------


def format_number(value: float | None, digits: int = 0) -> str:
    """Return a number with separated thousands, a dash where there is none."""
    return "–" if value is None or value != value else f"{value:,.{digits}f}"  # noqa: PLR0124 - NaN


def format_share(value: float | None, digits: int = 1) -> str:
    """Return a share (0–1) in percent, a dash where there is none."""
    return "–" if value is None or value != value else f"{value * 100:.{digits}f} %"  # noqa: PLR0124 - NaN


def format_moment(value: datetime | None, *, seconds: bool = False) -> Markup:
    """Return a time as ``11-21 14:05`` in the city's zone, with its year if it is not this one; full on hover."""
    if value is None:
        return Markup("–")
    local = value.astimezone(find_zone())
    this_year = get_service().get_now().astimezone(local.tzinfo).year
    form = ("%m-%d %H:%M" if local.year == this_year else "%Y-%m-%d %H:%M") + (":%S" * seconds)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="seconds"), f"{local:%Y-%m-%d %H:%M:%S %Z}", local.strftime(form)
    )


def format_day(value: date | datetime | None) -> str:
    """Return a day as ``2025-11-21``, in the city's zone."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        value = value.astimezone(find_zone()).date()
    return value.isoformat()


UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def format_span(value: timedelta | float | None) -> str:
    """Return a span of time (seconds, or a timedelta) in its two largest units, without sign."""
    if value is None:
        return "–"
    left = abs(value.total_seconds() if isinstance(value, timedelta) else float(value))
    words = []
    for name, size in UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(gettext(f"span.{name}", n=int(count)))
    return " ".join(words[:2]) or str(gettext("span.moment"))


def describe_window(chosen: Window) -> str:
    """Return how people read a window."""
    if chosen.key in DAYS:
        return str(gettext(f"window.{chosen.key}"))
    if len(chosen.key) == len("2025-11"):
        return chosen.key
    return f"{chosen.first_on} – {chosen.last_on}"


def make_page_facts() -> dict[str, Any]:
    """Return what every page of the frame shows, as template variables."""
    now = get_service().get_now().astimezone(find_zone())
    return {
        "visitor": g.get("visitor"),
        "now": now,
        "utc_now": now.astimezone(UTC),
        "language": find_language(),
        "theme": request.cookies.get("gridgov_theme", "auto"),
        "wall": request.args.get("mode") == "wall",
        "carried": carry(request.args),
        "carried_names": CARRIED,
        "describe_window": describe_window,
    }
