"""A new appeal by form: item and place are suggested while typing, unit and deadlines shown before it is saved."""

import secrets
from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask import flash, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from gridgov.rules.orders.transitions import OrderState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.checks import OWN_SOURCE, IntakeError
from gridgov.services.intake.take_in import NewAppeal, Prepared, prepare, take_in
from gridgov.storage.models.orders import Order
from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.orders import find_item_names, find_unit_names
from web.features.orders.blueprint import blueprint
from web.features.orders.facts import FormError, read_point
from web.features.orders.map import find_outlines
from web.kit import limits
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_scope, get_service, reading, writing

FIELDS = ("text", "address", "item_code", "channel", "kind", "name", "phone", "appeal_no")
CHANNELS = ("电话", "网站", "微信", "政务大厅", "来信")
"""Offered for the channel; any other may be typed. The city's own words are data of its export."""
MOST_SUGGESTED = 8
SHORTEST_QUERY = 2


@blueprint.get("/new")
@permission(Permission.APPEALS_CREATE)
def new() -> str:
    """Show the form."""
    return show_form({})


@blueprint.post("/new")
@permission(Permission.APPEALS_CREATE)
@limits.limited(limits.CHANGES)
def take() -> BaseResponse | tuple[str, int]:
    """Take the appeal in; what is wrong comes back with everything that was typed."""
    runtime, now = get_runtime(), get_service().get_now()
    try:
        appeal = read_appeal(request.form)
        with writing() as session:
            taken = take_in(
                session,
                runtime,
                appeal,
                now=now,
                actor=get_scope().actor,
                submit_key=request.form.get("submit_key", "").strip()[:64],
            )
            state = session.scalar(
                sa.select(Order.state).where(Order.order_no == taken.order_nos[0])
            )
    except IntakeError as error:
        return show_form(request.form, errors=say_faults(error)), 422
    except FormError as error:
        return show_form(request.form, errors={error.name: str(error)}), 422
    # It is dispatched only where nobody must look at it first.
    waits = state is OrderState.RECEIVED
    new_key = "orders.taken_waits" if waits else "orders.taken"
    key = new_key if taken.is_new else "orders.taken_before"
    flash(gettext(key, order_no=taken.order_nos[0]), "success" if taken.is_new else "info")
    return redirect(to("orders.show", order_no=taken.order_nos[0], done="take_in"))


def show_form(typed: Mapping[str, str], *, errors: Mapping[str, str] | None = None) -> str:
    """Return the form with what was typed and what is wrong with it."""
    runtime = get_runtime()
    catalogue = runtime.city.catalogue
    kinds = [] if catalogue is None else sorted(set(catalogue.items["kind"].dropna()) - {""})
    code = typed.get("item_code", "")
    centre = runtime.city.extent.centroid
    return render_template(
        "orders/new.html",
        typed=typed,
        errors=errors or {},
        submit_key=typed.get("submit_key") or secrets.token_urlsafe(24),
        kinds=kinds,
        channels=CHANNELS,
        item_name=find_item_names(reading(), {code}).get(code, "") if code else "",
        start={
            "lon": centre.x,
            "lat": centre.y,
            "uncertainty_m": 0,
            "streets": find_outlines(runtime, centre.x, centre.y, own=""),
        },
    )


def read_appeal(form: Mapping[str, str]) -> NewAppeal:
    """Return what the form says.

    Raises
    ------
    FormError
        The point cannot be read.
    """
    point = read_point(form)
    return NewAppeal(
        received_at=get_service().get_now(),
        source=OWN_SOURCE,
        lon=None if point is None else point[0],
        lat=None if point is None else point[1],
        **{name: form.get(name, "") for name in FIELDS}
        # An item whose name was typed in full and not chosen is meant all the same.
        | {"item_code": form.get("item_code", "") or _read_item(form.get("item_words", ""))},
    )


def _read_item(words: str) -> str:
    catalogue = get_runtime().city.catalogue
    return "" if catalogue is None else catalogue.find_code(words) or ""


def say_faults(error: IntakeError) -> dict[str, str]:
    """Return field → what is wrong with it, in the language of the page."""
    known = {
        "text": "no_text",
        "received_at": "no_time",
        "lon": "outside",
        "lat": "outside",
        "item_code": "no_item",
    }
    said = {}
    for problem in error.problems:
        name = (problem.field or "text").split()[0]
        key = "too_long" if "longer" in problem.problem else known.get(name, "wrong")
        said[name] = f"{gettext(f'orders.intake.{key}')} ({problem.problem}; {problem.expected})"
    return said


