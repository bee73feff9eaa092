"""The targets of a plan's tasks: each alone where its place has appeals enough, else several together, else none."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from planner.counts import CountModel
from planner.frames import HotspotKind, HotspotScale
from planner.plans.dates import add_months, say_list
from planner.plans.items import ItemLevels
from planner.plans.measures import join_effects
from planner.plans.outlook import Course, Curve, PlaceHistory, make_curve, make_outlook
from planner.plans.plan_text import say
from planner.plans.record import Target, Task
from planner.plans.targets import Outlook, TargetFigures, TargetLimits, find_target
from planner.plans.tasks import Candidate, TaskRules

MOST_CURVES = 5
"""Level-2 items whose curves stand for a place with more of everything."""

PASSING = (HotspotKind.BURST, HotspotKind.FALLING, HotspotKind.ENDED)
"""Patterns that may end on their own."""

WEEKS_A_MONTH = 52 / 12


@dataclass(frozen=True, eq=False, kw_only=True)
class CurveBook:
    """Curves of the count model by street and level-2 items, month by month.

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
        starts = [first]
        while (following := add_months(date(starts[-1].year, starts[-1].month, 1), 1)) <= last:
            starts.append(following)
        ends = [date.fromordinal(day.toordinal() - 1) for day in starts[1:]] + [last]
        expected = self.model.expect(
            street, np.repeat(known, len(starts)), starts * len(known), ends * len(known)
        )
        by_month = expected.mean.reshape(len(known), len(starts)).sum(axis=0)
        lengths = [(end - start).days + 1 for start, end in zip(starts, ends, strict=True)]
        by_day = np.repeat(by_month / lengths, lengths)
        year = self.model.expect(
            street, known, max(first, add_months(self.model.last_day, -12)), self.model.last_day
        )
        weight = year.mean / max(float(year.mean.sum()), 1e-12)
        alpha = float(np.sum(year.alpha * weight**2))
        return make_curve(first, np.maximum(by_day, 1e-9)), alpha


def set_targets(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    histories: Mapping[str, PlaceHistory],
    book: CurveBook,
    rules: TaskRules,
) -> tuple[Task, ...]:
    """Return the tasks with their targets.

    Parameters
    ----------
    tasks, candidates
        Of one plan, in the same order.
    histories
        By ``task_id``: all appeals of the same place and item.
    book
        Curves.
    rules
        ``planning.*``: limits, watches, the effect where no measure says one.
    """
    limits = TargetLimits(
        miss_share=rules.number("miss_share"), hit_share=rules.number("hit_share")
    )
    lengths = tuple(
        range(int(rules.number("watch_months_min")), int(rules.number("watch_months_max")) + 1)
    )
    outlooks = [
        _make_outlook(task, candidate, histories[task.task_id], book, rules, lengths)
        for task, candidate in zip(tasks, candidates, strict=True)
    ]
    alone = [
        find_target([outlook], limits, _make_rng(task.task_id, rules.today))
        for task, outlook in zip(tasks, outlooks, strict=True)
    ]
    open_ones = [
        at
        for at, (figures, candidate) in enumerate(zip(alone, candidates, strict=True))
        if figures.threshold is None
        and not candidate.months
        and outlooks[at].stays >= 1 - limits.miss_share
    ]
    pooled = _pool(tasks, outlooks, open_ones, limits, rules.today)
    made = []
    for at, (task, candidate) in enumerate(zip(tasks, candidates, strict=True)):
        outlook = outlooks[at]
        if pooled is not None and at in open_ones:
            members = [tasks[one] for one in open_ones]
            target = _make_target(task, candidate, outlook, pooled, limits, members)
        else:
            target = _make_target(task, candidate, outlook, alone[at], limits, ())
        made.append(replace(task, target=target))
    return tuple(made)


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
        today=rules.today,
        due_on=date.fromisoformat(task.due_on),
        lengths=lengths,
        effect=join_effects(task.measures, rules.number("target_share")),
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


def _pool(
    tasks: Sequence[Task],
    outlooks: Sequence[Outlook],
    members: Sequence[int],
    limits: TargetLimits,
    today: date,
) -> TargetFigures | None:
    """Return the target of several tasks together, None where they are too few or not enough together."""
    if len(members) < 2:
        return None
    key = " ".join(sorted(tasks[at].task_id for at in members))
    found = find_target([outlooks[at] for at in members], limits, _make_rng(key, today))
    return None if found.threshold is None else found


def _make_target(
    task: Task,
    candidate: Candidate,
    outlook: Outlook,
    figures: TargetFigures,
    limits: TargetLimits,
    members: Sequence[Task],
) -> Target:
    """Return the target as the plan shows it."""
    watch = next(one for one in outlook.watches if one.months == figures.watch.months)
    state = "none" if figures.threshold is None else "pooled" if members else "set"
    reason = _say_reason(outlook, figures, limits, state)
    text = say(
        "targets",
        state,
        months=watch.months,
        start=watch.start.isoformat(),
        end=watch.end.isoformat(),
        item=task.item_name,
        threshold=figures.threshold,
        baseline=figures.baseline,
        expected=f"{figures.expected:.0f}",
        tasks=say_list([one.task_no for one in members]),
        reason=reason,
    )
    measure = say("targets", "measure" if task.cells else "measure_area")
    if figures.threshold is not None:
        measure += "。" + say(
            "targets",
            "probabilities",
            chance=f"{figures.p_if_nothing:.0%}",
            effect=f"{outlook.effect:.0%}",
            success=f"{figures.p_if_effect:.0%}",
        )
    per_month = None if figures.threshold is None else round(figures.threshold / watch.months, 2)
    return Target(
        baseline_per_month=round(figures.baseline / watch.months, 2),
        target_per_month=per_month,
        usual_per_month=round(candidate.usual_per_month, 2),
        weeks=round(watch.months * WEEKS_A_MONTH),
        text=text,
        measure=measure,
        state=state,  # type: ignore[arg-type]  # one of the three by the line above
        watch_months=watch.months,
        watch_start=watch.start.isoformat(),
        watch_end=watch.end.isoformat(),
        baseline=float(figures.baseline),
        expected=figures.expected,
        threshold=figures.threshold,
        planned_effect=round(outlook.effect, 4),
        p_if_nothing=figures.p_if_nothing,
        p_if_effect=figures.p_if_effect,
        pooled_with=tuple(one.task_id for one in members),
        reason=reason,
    )


def _say_reason(outlook: Outlook, figures: TargetFigures, limits: TargetLimits, state: str) -> str:
    """Return why a target is missing, pooled or late; empty for one that is judged after the shortest watch."""
    months = figures.watch.months
    if state == "pooled":
        return say("targets", "pool")
    if state == "set":
        return (
            "" if months == outlook.watches[0].months else say("targets", "longer", months=months)
        )
    if outlook.stays < 1 - limits.miss_share:
        return say("targets", "burst")
    few = figures.p_if_nothing is None or figures.expected < 60
    key = "few" if few else "effect"
    return say(
        "targets",
        key,
        months=months,
        expected=f"{figures.expected:.0f}",
        effect=f"{outlook.effect:.0%}",
    )
