"""Dispatch: place + item + kind → unit, route, grade, reasons and whether a person must look.

The rules stand as a table in :mod:`gridgov.rules.dispatch.routes`. Each case is judged by the units, the
catalogue and the duty list of its own day, so that a past date can be replayed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gridgov.rules.catalogue import Item
from gridgov.rules.dispatch.book import DispatchBook, find_lead_kind, find_unclear_route
from gridgov.rules.dispatch.reasons import (
    say_address,
    say_grade,
    say_neighbour,
    say_retired,
    say_street,
    say_unit,
)
from gridgov.rules.dispatch.routes import RULES, Route, Rule
from gridgov.rules.in_force import EPOCH

CASE_COLUMNS = (
    "received_at",
    "channel",
    "kind",
    "lon",
    "place_level",
    "uncertainty_m",
    "matched",
    "item_code",
    "item_confidence",
    "street_code",
    "district_code",
    "exception_code",
    "boundary_m",
    "neighbour_code",
    "confidence",
)
"""What dispatch reads of a located appeal; ``item_confidence`` is missing where the item is certain."""

DECISION_COLUMNS = ("unit_code", "route", "grade", "review", "reasons")

_CHUNK = 50_000
"""Rows that are Python objects at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Who gets one order, how, and why."""

    unit_code: str
    route: str
    grade: str
    review: bool
    reasons: str


@dataclass(frozen=True, kw_only=True)
class Named:
    """A unit that a person has named for an order.

    Parameters
    ----------
    unit_code
        The unit.
    sentence
        Who named it and how, for people; stands where the rule's own reason would.
    """

    unit_code: str
    sentence: str


class _Situation(NamedTuple):
    """What of a case decides the rule."""

    item_code: str | None
    kind: str | None
    """``emergency``, ``consultation`` or ``other``; None where the appeal has no kind of its own."""
    placed: bool
    street_known: bool
    district_known: bool
    exception: bool
    period: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """What is the same for all cases of one situation."""

    rule: Rule
    item: Item | None
    lead: str
    emergency: str
    grade: str
    grade_text: str


def decide(
    case: Mapping[str, Any], book: DispatchBook, on: date, *, named: Named | None = None
) -> Decision:
    """Return the decision for one case.

    Parameters
    ----------
    case
        :data:`CASE_COLUMNS` by name; None or absent where missing.
    book
        Units, catalogue and constants of the city.
    on
        Day whose units, catalogue and duty list are used.
    named
        The unit that a person has named; None: the rules decide.
    """
    period = int(book.find_periods(on.toordinal() - EPOCH))
    plain = _decide(case, book, period)
    if named is None or (plain.unit_code == named.unit_code and not plain.review):
        return plain
    told = _decide(case, book, period, sentence=named.sentence)
    kind = book.unit_kinds.get(named.unit_code, "")
    route = ROUTES_OF_KINDS.get(kind, Route.DISPATCHER).value
    if plain.unit_code == named.unit_code:
        route = plain.route
    return replace(told, unit_code=named.unit_code, route=route, review=False)


ROUTES_OF_KINDS: Mapping[str, Route] = {
    "street": Route.STREET,
    "district": Route.DISTRICT,
    "department": Route.DEPARTMENT,
    "enterprise": Route.ENTERPRISE,
    "platform": Route.PLATFORM,
    "desk": Route.DESK,
    "emergency": Route.EMERGENCY,
    "joint": Route.JOINT,
}
"""Kind of the unit that a person names → how the order goes to it."""


def dispatch(cases: pd.DataFrame, book: DispatchBook, *, on: date | None = None) -> pd.DataFrame:
    """Return the decision for each case.

    Parameters
    ----------
    cases
        Located appeals with :data:`CASE_COLUMNS`, any index; (n,).
    book
        Units, catalogue and constants of the city.
    on
        Day whose units and catalogue are used; by default each case's own day of receipt.

    Returns
    -------
    Frame of :data:`DECISION_COLUMNS` on the index of `cases`.
    """
    frame = cases.reindex(columns=list(CASE_COLUMNS))
    if on is None:
        wall = frame["received_at"].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        days = np.where(np.isnat(wall), 0, wall.astype(np.int64))
    else:
        days = np.full(len(frame), on.toordinal() - EPOCH)
    periods = book.find_periods(days).tolist()
    decided = [
        _decide(case, book, period)
        for case, period in zip(_iterate_cases(frame), periods, strict=True)
    ]
    result = {name: [getattr(one, name) for one in decided] for name in DECISION_COLUMNS}
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype="bool" if name == "review" else "str")
            for name, values in result.items()
        }
    ).set_axis(cases.index)


def _iterate_cases(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    names = CASE_COLUMNS[1:]
    for start in range(0, len(frame), _CHUNK):
        chunk = frame.iloc[start : start + _CHUNK]
        columns = []
        for name in names:
            values = chunk[name].astype(object).to_numpy(copy=True)
            values[chunk[name].isna().to_numpy(dtype=bool)] = None
            columns.append(values.tolist())
        for row in zip(*columns, strict=True):
            yield dict(zip(names, row, strict=True))


def _decide(
    case: Mapping[str, Any], book: DispatchBook, period: int, *, sentence: str = ""
) -> Decision:
    """Return the decision; `sentence` stands for the rule's reason where a person has named the unit."""
    choice = _choose(case, book, period)
    rule = choice.rule
    unit = _find_unit(case, book, choice)
    retired = not book.is_in_force_in(unit, period)
    placed = _is_placed(case)
    unsure_place = _is_unsure_place(case, book, rule)
    unsure_item = _is_unsure_item(case, book, choice)
    texts = book.texts
    sentences = (
        say_address(case, texts),
        say_street(case, book.street_names, texts, placed=placed),
        sentence or say_unit(rule, choice.item, book.unit_names.get(unit), texts),
        say_neighbour(case, book.street_names, texts) if unsure_place and not sentence else "",
        texts["unsure_item"] if unsure_item and not sentence else "",
        texts["firm"] if case.get("channel") in book.firm_channels else "",
        say_retired(book.unit_names.get(unit), texts) if retired and not sentence else "",
        choice.grade_text,
    )
    return Decision(
        unit_code=book.find_first("desk") if retired else unit,
        route=Route.DISPATCHER.value if retired else rule.route.value,
        grade=choice.grade,
        review=rule.review or retired or unsure_place or unsure_item or not placed,
        reasons=texts["separator"].join(filter(None, sentences)),
    )


