import io
import re
import zipfile
from datetime import date

import docx
import pytest
from docx.oxml.ns import qn

from planner.documents.content import Table
from planner.documents.docx import STYLES, TEXT_TWIPS, check_template, make_docx
from planner.documents.errors import TemplateError
from planner.documents.make_document import make_document
from planner.documents.make_report import ReportOptions, make_report
from tests.planner.documents.conftest import make_rich_plan
from tests.web.room_rows import make_special


@pytest.fixture(scope="module")
def data(document):
    return make_docx(document)


@pytest.fixture(scope="module")
def opened(data):
    return docx.Document(io.BytesIO(data))


def write_template(path, change):
    """Write the program's template after a change of it."""
    from planner.documents import docx as module  # noqa: PLC0415 - the private loader of the bytes

    template = docx.Document(io.BytesIO(module._load_own_template()))
    change(template)
    template.save(path)
    return path


def test_the_page_is_that_of_the_standard(opened):
    section = opened.sections[0]
    millimetres = [
        round(one.mm)
        for one in (
            section.page_width,
            section.page_height,
            section.top_margin,
            section.bottom_margin,
            section.left_margin,
            section.right_margin,
        )
    ]

    assert millimetres == [210, 297, 37, 35, 28, 26]
    assert section._sectPr.find(qn("w:docGrid")).get(qn("w:linePitch")) == "579"


@pytest.mark.parametrize(
    ("style", "face", "points"),
    [
        ("公文正文", "仿宋", 16),
        ("公文一级标题", "黑体", 16),
        ("公文二级标题", "楷体", 16),
        ("公文标题", "方正小标宋简体", 22),
    ],
)
def test_faces_and_sizes_are_those_of_the_standard(opened, style, face, points):
    found = opened.styles[style]

    assert found.font.size.pt == points
    assert found.element.rPr.rFonts.get(qn("w:eastAsia")) == face


def test_body_has_22_lines_of_28_characters(opened):
    style = opened.styles["公文正文"]
    tight = int(style.element.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20

    assert style.paragraph_format.line_spacing.pt * 22 <= 225 / 25.4 * 72
    assert style.paragraph_format.line_spacing.pt * 23 > 225 / 25.4 * 72
    assert (16 + tight) * 28 <= 156 / 25.4 * 72 < (16 + tight) * 29


def test_pages_are_numbered_in_the_form_of_the_standard(data):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        footers = [
            file.read(name).decode() for name in file.namelist() if name.startswith("word/footer")
        ]
        settings = file.read("word/settings.xml").decode()

    assert len(footers) == 2
    assert all("PAGE" in text and text.count("—") == 2 for text in footers)
    assert "w:evenAndOddHeaders" in settings


def test_all_that_the_document_says_is_in_it(opened, document):
    said = "\n".join(
        [one.text for one in opened.paragraphs]
        + [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    )

    assert "{{" not in said.replace("{{ title }} 已反映", "")
    for block in document.blocks:
        if isinstance(block, Table):
            assert block.caption in said
            for row in block.rows:
                for cell in row.cells:
                    assert cell in said
        else:
            assert getattr(block, "text", None) or block.caption in said


def test_words_of_people_are_no_fields_and_no_markup(opened):
    cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]

    assert any("院内<b>私搭乱建</b>，{{ title }} 已反映多次" in text for text in cells)


def test_heads_repeat_and_tables_fill_the_width(opened):
    with_head = [
        table for table in opened.tables if table.rows[0]._tr.findall(".//" + qn("w:tblHeader"))
    ]

    assert len(with_head) >= 8
    for table in opened.tables:
        widths = [int(one.get(qn("w:w"))) for one in table._tbl.tblGrid.findall(qn("w:gridCol"))]
        assert sum(widths) == TEXT_TWIPS


def test_pictures_are_png_with_words_for_those_who_cannot_see_them(data, opened):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        pictures = [file.read(name) for name in file.namelist() if name.startswith("word/media/")]
    named = opened.element.body.findall(".//" + qn("wp:docPr"))

    assert len(pictures) == 4
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert all(one.get("descr") for one in named)
    assert len({one.get("id") for one in named}) == 4


def test_the_same_document_gives_the_same_bytes(data, document):
    assert make_docx(document) == data


def test_a_plan_of_one_office_does_not_stand_in_the_next(bare_plan, document, data):
    other = make_docx(make_document(make_rich_plan(bare_plan, tasks=3)))

    assert other != data
    assert make_docx(document) == data


def test_an_office_may_change_the_form(document, tmp_path):
    path = write_template(
        tmp_path / "own.docx", lambda one: one.add_paragraph("联系人：{{ street }}办公室")
    )

    made = docx.Document(io.BytesIO(make_docx(document, template=check_template(path))))

    assert made.paragraphs[-1].text == f"联系人：{document.values['street']}办公室"


def test_an_unknown_field_is_named(document, tmp_path):
    path = write_template(tmp_path / "own.docx", lambda one: one.add_paragraph("{{ mayor }}"))

    with pytest.raises(
        TemplateError, match=r"own\.docx: unknown field mayor; fields .*signature_day"
    ):
        make_docx(document, template=path)


def test_a_missing_part_of_a_field_is_named(document, tmp_path):
    path = write_template(tmp_path / "own.docx", lambda one: one.add_paragraph("{{ city.mayor }}"))

    with pytest.raises(TemplateError, match="mayor"):
        make_docx(document, template=path)


@pytest.mark.parametrize("text", ["{{ title", "{%p if title %}", "{{ title | shout }}"])
def test_a_field_that_is_not_well_formed(document, tmp_path, text):
    path = write_template(tmp_path / "own.docx", lambda one: one.add_paragraph(text))

    with pytest.raises(TemplateError, match=r"own\.docx: "):
        make_docx(document, template=path)


def test_a_missing_style_is_named(document, tmp_path):
    def change(template):
        style = template.styles["公文表头"]
        style.element.getparent().remove(style.element)

    path = write_template(tmp_path / "own.docx", change)

    with pytest.raises(TemplateError, match="公文表头 missing"):
        make_docx(document, template=path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"<html>"])
