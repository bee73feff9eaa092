"""The smallest set of units that covers all duties: exact set cover by branch and bound.

Set cover is NP-hard (R. M. Karp, 1972); scenes have some dozens of duties, where branching on the duty
with the fewest holders is exact within milliseconds. Beyond :data:`EXACT_STEPS` the greedy answer stands,
with the bound below which no answer can be (V. Chvátal, A greedy heuristic for the set-covering problem, 1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EXACT_STEPS = 20_000
"""Branches tried before the search gives up: about 20 ms, within the 50 ms of a whistle answer."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    """Units that together hold every duty.

    Parameters
    ----------
    units
        Sorted codes.
    exact
        Whether no smaller set exists.
    bound
        No set is smaller than this; equals the number of units where `exact`.
    """

    units: tuple[str, ...]
    exact: bool
    bound: int


def find_smallest_cover(
    holders: Mapping[str, Sequence[str]], leads: Mapping[str, str] | None = None
) -> Cover:
    """Return the smallest set of units so that each duty has one of its holders in it.

    Parameters
    ----------
    holders
        Duty → units that can do it; a duty without any cannot be covered and is left out.
    leads
        Duty → its lead: among sets of the same size one with more leads is taken.
    """
    masks = _make_masks(holders)
    if not masks:
        return Cover(units=(), exact=True, bound=0)
    led = list((leads or {}).values())
    ranked = sorted(masks, key=lambda u: (-masks[u].bit_count(), -led.count(u), u))
    search = _CoverSearch(
        masks={u: masks[u] for u in ranked},
        worth={u: led.count(u) for u in ranked},
        best=_choose_greedily({u: masks[u] for u in ranked}),
    )
    search.run((), _join(masks))
    exact = search.steps <= EXACT_STEPS
    size = len(search.best)
    bound = size if exact else _find_bound(masks, _join(masks))
    return Cover(units=tuple(sorted(search.best)), exact=exact, bound=bound)


def _make_masks(holders: Mapping[str, Sequence[str]]) -> dict[str, int]:
    masks: dict[str, int] = {}
    held = [units for units in holders.values() if units]
    for bit, units in enumerate(held):
        for unit in units:
            masks[unit] = masks.get(unit, 0) | 1 << bit
    return masks


def _join(masks: Mapping[str, int]) -> int:
    joined = 0
    for mask in masks.values():
        joined |= mask
    return joined


def _choose_greedily(masks: Mapping[str, int]) -> tuple[str, ...]:
    left, chosen = _join(masks), []
    while left:
        unit = max(masks, key=lambda u: (masks[u] & left).bit_count())
        chosen.append(unit)
        left &= ~masks[unit]
    return tuple(chosen)


def _find_bound(masks: Mapping[str, int], left: int) -> int:
    """Return how many duties are left of which no two share a holder: each needs a unit of its own."""
    count = 0
    while left:
        bit = left & -left
        shared = 0
        for mask in masks.values():
            if mask & bit:
                shared |= mask
        left &= ~shared
        count += 1
    return count


@dataclass
class _CoverSearch:
    """Depth first over the holders of the duty with the fewest, cut off by the bound."""

    masks: Mapping[str, int]
    worth: Mapping[str, int]
    best: tuple[str, ...]
    steps: int = 0

    def run(self, chosen: tuple[str, ...], left: int) -> None:
        self.steps += 1
        if self.steps > EXACT_STEPS:
            return
        if not left:
            self.best = min(self.best, chosen, key=self._rank)
            return
        if len(chosen) + _find_bound(self.masks, left) > len(self.best):
            return
        for unit in self._find_choices(left):
            self.run((*chosen, unit), left & ~self.masks[unit])

    def _rank(self, units: tuple[str, ...]) -> tuple[int, int, list[str]]:
        return len(units), -sum(self.worth[u] for u in units), sorted(units)

    def _find_choices(self, left: int) -> list[str]:
        """Return the holders of the hardest duty; those that add the same as a better one are left out."""
        bits = (1 << at for at in range(left.bit_length()) if left >> at & 1)
        holders = [[u for u, m in self.masks.items() if m & bit] for bit in bits]
        choices = min(holders, key=len)
        return sorted(
            choices, key=lambda u: (-(self.masks[u] & left).bit_count(), -self.worth[u], u)
        )
