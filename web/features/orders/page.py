"""The page of one order: what was said, where it is, who answers and why, its clocks and history, what can be done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from flask import flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from geodata.crs import find_utm_crs
from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.issues.find import Issues, find_issues
from gridgov.rules.orders.transitions import OrderAction, OrderState
from gridgov.services.intake.amend import AMENDERS
from gridgov.services.intake.pins import MOVERS
from gridgov.services.orders.handling import ActionView, find_actions, find_undoable
from gridgov.services.orders.issues import MERGERS
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.order_detail import OrderDetail, find_near, get_order_detail
from gridgov.storage.queries.orders import find_item_names, find_unit_names
from web.features.orders.blueprint import blueprint
from web.features.orders.facts import ANSWERS, ELSEWHERE, say_problem
from web.features.orders.filters import SOON
from web.features.orders.map import make_order_map
from web.kit.access_log import note_person
from web.kit.auth import has_permission
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading

ROLES = ("same", "related", "person", "near")
MOST_SHOWN = 20
GRID_STEP_M = 120.0
"""How far around an order its neighbours are looked for: the cells that such a step touches [A]."""


@dataclass(frozen=True, kw_only=True)
class Similar:
    """An order that may be about the same thing.

    Parameters
    ----------
    row
        Of ``find_near``.
    role
        How it stands to this one: ``same``, ``related``, ``person`` (the same person), ``near``.
    probability
        That it is the same, where it was compared.
    reasons
        Why, readable.
    """

    row: Any
    role: str
    probability: float | None
    reasons: str


@blueprint.get("/<order_no>")
@permission(Permission.ORDERS_READ)
def show(order_no: str) -> str | BaseResponse | tuple[str, int]:
    """Show an order."""
    try:
        return show_order(order_no)
    except NotFoundError:
        if not request.args.get("done"):
            raise
        # The step just taken has put it into other hands.
        flash(gettext("orders.out_of_sight", order_no=order_no), "info")
        return redirect(to("orders.index"))


def show_order(
    order_no: str, *, problem: GridgovError | None = None, at: OrderAction | str | None = None
) -> str:
    """Return the page of an order, with what went wrong and what was typed at the action `at`."""
    session = reading()
    detail = get_order_detail(session, order_no)
    if detail.person is not None:
        note_person(order_no)
    actions: tuple[ActionView, ...] = ()
    if has_permission(Permission.ORDERS_ACT):
        actions = find_actions(session, get_runtime(), order_no, actor=get_scope().actor)
    return render_template(
        "orders/one.html",
        detail=detail,
        order=detail.order,
        appeal=detail.appeal,
        names=find_detail_names(detail),
        actions=[action for action in actions if action.action not in ANSWERS],
        answers=[action for action in actions if action.action in ANSWERS],
        elsewhere=ELSEWHERE,
        problem=problem,
        problem_at=at,
        typed=request.form if problem else {},
        map=make_order_map(session, detail),
        soon_hours=SOON / timedelta(hours=1),
        paused=detail.order.state is OrderState.SUSPENDED,
        can_move_pin=can_move_pin(detail.order),
        undoable=find_undoable_action(session, detail.order),
        can_correct=can_correct(detail.order),
        missed_reasons=get_service().get_city().constants.texts("rates.not_reached_reasons"),
        can_leave_issue=bool(detail.members) and get_scope().role in MERGERS,
        say_problem=say_problem,
    )


def can_move_pin(order: Order) -> bool:
    """Tell whether the visitor may move the point of an order (``services.pins``)."""
    actor = get_scope().actor
    is_near = actor.unit_code in {order.desk_code, order.unit_code}
    return order.outcome is Outcome.OPEN and actor.role in MOVERS and is_near


def find_undoable_action(session: Session, order: Order) -> str:
    """Return the step that the visitor may take back now, empty for none."""
    if not has_permission(Permission.ORDERS_ACT):
        return ""
    now = get_service().get_now()
    found = find_undoable(session, get_runtime(), order, actor=get_scope().actor, at=now)
    return "" if isinstance(found, str) else found.action


def can_correct(order: Order) -> bool:
    """Tell whether the visitor may correct item, words and address of an order (``services.intake.amend``)."""
    actor = get_scope().actor
    is_desk = actor.role in AMENDERS and actor.unit_code == order.desk_code
    return is_desk and order.outcome is Outcome.OPEN and order.replied_at is None


AREA_KINDS = ("street", "community", "district", "exception")


def find_detail_names(detail: OrderDetail) -> dict[str, str]:
    """Return names of every unit, item and area that the page mentions."""
    session, order, appeal = reading(), detail.order, detail.appeal
    units = {order.unit_code, order.desk_code, order.bound_unit_code}
    units |= {code for one in detail.transfers for code in (one.from_unit_code, one.to_unit_code)}
    units |= {one.unit_code for one in (*detail.disputes, *detail.siblings, *detail.members)}
    units |= {entry.unit_code for entry in detail.history}
    sides = (side for entry in detail.history for side in (entry.before, entry.after) if side)
    units |= {side.get("unit_code") or "" for side in sides}
    items = {order.item_code, order.level1_code, *(one.item_code for one in detail.members)}
    areas = {
        *(one.evidence.get("street_code", "") for one in detail.disputes if one.evidence),
        appeal.street_code,
        appeal.neighbour_code,
        appeal.community_code,
        appeal.district_code,
        appeal.exception_code,
    }
    return (
        get_area_names(session, AREA_KINDS, codes={code for code in areas if code})
        | find_item_names(session, {item for item in items if item})
        | find_unit_names(session, units - {""})
    )


def _read_pair(pair: Issues) -> tuple[float | None, str]:
    """Return probability and reasons of two appeals that were compared alone, nothing where they have no tie."""
    linked = pair.appeals[pair.appeals["like_appeal_no"].notna()]
    if len(linked):
        return float(linked["score"].iloc[0]), str(linked["reasons"].iloc[0])
    if len(pair.related):
        return float(pair.related["score"].iloc[0]), str(pair.related["reasons"].iloc[0])
    return None, ""


@blueprint.get("/<order_no>/similar")
@permission(Permission.ORDERS_READ)
def similar(order_no: str) -> str:
    """Return orders that may be about the same thing, with the reasons: a part of the page."""
    session = reading()
    order = get_order_detail(session, order_no).order
    found = find_similar(order)
    rows = [one.row for one in found]
    names = find_unit_names(session, {row.unit_code for row in rows}) | find_item_names(
        session, {row.item_code for row in rows} - {None}
    )
    return render_template("orders/similar.html", order=order, found=found, names=names)


def find_similar(order: Order) -> list[Similar]:
    """Return orders near this one, those that are probably the same first."""
    runtime, session = get_runtime(), reading()
    rows = [row for row in find_near(session, order, _find_cells(order)) if row.lon is not None]
    if len(rows) < 2:
        return []
    frame = pd.DataFrame(rows, columns=rows[0]._fields)
    catalogue = runtime.city.catalogue
    codes = frame["item_code"].dropna().unique()
    level1 = {code: runtime.find_level1(code) or code for code in codes}
    metric_crs = runtime.city.settings.metric_crs or find_utm_crs(
        frame["lon"].median(), frame["lat"].median()
    )

    def judge(chosen: pd.DataFrame) -> Issues:
        return find_issues(
            chosen,
            metric_crs=metric_crs,
            level1=level1,
            names={} if catalogue is None else catalogue.names,
        )

    return _compare(order.order_no, rows, frame, judge)


def _find_cells(order: Order) -> list[str]:
    """Return the order's cell and those around it."""
    grid = get_runtime().territory.grid
    if order.cell_code is None or order.lon is None or order.lat is None or grid is None:
        return [order.cell_code] if order.cell_code else []
    step_lat = GRID_STEP_M / 111_320.0
    step_lon = step_lat / float(np.cos(np.radians(order.lat)))
    steps = np.array([-1.0, 0.0, 1.0])
    lon, lat = (
        part.ravel()
        for part in np.meshgrid(order.lon + steps * step_lon, order.lat + steps * step_lat)
    )
    found = get_runtime().territory.judge(lon, lat, np.zeros(len(lon)))["cell_code"]
    return sorted({order.cell_code, *found.dropna()})


