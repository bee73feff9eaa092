"""Targets that can be judged: met rarely if nothing changes, met mostly if the planned effect comes.

What a place will bring is a count with two doubts: how high its level really is (it was seen for some months only), and
chance in the count itself. The level relative to the street's own curve (season and trend, from the count model) is
gamma distributed after what was seen, the count given the level negative binomial; draws of the two give the
probabilities (Bayesian prediction of counts, Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).

A target is set with the shortest watch that satisfies both limits, for the task alone or for several together
(a pool), or not at all. Baseline, prediction and result count the same: distinct persons in a
window as long as the watch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DRAWS = 2_000
"""The standard error of a probability of 0.1 is then 0.007."""

SCOPES = ("street", "item", "district", "city")
"""Among which tasks a pool is looked for, in this order."""

PRIOR_PERSONS = 0.5
"""Jeffreys' prior of a rate: half a person more than were seen."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One length of watch, and what was seen in windows as long.

    Parameters
    ----------
    months
        Length.
    start, end
        First and last day.
    baseline
        Persons in the last window of this length before the plan.
    seen
        Persons in all windows of this length that were looked at, each person once a window.
    seen_exposure, exposure
        What the street's curve expects in those windows, and in the watch; any unit, above 0.
    """

    months: int
    start: date
    end: date
    baseline: int
    seen: int
    seen_exposure: float
    exposure: float


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is known of a task's place.

    Parameters
    ----------
    watches
        Shortest first.
    effect
        Share by which the appeals are to fall, 0-1.
    usual_per_month
        Persons a month if the place were as its surroundings.
    dispersion
        Variance over mean of a month's count beyond season and trend, at least 1.
    stays
        Probability that the level lasts if nobody does anything; a burst may end on its own, to the usual level.
    """

    watches: tuple[Watch, ...]
    effect: float
    usual_per_month: float
    dispersion: float = 1.0
    stays: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TargetLimits:
    """What makes a target: the highest chance to be met by nothing, the lowest to be met by the effect."""

    miss_share: float
    hit_share: float


@dataclass(frozen=True, kw_only=True)
class TargetFigures:
    """A threshold with its probabilities.

    Parameters
    ----------
    watch
        The watch it was found for, or the longest where none was found.
    threshold
        Met with at most so many persons; None where no threshold satisfies both limits.
    baseline, expected
        Persons before, and expected if nothing changes; sums where pooled.
    p_if_nothing, p_if_effect
        Of the best threshold, also where it is not good enough; None where even 0 would be met by chance too often.
    """

    watch: Watch
    threshold: int | None
    baseline: int
    expected: float
    p_if_nothing: float | None
    p_if_effect: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Future:
    """Draws of what a task's place brings in each of its watches.

    Parameters
    ----------
    outlook
        What they were drawn from.
    nothing, effect
        Persons if nothing changes, and with the planned effect, int64 (watches, :data:`DRAWS`).
    """

    outlook: Outlook
    nothing: Counts
    effect: Counts


def draw_future(outlook: Outlook, rng: np.random.Generator) -> Future:
    """Return draws for every watch of an outlook; the state of `rng` decides them.

    Raises
    ------
    ValueError
        It has no watch.
    """
    if not outlook.watches:
        raise ValueError("an outlook without a watch cannot be judged")
    drawn = [draw_persons(outlook, watch, rng) for watch in outlook.watches]
    return Future(
        outlook=outlook,
        nothing=np.stack([without for without, _ in drawn]),
        effect=np.stack([with_effect for _, with_effect in drawn]),
    )


def find_target(
    outlooks: Sequence[Outlook], limits: TargetLimits, rng: np.random.Generator
) -> TargetFigures:
    """Return the target of one task, or of several judged together.

    Parameters
    ----------
    outlooks
        One, or several with the same number of watches.
    limits
        What a target must hold.
    rng
        Its state decides the draws, so the same seed gives the same target.

    Raises
    ------
    ValueError
        There is no outlook, or their watches do not match.
    """
    return judge_futures([draw_future(one, rng) for one in outlooks], limits)


