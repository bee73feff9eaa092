"""The planner's desk: a city and its orders in, hotspots and plans out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import geopandas as gpd
import pandas as pd

from geodata.grid import Grid
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.rules.catalogue import Catalogue, find_catalogue
from gridgov.rules.constants import Constants
from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.streets import find_street_classes
from planner.errors import PlannerError
from planner.frames import HOTSPOT_COLUMNS
from planner.hotspots import Places, Thresholds, find_hotspot_orders, find_hotspots
from planner.plans.items import make_item_levels
from planner.plans.make import PlanMaker
from planner.plans.plan_text import say
from planner.plans.record import Plan
from planner.plans.street_indicators import make_city_figures, make_spans
from planner.plans.tasks import TaskRules

FEWEST_SHOWN = 3
"""Cells with fewer orders in a year are not drawn: they say nothing and point at a door."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanningResult:
    """Everything that was found.

    Parameters
    ----------
    hotspots
        Frame of :data:`~planner.frames.HOTSPOT_COLUMNS`, EPSG:4326, most certain first.
    plans
        One per street under governance and per street with a hotspot, by street code.
    classes
        Frame of ``gridgov.rules.streets.classes.CLASS_COLUMNS``, every street.
    cells
        Orders per cell of the last year: ``cell_code street_code count`` and geometry, streets with a plan only.
    seconds
        Stage → seconds.
    """

    hotspots: gpd.GeoDataFrame
    plans: tuple[Plan, ...]
    classes: pd.DataFrame
    cells: gpd.GeoDataFrame
    seconds: dict[str, float]


