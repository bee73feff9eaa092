"""Documents of reports: everything that is said stands in them, in both languages, and their pages look right."""

import io
import re
from dataclasses import replace
from datetime import date

import docx
import numpy as np
import pandas as pd
import pytest

from gridgov.rules.indicators import get_indicator
from gridgov.rules.reports import (
    Naming,
    PeriodCounts,
    ReportScope,
    compose_report,
    make_figures,
    read_period,
)
from gridgov.rules.reports.counting import OUTCOMES, PLACES
from planner.documents.content import Figure, Heading, Paragraph, Table
from planner.documents.docx import make_docx
from planner.documents.make_document import make_document
from planner.documents.make_report import ReportOptions, make_report
from planner.documents.page import render_document, render_page
from planner.documents.pdf import make_pdf
from planner.errors import PlannerError
from tests.planner.documents.pictures import convert, draw_pages, find_faults
from tests.planner.documents.test_make_document import find_texts
from tests.web.room_rows import make_special

CHINESE = ReportOptions(city="样例市", is_synthetic=True, callbacks_min=30)
ENGLISH = replace(CHINESE, city="Sample City", language="en")
SCOPES = {
    "city": ReportScope(level="city", code="", name="样例市"),
    "street": ReportScope(
        level="street",
        code="S01",
        name="东华门街道",
        unit_code="S01",
        streets=frozenset({"S01"}),
        residents=66_000.0,
    ),
}


