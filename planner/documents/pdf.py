"""The document as PDF, by typst from ``templates/plan.typ``."""

import json
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import typst

from planner.documents.content import Block, Figure, Heading, OfficeDocument, Paragraph, Table
from planner.documents.errors import TemplateError
from planner.documents.typst_files import FontBook, load_fonts, set_family
from planner.documents.words import load_document_words

TYPES: dict[type, str] = {
    Heading: "heading",
    Paragraph: "paragraph",
    Table: "table",
    Figure: "figure",
}


def make_pdf(
    document: OfficeDocument, *, fonts: FontBook | None = None, template: Path | None = None
) -> bytes:
    """Return the document as PDF; the same document gives the same bytes with the same fonts.

    Parameters
    ----------
    document
        From :func:`planner.documents.make_document.make_document`.
    fonts
        Faces to write with; None: those of the system.
    template
        A typst file of the office; None: the one of the program.

    Raises
    ------
    FontError
        No font can write Chinese.
    TemplateError
        The template names a field that documents do not have, or is broken.
    """
    book = fonts or load_fonts()
    source = template.read_bytes() if template else _load_template()
    files = {f"figure{at}.svg": one for at, one in enumerate(document.figures, start=1)}
    names = {id(one): name for name, one in files.items()}
    content = json.dumps(_make_values(document, names, book), ensure_ascii=False)
    inputs = {"main.typ": source, "document.json": content.encode()}
    inputs |= {name: set_family(one.drawing.svg, book).encode() for name, one in files.items()}
    try:
        made: bytes = typst.compile(inputs, format="pdf", font_paths=book.fonts)
    except typst.TypstError as error:
        raise TemplateError(
            f"{template or 'templates/plan.typ'}: {error}; expected fields as in templates/plan.typ"
        ) from error
    return made


def _make_values(document: OfficeDocument, names: dict[int, str], book: FontBook) -> dict[str, Any]:
    """Return what the template reads as ``document.json``."""
    words = load_document_words(document.language)["annexes"]
    titles = [words["item"].format(n=one.number, title=one.title) for one in document.annexes]
    return {
        "faces": {role: list(families) for role, families in book.faces.items()},
        "lang": document.language[:2],
        "title": document.title,
        "subtitle": document.subtitle,
        "issuer": document.issuer,
        "number": document.number,
        "state": document.state,
        "marks": list(document.marks),
        "facts": [list(pair) for pair in document.facts],
        "blocks": [_make_block(one, names) for one in document.blocks],
        "annexes": [
            {
                "name": words["name"].format(n=one.number),
                "title": one.title,
                "blocks": [_make_block(block, names) for block in one.blocks],
            }
            for one in document.annexes
        ],
        "annex-line": words["line"].format(list=words["gap"].join(titles)),
        "signature": asdict(document.signature),
        "imprint": document.imprint,
        "values": document.values,
    }


def _make_block(block: Block, names: dict[int, str]) -> dict[str, Any]:
    if isinstance(block, Figure):
        return {
            "type": "figure",
            "file": names[id(block)],
            "caption": block.caption,
            "alt": block.alt,
            "note": block.note,
        }
    return {"type": TYPES[type(block)], **asdict(block)}


@cache
def _load_template() -> bytes:
    return resources.files("planner.documents").joinpath("templates/plan.typ").read_bytes()
