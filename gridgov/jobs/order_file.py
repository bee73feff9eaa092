"""Orders of an earlier run read back: ``orders.parquet`` or ``orders.csv`` → the frame that the run had."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.problems import Problem, make_problem_frame
from geodata.spreadsheets import find_shortened, note_shortened, to_codes, to_text
from gridgov.frames import ORDER_COLUMNS, SATISFIED_VALUES
from gridgov.jobs.exchange import ExportRead, Form, read_export
from gridgov.jobs.exchange.reading import is_export
from gridgov.reading.code_columns import restore_zeros
from gridgov.reading.export_words import SATISFIED_WORDS, TRUE_FALSE, map_words
from gridgov.reading.faults import RowFaults
from gridgov.reading.strays import find_end, find_strays, to_days
from gridgov.reading.times import TimeRules, read_times

TIMES = ("received_at", "contacted_at", "closed_at", "contact_by", "due_at")
NUMBERS = ("lon", "lat", "uncertainty_m", "score", "boundary_m", "confidence", "item_confidence")
ANSWERS = ("contacted", "solved")
FLAGS = ("review",)

CODES = (
    "order_no",
    "appeal_no",
    "item_code",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "unit_code",
    "unit_recorded",
    "from_unit",
    "to_unit",
)
"""Columns that name things, in this file and in those that go with it: a shortened one makes one of many."""

NEEDED_COLUMNS = (
    "order_no",
    "received_at",
    "item_code",
    "grade",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "person_key",
    "contacted",
    "solved",
    "satisfied",
)
"""Columns without which orders cannot be counted by place, time, item and outcome."""


@dataclass(frozen=True, eq=False, kw_only=True)
class OrdersRead:
    """Orders of a file, with every row accounted for.

    Parameters
    ----------
    orders
        Frame of ``ORDER_COLUMNS``, index 0 … n-1; columns that the file lacks are missing throughout.
    problems
        Frame of ``PROBLEM_COLUMNS``: what could not be used.
    read, rejected
        Rows of the file, and those of them that are not among the orders.
    """

    orders: pd.DataFrame
    problems: pd.DataFrame
    read: int
    rejected: int


def read_orders(
    path: Path, *, zone: ZoneInfo, known: Mapping[str, Collection[str]] = MappingProxyType({})
) -> OrdersRead:
    """Return the orders of a file written by ``gridgov run``, also after a spreadsheet has had it.

    An export of the service (:mod:`gridgov.jobs.exchange`) is taken too, in each of its forms.

    A row without a number or a time of receipt is rejected, and so is the second with a number.

    Parameters
    ----------
    path
        ``orders.parquet`` or ``orders.csv``.
    zone
        Of the city.
    known
        Column → the codes that the city has, for :func:`restore_codes`.

    Raises
    ------
    InvalidDataError
        If the file cannot be read, lacks a column of :data:`NEEDED_COLUMNS` or holds no order that can be used.
    """
    if path.suffix.lower() == f".{Form.GPKG}":
        return _take_export(read_export(path, zone=zone), path)
    raw, problems = read_table(path, names=ORDER_COLUMNS)
    if is_export(raw.columns):
        return _take_export(read_export(path, zone=zone), path)
    read = len(raw) + len({one.row for one in problems if one.severity == "error"} - {None})
    _check_columns(raw, path)
    raw, notes = restore_codes(raw, path, known=known)
    faults = RowFaults(str(path))
    faults.add(*problems, *notes)
    orders = raw.reindex(columns=list(ORDER_COLUMNS))
    for name in ORDER_COLUMNS:
        orders[name] = _read_column(orders[name], zone, faults)
    kept = orders[~_find_unusable(orders, raw["received_at"], faults)]
    if kept.empty:
        raise InvalidDataError(_tell_nothing(path, read, faults.frame()))
    return OrdersRead(
        orders=kept.reset_index(drop=True),
        problems=faults.frame(),
        read=read,
        rejected=read - len(kept),
    )


SOLVED = {"true": True, "partly": False, "false": False}
"""Answers of the service: only what was solved wholly counts as solved."""


def _take_export(export: ExportRead, path: Path) -> OrdersRead:
    """Return the orders of an export of the service as those of a run; it says nothing of persons."""
    given = export.orders
    orders = given.reindex(columns=list(ORDER_COLUMNS)).assign(
        solved=given["solved"].map(SOLVED).astype("boolean"),
        review=given["review"].fillna(value=False).astype(bool),
    )
    for name in ORDER_COLUMNS:
        if name not in given:
            kind = "float64" if name in NUMBERS else "str"
            orders[name] = pd.Series(None, index=orders.index, dtype=kind)
    note = Problem(
        file=str(path),
        field="person_key",
        problem="an export of the service holds no persons; each order counts as one of its own",
        expected="orders.parquet of gridgov run where persons matter",
        severity="warning",
    )
    return OrdersRead(
        orders=orders,
        problems=pd.concat([make_problem_frame([note]), export.problems], ignore_index=True),
        read=export.read,
        rejected=export.rejected,
    )


def restore_codes(
    frame: pd.DataFrame,
    path: Path,
    *,
    needed: Collection[str] = CODES,
    known: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return a table read back with its :data:`CODES` as text, whatever a spreadsheet made of them.

    A number of an appeal that a spreadsheet has shortened, or whose leading zeros it took, is taken from the order's,
    which only has a part more.

    Parameters
    ----------
    frame
        Table on the index of the file.
    path
        File as the user named it.
    needed
        Columns without which the caller cannot go on; others are left empty where they are shortened.
    known
        Column → the codes that it may name: leading zeros come back where just one of them fits.

    Raises
    ------
    InvalidDataError
        If codes that are needed are in scientific notation: with them many places or orders are one.
    """
    codes = {name: to_codes(frame[name]) for name in CODES if name in frame}
    notes: list[Problem] = []
    if {"appeal_no", "order_no"} <= set(codes):
        codes["appeal_no"], notes = _mend_appeal_numbers(
            codes["appeal_no"], codes["order_no"], path
        )
    wanted = [texts for name, texts in codes.items() if name in needed]
    problems = note_shortened(wanted, path, effect="the file cannot be used")
    if problems:
        better = "orders.parquet of gridgov run, or the file as it was written, not saved by a spreadsheet"
        raise InvalidDataError([replace(one, expected=better) for one in problems])
    others = [texts for name, texts in codes.items() if name not in needed]
    notes += [
        replace(one, severity="warning")
        for one in note_shortened(others, path, effect="they are left out")
    ]
    codes = {name: texts.mask(find_shortened(texts)) for name, texts in codes.items()}
    faults = RowFaults(str(path))
    for name in codes.keys() & known.keys():
        codes[name] = restore_zeros(codes[name], frozenset(known[name]), faults)
    return frame.assign(**codes), [*notes, *faults.problems()]


