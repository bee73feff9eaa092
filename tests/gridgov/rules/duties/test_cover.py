"""The smallest set of units against trying every subset."""

from itertools import combinations

import numpy as np
import pytest

from gridgov.rules.duties.cover import find_smallest_cover


def make_holders(seed: int, duties: int, units: int) -> dict[str, list[str]]:
    rng = np.random.default_rng(seed)
    return {
        f"d{i}": sorted({f"u{u:02d}" for u in rng.integers(0, units, rng.integers(1, 4))})
        for i in range(duties)
    }


def covers(units: tuple[str, ...], holders: dict[str, list[str]]) -> bool:
    return all(set(held) & set(units) for held in holders.values() if held)


@pytest.mark.parametrize("seed", range(40))
def test_no_smaller_set_exists_and_leads_are_preferred(seed):
    holders = make_holders(seed, 8, 9)
    leads = {duty: held[0] for duty, held in holders.items()}
    units = sorted({u for held in holders.values() for u in held})
    size = next(k for k in range(1, 10) if any(covers(c, holders) for c in combinations(units, k)))
    most = max(
        sum(lead in chosen for lead in leads.values())
        for chosen in combinations(units, size)
        if covers(chosen, holders)
    )
    found = find_smallest_cover(holders, leads)
    assert found.exact
    assert covers(found.units, holders)
    assert len(found.units) == size == found.bound
    assert sum(lead in found.units for lead in leads.values()) == most


def test_large_scene_gets_a_cover_with_a_true_bound():
    rng = np.random.default_rng(5)
    holders = {f"d{i}": [f"u{u}" for u in rng.integers(0, 80, 4)] for i in range(200)}
    found = find_smallest_cover(holders)
    assert covers(found.units, holders)
    assert found.bound <= len(found.units)
    assert not found.exact


def test_duties_that_nobody_holds_are_left_out():
    assert find_smallest_cover({"a": [], "b": ["u"]}).units == ("u",)
    assert find_smallest_cover({"a": []}).units == ()
    assert find_smallest_cover({}).exact