def _compare(
    order_no: str, rows: list[Any], frame: pd.DataFrame, judge: Callable[[pd.DataFrame], Issues]
) -> list[Similar]:
    """Return the other rows with how each stands to the order, the likeliest first.

    What stands beside a row is said of these two: an appeal may be in the issue because of a third one.
    """
    issues = judge(frame)
    own = next((row for row in rows if row.order_no == order_no), None)
    if own is None:
        return []
    judged = issues.appeals.set_index("appeal_no")
    links = {
        frozenset((row.appeal_no, row.related_appeal_no)): row
        for row in issues.related.itertuples()
    }
    found = []
    for row in rows:
        if row.order_no == order_no or row.appeal_no == own.appeal_no:
            continue
        told, link = judged.loc[row.appeal_no], links.get(frozenset((row.appeal_no, own.appeal_no)))
        if told["issue_no"] == judged.loc[own.appeal_no, "issue_no"]:
            pair = judge(frame[frame["appeal_no"].isin([row.appeal_no, own.appeal_no])])
            role, (score, reasons) = "same", _read_pair(pair)
        elif link is not None:
            role, score, reasons = "related", link.score, link.reasons
        else:
            is_person = bool(row.person_key) and row.person_key == own.person_key
            role, score, reasons = "person" if is_person else "near", None, ""
        known = None if score is None or pd.isna(score) else float(score)
        found.append(Similar(row=row, role=role, probability=known, reasons=str(reasons)))
    return sorted(found, key=lambda one: ROLES.index(one.role))[:MOST_SHOWN]
