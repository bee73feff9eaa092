"""A city's own export of appeals → the frame of the contract, with everything that could not be used."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.files import read_table
from geodata.problems import Problem, row_number
from geodata.spreadsheets import find_shortened, to_codes
from gridgov.frames import APPEAL_COLUMNS
from gridgov.pack.settings import Settings
from gridgov.reading.code_columns import note_unknown_units, read_codes, read_numbers, restore_zeros
from gridgov.reading.export_words import (
    LONGEST_NUMBER,
    hash_persons,
    read_flags,
    read_items,
    read_satisfied,
    read_text,
)
from gridgov.reading.faults import RowFaults
from gridgov.reading.header import Header, list_names, read_header
from gridgov.reading.points import PointRules, read_points
from gridgov.reading.strays import find_end, find_strays, to_days
from gridgov.reading.time_forms import suggest_form
from gridgov.reading.times import TimeRules, read_times, to_plain_text
from gridgov.rules.catalogue import Catalogue

LATEST_YEAR = 2100
"""A later year of receipt is a slip of the pen even where no ``as_of`` is given."""

SALT_VARIABLE = "GRIDGOV_SALT"

CODES = frozenset({"appeal_no", "item_code", "item_group", "unit_recorded", "person"})
"""Columns that name things: a shortened number in them is none, and never that of another thing."""

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
    def settings(self) -> Settings:
        """What ``city.toml`` says."""

    @property
    def extent(self) -> Any:
        """Area in which the city can be, EPSG:4326."""

    @property
    def catalogue(self) -> Catalogue | None:
        """Items, None where the export's own categories are the items."""

    @property
    def categories(self) -> Mapping[str, str]:
        """Item code of each value of the export."""

    @property
    def streets(self) -> pd.DataFrame:
        """Streets, with ``street_code``."""

    @property
    def units(self) -> pd.DataFrame:
        """Units, with ``unit_code``."""


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
    most_rows: int | None = None,
) -> AppealsRead:
    """Read an export of appeals as the pack describes it.

    Parameters
    ----------
    city
        Columns, values, zone, datum and extent.
    path
        CSV, XLSX or Parquet.
    as_of
        Time of the judgement: an appeal received later is rejected, an outcome after it is not known yet. None:
        the end of the file's last day, without times that lie far behind all others (``gridgov.reading.strays``).
    salt
        Secret under which persons are hashed; default is ``GRIDGOV_SALT``, else a new one for this run, so
        that keys of two runs cannot be joined.
    most_rows
        Rows that are read; None is all.

    Raises
    ------
    InvalidDataError
        If the file cannot be read, or lacks a column without which no row can be used.
    """
    settings = city.settings.appeals
    raw, problems = read_table(
        path,
        encoding=settings.encoding,
        sheet=settings.sheet or None,
        names=list_names(settings),
        most_rows=most_rows,
    )
    faults = RowFaults(path)
    faults.add(*problems)
    header = read_header(raw, settings, faults)
    columns = _read_columns(raw, header, city, faults)
    columns["person_key"] = hash_persons(columns.pop("person"), _make_salt(salt))
    frame = pd.DataFrame(columns, index=raw.index)[list(APPEAL_COLUMNS)]
    good = _check_rows(frame, raw, header, city, faults, as_of=as_of)
    _drop_late_outcomes(frame, good, faults, as_of=as_of)
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
        if name not in header.columns:
            return column
        if name == "appeal_no":
            column = read_numbers(column, faults, effect="such rows are rejected")
        elif name in CODES:
            column = read_codes(column, faults, effect="they are left open")
        return read_text(column, settings, faults)

    rules = TimeRules(zone=city.settings.timezone, forms=settings.time_formats)
    columns: dict[str, Any] = {name: text(name) for name in TEXTS}
    columns["appeal_no"] = text("appeal_no")
    known = {*city.units["unit_code"], *city.streets["street_code"]}
    columns["unit_recorded"] = restore_zeros(columns["unit_recorded"], known, faults)
    note_unknown_units(columns["unit_recorded"], known, faults)
    for name in ("received_at", "contacted_at", "closed_at"):
        given = _column(raw, header, name)
        columns[name] = read_times(given, rules, faults)
        if name != "received_at":
            wrong = _find_unread(given, columns[name])
            if wrong.any():
                expected = suggest_form(to_plain_text(given[wrong]), rules.forms)
                faults.rows(given, wrong, "is no time; left open", expected=expected)
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


