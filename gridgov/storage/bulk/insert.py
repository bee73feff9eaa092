"""Many rows at once: binary COPY made from arrays on PostgreSQL, prepared statements on SQLite.

The buffer of a COPY is filled column by column by compiled loops, never row by row in Python. Format: PostgreSQL
manual, COPY, "Binary Format"; the values are those of each type's ``send`` function; a point is EWKB.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.bulk.kernels import put_bytes, put_fixed
from gridgov.storage.db import is_postgres
from gridgov.storage.types import SRID, Geom, Instant, Word

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
CHUNK_ROWS = 50_000
"""Rows of one buffer: some ten megabytes, so that memory stays small and the server works meanwhile."""

_EPOCH_US = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts, in microseconds since 1970."""
_EPOCH_DAYS = 10_957
_JSONB_VERSION = 1

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class Packed:
    """One column as the format wants it: fixed width (n, width), or bytes with offsets.

    Parameters
    ----------
    is_known
        Which rows have a value (n,).
    values
        Big-endian bytes; of fixed width two-dimensional.
    offsets
        Where each value begins (n + 1,), None for fixed width.
    lead
        Byte before each value, -1 for none.
    """

    is_known: npt.NDArray[np.bool_]
    values: Bytes
    offsets: npt.NDArray[np.int64] | None = None
    lead: int = -1

    def measure(self) -> npt.NDArray[np.int64]:
        """Return the bytes that each row takes, its length included (n,)."""
        if self.offsets is None:
            return np.where(self.is_known, self.values.shape[1], 0) + 4
        sizes = np.diff(self.offsets) + (self.lead >= 0)
        return np.where(self.is_known, sizes, 0) + 4


def insert_frame(session: Session, table: sa.Table, frame: pd.DataFrame) -> None:
    """Insert the rows of a frame.

    Parameters
    ----------
    session
        The caller commits.
    table
        Its columns of the frame's names are filled; times must be aware, points come as two columns
        ``<name>_lon <name>_lat`` or as shapes, structured values as JSON texts.
    frame
        Any index; missing values become NULL.
    """
    if not len(frame):
        return
    if is_postgres(session):
        _copy(session, table, frame)
        return
    names = list_columns(table, frame)
    rows = _make_records(table, frame, names)
    session.connection().execute(sa.insert(table), rows)


def list_columns(table: sa.Table, frame: pd.DataFrame) -> list[str]:
    """Return the columns of a table that a frame brings, points by their own name."""
    return [
        one.name for one in table.columns if one.name in frame or f"{one.name}_lon" in frame.columns
    ]


def _copy(session: Session, table: sa.Table, frame: pd.DataFrame) -> None:
    names = list_columns(table, frame)
    driver = session.connection().connection.driver_connection
    assert driver is not None  # noqa: S101 - an open connection has one
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER)
        for start in range(0, len(frame), CHUNK_ROWS):
            copy.write(make_rows(table, frame.iloc[start : start + CHUNK_ROWS]))
        copy.write(TRAILER)


def make_rows(table: sa.Table, frame: pd.DataFrame) -> memoryview:
    """Return rows in the binary format, without header and trailer."""
    names = list_columns(table, frame)
    packed = [pack(table.columns[name], frame) for name in names]
    sizes = 2 + sum((one.measure() for one in packed), np.zeros(len(frame), dtype=np.int64))
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    at = ends - sizes
    out[at], out[at + 1] = len(names) >> 8, len(names) & 255
    at = at + 2
    for one in packed:
        if one.offsets is None:
            put_fixed(out, at, one.values, one.is_known)
        else:
            put_bytes(out, at, one.values, one.offsets, one.is_known, one.lead)
    return out.data


def pack(column: sa.Column[Any], frame: pd.DataFrame) -> Packed:
    """Return one column in the binary format.

    Raises
    ------
    TypeError
        The column's type is none that this knows, or its times have no zone.
    """
    kind = column.type
    if isinstance(kind, Geom):
        if column.name in frame:
            return _pack_shapes(frame[column.name])
        return _pack_points(frame[f"{column.name}_lon"], frame[f"{column.name}_lat"])
    for known, packer in _PACKERS:
        if isinstance(kind, known):
            return packer(frame[column.name], kind)
    raise TypeError(f"column {column.name}: no binary form of {kind!r} is known")


def _fixed(values: npt.NDArray[Any], kind: str, is_known: npt.NDArray[np.bool_]) -> Packed:
    big = np.ascontiguousarray(values.astype(kind))
    width = big.dtype.itemsize
    return Packed(is_known=is_known, values=big.view(np.uint8).reshape(len(big), width))


def _pack_numbers(kind: str) -> Callable[[pd.Series, Any], Packed]:
    def packer(values: pd.Series, _type: object) -> Packed:
        known = values.notna().to_numpy(dtype=bool)
        filled = values if known.all() else values.fillna(0)
        return _fixed(filled.to_numpy(dtype=kind[1:]), kind, known)

    return packer


