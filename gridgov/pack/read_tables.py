"""Tables of a pack: read, columns named as in the contract, texts never missing, dates parsed."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.problems import Problem, Severity, row_number
from geodata.spreadsheets import note_shortened, to_codes
from gridgov.pack.settings import TableSettings
from gridgov.reading.faults import RowFaults
from gridgov.reading.times import TimeRules, parse_form, read_times, to_plain_text
from gridgov.rules import duties
from gridgov.rules.catalogue import ITEM_COLUMNS
from gridgov.rules.dispatch.book import UNIT_COLUMNS

VALIDITY = ("valid_from", "valid_to")
DUTY_COLUMNS = (*duties.DUTY_COLUMNS, *VALIDITY)
DEPENDENCY_COLUMNS = (*duties.DEPENDENCY_COLUMNS, *VALIDITY)
HOLIDAY_COLUMNS = ("date", "kind", "name")
CATEGORY_COLUMNS = ("value", "item_code")
POPULATION_COLUMNS = ("street_code", "population", *VALIDITY)
APPEAL_KIND_COLUMNS = ("kind", "name", "name_en", "counts_as_problem")
"""Kinds of appeals; ``counts_as_problem`` is ``true`` or ``false``."""
MEASURE_COLUMNS = (
    "measure_code",
    "scene_code",
    "item_code",
    "name",
    "name_en",
    "kind",
    "days",
    "cost_low",
    "cost_high",
    "effect",
    "effect_low",
    "effect_high",
    "status",
    "note",
)
"""What can be done about a scene, about an item without one and all below it, or (with neither) about a place that has
too much of everything: days it takes, cost in 10,000 yuan, change of the appeals as a share (-0.3: 30 %
fewer) with its interval, all texts that may be empty where not known; ``status`` documented, practice, assumed or
measured."""
CAPACITY_COLUMNS = ("unit_code", "month", "capacity")
"""How many tasks of plans a unit can work on at the same time in a month (2026-01)."""

MOST_HINTS = 20
"""Different unknown values for which the known one most like them is looked up."""

_NAMING = ("_code", "_duty", "unit", "lead", "value")
"""Ends of the names of columns that name things."""

DATE_COLUMNS = frozenset({*VALIDITY, "date"})


@dataclass(frozen=True)
class TableSpec:
    """Columns of one table: all it may have, those it must have, and those of them that may be empty."""

    columns: tuple[str, ...]
    required: tuple[str, ...]
    empty: tuple[str, ...] = ()


SPECS: Mapping[str, TableSpec] = {
    "units": TableSpec(UNIT_COLUMNS, ("unit_code", "name", "kind")),
    "catalogue": TableSpec(ITEM_COLUMNS, ("item_code", "level", "name")),
    "duties": TableSpec(DUTY_COLUMNS, ("duty_code", "scene_code", "unit", "role"), ("unit",)),
    "dependencies": TableSpec(DEPENDENCY_COLUMNS, ("before_duty", "after_duty")),
    "holidays": TableSpec(HOLIDAY_COLUMNS, ("date", "kind")),
    "categories": TableSpec(CATEGORY_COLUMNS, ("value", "item_code")),
    "population": TableSpec(POPULATION_COLUMNS, ("street_code", "population")),
    "kinds": TableSpec(APPEAL_KIND_COLUMNS, ("kind", "counts_as_problem")),
    "measures": TableSpec(
        MEASURE_COLUMNS,
        ("measure_code", "scene_code", "name", "kind", "days", "status"),
        ("scene_code", "days"),
    ),
    "capacities": TableSpec(CAPACITY_COLUMNS, CAPACITY_COLUMNS),
}


class Faults:
    """Faults of one file; the index of its frames is the position in the file.

    Parameters
    ----------
    file
        File as the user named it.
    first_row
        Row of position 0 as the user sees it: 2 below a header, 1 for features of a layer.
    """

    def __init__(self, file: object, *, first_row: int = row_number(0)) -> None:
        self.file = str(file)
        self.first_row = first_row
        self.problems: list[Problem] = []

    def add(self, problem: str, expected: str = "", *, field: str = "", value: object = "") -> None:
        """Note a fault of the whole file."""
        self.problems.append(
            Problem(
                file=self.file, field=field, value=str(value), problem=problem, expected=expected
            )
        )

    def warn(self, problem: str, expected: str = "", *, field: str = "") -> None:
        """Note something about the whole file that does not stop its use."""
        self.problems.append(
            Problem(
                file=self.file, field=field, problem=problem, expected=expected, severity="warning"
            )
        )

    def rows(
        self,
        values: pd.Series,
        wrong: Any,
        problem: str,
        *,
        expected: str | Callable[[str], str] = "",
        severity: Severity = "error",
    ) -> None:
        """Note a fault of each value of the column `values` where `wrong` holds; `expected` may depend on it."""
        chosen = values[np.asarray(wrong, dtype=bool)]
        rows = [int(position) + self.first_row for position in chosen.index]
        self.problems.extend(
            Problem(
                file=self.file,
                row=row,
                field=str(values.name),
                value="" if pd.isna(value) else str(value),
                problem=problem,
                expected=expected(str(value)) if callable(expected) else expected,
                severity=severity,
            )
            for row, value in zip(rows, chosen, strict=True)
        )


def read_pack_table(
    settings: TableSettings, *, time_forms: tuple[str, ...] = ()
) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Return a table of the pack with the columns of its contract, on the index of the file.

    Parameters
    ----------
    settings
        Of the table.
    time_forms
        Forms of times that the pack names for its appeals: its dates may have them too.

    Returns
    -------
        None instead of a frame where the file cannot be read or a required column is missing.
    """
    faults = Faults(settings.path)
    try:
        names = [settings.columns.get(name, name) for name in SPECS[settings.role].columns]
        raw, problems = read_table(settings.path, encoding=settings.encoding, names=names)
    except InvalidDataError as error:
        return None, error.problems
    faults.problems.extend(problems)
    spec = SPECS[settings.role]
    renamed = raw.rename(columns={theirs: ours for ours, theirs in settings.columns.items()})
    missing = [name for name in spec.required if name not in renamed]
    _note_missing(faults, settings, raw, missing)
    _note_misspelt(faults, renamed, spec)
    if missing:
        return None, faults.problems
    frame = renamed.reindex(columns=list(spec.columns))
    for name in spec.columns:
        frame[name] = (
            _parse_dates(frame[name], faults, time_forms)
            if name in DATE_COLUMNS
            else to_codes(frame[name]).fillna("")
        )
    codes = [frame[name] for name in spec.columns if name.endswith(_NAMING)]
    faults.problems.extend(note_shortened(codes, settings.path, effect="they name nothing"))
    for name in [one for one in spec.required if one not in spec.empty]:
        faults.rows(
            frame[name], frame[name].isna() | (frame[name] == ""), "is empty", expected="a value"
        )
    return frame, faults.problems


