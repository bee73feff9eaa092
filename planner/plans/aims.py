"""The targets of tasks: each alone where its place has appeals enough or a longer watch helps, else several together.

Tasks of all plans that are made together may be judged together; so targets are set when all of them are known.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from planner.counts import CountModel
from planner.frames import HotspotKind, HotspotScale
from planner.plans.dates import add_months, say_list
from planner.plans.items import ItemLevels
from planner.plans.measures import join_effects
from planner.plans.outlook import (
    Course,
    Curve,
    HistoryMonths,
    PlaceHistory,
    make_curve,
    make_outlook,
)
from planner.plans.plan_text import say
from planner.plans.record import Target, TargetState, Task
from planner.plans.targets import (
    Future,
    Outlook,
    Pool,
    PoolMember,
    TargetFigures,
    TargetLimits,
    draw_future,
    find_pools,
    judge_futures,
)
from planner.plans.tasks import Candidate, TaskRules

MOST_CURVES = 5
"""Level-2 items whose curves stand for a place with more of everything."""

PASSING = (HotspotKind.BURST, HotspotKind.FALLING, HotspotKind.ENDED)
"""Patterns that may end on their own."""

WEEKS_A_MONTH = 52 / 12

MOST_NAMED = 6
"""Tasks of a pool that are named in a text."""

LONGER_STEP = 3
"""Watches that are longer than usual are tried by quarters."""

FEW_PERSONS = 60
"""Below so many expected persons it is their number, above it the small effect, that leaves a task without target."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CurveBook:
    """Curves of the count model by street and level-2 items, day by day.

    Parameters
    ----------
    model
        Fitted to the orders; None where nothing counts.
    """

    model: CountModel | None

    def find(self, street: str, items: Sequence[str]) -> tuple[Curve, float]:
        """Return the curve of some items of a street together, and their overdispersion over a year.

        A street or item that the model does not know has a flat curve.
        """
        if self.model is None:
            return make_curve(date(1970, 1, 1), [1.0]), 0.0
        known = [item for item in items if item in self.model.items]
        first, last = self.model.first_day, self.model.horizon_end
        days = (last - first).days + 1
        if street not in self.model.streets or not known:
            return make_curve(first, np.ones(days)), 0.0
        by_day = self.model.make_course(street, known)
        year = self.model.expect(
            street, known, max(first, add_months(self.model.last_day, -12)), self.model.last_day
        )
        weight = year.mean / max(float(year.mean.sum()), 1e-12)
        alpha = float(np.sum(year.alpha * weight**2))
        return make_curve(first, np.maximum(by_day, 1e-9)), alpha


@dataclass(frozen=True, kw_only=True, eq=False)
class Aim:
    """What the target of one task is found from.

    Parameters
    ----------
    task, candidate
        The task, its target still open, and what it was made of.
    district
        Of its street, empty where not known.
    future
        Draws of its watches.
    """

    task: Task
    candidate: Candidate
    district: str
    future: Future

    @property
    def outlook(self) -> Outlook:
        """Return what is known of its place."""
        return self.future.outlook


@dataclass(frozen=True, kw_only=True)
class AimRules:
    """Limits and watches of targets.

    Parameters
    ----------
    limits
        What a target must hold.
    lengths
        Months of the watches to try, shortest first.
    usual
        How many of them are tried first where tasks are pooled; the others only where no pool holds.
    """

    limits: TargetLimits
    lengths: tuple[int, ...]
    usual: int


def make_aim_rules(rules: TaskRules) -> AimRules:
    """Return the limits and watches of a city."""
    shortest, longest, most = (
        int(rules.number(f"watch_months_{name}")) for name in ("min", "max", "longest")
    )
    usual = tuple(range(shortest, max(longest, shortest) + 1))
    longer = tuple(range(usual[-1] + LONGER_STEP, most + 1, LONGER_STEP))
    return AimRules(
        limits=TargetLimits(
            miss_share=rules.number("miss_share"), hit_share=rules.number("hit_share")
        ),
        lengths=usual + longer,
        usual=len(usual),
    )


def make_aim(
    task: Task,
    candidate: Candidate,
    history: PlaceHistory,
    book: CurveBook,
    rules: TaskRules,
    *,
    district: str,
) -> Aim:
    """Return what the target of a task is found from.

    Parameters
    ----------
    task, candidate
        The task and what it was made of.
    history
        All appeals of its place and item.
    book
        Curves.
    rules
        ``planning.*``: limits, watches, the effect where no measure says one.
    district
        Of its street, empty where not known.
    """
    outlook = _make_outlook(task, candidate, history, book, rules, make_aim_rules(rules).lengths)
    future = draw_future(outlook, _make_rng(task.task_id, rules.today))
    return Aim(task=task, candidate=candidate, district=district, future=future)


