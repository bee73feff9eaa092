"""The document as HTML: a body that stands in a page of a run and in one of the service alike."""

import re
from functools import cache
from importlib import resources

import jinja2
from markupsafe import Markup, escape

from planner.documents.content import Figure, Heading, OfficeDocument, Paragraph, Table
from planner.documents.words import load_document_words

_TASK = re.compile(r"\bT\d{2,}\b")


def render_document(document: OfficeDocument) -> Markup:
    """Return the document as an ``article``; its styles are :func:`load_document_styles`."""
    words = load_document_words(document.language)["annexes"]
    titles = [words["item"].format(n=one.number, title=one.title) for one in document.annexes]
    anchors = {one.anchor for one in document.blocks if isinstance(one, Heading) and one.anchor}
    made = _load_book().get_template("document.html")
    text = made.render(
        document=document,
        annex_line=words["line"].format(list=words["gap"].join(titles)),
        annex_names=[words["name"].format(n=one.number) for one in document.annexes],
        anchors=anchors,
    )
    return Markup(text)  # noqa: S704 - jinja escaped it


def render_page(document: OfficeDocument) -> str:
    """Return the document as a page of its own, which needs no other file."""
    made = _load_book().get_template("report.html")
    return made.render(
        document=document,
        styles=Markup(load_document_styles()),  # noqa: S704 - a file of ours
        body=render_document(document),
    )


@cache
def load_document_styles() -> str:
    """Return the styles of a document: every rule begins with ``.document``, or is about its paper."""
    return (
        resources.files("planner.documents").joinpath("templates/document.css").read_text("utf-8")
    )


@cache
def _load_book() -> jinja2.Environment:
    book = jinja2.Environment(
        loader=jinja2.PackageLoader("planner.documents", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    book.tests |= {
        "heading": lambda one: isinstance(one, Heading),
        "paragraph": lambda one: isinstance(one, Paragraph),
        "table": lambda one: isinstance(one, Table),
        "figure": lambda one: isinstance(one, Figure),
    }
    book.filters["lines"] = _write_lines
    return book


@jinja2.pass_context
def _write_lines(context: jinja2.runtime.Context, text: str) -> Markup:
    """Return a cell with its line breaks, task numbers as links to where the task stands."""
    anchors = context["anchors"]
    safe = str(escape(text)).replace("\n", "<br>")
    return Markup(  # noqa: S704 - escaped above
        _TASK.sub(
            lambda found: (
                f'<a href="#{found[0]}">{found[0]}</a>' if found[0] in anchors else found[0]
            ),
            safe,
        )
    )
