"""Writes planner/documents/templates/plan.docx, the form that an office takes over and edits in its word processor.

Run it when a style or a field is added; an office's own template needs the same styles (planner/documents/docx.py
names them), everything else in it is the office's.
"""

# ruff: noqa: SLF001 - the library has no other way to the elements behind its objects

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from planner.documents.packing import repack

TARGET = Path(__file__).parent.parent / "planner/documents/templates/plan.docx"
RED = RGBColor(0xD4, 0x00, 0x00)
FANGSONG, XIAOBIAOSONG, HEITI, KAITI, SONGTI = "仿宋", "方正小标宋简体", "黑体", "楷体", "宋体"
CENTER, RIGHT, LEFT, BOTH = (
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.RIGHT,
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)
PITCH_PT = 28.95
"""225 mm of text over 22 lines."""

TIGHT = ("公文正文", "公文结论")
TIGHT_TWIPS = -5
"""28 characters of 16 pt less a quarter point each are 441 pt: the 156 mm of a line."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """Form of a paragraph: face, size (pt), first line (characters), exact pitch (pt), level of a heading."""

    face: str
    size: float
    align: Any
    indent: int = 0
    pitch: float | None = None
    level: int | None = None
    keep_next: bool = False
    colour: RGBColor | None = None


FORMS = {
    "公文标志": Form(face=XIAOBIAOSONG, size=30, align=CENTER, colour=RED),
    "公文字号": Form(face=FANGSONG, size=16, align=CENTER, pitch=PITCH_PT),
    "公文标题": Form(face=XIAOBIAOSONG, size=22, align=CENTER, pitch=34.0),
    "公文副标题": Form(face=KAITI, size=16, align=CENTER, pitch=PITCH_PT),
    "公文提示": Form(face=HEITI, size=12, align=CENTER, colour=RED),
    "公文正文": Form(face=FANGSONG, size=16, align=BOTH, indent=2, pitch=PITCH_PT),
    "公文结论": Form(face=HEITI, size=16, align=BOTH, indent=2, pitch=PITCH_PT),
    "公文一级标题": Form(
        face=HEITI, size=16, align=LEFT, indent=2, pitch=PITCH_PT, level=0, keep_next=True
    ),
    "公文二级标题": Form(
        face=KAITI, size=16, align=LEFT, indent=2, pitch=PITCH_PT, level=1, keep_next=True
    ),
    "公文三级标题": Form(
        face=FANGSONG, size=16, align=LEFT, indent=2, pitch=PITCH_PT, level=2, keep_next=True
    ),
    "公文表题": Form(face=HEITI, size=10.5, align=CENTER, keep_next=True),
    "公文表头": Form(face=HEITI, size=10.5, align=CENTER, keep_next=True),
    "公文表签": Form(face=HEITI, size=10.5, align=LEFT),
    "公文表文": Form(face=FANGSONG, size=10.5, align=LEFT),
    "公文表注": Form(face=FANGSONG, size=9, align=LEFT),
    "公文图": Form(face=FANGSONG, size=10.5, align=CENTER, keep_next=True),
    "公文图题": Form(face=HEITI, size=10.5, align=CENTER),
    "公文附件名": Form(face=HEITI, size=16, align=LEFT, pitch=PITCH_PT, keep_next=True),
    "公文落款": Form(face=FANGSONG, size=16, align=RIGHT, pitch=PITCH_PT, keep_next=True),
    "公文附记": Form(face=FANGSONG, size=9, align=LEFT),
}
SPACED = {
    "公文表题": (9, 3),
    "公文表注": (3, 9),
    "公文图题": (0, 3),
    "公文提示": (6, 6),
    "公文附记": (18, 0),
}
"""Space before and after, in points."""


def set_fonts(properties: Any, face: str, *, latin: str = "Times New Roman") -> None:
    """Set the faces of a run or style: Chinese and Latin."""
    fonts = properties.get_or_add_rFonts()
    for key, name in (
        ("w:ascii", latin),
        ("w:hAnsi", latin),
        ("w:eastAsia", face),
        ("w:cs", latin),
    ):
        fonts.set(qn(key), name)


def add_style(document: Any, name: str, form: Form) -> None:
    """Add one style of the table above."""
    style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    style.quick_style = True
    style.font.size = Pt(form.size)
    if form.colour is not None:
        style.font.color.rgb = form.colour
    set_fonts(style.element.get_or_add_rPr(), form.face)
    paragraph = style.paragraph_format
    paragraph.alignment = form.align
    before, after = SPACED.get(name, (0, 0))
    paragraph.space_before, paragraph.space_after = Pt(before), Pt(after)
    paragraph.keep_with_next = form.keep_next
    paragraph.widow_control = True
    if form.indent:
        indent = style.element.get_or_add_pPr().get_or_add_ind()
        indent.set(qn("w:firstLineChars"), str(form.indent * 100))
        indent.set(qn("w:firstLine"), str(int(form.indent * form.size * 20)))
    if form.pitch:
        paragraph.line_spacing = Pt(form.pitch)
    else:
        add_mark(style.element.get_or_add_pPr(), "w:snapToGrid", 0, before=AFTER_GRID)
    if form.level is not None:
        add_mark(style.element.get_or_add_pPr(), "w:outlineLvl", form.level)
    if name in TIGHT:
        add_mark(
            style.element.get_or_add_rPr(), "w:spacing", TIGHT_TWIPS, before=("w:sz", "w:szCs")
        )


AFTER_GRID = (
    "w:spacing",
    "w:ind",
    "w:contextualSpacing",
    "w:jc",
    "w:textAlignment",
    "w:outlineLvl",
)
"""Word reads the parts of a paragraph's form in one order only; these come after its place on the grid."""


