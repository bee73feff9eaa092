"""Times of an export → aware times in the city's zone."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geodata.spreadsheets import is_ascii, to_text
from gridgov.reading.faults import RowFaults

_ISO = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?$"
"""What pandas reads fast and in one way; of "2024", "now" and "today" it would make times too."""

_DATE_AND_CLOCK = (
    r"^(?P<year>\d{4})(?:[-/.]|年)(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})日?"
    r"(?:[T\s]*(?P<half>上午|下午|[AaPp][Mm])?\s*(?P<hour>\d{1,2})(?:(?:[:：]|时|点)(?:(?P<minute>\d{1,2})分?(?:[:：]?(?P<second>\d{1,2})秒?)?)?)"
    r"(?:[.,](?P<part>\d{1,9}))?(?:\s*(?P<after>[AaPp][Mm]))?)?"
    r"\s*(?P<offset>Z|[+-]\d{2}(?::?\d{2})?)?$"
)
_DIGITS = (
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?P<half>)(?P<after>)(?P<offset>Z|[+-]\d{2}(?::?\d{2})?)?$"
)
_SHAPES = (_DATE_AND_CLOCK, _DIGITS)
"""The usual forms, where the pack names none: none can be read in two ways, day and month in one order. An offset
makes the time independent of the city's zone."""

_SERIAL = r"^\d{5}(?:\.\d+)?$"
FIRST_SERIAL, LAST_SERIAL = 20_000, 73_051
"""Day numbers from 1954 to 1999-12-31 + 100 years: other numbers of five digits are no days of a hotline."""
_SERIAL_ORIGIN = np.datetime64("1899-12-30", "s")

_OFFSET = r":.*(?:Z|[+-]\d{2}:?\d{2})$"
"""An offset follows a time of day; the end of a date alone ("2024-05-01") is none."""

_DAY_AND_MONTH = r"^(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.](?:\d{4}|\d{2})(?:\D.*)?$"
LEAST_DAYS = 8
"""So many different days on both sides of the 12th are no chance: (12 / 30) ** 8 * (18 / 30) ** 8 is one in 90,000."""

_NUMBERS = ("year", "month", "day", "hour", "minute", "second")
_HIGHEST = {"month": 12, "day": 31, "hour": 23, "minute": 59, "second": 59}


@dataclass(frozen=True, kw_only=True)
class TimeRules:
    """How times are read: zone of the city, forms of the pack (none: the usual ones)."""

    zone: ZoneInfo
    forms: tuple[str, ...] = ()


def read_times(values: pd.Series, rules: TimeRules, faults: RowFaults) -> pd.Series:
    """Return aware times (n,) on the index of `values`, missing where the text is none or is no time.

    A time in an hour that the clock skips moves on to the next that exists, a time in an hour that the clock
    repeats is the first one; both are noted. Unreadable values are not noted here: for some columns they
    reject the row.
    """
    zone = str(rules.zone)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert(zone).astype(f"datetime64[us, {zone}]")
    if pd.api.types.is_datetime64_any_dtype(values):
        return _localise(values.astype("datetime64[us]"), zone, faults)
    texts = _drop_exchanged(to_plain_text(values), faults)
    if rules.forms:
        offset = _match(texts, _OFFSET)
        naive = _parse(texts.where(~offset), rules.forms)
        naive = naive.fillna(_read_serials(texts.where(~offset & naive.isna()), faults))
        times = _localise(naive, zone, faults)
        times[offset] = _read_shapes(texts[offset]).instants(times.dtype)
        return times
    iso = _match(texts, _ISO)
    naive = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    parsed = pd.to_datetime(texts[iso], format="ISO8601", errors="coerce")
    naive[iso] = parsed.astype("datetime64[us]")
    if iso.all():
        return _localise(naive, zone, faults)
    others = _read_shapes(texts[~iso])
    naive[~iso] = others.walls().fillna(_read_serials(texts[~iso], faults))
    times = _localise(naive, zone, faults)
    known = others.offset_min.notna()
    times[known.index[known]] = others.instants(times.dtype)[known]
    return times


