"""Hotspots and plans as rows: names, the figures that people read, and where a row leads."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
from flask_babel import gettext

from planner.documents.words import say_q
from web.kit.page_helpers import to

KINDS = ("rising", "steady", "seasonal", "burst", "recurring", "falling", "ended")


def make_spot_rows(spots: gpd.GeoDataFrame, streets: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Return hotspots with the texts of map and table.

    Returns
    -------
        `spots` with ``code street persons ratio q_text window_text n tips href``; ``n`` is the quantity of the circle:
        persons, where the run counted them, else orders.
    """
    made = spots.copy()
    made["code"] = made["hotspot_no"]
    made["street"] = [streets.get(code, code) or "" for code in made["street_code"]]
    figures = list(made["figures"])
    made["persons"] = [
        int(own.get("persons") or n) for own, n in zip(figures, made["count"], strict=True)
    ]
    made["level1_name"] = [own.get("level1_name") or "" for own in figures]
    made["item_name"] = [own.get("item_name") or "" for own in figures]
    made["n"] = made["persons"]
    made["ratio"] = made["persons"] / made["expected"].where(made["expected"] > 0)
    made["q_text"] = [say_q(q) for q in made["q"]]
    made["window_text"] = [
        f"{start:%Y-%m} – {end:%Y-%m}"
        for start, end in zip(made["window_start"], made["window_end"], strict=True)
    ]
    made["tips"] = [_make_tips(row) for row in made.to_dict("records")]
    made["href"] = [
        [[gettext("maps.spot_link"), to("planning.hotspot", hotspot_no=code)]]
        for code in made["code"]
    ]
    return made


def _make_tips(row: Mapping[Any, Any]) -> list[list[str]]:
    return [
        [gettext("planning.kind"), gettext(f"planning.kind.{row['kind']}")],
        [gettext("planning.count"), f"{row['count']:,}"],
        [gettext("planning.persons"), f"{row['persons']:,}"],
        [gettext("planning.expected"), f"{row['expected']:,.1f}"],
        [gettext("planning.q"), row["q_text"]],
        [gettext("planning.window"), row["window_text"]],
    ]


def make_plan_rows(plans: pd.DataFrame, streets: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return plans with the name of their street and progress in per cent, the least advanced first."""
    rows = []
    for row in plans.astype(object).where(plans.notna(), None).to_dict("records"):
        progress = row["progress"]
        rows.append(
            {str(key): value for key, value in row.items()}
            | {
                "street": streets.get(row["street_code"], row["street_code"]),
                "percent": None if progress is None else round(100 * float(progress), 1),
                "href": to("planning.street", street_code=row["street_code"]),
            }
        )
    return sorted(
        rows, key=lambda row: (row["percent"] is None, row["percent"] or 0.0, row["street_code"])
    )
