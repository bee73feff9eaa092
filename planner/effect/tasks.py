"""Tasks that are done, each judged by its watch, with placebo in time and what happened next door; pools by measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from planner.effect.estimate import (
    RISEN,
    SURE,
    Answer,
    Effect,
    EffectError,
    LeftAlone,
    Verdict,
    Watch,
    estimate_effect,
    fit_by_rise,
    judge_effect,
)
from planner.effect.place_orders import PlaceOrders
from planner.effect.watches import (
    Expect,
    PlaceTask,
    make_watch,
    shift_task,
    surround_task,
)

LEAST_POOLED = 60.0
"""Expected appeals from which a pool says how much a measure does, not only whether: with sixty, the 90 % interval of
the ratio is about ± 0.25 wide."""
NO_BASELINE = "no_baseline"
"""Why it is too early where nothing is known of the place before."""


@dataclass(frozen=True, kw_only=True)
class DoneTask:
    """A task that is done.

    Parameters
    ----------
    place
        Where and when.
    planned
        The planned ratio θ, 0-1: 0.7 for a fall by 30 %.
    usual_a_day
        Persons a day if the place were as others of its kind; None where nobody knows.
    ring
        Cells around its own; empty where none are known.
    measures
        Codes of what was done.
    """

    place: PlaceTask
    planned: float
    usual_a_day: float | None = None
    ring: frozenset[str] = frozenset()
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JudgedTask:
    """What is said of a task.

    Parameters
    ----------
    task
        The task.
    watch
        None where it has not begun or nothing is known of the place before.
    verdict
        None where there is no watch; the answer is then :attr:`answer` with :attr:`reason`.
    days
        Days watched so far.
    is_over
        Whether the watch has ended.
    placebo
        The same comparison in an earlier time in which nothing was done; None where the orders do not reach back.
    next_door
        The same comparison on the cells around; None where none are known.
    reason
        As in :class:`~planner.effect.estimate.Verdict`.
    """

    task: DoneTask
    watch: Watch | None
    verdict: Verdict | None
    days: int
    is_over: bool
    placebo: Effect | None = None
    next_door: Effect | None = None
    reason: str = ""

    @property
    def answer(self) -> Answer:
        """Return what a person is told."""
        return Answer.TOO_EARLY if self.verdict is None else self.verdict.answer

    @property
    def cautions(self) -> tuple[str, ...]:
        """Return what speaks against the answer.

        ``fell_before``: the place fell as much in a time in which nothing was done · ``moved``: appeals rose next
        door.
        """
        found = []
        if self.placebo is not None and self.placebo.p_fewer >= SURE:
            found.append("fell_before")
        if self.next_door is not None and self.next_door.p_fewer <= 1 - SURE:
            found.append("moved")
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class PooledEffect:
    """Tasks with one measure, judged together.

    Parameters
    ----------
    measure_code
        The measure.
    verdict
        Of the pool.
    n, n_alone
        Tasks in it, and those of them in which it was the only measure.
    n_running
        Tasks with it whose watch still runs; they are not in the pool.
    fall, fall_low, fall_high
        Share by which appeals fell because of this measure (negative: they rose) with its 90 % interval; None where the
        pool is too small, or others were used too and nobody knows what they do.
    """

    measure_code: str
    verdict: Verdict | None
    n: int
    n_alone: int
    n_running: int
    fall: float | None = None
    fall_low: float | None = None
    fall_high: float | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedCity:
    """All tasks of a city, and pools by measure."""

    tasks: tuple[JudgedTask, ...]
    pools: tuple[PooledEffect, ...]


def judge_tasks(
    orders: PlaceOrders,
    tasks: Sequence[DoneTask],
    left: Sequence[PlaceTask],
    expect: Expect,
    *,
    first_on: date,
    last_on: date,
    seed: int,
    known: Mapping[str, float] | None = None,
) -> JudgedCity:
    """Judge every task by itself, and tasks pooled by measure.

    Parameters
    ----------
    orders
        Problems of the city.
    tasks
        Done tasks.
    left
        Places that the same rule found and nobody worked on, with the day from which they would have been watched.
    expect
        The count model.
    first_on, last_on
        First and last day of the orders.
    seed
        Of the simulation of power.
    known
        Share by which appeals fall, by measure, as the library says; to split what several measures did together.
    """
    kinds = fit_by_rise(
        [
            watch
            for place in left
            if place.watch_to <= last_on
            and (watch := find_watch(orders, place, expect, first_on=first_on)) is not None
        ]
    )
    judged = tuple(
        _judge_task(orders, task, kinds, expect, first_on=first_on, last_on=last_on, seed=seed)
        for task in tasks
    )
    return JudgedCity(tasks=judged, pools=pool_by_measure(judged, seed=seed, known=known))


def find_watch(
    orders: PlaceOrders, place: PlaceTask, expect: Expect, *, first_on: date
) -> Watch | None:
    """Return the watch of a place, None where it has no baseline."""
    try:
        return make_watch(orders.take(place), place, expect, first_on=first_on)
    except EffectError:
        return None


def _judge_task(
    orders: PlaceOrders,
    task: DoneTask,
    kinds: Mapping[bool, LeftAlone],
    expect: Expect,
    *,
    first_on: date,
    last_on: date,
    seed: int,
) -> JudgedTask:
    place = task.place
    is_over = place.watch_to <= last_on
    days = min((last_on - place.done_on).days + 1, place.watch_days)
    if days < 1:
        return JudgedTask(
            task=task, watch=None, verdict=None, days=0, is_over=False, reason="watch_runs"
        )
    so_far = replace(place, watch_days=days)
    watch = find_watch(orders, so_far, expect, first_on=first_on)
    if watch is None:
        return JudgedTask(
            task=task, watch=None, verdict=None, days=days, is_over=is_over, reason=NO_BASELINE
        )
    if task.usual_a_day is not None:
        watch = replace(watch, usual=task.usual_a_day * days)
    alone = kinds[watch.rise >= RISEN]
    verdict = judge_effect([watch], alone, planned=task.planned, is_over=is_over, seed=seed)
    # What was not picked for standing out does not fall back by itself: only the scatter is that of places left alone.
    plain = replace(alone, log_mean=0.0)
    return JudgedTask(
        task=task,
        watch=watch,
        verdict=verdict,
        days=days,
        is_over=is_over,
        placebo=_find_placebo(orders, so_far, plain, expect, first_on=first_on),
        next_door=_find_next_door(orders, so_far, task.ring, plain, expect, first_on=first_on),
        reason=verdict.reason,
    )


def _find_placebo(
    orders: PlaceOrders, place: PlaceTask, plain: LeftAlone, expect: Expect, *, first_on: date
) -> Effect | None:
    """Return the effect in a time that ends before the place was found, where a baseline as long lies before it."""
    back = (place.watch_to - min(place.found_from, place.done_on)).days + 1
    earlier = shift_task(place, back)
    if earlier.done_on - timedelta(days=place.watch_days) < first_on:
        return None
    # There was no detection then: the whole time before is the baseline.
    earlier = replace(earlier, found_from=earlier.done_on, found_to=earlier.done_on)
    watch = find_watch(orders, earlier, expect, first_on=first_on)
    return None if watch is None else estimate_effect([watch], plain)


def _find_next_door(
    orders: PlaceOrders,
    place: PlaceTask,
    ring: frozenset[str],
    plain: LeftAlone,
    expect: Expect,
    *,
    first_on: date,
) -> Effect | None:
    around = surround_task(place, ring)
    if not place.cells or not around.cells:
        return None
    watch = find_watch(orders, around, expect, first_on=first_on)
    return None if watch is None else estimate_effect([watch], plain)


def pool_by_measure(
    judged: Sequence[JudgedTask],
    *,
    seed: int,
    known: Mapping[str, float] | None = None,
) -> tuple[PooledEffect, ...]:
    """Return tasks pooled by measure, the one with most tasks first; a task with two measures is in two pools."""
    by_measure: dict[str, list[JudgedTask]] = {}
    for one in judged:
        for code in dict.fromkeys(one.task.measures):
            by_measure.setdefault(code, []).append(one)
    pools = [_pool(code, own, seed, known or {}) for code, own in by_measure.items()]
    return tuple(sorted(pools, key=lambda pool: (-pool.n, pool.measure_code)))


def _pool(
    code: str, own: Sequence[JudgedTask], seed: int, known: Mapping[str, float]
) -> PooledEffect:
    ended = [one for one in own if one.is_over and one.watch is not None]
    # Each place's own kind stands in its expectation; what remains common is how sure that is.
    watches = [
        replace(one.watch, expected=one.watch.expected * one.verdict.alone.factor)
        for one in ended
        if one.watch is not None and one.verdict is not None
    ]
    n_alone = sum(len(set(one.task.measures)) == 1 for one in ended)
    n_running = sum(not one.is_over for one in own)
    if not watches:
        return PooledEffect(measure_code=code, verdict=None, n=0, n_alone=0, n_running=n_running)
    expected = np.array([watch.expected for watch in watches])
    alone = replace(
        max((one.verdict.alone for one in ended if one.verdict), key=lambda kind: kind.log_sd),
        log_mean=0.0,
    )
    planned = float(np.average([one.task.planned for one in ended], weights=expected))
    verdict = judge_effect(watches, alone, planned=planned, is_over=True, seed=seed)
    pool = PooledEffect(
        measure_code=code, verdict=verdict, n=len(ended), n_alone=n_alone, n_running=n_running
    )
    part = _find_part(code, ended, expected, known)
    if verdict.effect is None or expected.sum() < LEAST_POOLED or part is None:
        return pool
    effect = verdict.effect
    return replace(
        pool,
        fall=float(1 - effect.ratio**part),
        fall_low=float(1 - effect.high**part),
        fall_high=float(1 - effect.low**part),
    )


def _find_part(
    code: str, ended: Sequence[JudgedTask], expected: np.ndarray, known: Mapping[str, float]
) -> float | None:
    """Return the part of log θ that is this measure's: by what the library says that each does, 1 where it is alone.

    What several did together cannot be told apart by them alone; the library's proportions are kept and only their sum
    is measured. None where it does not know one of them.
    """
    shares = []
    for one in ended:
        codes = set(one.task.measures)
        if len(codes) == 1:
            shares.append(1.0)
            continue
        logs = {each: -np.log1p(-known[each]) for each in codes if 0 < known.get(each, 0.0) < 1}
        if len(logs) < len(codes):
            return None
        shares.append(float(logs[code] / sum(logs.values())))
    return float(np.average(shares, weights=expected))
