"""City supervision (督导): all streets with their plans, classes decided by people, and what follows a rank."""

from datetime import date, datetime
from typing import Any

import pandas as pd
from flask import flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from gridgov.errors import GridgovError, NotFoundError
from gridgov.rules.rates.assessment import assess_counts
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.rules.streets import CLASSES
from gridgov.services.plans.classes import decide_class, may_decide
from gridgov.services.plans.follow_ups import (
    CLOSED,
    Rank,
    close_follow_up,
    give_notice,
    record_talk,
)
from gridgov.storage.queries.areas import (
    get_area_names,
    get_area_parents,
    get_unit_names,
    get_units,
)
from gridgov.storage.queries.plans import (
    get_classes,
    list_class_log,
    list_class_months,
    list_follow_ups,
    list_standings,
)
from gridgov.storage.queries.rate_counts import get_rate_counts
from gridgov.storage.scope.apply import without_row_scope
from web.features.planning.entry import blueprint, get_person
from web.features.planning.workplace import read_version
from web.kit import limits
from web.kit.page_helpers import find_zone, to
from web.kit.permissions import Permission, permission
from web.kit.service import get_constants, get_runtime, get_service, reading, writing

GOVERNED = ("governance", "rectification")
KINDS = {"interview": "interview", "commended": "commendation"}
"""Outcome of a ranking → what follows it."""


@blueprint.get("/oversight")
@permission(Permission.PLANNING_READ)
def oversight() -> str:
    """Show where each street under governance or rectification stands with its plan."""
    session, now = reading(), get_service().get_now()
    today = now.astimezone(find_zone()).date()
    standings = list_standings(session, today=today)
    classes = get_classes(session).set_index("street_code")["class"].to_dict()
    names, districts = get_area_names(session), get_area_names(session, ("district",))
    parents = get_area_parents(session, "street")
    shown = request.args.get("of", "governed")
    if shown not in {"governed", "all"}:
        raise NotFoundError("list of streets", shown)
    codes = [code for code in names if shown == "all" or classes.get(code) in GOVERNED]
    if shown == "all":
        codes = [code for code in codes if code in standings or classes.get(code) in GOVERNED]
    rows = [
        {
            "street_code": code,
            "street": names[code],
            "district": districts.get(parents.get(code, ""), ""),
            "class": classes.get(code, ""),
            "standing": standings.get(code),
        }
        for code in sorted(codes)
    ]
    rows.sort(key=_find_gravity)
    return render_template(
        "planning/oversight.html",
        rows=rows,
        of=shown,
        today=today,
        slipping=sum(bool(row["standing"] and row["standing"].slips) for row in rows),
        without=sum(row["standing"] is None or row["standing"].running is None for row in rows),
    )


