"""Which tasks fit into the capacities that there are, and when: a mixed integer programme.

A task that starts in month s and lasts d months avoids its monthly appeals from s + d to the end of the horizon. The
sum of what is avoided is as large as capacities (unit × month), money and fairness allow (``scipy.optimize.milp``,
HiGHS branch and cut). Fairness: the avoided appeals of each district are at least a floor of its proportional part;
what cannot be reached is missed as little as possible and said.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, sparse

from planner.errors import PlannerError

Floats = NDArray[np.float64]

TASK_COLUMNS = (
    "task_id",
    "unit_code",
    "district_code",
    "benefit",
    "load",
    "months",
    "cost",
    "earliest",
    "latest",
)
"""Tasks: ``benefit`` appeals a month that it is expected to avoid · ``load`` capacity a month while it runs, of the
unit · ``months`` it lasts, 1 or more · ``cost`` in the budget's unit · ``earliest latest`` month in which it may
start, counted from 0."""


class AllocationError(PlannerError):
    """Tasks, capacities or options that cannot be meant."""


class WhyNot(StrEnum):
    """Why a task is not among those chosen."""

    CAPACITY = "capacity"
    BUDGET = "budget"
    HORIZON = "horizon"
    NO_CAPACITY_KNOWN = "no_capacity_known"
    OTHERS_FIRST = "others_first"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What there is.

    Parameters
    ----------
    capacity
        ``unit_code month capacity``; a unit without a row has none known.
    horizon
        Months.
    budget
        For all tasks together; None: no limit.
    fairness
        Floor of each district's part, 0-1.
    seconds
        Time limit of one solution.
    gap
        Relative distance to the bound at which it is good enough.
    """

    capacity: pd.DataFrame
    horizon: int = 12
    budget: float | None = None
    fairness: float = 0.5
    seconds: float = 10.0
    gap: float = 0.005


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """The answer.

    Parameters
    ----------
    tasks
        Index ``task_id``: ``start`` month or -1 · ``why_not`` :class:`WhyNot` or empty · ``lacking`` what is missing, a
        unit, "budget" or empty.
    avoided
        Appeals until the end of the horizon.
    bound
        No allocation can avoid more.
    is_proven
        Whether the gap was reached within the time.
    short
        District → avoided appeals that are missing to its floor.
    """

    tasks: pd.DataFrame
    avoided: float
    bound: float
    is_proven: bool
    short: dict[str, float] = field(default_factory=dict)


def order_by_urgency(tasks: pd.DataFrame) -> pd.DataFrame:
    """Return tasks by urgency, where no capacities are known: no dates, no pretence.

    Those whose season comes first, then those that avoid most a month.
    """
    return tasks.sort_values(
        ["latest", "benefit", "task_id"], ascending=[True, False, True], ignore_index=True
    )


def allocate(tasks: pd.DataFrame, limits: Limits) -> Allocation:
    """Choose and date tasks.

    Parameters
    ----------
    tasks
        :data:`TASK_COLUMNS`.
    limits
        What there is.

    Raises
    ------
    AllocationError
        If a figure is missing or below 0, a name stands twice, or the horizon is shorter than a month.
    """
    check_tasks(tasks, limits)
    tasks = tasks.sort_values("task_id", ignore_index=True)
    capacity = _make_capacity(tasks, limits)
    starts = _list_starts(tasks, capacity, limits)
    if starts.empty:
        return _answer(
            tasks, starts, np.zeros(0), capacity, limits, bound=0.0, is_proven=True, short={}
        )
    solution, short = _solve(tasks, starts, capacity, limits)
    chosen = np.asarray(solution.x[: len(starts)]) > 0.5
    gap = float(solution.mip_gap) if solution.mip_gap is not None else np.inf
    bound = -float(solution.mip_dual_bound) if solution.mip_dual_bound is not None else np.inf
    return _answer(
        tasks,
        starts[chosen],
        starts["avoided"].to_numpy()[chosen],
        capacity,
        limits,
        bound=max(bound, 0.0),
        is_proven=gap <= limits.gap + 1e-9,
        short=short,
    )


