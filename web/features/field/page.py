"""What waits outside as rows of one kind: orders, calls and tasks with deadline, place and where each is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pandas as pd
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.whistles.call import UnitState
from gridgov.services.attachments.hands import list_in_hand
from gridgov.services.attachments.subjects import SubjectKind
from gridgov.storage.queries.areas import get_area_names, get_item_names
from gridgov.storage.queries.field_work import (
    find_task_places,
    list_unit_calls,
    list_unit_orders,
    list_unit_tasks,
)
from gridgov.storage.scope.viewer import Scope
from web.features.orders import SOON
from web.kit.auth import has_permission
from web.kit.links import to_order
from web.kit.page_helpers import format_moment, to
from web.kit.permissions import Permission

MOST = 100
"""Rows of a kind; of more, those that are due first, and always what the visitor has in hand."""
ICONS = {
    SubjectKind.ORDER: "clipboard-list",
    SubjectKind.CALL: "speakerphone",
    SubjectKind.TASK: "list-check",
}
THERE = (UnitState.REPORTED_IN, UnitState.RELEASED)
POINT_COLUMNS = ("code", "name", "lon", "lat", "tone", "icon", "label", "tips", "href")
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """Something to be done outside.

    Parameters
    ----------
    kind, no
        What it is; of a task the plan's number and its own with a slash between.
    title, text, place
        What it is about, the appeal's masked words, and where.
    standing
        State of an order or task; of a call that of the unit in it, empty where it blew.
    due
        Until when, aware; None where nothing is set.
    is_paused
        Whether the clock stands still.
    lon, lat
        Degrees, EPSG:4326, to five digits; None where the place is not known.
    is_mine
        Whether the visitor has it in hand.
    href
        Its page; empty where the visitor has none.
    """

    kind: SubjectKind
    no: str
    title: str
    text: str = ""
    place: str = ""
    standing: str = ""
    due: datetime | None
    is_paused: bool = False
    lon: float | None
    lat: float | None
    is_mine: bool = False
    href: str

    @property
    def code(self) -> str:
        """Name of the row for the map."""
        return f"{self.kind}:{self.no}"

    @property
    def icon(self) -> str:
        """Its sign."""
        return ICONS[self.kind]

    @property
    def geo(self) -> str:
        """Address that hands the point to the phone's maps (RFC 5870, WGS 84); empty without a point."""
        if self.lon is None or self.lat is None:
            return ""
        at = f"{self.lat:.5f},{self.lon:.5f}"
        return f"geo:{at}?q={at}({quote(self.title, safe='')})"


@dataclass(frozen=True, kw_only=True)
class FieldWork:
    """The rows, and whether a kind had more than :data:`MOST`."""

    rows: Sequence[FieldRow]
    is_cut: bool


def make_work(session: Session, scope: Scope, *, zone: ZoneInfo) -> FieldWork:
    """Return what waits for the visitor's unit: first what the visitor has in hand, then by deadline."""
    mine = {(one.subject_kind, one.subject_no) for one in list_in_hand(session, scope.account_id)}
    kinds = (
        _make_orders(session, scope.unit_code, mine),
        _make_calls(session, scope.unit_code),
        _make_tasks(session, scope.unit_code, mine, zone),
    )
    is_cut = any(sum(not row.is_mine for row in rows) > MOST for rows in kinds)
    shown = [row for rows in kinds for row in _cut(rows)]
    return FieldWork(rows=sorted(shown, key=_find_place), is_cut=is_cut)


def _cut(rows: Sequence[FieldRow]) -> Iterable[FieldRow]:
    """Give what the visitor has in hand and the first of the others."""
    yield from (row for row in rows if row.is_mine)
    yield from [row for row in rows if not row.is_mine][:MOST]


def _find_place(row: FieldRow) -> tuple[bool, bool, datetime, str]:
    # A stopped clock runs nowhere: it comes after those that run.
    return not row.is_mine, row.is_paused, row.due or NEVER, row.code


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), 5)