def _find_gravity(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the key that puts what needs somebody first: slipping, without a plan at work, the rest."""
    standing = row["standing"]
    if standing is None:
        return (1, 0, row["street_code"])
    return (
        0 if standing.slips else 1 if standing.running is None else 2,
        -len(standing.slips),
        row["street_code"],
    )


# --- classes --------------------------------------------------------------------------------------


@blueprint.get("/classes")
@permission(Permission.PLANNING_READ)
def classes() -> str:
    """Show the proposals of the newest month, and what was decided."""
    session = reading()
    names = get_area_names(session)
    frame = get_classes(session)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    rows = [row for row in rows if row["proposed"] or row["decided"] is not None]
    rows.sort(key=lambda row: (row["decided_at"] is not None, row["street_code"]))
    person, now, runtime = get_person(), get_service().get_now(), get_runtime()
    return render_template(
        "planning/classes.html",
        rows=[
            {
                **row,
                "street": names.get(row["street_code"], row["street_code"]),
                "may": may_decide(runtime, person, row["street_code"], at=now),
            }
            for row in rows
        ],
        classes=CLASSES,
    )


@blueprint.get("/classes/<street_code>")
@permission(Permission.PLANNING_READ)
def street_classes(street_code: str) -> str:
    """Show the classes of a street month by month, with every decision."""
    session = reading()
    names = get_area_names(session)
    if street_code not in names:
        raise NotFoundError("street", street_code)
    return render_template(
        "planning/street_classes.html",
        street_code=street_code,
        street_name=names[street_code],
        months=list_class_months(session, street_code),
        log=list_class_log(session, street_code),
    )


@blueprint.post("/classes/<street_code>/<month>")
@permission(Permission.CLASSES_DECIDE)
@limits.limited(limits.CHANGES)
def decide(street_code: str, month: str) -> Response:
    """Decide the class of a street from a month on."""
    with writing() as session:
        decide_class(
            session,
            get_runtime(),
            street_code,
            month,
            decided=request.form.get("class", ""),
            reason=request.form.get("reason", "")[:2_000],
            person=get_person(),
            at=get_service().get_now(),
        )
    flash(gettext("planning.class_decided", month=month), "success")
    return redirect(to("planning.classes"))


# --- what follows a rank --------------------------------------------------------------------------


@blueprint.get("/follow-ups")
@permission(Permission.PLANNING_READ)
def follow_ups() -> str:
    """Show what followed ranks, with the score of the month after, and whom the newest ranking would call."""
    session = reading()
    scores = _make_scores(session)
    rows = list_follow_ups(session)
    known = {(row.month, row.unit_code, row.kind) for row in rows}
    newest = max((month for month in scores["month"].unique() if _is_over(month)), default="")
    called = scores[(scores["month"] == newest) & scores["outcome"].isin(list(KINDS))]
    return render_template(
        "planning/follow_ups.html",
        rows=[{"row": row, "after": _find_after(scores, row.month, row.unit_code)} for row in rows],
        candidates=[
            {**one, "kind": KINDS[one["outcome"]]}
            for one in called.to_dict("records")
            if (newest, one["unit_code"], KINDS[one["outcome"]]) not in known
        ],
        month=newest,
        names=get_unit_names(session),
        closed=CLOSED,
    )


def _make_scores(session: Session) -> pd.DataFrame:
    """Return ``month unit_code rank ranked score outcome`` of every assessed month; the ranking is public."""
    with without_row_scope(session):
        counts, units = get_rate_counts(session), get_units(session)
    columns = ["month", "unit_code", "rank", "ranked", "score", "outcome"]
    if counts.empty:
        return pd.DataFrame(columns=columns)
    table = assess_counts(counts, units, constants=get_constants())
    made: pd.DataFrame = table[columns].sort_values(["month", "rank"])
    return made


def _is_over(month: str) -> bool:
    """Tell whether an assessed month has ended: one that has only begun would rank units by a few days."""
    rules = make_window_rules(get_constants())
    end = make_month(month, rules, find_zone()).end_at
    return bool(get_service().get_now() >= end.to_pydatetime())


def _find_after(scores: pd.DataFrame, month: str, unit_code: str) -> dict[str, Any] | None:
    """Return the score of the month after, None where it has not been assessed."""
    own = scores[(scores["unit_code"] == unit_code) & (scores["month"] > month)]
    if own.empty:
        return None
    first = own.iloc[0]
    score = first["score"]
    return {"month": first["month"], "score": None if pd.isna(score) else float(score)}


@blueprint.post("/follow-ups")
@permission(Permission.CLASSES_DECIDE)
@limits.limited(limits.CHANGES)
def add_follow_up() -> Response:
    """Give a unit notice."""
    form = request.form
    with writing() as session:
        scores = _make_scores(session)
        month, unit = form.get("month", ""), form.get("unit_code", "")
        own = scores[(scores["month"] == month) & (scores["unit_code"] == unit)]
        if own.empty:
            raise NotFoundError("rank", f"{unit} {month}")
        first = own.iloc[0]
        give_notice(
            session,
            get_runtime(),
            Rank(
                month=month,
                unit_code=unit,
                rank=_as_int(first["rank"]),
                of_units=_as_int(first["ranked"]),
                score=None if pd.isna(first["score"]) else float(first["score"]),
            ),
            form.get("kind", ""),
            notice=form.get("notice", "")[:2_000],
            due_on=read_day(form.get("due_on", "")),
            person=get_person(),
            at=get_service().get_now(),
        )
    return redirect(to("planning.follow_ups"))


@blueprint.post("/follow-ups/<int:number>")
@permission(Permission.CLASSES_DECIDE)
@limits.limited(limits.CHANGES)
def change_follow_up(number: int) -> Response:
    """Record the talk, or close with a result."""
    form, person, now = request.form, get_person(), get_service().get_now()
    seen = read_version() or 0
    with writing() as session:
        if form.get("step") == "talk":
            held_on = read_day(form.get("held_on", "")) or _get_today(now)
            record_talk(
                session,
                get_runtime(),
                number,
                held_on=held_on,
                persons=form.get("persons", "")[:500],
                tasks=form.get("tasks", "")[:2_000],
                person=person,
                at=now,
                seen_version=seen,
            )
        else:
            close_follow_up(
                session,
                get_runtime(),
                number,
                result=form.get("result", "")[:2_000],
                person=person,
                at=now,
                seen_version=seen,
            )
    return redirect(to("planning.follow_ups"))


def read_day(text: str) -> date | None:
    """Return a day of a form, None where none is given.

    Raises
    ------
    GridgovError
        It is no day.
    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise GridgovError(f"day {text!r}; expected a day such as 2025-06-30") from error


def _get_today(now: datetime) -> date:
    return now.astimezone(find_zone()).date()


def _as_int(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
