"""Delimited text (CSV, TSV): a fast parser for sound files, a patient one for damaged files.

Row numbers: the first record is row 1, usually the header; a frame's index is the row less two, so
``row = position + 2`` wherever the header stands. Records count, not lines: a cell with a line break stays one
row, and a blank line is a row (it is skipped, its position stays free). Rejected rows leave their position free too.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from geodata.files.encodings import MARK, NUL_MARK, DecodedText, decode
from geodata.files.heading import ROWS_LOOKED_AT, clean_name, find_heading, report_heading
from geodata.paths import fail_file, read_bytes
from geodata.problems import Problem, row_number, shorten
from geodata.spreadsheets import drop_invisible, unwrap_cells

DELIMITERS = (",", "\t", ";", "|")
_BLOCK_BYTES = 1 << 26
_LONGEST_RECORD_LINES = 5_000  # a cell with more line breaks is a quote that was never closed
_LONGEST_CELL = 2**31 - 1
_HEADER_LINES = 100
_HEADER_CHARS = 1_000_000
"""Lines and characters among which the header is looked for; a name of a column may hold line breaks."""


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """Columns and delimiter of a table, and how many records stand above its header."""

    names: list[str]
    delimiter: str
    above: int

    @property
    def width(self) -> int:
        return len(self.names)


@dataclass(frozen=True, kw_only=True)
class _Record:
    """One record of the file: its row, its fields (None: a quote never closed) and its text."""

    row: int
    fields: list[str] | None
    raw: str


def read_delimited(
    path: Path,
    *,
    encoding: str = "auto",
    delimiter: str | None = None,
    names: Collection[str] = (),
    most_rows: int | None = None,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a CSV or TSV file; every value is str, an empty one is missing.

    Parameters
    ----------
    path
        The file.
    encoding
        A name that Python knows, or "auto".
    delimiter
        None finds it: in a line ``sep=;`` as Excel writes it, else in the header.
    names
        Column names that the caller looks for; they find the header below a title.
    most_rows
        Rows below the header that are read; None is all.

    Returns
    -------
        Frame indexed by position (see the module), and what was wrong with the file.

    Raises
    ------
    InvalidDataError
        If the file as a whole cannot be read.
    """
    decoded = decode(read_bytes(path), path, encoding=encoding)
    text = drop_invisible(decoded.text).rstrip("\r\n") + "\n"
    shape, start, found = _read_header(text, path, delimiter, names)
    text = text[start:]
    if most_rows is not None:
        text = _cut(text, most_rows + 1)
    text, escapes = _unescape(text, path)
    cells, problems = _parse(text, path, shape)
    frame, faults = name_columns(cells, shape.names, path, row=shape.above + 1)
    faults = [*found, *escapes, *faults]
    if decoded.marked:
        frame, marked = _take_marked(frame, path, decoded)
        faults += marked
    frame, guarded = unwrap_cells(frame, path)
    faults += guarded
    if frame.shape[1] > 1:  # an empty line of a list of addresses is one that was left blank
        frame = frame.dropna(how="all")
    if frame.empty and not problems and not any(fault.severity == "error" for fault in faults):
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
    cells: pd.DataFrame, header: list[str], path: Path, *, row: int = 1
) -> tuple[pd.DataFrame, list[Problem]]:
    """Name the columns of `cells`; nameless empty ones go, doubled names are told apart."""
    names: list[str] = []
    keep: list[int] = []
    problems: list[Problem] = []
    for at, raw in enumerate(header):
        name = clean_name(raw)
        if not name and cells.iloc[:, at].isna().all():
            continue
        new = _free_name(name or f"column_{at + 1}", names)
        if new != name:
            problems.append(_report_name(path, name, new, row))
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


def _report_name(path: Path, name: str, new: str, row: int) -> Problem:
    problem = f"column name occurs twice; the later column is read as {new!r}"
    if not name:
        problem = f"column without a name holds values; it is read as {new!r}"
    return Problem(
        file=str(path),
        row=row,
        field=shorten(name),
        problem=problem,
        expected="one name per column",
        severity="warning",
    )


