"""SaTScan's own file formats: cases, controls, population and coordinates in columns parted by blanks."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.scan.input import (
    ScanError,
    ScanInput,
    ScanModel,
    TimeUnit,
    count_cases,
    make_bernoulli_expectation,
    make_edges,
    make_permutation_expectation,
    make_poisson_expectation,
)

EARTH_RADIUS_KM = 6367.0
"""SaTScan's sphere; only the order of distances counts."""
CENTURY_SPLIT = 30
"""Years of two digits: from 30 on those of the 20th century."""


def read_scan_input(
    *,
    cases: Path,
    places: Path,
    model: ScanModel,
    start: date,
    end: date,
    unit: TimeUnit,
    population: Path | None = None,
    controls: Path | None = None,
    is_cartesian: bool = False,
) -> ScanInput:
    """Read what a scan needs.

    Parameters
    ----------
    cases
        ``location count [date] [covariates …]``.
    places
        ``location lat lon`` in degrees, or ``location x y`` where `is_cartesian`.
    model
        Poisson needs `population`, Bernoulli needs `controls`.
    start, end
        First and last day.
    unit
        Of the spans of time.
    population
        ``location date people [covariates …]``; a year means 1 July, a month its 15th.
    controls
        ``location count [date]``.
    is_cartesian
        Whether coordinates are plane.

    Raises
    ------
    ScanError
        With file, line, value and what was expected.
    """
    locations, xyz = _read_places(places, is_cartesian=is_cartesian)
    edges = make_edges(start, end, unit)
    rows = _read_counts(cases, start)
    counts = count_cases(rows, locations, edges)
    if model is ScanModel.POISSON:
        if population is None:
            raise ScanError(
                "The Poisson model needs a population. Give --pop FILE, or --model permutation."
            )
        people = _read_population(population)
        expected = make_poisson_expectation(rows, people, locations, edges)
        return ScanInput(
            model=model, locations=locations, xyz=xyz, edges=edges, counts=counts, expected=expected
        )
    if model is ScanModel.PERMUTATION:
        return ScanInput(
            model=model,
            locations=locations,
            xyz=xyz,
            edges=edges,
            counts=counts,
            expected=make_permutation_expectation(counts),
        )
    if controls is None:
        raise ScanError("The Bernoulli model needs controls. Give --ctl FILE.")
    both = counts + count_cases(_read_counts(controls, start), locations, edges)
    return ScanInput(
        model=model,
        locations=locations,
        xyz=xyz,
        edges=edges,
        counts=counts,
        expected=make_bernoulli_expectation(counts, both),
        population=both,
    )


def _read_rows(path: Path, *, fewest: int, columns: str) -> Iterator[list[str]]:
    """Give the fields of each line that is not empty; the last field is the line's number."""
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        if len(fields) < fewest:
            raise ScanError(f"{path.name}, line {number}: {line.strip()!r}; expected {columns}.")
        yield [*fields, str(number)]


def _read_places(path: Path, *, is_cartesian: bool) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return names and coordinates of the places, shape (L, 3)."""
    names: dict[str, tuple[float, float]] = {}
    for fields in _read_rows(path, fewest=3, columns="location and two coordinates"):
        name, first, second, line = fields[0], fields[1], fields[2], fields[-1]
        at = (_to_number(path, line, first), _to_number(path, line, second))
        if not is_cartesian and (abs(at[0]) > 90 or abs(at[1]) > 180):
            raise ScanError(
                f"{path.name}, line {line}: {first} {second} are no degrees of latitude and longitude. "
                "For plane coordinates give --coordinates cartesian."
            )
        if names.setdefault(name, at) != at:
            raise ScanError(
                f"{path.name}, line {line}: {name} stands twice, at different coordinates."
            )
    if not names:
        raise ScanError(f"{path.name} names no place.")
    degrees = np.array(list(names.values()))
    if is_cartesian:
        return tuple(names), np.column_stack([degrees, np.zeros(len(degrees))])
    lat, lon = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    xyz = EARTH_RADIUS_KM * np.column_stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    )
    return tuple(names), xyz


def _to_number(path: Path, line: str, text: str) -> float:
    """Return a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ScanError(f"{path.name}, line {line}: {text!r} is no number.")
    return value


def _read_counts(path: Path, start: date) -> pd.DataFrame:
    """Return ``location on count group`` of cases or controls; without a date they lie at `start`."""
    names, days, counts, groups = [], [], [], []
    parsed: dict[str, date] = {}
    for fields in _read_rows(path, fewest=2, columns="location, count, date"):
        line = fields.pop()
        count = _to_number(path, line, fields[1])
        if count < 0 or count != int(count):
            raise ScanError(
                f"{path.name}, line {line}: {fields[1]} cases; expected a whole number ≥ 0."
            )
        names.append(fields[0])
        counts.append(int(count))
        if len(fields) > 2:
            text = fields[2]
            if text not in parsed:
                parsed[text] = _to_date(path, line, text, is_population=False)
            days.append(
                max(parsed[text], start) if "/" not in text and "-" not in text else parsed[text]
            )
        else:
            days.append(start)
        groups.append(" ".join(fields[3:]))
    return pd.DataFrame(
        {"location": pd.Series(names, dtype=object), "on": days, "count": counts, "group": groups}
    )


def _read_population(path: Path) -> pd.DataFrame:
    """Return ``location on people group``."""
    names, days, sizes, groups = [], [], [], []
    parsed: dict[str, date] = {}
    for fields in _read_rows(path, fewest=3, columns="location, date, people"):
        line = fields.pop()
        size = _to_number(path, line, fields[2])
        if size < 0:
            raise ScanError(f"{path.name}, line {line}: {fields[2]} people; expected a number ≥ 0.")
        text = fields[1]
        if text not in parsed:
            parsed[text] = _to_date(path, line, text, is_population=True)
        names.append(fields[0])
        days.append(parsed[text])
        sizes.append(size)
        groups.append(" ".join(fields[3:]))
    return pd.DataFrame(
        {"location": pd.Series(names, dtype=object), "on": days, "people": sizes, "group": groups}
    )


def _to_date(path: Path, line: str, text: str, *, is_population: bool) -> date:
    """Return a day written as year, year/month or year/month/day."""
    parts = re.split(r"[/-]", text)
    if all(part.isdigit() for part in parts) and 1 <= len(parts) <= 3:
        year, *rest = (int(part) for part in parts)
        if len(parts[0]) == 2:
            year += 1900 if year >= CENTURY_SPLIT else 2000
        month, day = (7, 1) if is_population else (1, 1)
        if rest:
            month, day = rest[0], 15 if is_population else 1
        if len(rest) == 2:
            day = rest[1]
        try:
            return date(year, month, day)
        except ValueError:
            pass
    raise ScanError(
        f"{path.name}, line {line}: {text!r} is no day; expected 2023, 2023/5 or 2023/5/17."
    )
