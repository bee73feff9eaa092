"""The document as DOCX from a template that an office edits in its word processor.

The template holds the form: page, faces, red head, signature, footers. Its fields are those of :data:`FIELDS`; the
parts of the plan come in at ``{{p facts }}``, ``{{p body }}`` and ``{{p annexes }}``, in the template's own styles.
"""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import jinja2
from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate
from lxml import etree

from planner.documents.content import Block, Figure, Heading, OfficeDocument, Paragraph, Row, Table
from planner.documents.errors import TemplateError
from planner.documents.packing import repack
from planner.documents.typst_files import FontBook, draw_png, load_fonts
from planner.documents.words import load_document_words

HEADINGS = ("公文一级标题", "公文二级标题", "公文三级标题")
PARAGRAPHS = {"body": "公文正文", "note": "公文表注", "finding": "公文结论", "quote": "公文正文"}
CAPTION, HEAD, LABEL, CELL, NOTE = "公文表题", "公文表头", "公文表签", "公文表文", "公文表注"
PICTURE, PICTURE_CAPTION = "公文图", "公文图题"
ANNEX, TITLE = "公文附件名", "公文标题"
STYLES = (
    *HEADINGS,
    *dict.fromkeys(PARAGRAPHS.values()),
    CAPTION,
    HEAD,
    LABEL,
    CELL,
    PICTURE,
    PICTURE_CAPTION,
    ANNEX,
    TITLE,
)
"""Paragraph styles that a template must have."""

FIELDS = (
    "title",
    "subtitle",
    "issuer",
    "number",
    "state",
    "marks",
    "facts",
    "body",
    "annex_list",
    "annexes",
    "signature_issuer",
    "signature_day",
    "imprint",
    "city",
    "street",
    "district",
    "start",
    "end",
    "plan_no",
    "class_name",
    "revision",
    "tasks",
    "hotspots",
    "content_hash",
)
"""Fields that a template may use."""

TEXT_TWIPS = 8845
"""Width of the text: 156 mm, in twentieths of a point."""
TEXT_EMU = 156 * 36_000
"""The same in the unit of pictures."""
PICTURE_NAMES = (
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)


def make_docx(
    document: OfficeDocument, *, template: Path | None = None, fonts: FontBook | None = None
) -> bytes:
    """Return the document as DOCX; the same document and template give the same bytes.

    Parameters
    ----------
    document
        From :func:`planner.documents.make_document.make_document`.
    template
        The office's own; None: the program's ``templates/plan.docx``.
    fonts
        Faces for the words inside pictures; None: those of the system.

    Raises
    ------
    FontError
        No font can write Chinese.
    TemplateError
        The template is no DOCX, uses a field that documents do not have, is not well formed, or lacks a style.
    """
    place = str(template or "templates/plan.docx")
    made = _open_template(_read_template(template), place)
    writer = _Writer(template=made, styles=_find_styles(made, place), fonts=fonts or load_fonts())
    words = load_document_words(document.language)["annexes"]
    titles = [words["item"].format(n=one.number, title=one.title) for one in document.annexes]
    values = {
        **document.values,
        "title": document.title,
        "subtitle": document.subtitle,
        "issuer": document.issuer,
        "number": document.number,
        "state": document.state,
        "marks": document.marks,
        "facts": _Xml(writer.write_facts(document.facts)),
        "body": _Xml(writer.write_blocks(document.blocks)),
        "annexes": _Xml(writer.write_annexes(document)),
        "annex_list": words["line"].format(list=words["gap"].join(titles)) if titles else "",
        "signature_issuer": document.signature.issuer,
        "signature_day": document.signature.day,
        "imprint": document.imprint,
    }
    try:
        made.render(values, _make_environment(), autoescape=True)
    except jinja2.UndefinedError as error:
        raise TemplateError(
            f"{place}: {error.message}; fields that a template may use: {', '.join(FIELDS)}"
        ) from error
    except (jinja2.TemplateSyntaxError, etree.XMLSyntaxError) as error:
        raise TemplateError(f"{place}: a field or a loop is not well formed: {error}") from error
    stream = io.BytesIO()
    made.save(stream)
    return repack(stream.getvalue())


def check_template(template: Path) -> Path:
    """Return the path of a template that documents can be made from.

    Raises
    ------
    TemplateError
        As :func:`make_docx`, without making a document.
    """
    made = _open_template(_read_template(template), str(template))
    _find_styles(made, str(template))
    return template