def _mend_appeal_numbers(
    numbers: pd.Series, order_numbers: pd.Series, path: Path
) -> tuple[pd.Series, list[Problem]]:
    """Return the numbers of appeals (n,), those that a spreadsheet has changed from the numbers of their orders."""
    whole = order_numbers.str.replace(r"-\d+$", "", regex=True)
    shortened = find_shortened(numbers)
    if shortened.any() and (
        find_shortened(whole[shortened]).any() or whole[shortened].isna().any()
    ):
        shortened[:] = False
    zeroless = (numbers != whole) & (numbers == whole.str.lstrip("0")).fillna(value=False)
    zeroless &= numbers.str.isdecimal().fillna(value=False).astype(bool)
    said = {
        "are in scientific notation": shortened,
        "have lost their leading zeros": zeroless,
    }
    notes = [
        Problem(
            file=str(path),
            field="appeal_no",
            value=str(numbers[lost].iloc[0]),
            problem=f"{int(lost.sum()):,} numbers {what}; those of the orders are taken",
            expected="orders.parquet of gridgov run, or orders.csv as it was written",
            severity="warning",
        )
        for what, lost in said.items()
        if lost.any()
    ]
    return numbers.mask(shortened | zeroless, whole), notes


def _read_column(values: pd.Series, zone: ZoneInfo, faults: RowFaults) -> pd.Series:
    name = str(values.name)
    if name in TIMES:
        times = read_times(values, TimeRules(zone=zone), faults)
        wrong = values.notna() & times.isna()
        if name != "received_at":
            faults.rows(values, wrong, "is no time; left open", expected="such as 2025-03-01 09:30")
        return times
    if name in NUMBERS:
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        wrong = values.notna() & ~np.isfinite(numbers)
        faults.rows(values, wrong, "is no number; left open", expected="a number or nothing")
        return numbers.where(np.isfinite(numbers))
    if name in (*ANSWERS, *FLAGS) and not pd.api.types.is_bool_dtype(values):
        values = _map(values, TRUE_FALSE, "yes or no", faults, dtype="boolean")
    if name in ANSWERS:
        return values.astype("boolean")
    if name in FLAGS:
        return values.astype("boolean").fillna(value=False).astype(bool)
    texts = to_text(values)
    if name == "satisfied":
        return _map(texts, SATISFIED_WORDS, ", ".join(SATISFIED_VALUES), faults)
    return texts