def add_mark(properties: Any, name: str, value: int, *, before: tuple[str, ...] = ()) -> None:
    """Add an element with one value before those named."""
    mark = OxmlElement(name)
    mark.set(qn("w:val"), str(value))
    properties.insert_element_before(mark, *before)


def set_page(section: Any) -> None:
    """Set A4, the margins of the standard, and the grid of 22 lines.

    28 characters a line come from the body's style: a grid of characters would stretch tables and captions too.
    """
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(28)
    section.header_distance = Mm(15)
    for old in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(old)
    grid = OxmlElement("w:docGrid")
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), "579")
    section._sectPr.append(grid)


def add_page_number(footer: Any, *, align: Any) -> None:
    """Add — n — in 4号 宋体."""
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = align
    indent = paragraph.paragraph_format
    indent.left_indent, indent.right_indent = Pt(14), Pt(14)
    for kind, text in (
        ("text", "— "),
        ("begin", ""),
        ("code", "PAGE"),
        ("end", ""),
        ("text", " —"),
    ):
        run = paragraph.add_run()
        run.font.size = Pt(14)
        set_fonts(run._element.get_or_add_rPr(), SONGTI, latin="宋体")
        if kind == "text":
            run.text = text
        elif kind == "code":
            code = OxmlElement("w:instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = text
            run._element.append(code)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._element.append(mark)


def add_line(paragraph: Any) -> None:
    """Add the red line below the head."""
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    for key, value in (
        ("w:val", "single"),
        ("w:sz", "12"),
        ("w:space", "6"),
        ("w:color", "D40000"),
    ):
        bottom.set(qn(key), value)
    borders.append(bottom)
    properties = paragraph._element.get_or_add_pPr()
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:snapToGrid", *AFTER_GRID)


def main() -> None:
    """Write the template."""
    document = Document()
    body = document.element.body
    for old in list(body):
        if old.tag != qn("w:sectPr"):
            body.remove(old)
    normal = document.styles["Normal"]
    normal.font.size = Pt(16)
    set_fonts(normal.element.get_or_add_rPr(), FANGSONG)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-US")
    language.set(qn("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(language)
    for name, form in FORMS.items():
        add_style(document, name, form)
    section = document.sections[0]
    set_page(section)
    document.settings.odd_and_even_pages_header_footer = True
    add_page_number(section.footer, align=RIGHT)
    add_page_number(section.even_page_footer, align=LEFT)
    for style, text in (
        ("公文标志", "{{ issuer }}"),
        ("公文字号", "{{ number }}"),
        ("公文标题", "{{ title }}"),
        ("公文副标题", "{{ subtitle }}"),
        ("公文提示", "{%p for mark in marks %}"),
        ("公文提示", "{{ mark }}"),
        ("公文提示", "{%p endfor %}"),
        ("公文表文", "{{p facts }}"),
        ("公文正文", "{{p body }}"),
        ("公文正文", "{%p if annex_list %}"),
        ("公文正文", ""),
        ("公文正文", "{{ annex_list }}"),
        ("公文正文", "{%p endif %}"),
        ("公文正文", ""),
        ("公文落款", "{{ signature_issuer }}"),
        ("公文落款", "{{ signature_day }}"),
        ("公文正文", "{{p annexes }}"),
        ("公文附记", "{{ imprint }}"),
    ):
        paragraph = document.add_paragraph(text, style=style)
        if style == "公文字号":
            add_line(paragraph)
            paragraph.paragraph_format.space_after = Pt(24)
        if style == "公文落款":
            paragraph.paragraph_format.right_indent = Pt(64)
    document.core_properties.author = ""
    document.core_properties.title = "{{ title }}"
    document.core_properties.comments = ""
    document.save(TARGET)
    TARGET.write_bytes(repack(TARGET.read_bytes()))


if __name__ == "__main__":
    main()
