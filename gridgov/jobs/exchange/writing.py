"""Orders into files, row by row: however many there are, only a few thousand are held."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import shapely

from geodata.paths import replace_file
from gridgov.jobs.exchange.fields import (
    CHECKED,
    COLUMNS,
    Column,
    Form,
    Kind,
    Language,
    make_checks,
    make_plain,
    write_time,
)

Words = Callable[[str, str], str]
"""``(field, code)`` → the word of a code, empty where it has none."""

TAKEN = 1_000
"""Rows that are worked on at a time."""
BATCH = 20_000
"""Rows of a group of Parquet."""
GUARDED = re.compile(r"'*[=+\-@\t\r]")
"""Begin of a text that a spreadsheet takes for a formula (OWASP, CSV Injection); it gets a quote before it, which
``geodata.spreadsheets`` takes away, and so does what looks as if it had one."""
SHEET_ROWS = 1_048_576  # Excel's own limit
CELL_LENGTH = 32_767  # characters, Excel's own limit
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
)  # XML 1.0 forbids them
SHEETS: Mapping[Language, Sequence[str]] = {"zh": ("工单", "说明"), "en": ("orders", "about")}
FACTS_KEY = b"gridgov:export"


@dataclass(frozen=True, kw_only=True)
class ExportFacts:
    """What is said of an export: city, version of the boundaries, who asked, filter and window, in words and in order.

    Parameters
    ----------
    rows
        Name → value.
    """

    rows: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Writer:
    """Values of rows in the order of the columns, with words and check."""

    zone: ZoneInfo
    words: Words

    def make_rows(self, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        """Give the values of each row; a row has the fields as attributes. Worked out column by column of a few."""
        said: dict[tuple[str, str], str | None] = {}
        for several in _take_several(rows, TAKEN):
            plain = {
                one.name: self._take(several, one)
                for one in COLUMNS
                if one.kind not in {Kind.WORD, Kind.CHECK}
            }
            checks = make_checks([plain[one.name] for one in CHECKED])
            columns: list[Sequence[Any]] = []
            for one in COLUMNS:
                if one.kind is Kind.CHECK:
                    columns.append(checks)
                elif one.kind is Kind.WORD:
                    codes = plain[one.word_of]
                    for code in set(codes):
                        if (one.word_of, code) not in said:
                            word = self.words(one.word_of, code) if code else ""
                            said[one.word_of, code] = word or None
                    columns.append([said[one.word_of, code] for code in codes])
                else:
                    columns.append(plain[one.name])
            yield from zip(*columns, strict=True)

    def _take(self, rows: Sequence[Any], column: Column) -> list[Any]:
        kind, zone = column.kind, self.zone
        take = attrgetter(column.name)
        # Most are texts already, or not there.
        return [
            value
            if value is None or (type(value) is str and kind in {Kind.CODE, Kind.TEXT})
            else make_plain(value, kind, zone)
            for value in map(take, rows)
        ]


def write_export(
    rows: Iterable[Any],
    path: Path,
    *,
    form: Form,
    facts: ExportFacts,
    words: Words,
    zone: ZoneInfo,
    language: Language = "zh",
) -> int:
    """Write orders to `path`, whole or not at all, and return how many.

    Parameters
    ----------
    rows
        Each with the fields of :data:`COLUMNS` as attributes; taken one by one.
    facts
        Stand in a sheet, layer or header of their own; CSV has no place for them.
    words
        Says codes.
    zone
        The city's; times are written in it.

    Raises
    ------
    GeodataError
        The place cannot be written.
    """
    counted = _Counted(_Writer(zone=zone, words=words).make_rows(rows))
    with replace_file(path) as aside:
        if form is Form.CSV:
            with aside.open("w", encoding="utf-8", newline="") as file:
                file.writelines(_make_csv(counted, language))
        elif form is Form.XLSX:
            _write_xlsx(counted, aside, facts, language)
        elif form is Form.PARQUET:
            _write_parquet(counted, aside, facts, zone)
        else:
            _write_gpkg(counted, aside, facts, zone)
    return counted.n


def stream_csv(
    rows: Iterable[Any], *, words: Words, zone: ZoneInfo, language: Language = "zh"
) -> Iterator[str]:
    """Give the CSV of orders in pieces, as :func:`write_export` would write it."""
    return _make_csv(_Writer(zone=zone, words=words).make_rows(rows), language)


def _take_several(rows: Iterable[Any], n: int) -> Iterator[tuple[Any, ...]]:
    remaining = iter(rows)
    while several := tuple(islice(remaining, n)):
        yield several


class _Counted:
    """Counts what is taken from it."""

    def __init__(self, values: Iterator[Sequence[Any]]) -> None:
        self._values, self.n = values, 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for one in self._values:
            self.n += 1
            yield one


def _make_csv(rows: Iterable[Sequence[Any]], language: Language) -> Iterator[str]:
    buffer = io.StringIO()
    buffer.write("\ufeff")  # by which spreadsheets know UTF-8
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([one.headings[language] for one in COLUMNS])
    for row in rows:
        writer.writerow([_to_text(value) for value in row])
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _to_text(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, str) and GUARDED.match(value):
        return "'" + value
    return value


def _write_xlsx(
    rows: Iterable[Sequence[Any]], path: Path, facts: ExportFacts, language: Language
) -> None:
    """Write a workbook as it streams by: what openpyxl holds of a cell is more than its text."""
    name, about = SHEETS[language]
    head = [one.headings[language] for one in COLUMNS]
    titles: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        remaining = iter(rows)
        while True:
            first = next(remaining, None)
            if first is None and titles:
                break
            titles.append(name if not titles else f"{name} {len(titles) + 1}")
            own = islice(remaining, SHEET_ROWS - 2)
            _write_sheet(book, len(titles), chain([head], [] if first is None else [first], own))
            if first is None:
                break
        titles.append(about)
        _write_sheet(book, len(titles), ([name, value] for name, value in facts.rows.items()))
        _write_parts(book, titles)


def _write_sheet(book: zipfile.ZipFile, number: int, rows: Iterable[Sequence[Any]]) -> None:
    with book.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as out:
        out.write(
            b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet '
            b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        )
        for several in _take_several(rows, 500):
            out.write(
                "".join(f"<row>{''.join(map(_make_cell, row))}</row>" for row in several).encode()
            )
        out.write(b"</sheetData></worksheet>")


def _make_cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c><v>{value!r}</v></c>"
    text = write_time(value) if isinstance(value, datetime) else str(value)
    text = _CONTROL.sub("", text)
    if text.startswith("'") and GUARDED.match(text):
        text = "'" + text  # as a text of a sheet, a formula needs none
    if len(text) > CELL_LENGTH:
        text = f"{text[: CELL_LENGTH - 1]}…"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: the same rows give the same bytes
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _write_parts(book: zipfile.ZipFile, titles: Sequence[str]) -> None:
    """Write what makes sheets a workbook (ECMA-376, part 1)."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(titles) + 1)
    start = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    sheets = "".join(
        f'<sheet name="{escape(title)}" sheetId="{at}" r:id="rId{at}"/>'
        for at, title in zip(numbers, titles, strict=True)
    )
    links = "".join(
        f'<Relationship Id="rId{at}" Type="{office}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in numbers
    )
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{main}.worksheet+xml"/>'
        for at in numbers
    )
    parts = {
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        f'xmlns:r="{office}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{main}.sheet.main+xml"/>{kinds}</Types>',
    }
    for name, text in parts.items():
        book.writestr(_entry(name), start + text)


