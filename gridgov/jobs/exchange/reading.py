"""Exports taken back: every row as it was written, or the reason why not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.paths import check_file, fail_file
from geodata.problems import Problem
from geodata.spreadsheets import find_shortened, to_codes, to_text
from gridgov.jobs.exchange.fields import CHECKED, COLUMNS, Form, Kind, make_checks, make_plain
from gridgov.jobs.exchange.writing import FACTS_KEY, SHEETS
from gridgov.reading.faults import RowFaults
from gridgov.reading.times import TimeRules, read_times

NEEDED = tuple(one.name for one in COLUMNS if one.kind is not Kind.WORD)
FLAGS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass(frozen=True, eq=False, kw_only=True)
class ExportRead:
    """Orders of an export.

    Parameters
    ----------
    orders
        One row an order, the fields of ``COLUMNS`` without words and check; times in the city's zone.
    facts
        What was said of the export; empty of a CSV.
    problems
        Frame of ``PROBLEM_COLUMNS``: every row that is not among the orders, with the reason.
    read, rejected
        Rows of the file, and those that are not among the orders.
    """

    orders: pd.DataFrame
    facts: Mapping[str, str]
    problems: pd.DataFrame
    read: int
    rejected: int


def is_export(names: Sequence[str]) -> bool:
    """Tell whether a header is that of an export: it has the check and the order's number."""
    known = {_known().get(str(name).strip()) for name in names}
    return {"row_check", "order_no"} <= known


def _known() -> dict[str, str]:
    """Return the field of each heading, in every language."""
    headings = {heading: one.name for one in COLUMNS for heading in one.headings.values()}
    own = {one.name: one.name for one in COLUMNS}
    # In English a word's heading may be the name of another field: "state" is the word there.
    return own | headings


