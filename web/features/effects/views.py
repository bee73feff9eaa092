"""What works: all tasks that are done with their effects, measures pooled, and the library with what was measured."""

import pandas as pd
from flask import Blueprint, Response, render_template

from gridgov.pack.read_tables import MEASURE_COLUMNS
from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.effects import MEASURES, get_analysis, list_task_effects
from planner.plans.measures import apply_measured
from web.features.effects.page import make_effects_view
from web.kit import limits
from web.kit.exports import make_csv, send_csv
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, reading

NUMBERS = ("days", "cost_low", "cost_high", "effect", "effect_low", "effect_high")
"""Columns of the library that hold numbers."""

blueprint = Blueprint("effects", __name__, url_prefix="/effects")


@blueprint.get("")
@permission(Permission.PLANNING_READ)
def index() -> str:
    """Show measures and tasks with their effects."""
    session = reading()
    kept = get_analysis(session, MEASURES)
    view = make_effects_view(list_task_effects(session), None if kept is None else kept.content)
    return render_template(
        "effects/index.html",
        view=view,
        made_at=None if kept is None else kept.made_at,
        streets=get_area_names(session, ("street",)),
    )


@blueprint.get("/measures.csv")
@permission(Permission.PLANNING_READ)
@limits.limited(limits.EXPORTS)
def export() -> Response:
    """Send the library of measures with what was measured, in the form of the pack's table."""
    kept = get_analysis(reading(), MEASURES)
    library = get_runtime().city.tables.get("measures")
    table = pd.DataFrame(columns=list(MEASURE_COLUMNS)) if library is None else library
    measured = [] if kept is None else kept.content["measures"]
    made = apply_measured(table, measured)
    # A text that begins with a minus would be guarded as a formula; numbers are not.
    numbers = made[list(NUMBERS)].apply(pd.to_numeric, errors="coerce").astype(object)
    made[list(NUMBERS)] = numbers.where(numbers.notna(), "")
    return send_csv("measures.csv", make_csv(MEASURE_COLUMNS, made.to_numpy().tolist()))
