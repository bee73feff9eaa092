"""Solution rates of the last year adjusted for how hard the work was, as the page of rates shows them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from gridgov.pack.city import City
from gridgov.rules.catalogue import find_catalogue
from planner.difficulty import (
    Difficulty,
    DifficultyError,
    adjust_rates,
    describe_orders,
    fit_difficulty,
)
from planner.plans.items import make_item_levels

MONTHS = 12
SEED = 1
"""Of the folds."""
IN_DISTRICT = ("street", "district")
"""Units whose orders count for their district too, as in the official rates."""
DIGITS = 5


def make_difficulty_report(
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    bounces: pd.Series | None = None,
) -> dict[str, Any]:
    """Return the adjusted rates of every unit over twelve months, with the model behind them.

    Parameters
    ----------
    city
        The pack.
    orders
        ``order_no received_at item_code unit_code route community_code solved``.
    as_of
        Aware; the twelve months before it count.
    bounces
        Times an order was passed on, by order number, where known.

    Returns
    -------
        Plain values: ``start end n solved auc ece lacking``, ``odds`` (``feature value name n odds_ratio low high``,
        hardest first), ``calibration`` (``chance solved n``) and ``units`` by code (``n solution_rate expected_rate
        adjusted_rate low high``). Where no model can be fitted ``lacking`` says why, and the rest is empty.
    """
    zone = city.settings.timezone
    moment = pd.Timestamp(as_of).tz_convert(zone)
    start = moment - pd.DateOffset(months=MONTHS)
    rows = orders[(orders["received_at"] >= start) & (orders["received_at"] < moment)].reset_index(
        drop=True
    )
    report: dict[str, Any] = {
        "start": start.date().isoformat(),
        "end": (moment - timedelta(seconds=1)).date().isoformat(),
        "n": int(rows["solved"].notna().sum()),
        "lacking": "",
        "odds": [],
        "calibration": [],
        "units": {},
    }
    catalogue = find_catalogue(
        city.catalogue, rows["item_code"].unique(), constants=city.settings.constants
    )
    codes = pd.Series(rows["item_code"].dropna().unique(), dtype=object)
    groups = pd.Series(make_item_levels(catalogue).find(codes, 2).to_numpy(), index=codes)
    features = describe_orders(rows, item_groups=groups, bounces=bounces)
    try:
        model = fit_difficulty(features, rows["solved"], seed=SEED)
    except DifficultyError as error:
        return report | {"lacking": str(error)}
    return report | {
        "solved": int(rows["solved"].sum()),
        "auc": round(model.auc, DIGITS),
        "ece": round(model.ece, DIGITS),
        "odds": list_odds(model, catalogue.names),
        "calibration": model.calibration.round(DIGITS).to_dict("records"),
        "units": adjust_units(rows, model, city.units),
    }


def list_odds(model: Difficulty, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the odds ratios as plain rows with the items' names."""
    return [
        {str(key): value for key, value in row.items()}
        | {"name": names.get(row["value"], "") if row["feature"] == "item_group" else ""}
        for row in model.odds.round(DIGITS).to_dict("records")
    ]


def adjust_units(
    rows: pd.DataFrame, model: Difficulty, units: pd.DataFrame
) -> dict[str, dict[str, Any]]:
    """Return official and adjusted rates of every unit by its code; a district stands for its streets and its own."""
    last = units.drop_duplicates("unit_code", keep="last").set_index("unit_code")
    inside = last[last["kind"].isin(IN_DISTRICT)]["district_code"]
    owner = rows["unit_code"].astype(object)
    own = adjust_rates(rows["solved"], model.chance, owner)
    districts = adjust_rates(rows["solved"], model.chance, owner.map(inside.replace("", None)))
    both = pd.concat([own[~own.index.isin(districts.index)], districts]).round(DIGITS)
    return {
        str(code): {str(key): value for key, value in row.items()} | {"n": int(row["n"])}
        for code, row in both.to_dict("index").items()
    }