def set_targets(aims: Sequence[Aim], rules: TaskRules) -> dict[str, Target]:
    """Return the target of each task by ``task_id``.

    Parameters
    ----------
    aims
        Of all plans made together.
    rules
        As in :func:`make_aim`.

    Notes
    -----
    First each task alone, within the usual watches or else with a longer one: who answers for a place is best judged by
    it. Then pools (:func:`planner.plans.targets.find_pools`), with the usual watches before longer ones. A place that
    may come to its end on its own has a target only in a pool. A task most of whose appeals are also those of another
    open task of its street is judged as a part of that one: nobody is counted twice.
    """
    by = make_aim_rules(rules)
    alone = {one.task.task_id: judge_futures([one.future], by.limits) for one in aims}
    figures = {key: found for key, found in alone.items() if found.threshold is not None}
    whole = _find_wholes(aims, rules.number("part_share"))
    pools: dict[str, Pool] = {}
    for watches in dict.fromkeys((by.usual, len(by.lengths))):
        rest = [one for one in aims if one.task.task_id not in figures.keys() | pools.keys()]
        open_ids = {one.task.task_id for one in rest}
        parts = {key: owner for key, owner in whole.items() if {key, owner} <= open_ids}
        members = [_make_member(one, rules.levels) for one in rest if one.task.task_id not in parts]
        pools |= find_pools(members, by.limits, watches=watches)
        pools |= {key: pools[owner] for key, owner in parts.items() if owner in pools}
    names = _name_tasks(aims, rules.names)
    owners = {one.task.task_id: one for one in aims}
    made = {}
    for one in aims:
        key = one.task.task_id
        pool = pools.get(key)
        if pool is not None:
            made[key] = _make_pooled(one, pool, [owners[at] for at in pool.task_ids], names)
        else:
            made[key] = _make_target(one, alone[key], by.limits)
    return made


def _find_wholes(aims: Sequence[Aim], share: float) -> dict[str, str]:
    """Return of each task that is a part of another one of its street the largest such one."""
    streets: dict[str, list[Aim]] = {}
    for aim in aims:
        streets.setdefault(aim.candidate.street_code, []).append(aim)
    wholes: dict[str, str] = {}
    for own in streets.values():
        numbers = [frozenset(one.candidate.evidence["order_no"]) for one in own]
        ranked = sorted(range(len(own)), key=lambda at: (-len(numbers[at]), at))
        for place, at in enumerate(ranked):
            for larger in ranked[:place]:
                key, owner = own[at].task.task_id, own[larger].task.task_id
                shared = len(numbers[at] & numbers[larger])
                if owner not in wholes and shared > share * max(len(numbers[at]), 1):
                    wholes[key] = owner
                    break
    return wholes


def _make_member(aim: Aim, levels: ItemLevels) -> PoolMember:
    street = aim.candidate.street_code
    code = aim.candidate.item_code
    item = str(levels.find(pd.Series([code]), 2).iloc[0]) if code else ""
    groups = {"street": street, "item": item, "district": aim.district, "city": "city"}
    return PoolMember(task_id=aim.task.task_id, groups=groups, future=aim.future)


