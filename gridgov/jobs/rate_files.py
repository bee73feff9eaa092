"""Files of a monthly assessment: orders, callbacks, exclusions and decisions on street classes, with their faults."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.problems import Problem
from gridgov.frames import ORDER_COLUMNS
from gridgov.jobs.order_file import restore_codes
from gridgov.pack.duties import CityDuties
from gridgov.reading.export_words import SATISFIED_WORDS, map_words
from gridgov.reading.faults import RowFaults
from gridgov.reading.times import TimeRules, read_times
from gridgov.rules.rates.constants import ANSWER_NAMES
from gridgov.rules.rates.exclusions import EXCLUSION_COLUMNS, find_exclusions
from gridgov.rules.streets import ClassDecision
from gridgov.rules.streets.class_decisions import DECISION_COLUMNS, find_decisions

TIMES = (
    "received_at",
    "due_at",
    "closed_at",
    "called_at",
    "proposed_at",
    "approved_at",
    "decided_at",
)


@dataclass(frozen=True, kw_only=True)
class RateFiles:
    """Files of a report: orders, callbacks and exclusions where they are kept apart, decisions on street classes."""

    orders: Path
    callbacks: Path | None = None
    exclusions: Path | None = None
    decisions: Path | None = None


def read_callbacks(
    path: Path | None, orders: pd.DataFrame, zone: ZoneInfo
) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Return the callbacks where they are kept apart from the orders, whose numbers they name.

    Raises
    ------
    InvalidDataError
        If the file cannot be read or lacks a column.
    """
    if path is None:
        return None, []
    frame, problems = read_times_of(path, zone, known={"order_no": orders["order_no"].dropna()})
    check_columns(frame, ("order_no", *ANSWER_NAMES), path)
    return frame, problems


def read_exclusions(
    path: Path | None, orders: pd.DataFrame, pack: CityDuties, moment: pd.Timestamp
) -> tuple[pd.Series | None, list[Problem]]:
    """Return the reason code of each excluded order by its number.

    Raises
    ------
    InvalidDataError
        If the file cannot be read or lacks a column.
    """
    if path is None:
        return None, []
    numbers = orders["order_no"]
    table, problems = read_times_of(path, pack.timezone, known={"order_no": numbers.dropna()})
    check_columns(table, EXCLUSION_COLUMNS, path)
    reasons, faults = find_exclusions(
        table, numbers, as_of=moment, constants=pack.constants, file=str(path)
    )
    return reasons.set_axis(numbers), [*problems, *faults]


def read_times_of(
    path: Path, zone: ZoneInfo, *, known: Mapping[str, Collection[str]]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return a table with its times aware and its codes as text, with the leading zeros that the `known` have.

    Raises
    ------
    InvalidDataError
        If the file cannot be read.
    """
    frame, problems = read_table(path, names=(*ORDER_COLUMNS, *TIMES))
    frame, notes = restore_codes(frame, path, known=known)
    problems = [*problems, *notes]
    faults = RowFaults(str(path))
    for name in TIMES:
        if name in frame:
            given = frame[name]
            frame[name] = read_times(given, TimeRules(zone=zone), faults)
            wrong = given.notna() & frame[name].isna()
            faults.rows(given, wrong, "is no time; the row is in no month")
    if "satisfied" in frame:
        frame["satisfied"] = map_words(
            frame["satisfied"].astype("str").str.strip(),
            lambda word: SATISFIED_WORDS.get(word, word),
        )
    return frame, [*problems, *_make_problems(faults.frame())]


def _make_problems(faults: pd.DataFrame) -> list[Problem]:
    frame = faults.astype({"row": object})
    return [Problem(**row) for row in frame.where(frame.notna(), None).to_dict("records")]


def check_columns(frame: pd.DataFrame, needed: tuple[str, ...], path: Path) -> None:
    """Check that a table has the columns that are needed.

    Raises
    ------
    InvalidDataError
        With every column that is missing.
    """
    missing = [name for name in needed if name not in frame]
    if missing:
        header = ", ".join(map(str, frame.columns[:20]))
        expected = f"columns {', '.join(needed)}; the header has {header}"
        raise InvalidDataError(
            [
                Problem(
                    file=str(path),
                    field=name,
                    problem="this column is missing",
                    expected=expected,
                )
                for name in missing
            ]
        )


def read_decisions(
    path: Path | None, pack: CityDuties, moment: pd.Timestamp
) -> tuple[tuple[ClassDecision, ...], list[Problem]]:
    """Return the decisions on street classes that are in force.

    Raises
    ------
    InvalidDataError
        If the file cannot be read or lacks a column.
    """
    if path is None:
        return (), []
    table, problems = read_times_of(path, pack.timezone, known=pack.known_codes)
    check_columns(table, DECISION_COLUMNS[:-1], path)
    streets = pd.Index(pack.units.loc[pack.units["kind"] == "street", "unit_code"])
    decisions, faults = find_decisions(table, streets, as_of=moment, file=str(path))
    return decisions, [*problems, *faults]
