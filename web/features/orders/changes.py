"""How every change of one order answers: done and said so, or refused with everything that was typed."""

from collections.abc import Callable

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import ConflictError, GridgovError, NotFoundError
from gridgov.rules.orders.transitions import OrderAction
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.handling import record_refusal
from web.features.orders.page import show_order
from web.kit.page_helpers import to
from web.kit.service import get_runtime, get_scope, get_service, writing

Step = Callable[[Session, CityRuntime], tuple[str, str]]
"""Does the change; returns the tone and the words of what is said afterwards."""


def carry_out(order_no: str, at: OrderAction | str, step: Step) -> BaseResponse | tuple[str, int]:
    """Do a change in one transaction and lead back to the order.

    Parameters
    ----------
    order_no
        The order whose page the form stood on.
    at
        The action whose form it was: there what was typed is shown again.
    step
        The change.
    """
    try:
        runtime = get_runtime()
        with writing() as session:
            tone, words = step(session, runtime)
    except NotFoundError:
        raise
    except GridgovError as error:
        return refuse(order_no, at, error)
    flash(words, tone)
    # What was given away may be out of one's own sight now.
    return redirect(to("orders.show", order_no=order_no, done=str(at)))


def refuse(order_no: str, at: OrderAction | str, error: GridgovError) -> tuple[str, int]:
    """Return the order's page with why a change was refused and what was typed; the try stands in the order's log."""
    with writing() as session:
        record_refusal(
            session,
            order_no,
            str(at),
            error,
            actor=get_scope().actor,
            at=get_service().get_now(),
        )
    status = 409 if isinstance(error, ConflictError) else 422
    return show_order(order_no, problem=error, at=at), status


def read_seen_version() -> int | None:
    """Return the version of the order that the form was made from."""
    text = request.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