def _drop_exchanged(texts: pd.Series, faults: RowFaults) -> pd.Series:
    """Return the texts (n,) without times whose day and month a spreadsheet has exchanged; they are told once.

    A spreadsheet set to the other order makes a date of ``05/04/2024`` and leaves ``13/04/2024`` as text: of the
    dates none has a day beyond the 12th, of the texts all have.
    """
    iso = _match(texts, _ISO)
    if not iso.any() or iso.all():
        return texts
    left = pa.array(texts[~iso], from_pandas=True).cast(pa.string())
    found = pc.extract_regex(left, _DAY_AND_MONTH)
    numbers = [
        pd.to_numeric(pc.struct_field(found, name).to_pandas()) for name in ("first", "second")
    ]
    shaped = numbers[0].notna()
    beyond = [
        (one[shaped] > 12).all() and (other[shaped] <= 12).all()
        for one, other in (numbers, numbers[::-1])
    ]
    days = texts[iso].str[:10].drop_duplicates()
    if (
        not any(beyond)
        or pd.concat(numbers, axis=1)[shaped].drop_duplicates().shape[0] < LEAST_DAYS
        or len(days) < LEAST_DAYS
        or (days.str[8:].astype(int) > 12).any()
    ):
        return texts
    faults.whole(
        f"{int(iso.sum()):,} dates have no day beyond the 12th and {int(shaped.sum()):,} texts no other: a spreadsheet "
        "has exchanged day and month of those that it took for dates; they are no times",
        "the file exported again with this column as text, or with the year first",
        field=str(texts.name),
        value=str(texts[iso].iloc[0]),
    )
    return texts.mask(iso)


def to_plain_text(values: pd.Series) -> pd.Series:
    """Return a column as text, trimmed, full-width digits and signs as the ASCII ones that they mean."""
    texts = to_text(values)
    if is_ascii(pa.array(texts, from_pandas=True)):
        return texts
    wide = _match(texts, r"[\x{FF01}-\x{FF5E}\x{3000}]")
    if wide.any():
        folded = texts[wide].map(lambda text: unicodedata.normalize("NFKC", text)).astype("str")
        texts = texts.mask(wide, folded)
    return texts


def _read_serials(texts: pd.Series, faults: RowFaults) -> pd.Series:
    """Return the times of a spreadsheet's day numbers (days since 1899-12-30), to the second; they are noted once."""
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    given = _match(texts, _SERIAL)
    if not given.any():
        return found
    days = pd.to_numeric(texts[given]).to_numpy(dtype=float)
    within = (days >= FIRST_SERIAL) & (days < LAST_SERIAL)
    seconds = np.rint(np.where(within, days, 0) * 86_400).astype("int64").astype("timedelta64[s]")
    times = pd.Series(_SERIAL_ORIGIN + seconds, index=texts.index[given]).astype("datetime64[us]")
    found[given] = times.where(within)
    if within.any():
        first = int(np.flatnonzero(given)[within][0])
        faults.whole(
            f"{int(within.sum()):,} times are a spreadsheet's day numbers; they are read as such, "
            f"the first as {found.iloc[first]}",
            "the column formatted as a date",
            field=str(texts.name),
            value=str(texts.iloc[first]),
        )
    return found


@dataclass(frozen=True, eq=False)
class _Shaped:
    """Times as written (n,), missing where none; minutes by which they lie before UTC, where they say so."""

    wall: pd.Series
    offset_min: pd.Series

    def walls(self) -> pd.Series:
        """Return the times that do not state their offset."""
        return self.wall.where(self.offset_min.isna())

    def instants(self, dtype: Any) -> pd.Series:
        """Return the times that state it, aware."""
        utc = self.wall - pd.to_timedelta(self.offset_min, unit="min").astype("timedelta64[us]")
        return utc.dt.tz_localize("UTC").dt.tz_convert(dtype.tz).astype(dtype)


def _read_shapes(texts: pd.Series) -> _Shaped:
    """Return the times of texts in one of the usual shapes."""
    wall = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    offset_min = pd.Series(np.nan, index=texts.index)
    for shape in _SHAPES:
        left = texts[wall.isna() & texts.notna()]
        if left.empty:
            break
        found = pc.extract_regex(pa.array(left, from_pandas=True).cast(pa.string()), shape)
        names = (*_NUMBERS, "part", "half", "after", "offset")
        given = {name: pc.struct_field(found, name).to_pandas() for name in names}
        part = {name: pd.to_numeric(given[name].replace("", "0")) for name in _NUMBERS}
        good = part["year"].notna()
        for name, highest in _HIGHEST.items():
            good &= part[name] <= highest
        good &= _turn_to_24_hours(part, given)
        month = (part["year"] - 1970) * 12 + part["month"] - 1
        month = month.where(good & (part["month"] > 0), 0).to_numpy().astype("datetime64[M]")
        day = month.astype("datetime64[D]") + (part["day"].where(good, 1) - 1).to_numpy().astype(
            "int64"
        )
        # 31 April would be 1 May.
        good &= (day.astype("datetime64[M]") == month) & (part["month"] > 0)
        seconds = part["hour"] * 3600 + part["minute"] * 60 + part["second"]
        micros = pd.to_numeric(given["part"].fillna("").str.ljust(6, "0").str[:6])
        within = (seconds * 1_000_000 + micros).where(good, 0).to_numpy().astype("int64")
        times = day.astype("datetime64[us]") + within.astype("timedelta64[us]")
        wall[left.index] = pd.Series(times, index=left.index).where(good.to_numpy())
        sign = given["offset"].str[:1].map({"Z": 0, "+": 1, "-": -1})
        digits = given["offset"].str.replace(r"\D", "", regex=True).str.ljust(4, "0")
        minutes = pd.to_numeric(digits.str[:2]) * 60 + pd.to_numeric(digits.str[2:4])
        offset_min[left.index] = (sign * minutes).where(good).to_numpy(dtype=float)
    return _Shaped(wall, offset_min)


