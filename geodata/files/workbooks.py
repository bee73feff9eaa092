"""Workbooks (XLSX): values as text in reading, safe and dated by hand in writing."""

import datetime as dt
import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell

from geodata.errors import GeodataError, InvalidDataError
from geodata.files.delimited import make_no_rows, name_columns
from geodata.paths import check_file, fail_file
from geodata.problems import Problem

MOST_ROWS = 1_048_576  # of a sheet, Excel's own limit
LONGEST_CELL = 32_767  # characters, Excel's own limit
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML 1.0 forbids them
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(<)")
_FIXED_TIME = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - XLSX knows no zones; same input, same bytes


def read_workbook(path: Path, *, sheet: str | None = None) -> tuple[pd.DataFrame, list[Problem]]:
    """Read one sheet of an XLSX file; every value is str, an empty one is missing.

    Whole numbers have no decimal point, dates are ISO 8601. The first sheet is read unless `sheet`
    names another. The index is the position below the header.

    Raises
    ------
    InvalidDataError
        If the file is no workbook, the sheet is absent or has no header.
    """
    rows, problems = _read_rows(check_file(path), sheet)
    if not rows or not any(rows[0]):
        raise fail_file(path, "has no header in its first row", "column names in row 1")
    width = max(len(row) for row in rows)
    padded = [row + [None] * (width - len(row)) for row in rows]
    header = [value or "" for value in padded[0]]
    columns = list(zip(*padded[1:], strict=True)) or [()] * width
    cells = pd.DataFrame({at: pd.array(values, dtype="str") for at, values in enumerate(columns)})
    frame, faults = name_columns(cells, header, path)
    frame = frame.dropna(how="all")
    if frame.empty:
        faults.append(make_no_rows(path))
    return frame, problems + faults


def write_workbook(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` without its index as one sheet; text too long for a cell ends in "…".

    Raises
    ------
    GeodataError
        If the frame has more rows than a sheet can hold.
    """
    if len(frame) + 1 > MOST_ROWS:
        raise GeodataError(
            f"{path}: {len(frame)} rows do not fit a sheet of {MOST_ROWS}; write CSV or Parquet"
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append([_make_cell(sheet, str(name)) for name in frame.columns])
    for row in frame.astype(object).itertuples(index=False, name=None):
        sheet.append([_make_cell(sheet, value) for value in row])
    book.properties.created = _FIXED_TIME
    saved = io.BytesIO()
    book.save(saved)
    _write_undated(saved, path)


def _write_undated(saved: io.BytesIO, path: Path) -> None:
    """Write a workbook again without the time of saving, so that the same frame gives the same bytes."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", content)
            new.writestr(zipfile.ZipInfo(entry.filename), content, zipfile.ZIP_DEFLATED)


def _make_cell(sheet: Any, value: object) -> object:
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, pd.Timestamp):
        return value.tz_localize(None).to_pydatetime()
    if isinstance(value, (bool, int, float, dt.date)) or hasattr(value, "dtype"):
        return value
    text = _CONTROL.sub("", str(value))
    cell = WriteOnlyCell(sheet, value=_cut(text))
    cell.data_type = "s"  # text even where it looks like a formula
    return cell


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def _read_rows(path: Path, sheet: str | None) -> tuple[list[list[str | None]], list[Problem]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl remarks on styles, which are not read
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                chosen, problems = _choose_sheet(book, path, sheet)
                chosen.reset_dimensions()  # some exports state a wrong size
                rows = [[_to_text(v) for v in row] for row in chosen.iter_rows(values_only=True)]
            finally:
                book.close()
        except InvalidDataError:
            raise
        except Exception as error:  # a damaged workbook makes its readers raise anything
            raise fail_file(
                path, f"cannot be read as XLSX: {error}", "a workbook saved as .xlsx"
            ) from error
    return rows, problems


def _choose_sheet(book: Any, path: Path, sheet: str | None) -> tuple[Any, list[Problem]]:
    names = [worksheet.title for worksheet in book.worksheets]
    if sheet is not None and sheet not in names:
        raise fail_file(path, f"has no sheet {sheet!r}", f"one of {', '.join(names)}")
    if sheet is not None or len(names) == 1:
        return book[sheet or names[0]], []
    warning = Problem(
        file=str(path),
        problem=f"has {len(names)} sheets ({', '.join(names)}); only the first is read",
        expected="one sheet, or the name of the sheet",
        severity="warning",
    )
    return book[names[0]], [warning]


def _to_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)
