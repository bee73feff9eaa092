"""The monthly assessment of a city from files: orders, callbacks and exclusions → rates and ranks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd

from geodata.problems import Problem
from gridgov.errors import GridgovError
from gridgov.jobs.rate_files import (
    RateFiles,
    check_columns,
    read_callbacks,
    read_decisions,
    read_exclusions,
    read_times_of,
)
from gridgov.pack.duties import CityDuties, load_city_duties
from gridgov.rules.constants import Constants
from gridgov.rules.rates.assessment import Judged, judge_orders, make_assessment
from gridgov.rules.rates.callbacks import NO_ANSWER
from gridgov.rules.rates.constants import ANSWER_NAMES
from gridgov.rules.rates.window import make_month, make_window_rules
from gridgov.rules.streets import ClassDecision, count_appeals, review_months
from gridgov.rules.streets.class_decisions import find_changed_proposals

Responsible = Literal["handled", "dispatched"]
"""Whose orders they are: of the unit that the export names (``unit_recorded``), or of the one we dispatch to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RateReport:
    """What a month is worth, with every row accounted for.

    Parameters
    ----------
    city, synthetic, constants
        Of the city.
    names
        Of units, by code.
    last_month
        The last month that the orders cover to its end, else the last with callbacks; empty for none.
    windows
        Start and end of each month with orders, first to last; the end is no part of it.
    table
        Frame of ``gridgov.rules.rates.assessment.ASSESSMENT_COLUMNS``, all months.
    classes
        Frame of ``gridgov.rules.streets.class_review.REVIEW_COLUMNS``: what the rules propose and what people decided;
        by the number of residents only where the pack says it.
    counts
        ``read`` = ``in_months`` + ``no_month`` + ``no_unit`` + ``repeated``; of those in a month ``callbacks`` count,
        ``excluded`` do not.
    flags
        Number of orders by flag of their callback.
    problems
        What is wrong with the files.
    """

    city: str
    synthetic: bool
    constants: Constants
    names: Mapping[str, str]
    last_month: str
    windows: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]]
    table: pd.DataFrame
    classes: pd.DataFrame
    counts: Mapping[str, int]
    flags: Mapping[str, int]
    problems: tuple[Problem, ...]


def make_rate_report(
    city: Path | str,
    files: RateFiles,
    *,
    as_of: pd.Timestamp | None = None,
    responsible: Responsible = "handled",
) -> RateReport:
    """Return the assessment of every month.

    Parameters
    ----------
    city
        City pack.
    files
        ``orders.parquet`` or ``orders.csv`` of ``gridgov run``; tables of ``callbacks.CALLBACK_COLUMNS``,
        ``exclusions.EXCLUSION_COLUMNS`` and ``class_decisions.DECISION_COLUMNS``.
    as_of
        Moment of the judgement, naive in the city's time or aware; None takes everything as past.
    responsible
        Whose orders they are.

    Raises
    ------
    CityError, InvalidDataError, GridgovError
        If a pack or a file cannot be used.
    """
    pack = load_city_duties(city)
    moment = _make_moment(as_of, pack.timezone)
    orders, problems = read_times_of(files.orders, pack.timezone, known=pack.known_codes)
    answers = ANSWER_NAMES if files.callbacks is None else ()
    by = pack.constants.text("rates.window_by")
    timed = () if by == "called_at" else (by,)
    check_columns(orders, ("order_no", "unit_code", *timed, *answers), files.orders)
    orders["unit_code"] = _find_units(orders, responsible)
    callbacks, found = read_callbacks(files.callbacks, orders, pack.timezone)
    excluded, faults = read_exclusions(files.exclusions, orders, pack, moment)
    judged = judge_orders(
        orders, as_of=moment, constants=pack.constants, callbacks=callbacks, excluded=excluded
    )
    table = make_assessment(judged.orders, pack.units, constants=pack.constants)
    decisions, unsound = read_decisions(files.decisions, pack, moment)
    classes = _review(table, judged.orders, orders, pack=pack, decisions=decisions)
    said = _find_problems(judged, files, table, constants=pack.constants)
    said += find_changed_proposals(classes, decisions, file=str(files.decisions))
    windows = _find_windows(table["month"], pack)
    return RateReport(
        city=pack.name,
        synthetic=pack.synthetic,
        constants=pack.constants,
        names=dict(zip(pack.units["unit_code"], pack.units["name"], strict=True)),
        last_month=_find_last(table, windows, orders, moment),
        windows=windows,
        table=table,
        classes=classes,
        counts=_count(len(orders), judged.orders),
        flags=_count_flags(judged.orders),
        problems=(*problems, *found, *faults, *unsound, *said),
    )


