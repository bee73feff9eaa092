"""Moving the point of an order: what would follow is shown while the pin is dragged, and saved only when confirmed."""

from collections.abc import Mapping

from flask import render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.pins import move_pin, preview_move
from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.orders import find_unit_names
from web.features.orders.blueprint import blueprint
from web.features.orders.changes import carry_out, read_seen_version
from web.features.orders.facts import FormError, read_point
from web.kit import limits
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading


@blueprint.get("/<order_no>/pin")
@permission(Permission.ORDERS_ACT)
def preview_pin(order_no: str) -> str:
    """Return what moving the pin would do: a part of the page."""
    session, actor = reading(), get_scope().actor
    try:
        lon, lat = _read_point(request.args)
        plan = preview_move(session, get_runtime(), order_no, lon=lon, lat=lat, actor=actor)
    except NotFoundError:
        raise
    except GridgovError as error:
        return render_template("orders/pin.html", plan=None, problem=error, order_no=order_no)
    units = {code for one in plan.orders for code in (one.unit_before, one.unit_after)}
    names = get_area_names(session, ("street", "community")) | find_unit_names(session, units)
    return render_template(
        "orders/pin.html",
        plan=plan,
        problem=None,
        order_no=order_no,
        names=names,
        point=(lon, lat),
        version=request.args.get("version", ""),
    )


@blueprint.post("/<order_no>/pin")
@permission(Permission.ORDERS_ACT)
@limits.limited(limits.CHANGES)
def save_pin(order_no: str) -> BaseResponse | tuple[str, int]:
    """Move the pin."""

    def step(session: Session, runtime: CityRuntime) -> tuple[str, str]:
        lon, lat = _read_point(request.form)
        move_pin(
            session,
            runtime,
            order_no,
            lon=lon,
            lat=lat,
            actor=get_scope().actor,
            at=get_service().get_now(),
            seen_version=read_seen_version(),
        )
        return "success", gettext("orders.pin.moved", order_no=order_no)

    return carry_out(order_no, OrderAction.DISPATCH, step)


def _read_point(values: Mapping[str, str]) -> tuple[float, float]:
    point = read_point(values)
    if point is None:
        raise FormError("lon", gettext("orders.form.no_point"))
    return point
