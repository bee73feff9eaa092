"""What a document says, before it has a form: numbered headings, paragraphs, tables and figures in reading order.

Every form (page, DOCX, PDF) is rendered from this one value, so that a figure, a number or a sentence is the same in
all of them.
"""

from dataclasses import dataclass, field
from typing import Literal

Align = Literal["left", "right", "center"]
ParagraphKind = Literal["body", "note", "finding", "quote"]


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading with its number as the standard writes it (一、 （一） 1.).

    Parameters
    ----------
    level
        1 to 3.
    number
        Written before the text, with its punctuation.
    text
        The words.
    anchor
        Id within the document, for links; empty for none.
    """

    level: int
    number: str
    text: str
    anchor: str = ""


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A paragraph; ``finding`` is a sentence that carries a decision, ``quote`` what a person said."""

    text: str
    kind: ParagraphKind = "body"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table: head, unit below it, alignment, and its part of the width (any scale)."""

    head: str
    width: float
    align: Align = "left"
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row: one text a column, lines separated by a newline."""

    cells: tuple[str, ...]
    anchor: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Parameters
    ----------
    caption
        With its number (表 1 …); empty for a table of facts, which stands below its heading.
    columns
        Their heads repeat on every page, unless all are empty (a table of facts).
    rows
        At least one; an empty table is a paragraph that says so.
    note
        Below the table: window, n, what a dash means.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def has_head(self) -> bool:
        """Tell whether any column has a head."""
        return any(column.head for column in self.columns)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture as SVG that needs no script and no other file; its size in pixels of 1/96 inch."""

    svg: str
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its caption (图 1 …), its note (window, n, source) and what it shows in words."""

    caption: str
    drawing: Drawing
    alt: str
    note: str = ""


Block = Heading | Paragraph | Table | Figure


@dataclass(frozen=True, kw_only=True)
class Annex:
    """An annex: it starts a page of its own under its number."""

    number: int
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who signs and when.

    Parameters
    ----------
    issuer
        The office.
    day
        As the standard writes it (2026年11月30日); empty while not signed.
    """

    issuer: str
    day: str


@dataclass(frozen=True, kw_only=True)
class OfficeDocument:
    """A plan or a report as a document.

    Parameters
    ----------
    language
        ``zh-CN`` or ``en``.
    title, subtitle
        Below the head.
    issuer
        Whose document it is; in the red head.
    number
        Number that the office gives, or the plan's own.
    state
        ``草案`` … in words; empty for what stands outside a service.
    marks
        What a reader must know before all else (synthetic data), in words.
    facts
        Label and text of the table on the first page.
    blocks, annexes
        The body.
    signature
        See :class:`Signature`.
    imprint
        Last line: hash, boundary version, day.
    values
        Plain values by name, for a template of the office's own (``{{ street }}`` …).
    """

    language: str
    title: str
    subtitle: str
    issuer: str
    number: str
    state: str
    marks: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    annexes: tuple[Annex, ...]
    signature: Signature
    imprint: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Return the figures in reading order."""
        every = (*self.blocks, *(block for annex in self.annexes for block in annex.blocks))
        return tuple(block for block in every if isinstance(block, Figure))
