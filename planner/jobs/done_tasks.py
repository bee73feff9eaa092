"""What came of the tasks that are done: judged against the count model and places left alone, kept, written back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from statistics import mean, median_low
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.spatial import cKDTree
from sqlalchemy.orm import Session

from gridgov.pack.city import City
from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.rules.catalogue import find_catalogue
from gridgov.rules.plans.task_life import TaskAction, TaskState
from gridgov.storage.models.effects import TaskEffect
from gridgov.storage.models.plans import HotspotRow, Plan, PlanTask, TaskStep
from gridgov.storage.queries.effects import MEASURES, get_analysis, put_analysis, put_task_effects
from planner.counts import CountModel
from planner.effect import (
    DoneTask,
    JudgedCity,
    JudgedTask,
    PlaceTask,
    index_orders,
    judge_tasks,
)
from planner.hotspots import find_hotspots, find_to_govern
from planner.jobs.desk import get_grid, make_places, make_thresholds
from planner.plans.dates import add_months
from planner.plans.items import ItemLevels, make_item_levels
from planner.plans.measures import apply_measured, find_known_falls
from planner.plans.outlook import Curve, make_curve

SEED = 1
"""Of the simulation of power."""
RING_M = 500.0
"""How far next door reaches: what a measure only pushes away lands within some minutes' walk. Assumed."""
LEAST_LEFT = 20
"""With fewer places of earlier runs, an earlier run is made up for from the orders as they were then."""
LEAST_HISTORY_DAYS = 365
"""Such a run needs a year before it, as every run does."""
WORKED = (TaskState.ACCEPTED, TaskState.RUNNING, TaskState.DONE)
"""A place with a task in one of these states was not left alone."""
MONTH_DAYS = 365.25 / 12
DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class KeptTask:
    """A done task with the words of its plan.

    Parameters
    ----------
    task_id, task_no, plan_no, title
        Of the task.
    planned_on
        Day from which its plan looked back.
    measures
        Code → name of what was to be done.
    done
        Where and when.
    """

    task_id: str
    task_no: str
    plan_no: str
    title: str
    planned_on: date
    measures: Mapping[str, str]
    done: DoneTask


@dataclass(frozen=True, kw_only=True)
class FoundPlace:
    """A place that a run found, or that a task worked on."""

    street_code: str
    item_code: str
    cells: frozenset[str]
    start: date
    end: date
    run_on: date


# --- the job ------------------------------------------------------------------------------------------------------


def judge_done_tasks(
    session: Session,
    city: City,
    orders: pd.DataFrame,
    model: CountModel | None,
    *,
    as_of: datetime,
) -> int:
    """Judge all tasks that are done, and keep what is said of each and of each measure; return how many tasks.

    Parameters
    ----------
    session
        The system's own; the caller commits.
    city
        The pack.
    orders
        ``gridgov.frames.ORDER_COLUMNS`` with ``kind``.
    model
        The count model of the run; None: every day counts alike.
    as_of
        Aware; days from this moment on do not count.
    """
    kept = list_done_tasks(session, city, as_of=as_of)
    if not kept:
        return 0
    zone = city.settings.timezone
    moment = pd.Timestamp(as_of).tz_convert(zone)
    last_on = (moment - timedelta(microseconds=1)).date()
    levels = find_levels(city, orders)
    problems = find_problems(city, orders, levels, before=moment)
    if problems.empty:
        return 0
    first_on = min(problems["on"])
    rings = find_rings(city, problems, [one.done.place.cells for one in kept])
    tasks = [replace(one.done, ring=ring) for one, ring in zip(kept, rings, strict=True)]
    left = find_left_alone(
        list_past_places(session, city, problems, kept, first_on=first_on, last_on=last_on),
        list_worked_places(session),
        kept,
        levels,
    )
    known = find_known_falls(city.tables.get("measures"))
    judged = judge_tasks(
        index_orders(problems),
        tasks,
        left,
        make_expect(model, levels, city),
        first_on=first_on,
        last_on=last_on,
        seed=SEED,
        known=known,
    )
    put_task_effects(
        session,
        (
            make_effect_row(one, result, at=as_of)
            for one, result in zip(kept, judged.tasks, strict=True)
        ),
    )
    put_analysis(session, MEASURES, make_measure_report(kept, judged, known), at=as_of)
    return len(kept)


