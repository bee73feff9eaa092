"""The columns of an export: what they hold, what they are called, and the check that a row carries."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Literal
from zlib import crc32
from zoneinfo import ZoneInfo

import pandas as pd

Language = Literal["zh", "en"]


class Form(StrEnum):
    """A form of file, by its ending."""

    CSV = "csv"
    XLSX = "xlsx"
    GPKG = "gpkg"
    PARQUET = "parquet"


class Kind(StrEnum):
    """What the values of a column are."""

    CODE = "code"
    WORD = "word"
    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"
    CHECK = "check"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column.

    Parameters
    ----------
    name
        Of the field, also the column's name in GeoPackage and Parquet.
    word_of
        The field whose code it says in words.
    headings
        Names of the column in tables for people, by language.
    """

    name: str
    kind: Kind
    word_of: str
    headings: Mapping[Language, str]


@cache
def load_columns() -> tuple[Column, ...]:
    """Return the columns in their order."""
    text = resources.files("gridgov.jobs.exchange").joinpath("columns.csv").read_text("utf-8")
    return tuple(
        Column(
            name=row["name"],
            kind=Kind(row["kind"]),
            word_of=row["word_of"],
            headings={"zh": row["zh"], "en": row["en"]},
        )
        for row in csv.DictReader(text.splitlines())
    )


COLUMNS = load_columns()
CHECKED = tuple(
    one for one in COLUMNS if one.kind in {Kind.CODE, Kind.TIME, Kind.NUMBER, Kind.FLAG}
)
DIGITS = 7
"""Decimals of numbers: a centimetre of a degree."""


def make_plain(value: Any, kind: Kind, zone: ZoneInfo) -> Any:
    """Return a value as it is written: times in the city's zone to the second, numbers to seven decimals."""
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN and NaT alone
        return None
    if kind is Kind.TIME:
        moment: datetime = value
        return moment.astimezone(zone).replace(microsecond=0)
    if kind is Kind.NUMBER:
        return round(float(value), DIGITS)
    if kind is Kind.FLAG:
        return bool(value)
    return str(value)


def make_checks(columns: Sequence[Sequence[Any]]) -> list[str]:
    """Return the check of each row from the columns of :data:`CHECKED` (values as of :func:`make_plain`).

    It begins with a letter and has no digit, so that no spreadsheet takes it for a number.

    Examples
    --------
    >>> make_checks([["A1-1"], [None], [2.5]])
    ['kukiodni']
    """
    texts = [[_write(value) for value in column] for column in columns]
    return [_spell(crc32("\x1f".join(row).encode())) for row in zip(*texts, strict=True)]


def _spell(number: int) -> str:
    letters = []
    for _ in range(7):
        number, digit = divmod(number, 26)
        letters.append(_LETTERS[digit])
    return "k" + "".join(letters)


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write_time(moment: datetime) -> str:
    """Return a time as tables have it, to the second and without its zone."""
    return moment.isoformat(sep=" ", timespec="seconds")[:19]


def _write(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is str:
        return value.strip()
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}" if math.isfinite(value) else ""
    return str(value).strip()
