"""The whistle desk: calls that run, one call with its duties and units, and blowing with a preview before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, cast

from flask import Blueprint, g, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import OrderAction
from gridgov.rules.whistles.call import SCORES
from gridgov.rules.whistles.choosing import Change, UnitChange
from gridgov.rules.whistles.sentences import tell_plan, tell_stages
from gridgov.services.notices.inbox import Reach, find_reach
from gridgov.services.orders.handling import find_actions
from gridgov.services.orders.rows import get_order
from gridgov.services.whistles import calls as service
from gridgov.services.whistles.call_actions import CallAction, CallFacts, act_on_call
from gridgov.services.whistles.calls import Arrival
from gridgov.services.whistles.messages import make_blown_key
from gridgov.storage.queries.areas import get_area_names, get_item_names, get_unit_names
from gridgov.storage.queries.whistle_lists import (
    CallRecord,
    CallState,
    count_unit_calls,
    get_call_record,
    list_calls,
)
from web.features.whistles.call_page import find_steps, make_call_picture, make_unit_rows
from web.features.whistles.duty_picture import make_duty_picture
from web.features.whistles.rows import make_call_rows
from web.kit.links import to_order
from web.kit.page_helpers import to
from web.kit.page_scope import get_unit_scope, get_window
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading, writing

blueprint = Blueprint("whistles", __name__, url_prefix="/whistles")
STATES = ("running", "late", "closed", "all")
LONGEST_NOTE = 500


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Least and greatest value of a number."""

    least: float
    most: float


LONGITUDES, LATITUDES = Limits(least=-180.0, most=180.0), Limits(least=-90.0, most=90.0)
ACCURACIES_M = Limits(least=0.0, most=40_000_000.0)
"""Metres, once around the earth at most."""

REASONS = ("alone", "joint", "emergency")
"""Why a street calls (DOMAIN.md section 6): it cannot solve it alone, it has no power there, it is an emergency."""


@blueprint.get("")
@permission(Permission.WHISTLES_READ)
def index() -> str:
    """Show the calls."""
    session, now, window = reading(), get_service().get_now(), get_window()
    state = request.args.get("state", "running")
    if state not in STATES:
        raise NotFoundError("list of calls", state)
    codes = get_unit_scope().codes
    running = list_calls(session, now=now, state="running", unit_codes=codes)
    asked = cast("CallState", "" if state == "all" else state)
    shown = (
        running
        if state == "running"
        else list_calls(
            session, now=now, state=asked, unit_codes=codes, window=(window.start, window.end)
        )
    )
    units = count_unit_calls(session, start=window.start, end=window.end)
    return render_template(
        "whistles/index.html",
        state=state,
        rows=make_call_rows(session, shown, now=now),
        running=len(running),
        late=int((running["late"] > 0).sum()),
        units=units.astype(object).where(units.notna(), None).to_dict("records"),
        names=get_unit_names(session),
    )


@blueprint.get("/<call_no>")
@permission(Permission.WHISTLES_READ)
def show(call_no: str) -> str:
    """Show one call."""
    return _show(call_no)


def _show(call_no: str) -> str:
    session, now, scope = reading(), get_service().get_now(), get_scope()
    record = get_call_record(session, call_no)
    names = get_unit_names(session)
    rows = make_unit_rows(record, names=names, now=now, own_codes=(scope.unit_code,))
    return render_template(
        "whistles/show.html",
        call=record.call,
        order=record.order,
        order_href=to_order(record.order.order_no),
        street=get_area_names(session).get(record.call.street_code, record.call.street_code),
        item=get_item_names(session).get(record.call.item_code, record.call.item_code),
        names=names,
        rows=rows,
        steps={row.unit.unit_code: find_steps(record, row, scope.actor) for row in rows},
        picture=make_call_picture(record, names=names, now=now),
        reach=find_call_reach(session, record),
        undoable=service.find_undoable(
            session, get_runtime(), call_no, actor=scope.actor, at=get_service().get_now()
        ),
        scores=SCORES,
        done=request.args.get("done", ""),
    )


@blueprint.get("/<call_no>/reach")
@permission(Permission.WHISTLES_READ)
def reach(call_no: str) -> str:
    """Send what is known of who has got the call, for the page that lies open."""
    session = reading()
    record = get_call_record(session, call_no)
    return render_template(
        "whistles/reach.html",
        call=record.call,
        names=get_unit_names(session),
        reach=find_call_reach(session, record),
    )


def find_call_reach(session: Session, record: CallRecord) -> Mapping[str, Reach]:
    """Return how far the news of a call has reached each called unit."""
    return find_reach(
        session,
        make_blown_key(record.call.call_no),
        order_no=record.order.order_no,
        unit_codes=[unit.unit_code for unit in record.call.units],
    )


# --- steps ----------------------------------------------------------------------------------------


@blueprint.post("/<call_no>/steps")
@permission(Permission.WHISTLES_ACT)
def step(call_no: str) -> Response:
    """Take a step; what may be done is decided by the rules, not by the page."""
    name = request.form.get("step", "")
    if name not in list(CallAction):
        raise NotFoundError("step of a call", name)
    version = request.form.get("version", "")
    facts = _read_facts()
    with writing() as session:
        act_on_call(
            session,
            get_runtime(),
            call_no,
            CallAction(name),
            actor=get_scope().actor,
            facts=facts,
            seen_version=int(version) if version.isdecimal() else None,
        )
    return redirect(to("whistles.show", call_no=call_no, done=name))


