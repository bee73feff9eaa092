"""Tasks of plans as a layer for geographic information systems (GeoPackage, EPSG:4326)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from shapely.geometry import shape

from geodata.files import write_layer
from planner.plans.record import Plan, Task

COLUMNS = (
    "plan_no",
    "task_no",
    "street_code",
    "title",
    "place",
    "item_code",
    "item_name",
    "lead",
    "helpers",
    "start_on",
    "due_on",
    "persons",
    "expected",
    "target",
    "radius_m",
)


def make_task_layer(plans: Iterable[Plan]) -> gpd.GeoDataFrame:
    """Return the tasks of plans: :data:`COLUMNS` and the outline of each; a point where a task has none."""
    rows = [(plan, task) for plan in plans for task in plan.tasks]
    values = [_list_values(plan, task) for plan, task in rows]
    shapes = [
        shape(task.outline) if task.outline else shapely.Point(task.lon, task.lat)
        for _, task in rows
    ]
    frame = gpd.GeoDataFrame(values, columns=list(COLUMNS), geometry=shapes, crs="EPSG:4326")
    return frame.astype({"persons": "Int64", "expected": "float64", "radius_m": "float64"})


def write_task_layer(plans: Iterable[Plan], path: Path) -> Path:
    """Write the tasks as GeoPackage; the same plans give the same bytes.

    Raises
    ------
    geodata.errors.GeodataError
        The file cannot be written.
    """
    write_layer(make_task_layer(plans), path)
    return path


def _list_values(plan: Plan, task: Task) -> tuple[Any, ...]:
    return (
        plan.plan_no,
        task.task_no,
        str(plan.street["code"]),
        task.title,
        task.place,
        task.item_code,
        task.item_name,
        task.lead.name if task.lead else "",
        "、".join(one.name for one in task.helpers),
        task.start_on,
        task.due_on,
        task.proof.persons if task.proof else None,
        task.proof.expected if task.proof else None,
        task.target.text,
        task.radius_m,
    )