class _Xml(str):
    """Markup of WordprocessingML that goes into the template as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


@cache
def _make_environment() -> jinja2.Environment:
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)


@cache
def _load_own_template() -> bytes:
    return resources.files("planner.documents").joinpath("templates/plan.docx").read_bytes()


def _read_template(template: Path | None) -> bytes:
    if template is None:
        return _load_own_template()
    try:
        return template.read_bytes()
    except OSError as error:
        raise TemplateError(
            f"{template}: the template cannot be read ({error.strerror}); expected a DOCX file"
        ) from error


def _open_template(data: bytes, place: str) -> DocxTemplate:
    """Return the template opened, its fields known.

    Raises
    ------
    TemplateError
        It is no DOCX, or uses an unknown field.
    """
    try:
        made = DocxTemplate(io.BytesIO(data))
        made.init_docx()
        used = made.get_undeclared_template_variables(_make_environment())
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{place}: a field or a loop is not well formed: {error}") from error
    except (
        PackageNotFoundError,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        etree.XMLSyntaxError,
    ) as error:
        raise TemplateError(
            f"{place}: this is no DOCX file, or it is damaged ({type(error).__name__}); expected a document that a "
            f"word processor has saved as .docx"
        ) from error
    unknown = sorted(used - set(FIELDS))
    if unknown:
        raise TemplateError(
            f"{place}: unknown field{'s' * (len(unknown) > 1)} {', '.join(unknown)}; "
            f"fields that a template may use: {', '.join(FIELDS)}"
        )
    made.init_docx(reload=True)
    return made


def _find_styles(template: DocxTemplate, place: str) -> dict[str, str]:
    """Return style name → id.

    Raises
    ------
    TemplateError
        Some are missing.
    """
    found = {style.name: style.style_id for style in template.docx.styles}
    missing = [name for name in STYLES if name not in found]
    if missing:
        raise TemplateError(
            f"{place}: paragraph style{'s' * (len(missing) > 1)} {', '.join(missing)} missing; "
            f"a template needs {', '.join(STYLES)}"
        )
    return {name: found[name] for name in STYLES}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Writer:
    """Writes blocks as WordprocessingML with the styles of a template."""

    template: DocxTemplate
    styles: dict[str, str]
    fonts: FontBook

    def write_blocks(self, blocks: Iterable[Block]) -> str:
        """Return blocks in order."""
        return "".join(self._write_block(block) for block in blocks)

    def write_annexes(self, document: OfficeDocument) -> str:
        """Return the annexes, each from a page of its own on."""
        words = load_document_words(document.language)["annexes"]
        return "".join(
            self._write_paragraph(
                words["name"].format(n=annex.number),
                ANNEX,
                more="<w:pageBreakBefore/>",
            )
            + self._write_paragraph(annex.title, TITLE)
            + self.write_blocks(annex.blocks)
            for annex in document.annexes
        )

    def write_facts(self, facts: Sequence[tuple[str, str]]) -> str:
        """Return the table of the first page."""
        rows = [
            self._write_row(Row(cells=pair), (22, 78), ("left", "left"), label=True)
            for pair in facts
        ]
        return self._write_grid(rows, (22, 78)) + self._write_paragraph("", CELL)

    def _write_block(self, block: Block) -> str:
        if isinstance(block, Heading):
            return self._write_paragraph(f"{block.number}{block.text}", HEADINGS[block.level - 1])
        if isinstance(block, Paragraph):
            return self._write_paragraph(block.text, PARAGRAPHS[block.kind])
        if isinstance(block, Table):
            return self._write_table(block)
        return self._write_figure(block)

    def _write_paragraph(self, text: str, style: str, *, more: str = "", runs: str = "") -> str:
        inside = runs or _write_run(text)
        return f'<w:p><w:pPr><w:pStyle w:val="{self.styles[style]}"/>{more}</w:pPr>{inside}</w:p>'

    def _write_table(self, table: Table) -> str:
        widths = tuple(column.width for column in table.columns)
        aligns = tuple(column.align for column in table.columns)
        rows = [self._write_head(table, widths)] if table.has_head else []
        rows += [
            self._write_row(row, widths, aligns, label=not table.has_head) for row in table.rows
        ]
        caption = self._write_paragraph(table.caption, CAPTION) if table.caption else ""
        # Word joins two tables that touch: a paragraph stands between them in any case.
        return caption + self._write_grid(rows, widths) + self._write_paragraph(table.note, NOTE)

    def _write_grid(self, rows: Sequence[str], widths: Sequence[float]) -> str:
        columns = "".join(f'<w:gridCol w:w="{one}"/>' for one in _find_twips(widths))
        edges = "".join(
            f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
            for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
        )
        return (
            f'<w:tbl><w:tblPr><w:tblW w:w="{TEXT_TWIPS}" w:type="dxa"/><w:jc w:val="center"/>'
            f'<w:tblBorders>{edges}</w:tblBorders><w:tblLayout w:type="fixed"/>'
            f'<w:tblCellMar><w:top w:w="28" w:type="dxa"/><w:left w:w="70" w:type="dxa"/>'
            f'<w:bottom w:w="28" w:type="dxa"/><w:right w:w="70" w:type="dxa"/></w:tblCellMar>'
            f"</w:tblPr><w:tblGrid>{columns}</w:tblGrid>{''.join(rows)}</w:tbl>"
        )

    def _write_head(self, table: Table, widths: Sequence[float]) -> str:
        cells = "".join(
            _write_cell(
                self._write_paragraph(f"{one.head}\n{one.unit}" if one.unit else one.head, HEAD),
                twips,
            )
            for one, twips in zip(table.columns, _find_twips(widths), strict=True)
        )
        return f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{cells}</w:tr>"

    def _write_row(
        self, row: Row, widths: Sequence[float], aligns: Sequence[str], *, label: bool
    ) -> str:
        cells = []
        for at, (text, twips) in enumerate(zip(row.cells, _find_twips(widths), strict=True)):
            style = LABEL if label and at == 0 else CELL
            align = "left" if style == LABEL else aligns[at]
            more = f'<w:jc w:val="{align}"/>' if align != "left" else ""
            cells.append(_write_cell(self._write_paragraph(text, style, more=more), twips))
        # A row of many lines (evidence) may go over a page; a short one stays together.
        keep = (
            ""
            if any(text.count("\n") > 8 or len(text) > 400 for text in row.cells)
            else "<w:cantSplit/>"
        )
        return f"<w:tr><w:trPr>{keep}</w:trPr>{''.join(cells)}</w:tr>"

    def _write_figure(self, figure: Figure) -> str:
        png = draw_png(figure.drawing, fonts=self.fonts)
        part = self.template.docx.part
        relation, image = part.get_or_add_image(io.BytesIO(png))
        number = part.next_id
        height = round(TEXT_EMU * figure.drawing.height / figure.drawing.width)
        name = quoteattr(image.filename or f"figure{number}.png")
        alt = quoteattr(figure.alt)
        run = (
            f'<w:r><w:drawing><wp:inline {PICTURE_NAMES} distT="0" distB="0" distL="0" distR="0">'
            f'<wp:extent cx="{TEXT_EMU}" cy="{height}"/><wp:docPr id="{number}" name={name} descr={alt}/>'
            '<wp:cNvGraphicFramePr><a:graphicFrameLocks noChangeAspect="1"/></wp:cNvGraphicFramePr>'
            '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture">'
            f'<pic:pic><pic:nvPicPr><pic:cNvPr id="0" name={name}/><pic:cNvPicPr/></pic:nvPicPr>'
            f'<pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
            f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{TEXT_EMU}" cy="{height}"/></a:xfrm>'
            '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
            "</wp:inline></w:drawing></w:r>"
        )
        return (
            self._write_paragraph("", PICTURE, runs=run)
            + self._write_paragraph(figure.caption, PICTURE_CAPTION)
            + (self._write_paragraph(figure.note, NOTE) if figure.note else "")
        )


def _find_twips(widths: Sequence[float]) -> list[int]:
    """Return the widths of columns in twentieths of a point; their sum is the text's width."""
    total = sum(widths)
    ends = [0]
    for width in widths:
        ends.append(ends[-1] + round(TEXT_TWIPS * width / total))
    ends[-1] = TEXT_TWIPS
    return [end - start for start, end in pairwise(ends)]


def _write_cell(inside: str, twips: int) -> str:
    return f'<w:tc><w:tcPr><w:tcW w:w="{twips}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>{inside}</w:tc>'


def _write_run(text: str) -> str:
    """Return a run; a newline becomes a line break, what XML cannot hold is left out."""
    if not text:
        return ""
    lines = [f'<w:t xml:space="preserve">{escape(_clean(line))}</w:t>' for line in text.split("\n")]
    return f"<w:r>{'<w:br/>'.join(lines)}</w:r>"


def _clean(text: str) -> str:
    """Return text without control characters, and with template marks that are only text."""
    return "".join(one for one in text if one >= " " or one == "\t")
