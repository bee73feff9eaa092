"""Constants of the rules: one table of defaults, each with how sure it is and where it comes from.

Nothing that is only seen in practice or assumed may be fixed in code: a city's pack overrides any value
here, and the status travels with the value to whatever a person reads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from gridgov.rules.issues.weights import DUPLICATES
from gridgov.rules.planning_constants import PLANNING
from gridgov.rules.rates.constants import ASSESSMENT

Status = Literal["documented", "practice", "assumed"]
STATUSES: tuple[Status, ...] = get_args(Status)

STATUS_TEXT: Mapping[Status, str] = {
    "documented": "有文件依据",
    "practice": "实践做法",
    "assumed": "假定值",
}
"""How a page or plan says the status."""

Value = float | int | str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Constant:
    """One value that rules use.

    Parameters
    ----------
    name
        Section and key in ``city.toml``, joined by a dot.
    value
        Number, text or texts.
    status
        ``documented`` in a law or paper, seen in ``practice`` somewhere, or ``assumed``.
    source
        Where the default comes from, or what the value means.
    low, high
        Limits of a number, both allowed.
    """

    name: str
    value: Value
    status: Status
    source: str
    low: float = 0.0
    high: float = float("inf")

    def __str__(self) -> str:
        """Return name, value and status as a person reads them."""
        return f"{self.name} = {self.value} ({STATUS_TEXT[self.status]})"


def _constant(
    name: str, value: Value, status: Status, source: str, **limits: float
) -> tuple[str, Constant]:
    return name, Constant(name=name, value=value, status=status, source=source, **limits)


DEFAULTS: Mapping[str, Constant] = dict(
    (
        # --- dispatch --------------------------------------------------------------------------
        _constant(
            "dispatch.confidence_min",
            0.9,
            "assumed",
            "below this probability of the street a person looks, with both streets named",
            high=1.0,
        ),
        _constant(
            "dispatch.point_uncertainty_m",
            15.0,
            "assumed",
            "radius that holds the true place of a point that came with an appeal in 90 % of cases",
        ),
        _constant(
            "dispatch.cell_uncertainty_max_m",
            300.0,
            "assumed",
            "places less certain than this get no cell: it would be made up",
        ),
        _constant(
            "dispatch.named_area_confidence",
            0.95,
            "assumed",
            "probability of the street where the address names it or a community in it, and no more",
            high=1.0,
        ),
        _constant(
            "dispatch.item_confidence_min",
            0.6,
            "assumed",
            "below this probability of the item a person chooses",
            high=1.0,
        ),
        _constant("dispatch.default_grade", "7d", "assumed", "grade of an item without one"),
        _constant(
            "dispatch.consultation_kinds",
            ("咨询", "consultation"),
            "documented",
            "kinds answered at the desk (DOMAIN 1)",
        ),
        _constant(
            "dispatch.emergency_kinds",
            ("紧急", "紧急求助", "应急", "emergency"),
            "assumed",
            "kinds handed to 110, 119, 120, 122 at once (DOMAIN 1)",
        ),
        _constant(
            "dispatch.firm_channels",
            ("企业热线", "企业服务热线", "firm"),
            "assumed",
            "channels of firms, handled beside those of persons",
        ),
        _constant(
            "dispatch.whistle_helpers_min",
            1,
            "assumed",
            "unclear duty with at least so many helpers named: the street blows the whistle",
        ),
        _constant(
            "dispatch.raise_helpers_min",
            4,
            "assumed",
            "unclear duty with at least so many helpers named: the district coordinates",
            low=1,
        ),
        _constant(
            "dispatch.supervise_tags",
            ("督办", "重复", "历史遗留"),
            "assumed",
            "tags of items of unclear duty that are supervised",
        ),
        _constant(
            "dispatch.report_in_minutes",
            30,
            "practice",
            "a called unit must report in within (Pinggu pilot, DOMAIN 6)",
            low=1,
        ),
        _constant(
            "dispatch.open_minutes",
            10,
            "assumed",
            "somebody of a called unit must have opened the call within",
            low=1,
        ),
        # --- deadlines -------------------------------------------------------------------------
        _constant(
            "deadlines.work_hours",
            ("09:00-18:00",),
            "assumed",
            "hours of a workday that count as working time",
        ),
        _constant(
            "deadlines.due_soon_share",
            0.2,
            "assumed",
            "a clock is due soon when this share of its limit is left",
            high=1.0,
        ),
        _constant(
            "deadlines.raise_after_hours",
            24,
            "assumed",
            "an order overdue for so long is told to the unit two levels above its own (提级)",
            low=1,
        ),
        _constant(
            "deadlines.suspension_reasons",
            ("policy_gap", "long_works", "funding", "legal_case", "season"),
            "assumed",
            "why an order may be put on a long-term account with a date (挂账, DOMAIN 1)",
        ),
        *(
            _constant(f"deadlines.{name}", value, "assumed", source, low=1)
            for name, value, source in (
                ("suspend_days_max", 365, "longest suspension (挂账) before it is looked at again"),
                (
                    "supervise_days_max",
                    90,
                    "longest supervision (督查) before it is looked at again",
                ),
                (
                    "extension_days_max",
                    30,
                    "an extension (延期) moves the deadline by at most so much",
                ),
                ("extensions_max", 1, "extensions of one order"),
                ("undo_minutes", 10, "how long a step may be taken back on which nobody has acted"),
            )
        ),
        # --- rates, classes of streets, duplicates -----------------------------------------------
        *(
            _constant(name, value, status, source, **limits)
            for name, value, status, source, limits in (*ASSESSMENT, *DUPLICATES)
        ),
        # --- planning --------------------------------------------------------------------------
        *(
            _constant(name, value, status, source, **limits)
            for name, value, status, source, limits in PLANNING
        ),
    )
)
"""Every constant with its default; a pack may change any of them."""

SECTIONS = ("dispatch", "deadlines", "rates", "streets", "duplicates", "planning")


@dataclass(frozen=True)
class Constants:
    """Constants of one city: the defaults with what its pack says above them.

    Examples
    --------
    >>> make_constants().number("rates.basically_share")
    0.9
    """

    table: Mapping[str, Constant]

    def get(self, name: str) -> Constant:
        """Return a constant with its status.

        Raises
        ------
        KeyError
            If no constant has this name.
        """
        return self.table[name]

    def number(self, name: str) -> float:
        """Return the value of a numeric constant."""
        value = self.table[name].value
        if isinstance(value, tuple | str):
            raise TypeError(f"{name} is not a number but {value!r}")
        return value

    def text(self, name: str) -> str:
        """Return the value of a constant as text."""
        return str(self.table[name].value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the value of a constant that lists texts."""
        value = self.table[name].value
        return value if isinstance(value, tuple) else (str(value),)

    def assumed(self) -> tuple[Constant, ...]:
        """Return the constants that nobody has documented, for pages that must say so."""
        return tuple(c for c in self.table.values() if c.status == "assumed")