def _review(
    table: pd.DataFrame,
    judged: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    pack: CityDuties,
    decisions: tuple[ClassDecision, ...],
) -> pd.DataFrame:
    """Return what the rules propose for each street: by appeals at the place where it is known, else by orders."""
    if {"street_code", "received_at"} <= set(orders):
        appeals = count_appeals(orders.drop_duplicates("order_no"))
    else:
        appeals = judged.groupby([judged["month"], judged["unit_code"]]).size()
    return review_months(
        table,
        pack.units.loc[pack.units["kind"] == "street", "unit_code"],
        appeals,
        constants=pack.constants,
        find_population=pack.find_population,
        decisions=decisions,
    )


def _make_moment(as_of: pd.Timestamp | None, zone: ZoneInfo) -> pd.Timestamp:
    if as_of is None:
        return pd.Timestamp("9999-12-31", tz=zone).as_unit("us")
    moment = as_of.tz_localize(zone) if as_of.tzinfo is None else as_of.tz_convert(zone)
    return moment.as_unit("us")


def _find_windows(
    months: pd.Series, pack: CityDuties
) -> dict[str, tuple[pd.Timestamp, pd.Timestamp]]:
    rules = make_window_rules(pack.constants)
    windows = [make_month(name, rules, pack.timezone) for name in sorted(months.unique())]
    return {window.name: (window.start_at, window.end_at) for window in windows}


def _find_last(
    table: pd.DataFrame,
    windows: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]],
    orders: pd.DataFrame,
    moment: pd.Timestamp,
) -> str:
    """Return the month to show: a month that has only begun would rank units by a few days."""
    called = table.loc[table["callbacks"] > 0, "month"]
    known = sorted(called.unique()) or sorted(windows)
    if "received_at" in orders:
        end = min(moment, orders["received_at"].max())
        whole = [name for name in known if windows[name][1] <= end]
        known = whole or known
    return known[-1] if known else ""


def _find_units(orders: pd.DataFrame, responsible: Responsible) -> pd.Series:
    units = orders["unit_code"].astype("str")
    if responsible == "handled" and "unit_recorded" in orders:
        units = orders["unit_recorded"].astype("str").fillna(units)
    return units.where(units != "")


def _count(read: int, judged: pd.DataFrame) -> dict[str, int]:
    unit, month = judged["unit_code"].notna(), judged["month"].notna()
    used = judged[unit & month]
    return {
        "read": read,
        "in_months": len(used),
        "no_month": int((unit & ~month).sum()),
        "no_unit": int((~unit).sum()),
        "repeated": read - len(judged),
        "callbacks": int((used["valid"] & ~used["excluded"]).sum()),
        "excluded": int(used["excluded"].sum()),
    }


def _count_flags(judged: pd.DataFrame) -> dict[str, int]:
    flags = judged.loc[judged["flag"] != "", "flag"].value_counts().sort_index()
    return {str(flag): int(n) for flag, n in flags.items()}


def _find_problems(
    judged: Judged, files: RateFiles, table: pd.DataFrame, *, constants: Constants
) -> list[Problem]:
    """Return what is to be said of the files as a whole."""
    answers = files.callbacks or files.orders
    strangers = sorted(table.loc[table["name"] == table["unit_code"], "unit_code"].unique())
    found = (
        (
            files.orders,
            _list_few(judged.conflicting),
            "orders come more than once with different facts; none of them counts",
            "each order once",
        ),
        (
            answers,
            str(judged.unknown_callbacks or ""),
            "callbacks are of orders that are not there; they count nowhere",
            "the same order numbers in both files",
        ),
        (
            files.orders,
            _list_few(strangers),
            "units are not in the pack; they have rates but no rank",
            "codes of the table of units",
        ),
    )
    problems = [
        Problem(file=str(path), value=value, problem=text, expected=expected, severity="warning")
        for path, value, text, expected in found
        if value
    ]
    return [*problems, *_find_silence(judged, answers, constants)]


def _find_silence(judged: Judged, answers: Path, constants: Constants) -> Iterator[Problem]:
    """Say so where no callback is valid, and which question nobody ever answers."""
    if judged.orders["valid"].any():
        return
    needed = constants.texts("rates.answers_needed")
    never = [name for name in needed if (judged.orders[name] == NO_ANSWER).all()]
    yield Problem(
        file=str(answers),
        field=", ".join(never),
        problem="no callback is valid, so no unit has a rate",
        expected="answers, or [rates] answers_needed with only what is asked here",
        severity="warning",
    )


def _list_few(codes: Sequence[str]) -> str:
    """Return how many codes there are and the first of them, empty for none."""
    return f"{len(codes)}: {', '.join(codes[:5])}{' …' if len(codes) > 5 else ''}" if codes else ""


def get_month(report: RateReport, month: str | None) -> str:
    """Return the month asked for, else the last whole one.

    Raises
    ------
    GridgovError
        If there is no such month.
    """
    name = month or report.last_month
    if name in report.windows:
        return name
    known = list(report.windows)
    span = f"{known[0]} to {known[-1]}" if known else "none"
    raise GridgovError(f"found no order in month {month or 'at all'}; months with orders: {span}")
