"""Everything of one street put together: the plan."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.pack.city import City
from gridgov.rules.streets import GOVERNANCE, RECTIFICATION
from planner.frames import HotspotScale
from planner.plans.aims import Aim, CurveBook, make_aim, set_targets
from planner.plans.candidates import (
    EVIDENCE_COLUMNS,
    Spots,
    count_persons,
    make_area_candidates,
    make_untreated,
)
from planner.plans.diagnosis import CityView, Diagnosis, make_diagnosis
from planner.plans.edits import merge_edits
from planner.plans.excess import Covered, make_excess
from planner.plans.items import ItemLevels
from planner.plans.lineage import keep_task_ids
from planner.plans.lists import PolicyEvidence, make_policies, make_responsibilities
from planner.plans.outlook import PlaceHistory, make_history
from planner.plans.plan_text import get_language, load_words, say
from planner.plans.record import Excess, Finding, Plan, Target, Task, Untreated, seal_plan
from planner.plans.tasks import (
    Candidate,
    TaskRules,
    find_crew,
    find_mixed_items,
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

GOVERNED = (GOVERNANCE, RECTIFICATION)
"""Classes whose streets get a plan whatever is found."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanOrders:
    """Orders that are problems, by street.

    Parameters
    ----------
    frame
        ``EVIDENCE_COLUMNS`` with ``level2_code``, all of the history, in the order of the rows.
    by_street
        Positions of each street's orders.
    spots
        Positions of the orders of each hotspot's place and item, all of the history.
    """

    frame: pd.DataFrame
    by_street: Mapping[str, npt.NDArray[np.int64]]
    spots: Mapping[str, npt.NDArray[np.int64]]

    def take(self, street: str) -> pd.DataFrame:
        """Return the orders of a street."""
        return self.frame.take(self.by_street.get(street, np.zeros(0, dtype=np.int64)))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Draft:
    """The tasks of a street with what their targets are found from, and what is told beside them."""

    street: str
    aims: tuple[Aim, ...]
    later: tuple[Candidate, ...]
    ended: tuple[str, ...]
    previous: Plan | None


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanMaker:
    """Everything that plans of one city have in common.

    Parameters
    ----------
    city, view
        The pack, and the figures of all streets.
    hotspots
        Frame of ``planner.frames.HOTSPOT_COLUMNS``.
    spots
        The same, sorted out.
    orders
        Problems.
    excess
        Frame of ``excess.EXCESS_COLUMNS``, all streets.
    classes
        Frame of ``gridgov.rules.streets.classes.CLASS_COLUMNS``, index ``street_code``.
    rules
        What tasks need.
    policies
        Evidence for the list of policies.
    book
        Curves of the count model.
    notes
        What the count model lacks.
    """

    city: City
    view: CityView
    hotspots: gpd.GeoDataFrame
    spots: Spots
    orders: PlanOrders
    excess: pd.DataFrame
    classes: pd.DataFrame
    rules: TaskRules
    policies: PolicyEvidence
    book: CurveBook
    notes: tuple[str, ...] = ()
    excess_rows: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    @property
    def levels(self) -> ItemLevels:
        """Return the levels of the catalogue."""
        return self.rules.levels

    @property
    def year(self) -> tuple[date, date]:
        """Return the first and last day of the last twelve months."""
        span = self.view.figures.year
        return span.start.date(), (span.end - timedelta(seconds=1)).date()

    @cached_property
    def districts(self) -> dict[str, str]:
        """Return the district of each street that has one."""
        known = self.city.streets[["street_code", "district_code"]].dropna()
        return {
            str(street): str(district)
            for street, district in known.itertuples(index=False, name=None)
        }

    def find_streets(self) -> list[str]:
        """Return the streets that get a plan: of a governed class, or with a hotspot to govern."""
        governed = self.classes.index[self.classes["street_class"].isin(GOVERNED)]
        return sorted(
            {
                str(code)
                for code in (*governed, *self.spots.candidates)
                if code in self.classes.index
            }
        )

    def make(self, street: str, previous: Plan | None = None) -> Plan:
        """Return the plan of one street alone, with the ids and edits of the plan before."""
        known = {} if previous is None else {street: previous}
        return self.make_all([street], known)[0]

    def make_all(
        self, streets: Sequence[str], previous: Mapping[str, Plan] | None = None
    ) -> tuple[Plan, ...]:
        """Return the plans of some streets; their tasks may be judged together.

        Parameters
        ----------
        streets
            Codes, in the order of the plans.
        previous
            Plans before, by street code.
        """
        known = previous or {}
        drafts = [self._draft(street, known.get(street)) for street in streets]
        aims = [aim for draft in drafts for aim in draft.aims]
        targets = set_targets(aims, self.rules)
        return tuple(self._finish(draft, targets) for draft in drafts)

    def _draft(self, street: str, previous: Plan | None) -> "_Draft":
        """Return the tasks of a street, their targets still open."""
        candidates, later = self._choose(street)
        tasks = self._make_tasks(candidates)
        ended: tuple[str, ...] = ()
        if previous is not None:
            groups = self.levels.above[2].to_dict()
            lineage = keep_task_ids(previous.tasks, tasks, groups)
            tasks, ended = lineage.tasks, lineage.ended
        district = self.districts.get(street, "")
        aims = tuple(
            make_aim(
                task,
                one,
                self._make_history(one),
                self.book,
                self.rules,
                district=district,
            )
            for task, one in zip(tasks, candidates, strict=True)
        )
        return _Draft(street=street, aims=aims, later=tuple(later), ended=ended, previous=previous)

    def _finish(self, draft: "_Draft", targets: Mapping[str, Target]) -> Plan:
        """Return the plan of a draft, sealed."""
        street, later, previous = draft.street, draft.later, draft.previous
        candidates = [aim.candidate for aim in draft.aims]
        tasks = tuple(replace(aim.task, target=targets[aim.task.task_id]) for aim in draft.aims)
        excess = self._make_excess(street, candidates, tasks, later)
        diagnosis = self._diagnose(street, candidates, previous, tasks, draft.ended)
        plan = Plan(
            city={
                "name": self._name_city(),
                "synthetic": self.city.settings.synthetic,
                "language": get_language(),
            },
            street=self._describe_street(street),
            period=self._describe_period(),
            source=self._describe_source(street),
            diagnosis=asdict(diagnosis),
            hotspots=self._describe_spots(street),
            tasks=tasks,
            responsibilities=make_responsibilities(tasks),
            policies=make_policies(tasks, self.policies, self.rules, street=street),
            assumed=self._describe_assumed(),
            excess=excess,
            findings=self._make_findings(street, tasks, excess, later, diagnosis),
            untreated=self._list_untreated(street, later),
        )
        if previous is None:
            return seal_plan(plan)
        return seal_plan(merge_edits(previous, plan), previous=previous)

    def _choose(self, street: str) -> tuple[list[Candidate], list[Candidate]]:
        """Return the candidates that become tasks, most urgent first, and those that must wait.

        Items in excess in the whole street are added until the tasks explain what they must, and those that are beyond
        doubt in any case.
        """
        spots = list(self.spots.candidates.get(street, ()))
        items = self._take_excess(street)
        of_year = self._take_year(street)
        areas = make_area_candidates(
            items, of_year, spots, year=self.year, names=self.rules.names, levels=self.levels
        )
        most = int(self.rules.number("tasks_max"))
        enough = self.rules.number("excess_share")
        chosen = self._rank(spots)[:most]
        for area in areas:
            share = self._explain(street, chosen).share
            sure = area.q is not None and area.q <= self.rules.number("confident_q")
            if share is not None and share >= enough and not sure:
                break
            if self._find_explained(area, chosen) >= enough * area.year_excess:
                continue
            chosen = [*self._rank(chosen)[: most - 1], area]
        ranked = self._rank(chosen)
        return ranked, [one for one in self._rank(spots) if all(one is not own for own in ranked)]

    def _find_explained(self, area: Candidate, chosen: Sequence[Candidate]) -> float:
        """Return how much of an item's excess in a street its own places explain: they are cured one by one."""
        same = (self._cover(one, "") for one in chosen)
        return sum(one.excess for one in same if one.item_code == area.item_code)

    @staticmethod
    def _rank(candidates: Sequence[Candidate]) -> list[Candidate]:
        return sorted(
            candidates, key=lambda one: (-one.urgency, one.hotspot_id == "", one.hotspot_id)
        )

    def _make_tasks(self, candidates: Sequence[Candidate]) -> tuple[Task, ...]:
        """Return the tasks in the order of their urgency, ids unique."""
        starts: dict[str, int] = {}
        made: list[Task] = []
        for number, candidate in enumerate(candidates, start=1):
            crew = find_crew(candidate, find_mixed_items(candidate, self.rules), self.rules)
            lead = crew.lead.unit_code if crew.lead else ""
            task = make_task(candidate, self.rules, number=number, starts=starts.get(lead, 0))
            starts[lead] = starts.get(lead, 0) + (not candidate.months)
            same = sum(
                one.task_id.rpartition("#")[0] == task.task_id or one.task_id == task.task_id
                for one in made
            )
            made.append(replace(task, task_id=f"{task.task_id}#{same + 1}") if same else task)
        return tuple(made)

    def _make_history(self, candidate: Candidate) -> PlaceHistory:
        """Return all appeals of a candidate's place and item."""
        if candidate.hotspot_id:
            rows = self.orders.spots.get(candidate.hotspot_id, np.zeros(0, dtype=np.int64))
            return make_history(self.orders.frame.take(rows))
        own = self.orders.take(candidate.street_code)
        return make_history(own[own["level2_code"] == candidate.item_code])

    def _take_excess(self, street: str) -> pd.DataFrame:
        """Return the rows of a street of the table of excess."""
        if not self.excess_rows:
            self.excess_rows.update(self.excess.groupby("street_code").indices)
        return self.excess.take(self.excess_rows.get(street, np.zeros(0, dtype=np.int64)))

    def _take_year(self, street: str) -> pd.DataFrame:
        own = self.orders.take(street)
        return self.view.figures.year.take(own)

    def _cover(self, candidate: Candidate, task_id: str) -> Covered:
        code = candidate.item_code
        level2 = str(self.levels.find(pd.Series([code]), 2).iloc[0]) if code else ""
        is_whole = candidate.scale == HotspotScale.AREA and not candidate.cells
        return Covered(
            item_code=level2,
            excess=candidate.year_excess,
            persons=candidate.year_persons,
            is_whole=is_whole and candidate.item_level <= 2,
            task_id=task_id,
        )

    def _explain(self, street: str, chosen: Sequence[Candidate]) -> Excess:
        """Return the excess if these candidates were the tasks."""
        every = self.spots.candidates.get(street, ())
        covered = [self._cover(one, str(at)) for at, one in enumerate(chosen)]
        covered += [self._cover(one, "") for one in every if all(one is not own for own in chosen)]
        return make_excess(self._take_excess(street), covered, self.levels)

    def _make_excess(
        self,
        street: str,
        candidates: Sequence[Candidate],
        tasks: Sequence[Task],
        later: Sequence[Candidate],
    ) -> Excess:
        covered = [
            self._cover(one, task.task_id) for one, task in zip(candidates, tasks, strict=True)
        ]
        covered += [self._cover(one, "") for one in later]
        return make_excess(self._take_excess(street), covered, self.levels)

    def _diagnose(
        self,
        street: str,
        candidates: Sequence[Candidate],
        previous: Plan | None,
        tasks: Sequence[Task],
        ended: Sequence[str],
    ) -> Diagnosis:
        """Return the diagnosis, with the hotspots by kind and what became of the tasks before."""
        own = self.hotspots[self.hotspots["street_code"].astype("object") == street]
        hotspots = {
            "scales": own["scale"].value_counts().sort_index().astype(int).to_dict(),
            "kinds": own["kind"].value_counts().sort_index().astype(int).to_dict(),
            "to_govern": len(self.spots.candidates.get(street, ())),
            "helping": len(self.spots.helping.get(street, ())),
        }
        diagnosis = make_diagnosis(street, self.view, previous=previous)
        told = None if previous is None else self._compare(previous, candidates, tasks, ended)
        return replace(diagnosis, hotspots=hotspots, previous=told)

    def _compare(
        self,
        previous: Plan,
        candidates: Sequence[Candidate],
        tasks: Sequence[Task],
        ended: Sequence[str],
    ) -> dict[str, Any]:
        """Return what has become of each task of the plan before: persons since its day against as many days before."""
        day = date.fromisoformat(str(previous.period["end"]))
        today = self.rules.today
        now = {task.task_id: at for at, task in enumerate(tasks)}
        parents = {old: task.task_id for task in tasks for old in task.lineage}
        rows = []
        for old in previous.tasks:
            at = now.get(old.task_id)
            row: dict[str, Any] = {
                "task_id": old.task_id,
                "title": old.title,
                "continued_by": parents.get(old.task_id, ""),
                "ended": old.task_id in ended,
                "persons_since": None,
                "persons_before": None,
            }
            if at is not None and today > day:
                history = self._make_history(candidates[at])
                length = today - day
                row["persons_since"] = history.count(day + timedelta(days=1), today)
                row["persons_before"] = history.count(day - length + timedelta(days=1), day)
            rows.append(row)
        share = None if previous.excess is None else previous.excess.share
        return {"plan_no": previous.plan_no, "day": day.isoformat(), "share": share, "tasks": rows}

    def _list_untreated(self, street: str, later: Sequence[Candidate]) -> tuple[Untreated, ...]:
        names = dict(zip(self.hotspots["hotspot_id"], self.hotspots["name"], strict=True))
        return (
            *self.spots.untreated.get(street, ()),
            *self.spots.helping.get(street, ()),
            *(make_untreated(one, "later", str(names[one.hotspot_id])) for one in later),
        )

    def _make_findings(
        self,
        street: str,
        tasks: Sequence[Task],
        excess: Excess,
        later: Sequence[Candidate],
        diagnosis: Diagnosis,
    ) -> tuple[Finding, ...]:
        """Return what must be said beside the tasks, and why there is none."""
        found: list[Finding] = []

        def tell(key: str, /, texts: Mapping[str, Any] | None = None, **figures: Any) -> None:
            text = say("findings", key, **{**figures, **(texts or {})})
            found.append(Finding(key=key, text=text, figures=figures))

        rows = self._take_excess(street)
        persons, expected = int(rows["persons"].sum()), float(rows["expected"].sum())
        if self.book.model is None:
            tell("no_model", note=" ".join(self.notes))
        elif not persons:
            tell("no_appeals")
        elif not tasks:
            ratios = rows.assign(ratio=rows["persons"] / rows["expected"].clip(lower=1e-9))
            top = ratios[ratios["persons"] > 0].sort_values(["p", "item_code"]).iloc[0]
            tell(
                "no_excess",
                persons=persons,
                expected=round(expected, 1),
                item=self.levels.name(str(top["item_code"])),
                ratio=round(float(top["ratio"]), 2),
                p=float(f"{top['p']:.2g}"),
            )
        elif excess.share is not None and excess.share < 1:
            rest = [one for one in excess.items if one.excess > one.explained]
            tell(
                "part",
                {"share": f"{excess.share:.0%}"},
                explained=excess.explained,
                rest=round(excess.total - excess.explained, 1),
                items=len(rest),
                share=excess.share,
            )
        if later:
            tell("more", n=len(later), most=int(self.rules.number("tasks_max")))
        if self.view.residents is None:
            tell("no_population")
        rate = diagnosis.get("solution_rate")
        if rate.value is None:
            tell("no_callbacks", n=rate.n, least=max(self.view.callbacks_min, 1))
        if not self.rules.graph.duties:
            tell("no_duties")
        if not self.rules.library:
            share = self.rules.number("target_share")
            tell("no_library", {"share": f"{share:.0%}"}, share=share)
        if self.view.flow is None:
            tell("no_transfers")
        return tuple(found)

    def _describe_street(self, street: str) -> dict[str, Any]:
        """Return the facts of the title page."""
        row = self.classes.loc[street]
        district = self.districts.get(street, "")
        people = row["population"]
        return {
            "code": street,
            "name": self.rules.names.get(street, street),
            "district_code": district,
            "district_name": self.rules.names.get(district, "") if district else "",
            "class": str(row["street_class"]),
            "class_name": load_words()["classes"][str(row["street_class"])],
            "class_reason": str(row["reason"]),
            "class_month": str(row["month"]),
            "class_decided": not pd.isna(row["decided"]),
            "population": None if pd.isna(people) else int(people),
        }

    def _describe_period(self) -> dict[str, str]:
        """Return the first and last day of the window, the year and the day of the plan."""
        window = self.view.figures.window
        last = (window.end - timedelta(seconds=1)).date()
        return {
            "start": window.start.date().isoformat(),
            "end": last.isoformat(),
            "year_start": self.year[0].isoformat(),
            "as_of": window.end.isoformat(),
        }

    def _describe_source(self, street: str) -> dict[str, Any]:
        """Return where the figures come from."""
        figures = self.view.figures
        return {
            "orders_history": int(figures.counts.loc[street, "history"]),
            "orders_year": int(figures.counts.loc[street, "year"]),
            "streets": len(self.classes),
            "boundary_version": self.city.boundary_version,
            "city_hash": self.city.content_hash,
            "model_hash": self.book.model.data_hash if self.book.model else "",
            "notes": list(self.notes),
        }

    def _name_city(self) -> str:
        """Return the name of the city in the language that is spoken."""
        english = not get_language().startswith("zh")
        return (english and self.city.settings.name_en) or self.city.name

    def _describe_assumed(self) -> tuple[dict[str, Any], ...]:
        """Return the assumed constants that the plan stands on."""
        used = (c for c in self.city.settings.constants.assumed() if c.name.startswith(USED))
        return tuple({"name": c.name, "value": c.value, "source": c.source} for c in used)

    def _describe_spots(self, street: str) -> tuple[dict[str, Any], ...]:
        """Return the hotspots of a street as plain values, with place, months and their course."""
        own = self.hotspots[self.hotspots["street_code"].astype("object") == street]
        rows = pd.DataFrame(own.drop(columns="geometry")).to_dict("records")
        return tuple(
            self._describe_spot({str(key): value for key, value in row.items()}) for row in rows
        )

    def _describe_spot(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return one hotspot as plain values."""
        words = load_words()
        at = self.orders.spots.get(str(row["hotspot_id"]), np.zeros(0, dtype=np.int64))
        own = self.orders.frame.take(at)
        local = pd.DatetimeIndex(own["received_at"]).tz_localize(None)
        months = Counter(local.to_numpy().astype("datetime64[M]").astype(str).tolist())
        series = [months[str(month)] for month in self.view.figures.months.columns]
        community = self.rules.names.get(str(row["community_code"]), "")
        street = self.rules.names.get(str(row["street_code"]), "")
        return {
            **{key: _make_plain(value) for key, value in row.items()},
            "kind_name": words["kinds"][str(row["kind"])]["name"],
            "scale_name": words["scales"][str(row["scale"])],
            "place": say("places", "near", place=f"{street}{row['place_name'] or community}"),
            "month_names": say_months(str(row["months"] or "")),
            "series": series,
            "persons_year": count_persons(self.view.figures.year.take(own)),
        }


def _make_plain(value: Any) -> Any:
    """Return a value that JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


def make_plan_orders(problems: pd.DataFrame, spots: pd.DataFrame) -> PlanOrders:
    """Return the orders that plans look at.

    Parameters
    ----------
    problems
        Orders that are problems, index 0 … n-1: :data:`~planner.plans.candidates.EVIDENCE_COLUMNS` but ``text``, which
        may be absent, and ``level2_code``.
    spots
        ``hotspot_id`` and ``row``, the position in `problems`.
    """
    frame = problems.reindex(columns=[*EVIDENCE_COLUMNS, "level2_code"])
    return PlanOrders(
        frame=frame,
        by_street=frame.groupby(frame["street_code"].astype("object")).indices,
        spots={
            str(code): rows["row"].to_numpy(dtype=np.int64)
            for code, rows in spots.groupby("hotspot_id", sort=False)
        },
    )