def judge_futures(
    futures: Sequence[Future], limits: TargetLimits, *, watches: int | None = None
) -> TargetFigures:
    """Return the target of one task, or of several judged together, with the shortest watch that will do.

    Parameters
    ----------
    futures
        One, or several with the same number of watches.
    limits
        What a target must hold.
    watches
        Only so many of the watches are tried, the shortest first; None: all.

    Raises
    ------
    ValueError
        There is no future, or their watches do not match.
    """
    if not futures or len({len(one.nothing) for one in futures}) != 1:
        raise ValueError("outlooks without watches, or with different ones, cannot be judged")
    best: TargetFigures | None = None
    for at in range(len(futures[0].nothing) if watches is None else watches):
        best = _judge(
            np.sum([one.nothing[at] for one in futures], axis=0),
            np.sum([one.effect[at] for one in futures], axis=0),
            futures[0].outlook.watches[at],
            sum(one.outlook.watches[at].baseline for one in futures),
            limits,
        )
        if best.threshold is not None:
            return best
    if best is None:
        raise ValueError("no watch was asked for; expected one or more")
    return best


def draw_persons(
    outlook: Outlook, watch: Watch, rng: np.random.Generator, draws: int = DRAWS
) -> tuple[Counts, Counts]:
    """Return draws of the persons in a watch, if nothing changes and with the planned effect."""
    spread = max(outlook.dispersion, 1.0)
    shape = (watch.seen + PRIOR_PERSONS) / spread
    level = rng.gamma(shape, spread / watch.seen_exposure, draws)
    lasting = rng.random(draws) < outlook.stays
    usual = outlook.usual_per_month * watch.months
    without = np.where(lasting, level * watch.exposure, np.minimum(level * watch.exposure, usual))
    return _draw(without, spread, rng), _draw(without * (1.0 - outlook.effect), spread, rng)


def _draw(mean: Floats, spread: float, rng: np.random.Generator) -> Counts:
    """Return one count per mean, its variance `spread` times the mean."""
    if spread <= 1.0 + 1e-9:
        return rng.poisson(mean).astype(np.int64)
    size = np.maximum(mean, 1e-12) / (spread - 1.0)
    return rng.negative_binomial(size, 1.0 / spread).astype(np.int64)