def find_nearest(name: str, known: list[str]) -> str:
    """Return ``did you mean …?`` for the known name most like `name`, else the known names."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(known[:12])
    return f"one of {shown}{', …' if len(known) > 12 else ''}"


def make_hint(known: Collection[str], before: str = "") -> Callable[[str], str]:
    """Return what says of an unknown value which known one it is most like; of the first few, it takes a while."""
    names = sorted(known)
    said: dict[str, str] = {}

    def hint(value: str) -> str:
        if value not in said and len(said) < MOST_HINTS:
            said[value] = find_nearest(value, names)
        return before + said.get(value, "")

    return hint


def check_numbers(values: pd.Series, faults: Faults) -> None:
    """Note texts that are no number of people; empty ones are not known."""
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = (values != "") & ~(np.isfinite(numbers) & (numbers >= 0))
    faults.rows(values, wrong, "is not a number of residents", expected="a number from 0 on")


def _note_missing(
    faults: Faults, settings: TableSettings, raw: pd.DataFrame, missing: list[str]
) -> None:
    found = [str(name) for name in raw.columns]
    for name in missing:
        theirs = settings.columns.get(name, name)
        faults.add(
            f"has no column {theirs!r}",
            f"{find_nearest(theirs, found)} Or map it: "
            f'[tables.{settings.role}.columns] {name} = "…"; the header has {", ".join(found)[:300]}',
            field=name,
        )


def _note_misspelt(faults: Faults, frame: pd.DataFrame, spec: TableSpec) -> None:
    """Warn of an extra column that looks like one of the contract; others are nobody's business."""
    absent = [name for name in spec.columns if name not in frame]
    for extra in set(map(str, frame.columns)) - set(spec.columns):
        near = get_close_matches(extra, absent, n=1, cutoff=0.8)
        if near and near[0] not in spec.required:
            faults.warn(
                "is not a column of this table and is not read",
                f"did you mean {near[0]!r}?",
                field=extra,
            )


_DAY_OF_FORM = re.compile(r"^(.*?)[T,\s]*%[HI].*$")
_AS_WRITTEN = TimeRules(zone=ZoneInfo("UTC"))


def _parse_dates(values: pd.Series, faults: Faults, forms: tuple[str, ...]) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values):
        texts = to_plain_text(values)
        # The forms of times in appeals; spreadsheets give a date as a time of midnight.
        parsed = read_times(texts, _AS_WRITTEN, RowFaults("")).dt.tz_localize(None)
        for form in forms:
            for one in (
                form,
                *_DAY_OF_FORM.findall(form),
            ):  # a day stands where others have a clock
                parsed = parsed.fillna(parse_form(texts.where(parsed.isna()), one))
        wrong = parsed.isna() & texts.notna()
        faults.rows(values, wrong, "is not a date", expected="a date such as 2024-01-01")
        values = parsed
    if getattr(values.dt, "tz", None) is not None:
        values = values.dt.tz_localize(None)
    return values.astype("datetime64[us]").dt.normalize()