def read_export(path: Path, *, zone: ZoneInfo) -> ExportRead:
    """Return the orders of a file that was exported, by its ending.

    Parameters
    ----------
    zone
        The city's, in which tables have their times.

    Raises
    ------
    InvalidDataError
        The file cannot be read, is no export, lacks a column, or no row of it is as it was written.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in set(Form):
        raise fail_file(path, f"is of kind {form!r}", f"one of {', '.join(Form)}")
    raw, facts, found = _READERS[Form(form)](check_file(path))
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        headings = {one.name: one.headings["zh"] for one in COLUMNS}
        told = ", ".join(f"{headings[name]} ({name})" for name in missing)
        raise fail_file(path, f"lacks the columns {told}", "every column of the export")
    faults = RowFaults(str(path))
    faults.add(*found)
    orders = pd.DataFrame(
        {
            one.name: _read_column(raw[one.name], one.kind, zone, faults, path)
            for one in COLUMNS
            if one.kind not in {Kind.WORD, Kind.CHECK}
        }
    )
    checks = make_checks(
        [
            [make_plain(value, one.kind, zone) for value in orders[one.name].astype(object)]
            for one in CHECKED
        ]
    )
    given = to_text(raw["row_check"]).fillna("").to_numpy(dtype=object)
    wrong = pd.Series(np.asarray(checks, dtype=object) != given, index=orders.index)
    number = orders["order_no"]
    again = number.duplicated(keep=False) & ~wrong
    faults.rows(
        number,
        wrong,
        "is not as it was exported: a code, time or number was changed, by hand or by a spreadsheet"
        + _guess(raw, wrong),
        expected="the file as it was written, or saved as XLSX",
        severity="error",
    )
    faults.rows(number, again, "occurs twice", expected="each order once", severity="error")
    unread = len({one.row for one in found if one.severity == "error"} - {None})
    kept = orders[~(wrong | again)].reset_index(drop=True)
    problems = faults.frame()
    if kept.empty and len(orders):
        rows = problems.astype(object).where(problems.notna(), None)
        nothing = Problem(
            file=str(path),
            problem=f"none of the {len(orders)} rows is as it was exported{_guess(raw, wrong)}",
            expected="the file as it was written, or saved as XLSX",
        )
        raise InvalidDataError([nothing, *(Problem(**row) for row in rows.to_dict("records"))])
    return ExportRead(
        orders=kept,
        facts=facts,
        problems=problems,
        read=len(orders) + unread,
        rejected=len(orders) + unread - len(kept),
    )


def _guess(raw: pd.DataFrame, wrong: pd.Series) -> str:
    """Return what a spreadsheet usually does, where the file shows it."""
    times = raw.loc[wrong, "received_at"].dropna().astype("str")
    if len(times) and not times.str.contains(r":\d\d:\d\d").any():
        return " (the times have lost their seconds)"
    return ""


def _read_column(
    values: pd.Series, kind: Kind, zone: ZoneInfo, faults: RowFaults, path: Path
) -> pd.Series:
    name = str(values.name)
    if kind is Kind.TIME:
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            return values.dt.tz_convert(zone)
        return read_times(values, TimeRules(zone=zone), faults)
    if kind is Kind.NUMBER:
        return pd.to_numeric(values, errors="coerce").astype("float64")
    if kind is Kind.FLAG:
        texts = values.astype("object").map(lambda one: None if pd.isna(one) else str(one).lower())
        return texts.map(FLAGS).astype("boolean")
    if kind is Kind.CODE:
        codes = to_codes(values)
        shortened = find_shortened(codes)
        if shortened.any():
            value = str(codes[shortened].iloc[0])
            raise InvalidDataError(
                [
                    Problem(
                        file=str(path),
                        field=name,
                        value=value,
                        problem=f"{int(shortened.sum())} codes are in scientific notation: a spreadsheet has cut them",
                        expected="the file as it was written, or saved as XLSX",
                    )
                ]
            )
        return codes
    return values.astype("str").where(values.notna())  # as it was said, with every blank


def _rename(frame: pd.DataFrame) -> pd.DataFrame:
    known = _known()
    names = {name: known.get(str(name).strip(), str(name)) for name in frame.columns}
    return frame.rename(columns=names)


Raw = tuple[pd.DataFrame, dict[str, str], Sequence[Problem]]


def _read_csv(path: Path) -> Raw:
    frame, problems = read_table(path, names=list(_known()))
    return _rename(frame), {}, problems


def _read_xlsx(path: Path) -> Raw:
    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except Exception as error:  # a damaged workbook makes its reader raise anything
        raise fail_file(path, "cannot be read as XLSX", "a workbook saved as .xlsx") from error
    try:
        titles = [sheet.title for sheet in book.worksheets]
        about = next((one for one in titles for _, end in SHEETS.values() if one == end), None)
        rows = [] if about is None else list(book[about].iter_rows(values_only=True, max_col=2))
    finally:
        book.close()
    facts = {str(row[0]): str(row[1] or "") for row in rows if row and row[0] is not None}
    parts, problems = [], []
    for title in titles:
        if title != about:
            frame, found = read_table(path, names=list(_known()), sheet=title)
            parts.append(_rename(frame))
            problems += found
    return pd.concat(parts, ignore_index=len(parts) > 1), facts, problems


def _read_parquet(path: Path) -> Raw:
    try:
        table = pq.read_table(path)
    except Exception as error:  # a damaged file makes its reader raise anything
        raise fail_file(path, "cannot be read as Parquet", "a Parquet file") from error
    facts = json.loads((table.schema.metadata or {}).get(FACTS_KEY, b"{}"))
    return (
        table.drop_columns(["geometry"] if "geometry" in table.column_names else []).to_pandas(),
        facts,
        [],
    )


def _read_gpkg(path: Path) -> Raw:
    try:
        layers = {str(name) for name, _ in pyogrio.list_layers(path)}
        if "orders" not in layers:
            raise fail_file(path, "has no layer 'orders'", "the GeoPackage of an export")
        frame: Any = pyogrio.read_dataframe(path, layer="orders")
        about = pyogrio.read_dataframe(path, layer="about") if "about" in layers else None
    except pyogrio.errors.DataSourceError as error:
        raise fail_file(path, "cannot be read as GeoPackage", "a GeoPackage") from error
    facts = {} if about is None else dict(zip(about["name"], about["value"], strict=True))
    for name in frame.columns[[one.kind == "M" for one in frame.dtypes]]:
        if frame[name].dt.tz is None:  # a GeoPackage has its times in UTC (OGC 12-128r19, table 1)
            frame[name] = frame[name].dt.tz_localize("UTC")
    plain = (
        pd.DataFrame(frame.drop(columns="geometry"))
        if isinstance(frame, gpd.GeoDataFrame)
        else frame
    )
    return plain, facts, []


_READERS = {
    Form.CSV: _read_csv,
    Form.XLSX: _read_xlsx,
    Form.PARQUET: _read_parquet,
    Form.GPKG: _read_gpkg,
}
