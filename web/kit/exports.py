"""Tables as files: CSV that a spreadsheet opens without a question and that cannot make it compute anything."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response
from flask_babel import gettext

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula (OWASP, CSV Injection)."""


def make_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    r"""Return rows as CSV text; missing values are empty.

    Examples
    --------
    >>> make_csv(["name", "n"], [("=1+1", 2), ("景山", -1)])
    "name,n\r\n'=1+1,2\r\n景山,-1\r\n"
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_make_cell(value) for value in row] for row in rows)
    return out.getvalue()


def make_heads(room: str, columns: Iterable[str]) -> list[str]:
    """Return the heads of a room's columns in the language of the request: people open these files, not programs."""
    return [gettext(f"{room}.column.{name}") for name in columns]


def say_yes(value: object) -> str:
    """Return a truth in words, empty where it is not known."""
    return "" if value is None else gettext("export.yes") if value else gettext("export.no")


def _make_cell(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def send_csv(name: str, text: str) -> Response:
    """Send CSV text under a file name; the mark at its begin tells spreadsheets that it is UTF-8."""
    response = Response("\ufeff" + text, mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
