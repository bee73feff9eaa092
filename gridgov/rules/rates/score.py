"""One score of the three rates: a weighted sum on a scale of 100, with weights that are in force from a day on.

Beijing's weights are not public; 20/40/40 is assumed (DOMAIN.md section 5 [A]).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.rates.three_rates import RATES, make_wilson_interval
from gridgov.rules.rates.window import WindowRules, find_first_day

SCORE_COLUMNS = ("score", "score_low", "score_high")
"""``score`` 0–100 rounded to ``rates.score_decimals`` · its interval, see ``rates``; NaN where a rate that has a weight
is missing."""

_WEIGHTS = re.compile(
    r"^\s*(\d{4}-\d\d-\d\d)\s+(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*$"
)
_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Shares of response, solution and satisfaction in the score, together 1, from a day on."""

    valid_from: date
    response: float
    solution: float
    satisfaction: float

    def as_tuple(self) -> tuple[float, float, float]:
        """Return the three in the order of ``rates.RATES``."""
        return self.response, self.solution, self.satisfaction


def make_weights(constants: Constants) -> tuple[Weights, ...]:
    """Return the weights of a city by date, the first of them in force since ever.

    Parameters
    ----------
    constants
        ``rates.*_weight``, and ``rates.weights``: what replaces them from a day on.

    Raises
    ------
    ValueError
        If weights do not sum to 1 (or 100), or a text is not written as it should be, or a day comes twice.
    """
    first = Weights(
        valid_from=date.min,
        response=constants.number("rates.response_weight"),
        solution=constants.number("rates.solution_weight"),
        satisfaction=constants.number("rates.satisfaction_weight"),
    )
    total = sum(first.as_tuple())
    if abs(total - 1) > _SUM_TOLERANCE:
        raise ValueError(f"rates: the three weights sum to {total:g}, expected 1")
    found = [first, *map(_read_weights, constants.texts("rates.weights"))]
    days = [one.valid_from for one in found]
    if len(set(days)) < len(days):
        raise ValueError("rates.weights: found one day twice, expected each day once")
    return tuple(sorted(found, key=lambda one: one.valid_from))


def _read_weights(text: str) -> Weights:
    expected = "expected such as '2024-01-01 20/40/40'"
    match = _WEIGHTS.match(text)
    if match is None:
        raise ValueError(f"rates.weights: found {text!r}, {expected}")
    try:
        day = date.fromisoformat(match[1])
    except ValueError as error:
        raise ValueError(f"rates.weights: found {text!r}: {error}; {expected}") from error
    parts = [float(match[place]) for place in (2, 3, 4)]
    if abs(sum(parts) - 100) > _SUM_TOLERANCE * 100:
        raise ValueError(f"rates.weights: {text!r} sums to {sum(parts):g}, expected 100")
    response, solution, satisfaction = (part / 100 for part in parts)
    return Weights(valid_from=day, response=response, solution=solution, satisfaction=satisfaction)


def find_weights(weights: Iterable[Weights], on: date) -> Weights:
    """Return the weights in force on a day: the latest that begin by then."""
    return max((one for one in weights if one.valid_from <= on), key=lambda one: one.valid_from)


def make_scores(rates: pd.DataFrame, *, constants: Constants, rules: WindowRules) -> pd.DataFrame:
    """Return scores on the index of `rates`, by the weights in force when each month began.

    Parameters
    ----------
    rates
        Frame of ``rates.RATE_COLUMNS``.
    constants
        Weights, ``rates.score_decimals``, ``rates.confidence_level``.
    rules
        When months begin.

    Returns
    -------
        Frame of :data:`SCORE_COLUMNS`.

    Raises
    ------
    ValueError
        As :func:`make_weights`.
    """
    weights = make_weights(constants)
    months, names = pd.factorize(rates["month"])
    by_month = [find_weights(weights, find_first_day(name, rules)).as_tuple() for name in names]
    table = np.array(by_month, dtype=np.float64).reshape(-1, len(RATES))
    share = np.zeros(len(rates))
    for place, name in enumerate(RATES):
        weight = table[months, place]
        rate = rates[f"{name}_rate"].to_numpy(dtype=np.float64)
        share += np.where(weight > 0, weight * rate, 0.0)
    n = rates["callbacks"].to_numpy(dtype=np.float64)
    share = np.where(n > 0, np.clip(share, 0.0, 1.0), np.nan)
    low, high = make_wilson_interval(share, n, level=constants.number("rates.confidence_level"))
    decimals = int(constants.number("rates.score_decimals"))
    missing = np.isnan(share)
    columns = (share, np.where(missing, np.nan, low), np.where(missing, np.nan, high))
    return pd.DataFrame(
        {
            name: np.round(100 * values, decimals)
            for name, values in zip(SCORE_COLUMNS, columns, strict=True)
        },
        index=rates.index,
    )