_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[,;|\t]*', re.IGNORECASE)


def _read_header(
    text: str, path: Path, delimiter: str | None, names: Collection[str]
) -> tuple[_Shape, int, list[Problem]]:
    """Return the shape of the table, where its header begins in `text`, and what was said of it."""
    if delimiter is not None and len(delimiter) != 1:
        raise fail_file(path, f"delimiter {delimiter!r} is not usable", "one character")
    if text.isspace():
        raise fail_file(path, "has no header in its first row", "column names in row 1")
    lines = list(islice(io.StringIO(text[:_HEADER_CHARS], newline=""), _HEADER_LINES))
    starts = list(accumulate((len(line) for line in lines), initial=0))
    said = _SEPARATOR_LINE.fullmatch(lines[0].strip("\r\n"))
    delimiter = said["delimiter"] if said is not None and delimiter is None else delimiter
    at = 0 if said is None else 1  # line of the next record
    skipped = at
    records: list[list[str]] = []
    begins: list[int] = []
    separators: list[str] = []
    while at < len(lines) and len(records) < ROWS_LOOKED_AT:
        separator = delimiter or _find_delimiter(lines[at])
        fields, used = _read_record(lines, at, separator)
        if fields is None and not any(map("".join, records)):
            row = skipped + len(records) + 1
            raise fail_file(path, f"row {row} opens a quote that is never closed", "a closed quote")
        records.append([] if fields is None else fields)
        begins.append(at)
        separators.append(separator)
        at += used if fields is not None else 1
    chosen = find_heading(records, names)
    if not any(map(str.strip, records[chosen])):
        raise fail_file(path, "has no header in its first row", "column names in row 1")
    shape = _Shape(
        names=[field.replace(MARK, "").replace(NUL_MARK, "") for field in records[chosen]],
        delimiter=separators[chosen],
        above=skipped + chosen,
    )
    note = report_heading(path, shape.above, records[:chosen])
    return shape, starts[begins[chosen]], [] if note is None else [note]


def _cut(text: str, count: int) -> str:
    """Return the first `count` lines of a text, and those that its last record needs."""
    kept: list[str] = []
    is_open = False
    for line in io.StringIO(text, newline=""):
        is_open ^= line.count('"') % 2 == 1
        kept.append(line)
        if len(kept) >= count and (not is_open or len(kept) >= count + _LONGEST_RECORD_LINES):
            break
    return "".join(kept)


_ESCAPED = re.compile(r'(?<!\\)((?:\\\\)*)\\"')
_ESCAPED_INSIDE = re.compile(r'(?<!\\)(?:\\\\)*\\"[^,;|\t\r\n"]')


def _unescape(text: str, path: Path) -> tuple[str, list[Problem]]:
    """Return `text` with quotes doubled where a database has escaped them by backslashes."""
    if '"' not in text or '\\"' not in text or _ESCAPED_INSIDE.search(text) is None:
        return text, []
    note = Problem(
        file=str(path),
        problem='quotes inside of text are escaped by backslashes (\\"); they are read as quotes',
        expected='quotes doubled ("") inside of quoted text',
        severity="warning",
    )
    return _ESCAPED.sub(r'\1""', text), [note]


def _find_delimiter(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=lambda delimiter: (outside.count(delimiter), delimiter == ","))


def _parse(text: str, path: Path, shape: _Shape) -> tuple[pd.DataFrame, list[Problem]]:
    # An odd number of quotes means one never closed; the fast parser would swallow the rest.
    if text.count('"') % 2 == 0:
        damaged: list[arrow_csv.InvalidRow] = []
        try:
            cells = _parse_fast(text, shape, damaged)
        except pa.ArrowInvalid:
            pass  # a cell beyond any block: the patient parser names it
        else:
            if not any("\n" in row.text for row in damaged):
                return _leave_gaps(cells, path, damaged, shape)
    return _parse_patiently(text, path, shape)