def with_measured(session: Session, city: City) -> City:
    """Return the city with the effects that were measured in its library of measures."""
    kept = get_analysis(session, MEASURES)
    table = city.tables.get("measures")
    if kept is None or table is None:
        return city
    return replace(
        city, tables={**city.tables, "measures": apply_measured(table, kept.content["measures"])}
    )


# --- what is read -------------------------------------------------------------------------------------------------


def list_done_tasks(session: Session, city: City, *, as_of: datetime) -> list[KeptTask]:
    """Return the tasks that are done, by plan and number."""
    finished = (
        sa.select(TaskStep.plan_task_id, sa.func.max(TaskStep.at).label("at"))
        .where(TaskStep.action == TaskAction.FINISH.value, TaskStep.at < as_of)
        .group_by(TaskStep.plan_task_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(PlanTask, Plan, finished.c.at)
        .join(Plan, Plan.id == PlanTask.plan_id)
        .join(finished, finished.c.plan_task_id == PlanTask.id)
        .where(PlanTask.state == TaskState.DONE)
        .order_by(Plan.plan_no, PlanTask.task_no)
    )
    constants = city.settings.constants
    kept = []
    for row, plan, at in rows:
        words = find_words(plan, row.task_no)
        if words is not None and row.task_id:
            kept.append(
                make_kept_task(
                    row,
                    plan,
                    words,
                    done_on=at.astimezone(city.settings.timezone).date(),
                    planned_on=plan.made_at.astimezone(city.settings.timezone).date(),
                    default_effect=constants.number("planning.target_share"),
                    default_months=int(constants.number("planning.watch_months_min")),
                )
            )
    return kept


def find_words(plan: Plan, task_no: str) -> dict[str, Any] | None:
    """Return what a plan says of a task, None where its document is of another form."""
    tasks = plan.document.get("tasks", [])
    return next((one for one in tasks if one.get("task_no") == task_no), None)


def make_kept_task(
    row: PlanTask,
    plan: Plan,
    words: Mapping[str, Any],
    *,
    done_on: date,
    planned_on: date,
    default_effect: float,
    default_months: int,
) -> KeptTask:
    """Return a done task as it is judged."""
    target = words.get("target") or {}
    months = int(target.get("watch_months") or 0) or default_months
    proof = words.get("proof") or {}
    found_to = _read_day(proof.get("window_end"), planned_on)
    usual = target.get("usual_per_month")
    measures = {one["measure_code"]: one["name"] for one in words.get("measures") or []}
    place = PlaceTask(
        task_id=row.task_id,
        street_code=plan.street_code,
        item_code=str(words.get("item_code") or ""),
        cells=frozenset(words.get("cells") or ()),
        found_from=_read_day(proof.get("window_start"), found_to - timedelta(days=89)),
        found_to=found_to,
        done_on=done_on,
        watch_days=(add_months(done_on, months) - done_on).days,
    )
    return KeptTask(
        task_id=row.task_id,
        task_no=row.task_no,
        plan_no=plan.plan_no,
        title=row.title,
        planned_on=planned_on,
        measures=measures,
        done=DoneTask(
            place=place,
            planned=1.0 - (float(target.get("planned_effect") or 0.0) or default_effect),
            usual_a_day=None if usual is None else float(usual) / MONTH_DAYS,
            measures=tuple(measures),
        ),
    )


def _read_day(text: object, default: date) -> date:
    return date.fromisoformat(str(text)) if text else default


def list_worked_places(session: Session) -> list[FoundPlace]:
    """Return the places where somebody took up a task."""
    rows = session.execute(
        sa.select(PlanTask.task_no, Plan)
        .join(Plan, Plan.id == PlanTask.plan_id)
        .where(PlanTask.state.in_(WORKED))
    )
    worked = []
    for task_no, plan in rows:
        words = find_words(plan, task_no)
        if words is not None:
            day = plan.made_at.date()
            worked.append(
                FoundPlace(
                    street_code=plan.street_code,
                    item_code=str(words.get("item_code") or ""),
                    cells=frozenset(words.get("cells") or ()),
                    start=day,
                    end=day,
                    run_on=day,
                )
            )
    return worked


def find_levels(city: City, orders: pd.DataFrame) -> ItemLevels:
    """Return the levels of the items that orders name."""
    constants = city.settings.constants
    return make_item_levels(
        find_catalogue(city.catalogue, orders["item_code"].unique(), constants=constants)
    )


def find_problems(
    city: City, orders: pd.DataFrame, levels: ItemLevels, *, before: pd.Timestamp
) -> pd.DataFrame:
    """Return the orders that count: problems before a moment, with the items above theirs and their day."""
    rows = orders[(orders["received_at"] < before) & orders["item_code"].notna()]
    if "kind" in rows:
        rows = rows[find_problem_rows(rows["kind"], city.tables.get("kinds"))]
    codes = rows["item_code"].astype("object")
    return rows.assign(
        item_code=codes,
        level1_code=levels.find(codes, 1),
        level2_code=levels.find(codes, 2),
        on=rows["received_at"].dt.date,
    ).reset_index(drop=True)


# --- places left alone --------------------------------------------------------------------------------------------


def list_past_places(
    session: Session,
    city: City,
    problems: pd.DataFrame,
    kept: Sequence[KeptTask],
    *,
    first_on: date,
    last_on: date,
) -> list[FoundPlace]:
    """Return what runs found so long ago that a watch after it is over; where none did, what one would have found."""
    delay, watch = find_lengths(kept)
    newest = last_on - timedelta(days=delay + watch - 1)
    rows = session.scalars(sa.select(HotspotRow).order_by(HotspotRow.run_at, HotspotRow.hotspot_no))
    found = [
        FoundPlace(
            street_code=row.street_code or "",
            item_code=row.item_code,
            cells=frozenset(row.cells),
            start=row.window_start,
            end=row.window_end,
            run_on=row.run_at.date(),
        )
        for row in rows
        if row.run_at.date() <= newest and row.kind != "ended"
    ]
    if len(found) >= LEAST_LEFT or (newest - first_on).days < LEAST_HISTORY_DAYS:
        return found
    return found + find_earlier_places(city, problems, run_on=newest)


def find_earlier_places(city: City, problems: pd.DataFrame, *, run_on: date) -> list[FoundPlace]:
    """Return what the rule of today would have found on an earlier day, from the orders of then."""
    moment = pd.Timestamp(run_on, tz=city.settings.timezone)
    before = problems[problems["received_at"] < moment].reset_index(drop=True)
    places = make_places(before, get_grid(city), city=city)
    spots = find_hotspots(
        before, places, as_of=moment.to_pydatetime(), thresholds=make_thresholds(city)
    )
    return [
        FoundPlace(
            street_code=str(one["street_code"]),
            item_code=str(one["item_code"]),
            cells=frozenset(str(one["cells"]).split(";")),
            start=pd.Timestamp(one["window_start"]).date(),
            end=pd.Timestamp(one["window_end"]).date(),
            run_on=run_on,
        )
        for one in spots[find_to_govern(spots)].to_dict("records")
    ]


def find_lengths(kept: Sequence[KeptTask]) -> tuple[int, int]:
    """Return days from a plan to the end of its task, and days of a watch: medians of the tasks that are done."""
    delays = [max((one.done.place.done_on - one.planned_on).days, 0) for one in kept]
    return median_low(delays), median_low([one.done.place.watch_days for one in kept])


def find_left_alone(
    found: Sequence[FoundPlace],
    worked: Sequence[FoundPlace],
    kept: Sequence[KeptTask],
    levels: ItemLevels,
) -> list[PlaceTask]:
    """Return places that nobody worked on, each once, watched as the tasks are: as long after they were found."""
    delay, watch = find_lengths(kept)
    tops = levels.above[1]
    taken: dict[str, set[str]] = {}
    streets: set[tuple[str, str]] = set()

    def find_top(item: str) -> str:
        return str(tops.get(item, item)) if item else ""

    def mark(place: FoundPlace) -> None:
        top = find_top(place.item_code)
        for cell in place.cells:
            taken.setdefault(cell, set()).add(top)
        if not place.cells:
            streets.add((place.street_code, top))

    def is_taken(place: FoundPlace) -> bool:
        top = find_top(place.item_code)
        near = set().union(*(taken.get(cell, set()) for cell in place.cells))
        near |= {one for street, one in streets if street == place.street_code}
        return bool(near) and (not top or "" in near or top in near)

    for place in worked:
        mark(place)
    left: list[PlaceTask] = []
    for place in found:
        if is_taken(place) or not place.cells:
            continue
        mark(place)
        left.append(
            PlaceTask(
                task_id=f"left-{len(left)}",
                street_code=place.street_code,
                item_code=place.item_code,
                cells=place.cells,
                found_from=place.start,
                found_to=place.end,
                done_on=place.run_on + timedelta(days=delay),
                watch_days=watch,
            )
        )
    return left


def find_rings(
    city: City, problems: pd.DataFrame, places: Iterable[frozenset[str]]
) -> list[frozenset[str]]:
    """Return the cells with orders within :data:`RING_M` of each place, without its own; empty for a whole street."""
    grid = get_grid(city)
    codes = pd.Index(problems["cell_code"].dropna().astype("str").unique())
    codes = codes[grid.find_positions(codes) >= 0]
    if codes.empty:
        return [frozenset() for _ in places]
    xy = grid.centers(codes)[["x", "y"]].to_numpy()
    tree = cKDTree(xy)
    rings = []
    for cells in places:
        own = codes.get_indexer(pd.Index(sorted(cells)))
        own = own[own >= 0]
        near = tree.query_ball_point(xy[own], RING_M) if len(own) else []
        rings.append(frozenset(codes[sorted({at for part in near for at in part})]) - cells)
    return rings


# --- the count model ----------------------------------------------------------------------------------------------


def make_expect(model: CountModel | None, levels: ItemLevels, city: City) -> "Expectations":
    """Return what answers how a place of a street and item would go on."""
    streets = city.streets
    return Expectations(
        model=model,
        levels=levels,
        districts=dict(
            zip(
                streets["street_code"].astype(str),
                streets["district_code"].astype(str),
                strict=True,
            )
        ),
        curves={},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Expectations:
    """Season and trend of a place: those of its item in its district.

    The street's own expectation would follow the place: a task that works lowers its street's trend, and the
    comparison would then hide part of it. In a district one place weighs little.

    Parameters
    ----------
    model
        None: every day counts alike.
    levels
        Of the catalogue.
    districts
        District by street.
    curves
        Those made so far, by district and item.
    """

    model: CountModel | None
    levels: ItemLevels
    districts: Mapping[str, str]
    curves: dict[tuple[str, str], Curve | None]

    def __call__(self, street: str, item: str, start: date, end: date) -> float:
        """Return the expected count of some days, both inside; 0 where the model knows no such item."""
        if self.model is None:
            return float((end - start).days + 1)
        district = self.districts.get(street, "")
        area = district if district in self.model.districts else ""
        key = (area, item)
        if key not in self.curves:
            self.curves[key] = self._make_curve(self.model, area, item)
        curve = self.curves[key]
        return 0.0 if curve is None else curve.between(start, end)

    def _make_curve(self, model: CountModel, area: str, item: str) -> Curve | None:
        """Return the curve by months, even within each."""
        items = self._find_items(model, item)
        if not items:
            return None
        starts = [model.first_day]
        while (after := add_months(starts[-1].replace(day=1), 1)) <= model.last_day:
            starts.append(after)
        ends = [*(day - timedelta(days=1) for day in starts[1:]), model.last_day]
        expected = model.expect(
            area, np.repeat(items, len(starts)), starts * len(items), ends * len(items)
        )
        by_month = expected.mean.reshape(len(items), len(starts)).sum(axis=0)
        lengths = [(end - start).days + 1 for start, end in zip(starts, ends, strict=True)]
        return make_curve(model.first_day, np.repeat(by_month / lengths, lengths))

    def _find_items(self, model: CountModel, item: str) -> list[str]:
        """Return the level-2 items of the model that an item of any level stands for."""
        if not item:
            return list(model.items)
        above = self.levels.above
        rows = above[(above == item).any(axis=1)]
        wanted = set(rows[2]) | {item}
        return [one for one in model.items if one in wanted]


# --- what is kept -------------------------------------------------------------------------------------------------


def make_effect_row(kept: KeptTask, result: JudgedTask, *, at: datetime) -> TaskEffect:
    """Return the row of a judged task."""
    place = kept.done.place
    return TaskEffect(
        task_id=kept.task_id,
        done_on=place.done_on,
        plan_no=kept.plan_no,
        task_no=kept.task_no,
        street_code=place.street_code,
        title=kept.title,
        watch_to=place.watch_to,
        answer=result.answer.value,
        reason=result.reason,
        figures=make_figures(kept, result),
        judged_at=at,
    )


def make_figures(kept: KeptTask, result: JudgedTask) -> dict[str, Any]:
    """Return the figures of a judged task as plain values.

    Returns
    -------
        ``days watch_days planned measures cautions alone_n alone_factor power``, and where there is a watch
        ``observed expected ratio low high p_fewer``; ``placebo next_door`` with the last five, or None.
    """
    verdict = result.verdict
    return {
        "days": result.days,
        "watch_days": kept.done.place.watch_days,
        "planned": round(kept.done.planned, DIGITS),
        "measures": [{"code": code, "name": name} for code, name in kept.measures.items()],
        "cautions": list(result.cautions),
        "alone_n": 0 if verdict is None else verdict.alone.n,
        "alone_factor": 1.0 if verdict is None else round(verdict.alone.factor, DIGITS),
        "power": None if verdict is None else round(verdict.power, DIGITS),
        **_list_effect(None if verdict is None else verdict.effect),
        "placebo": _list_effect(result.placebo) or None,
        "next_door": _list_effect(result.next_door) or None,
    }


def _list_effect(effect: Any) -> dict[str, Any]:
    """Return an effect as plain values, nothing where there is none."""
    if effect is None:
        return {}
    figures = {
        name: getattr(effect, name) for name in ("expected", "ratio", "low", "high", "p_fewer")
    }
    return {
        "observed": int(effect.observed),
        **{name: round(float(value), DIGITS) for name, value in figures.items()},
    }


def make_measure_report(
    kept: Sequence[KeptTask], judged: JudgedCity, known: Mapping[str, float]
) -> dict[str, Any]:
    """Return the pools by measure as plain values, with what they were compared with and what was believed before."""
    names = {code: name for one in kept for code, name in one.measures.items()}
    rows = []
    for pool in judged.pools:
        verdict = pool.verdict
        rows.append(
            {
                "measure_code": pool.measure_code,
                "name": names[pool.measure_code],
                "believed": known.get(pool.measure_code),
                "n": pool.n,
                "n_alone": pool.n_alone,
                "n_running": pool.n_running,
                "answer": "too_early" if verdict is None else verdict.answer.value,
                "reason": "watch_runs" if verdict is None else verdict.reason,
                "power": None if verdict is None else round(verdict.power, DIGITS),
                **_list_effect(None if verdict is None else verdict.effect),
                **{
                    name: None if value is None else round(value, DIGITS)
                    for name, value in (
                        ("fall", pool.fall),
                        ("fall_low", pool.fall_low),
                        ("fall_high", pool.fall_high),
                    )
                },
            }
        )
    alone = [one.verdict.alone for one in judged.tasks if one.verdict is not None]
    answers: dict[str, int] = {}
    for one in judged.tasks:
        answers[one.answer.value] = answers.get(one.answer.value, 0) + 1
    return {
        "tasks": len(kept),
        "answers": answers,
        "alone_n": max((one.n for one in alone), default=0),
        "alone_factor": round(mean([one.factor for one in alone]), DIGITS) if alone else 1.0,
        "measures": rows,
    }
