"""A city as a notebook sees it: load it, place, dispatch, find what gathers and what surges, plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geodata.problems import make_problem_frame
from gridgov.jobs.model_file import read_model
from gridgov.jobs.order_file import read_orders
from gridgov.jobs.pipeline import PipelineResult, run_pipeline
from gridgov.jobs.placing import add_columns, locate_rows
from gridgov.pack import city as packs
from gridgov.progress import Progress, StageClock
from gridgov.reading.appeals import read_appeals
from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.rules.catalogue import find_catalogue
from planner.api.questions import check_appeals, check_orders, make_asked
from planner.api.stages import show_stages
from planner.errors import PlannerError
from planner.jobs.allocation import allocate_plans
from planner.jobs.desk import find_city_hotspots, make_plans
from planner.jobs.main_job import check_usable, make_classify
from planner.jobs.outputs import find_as_of
from planner.jobs.plan_job import check_places, find_street
from planner.jobs.surge_watch import HISTORY_YEARS, fit_watch
from planner.plans.record import Plan
from planner.surges import SURGE_COLUMNS, find_surges, make_recent_counts

HOTSPOT_NEEDS = (
    "order_no",
    "received_at",
    "item_code",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "person_key",
)
SURGE_NEEDS = ("received_at", "street_code", "item_code")


@dataclass(frozen=True, eq=False, kw_only=True)
class PlansFound:
    """Plans of streets, as frames and as values.

    Parameters
    ----------
    tasks
        Frame of :data:`planner.jobs.allocation.ALLOCATION_COLUMNS`, every task that has a lead, most urgent first.
    hotspots
        Frame of :data:`planner.frames.HOTSPOT_COLUMNS`, EPSG:4326.
    classes
        The governance class of every street, frame of ``gridgov.rules.streets.classes.CLASS_COLUMNS``.
    plans
        The plans, by street code.
    """

    tasks: pd.DataFrame
    hotspots: gpd.GeoDataFrame
    classes: pd.DataFrame
    plans: Mapping[str, Plan]


@dataclass(frozen=True, eq=False, kw_only=True)
class City:
    """One city.

    Frames in, frames out: nothing is written, no database is asked, and the same input gives the same answer.

    Parameters
    ----------
    pack
        What the city's folder says.
    progress
        Told of each stage of longer work.

    Examples
    --------
    >>> city = City.load("sample")  # doctest: +SKIP
    >>> orders = city.run("sample/appeals.parquet").orders  # doctest: +SKIP
    >>> city.hotspots(orders).head()  # doctest: +SKIP
    """

    pack: packs.City
    progress: Progress = show_stages

    @classmethod
    def load(cls, path: Path | str, *, progress: Progress = show_stages) -> "City":
        """Return the city of a pack, its folder or its ``city.toml``.

        Raises
        ------
        CityError
            Anything is wrong with the pack; ``problems`` holds every fault of every file.
        """
        clock = StageClock(progress)
        with clock.stage("pack"):
            return cls(pack=packs.load_city(path), progress=progress)

    def __repr__(self) -> str:
        return f"City({self.pack.name!r}, {len(self.pack.streets)} streets)"

    @property
    def streets(self) -> gpd.GeoDataFrame:
        """Return the streets: ``street_code name district_code geometry``, EPSG:4326."""
        return self.pack.streets.copy()

    @property
    def units(self) -> pd.DataFrame:
        """Return who can be answerable: ``unit_code name kind …``."""
        return self.pack.units.copy()

    @property
    def items(self) -> pd.DataFrame:
        """Return the catalogue: ``item_code level parent_code name …``; empty where the city has none of its own."""
        return pd.DataFrame() if self.pack.catalogue is None else self.pack.catalogue.items.copy()

    @property
    def problems(self) -> pd.DataFrame:
        """Return the warnings of the pack, frame of ``geodata.problems.PROBLEM_COLUMNS``."""
        return make_problem_frame(self.pack.problems)

    def locate(
        self, places: pd.DataFrame | pd.Series | Iterable[str], *, datum: str = "WGS84"
    ) -> pd.DataFrame:
        """Return where addresses or points lie and who is in charge there.

        Parameters
        ----------
        places
            Addresses (a list or a Series), or a frame with ``address``, or with ``lon`` and ``lat``; where a row has
            both, its point is taken.
        datum
            Of ``lon`` and ``lat``: WGS84, CGCS2000, GCJ-02 or BD-09.

        Returns
        -------
        pandas.DataFrame
            What was given, on its index, with ``PLACE_COLUMNS`` and ``JURISDICTION_COLUMNS`` of ``geodata.frames``
            and the names of street and community. A column that had one of these names is kept with "_given" behind
            it.

        Raises
        ------
        InvalidDataError
            There is nothing to place by, or a coordinate is none.
        GeodataError
            The datum is not known.
        """
        asked = make_asked(places, datum=datum)
        found = locate_rows(self.pack, asked, progress=self.progress)
        given = places if isinstance(places, pd.DataFrame) else asked[["address"]]
        return add_columns(given, found)

    def run(
        self,
        appeals: pd.DataFrame | Path | str,
        *,
        as_of: datetime | str | None = None,
        model: Path | str | None = None,
    ) -> PipelineResult:
        """Return the orders of appeals: place, street, item, unit, deadlines.

        Parameters
        ----------
        appeals
            A file of the city's own export, or a frame with ``appeal_no`` and ``received_at`` (aware) at least and
            what it has of ``gridgov.frames.APPEAL_COLUMNS``.
        as_of
            The moment of the judgement, in the city's zone where it has none; None: the end of the newest day.
        model
            Classifier of ``gridgov train`` for appeals without an item; None: a person chooses.

        Returns
        -------
        PipelineResult
            ``orders`` (one row an appeal, ``gridgov.frames.ORDER_COLUMNS``), ``unlocated``, ``problems`` and
            ``counts``. Of a file ``read = located + unlocated + rejected`` stands in ``counts``.

        Raises
        ------
        InvalidDataError
            The file or the frame cannot be used, with every fault.
        """
        moment = None if as_of is None else self._make_moment(as_of)
        told: list[pd.DataFrame] = []
        counts: dict[str, int] = {}
        if isinstance(appeals, pd.DataFrame):
            frame = check_appeals(appeals, zone=str(self.pack.settings.timezone))
        else:
            path = Path(appeals)
            with StageClock(self.progress).stage("read"):
                read = check_usable(read_appeals(self.pack, path, as_of=moment), path)
            frame, told = read.appeals, [read.problems]
            counts = {"read": read.read, "rejected": read.rejected}
        result = run_pipeline(
            self.pack,
            frame,
            as_of=find_as_of(frame) if moment is None else moment,
            progress=self.progress,
            classify=None if model is None else make_classify(read_model(Path(model))),
        )
        return replace(
            result,
            problems=pd.concat([*told, result.problems], ignore_index=True),
            counts=counts | result.counts,
        )

    def read_orders(self, path: Path | str) -> pd.DataFrame:
        """Return the orders of an earlier ``gridgov run``: ``orders.parquet`` or ``orders.csv``.

        Raises
        ------
        InvalidDataError
            The file cannot be read or holds no order.
        """
        file = Path(path)
        read = read_orders(file, zone=self.pack.settings.timezone, known=self.pack.known_codes)
        return check_places(self.pack, read.orders, file)[0]

    def hotspots(
        self, orders: pd.DataFrame, *, as_of: datetime | str | None = None
    ) -> gpd.GeoDataFrame:
        """Return where problems gather: ``planner.frames.HOTSPOT_COLUMNS``, EPSG:4326, most certain first.

        Parameters
        ----------
        orders
            Of :meth:`run` or :meth:`read_orders`.
        as_of
            Later orders do not count; None: the end of the newest day.

        Raises
        ------
        InvalidDataError
            A column is missing or there are no orders.
        PlannerError
            The city has no unit grid.
        """
        checked = check_orders(orders, HOTSPOT_NEEDS)
        moment = self._find_moment(checked, as_of)
        return find_city_hotspots(self.pack, checked, as_of=moment, progress=self.progress)

    def surges(self, orders: pd.DataFrame, *, now: datetime | str | None = None) -> pd.DataFrame:
        """Return what comes in much more than is to be expected by now, as the hourly watch finds it.

        Parameters
        ----------
        orders
            Of :meth:`run` or :meth:`read_orders`; the model is fitted to the days before today.
        now
            Later orders do not count; None: the full hour after the newest order.

        Returns
        -------
        pandas.DataFrame
            ``planner.surges.SURGE_COLUMNS`` with ``area_name`` and ``item_name``, surest first.

        Raises
        ------
        InvalidDataError
            A column is missing or there are no orders.
        PlannerError
            There is no whole day before `now`.
        """
        checked = check_orders(orders, SURGE_NEEDS)
        newest = self._to_zone(checked["received_at"].max())
        moment = newest.ceil("h") if now is None else self._make_moment(now)
        midnight = moment.normalize()
        zone = str(self.pack.settings.timezone)
        problems = checked.assign(received_at=checked["received_at"].dt.tz_convert(zone))
        if "kind" in problems:
            is_problem = find_problem_rows(problems["kind"], self.pack.tables.get("kinds"))
            problems = problems[is_problem].drop(columns="kind")
        since = midnight - pd.DateOffset(years=HISTORY_YEARS)
        problems = problems[
            (problems["received_at"] >= since) & (problems["received_at"] < moment)
        ].reset_index(drop=True)
        with StageClock(self.progress).stage("counts"):
            watch = fit_watch(self.pack, problems, midnight=midnight)
        if watch.model is None:
            raise PlannerError(f"no counts before {midnight.date()}")
        with StageClock(self.progress).stage("surges"):
            recent = make_recent_counts(
                problems,
                watch.model,
                now=moment.to_pydatetime(),
                catalogue=self.pack.catalogue,
            )
            found = find_surges(watch.model, recent, dict(watch.alarms))
        items = find_catalogue(
            self.pack.catalogue,
            checked["item_code"].dropna().unique(),
            constants=self.pack.settings.constants,
        ).names
        areas = [
            self.pack.name if level == "city" else self.pack.names.get(str(code), str(code))
            for level, code in zip(found["level"], found["area_code"], strict=True)
        ]
        named = found.assign(
            area_name=areas,
            item_name=[items.get(str(code), str(code)) for code in found["item_code"]],
        )
        return named[[*SURGE_COLUMNS, "area_name", "item_name"]]

    def plan(
        self,
        orders: pd.DataFrame,
        *,
        street: str = "",
        as_of: datetime | str | None = None,
        previous: Mapping[str, Plan] | None = None,
    ) -> PlansFound:
        """Return the street plans of orders.

        Parameters
        ----------
        orders
            Of :meth:`run` or :meth:`read_orders`.
        street
            Code, name or part of the name of the one street to plan, whatever its class; empty: every street of a
            governed class or with a hotspot to govern.
        as_of
            Later orders do not count; None: the end of the newest day.
        previous
            Plans before, by street code: tasks keep their ids, edits survive.

        Raises
        ------
        InvalidDataError
            A column is missing or there are no orders.
        UnknownEntryError
            The street is none of the city's.
        PlannerError
            The city has no unit grid.
        """
        needed = (*HOTSPOT_NEEDS, "grade", "contacted", "solved", "satisfied")
        checked = check_orders(orders, needed)
        moment = self._find_moment(checked, as_of)
        found = make_plans(
            self.pack,
            checked,
            as_of=moment,
            streets=[find_street(self.pack, street)] if street else None,
            previous=previous,
            progress=self.progress,
        )
        today = (moment - pd.Timedelta(microseconds=1)).date()
        return PlansFound(
            tasks=allocate_plans(self.pack, found.plans, today=today),
            hotspots=found.hotspots,
            classes=found.classes,
            plans={str(plan.street["code"]): plan for plan in found.plans},
        )

    def _find_moment(self, orders: pd.DataFrame, as_of: datetime | str | None) -> pd.Timestamp:
        if as_of is not None:
            return self._make_moment(as_of)
        return self._to_zone(orders["received_at"].max()).normalize() + pd.DateOffset(days=1)

    def _make_moment(self, given: datetime | str) -> pd.Timestamp:
        try:
            moment = pd.Timestamp(given)
        except ValueError as error:
            raise PlannerError(
                f"{given!r} is no time; expected such as 2025-03-01 09:00"
            ) from error
        return self._to_zone(moment)

    def _to_zone(self, moment: pd.Timestamp) -> pd.Timestamp:
        zone = str(self.pack.settings.timezone)
        return moment.tz_localize(zone) if moment.tz is None else moment.tz_convert(zone)
