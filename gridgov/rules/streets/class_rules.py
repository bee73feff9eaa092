"""Rules of the four classes of streets (先进 进步 整改 治理): conditions for entering and leaving, as a table.

Only the entry into governance is documented (DOMAIN.md section 5 [D]); all else is assumed [A] and set by the pack.
Leaving asks for more than not entering (hysteresis), so a street near a limit does not change its class every month.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any, Literal

from gridgov.rules.constants import STATUS_TEXT, Constants
from gridgov.rules.order_labels import Language, get_label

Event = Literal["enter", "leave"]

GOVERNANCE, RECTIFICATION = "governance", "rectification"
ADVANCED, IMPROVING = "advanced", "improving"
CLASSES = (GOVERNANCE, RECTIFICATION, ADVANCED, IMPROVING)
"""The four classes; where several rules name a street, the first of these."""

MEASURES = ("appeals_rank", "population", "top_share", "last_share", "score_change")
"""What rules look at, per street and month: rank by appeals, 1 is most · residents · rank over ranked streets, from the
best and from the last · points above the score of the month before."""

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {"<=": le, "<": lt, ">": gt, ">=": ge}
)


@dataclass(frozen=True, kw_only=True)
class ClassRule:
    """One condition. Any condition of entering is enough; of leaving all must hold.

    Parameters
    ----------
    street_class, event
        What it is about.
    measure, compare
        What is compared how, one of :data:`MEASURES` and of :data:`COMPARE`.
    limit, months
        Constants: with what, and for how many months in a row.
    if_missing
        Whether it holds where the measure is not known.
    """

    street_class: str
    event: Event
    measure: str
    compare: str
    limit: str
    months: str
    if_missing: bool = False

    @property
    def code(self) -> str:
        """Return its name in the table of labels."""
        return f"{self.street_class}.{self.event}.{self.measure}"


def _rule(
    code: str, compare: str, limit: str, *, months: str = "", if_missing: bool = False
) -> ClassRule:
    street_class, event, measure = code.split(".")
    events: dict[str, Event] = {"enter": "enter", "leave": "leave"}
    return ClassRule(
        street_class=street_class,
        event=events[event],
        measure=measure,
        compare=compare,
        limit=f"streets.{limit}",
        months=f"streets.{months or f'{street_class}_{event}_months'}",
        if_missing=if_missing,
    )


RULES: tuple[ClassRule, ...] = (
    _rule("governance.enter.appeals_rank", "<=", "governance_top_n"),
    _rule("governance.enter.population", ">", "governance_population_min"),
    _rule("governance.leave.appeals_rank", ">", "governance_leave_rank"),
    _rule("governance.leave.population", "<=", "governance_population_min", if_missing=True),
    _rule("rectification.enter.last_share", "<=", "rectification_enter_share"),
    _rule("rectification.leave.last_share", ">", "rectification_leave_share"),
    _rule("advanced.enter.top_share", "<=", "advanced_enter_share"),
    _rule("advanced.leave.top_share", ">", "advanced_leave_share"),
    _rule("improving.enter.score_change", ">=", "improving_enter_points"),
    _rule("improving.leave.score_change", "<=", "improving_leave_points"),
)

_MARGINS = (
    ("governance_top_n", "governance_leave_rank"),
    ("rectification_enter_share", "rectification_leave_share"),
    ("advanced_enter_share", "advanced_leave_share"),
    ("improving_leave_points", "improving_enter_points"),
)


def check_class_limits(constants: Constants) -> None:
    """Check that leaving a class asks for at least as much as not entering it.

    Raises
    ------
    ValueError
        If two limits lie the wrong way round: a street would then enter and leave at once.
    """
    for low, high in _MARGINS:
        least, most = constants.number(f"streets.{low}"), constants.number(f"streets.{high}")
        if least > most:
            raise ValueError(
                f"streets.{high}: found {most:g}, expected at least streets.{low} = {least:g}"
            )


def tell_rule(
    rule: ClassRule, value: float, constants: Constants, *, language: Language = "zh"
) -> str:
    """Return why a rule holds, with how sure its limit is unless that is documented."""
    limit = constants.get(rule.limit)
    text = get_label("rule", rule.code, language=language).format(
        value=value, limit=constants.number(rule.limit), months=constants.number(rule.months)
    )
    if limit.status == "documented":
        return text
    return (
        f"{text}（{STATUS_TEXT[limit.status]}）" if language == "zh" else f"{text} ({limit.status})"
    )
