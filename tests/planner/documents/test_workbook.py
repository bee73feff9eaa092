import io
from dataclasses import replace
from datetime import datetime

import openpyxl
import pytest

from planner.documents.workbook import make_workbook


@pytest.fixture(scope="module")
def data(rich_plan):
    return make_workbook(rich_plan, progress={"T01": {"state": "running", "progress_share": 0.4}})


@pytest.fixture(scope="module")
def book(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def read_rows(sheet):
    """Return the rows of a sheet by the names of its head."""
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_there_is_a_sheet_for_each_list(book):
    assert book.sheetnames == [
        "任务清单",
        "阶段安排",
        "责任清单",
        "政策清单",
        "主要指标",
        "依据工单",
    ]


def test_a_task_with_its_progress(book, rich_plan):
    row = read_rows(book["任务清单"])[0]
    task = rich_plan.tasks[0]

    assert row["任务"] == task.title
    assert row["主责"] == task.lead.name
    assert row["期限"] == datetime.fromisoformat(task.due_on)
    assert (row["状态"], row["进度"]) == ("进行中", 0.4)
    assert row["诉求人"] == 73


def test_the_evidence_is_complete(book, rich_plan):
    numbers = [row["工单编号"] for row in read_rows(book["依据工单"])]

    assert numbers == list(rich_plan.tasks[0].evidence)


def test_heads_are_frozen_and_repeat_in_print(book):
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.print_title_rows == "$1:$1"


def test_an_empty_list_says_so(rich_plan):
    book = openpyxl.load_workbook(
        io.BytesIO(make_workbook(replace(rich_plan, tasks=(), policies=())))
    )

    assert book["任务清单"]["A2"].value == "本期没有点位任务"


@pytest.mark.parametrize("text", ["=1+1", "+86", "-2", "@cmd"])
def test_words_of_people_are_no_formulas(rich_plan, text):
    plan = replace(rich_plan, tasks=(replace(rich_plan.tasks[0], title=text),))
    cell = openpyxl.load_workbook(io.BytesIO(make_workbook(plan)))["任务清单"]["B2"]

    assert cell.data_type == "s"
    assert cell.value == f"'{text}"


def test_the_same_plan_gives_the_same_bytes(data, rich_plan):
    again = make_workbook(rich_plan, progress={"T01": {"state": "running", "progress_share": 0.4}})

    assert again == data
