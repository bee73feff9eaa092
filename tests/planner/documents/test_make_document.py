import re
from dataclasses import fields, replace
from datetime import date

import pytest

from planner.documents.content import Figure, Heading, Paragraph, Table
from planner.documents.make_document import DocumentOptions, make_document, write_numbers
from planner.documents.words import say_day
from planner.plans.record import Excess


def find_texts(document):
    """Return every text of a document."""
    blocks = [*document.blocks, *(block for annex in document.annexes for block in annex.blocks)]
    for block in blocks:
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield block.caption
            yield block.note
            for row in block.rows:
                yield from row.cells
        elif isinstance(block, Figure):
            yield block.caption
            yield block.note


def find_captions(document, mark):
    return [
        int(found[1])
        for text in find_texts(document)
        if (found := re.match(rf"{mark} (\d+)　", text))
    ]


def test_tables_and_figures_are_numbered_without_gaps(document):
    tables, figures = find_captions(document, "表"), find_captions(document, "图")

    assert tables == list(range(1, len(tables) + 1))
    assert figures == [1, 2, 3, 4]


def test_chapters_stand_in_the_order_of_an_office(document):
    chapters = [one.text for one in document.blocks if isinstance(one, Heading) and one.level == 1]
    numbers = [one.number for one in document.blocks if isinstance(one, Heading) and one.level == 1]

    assert chapters == [
        "诊断",
        "热点",
        "任务清单",
        "责任清单",
        "政策清单",
        "补充说明",
        "口径与假定",
    ]
    assert numbers == ["一、", "二、", "三、", "四、", "五、", "六、", "七、"]


def test_every_part_of_a_task_is_said(document, rich_plan):
    said = "\n".join(find_texts(document))
    task = rich_plan.tasks[0]

    for text in (
        task.title,
        task.place,
        task.lead.name,
        task.helpers[0].name,
        task.quotes[0].text,
        task.consultation,
        task.firms,
        task.due_on,
        task.latest_start_on,
        task.target.text,
        task.target.measure,
        task.measures[0].name,
        "工期未定",
        "行政处罚",
        "高出 69.3 人",
        "东华门街道 62.0%（50 件）",
        *task.evidence,
    ):
        assert text in said


def test_the_share_that_the_tasks_explain_is_stated(document):
    assert any("占 87.7%" in text for text in find_texts(document))


def test_no_table_is_empty_and_every_row_is_as_wide_as_its_head(document):
    blocks = [*document.blocks, *(block for annex in document.annexes for block in annex.blocks)]
    for table in (one for one in blocks if isinstance(one, Table)):
        assert table.rows
        assert {len(row.cells) for row in table.rows} == {len(table.columns)}


def test_nothing_that_no_reader_understands_is_printed(document):
    for text in find_texts(document):
        assert not re.search(r"\bNone\b|\bnan\b|\binf\b|\{\w+\}", text), text


def test_a_street_without_tasks_says_so(bare_plan):
    empty = replace(
        bare_plan,
        tasks=(),
        findings=(),
        untreated=(),
        hotspots=(),
        responsibilities=(),
        policies=(),
        assumed=(),
        excess=Excess(total=0.0, explained=0.0, share=None, items=()),
    )

    document = make_document(empty)

    said = "\n".join(find_texts(document))
    for text in (
        "没有显著高出预期的问题",
        "没有点位任务",
        "没有责任单位",
        "没有显著高于周边水平的点位",
    ):
        assert text in said
    assert document.annexes == ()
    assert not any(isinstance(one, Table) and not one.rows for one in document.blocks)


def test_a_plan_without_diagnosis_is_still_a_document(bare_plan):
    document = make_document(replace(bare_plan, diagnosis={"figures": []}, source={}, tasks=()))

    assert not any(isinstance(one, Table) and not one.rows for one in document.blocks)


def test_who_signs_and_when(rich_plan):
    unsigned = make_document(rich_plan)
    signed = make_document(
        rich_plan, options=DocumentOptions(issuer="样例市人民政府", signed_on=date(2026, 1, 9))
    )

    assert unsigned.signature.day == "（未签发）"
    assert unsigned.signature.issuer == rich_plan.street["name"]
    assert (signed.signature.issuer, signed.signature.day) == ("样例市人民政府", "2026年1月9日")


def test_edits_stand_in_an_annex(document):
    edits = document.annexes[1]

    assert edits.title == "人工修改记录"
    assert edits.blocks[0].rows[0].cells[1:3] == ("2026-06-01", "2026-05-18")


def test_opening_words_stand_first_and_closing_words_last(document):
    texts = [one.text for one in document.blocks if isinstance(one, Paragraph)]

    assert texts[1] == "现印发给你们。"
    assert "自印发之日起施行。" in texts[-3:]


def test_an_edit_is_named_by_task_and_field(document):
    assert document.annexes[1].blocks[0].rows[0].cells[0] == "T01 期限"


def test_numbers_beyond_ten_sections(rich_plan):
    plan = replace(rich_plan, tasks=rich_plan.tasks * 12)

    numbers = [
        one.number
        for one in make_document(plan).blocks
        if isinstance(one, Heading) and one.anchor == "T01"
    ]

    assert numbers[8:] == ["（十）", "（十一）", "（十二）", "（十三）"]


def test_say_day():
    assert say_day(date(2026, 11, 30)) == "2026年11月30日"


@pytest.mark.parametrize("name", ["blocks", "annexes", "facts", "marks"])
def test_the_same_plan_gives_the_same_document(document, rich_plan, ground, name):
    assert name in {field.name for field in fields(document)}
    assert getattr(make_document(rich_plan, ground), name) == getattr(document, name)


@pytest.mark.parametrize(("length", "each"), [(15, 3), (12, 4), (60, 1)])
def test_a_line_of_the_annex_holds_the_numbers_that_fit_and_breaks_none(length, each):
    numbers = [f"{k:0{length}d}" for k in range(7)]
    lines = write_numbers(numbers).split("\n")

    assert [one for line in lines for one in line.split("　")] == numbers
    assert len(lines[0].split("　")) == each
