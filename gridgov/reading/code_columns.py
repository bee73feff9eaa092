"""Numbers and codes of an export: what spreadsheets did to them is undone where that is certain, else told."""

import unicodedata
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa

from geodata.spreadsheets import find_shortened, is_ascii, note_shortened, to_codes
from gridgov.reading.faults import RowFaults

KEPT_DIGITS = 15
"""Digits of a number that a spreadsheet keeps; it puts zeros for the others."""
LEAST_ZEROS = 6
"""So many zeros in their places are no chance (one in a million)."""


def read_codes(values: pd.Series, faults: RowFaults, *, effect: str) -> pd.Series:
    """Return a column of codes as text, missing where a spreadsheet has shortened them; that is one error.

    Parameters
    ----------
    values
        Column of the export.
    faults
        Receives what is wrong.
    effect
        What becomes of a shortened one, for the message.
    """
    texts = to_codes(values)
    faults.add(*note_shortened([texts], Path(faults.file), effect=effect))
    _note_zeros(texts, faults)
    return texts.mask(find_shortened(texts))


def read_numbers(values: pd.Series, faults: RowFaults, *, effect: str) -> pd.Series:
    """Return a column of official numbers: as :func:`read_codes`, full-width letters and digits folded."""
    texts = read_codes(values, faults, effect=effect)
    if is_ascii(pa.array(texts, from_pandas=True)):
        return texts
    wide = texts.str.contains("[\uff01-\uff5e]", na=False)
    if not wide.any():
        return texts
    folded = texts[wide].map(lambda text: unicodedata.normalize("NFKC", text)).astype("str")
    return texts.mask(wide, folded)


def _note_zeros(texts: pd.Series, faults: RowFaults) -> None:
    """Warn where every long number has zeros from its sixteenth digit on."""
    if not texts.str.len().max() > KEPT_DIGITS:
        return
    long = texts[texts.str.fullmatch(rf"\d{{{KEPT_DIGITS + 1},}}").fillna(value=False)]
    if long.empty:
        return
    ends = long.str.slice(KEPT_DIGITS)
    if ends.str.contains("[1-9]").any() or ends.str.len().sum() < LEAST_ZEROS:
        return
    faults.whole(
        f"all {len(long):,} numbers of more than {KEPT_DIGITS} digits end in zeros: "
        "a spreadsheet seems to have rounded them",
        "the file exported again with this column as text",
        field=str(texts.name),
        value=str(long.iloc[0]),
    )


def restore_zeros(values: pd.Series, known: Collection[str], faults: RowFaults) -> pd.Series:
    """Return codes with the leading zeros that a spreadsheet took, where just one known code fits; noted once."""
    texts = values.astype("str")
    distinct = texts.dropna().unique()
    lengths = sorted({len(code) for code in known if code.startswith("0") and code.isdecimal()})
    mended: dict[str, str] = {}
    for code in distinct:
        if code in known or not (code.isascii() and code.isdecimal()):
            continue
        fits = [code.zfill(length) for length in lengths if length > len(code)]
        fits = [one for one in fits if one in known]
        if len(fits) == 1:
            mended[code] = fits[0]
    if not mended:
        return values
    lost = texts.isin(list(mended))
    first, count = texts[lost].iloc[0], int(lost.sum())
    faults.whole(
        f"{count:,} codes have lost their leading zeros; they are read with them, {first} as {mended[first]}",
        "the column formatted as text",
        field=str(values.name),
        value=str(first),
    )
    return texts.mask(lost, texts.map(mended).astype("str"))


def note_unknown_units(values: pd.Series, known: Collection[str], faults: RowFaults) -> None:
    """Say so once where values of a column are no unit of the city, although others are: they compare with nothing."""
    strange = values.notna() & ~values.isin(list(known))
    if not strange.any() or not values.isin(list(known)).any():
        return
    names = values[strange].value_counts()
    faults.whole(
        f"{int(strange.sum()):,} of {int(values.notna().sum()):,} values are no unit of the city, "
        f"{len(names):,} different ones; they are compared with nothing",
        "a unit_code of the units or a code of the streets; map others in [appeals.values.unit_recorded]",
        field=str(values.name),
        value=", ".join(map(str, names.index[:5])),
    )
