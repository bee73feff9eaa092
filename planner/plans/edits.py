"""What people change in a draft, and how it survives the next draft.

A draft is made from data again and again; a person's words must not be lost by it. An edit says what was changed, what
the draft said then and what the person wrote. On a new draft it is applied again; where the draft underneath now says
something else, the person's words still stand and the difference is shown; where the task is gone, the words are kept
as an orphan. Pure: two plans in, one plan out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from planner.errors import PlannerError
from planner.plans.record import Edit, Plan, Task, build_value

EDITABLE = (
    "title",
    "place",
    "lead",
    "helpers",
    "measures",
    "consultation",
    "firms",
    "start_on",
    "due_on",
    "due_basis",
    "target",
    "effort",
    "cost",
    "quotes",
)
"""Fields of a task that a person may change; evidence and figures are those of the data."""


def edit_plan(plan: Plan, changes: Mapping[str, Any], *, by: str, at: str) -> Plan:
    """Return the plan with what a person changed.

    Parameters
    ----------
    plan
        A draft or an edited plan.
    changes
        Path → new value, plain as in JSON: ``tasks/<task_id>/<field>``; ``tasks/<task_id>`` with None to remove a
        task or with all its fields to add one; ``notes/<key>`` with a text.
    by, at
        Key of the person, ISO time.

    Raises
    ------
    PlannerError
        A path names no task or no field that can be changed, or a value does not fit its field.
    """
    edits = {edit.path: edit for edit in plan.edits}
    for path, after in changes.items():
        known = edits.get(path)
        before = _find(plan, path, is_new=after is not None) if known is None else known.before
        edits[path] = Edit(path=path, before=before, after=after, by=by, at=at)
    changed = _apply(plan, [edits[path] for path in changes])
    return replace(changed, edits=tuple(edits[path] for path in sorted(edits)))


def merge_edits(previous: Plan, new: Plan) -> Plan:
    """Return the new draft with the edits of the plan before.

    Parameters
    ----------
    previous
        The plan as edited, with its edits.
    new
        The draft made again, task ids kept (:mod:`planner.plans.lineage`); edits of its own win over older ones.

    Returns
    -------
        The draft with every edit: ``applied``, ``draft_changed`` where the draft now says something else than it did
        when the person changed it, ``orphan`` where the task is gone. Nobody's words are dropped.
    """
    own = {edit.path for edit in new.edits}
    ids = {task.task_id for task in new.tasks}
    added = {
        edit.path.split("/")[1]
        for edit in previous.edits
        if _is_whole(edit.path) and edit.after is not None
    }
    kept: list[Edit] = []
    for edit in previous.edits:
        if edit.path in own:
            continue
        parts = edit.path.split("/")
        if parts[0] == "tasks" and parts[1] not in ids | added:
            kept.append(replace(edit, state="orphan", draft_now=None))
            continue
        is_own = parts[0] == "tasks" and parts[1] in added - ids
        now = edit.before if is_own else _find(new, edit.path, is_new=True)
        changed = _plain(now) != _plain(edit.before) and _plain(now) != _plain(edit.after)
        kept.append(
            replace(
                edit,
                state="draft_changed" if changed else "applied",
                draft_now=_plain(now) if changed else None,
            )
        )
    live = [edit for edit in kept if edit.state != "orphan"]
    # added tasks first, so that edits inside them find their task
    live.sort(key=lambda edit: (not _is_whole(edit.path), edit.path))
    made = _apply(new, live)
    return replace(made, edits=tuple(sorted((*new.edits, *kept), key=lambda edit: edit.path)))


def find_differences(old: Plan, new: Plan) -> tuple[Edit, ...]:
    """Return what differs between two revisions, task by task and field by field, as edits without an author."""
    before, after = ({task.task_id: task for task in plan.tasks} for plan in (old, new))
    found = [
        Edit(path=f"tasks/{one}", before=None, after=after[one].title, by="", at="")
        for one in sorted(after.keys() - before.keys())
    ]
    found += [
        Edit(path=f"tasks/{one}", before=before[one].title, after=None, by="", at="")
        for one in sorted(before.keys() - after.keys())
    ]
    for one in sorted(before.keys() & after.keys()):
        was, now = asdict(before[one]), asdict(after[one])
        found += [
            Edit(path=f"tasks/{one}/{name}", before=was[name], after=now[name], by="", at="")
            for name in sorted(was)
            if _plain(was[name]) != _plain(now[name])
        ]
    for key in sorted(old.notes.keys() | new.notes.keys()):
        if old.notes.get(key) != new.notes.get(key):
            found.append(
                Edit(
                    path=f"notes/{key}",
                    before=old.notes.get(key),
                    after=new.notes.get(key),
                    by="",
                    at="",
                )
            )
    return tuple(found)


def _is_whole(path: str) -> bool:
    return path.startswith("tasks/") and path.count("/") == 1


def _find(plan: Plan, path: str, *, is_new: bool) -> Any:
    """Return what a path points at, plain; None for a task or note that is not there and may be new."""
    parts = path.split("/")
    if parts[0] == "notes" and len(parts) == 2:
        return plan.notes.get(parts[1])
    if parts[0] != "tasks" or len(parts) not in {2, 3}:
        raise PlannerError(
            f"edit {path!r}: expected tasks/<task_id>, tasks/<task_id>/<field> or notes/<key>"
        )
    task = next((one for one in plan.tasks if one.task_id == parts[1]), None)
    if len(parts) == 2:
        if task is None and not is_new:
            raise PlannerError(f"edit {path!r}: the plan has no such task to remove")
        return None if task is None else _plain(asdict(task))
    if task is None:
        known = ", ".join(one.task_id for one in plan.tasks) or "none"
        raise PlannerError(f"edit {path!r}: the plan has no such task; it has {known}")
    if parts[2] not in EDITABLE:
        raise PlannerError(
            f"edit {path!r}: the field cannot be changed; expected one of {', '.join(EDITABLE)}"
        )
    return _plain(asdict(task)[parts[2]])


def _apply(plan: Plan, edits: Sequence[Edit]) -> Plan:
    """Return the plan with edits applied."""
    tasks = {task.task_id: task for task in plan.tasks}
    notes = dict(plan.notes)
    for edit in edits:
        parts = edit.path.split("/")
        if parts[0] == "notes":
            if edit.after is None:
                notes.pop(parts[1], None)
            else:
                notes[parts[1]] = str(edit.after)
        elif len(parts) == 2:
            if edit.after is None:
                tasks.pop(parts[1], None)
            else:
                content = {**edit.after, "task_id": parts[1], "origin": "person"}
                tasks[parts[1]] = build_value(Task, content, edit.path)
        elif parts[1] in tasks:
            content = {**asdict(tasks[parts[1]]), parts[2]: edit.after}
            tasks[parts[1]] = build_value(Task, content, edit.path)
    return replace(plan, tasks=tuple(tasks.values()), notes=notes)


def _plain(value: Any) -> Any:
    """Return a value as JSON would give it back: lists, not tuples."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
