"""Open311 GeoReport v2: discovery, services, definitions, requests by post, number, token and filter.

The extension ``responsible`` answers before anything is sent: will this point be accepted, who answers there, how sure
is that, and why. Without a key nobody reads what people said: then only requests that came through Open311 are told,
without their words, their place rounded to about a hundred metres.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from flask import Blueprint, Flask, Response, g, request

from gridgov.jobs.place_service import Matter
from gridgov.reading.points import find_inside
from gridgov.rules.catalogue import LEAF, Item
from gridgov.rules.privacy import mask_text
from gridgov.services.accounts.tokens import TokenScope
from gridgov.services.intake.checks import LENGTHS, IntakeError
from gridgov.services.intake.take_in import NewAppeal, take_in
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.orders import find_item_names, find_unit_names
from web.features.open311.forms import answer, answer_error
from web.kit import limits
from web.kit.api import Fault, ProblemError, by_token
from web.kit.api.problems import add_root, read_problems, refuse_fields
from web.kit.api.tokens import TokenMark, has_scope, read_token
from web.kit.auth import admit, get_scope_of
from web.kit.permissions import Permission, is_granted, permission, public
from web.kit.security import get_address
from web.kit.service import get_runtime, get_scope, get_service, reading, writing

ROOT = "/open311/"
SOURCE = "open311"
KEY = "api_key"
SPAN_MAX = timedelta(days=90)
ROWS_MAX = 1_000
"""Requests of one answer (GeoReport v2, GET Service Requests)."""
ROUNDED = 3
"""Decimals of a degree that are told without a key: about a hundred metres [A]."""
KIND = "kind"
CHANGESET = "2026-11-30T00:00:00+08:00"
"""When the form of these calls changed last."""
READS = limits.Limit(name="open311", count=1_200, span_s=60)
STATUS = {
    "open": (Outcome.OPEN,),
    "closed": tuple(one for one in Outcome if one is not Outcome.OPEN),
}

blueprint = Blueprint("open311", __name__, url_prefix="/open311/v2")
_FORM = "<any(xml,json):form>"


def add_to(app: Flask) -> None:
    """Register the calls."""
    add_root(app, ROOT, answer_error)
    app.register_blueprint(blueprint)


@blueprint.get(f"/discovery.{_FORM}")
@public
def discovery(form: str) -> Response:
    """Say where the service is and what it speaks."""
    return answer(
        form,
        {
            "changeset": CHANGESET,
            "contact": get_service().get_city().name,
            "key_service": "gridgov user token",
            "endpoints": [
                {
                    "specification": "http://wiki.open311.org/GeoReport_v2",
                    "url": request.url_root.rstrip("/") + "/open311/v2",
                    "changeset": CHANGESET,
                    "type": "production",
                    "formats": ["text/xml", "application/json"],
                }
            ],
        },
        root="discovery",
    )


@blueprint.get(f"/services.{_FORM}")
@public
@limits.limited(READS)
def services(form: str) -> Response:
    """List what may be asked for: the catalogue's items of today, in the groups of its first level."""
    _check_jurisdiction()
    return answer(
        form, [_tell_service(item) for item in _list_items()], root="services", item="service"
    )


@blueprint.get(f"/services/<path:service_code>.{_FORM}")
@public
@limits.limited(READS)
def definition(service_code: str, form: str) -> Response:
    """Say what a request for a service may bring beside its description."""
    _check_jurisdiction()
    item = _get_item(service_code, status=404)
    kinds = _list_kinds()
    attributes = [
        {
            "variable": True,
            "code": KIND,
            "datatype": "singlevaluelist",
            "required": False,
            "datatype_description": None,
            "order": 1,
            "description": "诉求类型",
            "values": [{"key": kind, "name": kind} for kind in kinds],
        }
    ]
    told = {"service_code": item.item_code, "attributes": attributes if kinds else []}
    return answer(form, told, root="service_definition")


def _tell_service(item: Item) -> dict[str, Any]:
    catalogue = get_runtime().city.catalogue
    names = {} if catalogue is None else catalogue.names
    top = get_runtime().find_level1(item.item_code)
    return {
        "service_code": item.item_code,
        "service_name": item.name,
        "description": "/".join(
            name
            for name in dict.fromkeys(
                (names.get(top or ""), names.get(item.parent_code), item.name)
            )
            if name
        ),
        "metadata": bool(_list_kinds()),
        "type": "realtime",
        "keywords": ",".join(item.tags),
        "group": names.get(top or "", ""),
    }


