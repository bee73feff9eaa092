"""The list as CSV: the same filter, the same rows, streamed."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, stream_with_context
from flask_babel import gettext

from gridgov.storage.queries.areas import get_area_names, get_item_names, get_unit_names
from gridgov.storage.queries.orders import stream_orders
from web.features.orders.blueprint import blueprint
from web.features.orders.filters import read_filter
from web.kit import limits
from web.kit.i18n import label
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, reading

TIMES = ("received_at", "contact_by", "contacted_at", "due_at", "replied_at", "closed_at")
CODES = ("unit_code", "item_code", "level1_code", "street_code", "community_code", "cell_code")
TEXTS = ("channel", "kind", "route", "grade", "address", "text")
PLACES = ("lon", "lat", "place_level", "uncertainty_m", "confidence")
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""First letters that spreadsheets take for a formula."""


@blueprint.get("/export.csv")
@permission(Permission.ORDERS_EXPORT)
@limits.limited(limits.EXPORTS)
def export_csv() -> Response:
    """Send every row of the list; texts are masked, whoever asks."""
    asked = read_filter()
    session, zone = reading(), get_service().get_city().zone
    names = get_unit_names(session) | get_item_names(session) | get_area_names(session)
    rows = stream_orders(session, asked.chosen)
    stamp = get_service().get_now().astimezone(zone).strftime("%Y%m%d-%H%M")
    return Response(
        stream_with_context(write_rows(rows, names=names, zone=zone)),
        mimetype="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="orders-{stamp}.csv"'},
    )


def write_rows(rows: Iterator[Any], *, names: dict[str, str], zone: ZoneInfo) -> Iterator[str]:
    """Give lines of CSV, with the mark by which spreadsheets know UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    columns = (
        "order_no",
        "appeal_no",
        "state",
        *CODES,
        *TEXTS,
        *TIMES,
        *PLACES,
        "solved",
        "satisfied",
    )
    writer.writerow([gettext(f"orders.column.{name}") for name in _with_names(columns)])
    yield "\ufeff" + _take(buffer)
    for row in rows:
        writer.writerow([_plain(value) for value in _make_line(row, columns, names, zone)])
        if buffer.tell() > 1 << 16:
            yield _take(buffer)
    yield _take(buffer)


def _with_names(columns: tuple[str, ...]) -> list[str]:
    """Return the columns with one for the name after each code that has one."""
    named = ("unit_code", "item_code", "level1_code", "street_code")
    return [
        name
        for column in columns
        for name in ((column, column.replace("_code", "_name")) if column in named else (column,))
    ]


def _make_line(
    row: Any, columns: tuple[str, ...], names: dict[str, str], zone: ZoneInfo
) -> Iterator[Any]:
    for column in columns:
        value = getattr(row, column)
        if column == "state":
            yield label("state", value)
        elif isinstance(value, datetime):
            yield value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        else:
            yield value
        if column in ("unit_code", "item_code", "level1_code", "street_code"):
            yield names.get(value or "", "")


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return "'" + value
    return value


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
