"""The smallest set of units that covers all duties: exact set cover by reduction, then branch and bound.

Set cover is NP-hard (R. M. Karp, Reducibility among combinatorial problems, 1972), but duty lists fall apart:
duties that share no unit are solved apart, a unit that can do no more than another is never needed, and a
duty with one holder left needs that one (the classical reductions, see R. S. Garfinkel and G. L. Nemhauser,
The set-partitioning problem, 1969). What remains is branched on; beyond :data:`EXACT_WORK` the greedy answer
(V. Chvátal, A greedy heuristic for the set-covering problem, 1979) stands with a bound that no answer beats.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

EXACT_WORK = 4_000
"""Units looked at in all branches before the search gives up: about 20 ms of a whistle answer's 50 ms."""

Masks = Mapping[str, int]
"""Unit → bits of the duties that it can do."""


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
    led = list((leads or {}).values())
    masks = _make_masks(holders)
    worth = {unit: led.count(unit) for unit in masks}
    search = _CoverSearch(worth=worth)
    units: list[str] = []
    bound = 0
    exact = True
    for part in _split(masks):
        search.given_up = False
        found = search.solve(part)
        units.extend(found)
        exact &= not search.given_up
        bound += _find_bound(part, _join(part)) if search.given_up else len(found)
    return Cover(units=tuple(sorted(units)), exact=exact, bound=bound)


def _make_masks(holders: Mapping[str, Sequence[str]]) -> dict[str, int]:
    masks: dict[str, int] = {}
    held = [units for units in holders.values() if units]
    for bit, units in enumerate(held):
        for unit in units:
            masks[unit] = masks.get(unit, 0) | 1 << bit
    return dict(sorted(masks.items()))


def _join(masks: Masks) -> int:
    joined = 0
    for mask in masks.values():
        joined |= mask
    return joined


def _split(masks: Masks) -> Iterator[dict[str, int]]:
    """Yield the parts of which no two share a duty."""
    left = dict(masks)
    while left:
        first = next(iter(left))
        reach, grown = left[first], 0
        while reach != grown:
            grown = reach
            for mask in left.values():
                if mask & reach:
                    reach |= mask
        part = {unit: mask for unit, mask in left.items() if mask & reach}
        yield part
        left = {unit: mask for unit, mask in left.items() if unit not in part}


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _find_bound(masks: Masks, left: int) -> int:
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
    """Reduce, split and branch; gives up proving after :data:`EXACT_WORK`."""

    worth: Mapping[str, int]
    work: int = 0
    given_up: bool = False

    def solve(self, masks: Masks) -> tuple[str, ...]:
        """Return the best units for all duties in `masks`."""
        chosen, rest = self._reduce(masks)
        parts = list(_split(rest))
        if len(parts) > 1:
            return (*chosen, *(unit for part in parts for unit in self.solve(part)))
        if not parts:
            return chosen
        return (*chosen, *self._branch(parts[0]))

    def _branch(self, masks: Masks) -> tuple[str, ...]:
        """Return the best of: each holder of the duty with the fewest, with the best for the rest."""
        best = self._choose_greedily(masks)
        if self.work > EXACT_WORK:
            self.given_up = True
            return best
        for unit in self._find_choices(masks):
            if self.given_up:
                break
            rest = {u: m & ~masks[unit] for u, m in masks.items() if m & ~masks[unit]}
            if 1 + _find_bound(rest, _join(rest)) <= len(best):
                best = min(best, (unit, *self.solve(rest)), key=self._rank)
        return best

    def _reduce(self, masks: Masks) -> tuple[tuple[str, ...], dict[str, int]]:
        """Return units that some best answer has for sure, and what then remains."""
        chosen: list[str] = []
        rest = dict(masks)
        while True:
            kept = self._drop_dominated(rest)
            sole = {u for bit in _bits(_join(kept)) for u in self._find_sole(kept, bit)}
            if not sole:
                return tuple(chosen), kept
            chosen.extend(sorted(sole))
            done = _join({u: kept[u] for u in sole})
            rest = {u: m & ~done for u, m in kept.items() if m & ~done}

    def _drop_dominated(self, masks: Masks) -> dict[str, int]:
        """Return the units without those that another can stand in for with no lead lost."""
        self.work += len(masks)
        ranked = sorted(masks, key=lambda u: (-masks[u].bit_count(), -self.worth[u], u))
        kept: dict[str, int] = {}
        for unit in ranked:
            mask, worth = masks[unit], self.worth[unit]
            if not any(mask & ~m == 0 and worth <= self.worth[u] for u, m in kept.items()):
                kept[unit] = mask
        return kept

    @staticmethod
    def _find_sole(masks: Masks, bit: int) -> list[str]:
        units = [unit for unit, mask in masks.items() if mask & bit]
        return units if len(units) == 1 else []

    def _choose_greedily(self, masks: Masks) -> tuple[str, ...]:
        left, chosen = _join(masks), []
        while left:
            unit = max(masks, key=lambda u: ((masks[u] & left).bit_count(), self.worth[u]))
            chosen.append(unit)
            left &= ~masks[unit]
        return tuple(chosen)

    def _find_choices(self, masks: Masks) -> list[str]:
        holders = [[u for u, m in masks.items() if m & bit] for bit in _bits(_join(masks))]
        choices = min(holders, key=len)
        return sorted(choices, key=lambda u: (-masks[u].bit_count(), -self.worth[u], u))

    def _rank(self, units: tuple[str, ...]) -> tuple[int, int, list[str]]:
        return len(units), -sum(self.worth[u] for u in units), sorted(units)