def _map(
    values: pd.Series,
    words: Mapping[str, object],
    expected: str,
    faults: RowFaults,
    *,
    dtype: str = "str",
) -> pd.Series:
    """Return what the words mean, missing and noted where that is not known."""
    meant = map_words(values.astype("str"), words.get, dtype=dtype)
    wrong = values.notna() & meant.isna()
    faults.rows(values, wrong, "is not understood; left open", expected=expected)
    return meant


def _find_unusable(orders: pd.DataFrame, given: pd.Series, faults: RowFaults) -> pd.Series:
    """Note and return the rows that cannot be an order."""
    number, received = orders["order_no"], orders["received_at"]
    none, timeless = number.isna(), received.isna()
    strays = find_strays(received, find_end(to_days(received[~none])))
    unusable = none | timeless | strays
    again = pd.Series(
        data=False, index=orders.index
    )  # of the good ones: a bad row takes nothing from another
    again[~unusable] = number[~unusable].duplicated()
    faults.rows(number, none, "is empty", expected="the number of the order", severity="error")
    faults.rows(number, again, "occurs twice", expected="each order once", severity="error")
    faults.rows(
        given,
        strays & ~none,
        "lies far behind all others",
        expected="a time that has been",
        severity="error",
    )
    faults.rows(
        given,
        timeless & ~none,
        "is no time, so the order is in no window",
        expected="such as 2025-03-01 09:30",
        severity="error",
    )
    return unusable | again


def _check_columns(raw: pd.DataFrame, path: Path) -> None:
    missing = [name for name in NEEDED_COLUMNS if name not in raw]
    if missing:
        header = ", ".join(map(str, raw.columns[:20]))
        raise InvalidDataError(
            [
                Problem(
                    file=str(path),
                    field=name,
                    problem="this column is missing",
                    expected=f"orders.parquet or orders.csv of gridgov run; the header has {header}",
                )
                for name in missing
            ]
        )


def _tell_nothing(path: Path, read: int, faults: pd.DataFrame) -> list[Problem]:
    rows = faults.astype(object).where(faults.notna(), None)
    return [
        Problem(
            file=str(path),
            problem=f"none of the {read} rows can be used",
            expected="orders of gridgov run, with order_no and received_at",
        ),
        *(Problem(**row) for row in rows.to_dict("records")),
    ]
