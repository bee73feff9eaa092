"""Dispatch: place + item + kind → unit, route, grade, reasons and whether a person must look.

Vectorised over frames; the decisions stand in :mod:`gridgov.rules.dispatch.routes`, the one-by-one rule in
:mod:`gridgov.rules.dispatch.judge_order` must say the same (tested). Each row is judged by the units, the
catalogue and the duty list of its own day, so that a past date can be replayed.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.dispatch.book import DispatchBook
from gridgov.rules.dispatch.reasons import Decided, make_reasons
from gridgov.rules.dispatch.routes import FACTS, NEEDS_PLACE, RULES, Route
from gridgov.rules.in_force import find_positions

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

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

_EPOCH = date(1970, 1, 1).toordinal()
_RULE_ROUTES = np.array([rule.route.value for rule in RULES], dtype=object)
_RULE_REVIEWS = np.array([rule.review for rule in RULES])
_RULE_ANSWERED = np.array([rule.route in {Route.EMERGENCY, Route.DESK} for rule in RULES])
_TARGETS = ("emergency", "desk", "exception", "lead", "street", "district")
_RULE_TARGETS = np.array([_TARGETS.index(rule.target) for rule in RULES])


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
    decided = decide(frame, book, _make_days(frame["received_at"], on))
    route = np.where(decided.retired, Route.DISPATCHER.value, _RULE_ROUTES[decided.rule])
    review = _RULE_REVIEWS[decided.rule] | decided.retired | decided.unsure_place
    review |= decided.unsure_item | ~decided.placed
    codes = book.unit_versions.codes.to_numpy(dtype=object)
    result = pd.DataFrame(
        {
            "unit_code": pd.Series(codes[decided.unit], dtype="str"),
            "route": pd.Series(route, dtype="str"),
            "grade": pd.Series(decided.grade, dtype="str"),
            "review": review,
            "reasons": make_reasons(frame, book, decided),
        }
    )
    return result.set_axis(cases.index)


def _make_days(received_at: pd.Series, on: date | None) -> Ints:
    if on is not None:
        return np.full(len(received_at), on.toordinal() - _EPOCH, dtype=np.int64)
    wall = received_at.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(wall), 0, wall.astype(np.int64)).astype(np.int64)


def decide(frame: pd.DataFrame, book: DispatchBook, days: Ints) -> Decided:
    """Return decisions as positions in the rules, the units and the catalogue."""
    item = book.catalogue.versions.find(frame["item_code"], days)
    facts = _make_facts(frame, book, item, book.find_periods(days))
    rule = _find_rules(facts)
    target = _RULE_TARGETS[rule]
    wanted = _find_units(frame, book, item, target)
    desk = _position(book, book.find_first("desk"))
    alive = book.unit_versions.find_at(wanted, days) >= 0
    constants = book.constants
    unsure = pd.to_numeric(frame["item_confidence"]).to_numpy(dtype=float)
    return Decided(
        rule=rule,
        unit=np.where(alive, wanted, desk),
        wanted=wanted,
        item=item,
        retired=~alive,
        unsure_place=_find_unsure_places(frame, book, target),
        unsure_item=(unsure < constants.number("dispatch.item_confidence_min"))
        | ((item < 0) & ~_RULE_ANSWERED[rule]),
        firm=_isin(frame["channel"], constants.texts("dispatch.firm_channels")),
        placed=~facts["unplaced"],
        grade=book.items.grade[item],
    )


def _isin(values: pd.Series, texts: tuple[str, ...]) -> Bools:
    found: Bools = values.isin(texts).to_numpy(dtype=bool)
    return found


def _position(book: DispatchBook, unit_code: str) -> int:
    return int(book.unit_versions.codes.get_indexer([unit_code])[0])


def _make_facts(
    frame: pd.DataFrame, book: DispatchBook, item: Ints, period: Ints
) -> dict[str, Bools]:
    items, constants = book.items, book.constants
    lead, route = items.lead[item], items.route[period, item]
    # The kind of the appeal decides; an appeal without one is of its item's kind.
    kind = frame["kind"].where(
        frame["kind"].notna(), pd.Series(items.kind[item], index=frame.index)
    )
    street = frame["street_code"].notna().to_numpy(dtype=bool)
    district = frame["district_code"].notna().to_numpy(dtype=bool)
    facts = {
        "emergency": _isin(kind, constants.texts("dispatch.emergency_kinds"))
        | (route == Route.EMERGENCY)
        | (lead == "emergency"),
        "consultation": _isin(kind, constants.texts("dispatch.consultation_kinds"))
        | (route == Route.DESK)
        | (lead == "desk"),
        "exception": frame["exception_code"].notna().to_numpy(dtype=bool),
        "unplaced": ~(frame["lon"].notna().to_numpy(dtype=bool) | street | district),
        "street_known": street,
        "district_known": district,
        "lead_street": lead == "@street",
        "lead_district": lead == "@district",
        "lead_none": lead == "none",
        "lead_fixed_street": lead == "street",
        "lead_fixed_district": lead == "district",
    }
    for name in ("department", "enterprise", "platform", "joint"):
        facts[f"lead_{name}"] = lead == name
    for name in (Route.FIRST_RECEIVER, Route.WHISTLE, Route.RAISE, Route.SUPERVISE):
        facts[f"unclear_{name}"] = route == name
    return {name: facts[name].astype(bool) for name in FACTS}


def _find_rules(facts: dict[str, Bools]) -> Ints:
    """Return the first rule whose facts all hold, for each case."""
    rule = np.full(len(next(iter(facts.values()))), len(RULES) - 1, dtype=np.int64)
    for at in range(len(RULES) - 2, -1, -1):
        holds = np.ones(rule.shape, dtype=bool)
        for fact in RULES[at].when:
            holds &= facts[fact]
        rule[holds] = at
    return rule


def _find_units(frame: pd.DataFrame, book: DispatchBook, item: Ints, target: Ints) -> Ints:
    """Return the position of the unit that each case's target stands for, -1 if there is none."""
    codes = book.unit_versions.codes
    emergency = _position(book, book.find_first("emergency"))
    exception = frame["exception_code"].map(dict(book.exception_units))
    lead = book.items.lead_unit[item]
    choices = [
        np.where(book.items.lead[item] == "emergency", lead, emergency),
        np.full(len(frame), _position(book, book.find_first("desk"))),
        find_positions(codes, exception),
        lead,
        find_positions(codes, frame["street_code"]),
        find_positions(codes, frame["district_code"]),
    ]
    chosen: Ints = np.choose(target, choices)
    return chosen


def _find_unsure_places(frame: pd.DataFrame, book: DispatchBook, target: Ints) -> Bools:
    """Tell where the place decides the unit and may be the neighbour's.

    An order for the district is sure enough as long as both streets are in that district.
    """
    low = pd.to_numeric(frame["confidence"]).to_numpy(dtype=float)
    unsure = low < book.constants.number("dispatch.confidence_min")
    across = frame["neighbour_code"].map(book.streets["district_code"].to_dict())
    other = (across.notna() & (across != frame["district_code"])).to_numpy(dtype=bool)
    by_street = np.isin(target, [at for at, name in enumerate(_TARGETS) if name == "street"])
    by_district = np.isin(target, [at for at, name in enumerate(_TARGETS) if name == "district"])
    assert {"street", "district"} == NEEDS_PLACE  # noqa: S101 - the two lines above cover the set
    found: Bools = unsure & (by_street | (by_district & other))
    return found
