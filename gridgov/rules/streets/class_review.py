"""Monthly review of the classes of streets: the rules propose, a person decides, and the decision is recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.errors import GridgovError
from gridgov.rules.constants import Constants
from gridgov.rules.order_labels import Language, get_label
from gridgov.rules.streets.class_rules import (
    CLASSES,
    COMPARE,
    MEASURES,
    RULES,
    ClassRule,
    check_class_limits,
    tell_rule,
)

MEASURE_COLUMNS = ("month", "street_code", *MEASURES)
"""One row per street and month (``2025-03``), measures float64 or missing."""

REVIEW_COLUMNS = ("month", "street_code", "class_before", "proposed", "decided", "reason")
"""``class_before`` the class in which the street came into the month, empty for none · ``proposed`` by the rules ·
``decided`` by a person for this month on, missing where nobody has decided · ``reason`` Chinese, the conditions that
hold with their limits."""

_NONE = -1


@dataclass(frozen=True, kw_only=True)
class ClassDecision:
    """What a person decided about one street.

    Parameters
    ----------
    street_code, from_month
        Which street, from which month on.
    proposed, decided
        Class by the rules and by the person; empty is none.
    decided_by, decided_at
        Key of the person and when, aware.
    reason
        Why; needed where the person differs from the rules.
    """

    street_code: str
    from_month: str
    proposed: str
    decided: str
    decided_by: str
    decided_at: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse a decision that could not be accounted for later."""
        faults = (
            (
                self.decided not in ("", *CLASSES),
                f"class {self.decided!r}; expected one of {', '.join(CLASSES)}",
            ),
            (not self.decided_by, "nobody who decided; expected a person"),
            (self.decided_at.tzinfo is None, "a time without a zone; expected an aware time"),
            (
                self.decided != self.proposed and not self.reason.strip(),
                "no reason for differing from the rules",
            ),
        )
        found = [text for wrong, text in faults if wrong]
        if found:
            raise GridgovError(
                f"decision on street {self.street_code} from {self.from_month}: found {'; '.join(found)}"
            )


def make_measures(
    ranking: pd.DataFrame,
    appeals: pd.Series,
    *,
    population: pd.Series | None = None,
    constants: Constants,
) -> pd.DataFrame:
    """Return what the rules look at.

    Parameters
    ----------
    ranking
        Rows of streets: ``month unit_code score_change`` and ``rank ranked`` of ``ranking.RANKING_COLUMNS``.
    appeals
        Appeals by (month, street code); streets without any are 0 or absent.
    population
        Residents by street code, or by (month, street code); None where the city does not say.
    constants
        ``streets.governance_window_months``: one month's count of a small street is mostly chance.
    """
    if ranking.empty:
        return pd.DataFrame(columns=list(MEASURE_COLUMNS))
    keys = pd.MultiIndex.from_frame(ranking[["month", "unit_code"]])
    frame = ranking[["month", "score_change"]].reset_index(drop=True)
    frame.insert(1, "street_code", ranking["unit_code"].to_numpy())
    window = int(constants.number("streets.governance_window_months"))
    counts = pd.Series(sum_months(appeals, window).reindex(keys).fillna(0).to_numpy(dtype=float))
    # A street without appeals ranks behind all others, however few those are.
    place = counts.groupby(frame["month"]).rank(method="min", ascending=False)
    frame["appeals_rank"] = place.where(counts > 0, np.inf)
    frame["population"] = _find_residents(frame["street_code"], keys, population)
    rank = ranking["rank"].astype("Float64").reset_index(drop=True)
    ranked = ranking["ranked"].astype("Float64").reset_index(drop=True)
    last = rank.groupby(frame["month"]).rank(method="min", ascending=False)
    frame["top_share"] = (rank / ranked).to_numpy(dtype=float, na_value=np.nan)
    frame["last_share"] = (last / ranked).to_numpy(dtype=float, na_value=np.nan)
    return frame[list(MEASURE_COLUMNS)]


def _find_residents(
    streets: pd.Series, keys: pd.MultiIndex, population: pd.Series | None
) -> pd.Series:
    """Return the residents of each row, missing where they are not known."""
    if population is None:
        return pd.Series(np.nan, index=streets.index)
    if population.index.nlevels > 1:
        return pd.Series(population.reindex(keys).to_numpy(dtype=float), index=streets.index)
    return streets.map(population).astype("float64")


def sum_months(appeals: pd.Series, window: int) -> pd.Series:
    """Return the sum over each month and those before it, by (month, street code)."""
    table = appeals.unstack(fill_value=0).sort_index()
    span = pd.period_range(table.index.min(), table.index.max(), freq="M").astype("str")
    summed: pd.Series = (
        table.reindex(span, fill_value=0).rolling(window, min_periods=1).sum().stack()
    )
    return summed


