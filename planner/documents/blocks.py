"""Blocks of a document one after the other, with the numbers of chapters, sections, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from planner.documents.content import (
    Block,
    Column,
    Drawing,
    Figure,
    Heading,
    Paragraph,
    ParagraphKind,
    Row,
    Table,
)
from planner.documents.words import load_document_words, say_ordinal


@dataclass(kw_only=True)
class BlockWriter:
    """Numbers chapters, tables and figures as it goes.

    Parameters
    ----------
    blocks
        What was written.
    tables, figures, chapters, sections
        How many there are; sections of the chapter.
    """

    blocks: list[Block] = field(default_factory=list)
    tables: int = 0
    figures: int = 0
    chapters: int = 0
    sections: int = 0

    def add_chapter(self, text: str, *, anchor: str = "") -> None:
        """Begin a chapter (一、)."""
        self.chapters, self.sections = self.chapters + 1, 0
        number = load_document_words()["chapter"].format(number=say_ordinal(self.chapters))
        self.blocks.append(Heading(level=1, number=number, text=text, anchor=anchor))

    def add_section(self, text: str, *, anchor: str = "") -> None:
        """Begin a section (（一）)."""
        self.sections += 1
        number = load_document_words()["section"].format(
            chapter=self.chapters, number=say_ordinal(self.sections)
        )
        self.blocks.append(Heading(level=2, number=number, text=text, anchor=anchor))

    def add_table(
        self, title: str, columns: Sequence[Column], rows: Sequence[Row], note: str = ""
    ) -> None:
        """Add a table with its number."""
        self.tables += 1
        caption = load_document_words()["table"].format(n=self.tables, title=title)
        self.blocks.append(
            Table(caption=caption, columns=tuple(columns), rows=tuple(rows), note=note)
        )

    def add_figure(self, title: str, drawing: Drawing, *, alt: str, note: str) -> None:
        """Add a figure with its number."""
        self.figures += 1
        caption = load_document_words()["figure"].format(n=self.figures, title=title)
        self.blocks.append(Figure(caption=caption, drawing=drawing, alt=alt, note=note))

    def say(self, text: str, kind: ParagraphKind = "body") -> None:
        """Add a paragraph."""
        self.blocks.append(Paragraph(text=text, kind=kind))
