"""Is the duty list as good as the work it steers? Faults, pressure, bounces and practice in one report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.problems import Problem
from gridgov.jobs.order_file import restore_codes
from gridgov.pack.duties import CityDuties
from gridgov.reading.faults import RowFaults
from gridgov.reading.times import TimeRules, read_times
from gridgov.rules.duties import (
    Bounces,
    DutyFault,
    DutyGraph,
    check_duties,
    find_bounces,
    find_place_units,
    find_practice,
    find_pressure,
    find_solvers,
)

ORDER_NEEDS = ("order_no", "item_code")
TRANSFER_NEEDS = ("at", "from_unit", "to_unit")
YES = frozenset({"true", "1", "1.0", "是", "solved", "已解决"})


@dataclass(frozen=True, kw_only=True)
class DutyReport:
    """What a duty list is worth.

    Parameters
    ----------
    on_date
        Day of the list.
    graph
        The list of that day.
    faults
        What is wrong with the list by itself.
    pressure
        Frame of ``gridgov.rules.duties.unit_load.PRESSURE_COLUMNS``.
    bounces
        None without transfers.
    practice
        Frame of ``gridgov.rules.duties.practice.PRACTICE_COLUMNS``; None without orders that say who solved them.
    problems
        Rows that could not be read.
    """

    on_date: date
    graph: DutyGraph
    faults: tuple[DutyFault, ...]
    pressure: pd.DataFrame
    bounces: Bounces | None
    practice: pd.DataFrame | None
    problems: tuple[Problem, ...]


def make_duty_report(
    duties: CityDuties,
    on_date: date,
    *,
    orders_file: Path | None = None,
    transfers_file: Path | None = None,
) -> DutyReport:
    """Return the report on a city's duty list.

    Parameters
    ----------
    duties
        Of the city.
    on_date
        Day of the list.
    orders_file
        ``orders.parquet`` or ``orders.csv`` of ``gridgov run``: real demand and who solved what. Without it
        every item counts one order.
    transfers_file
        Table with ``order_no`` (or ``appeal_no``), ``at``, ``from_unit``, ``to_unit``.

    Raises
    ------
    InvalidDataError
        A file cannot be read or lacks a column.
    """
    graph = duties.graph(on_date)
    known = duties.known_codes
    orders, problems = (None, []) if orders_file is None else _read_orders(orders_file, known)
    if orders is not None:
        named = [orders[name].dropna() for name in ("order_no", "appeal_no") if name in orders]
        known = {**known, **dict.fromkeys(("order_no", "appeal_no"), frozenset().union(*named))}
    transfers, found = (
        (None, []) if transfers_file is None else _read_transfers(transfers_file, known)
    )
    demand = dict.fromkeys(graph.items, 1.0) if orders is None else _count(orders)
    if transfers is not None and orders is not None and "appeal_no" in orders:
        numbers = dict(zip(orders["appeal_no"], orders["order_no"], strict=True))
        transfers["order_no"] = transfers["order_no"].map(numbers).fillna(transfers["order_no"])
    return DutyReport(
        on_date=on_date,
        graph=graph,
        faults=tuple(check_duties(graph, demand)),
        pressure=find_pressure(graph, demand),
        bounces=None if transfers is None else _find_bounces(graph, transfers, orders),
        practice=None if orders is None else _find_practice(graph, orders, transfers),
        problems=(*problems, *found),
    )


def _read_orders(
    path: Path, known: Mapping[str, frozenset[str]]
) -> tuple[pd.DataFrame, list[Problem]]:
    frame, problems = read_table(path, names=ORDER_NEEDS)
    _check_columns(frame, ORDER_NEEDS, path)
    needed = (*ORDER_NEEDS, "unit_code", "unit_recorded")
    frame, notes = restore_codes(frame, path, needed=needed, known=known)
    return frame, [*problems, *notes]


def _read_transfers(
    path: Path, known: Mapping[str, frozenset[str]]
) -> tuple[pd.DataFrame, list[Problem]]:
    frame, problems = read_table(path, names=("order_no", "appeal_no", *TRANSFER_NEEDS))
    frame, notes = restore_codes(frame, path, known=known)
    problems = [*problems, *notes]
    if "order_no" not in frame and "appeal_no" in frame:
        frame = frame.rename(columns={"appeal_no": "order_no"})
    _check_columns(frame, ("order_no", *TRANSFER_NEEDS), path)
    faults = RowFaults(str(path))
    faults.add(*problems)
    times = read_times(frame["at"], TimeRules(zone=ZoneInfo("UTC")), faults)
    wrong = frame["at"].notna() & times.isna()
    faults.rows(frame["at"], wrong, "is no time", expected="such as 2024-01-31 08:30:00")
    return frame.assign(at=times), faults.problems()


def _check_columns(frame: pd.DataFrame, needed: tuple[str, ...], path: Path) -> None:
    missing = [name for name in needed if name not in frame]
    if missing:
        found = ", ".join(map(str, frame.columns))
        problems = [
            Problem(
                file=str(path),
                field=name,
                problem="this column is missing",
                expected=f"columns {', '.join(needed)}; the header has {found}",
            )
            for name in missing
        ]
        raise InvalidDataError(problems)


def _count(orders: pd.DataFrame) -> Mapping[str, float]:
    counts = orders["item_code"].value_counts()
    return {str(code): float(count) for code, count in counts.items()}


def _find_bounces(
    graph: DutyGraph, transfers: pd.DataFrame, orders: pd.DataFrame | None
) -> Bounces:
    items = (
        None
        if orders is None
        else orders.drop_duplicates("order_no").set_index("order_no")["item_code"]
    )
    return find_bounces(transfers, places=find_place_units(graph), items=items)


def _find_practice(
    graph: DutyGraph, orders: pd.DataFrame, transfers: pd.DataFrame | None
) -> pd.DataFrame | None:
    """Return amendments from orders solved; who solved them is the last unit, else the recorded one."""
    if "solved" not in orders or "unit_recorded" not in orders:
        return None
    solved = orders[orders["solved"].astype("str").str.lower().isin(YES)]
    solved = solved.assign(unit_code=solved["unit_recorded"])
    if transfers is not None:
        solved = solved.assign(unit_code=find_solvers(solved, transfers))
    return find_practice(graph, solved[solved["unit_code"].notna()])
