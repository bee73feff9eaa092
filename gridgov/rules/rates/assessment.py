"""The monthly assessment from rows: orders and callbacks → rates, scores, ranks. The same rows give the same bytes.

The order of rows does not show, because everything begins with whole numbers per unit and month; every order is either
in a month or told why not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.errors import GridgovError
from gridgov.rules.constants import Constants
from gridgov.rules.in_force import find_positions
from gridgov.rules.rates.callbacks import CHECKED_COLUMNS, NO_ANSWER, CallbackFlag, check_callbacks
from gridgov.rules.rates.constants import ANSWER_NAMES, WINDOW_TIMES
from gridgov.rules.rates.ranking import RANKING_COLUMNS, find_groups, make_ranking
from gridgov.rules.rates.score import SCORE_COLUMNS, make_scores, make_weights
from gridgov.rules.rates.three_rates import (
    COUNT_COLUMNS,
    KEYS,
    RATE_COLUMNS,
    add_up,
    make_counts,
    make_rates,
)
from gridgov.rules.rates.window import WindowRules, find_months, make_window_rules

ASSESSMENT_COLUMNS = (
    *KEYS,
    "name",
    *RANKING_COLUMNS,
    *SCORE_COLUMNS,
    *(name for name in RATE_COLUMNS if name not in KEYS),
)
"""One row per month and unit with orders in it; a district stands for all orders of its streets and its own."""

_IN_DISTRICT = ("street", "district")


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """Orders with month, answers and exclusion.

    Parameters
    ----------
    orders
        Frame of ``rates.JUDGED_COLUMNS`` with ``order_no``, one row per order that can be used.
    conflicting
        Order numbers that come more than once with different facts; none of their rows is used.
    unknown_callbacks
        Number of callbacks of orders that are not there.
    """

    orders: pd.DataFrame
    conflicting: tuple[str, ...]
    unknown_callbacks: int


def judge_orders(
    orders: pd.DataFrame,
    *,
    as_of: pd.Timestamp,
    constants: Constants,
    callbacks: pd.DataFrame | None = None,
    excluded: pd.Series | None = None,
) -> Judged:
    """Return what each order says about its unit.

    Parameters
    ----------
    orders
        ``order_no unit_code`` and the time named by ``rates.window_by``; without `callbacks` also the answers, and
        ``called_at`` where known. Times are aware, in the city's zone.
    as_of
        Moment of the judgement: what lies after it is flagged and does not count.
    constants
        ``rates.*``.
    callbacks
        Frame of ``callbacks.CALLBACK_COLUMNS`` where they are kept apart from the orders.
    excluded
        Reason code by order number of the exclusions in force.

    Raises
    ------
    GridgovError
        If a needed column is missing, or a constant names what is not known.
    """
    by = constants.text("rates.window_by")
    if by not in WINDOW_TIMES:
        raise GridgovError(f"rates.window_by: found {by!r}, expected {', '.join(WINDOW_TIMES)}")
    needed = ["order_no", "unit_code", *([by] if by != "called_at" else [])]
    needed += ANSWER_NAMES if callbacks is None else []
    missing = [name for name in needed if name not in orders]
    if missing:
        raise GridgovError(f"orders: column {', '.join(missing)} is missing")
    used, conflicting = _drop_conflicts(orders, needed)
    checked, unknown = _check_answers(used, callbacks, as_of=as_of, constants=constants)
    times = checked.pop("called_at") if by == "called_at" else used[by]
    if by != "due_at":  # A deadline may well lie ahead.
        times = _flag_times(checked, times, used, as_of)
    judged = used[["order_no", "unit_code"]].astype("str").join(checked[list(CHECKED_COLUMNS)])
    judged.insert(0, "month", find_months(times, make_window_rules(constants)))
    marks = pd.Series(dtype="str") if excluded is None else excluded
    judged["excluded"] = judged["order_no"].isin(marks.dropna().index)
    return Judged(orders=judged, conflicting=conflicting, unknown_callbacks=unknown)


def make_assessment(
    judged: pd.DataFrame, units: pd.DataFrame, *, constants: Constants
) -> pd.DataFrame:
    """Return rates, scores, ranks and what follows, for every month and unit.

    Parameters
    ----------
    judged
        Frame of ``rates.JUDGED_COLUMNS``, rows in any order.
    units
        Frame with ``unit_code name kind district_code``.
    constants
        ``rates.*``.

    Returns
    -------
        Frame of :data:`ASSESSMENT_COLUMNS`, sorted by month, group, rank and unit.

    Raises
    ------
    ValueError
        If weights or window rules are not sound.
    """
    return assess_counts(make_counts(judged), units, constants=constants)


def assess_counts(
    counts: pd.DataFrame, units: pd.DataFrame, *, constants: Constants
) -> pd.DataFrame:
    """Return the same as :func:`make_assessment` from counts that are kept already.

    Parameters
    ----------
    counts
        Frame of ``rates.COUNT_COLUMNS``, one row per month and unit, in any order.
    units, constants
        As there.

    Raises
    ------
    ValueError
        As there.
    """
    rules = make_window_rules(constants)
    make_weights(constants)
    rates = make_rates(_make_all_counts(counts, units), constants=constants)
    return _rank(rates, units, constants=constants, rules=rules)


def _rank(
    rates: pd.DataFrame, units: pd.DataFrame, *, constants: Constants, rules: WindowRules
) -> pd.DataFrame:
    frame = rates.join(make_scores(rates, constants=constants, rules=rules))
    ranks = make_ranking(frame, find_groups(units, constants=constants), constants=constants)
    frame = frame.join(ranks)
    names = units.drop_duplicates("unit_code", keep="last").set_index("unit_code")["name"]
    frame["name"] = frame["unit_code"].map(names).fillna(frame["unit_code"]).astype("str")
    keys = ["month", "group", "rank", "unit_code"]
    return frame.sort_values(keys, ignore_index=True)[list(ASSESSMENT_COLUMNS)]


def _make_all_counts(counts: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return counts of units, those of districts being the sums of what lies in them."""
    table = units.drop_duplicates("unit_code", keep="last").set_index("unit_code")
    inside = table[table["kind"].isin(_IN_DISTRICT)]
    own = inside["district_code"].astype("str").replace("", np.nan)
    districts = set(table.index[table["kind"] == "district"])
    own = own.fillna(pd.Series({code: code for code in inside.index if code in districts}))
    own = own[own.isin(districts)]
    summed = add_up(counts, own)
    kept = counts[~counts["unit_code"].isin(districts)]
    both = pd.concat([kept, summed])[list(COUNT_COLUMNS)]
    return both.sort_values(list(KEYS), ignore_index=True)