def _list_items() -> list[Item]:
    """Return the items by which orders are sent, as in force today."""
    runtime = get_runtime()
    catalogue, on = runtime.city.catalogue, runtime.get_day(get_service().get_now())
    if catalogue is None:
        return []
    items = catalogue.items
    codes = items.loc[items["level"].astype(int) == LEAF, "item_code"].drop_duplicates()
    found = []
    for code in codes:
        try:
            found.append(catalogue.get(code, on))
        except KeyError:
            continue
    return found


def _list_kinds() -> list[str]:
    catalogue = get_runtime().city.catalogue
    return [] if catalogue is None else sorted(set(catalogue.items["kind"].dropna()) - {""})


def _get_item(code: str, *, status: int) -> Item:
    """Return an item of today.

    Raises
    ------
    ProblemError
        There is none.
    """
    runtime = get_runtime()
    catalogue, on = runtime.city.catalogue, runtime.get_day(get_service().get_now())
    try:
        found = None if catalogue is None else catalogue.get(code, on)
    except KeyError:
        found = None
    if found is None:
        raise ProblemError(status, "not_found", f"service_code {code[:80]!r} was not found")
    return found


def _check_jurisdiction() -> None:
    """Refuse another jurisdiction than this city; without one it is this city.

    Raises
    ------
    ProblemError
        It is another one.
    """
    asked = request.values.get("jurisdiction_id", "")
    city = get_service().get_city()
    if asked and asked not in {city.name, city.name_en}:
        raise ProblemError(404, "not_found", f"jurisdiction_id {asked[:80]!r} was not found")


# --- requests -------------------------------------------------------------------------------------


@blueprint.post(f"/requests.{_FORM}")
@permission(Permission.APPEALS_CREATE)
@by_token(TokenScope.APPEALS_WRITE, field=KEY)
def post(form: str) -> Response:
    """Take a request in as an appeal."""
    _check_jurisdiction()
    limits.check_limit(limits.CHANGES, str(g.visitor.account_id))
    new = _read_request(request.form)
    try:
        with writing() as session:
            taken = take_in(
                session,
                get_runtime(),
                new,
                now=get_service().get_now(),
                actor=get_scope().actor,
                origin=get_address(),
            )
    except IntakeError as error:
        raise refuse_fields(read_problems(error.problems)) from error
    told = {"service_request_id": taken.order_nos[0], "service_notice": "", "account_id": None}
    return answer(form, [told], root="service_requests", item="request")


def _read_request(form: Mapping[str, str]) -> NewAppeal:
    """Return the appeal that a request is.

    Raises
    ------
    ProblemError
        A field is missing or cannot be read.
    """
    code = form.get("service_code", "").strip()
    if not code:
        raise ProblemError(400, "fields", "service_code was not provided")
    item = _get_item(code, status=404)
    faults = []
    lon, lat = (_read_degrees(form, name, most) for name, most in (("long", 180), ("lat", 90)))
    for name, value in (("long", lon), ("lat", lat)):
        if value is not None and math.isnan(value):
            problem = f"is no number of degrees: {form.get(name, '')[:40]!r}"
            faults.append(Fault(where="body", field=name, problem=problem))
    if (lon is None) != (lat is None):
        faults.append(Fault(where="body", field="lat", problem="lat and long come together"))
    address = form.get("address_string", "").strip()
    if lon is None and lat is None and not address:
        problem = "lat and long, or address_string, must be provided; address_id is not known here"
        faults.append(Fault(where="body", field="lat", problem=problem))
    kind = form.get(f"attribute[{KIND}]", "").strip()
    if kind and kind not in _list_kinds():
        problem = f"{kind[:40]!r} is none of {', '.join(_list_kinds())}"
        faults.append(Fault(where="body", field=f"attribute[{KIND}]", problem=problem))
    if faults:
        raise refuse_fields(faults)
    words = [form.get("description", "").strip(), form.get("media_url", "").strip()]
    name = form.get("last_name", "").strip() + form.get("first_name", "").strip()
    return NewAppeal(
        received_at=get_service().get_now(),
        source=SOURCE,
        text="\n".join(filter(None, words)) or item.name,
        address=address,
        lon=lon,
        lat=lat,
        item_code=item.item_code,
        channel="Open311",
        kind=kind,
        name=name[: LENGTHS["name"]],
        phone=(form.get("phone", "").strip() or form.get("email", "").strip())[: LENGTHS["phone"]],
    )