def _name_tasks(aims: Sequence[Aim], names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return of each task its street and how it is named there."""
    return {
        one.task.task_id: (
            names.get(one.candidate.street_code, one.candidate.street_code),
            one.task.task_no,
        )
        for one in aims
    }


def _make_outlook(
    task: Task,
    candidate: Candidate,
    history: PlaceHistory,
    book: CurveBook,
    rules: TaskRules,
    lengths: Sequence[int],
) -> Outlook:
    curve, alpha = book.find(candidate.street_code, _find_level2(candidate, rules.levels))
    passing = sum(candidate.patterns.get(pattern, 0.0) for pattern in PASSING)
    is_whole = candidate.scale == HotspotScale.AREA and not candidate.hotspot_id
    course = Course(
        since=date.min if is_whole else candidate.window_start,
        is_rising=candidate.pattern == HotspotKind.RISING,
        months=candidate.months,
        stays=max(1.0 - passing, 0.0),
    )
    return make_outlook(
        history,
        curve,
        course,
        back=HistoryMonths(
            recent=int(rules.number("recent_months")),
            usual=int(rules.number("history_months")),
            prior=int(rules.number("prior_months")),
        ),
        today=rules.today,
        due_on=date.fromisoformat(task.due_on),
        lengths=lengths,
        effect=join_effects(
            task.measures, rules.number("target_share"), most=rules.number("effect_max")
        ),
        usual_per_month=candidate.usual_per_month,
        alpha=alpha,
    )


def _find_level2(candidate: Candidate, levels: ItemLevels) -> list[str]:
    """Return the level-2 items of a candidate, the commonest of its orders where it is about several."""
    found = levels.find(candidate.evidence["item_code"].astype("object"), 2)
    counts = found.value_counts()
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [str(code) for code, _ in ranked[:MOST_CURVES]]


def _make_rng(task_id: str, today: date) -> np.random.Generator:
    """Return a generator that the task and the day decide."""
    digest = hashlib.sha256(f"{task_id} {today.isoformat()}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _make_target(aim: Aim, figures: TargetFigures, limits: TargetLimits) -> Target:
    """Return the target of a task that is judged alone, or why it has none."""
    outlook, watch = aim.outlook, figures.watch
    state: TargetState = "none" if figures.threshold is None else "set"
    reason = _say_reason(outlook, figures, limits)
    text = say(
        "targets",
        state,
        months=watch.months,
        start=watch.start.isoformat(),
        end=watch.end.isoformat(),
        item=aim.task.item_name,
        threshold=figures.threshold,
        baseline=figures.baseline,
        expected=f"{figures.expected:.0f}",
        reason=reason,
    )
    per_month = None if figures.threshold is None else round(figures.threshold / watch.months, 2)
    return Target(
        baseline_per_month=round(figures.baseline / watch.months, 2),
        target_per_month=per_month,
        usual_per_month=round(aim.candidate.usual_per_month, 2),
        weeks=round(watch.months * WEEKS_A_MONTH),
        text=text,
        measure=_say_measure(aim.task, figures, outlook.effect),
        state=state,
        watch_months=watch.months,
        watch_start=watch.start.isoformat(),
        watch_end=watch.end.isoformat(),
        baseline=float(figures.baseline),
        expected=figures.expected,
        threshold=figures.threshold,
        planned_effect=round(outlook.effect, 4),
        p_if_nothing=figures.p_if_nothing,
        p_if_effect=figures.p_if_effect,
        reason=reason,
    )


def _make_pooled(
    aim: Aim, pool: Pool, members: Sequence[Aim], names: Mapping[str, tuple[str, str]]
) -> Target:
    """Return the target of a task that is judged with others: the watch is its own, the figures are of all."""
    figures = pool.figures
    # all members have as many watches: the place of the pool's in its first member's is its place in every one's
    at = members[0].outlook.watches.index(figures.watch)
    watch = aim.outlook.watches[at]
    here = names[aim.task.task_id][0]
    named = [
        number if street == here else f"{street}{number}"
        for street, number in sorted(
            (names[one] for one in pool.task_ids), key=lambda name: name[0] != here
        )
    ]
    others = say_list(named[:MOST_NAMED])
    if len(named) > MOST_NAMED:
        others = say("targets", "many", tasks=others, n=len(named))
    if aim.task.task_id not in pool.task_ids:
        others = say("targets", "part", task=aim.task.task_no, tasks=others)
    mixed = len({one.outlook.watches[at].months for one in members}) > 1
    text = say(
        "targets",
        "pooled_own" if mixed else "pooled",
        months=watch.months,
        start=watch.start.isoformat(),
        end=watch.end.isoformat(),
        threshold=figures.threshold,
        baseline=figures.baseline,
        expected=f"{figures.expected:.0f}",
        tasks=others,
    )
    fall = sum(
        float(one.future.nothing[at].mean() - one.future.effect[at].mean()) for one in members
    )
    return Target(
        baseline_per_month=round(watch.baseline / watch.months, 2),
        target_per_month=None,
        usual_per_month=round(aim.candidate.usual_per_month, 2),
        weeks=round(watch.months * WEEKS_A_MONTH),
        text=text,
        measure=_say_measure(aim.task, figures, fall / max(figures.expected, 1e-9)),
        state="pooled",
        watch_months=watch.months,
        watch_start=watch.start.isoformat(),
        watch_end=watch.end.isoformat(),
        baseline=float(figures.baseline),
        expected=figures.expected,
        threshold=figures.threshold,
        planned_effect=round(aim.outlook.effect, 4),
        p_if_nothing=figures.p_if_nothing,
        p_if_effect=figures.p_if_effect,
        pooled_with=tuple(dict.fromkeys((*pool.task_ids, aim.task.task_id))),
        reason=say("targets", f"pool_{pool.scope}"),
    )


def _say_measure(task: Task, figures: TargetFigures, effect: float) -> str:
    """Return how the result is counted, and how probable it is."""
    measure = say("targets", "measure" if task.cells else "measure_area")
    if figures.threshold is None:
        return measure
    return f"{measure}。" + say(
        "targets",
        "probabilities",
        chance=f"{figures.p_if_nothing:.0%}",
        effect=f"{effect:.0%}",
        success=f"{figures.p_if_effect:.0%}",
    )


def _say_reason(outlook: Outlook, figures: TargetFigures, limits: TargetLimits) -> str:
    """Return why a target is missing or late; empty for one that is judged after the shortest watch."""
    months = figures.watch.months
    if figures.threshold is not None:
        is_first = months == outlook.watches[0].months
        return "" if is_first else say("targets", "longer", months=months)
    if outlook.stays < 1 - limits.miss_share:
        return say("targets", "burst")
    few = figures.p_if_nothing is None or figures.expected < FEW_PERSONS
    return say(
        "targets",
        "few" if few else "effect",
        months=months,
        expected=f"{figures.expected:.0f}",
        effect=f"{outlook.effect:.0%}",
    )