def _find_type(column: Column, zone: ZoneInfo) -> pa.DataType:
    known = {
        Kind.TIME: pa.timestamp("ms", tz=str(zone)),
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
    }
    return known.get(column.kind, pa.string())


def _make_batches(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    names = [one.name for one in COLUMNS]
    lon, lat = names.index("lon"), names.index("lat")
    for several in _take_several(rows, BATCH):
        columns = [list(values) for values in zip(*several, strict=True)]
        arrays = [pa.array(values, type=schema.field(at).type) for at, values in enumerate(columns)]
        places = np.array([columns[lon], columns[lat]], dtype=np.float64)  # a missing one is NaN
        points = shapely.points(places.T)
        points[np.isnan(places).any(axis=0)] = None
        arrays.append(pa.array(shapely.to_wkb(points), type=pa.binary()))
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _make_schema(zone: ZoneInfo, metadata: Mapping[bytes, bytes]) -> pa.Schema:
    fields = [pa.field(one.name, _find_type(one, zone)) for one in COLUMNS]
    wkb = {b"ARROW:extension:name": b"geoarrow.wkb"}
    geometry = pa.field("geometry", pa.binary(), metadata=wkb)
    return pa.schema([*fields, geometry], metadata=dict(metadata))


def _write_parquet(
    rows: Iterable[Sequence[Any]], path: Path, facts: ExportFacts, zone: ZoneInfo
) -> None:
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}},
    }
    told = {
        b"geo": json.dumps(geo).encode(),
        FACTS_KEY: json.dumps(dict(facts.rows), ensure_ascii=False).encode(),
    }
    schema = _make_schema(zone, told)
    plain = pa.schema([field.remove_metadata() for field in schema], metadata=schema.metadata)
    with pq.ParquetWriter(path, plain, compression="zstd") as file:
        for batch in _make_batches(rows, plain):
            file.write_batch(batch)


def _write_gpkg(
    rows: Iterable[Sequence[Any]], path: Path, facts: ExportFacts, zone: ZoneInfo
) -> None:
    schema = _make_schema(zone, {})
    reader = pa.RecordBatchReader.from_batches(schema, _make_batches(rows, schema))
    pyogrio.raw.write_arrow(
        reader,
        path,
        driver="GPKG",
        layer="orders",
        geometry_name="geometry",
        geometry_type="Point",
        crs="EPSG:4326",
    )
    about = pa.table({"name": list(facts.rows), "value": list(facts.rows.values())})
    if len(about):
        pyogrio.raw.write_arrow(about, path, driver="GPKG", layer="about", append=True)