def _drop_conflicts(
    orders: pd.DataFrame, needed: list[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return orders once each, and the numbers that come more than once with different facts."""
    frame = orders.reset_index(drop=True)
    if not frame["order_no"].duplicated().any():
        return frame, ()
    names = [name for name in dict.fromkeys((*needed, "received_at", "called_at")) if name in frame]
    once = frame[~frame.duplicated(names)]
    wrong = once["order_no"].duplicated(keep=False)
    numbers = tuple(sorted(once.loc[wrong, "order_no"].astype("str").fillna("?").unique()))
    return once[~wrong].reset_index(drop=True), numbers


def _check_answers(
    orders: pd.DataFrame,
    callbacks: pd.DataFrame | None,
    *,
    as_of: pd.Timestamp,
    constants: Constants,
) -> tuple[pd.DataFrame, int]:
    """Return ``CHECKED_COLUMNS`` and ``called_at`` of each order, and how many callbacks have no order."""
    if callbacks is None:
        times = {} if "called_at" in orders else {"called_at": _no_times(orders.index, as_of)}
        own = orders.assign(**times)
        checked = check_callbacks(own, as_of=as_of, constants=constants)
        return checked.assign(called_at=own["called_at"]), 0
    place = pd.Index(orders["order_no"]).get_indexer(pd.Index(callbacks["order_no"]))
    rows = callbacks[place >= 0].reset_index(drop=True)
    place = place[place >= 0]
    rows["order_no"] = place
    if "received_at" in orders:
        rows["received_at"] = orders["received_at"].take(place).set_axis(rows.index)
    if "called_at" not in rows:
        rows["called_at"] = _no_times(rows.index, as_of)
    checked = check_callbacks(rows, as_of=as_of, constants=constants)
    checked["called_at"] = rows["called_at"]
    return _choose_callbacks(checked, place, orders.index), len(callbacks) - len(rows)


def _choose_callbacks(
    checked: pd.DataFrame, place: npt.NDArray[np.int64], index: pd.Index
) -> pd.DataFrame:
    """Return one row for each order: the callback that counts, else the same one whatever the order of the rows."""
    flags = np.array([flag.value for flag in CallbackFlag])
    flag = find_positions(pd.Index(flags), checked["flag"])
    order = np.lexsort((flag, ~checked["valid"].to_numpy(dtype=bool), place))
    first = np.full(len(index), -1, dtype=np.int64)
    first[place[order][::-1]] = order[::-1]
    none = first < 0
    found = checked.reindex(first).set_axis(index)
    found["valid"] = found["valid"].to_numpy(dtype=bool) & ~none
    found["flag"] = found["flag"].where(~none, CallbackFlag.NO_ANSWER.value)
    found["called_at"] = found["called_at"].where(~none)
    for name in ANSWER_NAMES:
        codes = found[name].fillna(NO_ANSWER).to_numpy(dtype=np.int8)
        found[name] = np.where(none, NO_ANSWER, codes).astype(np.int8)
    return found


def _no_times(index: pd.Index, like: pd.Timestamp) -> pd.Series:
    return pd.Series(pd.NaT, index=index, dtype=f"datetime64[us, {like.tz}]")


def _flag_times(
    checked: pd.DataFrame, times: pd.Series, orders: pd.DataFrame, as_of: pd.Timestamp
) -> pd.Series:
    """Flag, in place, orders whose time lies in the future or before the appeal; return the times that can be."""
    late = (times > as_of).to_numpy(dtype=bool)
    early = np.zeros(len(times), dtype=bool)
    if "received_at" in orders:
        early = (times < orders["received_at"]).to_numpy(dtype=bool)
    flags: Mapping[str, np.ndarray] = {
        CallbackFlag.BEFORE_RECEIPT.value: early,
        CallbackFlag.FUTURE.value: late,
    }
    for flag, rows in flags.items():
        if rows.any():
            checked.loc[rows, "flag"] = flag
            checked.loc[rows, "valid"] = False
    return times.where(~(late | early))
