import numpy as np
import pytest

from planner.frames import HotspotKind
from planner.hotspots.temporal_patterns import find_kinds

MONTHS = np.arange(24)
COURSES = {
    HotspotKind.PERSISTENT: np.ones(24),
    HotspotKind.NEW: (MONTHS >= 20).astype(float) * 3,
    HotspotKind.GROWING: (MONTHS / 12) ** 1.5,
    HotspotKind.DIMINISHING: ((23 - MONTHS) / 12) ** 1.5,
    HotspotKind.SEASONAL: np.isin(MONTHS % 12, [5, 6, 7]) * 3.0,
    HotspotKind.SPORADIC: np.isin(MONTHS, [2, 3, 9, 16]) * 5.0,
}


@pytest.mark.parametrize("kind", COURSES)
def test_noisy_courses_are_told_apart(kind):
    rng = np.random.default_rng(11)
    expected = np.full((200, 24), 0.4)
    counted = rng.poisson(expected + 5 * COURSES[kind])

    verdicts = find_kinds(counted, expected)

    assert np.mean([verdict.kind is kind for verdict in verdicts]) >= 0.9


def test_a_season_in_the_background_is_none_of_the_hotspot():
    rng = np.random.default_rng(4)
    expected = np.tile(2 + 1.5 * np.cos(MONTHS * np.pi / 6), (100, 1))

    verdicts = find_kinds(rng.poisson(expected + 6), expected)

    assert np.mean([verdict.kind is HotspotKind.PERSISTENT for verdict in verdicts]) >= 0.85


def test_active_months_of_a_new_one_start_at_its_onset():
    counted = np.where(MONTHS >= 20, 9.0, 0.0)[None, :]

    (verdict,) = find_kinds(counted, np.full((1, 24), 0.5))

    assert verdict.active == (20, 21, 22, 23)


def test_a_year_is_too_short_for_a_season():
    counted = np.where(np.isin(np.arange(12), [5, 6, 7]), 9.0, 0.0)[None, :]

    (verdict,) = find_kinds(counted, np.full((1, 12), 0.5))

    assert verdict.kind is HotspotKind.SPORADIC


def test_a_few_months_are_not_judged():
    (verdict,) = find_kinds(np.full((1, 4), 9.0), np.full((1, 4), 0.5))

    assert verdict.kind is HotspotKind.SPORADIC
    assert verdict.active == (0, 1, 2, 3)
