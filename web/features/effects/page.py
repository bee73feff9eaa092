"""What the page of effects shows: tasks by their answers, measures with what was believed and what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridgov.storage.models.effects import TaskEffect
from planner.effect import Answer


@dataclass(frozen=True, kw_only=True)
class EffectsView:
    """What the page shows.

    Parameters
    ----------
    counts
        Tasks by answer, in the order of the answers.
    tasks
        Rows of tasks, the one done last first.
    measures
        Rows of measures, the one with most tasks first.
    alone_n, alone_factor
        Places left alone, and how they went on.
    """

    counts: dict[str, int]
    tasks: list[TaskEffect]
    measures: list[dict[str, Any]]
    alone_n: int
    alone_factor: float


def make_effects_view(
    tasks: Sequence[TaskEffect], content: Mapping[str, Any] | None
) -> EffectsView:
    """Return the view.

    Parameters
    ----------
    tasks
        As they were judged last.
    content
        Pools by measure (``planner.jobs.done_tasks.make_measure_report``), None where there are none.
    """
    kept = {} if content is None else content
    return EffectsView(
        counts={answer.value: sum(one.answer == answer for one in tasks) for answer in Answer},
        tasks=list(tasks),
        measures=list(kept.get("measures", [])),
        alone_n=int(kept.get("alone_n", 0)),
        alone_factor=float(kept.get("alone_factor", 1.0)),
    )