def _judge(
    nothing: Counts, effect: Counts, watch: Watch, baseline: int, limits: TargetLimits
) -> TargetFigures:
    """Return the highest threshold that chance meets rarely enough, and whether the effect meets it."""
    expected = float(nothing.mean())
    ordered = np.sort(nothing)
    # the k-th smallest draw is passed by more than the limit: one below it is the highest threshold
    at = int(np.floor(limits.miss_share * len(ordered) + 1e-9))
    threshold = min(int(ordered[at]) - 1, int(np.ceil(expected)) - 1)
    if threshold < 0:
        return TargetFigures(
            watch=watch,
            threshold=None,
            baseline=baseline,
            expected=round(expected, 1),
            p_if_nothing=None,
            p_if_effect=None,
        )
    met_by_chance = float((nothing <= threshold).mean())
    met = float((effect <= threshold).mean())
    return TargetFigures(
        watch=watch,
        threshold=threshold if met >= limits.hit_share else None,
        baseline=baseline,
        expected=round(expected, 1),
        p_if_nothing=round(met_by_chance, 3),
        p_if_effect=round(met, 3),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class PoolMember:
    """A task that has no target of its own.

    Parameters
    ----------
    task_id
        Unique over all plans.
    groups
        Of each of :data:`SCOPES` the group that it belongs to; empty for none.
    future
        Draws.
    """

    task_id: str
    groups: Mapping[str, str]
    future: Future


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Tasks that are judged together.

    Parameters
    ----------
    scope
        One of :data:`SCOPES`.
    task_ids
        In the order in which they were given.
    figures
        The target of all together.
    """

    scope: str
    task_ids: tuple[str, ...]
    figures: TargetFigures


def find_pools(
    members: Sequence[PoolMember], limits: TargetLimits, *, watches: int
) -> dict[str, Pool]:
    """Return the pool of each task that finds one, as few tasks as will do.

    Tried first among the tasks of one street, then of one item, then of one district, then of the whole city: the
    nearer the members, the clearer who answers for the sum.

    Within a group members are added one after the other, those whose fall is seen most clearly first, until the sum
    can be judged. What is left over in the end says little, so that many of them would have to stand together: each
    joins the pool with the fewest tasks that still holds with it, within the district before the city.

    Parameters
    ----------
    members
        Without a target of their own.
    limits
        What a target must hold.
    watches
        So many of the shortest watches are tried.
    """
    pools: list[Pool] = []
    rest = _rank(members)
    for scope in SCOPES:
        groups: dict[str, list[PoolMember]] = {}
        for one in rest:
            if group := one.groups.get(scope, ""):
                groups.setdefault(group, []).append(one)
        for _, group_members in sorted(groups.items()):
            pools += _split(group_members, scope, limits, watches)
        rest = _leave(rest, pools)
    known = {one.task_id: one for one in members}
    for scope in SCOPES[-2:]:
        for one in rest:
            pools = _join(one, pools, known, scope, limits, watches)
        rest = _leave(rest, pools)
    return {key: pool for pool in pools for key in pool.task_ids}


def _rank(members: Sequence[PoolMember]) -> list[PoolMember]:
    """Return members, those whose fall is seen most clearly first."""
    return sorted(members, key=lambda member: (-_see(member.future), member.task_id))


def _leave(members: Sequence[PoolMember], pools: Sequence[Pool]) -> list[PoolMember]:
    """Return the members of no pool."""
    pooled = {key for pool in pools for key in pool.task_ids}
    return [one for one in members if one.task_id not in pooled]


def _split(
    ranked: Sequence[PoolMember], scope: str, limits: TargetLimits, watches: int
) -> list[Pool]:
    """Return the pools of one group, each as small as will do."""
    pools: list[Pool] = []
    open_ones: list[PoolMember] = []
    for one in ranked:
        open_ones.append(one)
        figures = _judge_pool(open_ones, limits, watches)
        if figures is not None:
            ids = tuple(member.task_id for member in open_ones)
            pools.append(Pool(scope=scope, task_ids=ids, figures=figures))
            open_ones = []
    return pools


def _join(
    one: PoolMember,
    pools: Sequence[Pool],
    known: Mapping[str, PoolMember],
    scope: str,
    limits: TargetLimits,
    watches: int,
) -> list[Pool]:
    """Return the pools with one more member in the smallest of them that holds with it, all its members of a group."""
    for pool in sorted(pools, key=lambda pool: (len(pool.task_ids), pool.task_ids)):
        members = [*(known[key] for key in pool.task_ids), one]
        group = one.groups.get(scope, "")
        if not group or any(other.groups.get(scope, "") != group for other in members):
            continue
        figures = _judge_pool(members, limits, watches)
        if figures is None:
            continue
        ids = (*pool.task_ids, one.task_id)
        wider = max(pool.scope, _find_scope(members), key=SCOPES.index)
        joined = Pool(scope=wider, task_ids=ids, figures=figures)
        return [joined if other is pool else other for other in pools]
    return list(pools)


def _find_scope(members: Sequence[PoolMember]) -> str:
    """Return the nearest scope that all members share."""
    for scope in SCOPES:
        groups = {one.groups.get(scope, "") for one in members}
        if len(groups) == 1 and groups != {""}:
            return scope
    return SCOPES[-1]


def _judge_pool(
    members: Sequence[PoolMember], limits: TargetLimits, watches: int
) -> TargetFigures | None:
    """Return the target of some members together; None where there is only one, or none holds."""
    if len(members) < 2:
        return None
    figures = judge_futures([one.future for one in members], limits, watches=watches)
    return None if figures.threshold is None else figures


def _see(future: Future) -> float:
    """Return how clearly the planned fall stands out of chance: the difference of means over their spread."""
    without, with_effect = future.nothing[-1], future.effect[-1]
    spread = float((without.var() + with_effect.var()) ** 0.5)
    return float(without.mean() - with_effect.mean()) / max(spread, 1e-9)
