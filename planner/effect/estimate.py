"""How much a measure changed: appeals after it against what the count model and places left alone let expect.

A place that was picked because it stood out falls back by itself, a little, whoever does what. So the change at places
with a measure is divided by the change at places that the same rule picked and that nobody worked on. With Y appeals
(persons once) in the watch and E expected by the place's own baseline, carried forward by season and trend,

    Y ~ negative binomial, mean θ · m · E, variance mean + φ · mean²

where m (how places left alone went on) and φ (how differently they did) come from those places and θ is the effect,
the same for all tasks of a pool: θ = 0.7 is thirty per cent less.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln, logsumexp, roots_hermitenorm

from planner.errors import PlannerError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_CONTROLS = 5
"""Fewer places left alone say nothing about how such places go on."""
RISEN = 1.5
"""A place whose level while it was found was so many times the one before has risen. Assumed."""
LEAST_EXPECTED = 10.0
"""Fewer expected appeals in a watch cannot show a change of a third (Poisson, one-sided 5 %)."""
SURE = 0.96
"""How probable a change must be before it is called one. At 0.95, 5.9 % of single tasks that did nothing were called a
success in 200 drawn cities (``benchmarks/effect.py``): how places differ is itself known from some dozens only."""
POWER_WANTED = 0.8
"""The usual chance to see the planned effect if it is there."""
ASSUMED_PHI = 0.05
"""Dispersion where no places were left alone: the overdispersion of daily counts of such lines is of this size."""
ASSUMED_LOG_SD = 0.15
"""Doubt about how places go on by themselves where none were left alone."""

_LOG_THETA = np.linspace(np.log(0.02), np.log(8.0), 600)
_NODES, _NODE_WEIGHTS = roots_hermitenorm(15)


class EffectError(PlannerError):
    """Figures of a watch that cannot be; the message says which."""


class Answer(StrEnum):
    """What a person is told about a task's effect."""

    SOLVED = "solved"
    BETTER = "better"
    NO_CHANGE = "no_change"
    WORSE = "worse"
    TOO_EARLY = "too_early"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Appeals at one place after a task, and what was to be expected.

    Parameters
    ----------
    observed
        Persons in the watch, each once per problem.
    expected
        Persons expected without the task, > 0.
    doubt
        Standard deviation of the logarithm of `expected`.
    usual
        Persons if the place were as others of its kind; None where nobody knows.
    rise
        Level while the place was found, at least, against its level before: below 1.5 for what has always been there.
    """

    observed: int
    expected: float
    doubt: float = 0.0
    usual: float | None = None
    rise: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        EffectError
            With the figure.
        """
        if (
            self.observed < 0
            or not np.isfinite(self.expected)
            or self.expected <= 0
            or self.doubt < 0
        ):
            raise EffectError(
                f"{self.observed} observed, {self.expected} expected, doubt {self.doubt}: observed and doubt must be "
                "0 or more, expected above 0. A place without a baseline has no effect that one could judge."
            )


@dataclass(frozen=True, kw_only=True)
class LeftAlone:
    """How places went on that the same rule found and nobody worked on.

    Parameters
    ----------
    log_mean, log_sd
        Of their common factor m.
    phi
        Dispersion between them.
    n
        How many; 0: none were there and the figures are assumed.
    """

    log_mean: float
    log_sd: float
    phi: float
    n: int

    @property
    def factor(self) -> float:
        """Return m: below 1 where places fall back by themselves."""
        return float(np.exp(self.log_mean))


def fit_left_alone(watches: list[Watch]) -> LeftAlone:
    """Return how places left alone went on: m by the ratio of sums, φ by the method of moments.

    Parameters
    ----------
    watches
        Places found by the same rule in earlier runs, without a task; fewer than :data:`LEAST_CONTROLS` are not used.
    """
    if len(watches) < LEAST_CONTROLS:
        return LeftAlone(log_mean=0.0, log_sd=ASSUMED_LOG_SD, phi=ASSUMED_PHI, n=0)
    observed = np.array([watch.observed for watch in watches], dtype=np.float64)
    expected = np.array([watch.expected for watch in watches])
    # Half an appeal keeps the logarithm finite where all fell silent.
    m = (observed.sum() + 0.5) / (expected.sum() + 0.5)
    mean = m * expected
    doubt = np.array([watch.doubt for watch in watches])
    # What the doubt about each expectation adds to the scatter is counted there, not again as dispersion.
    scatter = ((observed - mean) ** 2).sum() - mean.sum() - (mean**2 * doubt**2).sum()
    phi = float(max(scatter / (mean**2).sum(), 0.0))
    variance = 1 / (mean.sum() + 0.5) + (mean**2 * (phi + doubt**2)).sum() / mean.sum() ** 2
    return LeftAlone(
        log_mean=float(np.log(m)), log_sd=float(np.sqrt(variance)), phi=phi, n=len(watches)
    )


