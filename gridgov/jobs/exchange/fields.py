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
TIME_FORM = "%Y-%m-%d %H:%M:%S"


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


def make_check(values: Sequence[Any]) -> str:
    """Return the check of the values of :data:`CHECKED` of a row (:func:`make_plain`, missing as None).

    It begins with a letter and has no E before digits, so that no spreadsheet takes it for a number.

    Examples
    --------
    >>> make_check(["A1-1", None, 2.5])
    'k2dzjzuo'
    """
    number = crc32("\x1f".join(map(_write, values)).encode())
    letters = ""
    for _ in range(7):
        number, digit = divmod(number, 26)
        letters += "abcdfghijklmnopqrstuvwxyz2"[digit]
    return f"k{letters}"


def _write(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.strftime(TIME_FORM)
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}" if math.isfinite(value) else ""
    return str(value).strip()
