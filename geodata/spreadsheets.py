"""What spreadsheets and copying do to the cells of a table, and what of it can be undone for certain.

A guard keeps a spreadsheet from taking digits for a number (``="0711"``, ``'0711``): it is no part of the value.
A whole number that went through a float has lost nothing but its look (``101004116078.0``). A long number in
scientific notation (``2.40506E+17``) has lost digits: which ones nobody can tell, so it is found here and never
used as the name of a thing.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geodata.problems import Problem, row_number

INVISIBLE = (
    "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters without width that come along in copying: of two numbers that look the same they make two."""

SCIENTIFIC = r"^[+-]?\d(?:\.\d+)?[eE]\+\d{1,3}$|^[+-]?\d\.\d+[eE]\d{1,3}$"
"""As spreadsheets, databases and programs shorten a long number; ``1E5`` alone may be somebody's code."""

EXACT_BELOW = 2.0**53
"""Whole numbers below it survive a float (IEEE 754, double precision)."""

_NOTHING = f"[{INVISIBLE}\\x00]"  # NUL is no part of any text, and no database takes it
_GUARDS = ("=", "'", "`", "\u2018", "\u2019", "\uff07")
_FORMULA_TEXT = re.compile(r'="(?P<text>.*)"', re.DOTALL)
_GUARDED_CODE = re.compile(r"[`'\u2018\u2019\uff07](?P<text>\d[\w\-./:]*)")
_GUARDED_FORMULA = re.compile(r"'(?P<text>'*[=+\-@\t\r].*)", re.DOTALL)  # as this package writes it
_WHOLE = r"^[+-]?\d{1,15}\.0$"
_FRACTION = r"^[+-]?\d*\.\d*[1-9]\d*$"


def drop_invisible(text: str) -> str:
    """Return `text` without the characters of :data:`INVISIBLE`."""
    for character in INVISIBLE:  # looking for each is faster than one expression over all the text
        if character in text:
            text = text.replace(character, "")
    return text


def unwrap_text(text: str) -> str:
    """Return the value of one cell, without what guards it against a spreadsheet."""
    if not text.startswith(_GUARDS):
        return text
    found = (
        _FORMULA_TEXT.fullmatch(text)
        or _GUARDED_CODE.fullmatch(text)
        or _GUARDED_FORMULA.fullmatch(text)
    )
    if found is None:
        return text
    inner = found["text"]
    return inner.replace('""', '"') if text.startswith("=") else inner