def make_constants(changes: Iterable[Constant] = ()) -> Constants:
    """Return the default constants with `changes` put over them."""
    return Constants({**DEFAULTS, **{change.name: change for change in changes}})


def find_fault(name: str, value: object) -> str:
    """Return what is expected of the constant `name` if `value` does not fit it, else an empty text."""
    default = DEFAULTS[name]
    if isinstance(default.value, tuple):
        fits = isinstance(value, list) and all(isinstance(part, str) for part in value)
        return "" if fits else "a list of texts"
    if isinstance(default.value, str):
        return "" if isinstance(value, str) else "a text"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "a number"
    if default.low <= value <= default.high:
        return ""
    return f"a number from {default.low:g} to {default.high:g}"


def make_constant(name: str, value: object, status: Status) -> Constant:
    """Return the default constant `name` with another value and status.

    Raises
    ------
    ValueError
        If the value does not fit the constant.
    """
    fault = find_fault(name, value)
    if fault:
        raise ValueError(f"{name}: found {value!r}, expected {fault}")
    if isinstance(value, list):
        return replace(DEFAULTS[name], value=tuple(value), status=status)
    if isinstance(value, str | int | float):
        return replace(DEFAULTS[name], value=value, status=status)
    raise ValueError(f"{name}: found {value!r}, expected a number, a text or texts")
