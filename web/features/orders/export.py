"""The list as a file: the same filter, the same rows, as CSV, XLSX, GeoPackage or GeoParquet."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Response, send_file, stream_with_context
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.jobs.exchange import ExportFacts, Form, Words, stream_csv, write_export
from gridgov.storage.queries.areas import (
    find_version_name,
    get_area_names,
    get_item_names,
    get_unit_names,
)
from gridgov.storage.queries.orders import stream_orders
from web.features.orders.blueprint import blueprint
from web.features.orders.filters import ListRequest, read_filter, say_filter
from web.kit import limits
from web.kit.i18n import find_language, label
from web.kit.page_scope import get_unit_scope, get_window
from web.kit.permissions import Permission, permission
from web.kit.service import get_service, reading

TYPES = {
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.GPKG: "application/geopackage+sqlite3",
    Form.PARQUET: "application/vnd.apache.parquet",
}
SAID = {"outcome", "route", "grade", "kind"}
"""Fields whose words are texts of the pages."""


@blueprint.get("/export.csv")
@permission(Permission.ORDERS_EXPORT)
@limits.limited(limits.EXPORTS)
def export_csv() -> Response:
    """Send every row of the list as it is read; texts are masked, whoever asks."""
    asked = read_filter()
    session = reading()
    pieces = stream_csv(
        stream_orders(session, asked.chosen),
        words=make_words(session),
        zone=get_service().get_city().zone,
        language="en" if find_language() == "en" else "zh",
    )
    return Response(
        stream_with_context(pieces),
        mimetype="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{make_name("csv")}"'},
    )


@blueprint.get("/export.<form>")
@permission(Permission.ORDERS_EXPORT)
@limits.limited(limits.EXPORTS)
def export_file(form: str) -> Response:
    """Send every row of the list as a file that is written first; texts are masked, whoever asks.

    Raises
    ------
    NotFoundError
        There is no such form.
    """
    if form not in TYPES:
        raise NotFoundError("export", form)
    asked = read_filter()
    session = reading()
    with tempfile.TemporaryDirectory(prefix="gridgov-export-") as folder:
        path = Path(folder) / f"orders.{form}"
        write_export(
            stream_orders(session, asked.chosen),
            path,
            form=Form(form),
            facts=make_facts(session, asked),
            words=make_words(session),
            zone=get_service().get_city().zone,
            language="en" if find_language() == "en" else "zh",
        )
        # Open, it outlives its folder.
        stream = path.open("rb")
    response = send_file(
        stream, mimetype=TYPES[Form(form)], as_attachment=True, download_name=make_name(form)
    )
    response.call_on_close(stream.close)
    return response


def make_name(ending: str) -> str:
    """Return the name of a file that is exported now."""
    service = get_service()
    stamp = service.get_now().astimezone(service.get_city().zone).strftime("%Y%m%d-%H%M")
    return f"orders-{stamp}.{ending}"


def make_words(session: Session) -> Words:
    """Return what says a code in the language of the request."""
    names = get_unit_names(session) | get_item_names(session) | get_area_names(session)

    def say(field: str, code: str) -> str:
        if field == "state":
            return label("state", code)
        if field in SAID:
            key = f"orders.{field}.{code}"
            said = str(gettext(key))
            return "" if said == key else said
        return names.get(code, "")

    return say


def make_facts(session: Session, asked: ListRequest) -> ExportFacts:
    """Return what is said of an export: city, version, unit, window, filter, moment."""
    service = get_service()
    city = service.get_city()
    window = get_window()
    filters = "；".join(text for _, text in _say_filter(session, asked))
    whole = gettext("orders.export.all")
    rows = {
        gettext("orders.export.city"): city.name,
        gettext("orders.export.version"): find_version_name(session),
        gettext("orders.export.unit"): get_unit_scope().name or whole,
        gettext("orders.export.window"): (
            f"{window.first_on}..{window.last_on}" if asked.has_window else whole
        ),
        gettext("orders.export.filter"): filters or whole,
        gettext("orders.export.at"): service.get_now()
        .astimezone(city.zone)
        .isoformat(timespec="seconds"),
        gettext("orders.export.masking"): gettext("orders.export.masked"),
    }
    return ExportFacts(rows=rows)


def _say_filter(session: Session, asked: ListRequest) -> Iterator[tuple[str, Any]]:
    names = get_item_names(session) | get_area_names(session)
    yield from say_filter(asked, names)
