"""What a notebook hands in, brought into the form of the contracts or refused with all that is wrong with it."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from geodata.datum import Datum, convert, parse_datum
from geodata.errors import InvalidDataError
from geodata.problems import Problem
from gridgov.frames import APPEAL_COLUMNS, SATISFIED_VALUES

TIMES = ("received_at", "contacted_at", "closed_at")
NUMBERS = ("lon", "lat")
ANSWERS = ("contacted", "solved")
DEGREES_MAX = {"lon": 180.0, "lat": 90.0}


def make_asked(places: pd.DataFrame | pd.Series | Iterable[str], *, datum: str) -> pd.DataFrame:
    """Return ``address lon lat`` (EPSG:4326) of what was asked, on its index.

    Parameters
    ----------
    places
        A frame with a column ``address``, or with ``lon`` and ``lat``, or all three; or addresses alone.
    datum
        Of `lon` and `lat`.

    Raises
    ------
    InvalidDataError
        There is no such column, or a coordinate is no number of degrees.
    GeodataError
        The datum is not known.
    """
    if not isinstance(places, pd.DataFrame):
        addresses = places if isinstance(places, pd.Series) else pd.Series([*places], dtype="str")
        return pd.DataFrame(
            {"address": addresses.astype("str"), "lon": np.nan, "lat": np.nan},
            index=addresses.index,
        )
    has_points = {"lon", "lat"} <= set(places)
    if not has_points and "address" not in places:
        shown = ", ".join(map(str, places.columns[:20]))
        _refuse([_make_fault("address", "no column to place by", "address, or lon and lat", shown)])
    asked = pd.DataFrame({"address": None, "lon": np.nan, "lat": np.nan}, index=places.index)
    asked["address"] = asked["address"].astype("str")
    if "address" in places:
        asked["address"] = places["address"].astype("str").where(places["address"].notna())
    if not has_points:
        return asked
    source = parse_datum(datum)
    numbers = {name: pd.to_numeric(places[name], errors="coerce") for name in NUMBERS}
    wrong = [
        _make_fault(name, f"{n} values are no degrees", f"-{most:g} to {most:g}", first)
        for name, most in DEGREES_MAX.items()
        for rows in [places[name].notna() & ~(numbers[name].abs() <= most)]
        for n in [int(rows.sum())]
        if n
        for first in [str(places.loc[rows, name].iloc[0])]
    ]
    _refuse(wrong)
    lon, lat = convert(
        *(numbers[name].to_numpy(np.float64) for name in NUMBERS),
        source=source,
        target=Datum.WGS84,
    )
    return asked.assign(lon=lon, lat=lat)


def check_appeals(appeals: pd.DataFrame, *, zone: str) -> pd.DataFrame:
    """Return appeals as :data:`~gridgov.frames.APPEAL_COLUMNS`; columns that are not there are missing throughout.

    Raises
    ------
    InvalidDataError
        A needed column is not there, a number occurs twice or is missing, a time has no zone, or an answer is none.
    """
    faults = find_lacking(appeals, ("appeal_no", "received_at"))
    _refuse(faults)
    frame = appeals.reset_index(drop=True)
    number = frame["appeal_no"].astype("str")
    faults = [
        _make_fault("appeal_no", problem, "each appeal once", value)
        for problem, rows in (
            ("is missing", frame["appeal_no"].isna()),
            ("occurs twice", number.duplicated() & frame["appeal_no"].notna()),
        )
        if rows.any()
        for value in [str(number[rows].iloc[0])]
    ]
    made: dict[str, pd.Series] = {}
    for name in APPEAL_COLUMNS:
        column = frame[name] if name in frame else pd.Series(None, index=frame.index, dtype="str")
        if name in TIMES:
            made[name], found = _check_times(column, zone=zone)
            faults += found
        elif name in NUMBERS:
            made[name] = pd.to_numeric(column, errors="coerce").astype("float64")
            wrong = column.notna() & ~(made[name].abs() <= DEGREES_MAX[name])
            if wrong.any():
                value = str(column[wrong].iloc[0])
                faults.append(_make_fault(name, "is no number of degrees", "EPSG:4326", value))
        elif name in ANSWERS:
            made[name], found = _check_answers(column)
            faults += found
        else:
            made[name] = column.astype("str").where(column.notna())
    known = made["satisfied"].isna() | made["satisfied"].isin(SATISFIED_VALUES)
    if not known.all():
        value = str(made["satisfied"][~known].iloc[0])
        faults.append(_make_fault("satisfied", "is not known", ", ".join(SATISFIED_VALUES), value))
    if made["received_at"].isna().any():
        faults.append(_make_fault("received_at", "is missing", "a time in every row", ""))
    _refuse(faults)
    return pd.DataFrame(made)


def check_orders(orders: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """Return orders that have the needed columns, aware times and any row.

    Raises
    ------
    InvalidDataError
        They do not.
    """
    _refuse(find_lacking(orders, needed))
    _, faults = _check_times(orders["received_at"], zone="UTC")
    if not len(orders):
        faults.append(_make_fault("", "there are no orders", "one row or more", ""))
    _refuse(faults)
    return orders


def find_lacking(frame: pd.DataFrame, needed: Sequence[str]) -> list[Problem]:
    """Return a fault for each column that is not there."""
    shown = ", ".join(map(str, frame.columns[:20]))
    return [
        _make_fault(name, "this column is missing", ", ".join(needed), shown)
        for name in needed
        if name not in frame
    ]


def _check_times(column: pd.Series, *, zone: str) -> tuple[pd.Series, list[Problem]]:
    if not isinstance(column.dtype, pd.DatetimeTZDtype) and column.isna().all():
        return pd.Series(pd.NaT, index=column.index).dt.tz_localize(zone), []
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        fault = _make_fault(
            str(column.name),
            f"times have the type {column.dtype}",
            f'times with a zone: frame["{column.name}"].dt.tz_localize("{zone}")',
            str(column.dropna().iloc[0]),
        )
        return column, [fault]
    return column.dt.tz_convert(zone), []


def _check_answers(column: pd.Series) -> tuple[pd.Series, list[Problem]]:
    known = column.isna() | column.isin([True, False])
    if known.all():
        return column.astype("object").where(column.notna(), None).astype("boolean"), []
    value = str(column[~known].iloc[0])
    return column, [_make_fault(str(column.name), "is no answer", "True, False or missing", value)]


def _make_fault(field: str, problem: str, expected: str, value: str) -> Problem:
    return Problem(file="frame", field=field, value=value, problem=problem, expected=expected)


def _refuse(faults: list[Problem]) -> None:
    if faults:
        raise InvalidDataError(faults)
