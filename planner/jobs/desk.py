"""A city and its orders in, hotspots and plans out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.grid import Grid
from gridgov.pack.city import City
from gridgov.pack.duties import make_city_graph
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.rules.appeal_kinds import find_kinds_apart
from gridgov.rules.catalogue import Catalogue, find_catalogue
from gridgov.rules.constants import Constants
from gridgov.rules.streets import ClassDecision, find_street_classes
from planner.counts import CountModel, DailyCounts, fit_counts, make_daily_counts
from planner.errors import PlannerError
from planner.frames import HOTSPOT_COLUMNS, HotspotKind
from planner.hotspots import (
    Places,
    Thresholds,
    find_hotspot_orders,
    find_hotspots,
)
from planner.jobs.cell_exposure import add_exposures
from planner.plans.aims import CurveBook
from planner.plans.candidates import EVIDENCE_COLUMNS, sort_hotspots
from planner.plans.diagnosis import CityView
from planner.plans.excess import find_city_excess
from planner.plans.items import ItemLevels, make_item_levels
from planner.plans.lists import find_policy_evidence
from planner.plans.make import PlanMaker, make_plan_orders
from planner.plans.measures import make_library
from planner.plans.plan_text import get_language, say, speaking
from planner.plans.record import Plan
from planner.plans.similar import find_similar
from planner.plans.street_indicators import make_city_figures, make_spans, make_year_rates
from planner.plans.tasks import TaskRules

FEWEST_SHOWN = 3
"""Cells with fewer orders in a year are not drawn: they say nothing and point at a door."""

PLACED_COLUMNS = (
    "received_at",
    "cell_code",
    "district_code",
    "street_code",
    "community_code",
    "level1_code",
    "level2_code",
    "item_code",
    "uncertainty_m",
    "kind",
)
"""What tells which orders a hotspot is about."""

MODEL_SEED = 1
"""Of the count model's own draws; plans draw by task and day."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanningResult:
    """Everything that was found.

    Parameters
    ----------
    hotspots
        Frame of :data:`~planner.frames.HOTSPOT_COLUMNS`, EPSG:4326, most certain first.
    plans
        One per street of a governed class and per street with a hotspot to govern, by street code.
    classes
        Frame of ``gridgov.rules.streets.classes.CLASS_COLUMNS``, every street.
    cells
        Orders per cell of the last year: ``cell_code street_code count`` and geometry, streets with a plan only.
    seconds
        Stage → seconds.
    model
        The count model; None where no problem with a street and an item is there.
    """

    hotspots: gpd.GeoDataFrame
    plans: tuple[Plan, ...]
    classes: pd.DataFrame
    cells: gpd.GeoDataFrame
    seconds: dict[str, float]
    model: CountModel | None = None