def unwrap_cells(frame: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Return a frame of text columns whose cells have no guards, and a note of backticks, which may be meant."""
    problems: list[Problem] = []
    for name in frame.columns:
        column = frame[name]
        guarded = _find_guarded(column)
        if not guarded.any():
            continue
        some = column[guarded]
        values = some.map(unwrap_text)
        ticked = some[some.str.startswith("`") & (values != some)]
        if len(ticked):
            problems.append(
                Problem(
                    file=str(path),
                    row=row_number(ticked.index[0]),
                    field=str(name),
                    value=ticked.iloc[0],
                    problem=f"{len(ticked)} values begin with a backtick; they are read without it",
                    expected="the column formatted as text",
                    severity="warning",
                )
            )
        values = values.astype("str")
        frame = frame.assign(**{str(name): column.mask(guarded, values.where(values != ""))})
    return frame, problems


def _find_guarded(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which texts may begin with a guard, by their first bytes: a pass over a million costs milliseconds."""
    array = pa.array(column, from_pandas=True, type=pa.large_string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    _, offsets, data = array.buffers()
    if data is None or not data.size:
        return np.zeros(len(array), dtype=bool)
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    first = np.frombuffer(data, dtype=np.uint8)[np.minimum(ends[:-1], data.size - 1)]
    begins = np.zeros(256, dtype=bool)
    begins[[guard.encode()[0] for guard in _GUARDS]] = True
    found: npt.NDArray[np.bool_] = begins[first] & (np.diff(ends) > 0)
    if found.any():  # quotes and full-width signs of Chinese text share a first byte with guards
        found &= column.str.startswith(_GUARDS).fillna(value=False).to_numpy(dtype=bool)
    return found


def to_text(values: pd.Series) -> pd.Series:
    """Return a column of any type as text, trimmed, missing where empty; codes stay what they are.

    A whole number has no decimal point, whatever type the file gave it; one beyond :data:`EXACT_BELOW` that went
    through a float is in scientific notation, because its digits are not known. Bytes are UTF-8.
    """
    if pd.api.types.is_float_dtype(values):
        values = _write_floats(values)
    elif values.dtype == object:
        values = values.map(_write_object, na_action="ignore")
    texts = values.astype("str")
    if _may_hold_nothing(pa.array(texts, from_pandas=True)):
        texts = texts.str.replace(_NOTHING, "", regex=True)
    texts = texts.str.strip()
    return texts.where(texts != "")


def _may_hold_nothing(array: pa.Array | pa.ChunkedArray) -> bool:
    pattern = "\\x00" if is_ascii(array) else _NOTHING
    return bool(_to_mask(pc.match_substring_regex(array, pattern)).any())


def is_ascii(array: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether all texts of an array are ASCII, which takes a hundredth of the time of an expression."""
    return pc.all(pc.string_is_ascii(array)).as_py() is not False


def to_codes(values: pd.Series) -> pd.Series:
    """Return a column of numbers or codes as text (:func:`to_text`), without the ``.0`` of a float.

    Only where no value has a fraction: ``1.0`` beside ``1.1`` is a code with a point.
    """
    texts = to_text(values)
    array = pa.array(texts, from_pandas=True)
    if not _to_mask(pc.ends_with(array, ".0")).any():
        return texts
    whole = _to_mask(pc.match_substring_regex(array, _WHOLE))
    if not whole.any() or _to_mask(pc.match_substring_regex(array, _FRACTION)).any():
        return texts
    return texts.mask(whole, texts[whole].str.replace(r"\.0$", "", regex=True))


def find_shortened(texts: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which texts are numbers in scientific notation, so that their digits are lost."""
    return _to_mask(pc.match_substring_regex(pa.array(texts, from_pandas=True), SCIENTIFIC))


def note_shortened(
    columns: Iterable[pd.Series], path: Path | str, *, effect: str = "they are not used"
) -> list[Problem]:
    """Return one error for each column that holds numbers in scientific notation.

    Parameters
    ----------
    columns
        Columns of codes as text, on the index of the file; the name of each is the field.
    path
        File as the user named it.
    effect
        What becomes of such values.
    """
    problems = []
    for texts in columns:
        at = np.flatnonzero(find_shortened(texts))
        if not len(at):
            continue
        first = int(at[0])
        count = "1 number is" if len(at) == 1 else f"{len(at):,} numbers are"
        problems.append(
            Problem(
                file=str(path),
                field=str(texts.name),
                value=str(texts.iloc[first]),
                problem=f"{count} in scientific notation (the first in row {row_number(texts.index[first])}): "
                f"a spreadsheet has shortened them and their last digits are lost; {effect}",
                expected="the file exported again with this column as text, not opened and saved in between",
            )
        )
    return problems


def _to_mask(found: pa.BooleanArray | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    known = pc.fill_null(found, fill_value=False)
    mask: npt.NDArray[np.bool_] = np.asarray(known.to_numpy(zero_copy_only=False), dtype=bool)
    return mask


def _write_floats(values: pd.Series) -> pd.Series:
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    whole = np.isfinite(numbers) & (numbers % 1 == 0)
    exact = whole & (np.abs(numbers) < EXACT_BELOW)
    texts = values.astype("str")
    texts = texts.mask(exact, _format_whole(numbers, exact, texts.index))
    beyond = whole & ~exact
    if beyond.any():
        said = pd.Series([f"{number:E}" for number in numbers[beyond]], index=texts.index[beyond])
        texts = texts.mask(beyond, said.reindex(texts.index))
    return texts


def _format_whole(
    numbers: npt.NDArray[np.float64], exact: npt.NDArray[np.bool_], index: pd.Index
) -> pd.Series:
    return pd.Series(np.where(exact, numbers, 0).astype(np.int64), index=index).astype("str")


def _write_object(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_BELOW:
        return str(int(value))
    return str(value)
