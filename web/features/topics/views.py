"""Monthly topics: the candidates of a year, one candidate with its evidence, and choosing with a reason."""

from collections.abc import Mapping

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from gridgov.errors import NotFoundError
from gridgov.services.topics import (
    Choice,
    TopicChoiceError,
    TopicEntry,
    choose_topic,
    get_history,
    get_topics,
    list_scopes,
    list_years,
)
from gridgov.storage.queries.areas import get_area_names, get_unit_names
from web.features.topics.page import CITY, PARTS, make_months, make_season_months, propose_month
from web.kit import limits
from web.kit.exports import make_csv, make_heads, say_yes, send_csv
from web.kit.page_helpers import to
from web.kit.permissions import Permission, is_granted, permission
from web.kit.service import get_scope, get_service, reading, writing

blueprint = Blueprint("topics", __name__, url_prefix="/topics")
FIGURES = (
    "persons",
    "persons_before",
    "streets",
    "solution_rate",
    "answers",
    "days",
    "units",
    "bounce_share",
    "growth_ratio",
    "season_share",
    "low_street_share",
    *PARTS,
    "score",
    "rank_low",
    "rank_high",
    "cure",
    "lead",
    "best_month",
)
"""Columns of the export that stand in ``figures``."""
COLUMNS = (
    "rank",
    "topic_code",
    "name",
    "theme_name",
    *FIGURES,
    "is_picked",
    "month",
    "reason",
)


@blueprint.get("")
@permission(Permission.PLANNING_READ)
def index() -> str:
    """Show the candidates of a year."""
    session = reading()
    years = list_years(session)
    if not years:
        return render_template("topics/index.html", years=[], entries=[])
    year, scope_code = read_year(years), read_scope()
    entries = get_topics(session, year=year, scope_code=scope_code)
    return render_template(
        "topics/index.html",
        years=years,
        year=year,
        scope_code=scope_code,
        scopes=list_scopes(session, year),
        area_names=get_area_names(session, ("district",)),
        unit_names=get_unit_names(session),
        entries=entries,
        months=make_months(entries),
        find_season=make_season_months,
    )


@blueprint.get("/candidates.csv")
@permission(Permission.PLANNING_READ)
@limits.limited(limits.EXPORTS)
def export() -> Response:
    """Send the candidates of a year as a file."""
    session = reading()
    year, scope_code = read_year(list_years(session)), read_scope()
    names = get_unit_names(session)
    rows = (
        make_export_row(one, names) for one in get_topics(session, year=year, scope_code=scope_code)
    )
    text = make_csv(
        make_heads("topics", COLUMNS), ([row.get(name, "") for name in COLUMNS] for row in rows)
    )
    return send_csv(f"topics-{year}-{scope_code or 'city'}.csv", text)


def make_export_row(entry: TopicEntry, units: Mapping[str, str]) -> dict[str, object]:
    """Return a candidate as a row of the file, in the words of the page."""
    row, choice = entry.row, entry.choice
    facts: dict[str, object] = {name: row.figures.get(name) for name in FIGURES}
    lead, cure = str(facts["lead"] or ""), str(facts["cure"] or "")
    facts["lead"] = units.get(lead, lead)
    facts["cure"] = gettext(f"topics.cure.{cure}") if cure else ""
    facts |= {"rank": row.rank, "topic_code": row.topic_code, "name": row.name}
    facts["theme_name"] = row.theme_name
    if choice is not None:
        picked = say_yes(choice.is_picked)
        facts |= {"is_picked": picked, "month": choice.month, "reason": choice.reason}
    return facts


@blueprint.get("/one")
@permission(Permission.PLANNING_READ)
def one() -> str:
    """Show a candidate: evidence, score, choices so far, and the form to choose."""
    return show_one({}, {})


@blueprint.post("/one")
@permission(Permission.TOPICS_CHOOSE)
@limits.limited(limits.CHANGES)
def choose() -> BaseResponse | tuple[str, int]:
    """Record a choice."""
    form = request.form
    month = form.get("month", "")
    choice = Choice(
        is_picked=form.get("decision") == "pick",
        reason=form.get("reason", ""),
        month=int(month) if month.isascii() and month.isdigit() else None,
        lead_unit_code=form.get("lead_unit_code", "").strip(),
    )
    year, scope_code, topic_code = read_year([]), read_scope(), request.args.get("code", "")
    try:
        with writing() as session:
            choose_topic(
                session,
                choice,
                year=year,
                scope_code=scope_code,
                topic_code=topic_code,
                actor=get_scope().actor,
                at=get_service().get_now(),
            )
    except TopicChoiceError as error:
        return show_one(form.to_dict(), {error.field: gettext(f"topics.wrong.{error.field}")}), 422
    flash(gettext("topics.picked") if choice.is_picked else gettext("topics.left"), "success")
    return redirect(to("topics.one", year=year, scope=scope_code, code=topic_code))


def show_one(typed: dict[str, str], errors: dict[str, str]) -> str:
    """Return the page of a candidate with what was typed."""
    session = reading()
    years = list_years(session)
    year, scope_code, topic_code = read_year(years), read_scope(), request.args.get("code", "")
    entries = get_topics(session, year=year, scope_code=scope_code)
    entry = next((each for each in entries if each.row.topic_code == topic_code), None)
    if entry is None:
        raise NotFoundError("topic", topic_code)
    months = make_months(entries)
    return render_template(
        "topics/one.html",
        entry=entry,
        year=year,
        scope_code=scope_code,
        season=make_season_months(entry.row.figures),
        history=get_history(session, year=year, scope_code=scope_code, topic_code=topic_code),
        unit_names=get_unit_names(session),
        area_names=get_area_names(session, ("district",)),
        proposed_month=propose_month(entry, months),
        parts=PARTS,
        typed=typed,
        errors=errors,
        may_choose=is_granted(get_scope().role, Permission.TOPICS_CHOOSE),
    )


def read_year(years: list[int]) -> int:
    """Return the year of the address, the newest if it says none.

    Raises
    ------
    NotFoundError
        It is no year, or there is none.
    """
    asked = request.args.get("year", "")
    if asked.isascii() and asked.isdigit() and len(asked) == 4:
        return int(asked)
    if asked or not years:
        raise NotFoundError("year of topics", asked)
    return years[0]


def read_scope() -> str:
    """Return the district of the address, empty for the city."""
    return request.args.get("scope", CITY)[:32]
