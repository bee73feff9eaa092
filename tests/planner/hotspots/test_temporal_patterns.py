import numpy as np
import pytest

from planner.frames import HotspotKind
from planner.hotspots.temporal_patterns import find_patterns

MONTHS = np.arange(24)
COURSES = {
    HotspotKind.STEADY: np.ones(24),
    HotspotKind.RISING: (MONTHS / 12) ** 1.5,
    HotspotKind.FALLING: ((23 - MONTHS) / 12) ** 1.5 + 0.1,
    HotspotKind.SEASONAL: np.isin(MONTHS % 12, [5, 6, 7]) * 3.0,
    HotspotKind.RECURRING: np.isin(MONTHS, [2, 3, 9, 16, 19]) * 5.0,
    HotspotKind.BURST: np.isin(MONTHS, [19, 20]) * 6.0,
    HotspotKind.ENDED: (MONTHS < 13) * 2.0,
}


@pytest.mark.parametrize("kind", COURSES)
def test_noisy_courses_are_told_apart(kind):
    rng = np.random.default_rng(11)
    expected = np.full((100, 24), 0.4)
    counted = rng.poisson(expected + 5 * COURSES[kind])

    verdicts = find_patterns(counted, expected)

    assert np.mean([verdict.kind is kind for verdict in verdicts]) >= 0.85
    for verdict in verdicts:
        assert sum(verdict.probabilities.values()) == pytest.approx(1.0)
        assert verdict.probabilities[verdict.kind] == max(verdict.probabilities.values())


def test_what_has_just_begun_rises():
    rng = np.random.default_rng(5)
    counted = rng.poisson(0.4 + 8.0 * (MONTHS >= 21), (60, 24))

    verdicts = find_patterns(counted, np.full((60, 24), 0.4))

    assert np.mean([verdict.kind is HotspotKind.RISING for verdict in verdicts]) >= 0.85
    assert np.mean([verdict.active == (21, 22, 23) for verdict in verdicts]) >= 0.7


def test_a_burst_of_years_ago_has_ended():
    counted = np.where(np.isin(MONTHS, [4, 5]), 14.0, 0.0)[None, :]

    (verdict,) = find_patterns(counted, np.full((1, 24), 0.3))

    assert verdict.kind is HotspotKind.ENDED
    assert verdict.active == (4, 5)


def test_probabilities_are_those_of_being_right():
    rng = np.random.default_rng(2)
    kinds = [list(COURSES)[k] for k in rng.integers(0, len(COURSES), 300)]
    height = rng.uniform(0.5, 3.0, (300, 1))
    expected = np.full((300, 24), 0.5)
    counted = rng.poisson(expected + height * np.array([COURSES[kind] for kind in kinds]))

    verdicts = find_patterns(counted, expected)

    sure = np.array([max(verdict.probabilities.values()) for verdict in verdicts])
    right = np.array([verdict.kind is kind for verdict, kind in zip(verdicts, kinds, strict=True)])
    assert abs(sure.mean() - right.mean()) <= 0.06
    assert right[sure < 0.7].mean() < right[sure > 0.95].mean()


def test_a_season_in_the_background_is_none_of_the_hotspot():
    rng = np.random.default_rng(4)
    expected = np.tile(2 + 1.5 * np.cos(MONTHS * np.pi / 6), (60, 1))

    verdicts = find_patterns(rng.poisson(expected + 6), expected)

    assert np.mean([verdict.kind is HotspotKind.STEADY for verdict in verdicts]) >= 0.8


def test_a_year_is_too_short_for_a_season():
    counted = np.where(np.isin(np.arange(12), [2, 3, 4]), 9.0, 0.0)[None, :]

    (verdict,) = find_patterns(counted, np.full((1, 12), 0.5))

    assert verdict.kind is HotspotKind.ENDED
    assert verdict.probabilities[HotspotKind.SEASONAL] == 0.0


def test_a_few_months_are_not_judged():
    (verdict,) = find_patterns(np.full((1, 4), 9.0), np.full((1, 4), 0.5))

    assert verdict.kind is HotspotKind.RECURRING
    assert verdict.active == (0, 1, 2, 3)
    assert max(verdict.probabilities.values()) <= 0.25


def test_what_may_be_steady_is_not_called_rising():
    rng = np.random.default_rng(11)
    months = np.arange(36)
    level = np.where(months >= 12, 8.0, 1.0)

    verdicts = find_patterns(rng.poisson(level, (200, 36)).astype(float), np.ones((200, 36)))

    told = [verdict.kind for verdict in verdicts]
    assert np.mean([kind is HotspotKind.RISING for kind in told]) <= 0.05
    for verdict in verdicts:
        if verdict.kind is HotspotKind.RISING:
            assert verdict.probabilities[HotspotKind.RISING] >= 0.8