def _turn_to_24_hours(part: dict[str, pd.Series], given: dict[str, pd.Series]) -> pd.Series:
    """Change the hours of half days in `part` (half past twelve at night is 12:30 AM); tell which rows are sound."""
    half = given["half"].fillna("").str.lower() + given["after"].fillna("").str.lower()
    morning, evening = half.isin(["am", "上午"]), half.isin(["pm", "下午"])
    hour = part["hour"]
    sound = (half == "") | ((morning | evening) & hour.between(0, 12))
    sound |= evening & hour.between(13, 23)  # as in "下午 15:30"
    part["hour"] = hour.mask(morning & (hour == 12), 0).mask(evening & (hour < 12), hour + 12)
    return sound


def _match(texts: pd.Series, pattern: str) -> npt.NDArray[np.bool_]:
    """Tell which texts match (by RE2, a tenth of the time of Python's expressions)."""
    array = pa.array(texts, from_pandas=True)
    found = pc.fill_null(pc.match_substring_regex(array, pattern), fill_value=False)
    matches: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False).astype(bool)
    return matches


def _parse(texts: pd.Series, forms: tuple[str, ...]) -> pd.Series:
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for form in forms:
        left = found.isna() & texts.notna()
        if not left.any():
            break
        found[left] = parse_form(texts[left], form)
    return found


_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3}
_DIRECTIVE = re.compile(r"%[A-Za-z%]")


@cache
def _make_pattern(form: str) -> str:
    """Return what a text must match to be of a form: numbers that touch have all their digits.

    Parsers take fewer, so that ``202405060830`` would be 08:03:00 by ``%Y%m%d%H%M%S``; of "now" they make one.
    """
    parts: list[str] = []
    last = 0
    ends = [match.end() for match in _DIRECTIVE.finditer(form)]
    begins = [match.start() for match in _DIRECTIVE.finditer(form)]
    for begin, end in zip(begins, ends, strict=True):
        parts.append(re.escape(form[last:begin]).replace("\\ ", r"\s*"))
        width = _WIDTHS.get(form[begin + 1])
        touches = begin in ends or end in begins
        if width is None:
            parts.append(".+")
        elif touches or width > 2:
            parts.append(rf"\d{{{width}}}")
        else:
            parts.append(r"\d{1,2}")
        last = end
    parts.append(re.escape(form[last:]))
    return f"^{''.join(parts)}$"


def parse_form(texts: pd.Series, form: str) -> pd.Series:
    """Return the times (n,) without zone of texts of one form (as in ``strptime``), missing where one is not of it."""
    fits = _match(texts, _make_pattern(form)) & ~_match(texts, r"(?i)^\s*(?:now|today)\s*$")
    try:
        parsed = pd.to_datetime(texts.where(fits), format=form, errors="coerce")
    except ValueError:  # what no time of pandas can be: a form without a year
        return pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    return parsed.astype("datetime64[us]")


def _localise(naive: pd.Series, zone: str, faults: RowFaults) -> pd.Series:
    first = np.ones(len(naive), dtype=bool)
    local = naive.dt.tz_localize(zone, nonexistent="NaT", ambiguous=first)
    skipped = (local.isna() & naive.notna()).to_numpy(dtype=bool)
    if skipped.any():
        local = naive.dt.tz_localize(zone, nonexistent="shift_forward", ambiguous=first)
        faults.rows(
            naive, skipped, "falls in an hour that the clock skips; moved to the next that exists"
        )
    second = naive.dt.tz_localize(zone, nonexistent="shift_forward", ambiguous=~first)
    twice = (second != local).to_numpy(dtype=bool) & local.notna().to_numpy(dtype=bool)
    faults.rows(naive, twice, "falls in an hour that the clock repeats; taken as the first")
    return local.astype(f"datetime64[us, {zone}]")
