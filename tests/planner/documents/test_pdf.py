from dataclasses import replace

import pypdfium2
import pytest

from planner.documents.errors import FontError, TemplateError
from planner.documents.make_document import make_document
from planner.documents.pdf import make_pdf
from planner.documents.typst_files import ROLES, load_fonts
from tests.planner.documents.conftest import make_rich_plan


def read_pages(data):
    """Return the text of each page."""
    with pypdfium2.PdfDocument(data) as pdf:
        texts = []
        for number in range(len(pdf)):
            page = pdf[number]
            text = page.get_textpage()
            texts.append(text.get_text_range())
            text.close()
            page.close()
        return texts


@pytest.fixture(scope="module")
def data(document):
    return make_pdf(document)


@pytest.fixture(scope="module")
def pages(data):
    return read_pages(data)


def squeeze(text):
    """Return text without line breaks and spaces: where a line ends is the renderer's."""
    return "".join(text.split())


def test_the_page_is_a4(data):
    with pypdfium2.PdfDocument(data) as pdf:
        page = pdf[0]
        size = page.get_size()
        page.close()

    assert size == pytest.approx((595.28, 841.89), abs=0.1)


def test_all_texts_are_in_it(pages, document):
    said = squeeze("".join(pages))

    for block in document.blocks:
        for text in (getattr(block, "text", ""), getattr(block, "caption", "")):
            assert squeeze(text) in said
    assert squeeze(document.signature.day) in said


def test_pages_are_numbered(pages):
    assert all(f"— {number} —" in text for number, text in enumerate(pages, start=1))


def test_an_annex_starts_a_page(pages):
    first = [next(line for line in text.splitlines() if line.strip()) for text in pages]

    assert squeeze(first[-2]) == "附件1"
    assert squeeze(first[-1]) == "附件2"


def test_a_head_repeats_on_every_page_of_a_long_table(bare_plan):
    plan = make_rich_plan(bare_plan)
    many = replace(
        plan,
        tasks=tuple(replace(plan.tasks[0], task_no=f"T{k:02d}", stages=()) for k in range(1, 41)),
    )

    pages = read_pages(make_pdf(make_document(many)))

    overview = [text for text in pages if "T40" in text or "T20" in text or "T01" in text][:2]
    assert len(overview) == 2
    assert all("配合" in text for text in overview)


def test_22_lines_of_28_characters(bare_plan):
    words = "治" * (28 * 60)
    plan = replace(bare_plan, notes={"long": words})

    pages = read_pages(make_pdf(make_document(plan)))

    full = [text for text in pages if text.count("治") == 22 * 28]
    assert full
    lines = [line.strip() for line in full[0].splitlines() if "治" in line]
    assert {len(line) for line in lines} == {28}
    assert len(lines) == 22


def test_the_same_document_gives_the_same_bytes(data, document):
    assert make_pdf(document) == data


def test_faces_that_are_missing_are_named():
    book = load_fonts()
    found = {font.family for font in book.fonts.fonts()}

    expected = sum(not found.intersection(names) for names in ROLES.values())
    assert len(book.missing) == expected


def test_a_machine_without_a_chinese_font(monkeypatch, tmp_path):
    load_fonts.cache_clear()
    monkeypatch.setattr("planner.documents.typst_files.ROLES", {"body": ("Nowhere Song",)})
    monkeypatch.setattr("planner.documents.typst_files.STAND_INS", {"body": ("Nowhere Serif",)})

    with pytest.raises(FontError, match=r"Nowhere Song, Nowhere Serif.*fonts-noto-cjk"):
        load_fonts(tmp_path)
    load_fonts.cache_clear()


def test_a_template_that_names_what_is_not_there(document, tmp_path):
    path = tmp_path / "own.typ"
    path.write_text('#json("document.json").mayor')

    with pytest.raises(TemplateError, match=r"own\.typ.*mayor"):
        make_pdf(document, template=path)