def _find_unread(given: pd.Series, times: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which values say something that was not read as a time."""
    unread: npt.NDArray[np.bool_] = (times.isna() & given.notna()).to_numpy(dtype=bool, copy=True)
    if unread.any():
        unread[unread] = to_plain_text(given[unread]).notna().to_numpy(dtype=bool)
    return unread


def _check_rows(
    frame: pd.DataFrame,
    raw: pd.DataFrame,
    header: Header,
    city: ReadingCity,
    faults: RowFaults,
    *,
    as_of: pd.Timestamp | None,
) -> npt.NDArray[np.bool_]:
    """Return which rows can be used; every other is noted once, by its first fault.

    Rows are compared with each other last, and only those that are good by themselves: a bad row never makes another
    one bad.
    """
    settings = city.settings.appeals
    number, received = frame["appeal_no"], frame["received_at"]
    given = _column(raw, header, "appeal_no")
    shortened = number.isna().to_numpy(dtype=bool, copy=True)
    shortened[shortened] = find_shortened(to_codes(given[shortened]))
    said = _column(raw, header, "received_at")
    since = pd.Timestamp(settings.since, tz=str(city.settings.timezone))
    late = received > as_of if as_of is not None else received.isna() & received.notna()
    long = (number.str.len() > LONGEST_NUMBER).fillna(value=False)
    good: npt.NDArray[np.bool_] = ~shortened  # said once for the file

    def reject(values: pd.Series, wrong: Any, problem: Any, expected: str) -> None:
        nonlocal good
        rows = good & np.asarray(wrong, dtype=bool)
        text = problem[rows].to_numpy() if isinstance(problem, pd.Series) else problem
        faults.rows(values, rows, text, expected=expected, severity="error")
        good &= ~rows

    reject(number, number.isna(), "is empty", "every appeal has a number")
    reject(number, long, "is too long", f"a number of at most {LONGEST_NUMBER} characters")
    unread = _find_unread(said, received)
    reject(said, received.isna() & ~unread, "is empty", "the time of receipt")
    if unread.any():
        form = suggest_form(to_plain_text(said[unread]), settings.time_formats)
        reject(said, unread, "is no time", form)
    reject(said, received.dt.year >= LATEST_YEAR, "is far in the future", "a time that has been")
    reject(said, received < since, "is before the hotline began", f"a day from {since.date()} on")
    reject(said, late, "is later than the time of judgement", f"a time up to {as_of}")
    if as_of is None:
        end = find_end(to_days(received[good]))
        strays = find_strays(received, end)
        day = "" if end is None else np.datetime64(end, "D")
        reject(
            said, strays, f"lies far behind all others, which end on {day}", "a time that has been"
        )
    again = pd.Series(data=False, index=frame.index)
    again[good] = number[good].duplicated()
    reject(
        number,
        again,
        "occurs twice, first in row " + _find_first_rows(number, good),
        "every number once",
    )
    return good


def _find_first_rows(numbers: pd.Series, good: npt.NDArray[np.bool_]) -> pd.Series:
    """Return the row in which each number stands first among the good rows, as text."""
    groups, distinct = pd.factorize(numbers)
    first = np.zeros(len(distinct) + 1, dtype=np.int64)
    at = np.flatnonzero(good)[::-1]
    first[groups[at]] = numbers.index.to_numpy()[at] + row_number(0)
    return pd.Series(first[groups], index=numbers.index).astype("str")


def _drop_late_outcomes(
    frame: pd.DataFrame,
    good: npt.NDArray[np.bool_],
    faults: RowFaults,
    *,
    as_of: pd.Timestamp | None,
) -> None:
    """Remove ends before the beginning, and what lies after the time of judgement, from `frame`.

    Without a time of judgement outcomes may go on after the last receipt, as the file's own pace has it.
    """
    outcomes = ("contacted_at", "closed_at")
    times = [to_days(frame.loc[good, name]) for name in ("received_at", *outcomes)]
    end = None if as_of is not None else find_end(np.concatenate(times))
    for name in outcomes:
        early = frame[name] < frame["received_at"]
        faults.rows(frame[name], early, "is before the time of receipt; left open")
        late = frame[name] > as_of if as_of is not None else find_strays(frame[name], end)
        problem = "is later than the time of judgement; left open"
        if as_of is None:
            problem = "lies far behind all other times; left open"
        faults.rows(frame[name], late, problem)
        frame[name] = frame[name].mask(early | late)
