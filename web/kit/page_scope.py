"""Where a page looks: unit scope and window of time. Both stand in the address and on the page, always."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import g, request
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError, NotFoundError
from gridgov.storage.models.city import Unit
from gridgov.storage.scope.apply import Scope
from web.kit.service import get_scope, get_service, reading

CARRIED = ("unit", "window", "lang", "mode")
"""Arguments that every link of a page keeps."""
DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365}
DEFAULT_WINDOW = "30d"
SPAN_MAX = timedelta(days=3 * 366)


class WindowError(GridgovError):
    """The address asks for a window of time that cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"window {text!r}: expected one of {', '.join(DAYS)}, a month like 2025-11, "
            "or days like 2025-11-01..2025-11-21 (at most three years, first before last)"
        )


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window of time.

    Parameters
    ----------
    key
        As it stands in the address.
    start, end
        Begin, included, and end, excluded; aware, in the city's zone.
    """

    key: str
    start: datetime
    end: datetime

    @property
    def first_on(self) -> date:
        """First day."""
        return self.start.date()

    @property
    def last_on(self) -> date:
        """Last day, included."""
        return (self.end - timedelta(microseconds=1)).date()

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last_on - self.first_on).days + 1

    def shift_back(self, *, days: int | None = None) -> "Window":
        """Return the window before this one, or the one `days` earlier."""
        back = timedelta(days=self.days if days is None else days)
        return make_days(self.first_on - back, self.last_on - back, zone=_zone(self.start))


def _zone(moment: datetime) -> ZoneInfo:
    assert isinstance(moment.tzinfo, ZoneInfo)  # noqa: S101 - windows are made here only
    return moment.tzinfo


def make_days(first: date, last: date, *, zone: ZoneInfo, key: str = "") -> Window:
    """Return the window of whole days."""
    start = datetime.combine(first, time(), tzinfo=zone)
    end = datetime.combine(last + timedelta(days=1), time(), tzinfo=zone)
    return Window(key=key or f"{first}..{last}", start=start, end=end)


def make_window(key: str, *, now: datetime, zone: ZoneInfo) -> Window:
    """Return the window that `key` names.

    Parameters
    ----------
    key
        ``today``, ``7d``, ``30d``, ``90d``, ``365d`` (up to and with today), a month ``2025-11`` or days
        ``2025-11-01..2025-11-21``.

    Raises
    ------
    WindowError
        It is none of these.
    """
    today = now.astimezone(zone).date()
    if key in DAYS:
        return make_days(today - timedelta(days=DAYS[key] - 1), today, zone=zone, key=key)
    try:
        first, last = _read_days(key)
    except (ValueError, OverflowError) as error:
        raise WindowError(key) from error
    if not timedelta() <= last - first <= SPAN_MAX or not 1990 <= first.year <= 2200:
        raise WindowError(key)
    return make_days(first, last, zone=zone, key=key)


def _read_days(key: str) -> tuple[date, date]:
    if re.fullmatch(r"\d{4}-\d{2}", key):
        first = date.fromisoformat(f"{key}-01")
        next_month = (first + timedelta(days=32)).replace(day=1)
        return first, next_month - timedelta(days=1)
    start, separator, end = key.partition("..")
    if not separator:
        raise ValueError(key)
    return date.fromisoformat(start), date.fromisoformat(end)


def get_window(default: str = DEFAULT_WINDOW) -> Window:
    """Return the window of this request.

    Raises
    ------
    WindowError
        The address asks for an impossible one.
    """
    service = get_service()
    key = request.args.get("window") or default
    return make_window(key, now=service.get_now(), zone=service.get_city().zone)


@dataclass(frozen=True, kw_only=True)
class UnitScope:
    """The unit whose orders a page shows, and everything below it.

    Parameters
    ----------
    code, name, kind
        The unit; empty for all that the visitor may see.
    codes
        Codes of it and of all units below; None for all.
    """

    code: str
    name: str
    kind: str
    codes: frozenset[str] | None


def get_unit_scope() -> UnitScope:
    """Return the unit scope of this request.

    Raises
    ------
    NotFoundError
        There is no such unit, or the visitor may not see it: both look the same.
    """
    if "unit_scope" not in g:
        code = request.args.get("unit", "")
        g.unit_scope = find_unit_scope(reading(), get_scope(), code)
    found = g.unit_scope
    assert isinstance(found, UnitScope)  # noqa: S101 - set above
    return found


def find_unit_scope(session: Session, scope: Scope, code: str) -> UnitScope:
    """Return a unit with everything below it.

    Raises
    ------
    NotFoundError
        As :func:`get_unit_scope`.
    """
    if not code:
        return UnitScope(code="", name="", kind="", codes=None)
    if not scope.sees_all and code not in scope.unit_codes:
        raise NotFoundError("unit", code)
    units = session.execute(
        sa.select(Unit.name, Unit.kind, Unit.path)
        .where(Unit.unit_code == code)
        .order_by(Unit.valid_from.desc().nulls_last())
    ).all()
    if not units:
        raise NotFoundError("unit", code)
    below = sa.or_(*(Unit.path.startswith(unit.path, autoescape=True) for unit in units))
    codes = frozenset(session.scalars(sa.select(Unit.unit_code).where(below)))
    return UnitScope(code=code, name=units[0].name, kind=units[0].kind, codes=codes)


def carry(args: Mapping[str, str]) -> dict[str, str]:
    """Return those arguments of an address that every link keeps."""
    return {name: args[name] for name in CARRIED if args.get(name)}
