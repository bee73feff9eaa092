"""Everything of one street put together: the plan."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgov.pack.city import City
from gridgov.rules.streets.classes import GOVERNANCE
from planner.frames import HotspotKind
from planner.plans.diagnosis import make_diagnosis
from planner.plans.plan_text import load_words, say
from planner.plans.record import Plan, seal_plan
from planner.plans.street_indicators import CityFigures
from planner.plans.tasks import (
    TaskRules,
    make_policies,
    make_responsibilities,
    make_task,
    say_months,
)

USED = (
    "planning.",
    "streets.governance_top_n",
    "streets.governance_population_min",
    "rates.basically_share",
    "rates.callbacks_min",
)
"""Constants that a plan stands on: the assumed ones among them are printed in it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanMaker:
    """Everything that plans of one city have in common."""

    city: City
    figures: CityFigures
    hotspots: gpd.GeoDataFrame
    classes: pd.DataFrame
    orders: pd.DataFrame
    names: Mapping[str, str]
    rules: TaskRules

    def find_streets(self) -> list[str]:
        """Return the streets that get a plan: under governance, or with a hotspot."""
        governed = self.classes.index[self.classes["street_class"] == GOVERNANCE]
        hot = self.hotspots["street_code"].dropna().astype("str")
        return sorted({str(code) for code in (*governed, *hot) if code in self.classes.index})

    def make(self, street: str) -> Plan:
        """Return the plan of one street."""
        constants = self.city.settings.constants
        spots = self._describe_spots(self.hotspots[self.hotspots["street_code"] == street])
        most = int(constants.number("planning.tasks_max"))
        tasks = tuple(
            make_task(spot, self._find_orders(spot), self.rules, number=number)
            for number, spot in enumerate(spots[:most], start=1)
        )
        diagnosis = make_diagnosis(
            street,
            self.figures,
            names=dict(self.names),
            callbacks_min=int(constants.number("rates.callbacks_min")),
        )
        plan = Plan(
            city={"name": self.city.name, "synthetic": self.city.settings.synthetic},
            street=self._describe_street(street),
            period=self._describe_period(),
            source=self._describe_source(street),
            diagnosis=asdict(diagnosis),
            hotspots=spots,
            tasks=tasks,
            responsibilities=make_responsibilities(tasks),
            policies=make_policies(tasks, self.rules),
            assumed=self._describe_assumed(),
        )
        return seal_plan(plan)

    def _describe_street(self, street: str) -> dict[str, Any]:
        """Return the facts of the title page."""
        row = self.classes.loc[street]
        districts = dict(
            zip(self.city.streets["street_code"], self.city.streets["district_code"], strict=True)
        )
        district = districts.get(street)
        known = district is not None and not pd.isna(district)
        return {
            "code": street,
            "name": self.city.names.get(street, street),
            "district_code": str(district) if known else "",
            "district_name": self.city.names.get(str(district), "") if known else "",
            "class": str(row["street_class"]),
            "class_name": load_words()["classes"][str(row["street_class"])],
            "class_reason": str(row["reason"]),
        }

    def _describe_period(self) -> dict[str, str]:
        """Return the first and last day of the window, the year and the day of the plan."""
        window, year = self.figures.window, self.figures.year
        last = (window.end - timedelta(seconds=1)).date()
        return {
            "start": window.start.date().isoformat(),
            "end": last.isoformat(),
            "year_start": year.start.date().isoformat(),
        }

    def _describe_source(self, street: str) -> dict[str, Any]:
        """Return where the figures come from."""
        return {
            "orders_history": int(self.figures.counts.loc[street, "history"]),
            "orders_year": int(self.figures.counts.loc[street, "year"]),
            "streets": len(self.classes),
            "boundary_version": self.city.boundary_version,
        }

    def _describe_assumed(self) -> tuple[dict[str, Any], ...]:
        """Return the assumed constants that the plan stands on."""
        used = (c for c in self.city.settings.constants.assumed() if c.name.startswith(USED))
        return tuple({"name": c.name, "value": c.value, "source": c.source} for c in used)

    def _find_orders(self, spot: Mapping[str, Any]) -> pd.DataFrame:
        """Return the orders of a hotspot inside its window."""
        own = self.orders[self.orders["hotspot_id"] == spot["hotspot_id"]]
        days = own["received_at"].dt.date
        start, end = (
            pd.Timestamp(spot["window_start"]).date(),
            pd.Timestamp(spot["window_end"]).date(),
        )
        return own[(days >= start) & (days <= end)]

    def _describe_spots(self, spots: gpd.GeoDataFrame) -> tuple[dict[str, Any], ...]:
        """Return hotspots as plain values, with place, months and the levels that targets start from."""
        rows = pd.DataFrame(spots.drop(columns="geometry")).to_dict("records")
        return tuple(
            self._describe_spot({str(key): value for key, value in row.items()}) for row in rows
        )

    def _describe_spot(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return one hotspot as plain values."""
        words = load_words()
        plain = {key: _make_plain(value) for key, value in row.items()}
        own = self.orders[self.orders["hotspot_id"] == row["hotspot_id"]]
        months = own["received_at"].dt.strftime("%Y-%m").value_counts()
        every = [str(month) for month in self.figures.months.columns]
        series = [int(months.get(month, 0)) for month in every]
        community = self.city.names.get(str(row["community_code"]), "")
        street = self.city.names.get(str(row["street_code"]), "")
        start, end = pd.Timestamp(row["window_start"]), pd.Timestamp(row["window_end"])
        seasonal = row["kind"] == HotspotKind.SEASONAL
        active = [
            n
            for n, month in zip(series, every, strict=True)
            if not seasonal or str(int(month[5:])) in str(row["months"]).split(";")
        ]
        span = len(active) if seasonal else max((end - start).days / 30.4, 1.0)
        level = (
            float(np.mean(active))
            if seasonal and active
            else float(np.mean(series[-3:]) if series else 0.0)
        )
        return {
            **plain,
            "kind_name": words["kinds"][str(row["kind"])]["name"],
            "place": say("places", "near", place=f"{street}{community}"),
            "month_names": say_months(str(row["months"])),
            "series": series,
            "level": round(level, 2),
            "usual": round(float(row["expected"]) / max(span, 1.0), 2),
        }


def _make_plain(value: Any) -> Any:
    """Return a value that JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