def _read_degrees(given: Mapping[str, str], name: str, most: float) -> float | None:
    """Return a coordinate, None without one, NaN where it is no number of degrees."""
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if -most <= value <= most else math.nan


@blueprint.get(f"/tokens/<token>.{_FORM}")
@public
@limits.limited(READS)
def by_request_token(token: str, form: str) -> Response:
    """Give the number of a request: here a request has it at once, and its token is the number."""
    _check_jurisdiction()
    rows = _find_requests([Order.order_no == token], is_public=not _has_key())
    if not rows:
        raise ProblemError(404, "not_found", f"token {token[:80]!r} was not found")
    told = [{"service_request_id": token, "token": token}]
    return answer(form, told, root="service_requests", item="request")


@blueprint.get(f"/requests.{_FORM}")
@public
@limits.limited(READS)
def requests(form: str) -> Response:
    """List requests, the newest first: by number, or by service, time and status."""
    _check_jurisdiction()
    is_public = not _has_key()
    numbers = [one.strip() for one in request.args.get("service_request_id", "").split(",")]
    numbers = [one for one in numbers if one][:ROWS_MAX]
    conditions = [Order.order_no.in_(numbers)] if numbers else _read_conditions(request.args)
    rows = _find_requests(conditions, is_public=is_public)
    return _answer_requests(form, rows, is_public=is_public)


@blueprint.get(f"/requests/<service_request_id>.{_FORM}")
@public
@limits.limited(READS)
def one_request(service_request_id: str, form: str) -> Response:
    """Show one request."""
    _check_jurisdiction()
    is_public = not _has_key()
    rows = _find_requests([Order.order_no == service_request_id], is_public=is_public)
    if not rows:
        number = service_request_id[:80]
        raise ProblemError(404, "not_found", f"service_request_id {number!r} was not found")
    return _answer_requests(form, rows, is_public=is_public)