def make_counts(period, *, seed, rate=9.0):
    """Return counts of 40 streets, 3 communities each, 12 items."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"S{s:02d}", f"S{s:02d}C{c}", f"{i:02d}", f"{i:02d}01")
        for s in range(1, 41)
        for c in range(3)
        for i in range(12)
    ]
    parts = pd.DataFrame(rows, columns=list(PLACES))
    for name, share in zip(OUTCOMES, (0.2, 0.5, 0.05, 0.2, 0.02, 0.03), strict=True):
        parts[name] = rng.poisson(rate * share, len(parts))
    every = pd.date_range(period.first_on, period.last_on)
    days = pd.DataFrame(
        [(f"S{s:02d}", day.date(), int(rng.poisson(10))) for s in range(1, 41) for day in every],
        columns=["street_code", "day", "n"],
    )
    return PeriodCounts(parts=parts, days=days)


def make_content(kind, name, level="city"):
    period, scope = read_period(kind, name), SCOPES[level]
    naming = Naming(
        areas={f"S{s:02d}": f"第{s}街道" for s in range(1, 41)},
        items={f"{i:02d}": f"一级事项{i}" for i in range(12)},
        tags={f"{i:02d}01": ("宜居性" if i % 2 else "安全性",) for i in range(12)},
    )
    now, before = make_counts(period, seed=1, rate=12.0), make_counts(period.before, seed=2)
    earlier = make_counts(period.year_before, seed=3)
    task = {
        "street_code": "S01",
        "task_no": "T01",
        "title": "东华门街道某小区：治理物业服务缺失",
        "lead": "S01",
        "state": "running",
        "progress": 0.4,
        "due_on": "2025-05-01",
        "is_late": True,
    }
    spot = {
        "street_code": "S01",
        "name": "某小区“物业服务缺失”热点",
        "kind": "rising",
        "item": "物业服务缺失",
        "count": 31,
        "persons": 24,
        "expected": 2.4,
    }
    return compose_report(
        period,
        scope,
        now,
        naming=naming,
        before=make_figures(before, scope, naming.tags),
        year_before=make_figures(earlier, scope, naming.tags),
        tasks=[task],
        hotspots=[spot],
    )


CONTENTS = {
    "daily": ("daily", "2025-05-06"),
    "weekly": ("weekly", "2025-W19"),
    "monthly": ("monthly", "2025-05"),
    "review": ("review", "2025-05", "street"),
    "yearly": ("yearly", "2025"),
}


@pytest.fixture(scope="module", params=[*CONTENTS, "special"])
def content(request):
    if request.param == "special":
        return make_special([f"A{n:06d}-1" for n in range(70)])
    return make_content(*CONTENTS[request.param])


def find_blocks(document):
    return [*document.blocks, *(block for annex in document.annexes for block in annex.blocks)]


@pytest.mark.parametrize("options", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_no_table_is_empty_and_every_row_is_as_wide_as_its_head(content, options):
    document = make_report(content, options)
    for table in (one for one in find_blocks(document) if isinstance(one, Table)):
        assert table.rows
        assert {len(row.cells) for row in table.rows} == {len(table.columns)}
        assert all(row.cells[0] for row in table.rows)
    for text in find_texts(document):
        assert not re.search(r"\bNone\b|\bnan\b|\binf\b|\{\w+\}", text), text


def test_numbers_of_tables_and_figures_have_no_gaps(content):
    blocks = find_blocks(make_report(content, CHINESE))
    for kind, mark in ((Table, "表"), (Figure, "图")):
        numbers = [
            int(found[1])
            for one in blocks
            if isinstance(one, kind) and (found := re.match(rf"{mark} (\d+)　", one.caption))
        ]
        assert numbers == list(range(1, len(numbers) + 1))


def test_english_documents_are_english_but_for_names(content):
    document = make_report(content, ENGLISH)
    own = [
        *(row["name"] for key in ("areas", "items", "tags", "tasks") for row in content.get(key, ())
          if "name" in row),
        *(str(value) for value in content.get("names", {}).values()),
        *content.get("quotes", ()),
    ]  # fmt: skip
    names = "|".join(map(re.escape, sorted(set(own), key=len, reverse=True))) or "^$"
    given = r"东华门街道[^\n,]*|某小区[^\n]*|样例市|停水|环境"
    for text in (document.title, document.subtitle, document.signature.day, *find_texts(document)):
        left = re.sub(given, "", re.sub(names, "", text))
        assert not re.search("[\u4e00-\u9fff（），。；：]", left), text


def test_every_figure_is_defined_in_the_document(content):
    document = make_report(content, CHINESE)
    said = "\n".join(find_texts(document))
    used = [one["key"] for one in content.get("figures", ())] or ["orders", "expected", "ratio"]
    for key in used:
        assert get_indicator(key).name.zh in said
        assert get_indicator(key).counted.zh in said


def test_all_rows_of_a_long_table_are_counted(content):
    if content["kind"] != "monthly":
        pytest.skip("one kind with more areas than rows")
    document = make_report(content, CHINESE)
    table = next(one for one in document.blocks if isinstance(one, Table) and "街道" in one.caption)
    assert len(table.rows) == 31
    assert table.rows[-1].cells[0] == "其余"
    total = sum(int(row.cells[1].replace(",", "")) for row in table.rows)
    assert total == content["outcomes_total"]


def test_a_year_is_compared_once():
    document = make_report(make_content("yearly", "2025"), CHINESE)
    said = "\n".join(find_texts(document))

    assert "上一期" not in "".join(column.head for one in document.blocks if isinstance(one, Table)
                                  for column in one.columns)  # fmt: skip
    assert "较上年同期" in said
    assert "七有五性" in "".join(one.text for one in document.blocks if isinstance(one, Heading))


def test_docx_page_and_pdf_say_the_same(content):
    document = make_report(content, CHINESE)
    opened = docx.Document(io.BytesIO(make_docx(document)))
    cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    said = "\n".join([one.text for one in opened.paragraphs] + cells)
    page = render_page(document)
    for block in document.blocks:
        if isinstance(block, Heading | Paragraph):
            assert block.text in said
    assert str(render_document(document)) in page
    assert "<b>停了" not in page
    assert make_docx(document) == make_docx(document)


def test_pages_look_right(content):
    pages = draw_pages(make_pdf(make_report(content, CHINESE)))

    assert find_faults(pages) == []


def test_pages_in_english_look_right():
    pages = draw_pages(make_pdf(make_report(make_content("review", "2025-05", "street"), ENGLISH)))

    assert find_faults(pages) == []


@pytest.mark.parametrize("name", ["plan", "review", "yearly", "special"])
def test_pages_of_a_word_processor_look_right(name, rich_plan, ground, tmp_path):
    if name == "plan":
        made = make_document(rich_plan, ground)
    elif name == "special":
        made = make_report(make_special([f"A{n:06d}-1" for n in range(70)]), CHINESE)
    else:
        made = make_report(make_content(*CONTENTS[name]), CHINESE)
    data = convert(make_docx(made), tmp_path)
    if data is None:
        pytest.skip("no LibreOffice on this machine")

    assert find_faults(draw_pages(data), hanging_mm=16 / 72 * 25.4) == []


def test_a_fault_of_a_page_is_seen():
    page = np.full((1684, 1191), 255, dtype=np.uint8)
    assert find_faults([page]) == ["page 1: blank"]
    page[300:1200, 300:900:7] = 0
    assert find_faults([page]) == []
    page[600, 1150] = 0
    assert find_faults([page]) == ["page 1: ink right"]


def test_another_form_is_refused():
    with pytest.raises(PlannerError, match="need report/2 or special/1"):
        make_report({"first_on": "2025-01-01"}, CHINESE)


def test_who_signs_and_when():
    signed = make_report(
        make_content("monthly", "2025-05"),
        replace(CHINESE, issuer="样例市接诉即办办公室", signed_on=date(2025, 6, 3)),
    )
    assert (signed.signature.issuer, signed.signature.day) == (
        "样例市接诉即办办公室",
        "2025年6月3日",
    )
