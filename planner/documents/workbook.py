"""The lists of a plan as XLSX: tasks, stages, responsibilities, policies, indicators, evidence; one sheet each."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml import functions as xml
from openpyxl.xml.constants import DCTERMS_NS, DCTERMS_PREFIX

from planner.documents.make_document import find_language
from planner.documents.packing import repack
from planner.documents.words import load_document_words, say_name
from planner.plans.plan_text import load_words, speaking
from planner.plans.record import Plan, Task

HEAD_FILL = PatternFill("solid", fgColor="FFE8EEF2")
THIN = Side(style="thin", color="FFB0BAC3")
EDGES = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is taken for a formula when a file is opened or pasted; people's words are not."""


def make_workbook(plan: Plan, *, progress: Mapping[str, Mapping[str, Any]] | None = None) -> bytes:
    """Return the lists as XLSX; the same plan gives the same bytes.

    Parameters
    ----------
    plan
        The plan.
    progress
        ``task_no`` → ``state progress_share note`` where the plan runs.
    """
    with speaking(find_language(plan)):
        return _make_workbook(plan, progress or {})


def _make_workbook(plan: Plan, progress: Mapping[str, Mapping[str, Any]]) -> bytes:
    every = load_document_words()
    words, joiner, clause = every["workbook"], str(every["list"]), str(every["clause"])
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]  # a new workbook has one sheet
    _add_sheet(book, words["tasks"], [_list_task(one, progress) for one in plan.tasks])
    _add_sheet(
        book,
        words["stages"],
        [
            [
                task.task_no,
                stage.number,
                duty.name,
                joiner.join(duty.units),
                duty.days,
                _as_date(stage.start_on),
                _as_date(stage.end_on),
                duty.authority,
                duty.duty_code,
            ]
            for task in plan.tasks
            for stage in task.stages
            for duty in stage.duties
        ],
    )
    roles = load_words()["roles"]
    _add_sheet(
        book,
        words["responsibilities"],
        [
            [
                row["unit_code"],
                row["name"],
                roles.get(row["role"], row["role"]),
                clause.join(duty["name"] for duty in row.get("duties", ())),
                joiner.join(row["tasks"]),
            ]
            for row in plan.responsibilities
        ],
    )
    _add_sheet(
        book,
        words["policies"],
        [
            [
                one.text,
                one.item_name,
                one.draft,
                one.decided_by.name if one.decided_by else "",
                joiner.join(one.tasks),
            ]
            for one in plan.policies
        ],
    )
    _add_sheet(
        book,
        words["figures"],
        [
            [
                say_name(str(one["key"])),
                one.get("value"),
                one.get("n"),
                load_words()["windows"].get(one.get("window"), ""),
            ]
            for one in plan.diagnosis.get("figures", ())
        ],
    )
    _add_sheet(
        book,
        words["evidence"],
        [[task.task_no, order_no] for task in plan.tasks for order_no in task.evidence],
    )
    book.properties.title = load_document_words()["title"].format(street=plan.street["name"])
    book.properties.creator = ""
    stream = io.BytesIO()
    # another program in this process may have given the namespace another prefix, and the bytes would be others
    xml.register_namespace(DCTERMS_PREFIX, DCTERMS_NS)  # type: ignore[attr-defined]  # absent from its stubs
    book.save(stream)
    return repack(stream.getvalue())


def _list_task(task: Task, progress: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    words = load_document_words()
    states, joiner, clause = words["task_states"], str(words["list"]), str(words["clause"])
    own = progress.get(task.task_no, {})
    proof, target = task.proof, task.target
    return [
        task.task_no,
        task.title,
        task.place,
        task.item_code,
        task.item_name,
        task.lead.name if task.lead else "",
        joiner.join(one.name for one in task.helpers),
        task.superior.name if task.superior else "",
        _as_date(task.start_on),
        _as_date(task.due_on),
        target.text,
        target.measure,
        proof.persons if proof else None,
        proof.expected if proof else None,
        task.n_evidence,
        clause.join(one.name for one in task.measures),
        states.get(own.get("state"), own.get("state") or ""),
        own.get("progress_share"),
        own.get("note", ""),
        task.lon,
        task.lat,
    ]


def _as_date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _add_sheet(book: Workbook, words: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> None:
    """Add a sheet with its head frozen and repeated when printed; one without rows says so."""
    sheet: Worksheet = book.create_sheet(words["name"])
    heads, widths = list(words["heads"]), list(words["widths"])
    sheet.append(heads)
    for row in rows or [[words["empty"]]]:
        sheet.append([_make_safe(value) for value in row])
    for at, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    for line in sheet.iter_rows():
        for cell in line:
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if rows or cell.row == 1:
                cell.border = EDGES
            if isinstance(cell.value, date):
                cell.number_format = "yyyy-mm-dd"
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), HEAD_FILL
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if rows:
        sheet.auto_filter.ref = sheet.dimensions


def _make_safe(value: Any) -> Any:
    """Return a value that no program takes for a formula, without characters that XLSX cannot hold."""
    if not isinstance(value, str):
        return value
    clean = "".join(one for one in value if one >= " " or one in "\n\t")
    return f"'{clean}" if clean.startswith(FORMULA_STARTS) else clean
