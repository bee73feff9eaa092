"""What stands in an output folder beside the pages: tables, hotspots as a layer, the summary."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geodata.files import write_layer, write_table
from gridgov.rules.privacy import mask_series

MASKED_COLUMNS = ("text", "address")
"""Free text of the appeal: people dictate telephone and identity numbers into it."""


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
    write_table(orders, folder / "orders.parquet")
    write_table(orders, folder / "orders.csv")
    write_table(problems, folder / "problems.csv")
    write_layer(hotspots, folder / "hotspots.gpkg")
    write_table(pd.DataFrame(hotspots.drop(columns="geometry")), folder / "hotspots.csv")


def write_summary(summary: Mapping[str, Any], path: Path) -> None:
    """Write the summary as JSON that people can read too."""
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