def _pack_flags(values: pd.Series, _type: object) -> Packed:
    known = values.notna().to_numpy(dtype=bool)
    filled = values if known.all() else values.astype("boolean").fillna(False)  # noqa: FBT003
    return _fixed(filled.to_numpy(dtype=bool), "u1", known)


def _pack_instants(values: pd.Series, _type: object) -> Packed:
    if not isinstance(values.dtype, pd.DatetimeTZDtype):
        raise TypeError(f"column {values.name}: times have no zone; expected aware times")
    moments = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    known = ~np.isnat(moments)
    micros = np.where(known, moments.astype(np.int64) - _EPOCH_US, 0)
    return _fixed(micros, ">i8", known)


def _pack_dates(values: pd.Series, _type: object) -> Packed:
    days = pd.to_datetime(values).to_numpy("datetime64[D]")
    known = ~np.isnat(days)
    return _fixed(np.where(known, days.astype(np.int64) - _EPOCH_DAYS, 0), ">i4", known)


def _pack_text(values: pd.Series, kind: Any) -> Packed:
    lead = _JSONB_VERSION if isinstance(kind, sa.JSON) else -1
    return _pack_arrow(pa.array(values, type=pa.large_string(), from_pandas=True), lead)


def _pack_binary(values: pd.Series, _type: object) -> Packed:
    return _pack_arrow(pa.array(values, type=pa.large_binary(), from_pandas=True), -1)


def _pack_arrow(array: Any, lead: int) -> Packed:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    _valid, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    raw = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, np.uint8)
    known = array.is_valid().to_numpy(zero_copy_only=False)
    return Packed(is_known=known, values=raw, offsets=ends, lead=lead)


_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("srid", "<u4"), ("x", "<f8"), ("y", "<f8")])
_EWKB_POINT = 0x20000001
"""Type 1, point, with the flag that a SRID follows."""


def _pack_points(lon: pd.Series, lat: pd.Series) -> Packed:
    known = (lon.notna() & lat.notna()).to_numpy(dtype=bool)
    points = np.zeros(len(lon), dtype=_POINT)
    points["order"], points["kind"], points["srid"] = 1, _EWKB_POINT, SRID
    points["x"], points["y"] = lon.fillna(0).to_numpy(float), lat.fillna(0).to_numpy(float)
    return Packed(
        is_known=known, values=points.view(np.uint8).reshape(len(points), _POINT.itemsize)
    )


def _pack_shapes(shapes: pd.Series) -> Packed:
    values = shapely.set_srid(shapes.to_numpy(dtype=object), SRID)
    return _pack_binary(pd.Series(shapely.to_wkb(values, include_srid=True), dtype=object), None)


_PACKERS: tuple[tuple[Any, Callable[[pd.Series, Any], Packed]], ...] = (
    (Instant, _pack_instants),
    (Word, _pack_text),
    (sa.JSON, _pack_text),
    (sa.SmallInteger, _pack_numbers(">i2")),
    (sa.BigInteger, _pack_numbers(">i8")),
    (sa.Integer, _pack_numbers(">i4")),
    (sa.Float, _pack_numbers(">f8")),
    (sa.Boolean, _pack_flags),
    (sa.Date, _pack_dates),
    (sa.LargeBinary, _pack_binary),
    (sa.String, _pack_text),
)
"""Type of a column → how it is packed; the first that fits, so the narrower stand above the wider."""


def _make_records(
    table: sa.Table, frame: pd.DataFrame, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return rows as the types of the columns take them."""
    columns: dict[str, list[Any]] = {}
    for name in names:
        kind = table.columns[name].type
        if isinstance(kind, Geom) and name not in frame:
            lon, lat = frame[f"{name}_lon"], frame[f"{name}_lat"]
            points = shapely.points(lon.to_numpy(float), lat.to_numpy(float))
            known = (lon.notna() & lat.notna()).to_numpy(dtype=bool)
            columns[name] = [one if ok else None for one, ok in zip(points, known, strict=True)]
            continue
        values = frame[name].astype(object)
        plain = values.where(frame[name].notna(), None).tolist()
        if isinstance(kind, sa.Date):
            plain = [None if one is None else pd.Timestamp(one).date() for one in plain]
        if isinstance(kind, sa.JSON):
            plain = [None if one is None else json.loads(one) for one in plain]
        columns[name] = plain
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def take_ids(session: Session, table: sa.Table, n: int) -> npt.NDArray[np.int64]:
    """Return `n` new surrogate keys of a table, ascending; nobody else gets them.

    On SQLite the transaction holds the whole file, so they follow the last one.
    """
    connection = session.connection()
    if not is_postgres(session):
        last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
        return np.arange(last + 1, last + 1 + n, dtype=np.int64)
    # Found once: within the query below it would be looked up for each number.
    named = sa.text("SELECT pg_get_serial_sequence(:name, 'id')")
    sequence = connection.execute(named, {"name": table.name}).scalar_one()
    query = sa.text(
        "SELECT array_agg(nextval(CAST(:sequence AS regclass))) FROM generate_series(1, :n)"
    )
    found = connection.execute(query, {"sequence": sequence, "n": n}).scalar() or []
    return np.sort(np.array(found, dtype=np.int64))
