"""The tasks of a city's plans within what units can do: when each starts, why not, what one more crew would bring."""

import math
from collections.abc import Iterable
from datetime import date

import pandas as pd

from gridgov.pack.city import City
from planner.allocation import (
    Limits,
    WhyNot,
    allocate,
    order_by_urgency,
    value_more_capacity,
)
from planner.plans.record import Plan, Task

ALLOCATION_COLUMNS = (
    "urgency",
    "task_id",
    "street_code",
    "task_no",
    "title",
    "unit_code",
    "benefit",
    "months",
    "cost",
    "earliest_month",
    "latest_month",
    "start_month",
    "why_not",
    "lacking",
    "one_more_avoids",
)
"""One row per task that has a lead, the most urgent first · ``benefit`` appeals a month that it is to avoid ·
``months`` it lasts · ``cost`` in 10,000 yuan, the middle of its range · months as 2026-01 · ``start_month`` empty where
it has no place or no capacities are known · ``why_not`` :class:`~planner.allocation.WhyNot` · ``lacking`` the unit or
budget that is short · ``one_more_avoids`` appeals within the year that one more task at a time of its unit would avoid,
in the whole city."""

HORIZON = 12
CREWS_A_TASK = 1.0
"""What a task takes of its unit's capacity while it runs; capacities are tasks at the same time. Assumed."""
MONTH_DAYS = 365.25 / 12


def allocate_plans(city: City, plans: Iterable[Plan], *, today: date) -> pd.DataFrame:
    """Return the allocation of all tasks: :data:`ALLOCATION_COLUMNS`.

    Without a table ``capacities`` in the pack there is an order of urgency only, and no dates.

    Parameters
    ----------
    city
        The pack; ``capacities`` holds ``unit_code month capacity``, months as 2026-01.
    plans
        Of all streets.
    today
        The plans' day; its month is the first that can be used.

    Raises
    ------
    AllocationError
        A figure of a task or a capacity cannot be meant.
    """
    tasks = make_task_table(city, plans, today=today)
    ordered = order_by_urgency(tasks)
    rows = ordered.assign(
        urgency=range(1, len(ordered) + 1),
        earliest_month=[name_month(today, at) for at in ordered["earliest"]],
        latest_month=[name_month(today, at) for at in ordered["latest"]],
        start_month="",
        why_not="",
        lacking="",
        one_more_avoids=None,
    )
    table = city.tables.get("capacities")
    if table is None or table.empty or tasks.empty:
        return rows[list(ALLOCATION_COLUMNS)]
    limits = Limits(capacity=make_capacity(table, today=today), horizon=HORIZON)
    found = allocate(tasks, limits)
    chosen = found.tasks.loc[rows["task_id"]]
    short = sorted(set(chosen.loc[chosen["why_not"] == WhyNot.CAPACITY, "lacking"]))
    more = {
        unit: round(
            value_more_capacity(tasks, limits, unit_code=unit, more=CREWS_A_TASK, base=found), 1
        )
        for unit in short
    }
    rows["start_month"] = [
        name_month(today, start) if start >= 0 else "" for start in chosen["start"]
    ]
    rows["why_not"], rows["lacking"] = chosen["why_not"].to_numpy(), chosen["lacking"].to_numpy()
    rows["one_more_avoids"] = rows["unit_code"].map(more)
    return rows[list(ALLOCATION_COLUMNS)]


def make_task_table(city: City, plans: Iterable[Plan], *, today: date) -> pd.DataFrame:
    """Return the tasks as :mod:`planner.allocation` takes them, with the words of their plans."""
    streets = city.streets
    districts = dict(zip(streets["street_code"].astype(str), streets["district_code"], strict=True))
    rows = [
        make_task_row(task, str(plan.street["code"]), today=today)
        | {"district_code": str(districts.get(str(plan.street["code"]), ""))}
        for plan in plans
        for task in plan.tasks
        if task.lead is not None
    ]
    columns = ["task_id", "street_code", "task_no", "title", "unit_code", "district_code"]
    figures = ["benefit", "load", "months", "cost", "earliest", "latest"]
    return pd.DataFrame(rows, columns=[*columns, *figures])


def make_task_row(task: Task, street_code: str, *, today: date) -> dict[str, object]:
    """Return one task; a task without a lead has no unit that could do it."""
    start, due = date.fromisoformat(task.start_on), date.fromisoformat(task.due_on)
    latest = count_months(today, task.latest_start_on) if task.latest_start_on else HORIZON - 1
    earliest = max(count_months(today, task.start_on), 0)
    cost = task.cost
    known = [] if cost is None else [one for one in (cost.low, cost.high) if one is not None]
    return {
        "task_id": task.task_id,
        "street_code": street_code,
        "task_no": task.task_no,
        "title": task.title,
        "unit_code": "" if task.lead is None else task.lead.unit_code,
        "benefit": round(task.target.baseline_per_month * task.target.planned_effect, 3),
        "load": CREWS_A_TASK,
        "months": max(math.ceil((due - start).days / MONTH_DAYS), 1),
        "cost": round(sum(known) / len(known), 2) if known else 0.0,
        "earliest": earliest,
        "latest": max(latest, earliest),
    }


def make_capacity(table: pd.DataFrame, *, today: date) -> pd.DataFrame:
    """Return capacities with months counted from today's."""
    return pd.DataFrame(
        {
            "unit_code": table["unit_code"].astype(str).to_numpy(),
            "month": [count_months(today, f"{month}-01") for month in table["month"]],
            "capacity": pd.to_numeric(table["capacity"], errors="coerce").to_numpy(),
        }
    )


def count_months(today: date, day: str) -> int:
    """Return the months from today's month to that of a day (ISO)."""
    other = date.fromisoformat(day)
    return (other.year - today.year) * 12 + other.month - today.month


def name_month(today: date, months: int) -> str:
    """Return the month that lies so many months after today's."""
    at = today.year * 12 + today.month - 1 + int(months)
    return f"{at // 12}-{at % 12 + 1:02d}"
