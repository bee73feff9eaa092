"""What stands in an output folder beside the pages: tables, hotspots as a layer, the summary."""

import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geodata.files import write_layer, write_table
from gridgov.pack.city import City
from gridgov.progress import StageClock
from gridgov.rules.privacy import mask_series, mask_shortened
from planner.documents.pages import QUICK_FORMS, Form, write_pages
from planner.jobs.allocation import allocate_plans
from planner.jobs.desk import PlanningResult

MASKED_COLUMNS = ("text", "address")
"""Free text of the appeal: people dictate telephone and identity numbers into it."""
TOLD_COLUMNS = ("value", "problem", "expected")
"""Of a problem: they may repeat a value of the file."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """What a job found, before any of it is written.

    Parameters
    ----------
    city
        The pack.
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``.
    problems
        Frame of ``geodata.problems.PROBLEM_COLUMNS``.
    planning
        Hotspots and plans.
    """

    city: City
    orders: pd.DataFrame
    problems: pd.DataFrame
    planning: PlanningResult


def find_as_of(orders: pd.DataFrame) -> pd.Timestamp:
    """Return midnight after the newest order or appeal, in the city's zone."""
    newest: pd.Timestamp = orders["received_at"].max()
    return newest.normalize() + pd.DateOffset(days=1)


def write_all(
    found: Found,
    summary: dict[str, Any],
    folder: Path,
    *,
    clock: StageClock,
    seconds: Mapping[str, float],
    assets_dir: Path,
    forms: Collection[Form] = QUICK_FORMS,
    is_masked: bool = True,
) -> None:
    """Write tables and pages at the same time (the tables are compiled code that leaves a core free), then the summary.

    Parameters
    ----------
    found
        What is written.
    summary
        Completed by the seconds of each stage.
    folder
        Folder that exists; the caller makes it appear as a whole.
    clock, seconds
        Of this job, and of the stages before.
    assets_dir
        Folder with the page assets.
    forms
        Of each plan.
    is_masked
        Whether personal numbers in free text are masked.
    """
    with clock.stage("write"), ThreadPoolExecutor(max_workers=1) as pool:
        tables = pool.submit(
            write_tables,
            folder,
            orders=found.orders,
            problems=found.problems,
            hotspots=found.planning.hotspots,
            is_masked=is_masked,
        )
        allocation = allocate_plans(
            found.city,
            found.planning.plans,
            today=(pd.Timestamp(summary["as_of"]) - pd.Timedelta(microseconds=1)).date(),
        )
        write_table(allocation, folder / "allocation.csv")
        write_pages(found.planning, found.city, summary, folder, assets_dir=assets_dir, forms=forms)
        tables.result()
    spent = clock.seconds | dict(seconds)
    summary["seconds"] = {stage: round(one, 3) for stage, one in spent.items()}
    write_summary(summary, folder / "summary.json")


def write_tables(
    folder: Path,
    *,
    orders: pd.DataFrame,
    problems: pd.DataFrame,
    hotspots: gpd.GeoDataFrame,
    is_masked: bool,
) -> None:
    """Write orders, problems and hotspots to `folder`.

    Parameters
    ----------
    folder
        Folder that exists.
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``.
    problems
        Frame of ``geodata.problems.PROBLEM_COLUMNS``.
    hotspots
        Frame of ``planner.frames.HOTSPOT_COLUMNS``, EPSG:4326.
    is_masked
        Whether personal numbers in free text are masked.
    """
    if is_masked:
        orders = orders.assign(**{name: mask_series(orders[name]) for name in MASKED_COLUMNS})
        # What a row holds instead of a time or a code is what somebody typed there.
        told = {
            name: problems[name].map(mask_shortened, na_action="ignore") for name in TOLD_COLUMNS
        }
        problems = problems.assign(**told)
    write_table(orders, folder / "orders.parquet")
    write_table(orders, folder / "orders.csv")
    write_table(problems, folder / "problems.csv")
    write_layer(hotspots, folder / "hotspots.gpkg")
    write_table(pd.DataFrame(hotspots.drop(columns="geometry")), folder / "hotspots.csv")


def write_summary(summary: Mapping[str, Any], path: Path) -> None:
    """Write the summary as JSON that people can read too."""
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