def _parse_fast(text: str, shape: _Shape, damaged: list[arrow_csv.InvalidRow]) -> pd.DataFrame:
    """Return the sound records below the header; `damaged` takes the others."""
    names = [str(at) for at in range(shape.width)]

    def collect(row: arrow_csv.InvalidRow) -> str:
        damaged.append(row)
        return "skip"

    table = arrow_csv.read_csv(
        pa.py_buffer(text.encode()),
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=_BLOCK_BYTES, use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=shape.delimiter,
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
    cells: pd.DataFrame, path: Path, damaged: list[arrow_csv.InvalidRow], shape: _Shape
) -> tuple[pd.DataFrame, list[Problem]]:
    """Index `cells` by position, leaving those of damaged rows free; rows with empty ends are kept."""
    if not damaged and not shape.above:
        return cells, []
    taken = np.array([row.number - 2 for row in damaged], dtype=np.int64)
    positions = np.setdiff1d(np.arange(len(cells) + len(damaged)), taken, assume_unique=True)
    frame = cells.set_axis(pd.Index(positions + shape.above), axis=0)
    if not damaged:
        return frame, []
    records = []
    for row in damaged:
        fields, _ = _read_record([row.text], 0, shape.delimiter)
        records.append(_Record(row=row.number + shape.above, fields=fields, raw=row.text))
    ends = 0 if cells.notna().any(axis=None) else _find_empty_ends(records, shape.width)
    mended = [one for one in records if _has_empty_ends(one, shape.width, ends)]
    problems = [
        _report_width(path, one, shape.width)
        for one in records
        if not _has_empty_ends(one, shape.width, ends) and one.raw.strip()
    ]
    if mended:
        frame = pd.concat([frame, _make_cells(mended, shape.width)]).sort_index()
    return frame, problems


def _find_empty_ends(records: list[_Record], width: int) -> int:
    """Return how many empty cells a spreadsheet has put behind the last column in all rows alike, 0 if it has not.

    In single rows they are what a delimiter in unquoted text leaves where the last column is usually empty: such
    a row is pushed right, and forgiving it would put its values into wrong columns.
    """
    counts = Counter(
        len(one.fields) - width for one in records if one.fields is not None and any(one.fields)
    )
    extra = counts.most_common(1)[0][0] if counts else 0
    sound = counts[0] or any(
        one.fields is not None and len(one.fields) == width + extra and any(one.fields[width:])
        for one in records
    )
    return 0 if sound or extra < 0 else extra


def _has_empty_ends(record: _Record, width: int, ends: int) -> bool:
    fields = record.fields
    return (
        ends > 0 and fields is not None and len(fields) == width + ends and not any(fields[width:])
    )


def _make_cells(rows: list[_Record], width: int) -> pd.DataFrame:
    index = pd.Index([one.row - 2 for one in rows], dtype="int64")
    columns = list(zip(*((one.fields or [])[:width] for one in rows), strict=True)) or [()] * width
    frame = pd.DataFrame(
        {str(at): pd.array(values, dtype="str") for at, values in enumerate(columns)}, index=index
    )
    return frame.mask(frame == "")


def _parse_patiently(text: str, path: Path, shape: _Shape) -> tuple[pd.DataFrame, list[Problem]]:
    width = shape.width
    lines = list(io.StringIO(text, newline=""))
    records = [
        _Record(row=number + shape.above, fields=fields, raw=raw)
        for number, (fields, raw) in enumerate(_read_records(lines, shape.delimiter, width), 1)
    ][1:]
    ends = _find_empty_ends(records, width)
    rows: list[_Record] = []
    problems: list[Problem] = []
    for one in records:
        sound = one.fields is not None and len(one.fields) == width
        if sound or _has_empty_ends(one, width, ends):
            rows.append(one)
        elif one.raw.strip():
            problems.append(_report_width(path, one, width))
    return _make_cells(rows, width), problems


def _report_width(path: Path, record: _Record, width: int) -> Problem:
    problem = "a quote opens here and is never closed"
    if record.fields is not None:
        problem = f"row has {len(record.fields)} fields where the header has {width}"
    return Problem(
        file=str(path),
        row=record.row,
        value=shorten(record.raw.strip("\r\n")).replace(MARK, "?"),
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
