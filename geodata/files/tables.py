"""The only reader and writer of tables: CSV, TSV, XLSX, Parquet.

Row numbers: see :mod:`geodata.files.delimited`; the header is row 1, ``row_number(index)`` gives the row.
"""

import re
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from geodata.errors import GeodataError
from geodata.files.delimited import make_no_rows, read_delimited
from geodata.files.workbooks import read_workbook, write_workbook
from geodata.paths import check_file, fail_file, replace_file
from geodata.problems import Problem, row_number

__all__ = ["READABLE", "WRITABLE_TABLES", "read_table", "row_number", "write_table"]

READABLE = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet", ".geoparquet")

# A cell that begins like this is run as a formula by spreadsheets (OWASP, CSV injection); an apostrophe before it
# guards it and is taken off in reading, so one of its own needs another, ...
_FORMULA = re.compile(r"^'*[=+\-@\t\r]")
# ... a plain number is not, and must stay one.
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


def read_table(
    path: Path | str,
    *,
    encoding: str = "auto",
    delimiter: str | None = None,
    sheet: str | None = None,
    names: Collection[str] = (),
    most_rows: int | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a table by the ending of its name.

    Parameters
    ----------
    path
        ``.csv .tsv .txt`` (UTF-8 with or without BOM, GB18030, Big5, UTF-16 with BOM), ``.xlsx``, ``.parquet``.
    encoding
        Of text files; "auto" finds it.
    delimiter
        Of text files; None finds it in the header.
    sheet
        Of workbooks; None is the first.
    names
        Column names that the caller looks for: they find the header where it is not the first row.
    most_rows
        Rows that are read; None is all.

    Returns
    -------
        The frame and the faults of single rows. Text files and workbooks give str columns with empty
        values missing, Parquet its own types. The index is the position in the file;
        ``row_number(index)`` is the row as the user sees it. Rejected and blank rows leave gaps.

    Raises
    ------
    InvalidDataError
        If the file as a whole cannot be read.
    """
    path = Path(path)
    check_file(path)
    ending = path.suffix.lower()
    if ending in {".csv", ".tsv", ".txt"}:
        separator = "\t" if delimiter is None and ending == ".tsv" else delimiter
        return read_delimited(
            path, encoding=encoding, delimiter=separator, names=names, most_rows=most_rows
        )
    if ending in {".xlsx", ".xlsm"}:
        return read_workbook(path, sheet=sheet, names=names, most_rows=most_rows)
    if ending in {".parquet", ".geoparquet"}:
        return _read_parquet(path, most_rows)
    hint = "save it as .xlsx" if ending == ".xls" else f"one of {', '.join(READABLE)}"
    raise fail_file(path, f"tables of kind {ending or 'no ending'!r} are not read", hint)


def write_table(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a frame without its index by the ending of `path`: ``.csv .xlsx .parquet``.

    CSV is UTF-8 with BOM, so that Excel opens Chinese; times are ISO 8601 with their zone. Text that a
    spreadsheet would run as a formula gets an apostrophe before it in CSV and is stored as text in
    XLSX. The file is written aside and then moved.

    Raises
    ------
    GeodataError
        If the ending is not known or the place cannot be written.
    """
    path = Path(path)
    writer = WRITABLE_TABLES.get(path.suffix.lower())
    if writer is None:
        raise GeodataError(
            f"{path}: tables of kind {path.suffix or 'no ending'!r} are not written; "
            f"expected one of {', '.join(WRITABLE_TABLES)}"
        )
    with replace_file(path) as aside:
        writer(frame, aside)


def _read_parquet(path: Path, most_rows: int | None) -> tuple[pd.DataFrame, list[Problem]]:
    try:
        if most_rows is None:
            table = parquet.read_table(path)
        else:
            with parquet.ParquetFile(path) as file:
                some = list(islice(file.iter_batches(batch_size=most_rows or 1), 1))
                table = pa.Table.from_batches(some, schema=file.schema_arrow).slice(0, most_rows)
        frame = table.to_pandas(types_mapper=_keep_integers(table))
    except Exception as error:  # a damaged file makes its reader raise anything
        first = (str(error).splitlines() or [""])[0]
        raise fail_file(path, f"cannot be read as Parquet: {first}", "a Parquet file") from error
    frame = frame.reset_index(drop=frame.index.name is None)
    return frame, [make_no_rows(path)] if frame.empty else []


def _keep_integers(table: pa.Table) -> Callable[[pa.DataType], Any] | None:
    """Return what keeps whole numbers whole where some are missing: a float would lose the digits of long ones."""
    gaps = {
        column.type
        for column in table.columns
        if pa.types.is_integer(column.type) and column.null_count
    }
    if not gaps:
        return None
    return {kind: dtype for kind, dtype in _INTEGERS.items() if kind in gaps}.get


_INTEGERS = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    columns = [_to_arrow(column) for _, column in frame.items()]
    names = [_neutralise(str(name)) for name in frame.columns]
    table = pa.Table.from_arrays(columns, names=names)
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        arrow_csv.write_csv(table, file)


def _to_arrow(column: pd.Series) -> pa.Array:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _format_times(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype == object:
        column = column.map(lambda value: value if pd.isna(value) is True else str(value))
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        return pa.array(_neutralise_column(column.astype("str")), type=pa.large_string())
    return pa.array(column, from_pandas=True)


def _format_times(column: pd.Series) -> pa.Array:
    local = column.dt.tz_localize(None)
    offset_min = (local - column.dt.tz_convert("UTC").dt.tz_localize(None)).dt.total_seconds() / 60
    zones = {
        minutes: f"{'-' if minutes < 0 else '+'}{abs(int(minutes)) // 60:02}:{abs(int(minutes)) % 60:02}"
        for minutes in offset_min.dropna().unique()
    }
    unit = "s" if (local.dt.microsecond.fillna(0) == 0).all() else "us"
    text = np.datetime_as_string(local.to_numpy().astype(f"datetime64[{unit}]"))
    stamped = pd.Series(text, index=column.index, dtype="str").str.replace("T", " ", regex=False)
    stamped = (stamped + offset_min.map(zones).astype("str")).where(column.notna())
    return pa.array(stamped, type=pa.large_string())


def _neutralise_column(column: pd.Series) -> pd.Series:
    risky = column.str.match(_FORMULA.pattern, na=False)
    if not risky.any():
        return column
    return column.where(~risky, column[risky].map(_neutralise))


def _neutralise(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.match(text) else text


WRITABLE_TABLES: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".xlsx": write_workbook,
    ".parquet": _write_parquet,
}
