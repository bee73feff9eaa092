"""Texts of an export and the items that people gave them: what a classifier learns from, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geodata.files import read_table
from gridgov.reading.appeals import ReadingCity
from gridgov.reading.code_columns import read_codes
from gridgov.reading.export_words import read_items, read_text
from gridgov.reading.faults import RowFaults
from gridgov.reading.header import list_names, read_header

NEEDED = ("text", "item_code")


@dataclass(frozen=True, eq=False, kw_only=True)
class TextsRead:
    """Texts of one export.

    Parameters
    ----------
    texts
        Columns ``text item_code``, str, missing where the export has none, one row each of the export.
    problems
        Frame of ``PROBLEM_COLUMNS``.
    """

    texts: pd.DataFrame
    problems: pd.DataFrame


def read_texts(city: ReadingCity, path: Path | str) -> TextsRead:
    """Read the texts and items of an export as the pack describes it; no other column is needed.

    Raises
    ------
    InvalidDataError
        If the file cannot be read, or has no column of texts or of items.
    """
    settings = city.settings.appeals
    raw, problems = read_table(
        path,
        encoding=settings.encoding,
        sheet=settings.sheet or None,
        names=list_names(settings),
    )
    faults = RowFaults(path)
    faults.add(*problems)
    header = read_header(raw, settings, faults, required=NEEDED, places=())

    def text(name: str) -> pd.Series:
        values = raw[header.columns[name]].rename(name)
        if name != "text":
            values = read_codes(values, faults, effect="they are left open")
        return read_text(values, settings, faults)

    items = read_items(
        text("item_code"),
        text("item_group") if "item_group" in header.columns else None,
        catalogue=city.catalogue,
        categories=city.categories,
        faults=faults,
    )
    texts = pd.DataFrame({"text": text("text"), "item_code": items})
    found = faults.frame()
    # What is wrong with other columns, or that they are not there, is nothing to who learns from texts.
    told = found["field"].isin((*NEEDED, "item_group")) | found["row"].notna()
    return TextsRead(texts=texts, problems=found[told].reset_index(drop=True))
