"""Effects against simulation, against a Poisson regression with places and times as dummies, and at their edges."""

import numpy as np
import pytest
from scipy.optimize import minimize

from planner.effect import Answer
from planner.effect.estimate import (
    LEAST_CONTROLS,
    EffectError,
    LeftAlone,
    Watch,
    estimate_effect,
    find_power,
    fit_left_alone,
    judge_effect,
)

SILENT = LeftAlone(log_mean=0.0, log_sd=1e-6, phi=0.0, n=100)


def simulate(rng, *, theta, n, mean=14.0, falls_back=0.85, phi=0.1):
    """Watches of places with a noisy baseline that fall back by themselves."""
    watches = []
    for _ in range(n):
        before = rng.poisson(2 * mean)
        level = rng.gamma(1 / phi, phi)
        watches.append(
            Watch(
                observed=int(rng.poisson(theta * falls_back * mean * level)),
                expected=(before + 0.5) / 2,
                doubt=float(1 / np.sqrt(before + 0.5)),
            )
        )
    return watches


def test_intervals_hold_the_truth_and_nothing_is_sold_as_success():
    held, false, ratios = 0, 0, []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        alone = fit_left_alone(simulate(rng, theta=1.0, n=30))
        effect = estimate_effect(simulate(rng, theta=0.7, n=5), alone)
        held += effect.low <= 0.7 <= effect.high
        ratios.append(effect.ratio)
        nothing = estimate_effect(simulate(rng, theta=1.0, n=5), alone)
        false += nothing.p_fewer >= 0.95
    assert 0.83 <= held / 120 <= 0.98
    assert false / 120 <= 0.08
    assert np.median(ratios) == pytest.approx(0.7, abs=0.05)


def test_falling_back_by_itself_is_no_success():
    """Without the places left alone every task looks like one."""
    seen, blind = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        tasks = simulate(rng, theta=1.0, n=6, falls_back=0.6)
        alone = fit_left_alone(simulate(rng, theta=1.0, n=40, falls_back=0.6))
        assert alone.factor == pytest.approx(0.6, abs=0.2)
        seen += estimate_effect(tasks, alone).p_fewer >= 0.95
        blind += estimate_effect(tasks, SILENT).p_fewer >= 0.95
    assert blind > 45
    assert seen <= 6


def test_the_estimate_is_that_of_a_poisson_regression_with_dummies():
    """PPML with a dummy for each place and one for after, the treated after being the effect: the same point."""
    rng = np.random.default_rng(3)
    mean = rng.uniform(200, 400, 20)
    before = rng.poisson(mean)
    treated = np.arange(20) < 6
    after = rng.poisson(mean * np.where(treated, 0.7 * 0.9, 0.9))

    def loss(x):
        level, later, effect = x[:20], x[20], x[21]
        mu_before, mu_after = np.exp(level), np.exp(level + later + effect * treated)
        return (mu_before - before * level).sum() + (
            mu_after - after * (level + later + effect * treated)
        ).sum()

    start = np.append(np.log(before), [0.0, 0.0])
    oracle = float(np.exp(minimize(loss, start, method="BFGS").x[21]))

    def watch(i):
        return Watch(observed=int(after[i]), expected=float(before[i]))

    alone = fit_left_alone([watch(i) for i in range(20) if not treated[i]])
    ours = estimate_effect([watch(i) for i in range(20) if treated[i]], alone)
    assert ours.ratio == pytest.approx(oracle, rel=0.01)
    assert ours.low < oracle < ours.high


def test_with_nothing_unsure_the_posterior_is_the_gamma_of_a_poisson():
    effect = estimate_effect([Watch(observed=20, expected=40.0)], SILENT)
    draws = np.random.default_rng(0).gamma(20, 1 / 40, 400_000)
    for share, found in ((0.05, effect.low), (0.5, effect.ratio), (0.95, effect.high)):
        assert found == pytest.approx(np.quantile(draws, share), rel=0.01)


def test_power_is_how_often_the_effect_is_seen():
    told, seen = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        alone = fit_left_alone(simulate(rng, theta=1.0, n=40))
        told.append(find_power(np.full(5, 14.0), np.full(5, 0.19), alone, theta=0.6, seed=1))
        watches = simulate(rng, theta=0.6, n=5)
        seen.append(estimate_effect(watches, alone).p_fewer >= 0.95)
    assert np.mean(told) == pytest.approx(np.mean(seen), abs=0.12)
    more = find_power(np.full(5, 140.0), np.full(5, 0.06), alone, theta=0.6, seed=1)
    assert more > told[-1]


@pytest.mark.parametrize(
    ("observed", "expected", "usual", "is_over", "answer", "reason"),
    [
        (20, 60.0, 25.0, True, Answer.SOLVED, ""),
        (30, 60.0, 25.0, True, Answer.BETTER, ""),
        (30, 60.0, None, True, Answer.BETTER, ""),
        (80, 80.0, 25.0, True, Answer.NO_CHANGE, ""),
        (95, 60.0, 25.0, True, Answer.WORSE, ""),
        (20, 60.0, 25.0, False, Answer.TOO_EARLY, "watch_runs"),
        (2, 6.0, 1.0, True, Answer.TOO_EARLY, "few_expected"),
        (13, 15.0, 1.0, True, Answer.TOO_EARLY, "low_power"),
    ],
)
def test_each_answer_is_given(observed, expected, usual, is_over, answer, reason):
    watch = Watch(observed=observed, expected=expected, usual=usual)
    verdict = judge_effect([watch], SILENT, planned=0.7, is_over=is_over, seed=1)
    assert (verdict.answer, verdict.reason) == (answer, reason)
    assert verdict.effect.low < verdict.effect.high


def test_few_places_left_alone_are_not_used():
    few = [Watch(observed=0, expected=10.0)] * (LEAST_CONTROLS - 1)
    alone = fit_left_alone(few)
    assert (alone.n, alone.factor) == (0, 1.0)
    silent = fit_left_alone([Watch(observed=0, expected=10.0)] * LEAST_CONTROLS)
    assert 0 < silent.factor < 0.02


@pytest.mark.parametrize("broken", [(-1, 1.0), (1, 0.0), (1, float("nan"))])
def test_figures_that_cannot_be_are_refused(broken):
    with pytest.raises(EffectError, match="baseline"):
        Watch(observed=broken[0], expected=broken[1])
    with pytest.raises(EffectError):
        estimate_effect([], SILENT)