def make_plans(
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    population: pd.Series | None = None,
    streets: Sequence[str] | None = None,
    previous: Mapping[str, Plan] | None = None,
    decisions: Iterable[ClassDecision] = (),
    transfers: pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> PlanningResult:
    """Find hotspots and make the plans, in the first language of the city.

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
        Codes of the streets that get a plan; None: those of a governed class or with a hotspot to govern.
    previous
        Plans before, by street code: tasks keep their ids, edits survive.
    decisions
        What people decided about the classes of streets.
    transfers
        Moves of orders between units (``rules.duties.bounces.TRANSFER_COLUMNS``); None where none are kept.
    progress
        Told when a stage starts and ends.

    Raises
    ------
    PlannerError
        The city has no unit grid, or its table of measures is wrong.
    """
    with speaking(city.settings.languages[0]):
        return _make_plans(
            city,
            orders,
            as_of=as_of,
            population=population,
            streets=streets,
            previous=previous,
            decisions=decisions,
            transfers=transfers,
            progress=progress,
        )


def _make_plans(
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    population: pd.Series | None,
    streets: Sequence[str] | None,
    previous: Mapping[str, Plan] | None,
    decisions: Iterable[ClassDecision],
    transfers: pd.DataFrame | None,
    progress: Progress | None,
) -> PlanningResult:
    clock = StageClock(progress or ignore_progress)
    moment = pd.Timestamp(as_of).tz_convert(city.settings.timezone).to_pydatetime()
    desk = _Desk(
        city=city,
        catalogue=find_catalogue(
            city.catalogue, orders["item_code"].unique(), constants=city.settings.constants
        ),
        moment=moment,
        residents=city.find_population(moment.date()) if population is None else population,
        decisions=tuple(decisions),
        transfers=transfers,
    )
    levels = make_item_levels(desk.catalogue)
    counted = _add_levels(orders, levels)
    thresholds = make_thresholds(city)
    with clock.stage("hotspots"):
        hotspots = _find_hotspots(city, counted, desk.catalogue, moment=moment)
    with clock.stage("counts"):
        fitted = desk.fit(counted, thresholds)
    with clock.stage("plans"):
        maker = desk.make_maker(counted, hotspots, levels, fitted, thresholds)
        wanted = maker.find_streets() if streets is None else sorted(streets)
        plans = maker.make_all(wanted, previous)
        planned = [str(plan.street["code"]) for plan in plans]
        cells = _count_cells(maker.view.figures.year.take(counted), planned, get_grid(city))
    return PlanningResult(
        hotspots=hotspots,
        plans=plans,
        classes=maker.classes.reset_index(),
        cells=cells,
        seconds=clock.seconds,
        model=fitted.model,
    )


def find_city_hotspots(
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Find the hotspots of a city's orders alone, as :func:`make_plans` finds them, without plans.

    Parameters
    ----------
    city, orders, as_of, progress
        As :func:`make_plans`.

    Returns
    -------
    geopandas.GeoDataFrame
        :data:`~planner.frames.HOTSPOT_COLUMNS`, EPSG:4326, most certain first.

    Raises
    ------
    PlannerError
        The city has no unit grid.
    """
    clock = StageClock(progress or ignore_progress)
    moment = pd.Timestamp(as_of).tz_convert(city.settings.timezone).to_pydatetime()
    catalogue = find_catalogue(
        city.catalogue, orders["item_code"].unique(), constants=city.settings.constants
    )
    with speaking(city.settings.languages[0]), clock.stage("hotspots"):
        counted = _add_levels(orders, make_item_levels(catalogue))
        return _find_hotspots(city, counted, catalogue, moment=moment)


def _add_levels(orders: pd.DataFrame, levels: ItemLevels) -> pd.DataFrame:
    """Return orders with the codes of level 1 and 2 of their items, on an index from 0."""
    codes = orders["item_code"].astype("object")
    return orders.assign(
        level1_code=levels.find(codes, 1), level2_code=levels.find(codes, 2)
    ).reset_index(drop=True)


def _find_hotspots(
    city: City, counted: pd.DataFrame, catalogue: Catalogue, *, moment: datetime
) -> gpd.GeoDataFrame:
    places = make_places(counted, get_grid(city), city=city)
    found = find_hotspots(counted, places, as_of=moment, thresholds=make_thresholds(city))
    return name_hotspots(found, city, names=catalogue.names)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Fitted:
    """Counts of the problems and the model of them; None where no problem with a street and an item is there."""

    daily: DailyCounts | None
    model: CountModel | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class _Desk:
    """What plans of a city need beside its orders."""

    city: City
    catalogue: Catalogue
    moment: datetime
    residents: pd.Series | None
    decisions: tuple[ClassDecision, ...]
    transfers: pd.DataFrame | None

    def fit(self, orders: pd.DataFrame, thresholds: Thresholds) -> _Fitted:
        """Return the count model of the orders."""
        streets = self.city.streets
        districts = streets["district_code"].astype("object").fillna("").to_numpy()
        problems = orders
        if "kind" in orders:
            problems = orders[~orders["kind"].isin(thresholds.kinds_apart)]
        try:
            daily = make_daily_counts(
                problems,
                self.city.calendar,
                as_of=self.moment,
                streets=pd.Series(districts, index=streets["street_code"].astype("str")),
                residents=self.residents,
            )
            model = fit_counts(daily, self.city.calendar, seed=MODEL_SEED)
        except PlannerError as error:
            return _Fitted(daily=None, model=None, notes=(str(error),))
        return _Fitted(daily=daily, model=model, notes=model.notes)

    def make_maker(
        self,
        orders: pd.DataFrame,
        hotspots: gpd.GeoDataFrame,
        levels: ItemLevels,
        fitted: _Fitted,
        thresholds: Thresholds,
    ) -> PlanMaker:
        """Return the maker of plans: figures, classes and evidence of the whole city."""
        city, constants = self.city, self.city.settings.constants
        streets = pd.Index(city.streets["street_code"], name="street_code")
        spans = make_spans(
            self.moment,
            window_days=int(constants.number("planning.window_days")),
            year_days=int(constants.number("planning.background_days")),
        )
        figures = make_city_figures(orders, streets, spans)
        of_year = spans.year.take(orders)
        today = (self.moment - timedelta(seconds=1)).date()
        rules = self._make_rules(levels)
        is_problem = (orders["received_at"] < self.moment).to_numpy(copy=True)
        if "kind" in orders:
            is_problem &= ~orders["kind"].isin(thresholds.kinds_apart).to_numpy()
        problems = _take_columns(orders, (*EVIDENCE_COLUMNS, "level2_code"))[is_problem]
        problems = problems.reset_index(drop=True)
        place = np.cumsum(is_problem) - 1
        placed = _take_columns(orders, PLACED_COLUMNS)
        history = find_hotspot_orders(
            hotspots, placed, as_of=self.moment, thresholds=thresholds, whole_history=True
        )
        evidence = find_hotspot_orders(hotspots, placed, as_of=self.moment, thresholds=thresholds)
        plan_orders = make_plan_orders(
            problems, history[is_problem[history["row"]]].assign(row=lambda one: place[one["row"]])
        )
        own = _take_columns(orders, plan_orders.frame.columns).take(evidence["row"].to_numpy())
        own = own.reset_index(drop=True).reindex(columns=plan_orders.frame.columns)
        return PlanMaker(
            city=city,
            view=CityView(
                figures=figures,
                rates=make_year_rates(of_year, city.units, as_of=self.moment, constants=constants),
                units={code: rules.graph.areas.get(("street", code), code) for code in streets},
                residents=self.residents,
                similar=find_similar(
                    figures.level1,
                    area_km2=_measure_streets(city),
                    residents=self.residents,
                    nearest=int(constants.number("planning.similar_streets")),
                ),
                levels=levels,
                names=rules.names,
                callbacks_min=int(constants.number("rates.callbacks_min")),
                trend_orders_min=int(constants.number("planning.trend_orders_min")),
                peak_ratio=constants.number("planning.peak_ratio"),
                flow=None if self.transfers is None else _count_flow(self.transfers, of_year),
            ),
            hotspots=hotspots,
            spots=sort_hotspots(
                hotspots,
                own.assign(hotspot_id=evidence["hotspot_id"].to_numpy()),
                year=(spans.year.start.date(), today),
                names=rules.names,
                joint_share=constants.number("planning.joint_share"),
                over_months=int(constants.number("planning.over_months")),
                weights={
                    kind: constants.number(f"planning.{kind}_weight")
                    for kind in (HotspotKind.RISING, HotspotKind.BURST, HotspotKind.FALLING)
                },
            ),
            orders=plan_orders,
            excess=find_city_excess(
                fitted.daily,
                fitted.model,
                start=spans.year.start.date(),
                end=today,
                level=constants.number("planning.false_discovery_share"),
                frequent_share=constants.number("planning.frequent_share"),
            ),
            classes=find_street_classes(
                orders,
                city.units,
                pd.Index(city.streets["street_code"]),
                as_of=pd.Timestamp(self.moment),
                constants=constants,
                find_population=lambda day: (
                    self.residents if self.residents is not None else city.find_population(day)
                ),
                decisions=self.decisions,
                language="zh" if get_language().startswith("zh") else "en",
            ).set_index("street_code"),
            rules=rules,
            policies=find_policy_evidence(of_year, constants, transfers=self.transfers),
            book=CurveBook(model=fitted.model),
            notes=fitted.notes,
        )

    def _make_rules(self, levels: ItemLevels) -> TaskRules:
        """Return what tasks need of the city."""
        today = (self.moment - timedelta(seconds=1)).date()
        return TaskRules(
            graph=make_city_graph(self.city, today),
            constants=self.city.settings.constants,
            calendar=self.city.calendar,
            levels=levels,
            library=make_library(
                self.city.tables.get("measures"),
                most=int(self.city.settings.constants.number("planning.measures_max")),
            ),
            names=self.city.names,
            today=today,
        )


def _take_columns(orders: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Return only those columns of orders that are there: choosing rows copies every column, texts most of all."""
    return orders[[name for name in names if name in orders.columns]]


def _measure_streets(city: City) -> pd.Series:
    """Return the area of each street in square kilometres."""
    crs = city.settings.metric_crs or city.streets.estimate_utm_crs()
    area = city.streets.to_crs(crs).geometry.area.to_numpy() / 1e6
    return pd.Series(area, index=city.streets["street_code"].astype("str"))


def _count_flow(transfers: pd.DataFrame, of_year: pd.DataFrame) -> pd.DataFrame:
    """Return per street how many orders of the year came back to a unit that had passed them on, and were moved."""
    moves = transfers.sort_values(["order_no", "at"], kind="stable")
    first = moves.groupby("order_no")["from_unit"].transform("first")
    back = moves.loc[moves["to_unit"] == first, "order_no"].unique()
    orders = of_year.drop_duplicates("order_no")
    marks = pd.DataFrame(
        {
            "street_code": orders["street_code"].astype("object"),
            "bounced": orders["order_no"].isin(back),
            "disputed": orders["order_no"].isin(moves["order_no"].unique()),
        }
    )
    return marks.groupby("street_code")[["bounced", "disputed"]].sum()


def make_thresholds(city: City) -> Thresholds:
    """Return what counts as a hotspot in a city."""
    constants: Constants = city.settings.constants
    return Thresholds(
        level=constants.number("planning.false_discovery_share"),
        fewest_persons=int(constants.number("planning.hotspot_appeals_min")),
        kinds_apart=find_kinds_apart(city.tables.get("kinds")),
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


def make_places(orders: pd.DataFrame, grid: Grid, *, city: City | None = None) -> Places:
    """Return the cells that hold orders, with the codes their first order has and the exposures that a city knows."""
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
    if city is not None:
        held = orders["cell_code"].value_counts().reindex(frame.index, fill_value=0)
        frame = add_exposures(
            frame, city, str(grid.metric_crs), orders=held.to_numpy(dtype=np.float64)
        )
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