def _read_facts() -> CallFacts:
    form = request.form
    score = form.get("score", "")
    return CallFacts(
        unit_code=form.get("unit_code", ""),
        duty_code=form.get("duty_code", ""),
        score=int(score) if score.isdecimal() else 0,
        arrival=Arrival(
            at=get_service().get_now(),
            lon=read_number(form.get("lon", ""), "longitude", "degrees", LONGITUDES),
            lat=read_number(form.get("lat", ""), "latitude", "degrees", LATITUDES),
            authority=form.get("authority", "full"),
            brought=tuple(form.getlist("brought")) if form.get("asked") else None,
            accuracy_m=read_number(form.get("accuracy_m", ""), "accuracy", "metres", ACCURACIES_M),
            by_name=g.visitor.name,
            note=form.get("note", "")[:LONGEST_NOTE],
        ),
    )


def read_number(text: str, what: str, unit: str, limits: Limits) -> float | None:
    """Return a number of a form, None where none is given.

    Parameters
    ----------
    text
        As it was typed.
    what, unit
        What it is and what it counts, for the message.
    limits
        Between which it lies.

    Raises
    ------
    GridgovError
        It is no number, or outside the limits.
    """
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise GridgovError(f"{what} {text!r}: expected {unit}, such as 39.9") from error
    if not limits.least <= value <= limits.most:
        raise GridgovError(
            f"{what} {value}: expected {unit} from {limits.least:.0f} to {limits.most:.0f}"
        )
    return value


# --- blowing --------------------------------------------------------------------------------------


@blueprint.get("/new/<order_no>", endpoint="new")
@permission(Permission.WHISTLES_READ)
def preview(order_no: str) -> str:
    """Show whom a call would bring together before it is blown."""
    return _preview(order_no)


def _preview(order_no: str, **typed: Any) -> str:
    session, now, runtime = reading(), get_service().get_now(), get_runtime()
    order = get_order(session, order_no)
    plan = service.make_plan(session, runtime, order_no, at=now)
    graph = runtime.get_duties(plan.on_date)
    offered = find_actions(session, runtime, order_no, actor=get_scope().actor)
    return render_template(
        "whistles/preview.html",
        order=order,
        order_href=to_order(order_no),
        plan=plan,
        name_of=graph.name_of,
        sentences=tell_plan(plan, graph),
        stages=tell_stages(plan, graph),
        picture=make_duty_picture(plan.duties, critical=plan.critical, name_of=graph.name_of),
        may_blow=any(one.action is OrderAction.BLOW_WHISTLE for one in offered),
        reasons=[(code, gettext(f"whistles.reason.{code}")) for code in REASONS],
        units=sorted(get_unit_names(session).items()),
        days_left=None if order.due_at is None else (order.due_at - now).total_seconds() / 86_400,
        typed={"reason": "", "text": "", "problem": "", "drop": (), "why": {}, "added": ()} | typed,
    )


@blueprint.post("/new/<order_no>")
@permission(Permission.WHISTLES_ACT)
def blow(order_no: str) -> Response | tuple[str, int]:
    """Blow the whistle."""
    form = request.form
    typed: dict[str, Any] = {name: form.get(name, "").strip() for name in ("reason", "text")}
    typed |= {
        "drop": form.getlist("drop"),
        "why": {
            name.removeprefix("why:"): text
            for name, text in form.items()
            if name.startswith("why:")
        },
        "added": [
            (unit.strip(), why.strip())
            for unit, why in zip_longest(form.getlist("add"), form.getlist("add_why"), fillvalue="")
            if unit.strip() or why.strip()
        ],
    }
    changes = read_changes(typed)
    if any(not one.unit_code for one in changes):
        return _preview(order_no, **typed, problem="whistles.unit_unknown"), 422
    if any(not one.reason for one in changes):
        return _preview(order_no, **typed, problem="whistles.change_unexplained"), 422
    if typed["reason"] not in REASONS:
        return _preview(order_no, **typed, problem="whistles.reason_missing"), 422
    version = request.form.get("version", "")
    facts = Facts(at=get_service().get_now(), reason_code=typed["reason"], text=typed["text"])
    runtime = get_runtime()
    with writing() as session:
        call = service.blow(
            session,
            runtime,
            order_no,
            actor=get_scope().actor,
            facts=facts,
            changes=changes,
            seen_version=int(version) if version.isdecimal() else None,
        )
        call_no = call.call_no
    return redirect(to("whistles.show", call_no=call_no, done="blow"))


def read_changes(typed: Mapping[str, Any]) -> list[UnitChange]:
    """Return the units that somebody adds or leaves out; an added one whose name is unknown has no code."""
    names = get_unit_names(reading())
    codes = {name: code for code, name in names.items()}
    dropped = [
        UnitChange(
            unit_code=code,
            name=names.get(code, code),
            change=Change.DROP,
            reason=typed["why"].get(code, "").strip(),
        )
        for code in typed["drop"]
    ]
    added = [
        UnitChange(
            unit_code=unit if unit in names else codes.get(unit, ""),
            name=names.get(unit, unit),
            change=Change.ADD,
            reason=why,
        )
        for unit, why in typed["added"]
    ]
    return [*dropped, *added]