def _is_placed(case: Mapping[str, Any]) -> bool:
    return bool(case.get("lon") is not None or case.get("street_code") or case.get("district_code"))


def _choose(case: Mapping[str, Any], book: DispatchBook, period: int) -> _Choice:
    """Return the first rule whose facts all hold, from memory where a case like it was seen."""
    code, kind = case.get("item_code"), case.get("kind")
    key = _Situation(
        code if code and code in book.catalogue else None,
        # The kind of the appeal decides; an appeal without one is of its item's kind.
        book.kind_facts.get(kind, "other") if kind else None,
        _is_placed(case),
        bool(case.get("street_code")),
        bool(case.get("district_code")),
        bool(case.get("exception_code")),
        period,
    )
    choice = book.choices.get(key)
    if choice is None:
        choice = book.choices[key] = _find_choice(book, key)
    found: _Choice = choice
    return found


def _find_choice(book: DispatchBook, given: _Situation) -> _Choice:
    item = book.find_item(given.item_code, given.period) if given.item_code else None
    lead = find_lead_kind(book, item.lead) if item else ""
    route = find_unclear_route(book, item, period=given.period) if item else ""
    kind = given.kind or (book.kind_facts.get(item.kind) if item else None)
    names = {
        "@street": "street",
        "@district": "district",
        "street": "fixed_street",
        "district": "fixed_district",
    }
    said = {
        "emergency": kind == "emergency" or "emergency" in {route, lead},
        "consultation": kind == "consultation" or "desk" in {route, lead},
        "exception": given.exception,
        "unplaced": not given.placed,
        "street_known": given.street_known,
        "district_known": given.district_known,
        f"lead_{names.get(lead, lead)}": bool(lead),
        f"unclear_{route}": bool(route),
    }
    facts = {name for name, holds in said.items() if holds}
    grade = (item.grade if item else "") or book.constants.text("dispatch.default_grade")
    return _Choice(
        rule=next(rule for rule in RULES if rule.when <= facts),
        item=item,
        lead=item.lead if item else "",
        emergency=item.lead if item and lead == "emergency" else book.find_first("emergency"),
        grade=grade,
        grade_text=say_grade(book.grades[grade], book.language) if grade in book.grades else "",
    )


def _find_unit(case: Mapping[str, Any], book: DispatchBook, choice: _Choice) -> str:
    match choice.rule.target:
        case "street":
            return case.get("street_code") or ""
        case "district":
            return case.get("district_code") or ""
        case "exception":
            return book.exception_units.get(case.get("exception_code") or "", "")
        case "emergency":
            return choice.emergency
        case "desk":
            return book.find_first("desk")
        case "lead":
            return choice.lead


def _is_unsure_place(case: Mapping[str, Any], book: DispatchBook, rule: Rule) -> bool:
    """Tell whether the place decides the unit and may be the neighbour's.

    An order for the district is sure enough as long as both streets are in that district.
    """
    confidence = case.get("confidence")
    if confidence is None or confidence >= book.confidence_min:
        return False
    if rule.target == "district":
        across = book.street_districts.get(case.get("neighbour_code") or "")
        return across is not None and across != case.get("district_code")
    return rule.target == "street"


def _is_unsure_item(case: Mapping[str, Any], book: DispatchBook, choice: _Choice) -> bool:
    confidence = case.get("item_confidence")
    if confidence is not None and confidence < book.item_confidence_min:
        return True
    return choice.item is None and choice.rule.route not in {Route.EMERGENCY, Route.DESK}