@blueprint.post("/new/preview")
@permission(Permission.APPEALS_CREATE)
def preview() -> str:
    """Return place, unit and deadlines of what has been typed so far: a part of the form."""
    runtime, session = get_runtime(), reading()
    try:
        prepared = prepare(session, runtime, read_appeal(request.form), now=get_service().get_now())
    except (IntakeError, FormError):
        return render_template(
            "orders/preview.html", prepared=None, names={}, place={}, outlines=None
        )
    place = prepared.place
    codes = {prepared.decision.unit_code}
    names = find_unit_names(session, codes) | get_area_names(session, ("street", "community"))
    return render_template(
        "orders/preview.html",
        prepared=prepared,
        place=place,
        names=names | find_item_names(session, {prepared.item_code or ""}),
        outlines=make_preview_map(runtime, prepared),
    )


def make_preview_map(runtime: CityRuntime, prepared: Prepared) -> dict[str, Any] | None:
    """Return what the map of the form shows of a place, None where there is none."""
    lon, lat = prepared.place["lon"], prepared.place["lat"]
    if lon is None or lat is None:
        return None
    own = prepared.place["street_code"] or ""
    return {
        "lon": lon,
        "lat": lat,
        "uncertainty_m": prepared.place["uncertainty_m"] or 0,
        "streets": find_outlines(runtime, lon, lat, own=own),
    }


@blueprint.get("/suggest/places")
@permission(Permission.APPEALS_CREATE)
def suggest_places() -> str:
    """Return places whose names begin with, or contain, what has been typed."""
    sought = request.args.get("address", "").strip()[:200]
    found: list[dict[str, Any]] = []
    if len(sought) >= SHORTEST_QUERY:
        frame = get_runtime().geocoder.suggest(sought, limit=MOST_SUGGESTED)
        found = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return render_template("orders/places.html", found=found)


@blueprint.get("/suggest/items")
@permission(Permission.APPEALS_CREATE)
def suggest_items() -> str:
    """Return items of the catalogue for what the person said, or for words of the operator."""
    sought = (request.args.get("item_words", "") or request.args.get("text", "")).strip()[:2000]
    found = find_items(sought, by_model=not request.args.get("item_words"))
    parents = find_item_names(reading(), {str(row["parent"]) for row in found if row["parent"]})
    return render_template("orders/items.html", found=found[:MOST_SUGGESTED], parents=parents)


def find_items(sought: str, *, by_model: bool) -> list[dict[str, Any]]:
    """Return items that fit words, as the list of suggestions shows them; by the trained model first."""
    runtime = get_runtime()
    found: list[dict[str, Any]] = []
    if runtime.city.catalogue is not None and len(sought) >= SHORTEST_QUERY:
        found = _suggest_by_model(runtime, sought) if by_model else []
        known = {row["item_code"] for row in found}
        on = runtime.get_day(get_service().get_now())
        matches = runtime.city.catalogue.search(sought, on=on, limit=MOST_SUGGESTED)
        found += [
            {"item_code": row.item_code, "name": row.name, "parent": row.parent_code, "sure": None}
            for row in matches.itertuples(index=False)
            if row.item_code not in known and int(row.level) == 3
        ]
    return found


def _suggest_by_model(runtime: CityRuntime, text: str) -> list[dict[str, Any]]:
    """Return what the trained classifier thinks, where the city has one."""
    if runtime.classifier is None or runtime.city.catalogue is None:
        return []
    row = runtime.classifier.suggest(pd.Series([text])).iloc[0]
    code = row["item_code"]
    if not isinstance(code, str):
        return []
    names = runtime.city.catalogue.names
    return [
        {
            "item_code": code,
            "name": names.get(code, code),
            "parent": "",
            "sure": float(row["item_confidence"]),
        }
    ]


@blueprint.get("/suggest/units")
@permission(Permission.ORDERS_ACT)
def suggest_units() -> str:
    """Return units in force whose name or code contains what has been typed."""
    sought = request.args.get("unit_code", "").strip()[:80]
    runtime = get_runtime()
    units = runtime.city.units
    on = runtime.get_day(get_service().get_now())
    rows = units[
        units["name"].str.contains(sought, regex=False)
        | units["unit_code"].str.contains(sought, regex=False)
    ]
    found = [
        (code, name)
        for code, name in rows[["unit_code", "name"]].head(60).itertuples(index=False)
        if runtime.book.is_in_force(code, on)
    ]
    return render_template("orders/units.html", found=found[:20])
