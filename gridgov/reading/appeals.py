"""A city's own export of appeals → the frame of the contract, with everything that could not be used."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from geodata.files import read_table
from geodata.problems import Problem, row_number
from gridgov.frames import APPEAL_COLUMNS
from gridgov.pack.settings import Settings
from gridgov.reading.export_words import (
    LONGEST_NUMBER,
    hash_persons,
    read_flags,
    read_items,
    read_satisfied,
    read_text,
)
from gridgov.reading.faults import RowFaults
from gridgov.reading.header import Header, read_header
from gridgov.reading.points import PointRules, read_points
from gridgov.reading.times import TimeRules, read_times
from gridgov.rules.catalogue import Catalogue

LATEST_YEAR = 2100
"""A later year of receipt is a slip of the pen even where no ``as_of`` is given."""

TIME_EXPECTED = "such as 2024-01-31 08:30:00; or say time_format"
SALT_VARIABLE = "GRIDGOV_SALT"

TEXTS = (
    "channel",
    "kind",
    "text",
    "address",
    "unit_recorded",
    "item_code",
    "item_group",
    "person",
    "satisfied",
)


class ReadingCity(Protocol):
    """What reading needs of a city."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 - a field of the protocol
    @property
    def extent(self) -> Any: ...  # noqa: D102
    @property
    def catalogue(self) -> Catalogue | None: ...  # noqa: D102
    @property
    def categories(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class AppealsRead:
    """Appeals of one export.

    Parameters
    ----------
    appeals
        Frame of ``APPEAL_COLUMNS``, index 0 … n-1, in the order of the file.
    problems
        Frame of ``PROBLEM_COLUMNS``; rows with severity ``error`` are rejected rows of the export.
    read
        Rows of the export; ``read = len(appeals) + rejected``.
    """

    appeals: pd.DataFrame
    problems: pd.DataFrame
    read: int

    @property
    def rejected(self) -> int:
        """Rows that could not be used at all."""
        return self.read - len(self.appeals)


def read_appeals(
    city: ReadingCity,
    path: Path | str,
    *,
    as_of: pd.Timestamp | None = None,
    salt: str | None = None,
) -> AppealsRead:
    """Read an export of appeals as the pack describes it.

    Parameters
    ----------
    city
        Columns, values, zone, datum and extent.
    path
        CSV, XLSX or Parquet.
    as_of
        Time of the judgement: an appeal received later is rejected, an outcome after it is not known yet.
    salt
        Secret under which persons are hashed; default is ``GRIDGOV_SALT``, else a new one for this run, so
        that keys of two runs cannot be joined.

    Raises
    ------
    InvalidDataError
        If the file cannot be read, or lacks a column without which no row can be used.
    """
    settings = city.settings.appeals
    raw, problems = read_table(path, encoding=settings.encoding, sheet=settings.sheet or None)
    faults = RowFaults(path)
    faults.add(*problems)
    header = read_header(raw, settings, faults)
    columns = _read_columns(raw, header, city, faults)
    columns["person_key"] = hash_persons(columns.pop("person"), _make_salt(salt))
    frame = pd.DataFrame(columns, index=raw.index)[list(APPEAL_COLUMNS)]
    good = _check_rows(frame, raw, header, (city, as_of), faults)
    _drop_late_outcomes(frame, as_of, faults)
    read = len(raw) + _count_lost(raw, problems)
    return AppealsRead(frame[good].reset_index(drop=True), faults.frame(), read=read)


def _count_lost(raw: pd.DataFrame, problems: list[Problem]) -> int:
    """Return how many rows of the file are not in `raw`: too damaged to be one."""
    lost = {one.row for one in problems if one.severity == "error" and one.row is not None}
    return len(lost - set((raw.index + row_number(0)).tolist())) if lost else 0


def _make_salt(salt: str | None) -> bytes:
    given = salt or os.environ.get(SALT_VARIABLE, "")
    return given.encode() if given else secrets.token_bytes(32)


def _column(raw: pd.DataFrame, header: Header, name: str) -> pd.Series:
    theirs = header.columns.get(name)
    if theirs is None:
        return pd.Series(None, index=raw.index, dtype="str", name=name)
    return raw[theirs].rename(name)


def _read_columns(
    raw: pd.DataFrame, header: Header, city: ReadingCity, faults: RowFaults
) -> dict[str, Any]:
    settings = city.settings.appeals

    def text(name: str) -> pd.Series:
        column = _column(raw, header, name)
        return read_text(column, settings, faults) if name in header.columns else column

    rules = TimeRules(zone=city.settings.timezone, forms=settings.time_formats)
    columns: dict[str, Any] = {name: text(name) for name in TEXTS}
    columns["appeal_no"] = text("appeal_no")
    for name in ("received_at", "contacted_at", "closed_at"):
        given = _column(raw, header, name)
        columns[name] = read_times(given, rules, faults)
        if name != "received_at":
            said = given.astype("str").str.replace("\0", "", regex=False).str.strip()
            wrong = said.notna() & (said != "") & columns[name].isna()
            faults.rows(given, wrong, "is no time; left open", expected=TIME_EXPECTED)
    for name in ("contacted", "solved"):
        column = _column(raw, header, name)
        flags = pd.api.types.is_bool_dtype(column)
        columns[name] = read_flags(column if flags else text(name), faults)
    columns["satisfied"] = read_satisfied(columns["satisfied"], faults)
    groups = columns.pop("item_group")
    columns["item_code"] = read_items(
        columns["item_code"],
        groups if "item_group" in header.columns else None,
        catalogue=city.catalogue,
        categories=city.categories,
        faults=faults,
    )
    points = PointRules(datum=settings.datum, extent=city.extent)
    lon, lat = _column(raw, header, "lon"), _column(raw, header, "lat")
    columns["lon"], columns["lat"] = read_points(lon, lat, points, faults)
    return columns


def _check_rows(
    frame: pd.DataFrame,
    raw: pd.DataFrame,
    header: Header,
    rules: tuple[ReadingCity, pd.Timestamp | None],
    faults: RowFaults,
) -> np.ndarray:
    """Return which rows can be used; every other is noted once, by its first fault."""
    city, as_of = rules
    number, received = frame["appeal_no"], frame["received_at"]
    said = _column(raw, header, "received_at")
    since = pd.Timestamp(city.settings.appeals.since, tz=str(city.settings.timezone))
    first_row = _find_first_rows(number)
    again = number.duplicated() & number.notna()
    late = received > as_of if as_of is not None else received.isna() & received.notna()
    long = (number.str.len() > LONGEST_NUMBER).fillna(value=False)
    table = (
        (number, number.isna(), "is empty", "every appeal has a number"),
        (number, long, "is too long", f"a number of at most {LONGEST_NUMBER} characters"),
        (number, again, "occurs twice, first in row " + first_row, "every number once"),
        (said, said.isna(), "is empty", "the time of receipt"),
        (said, received.isna(), "is no time", TIME_EXPECTED),
        (said, received.dt.year >= LATEST_YEAR, "is far in the future", "a time that has been"),
        (said, received < since, "is before the hotline began", f"a day from {since.date()} on"),
        (said, late, "is later than the time of judgement", f"a time up to {as_of}"),
    )
    good = np.ones(len(frame), dtype=bool)
    for values, wrong, problem, expected in table:
        rows = good & wrong.to_numpy(dtype=bool)
        text = problem[rows].to_numpy() if isinstance(problem, pd.Series) else problem
        faults.rows(values, rows, text, expected=expected, severity="error")
        good &= ~rows
    return good


def _find_first_rows(numbers: pd.Series) -> pd.Series:
    """Return the row in which each number stands first, as text."""
    groups, distinct = pd.factorize(numbers)
    first = np.zeros(len(distinct) + 1, dtype=np.int64)
    first[groups[::-1]] = numbers.index.to_numpy()[::-1] + row_number(0)
    return pd.Series(first[groups], index=numbers.index).astype("str")


def _drop_late_outcomes(frame: pd.DataFrame, as_of: pd.Timestamp | None, faults: RowFaults) -> None:
    """Remove ends before the beginning, and what lies after the time of judgement, from `frame`."""
    for name in ("contacted_at", "closed_at"):
        early = frame[name] < frame["received_at"]
        faults.rows(frame[name], early, "is before the time of receipt; left open")
        late = frame[name] > as_of if as_of is not None else early & ~early
        faults.rows(frame[name], late, "is later than the time of judgement; left open")
        frame[name] = frame[name].mask(early | late)