def make_plans(
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    population: pd.Series | None = None,
    streets: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PlanningResult:
    """Find hotspots and make the plans.

    Parameters
    ----------
    city
        The pack.
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``.
    as_of
        Aware; orders from this moment on do not count.
    population
        Residents by street code; None takes those that the pack says.
    streets
        Codes of the streets that get a plan; None: those under governance or with a hotspot.
    progress
        Told when a stage starts and ends.
    """
    clock = StageClock(progress or ignore_progress)
    moment = pd.Timestamp(as_of).tz_convert(city.settings.timezone).to_pydatetime()
    constants = city.settings.constants
    catalogue = find_catalogue(city.catalogue, orders["item_code"].unique(), constants=constants)
    codes = orders["item_code"].astype("object")
    counted = orders.assign(
        level1_code=catalogue.find_top(orders["item_code"].astype("str")),
        level2_code=make_item_levels(catalogue).find(codes, 2),
    )
    with clock.stage("hotspots"):
        places = make_places(counted, get_grid(city))
        found = find_hotspots(counted, places, as_of=moment, thresholds=make_thresholds(constants))
        hotspots = name_hotspots(found, city, names=catalogue.names)
    with clock.stage("plans"):
        desk = _Desk(
            city=city, orders=counted, hotspots=hotspots, catalogue=catalogue, moment=moment
        )
        residents = city.find_population(moment.date()) if population is None else population
        maker = desk.make_maker(residents)
        wanted = maker.find_streets() if streets is None else sorted(streets)
        plans = tuple(maker.make(street) for street in wanted)
        planned = [str(plan.street["code"]) for plan in plans]
        cells = _count_cells(maker.figures.year.take(counted), planned, get_grid(city))
    return PlanningResult(
        hotspots=hotspots,
        plans=plans,
        classes=maker.classes.reset_index(),
        cells=cells,
        seconds=clock.seconds,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Desk:
    """What lies on the desk before plans are made."""

    city: City
    orders: pd.DataFrame
    hotspots: gpd.GeoDataFrame
    catalogue: Catalogue
    moment: datetime

    def make_maker(self, population: pd.Series | None) -> PlanMaker:
        """Return the maker of plans: figures, classes and evidence of the whole city."""
        constants = self.city.settings.constants
        figures = make_city_figures(
            self.orders,
            pd.Index(self.city.streets["street_code"], name="street_code"),
            spans=make_spans(
                self.moment,
                window_days=int(constants.number("planning.window_days")),
                year_days=int(constants.number("planning.background_days")),
            ),
            basically_share=constants.number("rates.basically_share"),
        )
        classes = find_street_classes(
            self.orders,
            self.city.units,
            pd.Index(self.city.streets["street_code"]),
            as_of=pd.Timestamp(self.moment),
            constants=constants,
            find_population=self.city.find_population
            if population is None
            else lambda _day: population,
        )
        return PlanMaker(
            city=self.city,
            figures=figures,
            hotspots=self.hotspots,
            classes=classes.set_index("street_code"),
            orders=_take_evidence(self.orders, self.hotspots, self.moment),
            names=self.catalogue.names,
            rules=_make_rules(self.city, self.catalogue, self.moment),
        )


def make_thresholds(constants: Constants) -> Thresholds:
    """Return what counts as a hotspot in a city."""
    return Thresholds(
        level=constants.number("planning.false_discovery_share"),
        fewest_persons=int(constants.number("planning.hotspot_appeals_min")),
    )


def get_grid(city: City) -> Grid:
    """Return the unit grid of a city.

    Raises
    ------
    PlannerError
        The city has none.
    """
    grid = city.territory.grid
    if grid is None:
        raise PlannerError(
            f"{city.name} has no unit grid: hotspots need cells, give communities or cells in the pack"
        )
    return grid


def make_places(orders: pd.DataFrame, grid: Grid) -> Places:
    """Return the cells that hold orders, with the codes their first order has."""
    codes = ["district_code", "street_code", "community_code"]
    known = orders.loc[orders["cell_code"].notna(), ["cell_code", *codes]].drop_duplicates(
        "cell_code"
    )
    cells = pd.Index(known["cell_code"].astype("str"), name="cell_code")
    at = grid.find_positions(cells)
    known, cells, at = known[at >= 0], cells[at >= 0], at[at >= 0]
    centres = grid.centers(cells)
    frame = pd.DataFrame(
        {
            "x_m": centres["x"].to_numpy(),
            "y_m": centres["y"].to_numpy(),
            "area_m2": grid.area_m2[at],
        },
        index=cells,
    )
    for name in codes:
        frame[name] = known[name].astype("object").to_numpy()
    return Places(
        frame=frame,
        metric_crs=grid.metric_crs,
        find_shapes=lambda wanted: grid.geometries(wanted).geometry,
    )


def name_hotspots(
    hotspots: gpd.GeoDataFrame, city: City, *, names: Mapping[str, str]
) -> gpd.GeoDataFrame:
    """Return hotspots with the names people use: of the items, and of the place and the problem."""
    named = hotspots.copy()
    for level in ("level1", "item"):
        codes = named[f"{level}_code"].astype("object")
        named[f"{level}_name"] = [
            names.get(str(code), str(code)) if code else say("places", "everything")
            for code in codes
        ]
    areas = [
        place
        or city.names.get(str(community))
        or city.names.get(str(street))
        or say("places", "unknown")
        for place, community, street in zip(
            named["place_name"], named["community_code"], named["street_code"], strict=True
        )
    ]
    named["name"] = [
        say("places", "hotspot", place=area, item=item)
        for area, item in zip(areas, named["item_name"], strict=True)
    ]
    return named[list(HOTSPOT_COLUMNS)]


def _make_rules(city: City, catalogue: Catalogue, moment: datetime) -> TaskRules:
    """Return what tasks need of the city."""
    today = (moment - timedelta(seconds=1)).date()
    empty = pd.DataFrame()
    graph = make_duty_graph(
        city.units,
        catalogue.items,
        city.tables.get("duties", empty),
        dependencies=city.tables.get("dependencies", empty),
        on_date=today,
    )
    return TaskRules(
        graph=graph,
        constants=city.settings.constants,
        calendar=city.calendar,
        names=catalogue.names,
        today=today,
    )


def _take_evidence(
    orders: pd.DataFrame, hotspots: gpd.GeoDataFrame, moment: datetime
) -> pd.DataFrame:
    """Return the orders that each hotspot is about, all of the history."""
    pairs = find_hotspot_orders(hotspots, orders, as_of=moment, whole_history=True)
    columns = ["order_no", "received_at", "grade", "cell_code", "level1_code", "person_key"]
    own = orders[columns].iloc[pairs["row"].to_numpy()].reset_index(drop=True)
    return own.assign(hotspot_id=pairs["hotspot_id"].to_numpy())


def _count_cells(of_year: pd.DataFrame, streets: list[str], grid: Grid) -> gpd.GeoDataFrame:
    """Return orders of the year per cell of the streets with a plan, with the polygons."""
    known = of_year[of_year["cell_code"].notna() & of_year["street_code"].isin(streets)]
    counts = (
        known.groupby(["street_code", "cell_code"], observed=True)
        .size()
        .rename("count")
        .reset_index()
    )
    counts = counts[counts["count"] >= FEWEST_SHOWN]
    shapes = grid.geometries(counts["cell_code"].astype("str"))
    return gpd.GeoDataFrame(
        counts.reset_index(drop=True), geometry=shapes.geometry.to_numpy(), crs="EPSG:4326"
    )
