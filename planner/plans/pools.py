"""Tasks whose places have too few appeals to be judged alone are judged together, as few at a time as will do.

Tried first among the tasks of one street, then of one item, then of one district, then of the whole city: the nearer
the members, the clearer who answers for the sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.plans.targets import Future, TargetFigures, TargetLimits, judge_futures

SCOPES = ("street", "item", "district", "city")
"""Among which tasks a pool is looked for, in this order."""


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
    """Return the pool of each task that finds one.

    Within a group members are added one after the other, those whose fall is seen most clearly first, until the sum
    can be judged; what is left over joins the last pool of its group where that holds, else it tries the next scope.

    Parameters
    ----------
    members
        Without a target of their own.
    limits
        What a target must hold.
    watches
        So many of the shortest watches are tried.
    """
    found: dict[str, Pool] = {}
    rest = list(members)
    for scope in SCOPES:
        groups: dict[str, list[PoolMember]] = {}
        for one in rest:
            if group := one.groups.get(scope, ""):
                groups.setdefault(group, []).append(one)
        for _, group_members in sorted(groups.items()):
            for pool in _split(group_members, scope, limits, watches):
                found.update(dict.fromkeys(pool.task_ids, pool))
        rest = [one for one in rest if one.task_id not in found]
    return found


def _split(
    members: Sequence[PoolMember], scope: str, limits: TargetLimits, watches: int
) -> list[Pool]:
    """Return the pools of one group, each as small as will do."""
    pools: list[tuple[list[PoolMember], TargetFigures]] = []
    open_ones: list[PoolMember] = []
    for one in sorted(members, key=lambda member: (-_see(member.future), member.task_id)):
        open_ones.append(one)
        figures = _judge(open_ones, limits, watches)
        if figures is not None:
            pools.append((open_ones, figures))
            open_ones = []
    for one in open_ones if pools else []:
        together = [*pools[-1][0], one]
        figures = _judge(together, limits, watches)
        if figures is not None:
            pools[-1] = (together, figures)
    return [
        Pool(scope=scope, task_ids=tuple(one.task_id for one in own), figures=figures)
        for own, figures in pools
    ]


def _judge(
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