def fit_by_rise(watches: list[Watch]) -> dict[bool, LeftAlone]:
    """Return how places left alone went on: those that had risen when they were found (True), and those always there.

    What has just risen mostly stays up, measured against the time before; what was always there stays where it was. A
    place is compared with its own kind, with all where its kind has too few.
    """
    whole = fit_left_alone(watches)
    kinds = {}
    for risen in (True, False):
        own = [watch for watch in watches if (watch.rise >= RISEN) == risen]
        kinds[risen] = fit_left_alone(own) if len(own) >= LEAST_CONTROLS else whole
    return kinds


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What is known about θ after the watch: a distribution over a grid of its logarithm.

    Parameters
    ----------
    weights
        Of the grid, sum 1.
    observed, expected
        Sums over the pool; `expected` with the factor of places left alone.
    n
        Tasks in the pool.
    """

    weights: Floats
    observed: int
    expected: float
    n: int

    @cached_property
    def _cumulated(self) -> Floats:
        return np.cumsum(self.weights)

    def quantile(self, share: float) -> float:
        """Return θ below which a share of the distribution lies."""
        return float(np.exp(np.interp(share, self._cumulated, _LOG_THETA)))

    @property
    def ratio(self) -> float:
        """Return the median of θ."""
        return self.quantile(0.5)

    @property
    def low(self) -> float:
        """Return the lower end of the 90 % interval."""
        return self.quantile(0.05)

    @property
    def high(self) -> float:
        """Return the upper end of the 90 % interval."""
        return self.quantile(0.95)

    @property
    def p_fewer(self) -> float:
        """Return how probable it is that the measure brought fewer appeals."""
        return float(np.interp(0.0, _LOG_THETA, self._cumulated))


def estimate_effect(watches: list[Watch], alone: LeftAlone) -> Effect:
    """Return the common effect of tasks.

    The prior of log θ is even; m and the doubt about each expectation are integrated out by Gauss-Hermite
    quadrature, both as normal on the logarithm.

    Parameters
    ----------
    watches
        One a task.
    alone
        Of places left alone.

    Raises
    ------
    EffectError
        If there is no watch.
    """
    if not watches:
        raise EffectError("There is no watch to judge.")
    observed = np.array([watch.observed for watch in watches], dtype=np.float64)
    expected = np.array([watch.expected for watch in watches])
    doubt = np.array([watch.doubt for watch in watches])
    log_weights = np.log(_NODE_WEIGHTS / _NODE_WEIGHTS.sum())
    over_m = np.zeros((len(_NODES), len(_LOG_THETA)))
    for row, node in enumerate(_NODES):
        shift = alone.log_mean + node * alone.log_sd
        for y, e, sd in zip(observed, expected, doubt, strict=True):
            mean = np.exp(_LOG_THETA + shift + np.log(e) + sd * _NODES[:, None])
            likelihood = _log_chance(y, mean, alone.phi)
            over_m[row] += logsumexp(likelihood + log_weights[:, None], axis=0)
    density = logsumexp(over_m + log_weights[:, None], axis=0)
    weights = np.exp(density - logsumexp(density))
    return Effect(
        weights=weights,
        observed=int(observed.sum()),
        expected=float(expected.sum() * alone.factor),
        n=len(watches),
    )


def _log_chance(y: float, mean: Floats, phi: float) -> Floats:
    """Return the logarithm of the negative binomial probability of a count, without what does not depend on `mean`."""
    if phi < 1e-9:
        return np.asarray(y * np.log(mean) - mean, dtype=np.float64)
    size = 1 / phi
    constant = gammaln(y + size) - gammaln(size)
    return np.asarray(
        constant + y * np.log(mean / (size + mean)) + size * np.log(size / (size + mean)),
        dtype=np.float64,
    )


def find_power(
    expected: Floats, doubt: Floats, alone: LeftAlone, *, theta: float, seed: int, draws: int = 400
) -> float:
    """Return the chance that an effect of `theta` would be seen, by simulation.

    Parameters
    ----------
    expected, doubt
        Of each task of the pool.
    alone
        Of places left alone.
    theta
        The planned effect, < 1.
    seed, draws
        Of the simulation.

    Notes
    -----
    "Seen" is ``p_fewer >= SURE``; with normal logarithms that is a test of log(Y / mE) against its own spread, which
    is what is simulated here: the full posterior 400 times a task would take minutes a city.
    """
    rng = np.random.default_rng(seed)
    log_m = rng.normal(alone.log_mean, alone.log_sd, draws)
    log_e = np.log(expected) + rng.normal(0, 1, (draws, len(expected))) * doubt
    mean = theta * np.exp(log_m[:, None] + log_e)
    if alone.phi > 0:
        mean = mean * rng.gamma(1 / alone.phi, alone.phi, mean.shape)
    observed = rng.poisson(mean).sum(axis=1)
    return float((find_p_fewer(observed, expected, doubt, alone) >= SURE).mean())


def find_p_fewer(observed: Ints, expected: Floats, doubt: Floats, alone: LeftAlone) -> Floats:
    """Return how probable fewer appeals are for sums of a pool, by a normal approximation on the logarithm."""
    mean = expected.sum() * alone.factor
    share = expected / expected.sum()
    spread = (
        alone.log_sd**2 + (share**2 * (doubt**2 + alone.phi)).sum() + 1 / np.maximum(observed, 1.0)
    )
    return np.asarray(
        stats.norm.cdf((np.log(mean) - np.log(np.maximum(observed, 0.5))) / np.sqrt(spread)),
        dtype=np.float64,
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is said of a task or a pool of tasks.

    Parameters
    ----------
    answer
        One of five.
    effect
        None where nothing can be estimated yet.
    power
        Chance that the planned effect would have been seen.
    alone
        What it was compared with.
    reason
        ``watch_runs``, ``few_expected``, ``low_power`` or empty: why it is too early.
    """

    answer: Answer
    effect: Effect | None
    power: float
    alone: LeftAlone
    reason: str = ""


