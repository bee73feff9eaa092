"""Forms of actions: which have one of their own, what their fields bring (``Facts``), and why one was refused."""

from collections.abc import Mapping
from datetime import date
from typing import get_args

from flask import request
from flask_babel import gettext

from gridgov.errors import ConflictError, GridgovError
from gridgov.rules.orders.disputes import Evidence, Ground
from gridgov.rules.orders.needs import ANSWERED, Actor, Facts
from gridgov.rules.orders.states import OrderActionError
from gridgov.rules.orders.transitions import OrderAction, Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.evidence import make_evidence
from web.kit.auth import sign_second
from web.kit.service import get_service

ELSEWHERE = {
    OrderAction.BLOW_WHISTLE: "whistles.new",
    OrderAction.MERGE: "orders.merge",
}
"""Actions with a page of their own; their button leads there."""
ANSWERS = frozenset(
    {
        OrderAction.CALL_BACK,
        OrderAction.CLOSE_SOLVED,
        OrderAction.CLOSE_PARTLY,
        OrderAction.CLOSE_UNSOLVED,
        OrderAction.NOT_REACHED,
    }
)
"""Actions that the callback form takes together."""

BULK_ACTIONS: dict[Role, tuple[OrderAction, ...]] = {
    Role.DISPATCHER: (OrderAction.DISPATCH,),
    Role.STREET_CENTRE: (OrderAction.ACCEPT, OrderAction.CONTACT, OrderAction.HANDLE),
    Role.HANDLER: (OrderAction.ACCEPT, OrderAction.CONTACT, OrderAction.HANDLE),
    Role.FIELD_STAFF: (OrderAction.CONTACT, OrderAction.HANDLE),
    Role.CALLBACK_CLERK: (OrderAction.CALL_BACK,),
}
"""What may be done to several orders at once: only steps that need no words of their own for each."""
BULK_MAX = 100


def say_problem(error: GridgovError) -> str:
    """Return why an action was refused, in the language of the page."""
    if isinstance(error, OrderActionError):
        return str(gettext(f"orders.refused.{error.refusal}"))
    if isinstance(error, ConflictError):
        return str(gettext("orders.refused.conflict"))
    return str(gettext("orders.refused.other"))


class FormError(GridgovError):
    """A field of a form cannot be read; the message is for the person who typed it.

    Attributes
    ----------
    name
        The field.
    """

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


def read_facts(runtime: CityRuntime, action: OrderAction, form: Mapping[str, str]) -> Facts:
    """Return what the form of an action says.

    Raises
    ------
    FormError
        A date or a coordinate cannot be read, or the second person did not sign.
    """
    return Facts(
        at=get_service().get_now(),
        reason_code=form.get("reason_code", "").strip()[:64],
        text=form.get("text", "").strip()[:4000],
        unit_code=form.get("unit_code", "").strip()[:32],
        target_order_no=form.get("target_order_no", "").strip()[:80],
        until=read_date(form.get("until", "")),
        reference=form.get("reference", "").strip()[:64],
        persons=form.get("persons", "").strip()[:1000],
        ground=_read_ground(form.get("ground", "")),
        evidence=_read_evidence(runtime, form),
        answer=ANSWERED.get(action),
        second=read_second(form),
    )


def read_date(text: str) -> date | None:
    """Return the day of a field, None for an empty one.

    Raises
    ------
    FormError
        It is no day.
    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise FormError("until", gettext("orders.form.no_date", found=text[:20])) from error


def read_point(
    form: Mapping[str, str], *, names: tuple[str, str] = ("lon", "lat")
) -> tuple[float, float] | None:
    """Return the point of two fields, EPSG:4326, None where both are empty.

    Raises
    ------
    FormError
        One is missing or no coordinate.
    """
    texts = [form.get(name, "").strip() for name in names]
    if not any(texts):
        return None
    try:
        lon, lat = (float(text) for text in texts)
    except ValueError as error:
        raise FormError(names[0], gettext("orders.form.no_point")) from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise FormError(names[0], gettext("orders.form.no_point"))
    return lon, lat


def _read_ground(text: str) -> Ground | None:
    known: dict[str, Ground] = {ground: ground for ground in get_args(Ground)}
    return known.get(text)


def _read_evidence(runtime: CityRuntime, form: Mapping[str, str]) -> Evidence | None:
    point = read_point(form, names=("evidence_lon", "evidence_lat"))
    if point is None:
        return None
    source = form.get("evidence_source", "").strip()[:200]
    return make_evidence(runtime, *point, source=source)


def read_second(form: Mapping[str, str]) -> Actor | None:
    """Return the second person, who signs with their own password on the same page; None where nobody did.

    Raises
    ------
    FormError
        Login and password do not fit, or the account is locked.
    """
    login = form.get("second_login", "").strip()
    if not login:
        return None
    actor = sign_second(login, request.form.get("second_password", ""), form.get("second_code", ""))
    if actor is None:
        raise FormError("second_login", gettext("orders.form.second_wrong"))
    return actor
