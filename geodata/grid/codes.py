"""Codes of cells: 15 digits, sequence W→E and N→S in an area, never used twice.

Layout: DOMAIN.md §3 (DB11/T 2157—2023): district 6 + street 3 + community 3 + cell 3.
"""

import re
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.errors import GeodataError

IntArray = npt.NDArray[np.int64]
StrArray = npt.NDArray[np.str_]

LAST_SEQUENCE = 999
"""Three digits; more cells in a community are an error (DOMAIN.md §3)."""
FRESH_SEQUENCE = 899
"""Most cells that a new area gets: a tenth of the numbers is kept for later changes (ours)."""

COMMUNITY_CODE = re.compile(r"\d{12}")
STREET_CODE = re.compile(r"\d{9}")
CELL_CODE = re.compile(r"(?:\d{12}|.+-)\d{3}")
SEQUENCE_DIGITS = 3


def make_cell_prefix(area_code: str) -> str:
    """Return what stands before the three digits of the sequence.

    Twelve digits (a community) stand as they are, nine (a street) get ``000`` for "no community", any
    other code gets a dash.

    Examples
    --------
    >>> make_cell_prefix("110101001001"), make_cell_prefix("110101001"), make_cell_prefix("W7")
    ('110101001001', '110101001000', 'W7-')
    """
    if COMMUNITY_CODE.fullmatch(area_code):
        return area_code
    if STREET_CODE.fullmatch(area_code):
        return f"{area_code}000"
    return f"{area_code}-"


def cell_code(area_code: str, sequence: int) -> str:
    """Return the code of the cell number `sequence` (1 … 999) of an area.

    Raises
    ------
    GeodataError
        If `sequence` has no place in three digits.

    Examples
    --------
    >>> cell_code("110101001001", 7)
    '110101001001007'
    """
    if not 1 <= sequence <= LAST_SEQUENCE:
        raise GeodataError(
            f"cell number {sequence} of area {area_code!r}: expected 1 … {LAST_SEQUENCE}; "
            "use larger cells or divide the area"
        )
    return f"{make_cell_prefix(area_code)}{sequence:0{SEQUENCE_DIGITS}d}"


def make_cell_prefixes(area_codes: Iterable[str]) -> pd.Index:
    """Return :func:`make_cell_prefix` of many areas, in their order."""
    return pd.Index([make_cell_prefix(code) for code in area_codes], dtype="str")


def make_cell_codes(prefixes: pd.Index, areas: npt.ArrayLike, sequence: npt.ArrayLike) -> pd.Index:
    """Return the codes of many cells: `areas` are positions in `prefixes` (:func:`make_cell_prefixes`)."""
    texts = prefixes.array.take(np.asarray(areas)) + _list_digits().take(np.asarray(sequence))
    return pd.Index(texts, name="cell_code")


@cache
def _list_digits() -> pd.api.extensions.ExtensionArray:
    return pd.array([f"{n:0{SEQUENCE_DIGITS}d}" for n in range(LAST_SEQUENCE + 1)], dtype="str")


def split_cell_codes(codes: pd.Index) -> pd.DataFrame:
    """Return ``prefix``, ``sequence`` and ``area_code`` of cell codes, on a fresh index.

    ``prefix`` and ``area_code`` are empty and ``sequence`` is 0 for a code of another form. A twelve-digit
    prefix that ends in 000 is taken as a street: no official community has that number.
    """
    parts = pd.Series(codes.astype("str")).str.extract(
        r"^(?:(?P<street>\d{9})000|(?P<community>\d{12})|(?P<other>.+)-)(?P<sequence>\d{3})$"
    )
    area = parts["street"].fillna(parts["community"]).fillna(parts["other"]).fillna("")
    known = parts["sequence"].notna()
    return pd.DataFrame(
        {
            "prefix": pd.Series(codes.astype("str")).str[:-SEQUENCE_DIGITS].where(known, ""),
            "sequence": parts["sequence"].fillna("0").astype("int64"),
            "area_code": area,
        }
    )


def split_cell_code(code: object) -> tuple[str, int]:
    """Return ``prefix`` and ``sequence`` of one code, as :func:`split_cell_codes` does of many."""
    if not isinstance(code, str) or CELL_CODE.fullmatch(code) is None:
        return "", 0
    return code[:-SEQUENCE_DIGITS], int(code[-SEQUENCE_DIGITS:])


def number_cells(used: IntArray, kept: IntArray) -> IntArray | None:
    """Return the sequence numbers of an area's cells, or None where three digits do not suffice.

    Parameters
    ----------
    used
        Every number that the area ever gave away.
    kept
        For each cell, in the order N→S and W→E, the number that it keeps, 0 = a new cell.
    """
    fresh = kept == 0
    first = int(used.max(initial=0)) + 1
    count = int(fresh.sum())
    if first + count - 1 > LAST_SEQUENCE:
        return None
    numbers = kept.copy()
    numbers[fresh] = np.arange(first, first + count)
    return numbers