def value_more_capacity(
    tasks: pd.DataFrame, limits: Limits, *, unit_code: str, more: float, base: Allocation
) -> float:
    """Return how many more appeals would be avoided with more capacity of a unit in every month: a second solution."""
    extra = limits.capacity.copy()
    rows = extra["unit_code"] == unit_code
    if not rows.any():
        raise AllocationError(
            f"No capacity of unit {unit_code} is known; there is nothing to add to."
        )
    extra.loc[rows, "capacity"] = extra.loc[rows, "capacity"].astype(float) + more
    richer = Limits(**{**vars(limits), "capacity": extra})
    return max(allocate(tasks, richer).avoided - base.avoided, 0.0)


def check_tasks(tasks: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """Return `tasks` if they can be allocated.

    Raises
    ------
    AllocationError
        With the first fault.
    """
    missing = [name for name in TASK_COLUMNS if name not in tasks.columns]
    if missing:
        raise AllocationError(f"Tasks lack the column {missing[0]!r}.")
    if tasks["task_id"].duplicated().any():
        twice = tasks.loc[tasks["task_id"].duplicated(), "task_id"].iloc[0]
        raise AllocationError(f"Task {twice} stands twice.")
    figures = tasks[["benefit", "load", "months", "cost", "earliest", "latest"]].to_numpy(
        dtype=np.float64
    )
    wrong = ~(np.isfinite(figures) & (figures >= 0)).all(axis=1) | (figures[:, 2] < 1)
    if wrong.any():
        row = tasks[wrong].iloc[0]
        raise AllocationError(
            f"Task {row['task_id']}: benefit {row['benefit']}, load {row['load']}, months {row['months']}, cost "
            f"{row['cost']}; figures must be 0 or more and months at least 1."
        )
    if limits.horizon < 1 or not 0 <= limits.fairness <= 1:
        raise AllocationError(
            f"Horizon {limits.horizon} months, fairness {limits.fairness}: 1 or more, and 0 to 1."
        )
    amounts = pd.to_numeric(limits.capacity["capacity"], errors="coerce")
    if not (amounts >= 0).all():
        row = limits.capacity[~(amounts >= 0)].iloc[0]
        raise AllocationError(
            f"Capacity of {row['unit_code']} in month {row['month']} is {row['capacity']}; 0 or more."
        )
    return tasks


def _make_capacity(tasks: pd.DataFrame, limits: Limits) -> dict[str, Floats]:
    """Return capacity by month of every unit that has a task and a known capacity."""
    known = limits.capacity[limits.capacity["unit_code"].isin(tasks["unit_code"])]
    table: dict[str, Floats] = {}
    for unit, month, amount in known[["unit_code", "month", "capacity"]].itertuples(index=False):
        months = table.setdefault(str(unit), np.zeros(limits.horizon))
        if 0 <= int(month) < limits.horizon:
            months[int(month)] += float(amount)
    return table


def _list_starts(tasks: pd.DataFrame, capacity: dict[str, Floats], limits: Limits) -> pd.DataFrame:
    """Return every month in which a task could start with its unit's whole capacity and still end in time."""
    rows = []
    for number, task in enumerate(tasks.itertuples()):
        months = capacity.get(str(task.unit_code))
        if months is None:
            continue
        length = int(np.ceil(task.months))
        for start in range(int(task.earliest), min(int(task.latest), limits.horizon - length) + 1):
            if (months[start : start + length] >= task.load - 1e-9).all():
                avoided = task.benefit * (limits.horizon - start - length)
                rows.append((number, start, length, avoided))
    return pd.DataFrame(rows, columns=["task", "start", "length", "avoided"])


def _solve(
    tasks: pd.DataFrame, starts: pd.DataFrame, capacity: dict[str, Floats], limits: Limits
) -> tuple[optimize.OptimizeResult, dict[str, float]]:
    """Return the solution over starts and the shortfall of each district, and that shortfall."""
    n = len(starts)
    task = starts["task"].to_numpy()
    # Every task avoids a little even at the end, so that one which fits is chosen rather than left.
    avoided = starts["avoided"].to_numpy(dtype=np.float64) + 1e-6
    districts = sorted(set(tasks["district_code"].iloc[np.unique(task)]))
    rows: list[sparse.csr_array] = []
    upper: list[float] = []

    def limit(row: Floats, most: float) -> None:
        rows.append(sparse.csr_array(row[None]))
        upper.append(most)

    width = n + len(districts)
    for number in np.unique(task):
        limit(np.append((task == number).astype(float), np.zeros(len(districts))), 1.0)
    load = tasks["load"].to_numpy(dtype=np.float64)[task]
    unit = tasks["unit_code"].astype(str).to_numpy()[task]
    for code, months in capacity.items():
        for month, amount in enumerate(months):
            runs = (
                (unit == code)
                & (starts["start"].to_numpy() <= month)
                & (month < (starts["start"] + starts["length"]).to_numpy())
            )
            if runs.any():
                limit(np.append(np.where(runs, load, 0.0), np.zeros(len(districts))), float(amount))
    if limits.budget is not None:
        cost = tasks["cost"].to_numpy(dtype=np.float64)[task]
        limit(np.append(cost, np.zeros(len(districts))), float(limits.budget))
    district = tasks["district_code"].to_numpy()[task]
    best = starts.groupby("task")["avoided"].max()
    whole = float(best.sum())
    for place, code in enumerate(districts):
        own = float(best[tasks["district_code"].iloc[best.index].to_numpy() == code].sum())
        row = np.zeros(width)
        if whole > 0:
            row[:n] = limits.fairness * own / whole * avoided - np.where(
                district == code, avoided, 0.0
            )
        row[n + place] = -1.0
        limit(row, 0.0)
    solution = optimize.milp(
        np.concatenate([-avoided, np.full(len(districts), 2.0)]),
        integrality=np.concatenate([np.ones(n), np.zeros(len(districts))]),
        bounds=optimize.Bounds(
            np.zeros(width), np.concatenate([np.ones(n), np.full(len(districts), np.inf)])
        ),
        constraints=optimize.LinearConstraint(sparse.vstack(rows), ub=np.array(upper)),
        options={"time_limit": limits.seconds, "mip_rel_gap": limits.gap},
    )
    if solution.x is None:
        raise AllocationError(
            f"No allocation was found in {limits.seconds} s; allow more time or fewer tasks."
        )
    short = {
        str(code): round(float(value), 3)
        for code, value in zip(districts, solution.x[n:], strict=True)
        if value > 0.05
    }
    return solution, short


def _answer(
    tasks: pd.DataFrame,
    chosen: pd.DataFrame,
    avoided: Floats,
    capacity: dict[str, Floats],
    limits: Limits,
    *,
    bound: float,
    is_proven: bool,
    short: dict[str, float],
) -> Allocation:
    """Return the answer with a reason for each task that is left."""
    left = {code: months.copy() for code, months in capacity.items()}
    start = np.full(len(tasks), -1, dtype=np.int64)
    spent = 0.0
    for row in chosen.itertuples():
        task = tasks.iloc[row.task]
        start[row.task] = row.start
        left[str(task["unit_code"])][row.start : row.start + row.length] -= float(task["load"])
        spent += float(task["cost"])
    money = None if limits.budget is None else limits.budget - spent
    reasons = [
        ("", "") if start[number] >= 0 else _explain(task, capacity, left, money, limits.horizon)
        for number, (_, task) in enumerate(tasks.iterrows())
    ]
    table = pd.DataFrame(
        {
            "start": start,
            "why_not": [str(reason) for reason, _ in reasons],
            "lacking": [lacking for _, lacking in reasons],
        },
        index=pd.Index(tasks["task_id"], name="task_id"),
    )
    total = float(avoided.sum())
    return Allocation(
        tasks=table, avoided=total, bound=max(bound, total), is_proven=is_proven, short=short
    )


def _explain(
    task: pd.Series,
    capacity: dict[str, Floats],
    left: dict[str, Floats],
    money: float | None,
    horizon: int,
) -> tuple[WhyNot, str]:
    """Return why a task is not chosen and what it lacks."""
    unit, length = str(task["unit_code"]), int(np.ceil(task["months"]))
    if unit not in capacity:
        return WhyNot.NO_CAPACITY_KNOWN, unit
    starts = range(int(task["earliest"]), min(int(task["latest"]), horizon - length) + 1)
    if not starts:
        return WhyNot.HORIZON, ""

    def fits(months: Floats) -> bool:
        return any((months[s : s + length] >= task["load"] - 1e-9).all() for s in starts)

    if not fits(left[unit]):
        return WhyNot.CAPACITY, unit
    if money is not None and float(task["cost"]) > money + 1e-9:
        return WhyNot.BUDGET, "budget"
    return WhyNot.OTHERS_FIRST, ""
