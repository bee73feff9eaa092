"""Tasks keep their id: the same place and problem in a later draft is the same task, also where it has moved a bit."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from planner.plans.record import Task

LEAST_OVERLAP = 0.3
"""Cells shared over cells of both (Jaccard) from which two tasks about the same item are one."""


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What became of the tasks of the plan before.

    Parameters
    ----------
    tasks
        The new tasks with their ids and what they continue.
    ended
        Ids of tasks that nothing continues.
    """

    tasks: tuple[Task, ...]
    ended: tuple[str, ...]


def make_task_id(street_code: str, kind: str, item_code: str, anchor: str) -> str:
    """Return the id of a task that is new: the street and eight digits that place and problem give.

    Parameters
    ----------
    street_code
        The street.
    kind, item_code
        What it is about; the level-2 item, since the commonest level-3 item may change.
    anchor
        The cell with most appeals, empty for a whole street.
    """
    digest = hashlib.sha256("\0".join((kind, item_code, anchor)).encode()).hexdigest()
    return f"{street_code}-{digest[:8]}"


def keep_task_ids(
    previous: Sequence[Task], new: Sequence[Task], groups: Mapping[str, str]
) -> Lineage:
    """Return the new tasks with the ids of those that they continue.

    The pair that overlaps most comes first. Of several old tasks in one new one (a merge) the nearest gives the id; of
    one old task in several new ones (a split) the nearest keeps it; ``lineage`` names all.

    Parameters
    ----------
    previous
        Tasks of the plan before.
    new
        Tasks of the draft, with ids of their own.
    groups
        Item code → item of level 2: two tasks are about the same where these agree.
    """
    pairs = sorted(
        (-likeness, old.task_id, one.task_id)
        for old in previous
        for one in new
        if (likeness := _compare(old, one, groups)) > 0
    )
    named: dict[str, str] = {}
    parents: dict[str, list[str]] = {}
    for _, old_id, new_id in pairs:
        if old_id not in named.values() and new_id not in named:
            named[new_id] = old_id
        parents.setdefault(new_id, []).append(old_id)
    taken = set(named.values())
    used = set(taken)
    tasks = []
    for task in new:
        task_id = named.get(task.task_id, task.task_id)
        number = 2
        while task.task_id not in named and task_id in used:
            # a split part whose own digits another task has kept from an earlier plan
            task_id, number = f"{task.task_id}-{number}", number + 1
        used.add(task_id)
        lineage = tuple(sorted(parents.get(task.task_id, ())))
        tasks.append(replace(task, task_id=task_id, lineage=lineage))
    continued = {parent for made in parents.values() for parent in made}
    ended = tuple(sorted(old.task_id for old in previous if old.task_id not in continued))
    return Lineage(tasks=tuple(tasks), ended=ended)


def _compare(old: Task, new: Task, groups: Mapping[str, str]) -> float:
    """Return how much two tasks are the same, 0 for not at all, 1 for entirely."""
    if old.kind != new.kind:
        return 0.0
    if old.kind != "place" and _group(old, groups) != _group(new, groups):
        return 0.0
    if old.kind == "area":
        return 1.0
    both = set(old.cells) & set(new.cells)
    either = set(old.cells) | set(new.cells)
    likeness = len(both) / len(either) if either else 0.0
    return likeness if likeness >= LEAST_OVERLAP else 0.0


def _group(task: Task, groups: Mapping[str, str]) -> str:
    return groups.get(task.item_code, task.item_code)