def _read_conditions(args: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
    """Return what the filter asks for: the last 90 days where it names no time.

    Raises
    ------
    ProblemError
        A time cannot be read, the span is too long, or a status is none of the two.
    """
    start, end = (_read_time(args, name) for name in ("start_date", "end_date"))
    if start is None and end is None:
        end = get_service().get_now()
    if end is None and start is not None:
        end = start + SPAN_MAX
    if start is None and end is not None:
        start = end - SPAN_MAX
    assert start is not None  # noqa: S101 - one of the two was there
    assert end is not None  # noqa: S101 - as start
    if end < start or end - start > SPAN_MAX:
        raise ProblemError(400, "fields", "start_date to end_date: a span of 0 to 90 days")
    conditions = [Order.received_at >= start, Order.received_at <= end]
    codes = [one.strip() for one in args.get("service_code", "").split(",") if one.strip()]
    if codes:
        conditions.append(Order.item_code.in_(codes[:500]))
    words = [one.strip() for one in args.get("status", "").split(",") if one.strip()]
    unknown = [word for word in words if word not in STATUS]
    if unknown:
        raise ProblemError(400, "fields", f"status {unknown[0][:40]!r}: expected open or closed")
    if words:
        conditions.append(Order.outcome.in_([one for word in words for one in STATUS[word]]))
    return conditions


def _read_time(args: Mapping[str, str], name: str) -> datetime | None:
    text = args.get(name, "").strip()
    if not text:
        return None
    try:
        # A plus sign of an address that nobody escaped has become a blank.
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        problem = f"{name} {text[:40]!r} is no W3C time, such as 2024-03-04T01:00:00Z"
        raise ProblemError(400, "fields", problem) from error
    if not 1970 <= found.year <= 9000:
        raise ProblemError(400, "fields", f"{name} {text[:40]!r} is no time of this hotline")
    return found if found.tzinfo else found.replace(tzinfo=get_service().get_city().zone)


def _has_key() -> bool:
    """Tell whether a key was shown that may read; one that does not hold is refused.

    Raises
    ------
    TokenNeededError, ForbiddenError
        The key does not hold, or may not read orders.
    """
    token = read_token(TokenMark(scope=TokenScope.ORDERS_READ, field=KEY))
    if not token:
        return False
    admit(token)
    if not (
        is_granted(g.visitor.role, Permission.ORDERS_READ) and has_scope(TokenScope.ORDERS_READ)
    ):
        raise ProblemError(
            403, "forbidden", f"this api_key may not read requests ({TokenScope.ORDERS_READ})"
        )
    g.scope = get_scope_of(g.visitor)
    return True


def _find_requests(
    conditions: Sequence[sa.ColumnElement[bool]], *, is_public: bool
) -> Sequence[Any]:
    """Return orders with their appeals, the newest first: those that the key sees, else those of Open311 alone."""
    query = (
        sa.select(Order, Appeal.text, Appeal.address, Appeal.source)
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(*conditions)
        .order_by(Order.received_at.desc(), Order.id.desc())
        .limit(ROWS_MAX)
    )
    if not is_public:
        return reading().execute(query).all()
    with get_service().read_sessions() as session:
        return session.execute(query.where(Appeal.source == SOURCE)).all()


def _answer_requests(form: str, rows: Sequence[Any], *, is_public: bool) -> Response:
    with get_service().read_sessions() as session:
        units = find_unit_names(session, {row.Order.unit_code for row in rows})
        items = find_item_names(session, {row.Order.item_code for row in rows} - {None})
    zone = get_service().get_city().zone
    told = []
    for row in rows:
        order: Order = row.Order
        told.append(
            {
                "service_request_id": order.order_no,
                "status": "open" if order.outcome is Outcome.OPEN else "closed",
                "status_notes": None if is_public else order.state.value,
                "service_name": items.get(order.item_code or ""),
                "service_code": order.item_code,
                "description": None if is_public else mask_text(row.text or "") or None,
                "agency_responsible": units.get(order.unit_code),
                "service_notice": None,
                "requested_datetime": order.received_at.astimezone(zone).isoformat(),
                "updated_datetime": order.state_at.astimezone(zone).isoformat(),
                "expected_datetime": None
                if order.due_at is None
                else order.due_at.astimezone(zone).isoformat(),
                "address": None if is_public else mask_text(row.address or "") or None,
                "address_id": None,
                "zipcode": None,
                "lat": _tell_degrees(order.lat, is_public=is_public),
                "long": _tell_degrees(order.lon, is_public=is_public),
                "media_url": None,
            }
        )
    return answer(form, told, root="service_requests", item="request")


def _tell_degrees(value: float | None, *, is_public: bool) -> float | None:
    return value if value is None or not is_public else round(value, ROUNDED)


# --- who answers ----------------------------------------------------------------------------------


@blueprint.get(f"/responsible.{_FORM}")
@public
@limits.limited(READS)
def responsible(form: str) -> Response:
    """Say before anything is sent: is this point accepted, who answers there, how sure is that, and why."""
    _check_jurisdiction()
    args, service = request.args, get_service()
    code = args.get("service_code", "").strip()
    item = _get_item(code, status=404) if code else None
    lon, lat = (_read_degrees(args, name, most) for name, most in (("long", 180), ("lat", 90)))
    address = args.get("address_string", "").strip()[:1000]
    if (lon is None) != (lat is None) or any(
        one is not None and math.isnan(one) for one in (lon, lat)
    ):
        raise ProblemError(
            400, "fields", "lat and long: two numbers of degrees, such as 39.9 and 116.4"
        )
    places, on = service.get_places(), get_runtime().get_day(service.get_now())
    matter = Matter(item_code="" if item is None else item.item_code)
    if lon is not None and lat is not None:
        is_inside = bool(find_inside(places.city.extent, np.array([lon]), np.array([lat]))[0])
        told = places.answer_point(lon, lat, on=on, matter=matter)
    elif address:
        finder = service.corrections.get_finder()
        told = places.answer_address(address, on=on, matter=matter, find_correction=finder)
        is_inside = told["lon"] is not None
    else:
        raise ProblemError(400, "fields", "lat and long, or address_string, must be provided")
    names = places.city.names
    code_of_unit = told.get("unit_code") or told["street_code"]
    why = told.get("reasons") or (told["street_name"] or "")
    content = {
        "accepted": is_inside,
        "agency_code": code_of_unit,
        "agency_responsible": names.get(code_of_unit or ""),
        "confidence": told["confidence"],
        "boundary_m": told["boundary_m"],
        "neighbour": told["neighbour_name"],
        "street": told["street_name"],
        "community": told["community_name"],
        "cell_code": told["cell_code"],
        "review": told.get("review"),
        "reason": why if is_inside else told["place_problem"] or "不在本市范围内",
        "boundary_version": places.city.boundary_version,
    }
    return answer(form, content, root="responsible")