def review_classes(
    measures: pd.DataFrame,
    *,
    decisions: Iterable[ClassDecision] = (),
    constants: Constants,
    language: Language = "zh",
) -> pd.DataFrame:
    """Return the class of every street in every month, as proposed and as decided.

    The rules of a month start from what was decided last, or from their own last proposal where nobody decided since.
    A month without a measure of a street breaks a row of months and changes nothing.

    Parameters
    ----------
    measures
        Frame of :data:`MEASURE_COLUMNS`, rows in any order.
    decisions
        Recorded decisions; of several on one street and month the latest counts.
    constants
        ``streets.*``.
    language
        Of the reasons.

    Returns
    -------
        Frame of :data:`REVIEW_COLUMNS`, sorted by month and street.

    Raises
    ------
    ValueError
        As ``check_class_limits``.
    GridgovError
        If a street comes twice in a month.
    """
    check_class_limits(constants)
    if measures.empty:
        return pd.DataFrame(columns=list(REVIEW_COLUMNS), dtype="str")
    months, streets, values = _make_cube(measures)
    held = {rule.code: _find_runs(rule, values[rule.measure], constants) for rule in RULES}
    decided = _place_decisions(decisions, months, streets)
    now = np.full(len(streets), _NONE)
    parts = []
    for at, month in enumerate(months):
        proposed = _propose(now, {code: runs[at] for code, runs in held.items()})
        reasons = _tell(
            now, proposed, held, at=at, values=values, constants=constants, language=language
        )
        chosen = decided.get(month, {})
        columns = {
            "month": month,
            "street_code": streets,
            "class_before": _name(now),
            "proposed": _name(proposed),
            "decided": [chosen.get(street) for street in streets],
            "reason": reasons,
        }
        parts.append(pd.DataFrame(columns).astype("str"))
        now = proposed.copy()
        for place, street in enumerate(streets):
            if street in chosen:
                now[place] = CLASSES.index(chosen[street]) if chosen[street] else _NONE
    return pd.concat(parts, ignore_index=True)[list(REVIEW_COLUMNS)]


def _make_cube(
    measures: pd.DataFrame,
) -> tuple[list[str], list[str], dict[str, npt.NDArray[np.float64]]]:
    """Return months without a gap, streets, and each measure as (months, streets)."""
    twice = measures.duplicated(["month", "street_code"])
    if twice.any():
        row = measures[twice].iloc[0]
        raise GridgovError(f"street {row['street_code']} comes twice in {row['month']}")
    streets = sorted(measures["street_code"].unique())
    span = pd.period_range(measures["month"].min(), measures["month"].max(), freq="M")
    months = [str(month) for month in span]
    table = measures.set_index(["month", "street_code"])
    full = pd.MultiIndex.from_product([months, streets])
    values = {
        name: table[name].reindex(full).to_numpy(dtype=np.float64).reshape(len(months), -1)
        for name in MEASURES
    }
    return months, streets, values


def _find_runs(
    rule: ClassRule, values: npt.NDArray[np.float64], constants: Constants
) -> npt.NDArray[np.bool_]:
    """Return where a rule has held for so many months in a row as it asks."""
    holds = COMPARE[rule.compare](values, constants.number(rule.limit))
    holds = np.where(np.isnan(values), rule.if_missing, holds)
    run = np.zeros(values.shape[1], dtype=np.int64)
    enough = np.zeros(values.shape, dtype=bool)
    needed = constants.number(rule.months)
    for at in range(len(values)):
        run = np.where(holds[at], run + 1, 0)
        enough[at] = run >= needed
    return enough


def _propose(
    now: npt.NDArray[np.int64], holds: dict[str, npt.NDArray[np.bool_]]
) -> npt.NDArray[np.int64]:
    """Return the class by the rules: the first that the street enters, or its own which it does not leave."""
    proposed = np.full(len(now), _NONE)
    for place, name in reversed(list(enumerate(CLASSES))):
        enter = [holds[r.code] for r in RULES if (r.street_class, r.event) == (name, "enter")]
        leave = [holds[r.code] for r in RULES if (r.street_class, r.event) == (name, "leave")]
        entered, left = np.logical_or.reduce(enter), np.logical_and.reduce(leave)
        proposed = np.where(entered | ((now == place) & ~left), place, proposed)
    return proposed


def _tell(
    now: npt.NDArray[np.int64],
    proposed: npt.NDArray[np.int64],
    held: dict[str, npt.NDArray[np.bool_]],
    *,
    at: int,
    values: dict[str, npt.NDArray[np.float64]],
    constants: Constants,
    language: Language,
) -> list[str]:
    """Return which conditions made the proposal; few streets have one, so one by one."""
    reasons = []
    for place, (before, after) in enumerate(zip(now, proposed, strict=True)):
        wanted = {(CLASSES[after], "enter")} if after != _NONE else set()
        if before not in {after, _NONE}:
            wanted |= {(CLASSES[before], "leave")}
        parts = [
            tell_rule(rule, values[rule.measure][at, place], constants, language=language)
            for rule in RULES
            if (rule.street_class, rule.event) in wanted and held[rule.code][at, place]
        ]
        if before == after != _NONE and not parts:
            parts = [get_label("rule", "keep", language=language)]
        reasons.append(("；" if language == "zh" else "; ").join(parts))
    return reasons


def _name(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    names: npt.NDArray[np.object_] = np.array([*CLASSES, ""], dtype=object)[codes]
    return names


def _place_decisions(
    decisions: Iterable[ClassDecision], months: list[str], streets: list[str]
) -> dict[str, dict[str, str]]:
    """Return decided classes by month and street; those before the first month take effect in it."""
    placed: dict[str, dict[str, str]] = {}
    known = set(streets)
    for one in sorted(decisions, key=lambda d: (d.from_month, d.decided_at)):
        if one.street_code in known:
            placed.setdefault(max(one.from_month, months[0]), {})[one.street_code] = one.decided
    return placed