def judge_effect(
    watches: list[Watch],
    alone: LeftAlone,
    *,
    planned: float,
    is_over: bool,
    seed: int,
) -> Verdict:
    """Say whether a task, or tasks pooled, changed what they were to change.

    *Solved*: fewer, and no more than at other places of the kind. *Better*, *worse*: probable at :data:`SURE`. *No
    change*: neither, though the planned effect would have been seen. *Too early*: the watch still runs, or could not
    show it.

    Parameters
    ----------
    watches
        One a task, at least one.
    alone
        Of places left alone.
    planned
        The planned θ, 0-1.
    is_over
        Whether the watch has ended.
    seed
        Of the power.
    """
    expected = np.array([watch.expected for watch in watches])
    doubt = np.array([watch.doubt for watch in watches])
    power = find_power(expected, doubt, alone, theta=planned, seed=seed)
    effect = estimate_effect(watches, alone)
    if not is_over:
        return Verdict(
            answer=Answer.TOO_EARLY, effect=effect, power=power, alone=alone, reason="watch_runs"
        )
    if expected.sum() < LEAST_EXPECTED:
        return Verdict(
            answer=Answer.TOO_EARLY, effect=effect, power=power, alone=alone, reason="few_expected"
        )
    if effect.p_fewer >= SURE:
        usual = [watch.usual for watch in watches]
        back = all(level is not None for level in usual) and effect.observed <= sum(
            level for level in usual if level is not None
        )
        answer = Answer.SOLVED if back else Answer.BETTER
        return Verdict(answer=answer, effect=effect, power=power, alone=alone)
    if effect.p_fewer <= 1 - SURE:
        return Verdict(answer=Answer.WORSE, effect=effect, power=power, alone=alone)
    if power >= POWER_WANTED:
        return Verdict(answer=Answer.NO_CHANGE, effect=effect, power=power, alone=alone)
    return Verdict(
        answer=Answer.TOO_EARLY, effect=effect, power=power, alone=alone, reason="low_power"
    )