def test_a_broken_template(document, tmp_path, content):
    path = tmp_path / "own.docx"
    path.write_bytes(content)

    with pytest.raises(TemplateError, match=r"own\.docx: this is no DOCX file, or it is damaged"):
        make_docx(document, template=path)


def test_another_office_file_is_no_template(document, tmp_path):
    path = tmp_path / "own.docx"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("content.xml", "<a/>")

    with pytest.raises(TemplateError, match="no DOCX"):
        make_docx(document, template=path)


def test_a_template_that_is_not_there(document, tmp_path):
    with pytest.raises(TemplateError, match="cannot be read"):
        make_docx(document, template=tmp_path / "none.docx")


def test_styles_stand_in_the_order_that_word_reads(opened):
    order = ("pBdr", "snapToGrid", "spacing", "ind", "jc", "outlineLvl")
    for name in STYLES:
        names = [
            re.sub("{.*}", "", part.tag) for part in opened.styles[name].element.get_or_add_pPr()
        ]
        known = [order.index(one) for one in names if one in order]
        assert known == sorted(known), name


def test_signature_date_and_annexes_stand_as_the_standard_says(opened, document):
    texts = [one.text for one in opened.paragraphs]
    styles = [one.style.name for one in opened.paragraphs]
    signed = [at for at, name in enumerate(styles) if name == "公文落款"]
    listed = next(at for at, text in enumerate(texts) if text.startswith("附件："))
    annexes = [at for at, name in enumerate(styles) if name == "公文附件名"]

    # the list of annexes below the text, then who signs, then the day (4 characters from the right), then the annexes
    assert listed < signed[0] < signed[1] < annexes[0]
    assert texts[listed] == "附件：1. 任务依据工单清单　2. 人工修改记录"
    assert [texts[at] for at in signed] == [document.signature.issuer, document.signature.day]
    for at in signed:
        assert opened.paragraphs[at].paragraph_format.right_indent.pt == 64
    assert [texts[at] for at in annexes] == ["附件 1", "附件 2"]
    for at in annexes:
        mark = opened.paragraphs[at]._p.pPr.find(qn("w:pageBreakBefore"))
        assert mark is not None
        assert styles[at + 1] == "公文标题"


@pytest.mark.parametrize(
    ("style", "latin"), [("公文正文", "Times New Roman"), ("公文表文", "Times New Roman")]
)
def test_figures_and_latin_letters_have_a_latin_face(opened, style, latin):
    assert opened.styles[style].element.rPr.rFonts.get(qn("w:ascii")) == latin


def test_a_report_takes_the_form_of_the_office_too(tmp_path):
    path = write_template(
        tmp_path / "own.docx", lambda one: one.add_paragraph("{{ plan_no }}签发：{{ city }}")
    )
    report = make_report(
        make_special(["A1-1"]), ReportOptions(city="样例市", signed_on=date(2026, 1, 9))
    )

    made = docx.Document(io.BytesIO(make_docx(report, template=path)))

    assert made.paragraphs[-1].text == "签发：样例市"
    assert "2026年1月9日" in [one.text for one in made.paragraphs]
