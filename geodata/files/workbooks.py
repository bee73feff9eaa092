"""Workbooks (XLSX): values as text in reading, safe and dated by hand in writing."""

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.xml import functions as xml
from openpyxl.xml.constants import DCTERMS_NS, DCTERMS_PREFIX

from geodata.errors import GeodataError, InvalidDataError
from geodata.files.archives import check_unpacked, count_cells
from geodata.files.delimited import make_no_rows, name_columns
from geodata.files.heading import ROWS_LOOKED_AT, find_heading, report_heading
from geodata.paths import check_file, fail_file
from geodata.problems import Problem
from geodata.spreadsheets import drop_invisible, unwrap_cells, unwrap_text

MOST_ROWS = 1_048_576  # of a sheet, Excel's own limit
LEAST_SHORTENED = 1e15  # numbers from here on have more digits than Excel keeps
LONGEST_CELL = 32_767  # characters, Excel's own limit
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML 1.0 forbids them
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(<)")
_FIXED_TIME = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - XLSX knows no zones; same input, same bytes


def read_workbook(
    path: Path,
    *,
    sheet: str | None = None,
    names: Collection[str] = (),
    most_rows: int | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read one sheet of an XLSX file; every value is str, an empty one is missing.

    Whole numbers have no decimal point, dates are ISO 8601; a number beyond the fifteen digits that a cell holds is
    in scientific notation. The first sheet is read unless `sheet` names another. The index is the row less two.

    Parameters
    ----------
    path
        The file.
    sheet
        Name of the sheet.
    names
        Column names that the caller looks for; they find the header below a title.
    most_rows
        Rows below the header that are read; None is all.

    Raises
    ------
    InvalidDataError
        If the file is no workbook, the sheet is absent or has no header.
    """
    limit = None if most_rows is None else most_rows + ROWS_LOOKED_AT
    rows, problems = _read_rows(check_file(path), sheet, limit)
    first = [[cell or "" for cell in row] for row in rows[:ROWS_LOOKED_AT]]
    at = find_heading(first, names)
    if not rows or not any(rows[at]):
        raise fail_file(path, "has no header in its first row", "column names in row 1")
    note = report_heading(path, at, first[:at])
    width = max(len(row) for row in rows[at:])
    padded = [row + [None] * (width - len(row)) for row in rows[at:]][: _end(most_rows)]
    header = [value or "" for value in padded[0]]
    columns = list(zip(*padded[1:], strict=True)) or [()] * width
    index = pd.RangeIndex(at, at + len(padded) - 1)
    cells = pd.DataFrame(
        {column: pd.array(values, dtype="str") for column, values in enumerate(columns)},
        index=index,
    )
    frame, faults = name_columns(cells, header, path, row=at + 1)
    frame, guarded = unwrap_cells(frame, path)
    frame = frame.dropna(how="all")
    if frame.empty:
        faults.append(make_no_rows(path))
    return frame, [*problems, *([] if note is None else [note]), *faults, *guarded]


def _end(most_rows: int | None) -> int | None:
    return None if most_rows is None else most_rows + 1


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
    # another program in this process may have given the namespace another prefix, and the bytes would be others
    xml.register_namespace(DCTERMS_PREFIX, DCTERMS_NS)  # type: ignore[attr-defined]  # absent from its stubs
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


def _read_rows(
    path: Path, sheet: str | None, limit: int | None
) -> tuple[list[list[str | None]], list[Problem]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl remarks on styles, which are not read
        try:
            check_unpacked(path)
            cells, title, problems = _read_values(path, sheet, limit)
            rows = [[_to_text(value) for value in row] for row in cells]
            if _has_formulas(path):
                problems += _fill_formulas(path, rows, title, limit)
        except InvalidDataError:
            raise
        except Exception as error:  # a damaged workbook makes its readers raise anything
            raise fail_file(
                path, f"cannot be read as XLSX: {error}", "a workbook saved as .xlsx"
            ) from error
    return rows, problems


def _read_values(
    path: Path, sheet: str | None, limit: int | None, *, formulas: bool = False
) -> tuple[list[tuple[Any, ...]], str, list[Problem]]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=not formulas)
    try:
        chosen, problems = _choose_sheet(book, path, sheet)
        chosen.reset_dimensions()  # some exports state a wrong size
        rows = count_cells(path, chosen.iter_rows(values_only=True, max_row=limit))
        return list(rows), chosen.title, problems
    finally:
        book.close()


def _has_formulas(path: Path) -> bool:
    """Tell whether any sheet holds a formula; looked for in the file, where it costs little."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as sheet:
                    last = b""
                    while block := sheet.read(1 << 20):
                        if b"<f>" in last + block or b"<f " in last + block:
                            return True
                        last = block[-2:]
    return False


def _fill_formulas(
    path: Path, rows: list[list[str | None]], title: str, limit: int | None
) -> list[Problem]:
    """Give `rows` the text of formulas such as ``="0711"`` that were stored without their value; note the others."""
    written, _, _ = _read_values(path, title, limit, formulas=True)
    problems = []
    for at, (row, formulas) in enumerate(zip(rows, written, strict=False)):
        for column, formula in enumerate(formulas[: len(row)]):
            if row[column] is not None or not str(formula or "").startswith("="):
                continue
            text = unwrap_text(str(formula))
            row[column] = None if text == formula else text or None
            if text == formula:
                problems.append(
                    Problem(
                        file=str(path),
                        row=at + 1,
                        field=get_column_letter(column + 1),
                        value=text,
                        problem="formula without a stored value; the cell is empty",
                        expected="the workbook opened and saved by a spreadsheet, or values instead of formulas",
                        severity="warning",
                    )
                )
    return problems


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
    if isinstance(value, float) and value.is_integer():
        # A spreadsheet keeps fifteen digits: of a longer number the last are not what was typed.
        return str(int(value)) if abs(value) < LEAST_SHORTENED else f"{value:E}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return drop_invisible(str(value)) or None