def _make_orders(session: Session, unit_code: str, mine: set[tuple[str, str]]) -> list[FieldRow]:
    own = tuple(sorted(no for kind, no in mine if kind == SubjectKind.ORDER))
    pages = [list_unit_orders(session, unit_code, rows=MOST + len(own) + 1)]
    if own:
        pages.append(list_unit_orders(session, unit_code, rows=len(own), order_nos=own))
    found = {row.order_no: (row, page.names) for page in pages for row in page.rows}
    return [
        FieldRow(
            kind=SubjectKind.ORDER,
            no=no,
            title=names.get(row.item_code) or row.item_code or gettext("field.no_item"),
            text=row.text or "",
            place=row.address or names.get(row.street_code) or "",
            standing=row.state.value,
            due=row.due_at,
            is_paused=row.state == OrderState.SUSPENDED,
            lon=_round(row.lon),
            lat=_round(row.lat),
            is_mine=no in own,
            href=to_order(no),
        )
        for no, (row, names) in found.items()
    ]


def _make_calls(session: Session, unit_code: str) -> list[FieldRow]:
    calls = list_unit_calls(session, unit_code, rows=MOST + 1)
    if not calls:
        return []
    streets, items = get_area_names(session), get_item_names(session)
    return [
        FieldRow(
            kind=SubjectKind.CALL,
            no=row.call_no,
            title=items.get(row.item_code) or row.item_code or gettext("field.no_item"),
            place=streets.get(row.street_code) or row.street_code or "",
            standing="" if row.state is None else row.state.value,
            due=row.due_at if row.state is None or row.state in THERE else row.report_in_by,
            lon=_round(row.lon),
            lat=_round(row.lat),
            href=to("whistles.show", call_no=row.call_no),
        )
        for row in calls
    ]


def _make_tasks(
    session: Session, unit_code: str, mine: set[tuple[str, str]], zone: ZoneInfo
) -> list[FieldRow]:
    tasks = list_unit_tasks(session, unit_code, rows=MOST + 1)
    places = find_task_places(session, {row.plan_no for row in tasks}) if tasks else {}
    reads_plans = has_permission(Permission.PLANNING_READ)
    rows = []
    for row in tasks:
        no, told = f"{row.plan_no}/{row.task_no}", places.get((row.plan_no, row.task_no), {})
        page = {"plan_no": row.plan_no, "task_no": row.task_no}
        rows.append(
            FieldRow(
                kind=SubjectKind.TASK,
                no=no,
                title=row.title,
                place=str(told.get("place") or ""),
                standing=row.state.value,
                due=end_of_day(row.due_on, zone),
                lon=_round(told.get("lon")),
                lat=_round(told.get("lat")),
                is_mine=(SubjectKind.TASK.value, no) in mine,
                href=to("planning.task", **page) if reads_plans else "",
            )
        )
    return rows


def end_of_day(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the last minute of a day in the city, None for no day."""
    return None if day is None else datetime.combine(day, time(23, 59), tzinfo=zone)


def make_points(rows: Sequence[FieldRow], *, now: datetime) -> pd.DataFrame:
    """Return those rows whose place is known, as ``web.kit.maps.add_points`` takes them."""
    points: list[dict[str, Any]] = [
        {
            "code": row.code,
            "name": row.title,
            "lon": row.lon,
            "lat": row.lat,
            "tone": find_tone(row, now),
            "icon": row.icon,
            "label": "",
            "tips": [
                [gettext("field.number"), row.no],
                [gettext("field.due"), format_moment(row.due).striptags()],
            ],
            "href": [[gettext("field.open"), row.href]] if row.href else [],
        }
        for row in rows
        if row.lon is not None and row.lat is not None
    ]
    return pd.DataFrame(points, columns=list(POINT_COLUMNS))


def find_tone(row: FieldRow, now: datetime) -> str:
    """Return the colour of a row's deadline."""
    if row.due is None or row.is_paused or row.due - now >= SOON:
        return "running"
    return "overdue" if row.due < now else "soon"
