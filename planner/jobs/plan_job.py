"""Plans from the orders of an earlier run: hotspots, street plans and their pages, without placing an appeal again."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from geodata.paths import check_replaceable, replace_folder
from geodata.problems import Problem, make_problem_frame
from gridgov.jobs.order_file import OrdersRead, read_orders
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.rules.duties import find_code
from gridgov.rules.in_force import get_in_force
from planner.documents.pages import QUICK_FORMS, Form
from planner.errors import PlannerError
from planner.jobs.desk import PlanningResult, get_grid, make_plans
from planner.jobs.outputs import Found, find_as_of, write_all
from planner.plans.record import Plan, make_content_hash, read_plan


@dataclass(frozen=True, kw_only=True)
class PlanJobOptions:
    """How plans are made from orders.

    Parameters
    ----------
    assets_dir
        Folder with the page assets (``leaflet/``).
    street
        Code, name or part of the name of the one street that gets a plan, whatever its class; empty: every street of
        a governed class or with a hotspot to govern.
    previous
        Folder of an earlier run: tasks keep their ids, edits survive, the diagnosis compares; None for none.
    forms
        In which each plan is written.
    as_of
        The moment the job looks back from; None: the end of the day of the newest order.
    is_masked
        Whether personal numbers in free text are masked in what is written.
    is_dry_run
        Whether to work everything out and write nothing.
    """

    assets_dir: Path
    street: str = ""
    previous: Path | None = None
    forms: Collection[Form] = QUICK_FORMS
    as_of: datetime | None = None
    is_masked: bool = True
    is_dry_run: bool = False


def run_plan_job(
    city: City,
    orders_path: Path,
    out_dir: Path,
    *,
    options: PlanJobOptions,
    progress: Progress = ignore_progress,
) -> dict[str, Any]:
    """Make the plans and return the summary, as written to ``summary.json``.

    The folder appears as a whole when all is written; until then, and after a failure, an earlier one stays.

    Raises
    ------
    FolderInUseError
        If `out_dir` holds something else.
    InvalidDataError
        If the file cannot be read, or no row of it can be used.
    UnknownEntryError
        If the street asked for is none of the city's.
    PlannerError
        If the city has no unit grid, or a plan of the earlier run cannot be read, was changed beside its edits, or
        names a unit out of force in them.
    """
    check_replaceable(out_dir)
    street = find_street(city, options.street) if options.street else ""
    previous = {} if options.previous is None else read_plans(options.previous)
    clock = StageClock(progress)
    with clock.stage("read"):
        read = read_orders(orders_path, zone=city.settings.timezone, known=city.known_codes)
        orders, faults = check_places(city, read.orders, orders_path)
    as_of = find_as_of(orders) if options.as_of is None else pd.Timestamp(options.as_of)
    check_edits(city, previous, as_of=as_of)
    planning = make_plans(
        city,
        orders,
        as_of=as_of,
        streets=[street] if street else None,
        previous=previous,
        progress=progress,
    )
    problems = pd.concat(
        [make_problem_frame(city.problems), read.problems, make_problem_frame(faults)],
        ignore_index=True,
    )
    summary = make_summary(city, read, planning, as_of=as_of, street=street) | {
        "problems": len(problems)
    }
    if options.is_dry_run:
        return summary
    found = Found(
        city=city,
        orders=orders[orders["street_code"] == street] if street else orders,
        problems=problems,
        planning=planning,
    )
    with replace_folder(out_dir) as folder:
        write_all(
            found,
            summary,
            folder,
            clock=clock,
            seconds=planning.seconds,
            assets_dir=options.assets_dir,
            forms=options.forms,
            is_masked=options.is_masked,
        )
    return summary


def read_plans(folder: Path) -> dict[str, Plan]:
    """Return the plans of an earlier run by street code.

    Parameters
    ----------
    folder
        Of ``gridgov plan`` or ``gridgov run``.

    Raises
    ------
    PlannerError
        There is no plan in it, or one cannot be read, or it is not what its hash says; the file is named.
    """
    files = sorted(folder.glob("plans/*/plan.json"))
    if not files:
        raise PlannerError(f"{folder} holds no plans; expected plans/<street>/plan.json of a run")
    plans = {}
    for file in files:
        try:
            plan = read_plan(file.read_text("utf-8"))
        except (PlannerError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise PlannerError(f"{file}: {error}") from error
        if make_content_hash(plan) != plan.content_hash:
            raise PlannerError(
                f"{file}: the plan is not what its content_hash says: it was changed by hand, and those changes "
                "would be lost; expected them as edits (path, after) with the plan edited by the program"
            )
        plans[str(plan.street["code"])] = plan
    return plans


def check_edits(city: City, plans: Mapping[str, Plan], *, as_of: pd.Timestamp) -> None:
    """Refuse edits of earlier plans that name units which are not in force on the plan's day.

    Raises
    ------
    PlannerError
        With every such edit.
    """
    day = (as_of.tz_convert(city.settings.timezone) - pd.Timedelta(seconds=1)).date()
    known = set(get_in_force(city.units, day)["unit_code"].astype("str"))
    known |= set(city.streets["street_code"].astype("str"))
    gone = [
        f"{plan.plan_no} {edit.path}: {unit}"
        for plan in plans.values()
        for edit in plan.edits
        for unit in find_units(edit.after)
        if unit not in known
    ]
    if gone:
        raise PlannerError(
            f"edits name units that are not in force on {day}: {'; '.join(gone)}; "
            "expected units of the pack's table, or take the edit back"
        )


def find_units(value: object) -> list[str]:
    """Return the codes of the units that a plain value of an edit names, wherever they stand in it."""
    if isinstance(value, Mapping):
        own = [str(value["unit_code"])] if value.get("unit_code") else []
        return own + [code for part in value.values() for code in find_units(part)]
    if isinstance(value, list | tuple):
        return [code for part in value for code in find_units(part)]
    return []


def find_street(city: City, text: str) -> str:
    """Return the code of the street that a person asked for.

    Raises
    ------
    UnknownEntryError
        Nothing fits, or several do.
    """
    streets = city.streets
    return find_code(
        text, dict(zip(streets["street_code"], streets["name"], strict=True)), what="street"
    )


def check_places(
    city: City, orders: pd.DataFrame, path: Path
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the orders with only streets and cells that the city has now, and what was left open.

    An order keeps the version it was judged by; counted by the areas of another it would be in the wrong plan.
    """
    known = pd.Index(city.streets["street_code"].astype("str"))
    cells = orders["cell_code"]
    at = get_grid(city).find_positions(pd.Index(cells.fillna("").astype("str")))
    strange = {
        "street_code": orders["street_code"].notna() & ~orders["street_code"].isin(known),
        "cell_code": cells.notna() & (at < 0),
    }
    versions = orders["boundary_version"].dropna().unique()
    other = sorted({str(one) for one in versions} - {city.boundary_version})
    problems = [
        Problem(
            file=str(path),
            field=name,
            value=str(orders.loc[rows, name].iloc[0]),
            problem=f"{int(rows.sum())} orders name one that the city does not have; they count in none",
            expected="codes of the pack's layers, or orders judged again by them: gridgov rejudge",
            severity="warning",
        )
        for name, rows in strange.items()
        if rows.any()
    ]
    if other:
        problems.append(
            Problem(
                file=str(path),
                field="boundary_version",
                value=", ".join(other),
                problem="the orders were judged by other boundaries than those of the pack",
                expected=f"{city.boundary_version}; see what that changes: gridgov rejudge",
                severity="warning",
            )
        )
    kept = {name: orders[name].where(~rows) for name, rows in strange.items()}
    return orders.assign(**kept), problems


def make_summary(
    city: City, read: OrdersRead, planning: PlanningResult, *, as_of: datetime, street: str
) -> dict[str, Any]:
    """Return what was read and made, in figures."""
    located = int(read.orders["lon"].notna().sum())
    return {
        "city": city.name,
        "synthetic": city.settings.synthetic,
        "as_of": as_of.isoformat(),
        "boundary_version": city.boundary_version,
        "street": street,
        "appeals": {
            "read": read.read,
            "located": located,
            "unlocated": len(read.orders) - located,
            "rejected": read.rejected,
        },
        "orders": len(read.orders),
        "review": int(read.orders["review"].sum()),
        "hotspots": len(planning.hotspots),
        "plans": len(planning.plans),
    }
