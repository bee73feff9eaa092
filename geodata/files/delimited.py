"""Delimited text (CSV, TSV): a fast parser for sound files, a patient one for damaged files.

Row numbers: the header is row 1; a frame's index is the position below the header, so
``row = position + 2``. Records count, not lines: a cell with a line break stays one row, and a blank
line is a row (it is skipped, its position stays free). Rejected rows leave their position free too.
"""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from geodata.files.encodings import MARK, NUL_MARK, DecodedText, decode
from geodata.paths import fail_file, read_bytes
from geodata.problems import Problem, row_number, shorten

DELIMITERS = (",", "\t", ";", "|")
_BLOCK_BYTES = 1 << 26
_LONGEST_RECORD_LINES = 5_000  # a cell with more line breaks is a quote that was never closed
_LONGEST_CELL = 2**31 - 1


def read_delimited(
    path: Path, *, encoding: str = "auto", delimiter: str | None = None
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a CSV or TSV file; every value is str, an empty one is missing.

    Returns
    -------
        Frame indexed by position (see the module), and what was wrong with the file.

    Raises
    ------
    InvalidDataError
        If the file as a whole cannot be read.
    """
    decoded = decode(read_bytes(path), path, encoding=encoding)
    text = decoded.text.rstrip("\r\n") + "\n"
    header, separator = _read_header(text, path, delimiter)
    cells, problems = _parse(text, path, (len(header), separator))
    frame, faults = name_columns(cells, header, path)
    if decoded.marked:
        frame, marked = _take_marked(frame, path, decoded)
        faults += marked
    if frame.shape[1] > 1:  # an empty line of a list of addresses is one that was left blank
        frame = frame.dropna(how="all")
    if frame.empty and not problems and not faults:
        faults.append(make_no_rows(path))
    return frame, sorted(faults + problems, key=lambda problem: problem.row or 0)


def make_no_rows(path: Path) -> Problem:
    """Return the warning for a table with a header and nothing below."""
    return Problem(
        file=str(path),
        problem="has a header and no rows",
        expected="at least one row below the header",
        severity="warning",
    )


def name_columns(
    cells: pd.DataFrame, header: list[str], path: Path
) -> tuple[pd.DataFrame, list[Problem]]:
    """Name the columns of `cells`; nameless empty ones go, doubled names are told apart."""
    names: list[str] = []
    keep: list[int] = []
    problems: list[Problem] = []
    for at, raw in enumerate(header):
        name = raw.strip()
        if not name and cells.iloc[:, at].isna().all():
            continue
        new = _free_name(name or f"column_{at + 1}", names)
        if new != name:
            problems.append(_report_name(path, name, new))
        names.append(new)
        keep.append(at)
    named = cells.iloc[:, keep]
    named.columns = pd.Index(names)
    return named, problems


def _free_name(name: str, taken: list[str]) -> str:
    new, number = name, 2
    while new in taken:
        new, number = f"{name}_{number}", number + 1
    return new


def _report_name(path: Path, name: str, new: str) -> Problem:
    problem = f"column name occurs twice; the later column is read as {new!r}"
    if not name:
        problem = f"column without a name holds values; it is read as {new!r}"
    return Problem(
        file=str(path),
        row=1,
        field=shorten(name),
        problem=problem,
        expected="one name per column",
        severity="warning",
    )


def _read_header(text: str, path: Path, delimiter: str | None) -> tuple[list[str], str]:
    if delimiter is not None and len(delimiter) != 1:
        raise fail_file(path, f"delimiter {delimiter!r} is not usable", "one character")
    lines = io.StringIO(text, newline="")
    first = next((line for line in lines if line.strip()), "")
    if not text.strip() or text[: len(first)] != first:
        raise fail_file(path, "has no header in its first row", "column names in row 1")
    separator = delimiter or _find_delimiter(first)
    fields, _ = _read_record([first, *islice(lines, 50)], 0, separator)
    if fields is None:
        raise fail_file(path, "row 1 opens a quote that is never closed", "a closed quote")
    return [field.replace(MARK, "").replace(NUL_MARK, "") for field in fields], separator


def _find_delimiter(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=lambda delimiter: (outside.count(delimiter), delimiter == ","))


def _parse(text: str, path: Path, shape: tuple[int, str]) -> tuple[pd.DataFrame, list[Problem]]:
    # An odd number of quotes means one never closed; the fast parser would swallow the rest.
    if text.count('"') % 2 == 0:
        damaged: list[arrow_csv.InvalidRow] = []
        try:
            cells = _parse_fast(text, shape, damaged)
        except pa.ArrowInvalid:
            pass  # a cell beyond any block: the patient parser names it
        else:
            if not any("\n" in row.text for row in damaged):
                return _leave_gaps(cells, path, (damaged, shape))
    return _parse_patiently(text, path, shape)


def _parse_fast(
    text: str, shape: tuple[int, str], damaged: list[arrow_csv.InvalidRow]
) -> pd.DataFrame:
    """Return the sound records below the header; `damaged` takes the others."""
    width, delimiter = shape
    names = [str(at) for at in range(width)]

    def collect(row: arrow_csv.InvalidRow) -> str:
        damaged.append(row)
        return "skip"

    table = arrow_csv.read_csv(
        pa.py_buffer(text.encode()),
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=_BLOCK_BYTES, use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values='"' in text,
            ignore_empty_lines=False,
            invalid_row_handler=collect,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    return table.slice(1).to_pandas()


def _leave_gaps(
    cells: pd.DataFrame, path: Path, found: tuple[list[arrow_csv.InvalidRow], tuple[int, str]]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Index `cells` by position, leaving those of damaged rows free; rows with empty ends are kept."""
    damaged, (width, delimiter) = found
    if not damaged:
        return cells, []
    taken = np.array([row.number - 2 for row in damaged])
    positions = np.setdiff1d(np.arange(len(cells) + len(damaged)), taken, assume_unique=True)
    mended, problems = [], []
    for row in damaged:
        fields, _ = _read_record([row.text], 0, delimiter)
        if fields is not None and len(fields) > width and not any(fields[width:]):
            mended.append((row.number - 2, fields[:width]))
        else:
            problems.append(_report_width(path, row.number, (fields, row.text, width)))
    frame = cells.set_axis(pd.Index(positions), axis=0)
    if mended:
        frame = pd.concat([frame, _make_cells(mended, width)]).sort_index()
    return frame, problems


def _make_cells(rows: list[tuple[int, list[str]]], width: int) -> pd.DataFrame:
    index = pd.Index([position for position, _ in rows], dtype="int64")
    columns = list(zip(*(fields for _, fields in rows), strict=True)) or [()] * width
    frame = pd.DataFrame(
        {str(at): pd.array(values, dtype="str") for at, values in enumerate(columns)}, index=index
    )
    return frame.mask(frame == "")


def _parse_patiently(
    text: str, path: Path, shape: tuple[int, str]
) -> tuple[pd.DataFrame, list[Problem]]:
    width, delimiter = shape
    lines = list(io.StringIO(text, newline=""))
    rows: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    for number, (fields, raw) in enumerate(_read_records(lines, delimiter, width), start=1):
        if fields is not None and len(fields) > width and not any(fields[width:]):
            fields = fields[:width]  # noqa: PLW2901 - a spreadsheet's empty cells at the right
        if fields is not None and len(fields) == width:
            rows.append((number - 2, fields))
        elif raw.strip():
            problems.append(_report_width(path, number, (fields, raw, width)))
    return _make_cells(rows[1:], width), problems


def _report_width(path: Path, number: int, row: tuple[list[str] | None, str, int]) -> Problem:
    fields, raw, width = row
    problem = "a quote opens here and is never closed"
    if fields is not None:
        problem = f"row has {len(fields)} fields where the header has {width}"
    return Problem(
        file=str(path),
        row=number,
        value=shorten(raw.strip("\r\n")).replace(MARK, "?"),
        problem=problem,
        expected="as many fields as the header, text with delimiters or line breaks in quotes",
    )


def _read_records(
    lines: list[str], delimiter: str, width: int
) -> Iterator[tuple[list[str] | None, str]]:
    start = 0
    while start < len(lines):
        fields, used = _read_record(lines, start, delimiter)
        if fields is None:
            used = 1  # only the line of the stray quote is lost
        elif used > 1 and len(fields) != width:
            following, _ = _read_record(lines, start + 1, delimiter)
            if following is not None and len(following) == width:
                fields, used = None, 1
        yield fields, "".join(lines[start : start + used])
        start += used


def _read_record(lines: list[str], start: int, delimiter: str) -> tuple[list[str] | None, int]:
    """Return the fields of the record that begins at line `start` (None: quote never closed) and its lines."""
    if '"' not in lines[start]:
        return lines[start].rstrip("\r\n").split(delimiter), 1
    csv.field_size_limit(_LONGEST_CELL)  # the module's own limit refuses long cells
    for strict in (True, False):
        some = map(lines.__getitem__, range(start, min(start + _LONGEST_RECORD_LINES, len(lines))))
        reader = csv.reader(some, delimiter=delimiter, strict=strict)
        try:
            return next(reader), reader.line_num
        except csv.Error as error:
            if "unexpected end" in str(error):
                return None, 2
    return None, 2


def _take_marked(
    frame: pd.DataFrame, path: Path, decoded: DecodedText
) -> tuple[pd.DataFrame, list[Problem]]:
    problems: list[Problem] = []
    undecoded = pd.Series(data=False, index=frame.index)
    for name in frame.columns:
        column = frame[name]
        bad = column.str.contains(MARK, regex=False, na=False)
        undecoded |= bad
        problems += [
            Problem(
                file=str(path),
                row=row_number(position),
                field=str(name),
                value=value.replace(MARK, "?"),
                problem=f"bytes are not {decoded.encoding}, the encoding of the rest of the file",
                expected="one encoding in the whole file; save it again as UTF-8",
            )
            for position, value in column[bad].items()
        ]
        frame, found = _take_nul(frame, path, str(name))
        problems += found
    return frame[~undecoded], problems


def _take_nul(frame: pd.DataFrame, path: Path, name: str) -> tuple[pd.DataFrame, list[Problem]]:
    has_nul = frame[name].str.contains(NUL_MARK, regex=False, na=False)
    if not has_nul.any():
        return frame, []
    clean = frame.assign(**{name: frame[name].str.replace(NUL_MARK, "", regex=False)})
    return clean, [
        Problem(
            file=str(path),
            row=row_number(position),
            field=name,
            value=value,
            problem="NUL byte in the text; it was removed",
            expected="text without control characters",
            severity="warning",
        )
        for position, value in clean.loc[has_nul, name].items()
    ]
