"""Editing a draft: a form of what people may change; where somebody was faster, both wordings stand side by side."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from gridgov.errors import ConflictError, GridgovError
from gridgov.rules.plans.life import LifeError, PlanAction, PlanState
from gridgov.rules.privacy import mask_text
from gridgov.services.plans.deciding import find_plan_actions
from gridgov.services.plans.drafts import edit_draft
from gridgov.storage.queries.areas import get_unit_names
from gridgov.storage.queries.plans import PlanRecord, get_plan
from planner.errors import PlannerError
from planner.jobs.store import make_draft
from planner.plans.edits import edit_plan
from planner.plans.record import make_content_hash, read_plan
from web.features.planning.entry import blueprint, get_person
from web.features.planning.workplace import read_version
from web.kit import limits
from web.kit.page_helpers import to
from web.kit.permissions import Permission, permission
from web.kit.service import get_runtime, get_service, reading, writing

TEXT_FIELDS = ("title", "place", "start_on", "due_on", "consultation", "firms")
"""Fields of a task that the form offers as text; the lead is chosen among the units."""
LONG_FIELDS = frozenset({"consultation", "firms"})
DAYS = frozenset({"start_on", "due_on"})
NOTES = ("opening", "closing")
"""Texts of the document that a person adds."""
TEXT_MOST = 8_000


@dataclass(frozen=True, kw_only=True)
class FormField:
    """A field of the form: its name (the path of the edit), what it is, and its text."""

    path: str
    field: str
    value: str


@blueprint.get("/plans/<plan_no>/edit")
@permission(Permission.PLANS_ACT)
def edit(plan_no: str) -> str:
    """Show the form of a draft."""
    session = reading()
    record = get_plan(session, plan_no)
    offered = find_plan_actions(get_runtime(), record.row, get_person(), at=get_service().get_now())
    if PlanAction.EDIT not in {one.action for one in offered}:
        raise LifeError(
            plan_no,
            "edit",
            "state",
            f"it is {record.row.state}, or not yours to edit; expected a draft",
        )
    return _show(record, {}, "")


def _show(record: PlanRecord, typed: Mapping[str, str], problem: str) -> str:
    return render_template(
        "planning/edit.html",
        plan=record,
        row=record.row,
        document=record.document,
        tasks=[
            {"task": task, "fields": list_fields(task, typed), "lead": _find_lead(task, typed)}
            for task in record.document["tasks"]
        ],
        notes=[
            FormField(
                path=f"notes/{key}",
                field=key,
                value=typed.get(f"notes/{key}", record.document.get("notes", {}).get(key, "")),
            )
            for key in NOTES
        ],
        long_fields=LONG_FIELDS,
        days=DAYS,
        units=sorted(get_unit_names(reading()).items()),
        problem_text=problem,
    )


def _find_lead(task: Mapping[str, Any], typed: Mapping[str, str]) -> str:
    lead = task["lead"]["unit_code"] if task["lead"] else ""
    return str(typed.get(f"tasks/{task['task_id']}/lead", lead))


def list_fields(task: Mapping[str, Any], typed: Mapping[str, str]) -> list[FormField]:
    """Return the fields of a task with what is in them, or what was typed."""
    return [
        FormField(
            path=f"tasks/{task['task_id']}/{name}",
            field=name,
            value=typed.get(f"tasks/{task['task_id']}/{name}", str(task.get(name) or "")),
        )
        for name in TEXT_FIELDS
    ]


@blueprint.post("/plans/<plan_no>/edit")
@permission(Permission.PLANS_ACT)
@limits.limited(limits.CHANGES)
def save_edit(plan_no: str) -> Response | tuple[str, int]:
    """Save what was changed; where somebody was faster, nothing is lost and both wordings are shown."""
    typed = {
        name: value.replace("\r\n", "\n").strip()[:TEXT_MOST]
        for name, value in request.form.items()
        if name.startswith(("tasks/", "notes/"))
    }
    record = get_plan(reading(), plan_no)
    seen = read_version()
    # What the form showed, so that only what the person changed is an edit, whatever changed meanwhile.
    shown = _read_shown(request.form.get("shown", ""))
    changes = find_changes(record, typed, shown)
    if record.row.state == PlanState.DRAFT and seen == record.row.version and not changes:
        return redirect(to("planning.plan", plan_no=plan_no))
    try:
        check_changes(changes)
        with writing() as session:
            current = get_plan(session, plan_no)
            now, person = get_service().get_now(), get_person()
            edited = edit_plan(
                read_plan(current.document),
                changes,
                by=person.name,
                at=now.isoformat(timespec="seconds"),
            )
            sealed = replace(edited, content_hash=make_content_hash(edited))
            edit_draft(
                session,
                get_runtime(),
                plan_no,
                make_draft(sealed),
                changes=changes,
                person=person,
                at=now,
                seen_version=0 if seen is None else seen,
            )
    except ConflictError:
        return _show_conflict(plan_no, typed, shown), 409
    except (PlannerError, GridgovError) as error:
        return _show(get_plan(reading(), plan_no), typed, str(error)), 422
    flash(gettext("planning.saved", n=len(changes)), "success")
    return redirect(to("planning.plan", plan_no=plan_no))


def check_changes(changes: Mapping[str, Any]) -> None:
    """Refuse days that are none and units that are not in force.

    Raises
    ------
    GridgovError
        A value cannot be used; it says which.
    """
    runtime, now = get_runtime(), get_service().get_now()
    for path, value in changes.items():
        name = path.rpartition("/")[2]
        if name in DAYS:
            try:
                date.fromisoformat(str(value))
            except ValueError as error:
                raise GridgovError(
                    f"{path}: {value!r} is no day; expected a day such as 2025-06-30"
                ) from error
        elif name == "lead" and value is not None:
            runtime.check_unit(value["unit_code"], runtime.get_day(now))


def _read_shown(text: str) -> dict[str, str]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def find_changes(
    record: PlanRecord, typed: Mapping[str, str], shown: Mapping[str, str]
) -> dict[str, Any]:
    """Return path → new value of the fields that the person changed, numbers of people in them masked."""
    names = get_unit_names(reading())
    changes: dict[str, Any] = {}
    known = {
        **{
            one.path: one.value
            for task in record.document["tasks"]
            for one in list_fields(task, {})
        },
        **{f"tasks/{one['task_id']}/lead": _find_lead(one, {}) for one in record.document["tasks"]},
        **{f"notes/{key}": record.document.get("notes", {}).get(key, "") for key in NOTES},
    }
    for path, value in typed.items():
        if path not in known or value == shown.get(path, known[path]).strip():
            continue
        if path.endswith("/lead"):
            changes[path] = {"unit_code": value, "name": names.get(value, value)} if value else None
        elif path.startswith("notes/"):
            changes[path] = mask_text(value) or None
        else:
            changes[path] = mask_text(value)
    return changes


def _show_conflict(plan_no: str, typed: Mapping[str, str], shown: Mapping[str, str]) -> str:
    """Show what the other person wrote beside what this one wrote; sent again, this one's words are kept."""
    record = get_plan(reading(), plan_no)
    now = {
        **{
            one.path: one.value
            for task in record.document["tasks"]
            for one in list_fields(task, {})
        },
        **{f"tasks/{one['task_id']}/lead": _find_lead(one, {}) for one in record.document["tasks"]},
        **{f"notes/{key}": record.document.get("notes", {}).get(key, "") for key in NOTES},
    }
    titles = {
        one["task_id"]: f"{one['task_no']} {one['title']}" for one in record.document["tasks"]
    }
    rows = []
    for path, mine in typed.items():
        theirs = now.get(path, "")
        if mine == theirs or mine == shown.get(path, theirs).strip():
            continue
        parts = path.split("/")
        rows.append(
            {
                "path": path,
                "what": titles.get(parts[1], parts[1]) if parts[0] == "tasks" else "",
                "field": parts[-1],
                "mine": mine,
                "theirs": theirs,
                "both_changed": theirs.strip() != shown.get(path, theirs).strip(),
            }
        )
    return render_template(
        "planning/conflict.html",
        plan=record,
        row=record.row,
        rows=rows,
        current=now,
        units=get_unit_names(reading()),
        is_draft=record.row.state == PlanState.DRAFT,
    )
