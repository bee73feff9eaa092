"""From a plan to its document: what stands where, in which words, under which number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gridgov.rules.indicators import say_figure
from planner.documents.blocks import BlockWriter
from planner.documents.content import (
    Annex,
    Column,
    Drawing,
    OfficeDocument,
    Paragraph,
    Row,
    Signature,
    Table,
)
from planner.documents.drawing import draw_bars, draw_shares
from planner.documents.street_map import MapWords, PlanGround, draw_street_map, find_spots
from planner.documents.words import (
    load_document_words,
    say_day,
    say_name,
    say_number,
    say_p,
    say_q,
    say_share,
)
from planner.plans.plan_text import CHINESE, get_language, load_words, speaking
from planner.plans.record import Party, Plan, Range, Stage, Task, TaskMeasure

EVIDENCE_LINE = 54
"""Letters in a line of the annex's column of order numbers; a wide blank between two of them counts two."""


@dataclass(frozen=True, kw_only=True)
class DocumentOptions:
    """What a document says beside its plan.

    Parameters
    ----------
    issuer
        The office whose document it is; empty: the street.
    number
        Number that the office gives (发文字号); empty: the plan's own.
    state
        Where the plan stands in its life, in words; empty outside a service.
    signed_on
        Day of the approval; None: not signed, and it says so.
    """

    issuer: str = ""
    number: str = ""
    state: str = ""
    signed_on: date | None = None


def make_document(
    plan: Plan, ground: PlanGround | None = None, options: DocumentOptions | None = None
) -> OfficeDocument:
    """Return the document of a plan, in the language in which the plan was made.

    Parameters
    ----------
    plan
        The plan, sealed or draft.
    ground
        What lies under its map; None: no map.
    options
        Issuer, number, state.
    """
    with speaking(find_language(plan)):
        return _Maker(plan=plan, ground=ground, options=options or DocumentOptions()).make()


def find_language(plan: Plan) -> str:
    """Return the language of a plan."""
    return str(plan.city.get("language") or CHINESE)


@dataclass(kw_only=True)
class _Maker(BlockWriter):
    """Writes a plan from its first page to its annexes."""

    plan: Plan
    ground: PlanGround | None
    options: DocumentOptions
    map_figure: int = 0

    def make(self) -> OfficeDocument:
        """Return the document."""
        words, plan, options = load_document_words(), self.plan, self.options
        values = {
            "city": str(plan.city["name"]),
            "street": str(plan.street["name"]),
            "start": str(plan.period["start"]),
            "end": str(plan.period["end"]),
        }
        title = words["title"].format(**values)
        issuer = options.issuer or values["street"]
        signed = say_day(options.signed_on) if options.signed_on else words["unsigned"]
        self.blocks.append(Paragraph(text=words["intro"].format(**values)))
        self._add_lines(plan.notes.get("opening", ""))
        self._add_diagnosis()
        self._add_hotspots()
        self._add_tasks()
        self._add_responsibilities()
        self._add_policies()
        self._add_notes()
        self._add_basis()
        body = tuple(self.blocks)
        annexes = self._make_annexes()
        synthetic = (words["synthetic"],) if plan.city.get("synthetic") else ()
        return OfficeDocument(
            language=get_language(),
            title=title,
            subtitle=words["subtitle"].format(**values),
            issuer=issuer,
            number=options.number or plan.plan_no,
            state=options.state,
            marks=synthetic,
            facts=self._make_facts(),
            blocks=body,
            annexes=annexes,
            signature=Signature(issuer=issuer, day=signed),
            imprint=words["imprint"].format(
                hash=plan.content_hash[:16], version=plan.source.get("boundary_version", "")
            ),
            values={
                **values,
                "district": str(plan.street.get("district_name", "")),
                "plan_no": plan.plan_no,
                "class_name": str(plan.street.get("class_name", "")),
                "revision": str(plan.revision),
                "tasks": str(len(plan.tasks)),
                "hotspots": str(len(plan.hotspots)),
                "content_hash": plan.content_hash,
            },
        )

    def _chapter(self, key: str) -> None:
        self.add_chapter(load_document_words()["chapters"][key], anchor=key)

    # --- first page -------------------------------------------------------------------------------

    def _make_facts(self) -> tuple[tuple[str, str], ...]:
        words, plan = load_document_words(), self.plan
        names, texts = words["facts"], words["fact_values"]
        street, reason = plan.street, str(plan.street.get("class_reason", ""))
        class_name = str(street.get("class_name", ""))
        people = street.get("population")
        rows = (
            (names["number"], plan.plan_no),
            (names["state"], self.options.state),
            (names["area"], str(street.get("district_name", ""))),
            (names["window"], texts["window"].format(**plan.period)),
            (
                names["class"],
                texts["class"].format(name=class_name, reason=reason) if reason else class_name,
            ),
            (names["population"], texts["population"].format(n=f"{people:,}") if people else ""),
            (
                names["counts"],
                texts["counts"].format(hotspots=len(plan.hotspots), tasks=len(plan.tasks)),
            ),
            (names["revision"], texts["revision"].format(revision=plan.revision)),
            (names["boundary"], str(plan.source.get("boundary_version", ""))),
        )
        return tuple((name, text) for name, text in rows if text)

    # --- diagnosis --------------------------------------------------------------------------------

    def _add_diagnosis(self) -> None:
        words, plan = load_document_words(), self.plan
        figures = {str(one["key"]): one for one in plan.diagnosis.get("figures", ())}
        self._chapter("diagnosis")
        self.add_section(words["sections"]["overview"])
        self.say(self._write_overview(figures))
        if figures:
            self.add_table(
                words["tables"]["figures"],
                (
                    _column("indicator", 40),
                    _column("value", 22, "right"),
                    _column("n", 16, "right"),
                    _column("window", 22),
                ),
                [Row(cells=_write_figure(one)) for one in figures.values()],
                words["tables"]["figures_note"].format(
                    year_start=plan.period.get("year_start", "")
                ),
            )
        self._add_excess()
        self._add_course()
        self._add_items()

    def _write_overview(self, figures: Mapping[str, Mapping[str, Any]]) -> str:
        words, plan = load_document_words()["overview"], self.plan
        parts = []

        def value(key: str) -> Any:
            return figures.get(key, {}).get("value")

        if value("orders") is not None:
            parts.append(words["orders"].format(n=say_number(value("orders"))))
        if value("city_share") is not None:
            parts.append(words["share"].format(share=say_share(value("city_share"))))
        if value("rank") is not None:
            parts.append(
                words["rank"].format(
                    streets=say_number(plan.source.get("streets")), rank=say_number(value("rank"))
                )
            )
        change = value("change_year")
        if change is not None:
            key = "more" if change >= 0 else "less"
            parts.append(words[key].format(share=say_share(abs(change))))
        spots: str = (
            words["spots"].format(n=len(plan.hotspots)) if plan.hotspots else words["no_spots"]
        )
        marks = load_document_words()
        first = marks["comma"].join(parts)
        return str(first + (marks["stop"] if parts else "") + spots + marks["stop"]).strip()

    def _add_excess(self) -> None:
        words, excess = load_document_words(), self.plan.excess
        if excess is None:
            return
        self.add_section(words["sections"]["excess"])
        if excess.share is None:
            self.say(words["excess"]["none"], "finding")
        else:
            self.say(
                words["excess"]["some"].format(
                    total=say_number(excess.total),
                    explained=say_number(excess.explained),
                    share=say_share(excess.share),
                ),
                "finding",
            )
        if excess.items:
            self.add_table(
                words["tables"]["excess"],
                (
                    _column("item", 34),
                    _column("persons", 13, "right", "unit_persons"),
                    _column("expected", 13, "right", "unit_persons"),
                    _column("range", 16, "right", "unit_persons"),
                    _column("verdict", 22),
                    _column("explained", 13, "right", "unit_persons"),
                ),
                [
                    Row(
                        cells=(
                            one.item_name or words["all_items"],
                            say_number(one.persons),
                            say_number(one.expected, 1),
                            f"{one.low:,.0f}–{one.high:,.0f}",
                            words["verdicts"].get(one.verdict, one.verdict),
                            say_number(one.explained) if one.excess else words["dash"],
                        )
                    )
                    for one in excess.items
                ],
                words["tables"]["excess_note"],
            )

    def _add_course(self) -> None:
        words, plan = load_document_words(), self.plan
        months, hours = plan.diagnosis.get("months", ()), plan.diagnosis.get("hours", ())
        if not months and not hours:
            return
        charts = words["charts"]
        self.add_section(words["sections"]["time"])
        if months:
            self.add_figure(
                words["figures"]["months"],
                draw_bars(
                    [str(month[0]) for month in months],
                    [float(month[1]) for month in months],
                    label=words["figures"]["months"],
                    unit=charts["orders"],
                    legend=(charts["street"], charts["usual"]),
                    line=[float(month[2]) for month in months],
                ),
                alt=words["figures"]["months"],
                note=words["figures"]["months_note"].format(
                    n=say_number(plan.source.get("orders_history"))
                ),
            )
        if hours:
            self.add_figure(
                words["figures"]["hours"],
                draw_bars(
                    [f"{hour:02d}" for hour in range(24)],
                    [float(count) for count in hours],
                    label=words["figures"]["hours"],
                    unit=charts["orders"],
                    legend=(charts["street"],),
                    height=160.0,
                ),
                alt=words["figures"]["hours"],
                note=words["figures"]["hours_note"].format(
                    n=say_number(plan.source.get("orders_year"))
                ),
            )

    def _add_items(self) -> None:
        words, plan = load_document_words(), self.plan
        items, details = plan.diagnosis.get("items", ()), plan.diagnosis.get("details", ())
        if not items and not details:
            return
        n = say_number(plan.source.get("orders_year"))
        self.add_section(words["sections"]["items"])
        if items:
            self.add_figure(
                words["figures"]["items"],
                draw_shares(
                    [(str(one["name"]), one["share"], one["city_share"]) for one in items],
                    label=words["figures"]["items"],
                    legend=(words["charts"]["street"], words["charts"]["city"]),
                ),
                alt=words["figures"]["items"],
                note=words["figures"]["items_note"].format(n=n),
            )
        if details:
            self.add_table(
                words["tables"]["details"],
                (_column("item", 76), _column("orders", 24, "right", "unit_orders")),
                [Row(cells=(str(one["name"]), say_number(one["count"]))) for one in details],
                words["tables"]["details_note"].format(n=n),
            )

    # --- hotspots ---------------------------------------------------------------------------------

    def _add_hotspots(self) -> None:
        words, plan = load_document_words(), self.plan
        self._chapter("hotspots")
        drawing = self._draw_map()
        if drawing is not None:
            self.add_section(words["sections"]["map"])
            self.map_figure = self.figures + 1
            self.add_figure(
                words["figures"]["map"],
                drawing,
                alt=words["map"]["label"].format(street=plan.street["name"]),
                note=self._write_map_note(),
            )
        if plan.hotspots:
            self.add_section(words["sections"]["list"])
            self._add_hotspot_table()
        else:
            self.say(words["hotspot"]["none"], "finding")
        if plan.untreated:
            self.add_section(words["sections"]["untreated"])
            reasons = words["untreated_reasons"]
            self.add_table(
                words["tables"]["untreated"],
                (
                    _column("hotspot", 34),
                    _column("window", 20),
                    _column("persons", 10, "right", "unit_persons"),
                    _column("reason", 36),
                ),
                [
                    Row(
                        cells=(
                            one.name,
                            f"{one.window_start}\n{one.window_end}",
                            say_number(one.persons),
                            one.text or reasons.get(one.reason, one.reason),
                        )
                    )
                    for one in plan.untreated
                ],
            )

    def _write_map_note(self) -> str:
        """Return what the map shows, as far as it does, and its sources."""
        words, plan = load_document_words()["figures"], self.plan
        has_cells = (
            self.ground is not None and self.ground.cells is not None and len(self.ground.cells)
        )
        parts = (
            words["map_spots"].format(table=self.tables + 1) if plan.hotspots else "",
            words["map_cells"].format(n=say_number(plan.source.get("orders_year")))
            if has_cells
            else "",
            words["map_source"].format(version=plan.source.get("boundary_version", "")),
        )
        return "".join(parts)

    def _draw_map(self) -> Drawing | None:
        if self.ground is None:
            return None
        words, plan = load_document_words()["map"], self.plan
        return draw_street_map(
            self.ground,
            str(plan.street["code"]),
            find_spots(plan.hotspots, plan.tasks),
            MapWords(
                label=words["label"].format(street=plan.street["name"]),
                cells=words["cells"],
                spot=words["spot"],
                street=words["street"],
                metres=words["metres"],
                kilometres=words["kilometres"],
            ),
        )

    def _add_hotspot_table(self) -> None:
        words, plan = load_document_words(), self.plan
        kinds = load_words()["kinds"]
        texts = words["hotspot"]
        rows = []
        for number, spot in enumerate(plan.hotspots, start=1):
            item = str(spot.get("item_name") or spot.get("level1_name") or "")
            detail = texts["detail"].format(item=item, radius=say_number(spot.get("radius_m")))
            rows.append(
                Row(
                    anchor=str(spot["hotspot_id"]),
                    cells=(
                        str(number),
                        f"{spot['name']}\n{detail}",
                        str(kinds.get(spot["kind"], {}).get("name", spot["kind"])),
                        texts["window"].format(start=spot["window_start"], end=spot["window_end"]),
                        say_number(spot.get("count")),
                        say_number(spot.get("persons")),
                        say_number(spot.get("expected"), 1),
                        say_q(spot.get("q")),
                    ),
                )
            )
        self.add_table(
            words["tables"]["hotspots"],
            (
                _column("mark", 7, "right"),
                _column("hotspot", 25),
                _column("kind", 11),
                _column("window", 18),
                _column("orders", 8, "right", "unit_orders"),
                _column("persons", 9, "right", "unit_persons"),
                _column("usual", 11, "right", "unit_persons"),
                _column("q", 13, "right"),
            ),
            rows,
            words["tables"]["hotspots_note"],
        )
        shown = dict.fromkeys(str(spot["kind"]) for spot in plan.hotspots)
        colon = words["colon"]
        known = [
            f"{kinds[key]['name']}{colon}{kinds[key]['about']}" for key in shown if key in kinds
        ]
        if known:
            self.say(texts["kinds"].format(text=words["clause"].join(known)), "note")

    # --- the three lists --------------------------------------------------------------------------

    def _add_tasks(self) -> None:
        words, plan = load_document_words(), self.plan
        self._chapter("tasks")
        for finding in plan.findings:
            self.say(finding.text, "finding")
        if not plan.tasks:
            if not plan.findings:
                self.say(words["empty"]["tasks"] + words["empty"]["no_spots"], "finding")
            return
        self.add_section(words["sections"]["task_table"])
        self.add_table(
            words["tables"]["tasks"],
            (
                _column("task_no", 8),
                _column("task", 40),
                _column("lead", 17),
                _column("helpers", 18),
                _column("due", 17),
            ),
            [
                Row(
                    cells=(
                        task.task_no,
                        task.title,
                        task.lead.name if task.lead else words["task"]["no_lead"],
                        _join(one.name for one in task.helpers) or words["dash"],
                        task.due_on,
                    )
                )
                for task in plan.tasks
            ],
        )
        for task in plan.tasks:
            self.add_section(f"{task.task_no}　{task.title}", anchor=task.task_no)
            facts = (_bare_column(18), _bare_column(82))
            rows = [Row(cells=pair) for pair in self._write_task(task)]
            self.blocks.append(Table(caption="", columns=facts, rows=tuple(rows)))
            if task.stages:
                self.add_table(
                    words["tables"]["stages"].format(task=task.task_no),
                    (
                        _column("stage", 8, "right"),
                        _column("duty", 42),
                        _column("unit", 23),
                        _column("days", 10, "right"),
                        _column("dates", 17),
                    ),
                    [row for stage in task.stages for row in _write_stage(stage)],
                )

    def _write_task(self, task: Task) -> list[tuple[str, str]]:
        words = load_document_words()
        texts = words["task"]
        on_map = (
            texts["on_map"].format(figure=self.map_figure)
            if self.map_figure and task.hotspot_id
            else ""
        )
        lead = task.lead.name if task.lead else texts["no_lead"]
        lead += texts.get(f"by_{task.lead_by}", "") if task.lead_by and task.lead else ""
        rows = [
            (
                texts["place"],
                texts["place_text"].format(
                    place=task.place,
                    lon=f"{task.lon:.5f}",
                    lat=f"{task.lat:.5f}",
                    radius=say_number(task.radius_m),
                    on_map=on_map,
                ),
            ),
            (
                texts["joint"],
                _join(
                    texts["joint_share"].format(
                        name=one.name, share=say_share(one.share), orders=say_number(one.orders)
                    )
                    for one in task.joint_streets
                ),
            ),
            (texts["why"], _write_proof(task)),
            (
                texts["quotes"],
                "\n".join(
                    texts["quote"].format(text=one.text, day=one.received_on) for one in task.quotes
                ),
            ),
            (texts["lead"], lead),
            (texts["helpers"], _join(one.name for one in task.helpers)),
            (texts["superior"], _write_superior(task.superior, task.superior_reason)),
            (texts["authority"], _join(task.authority)),
            (texts["measures"], "\n".join(_write_measure(one) for one in task.measures)),
            (texts["consultation"], task.consultation),
            (texts["firms"], task.firms),
            (
                texts["dates"],
                texts["dates_text"].format(
                    due=task.due_on, start=task.start_on, basis=task.due_basis
                )
                + (
                    texts["latest_start"].format(day=task.latest_start_on)
                    if task.latest_start_on
                    else ""
                ),
            ),
            (texts["target"], _join_clauses(task.target.text, task.target.reason)),
            (texts["measure_how"], task.target.measure),
            (texts["watch"], _write_watch(task, self.plan.tasks)),
            (texts["effort"], _write_range(task.effort)),
            (texts["cost"], _write_range(task.cost)),
            (
                texts["evidence"],
                texts["evidence_text"].format(n=task.n_evidence, annex=1) if task.evidence else "",
            ),
            (
                texts["confidence"],
                _join_clauses(
                    words["confidences"].get(task.confidence, task.confidence),
                    *task.confidence_reasons,
                ),
            ),
            (texts["faults"], "\n".join(task.faults)),
        ]
        return [(name, text) for name, text in rows if text]

    def _add_responsibilities(self) -> None:
        words, plan = load_document_words(), self.plan
        self._chapter("responsibilities")
        if not plan.responsibilities:
            self.say(words["empty"]["responsibilities"])
            return
        roles = load_words()["roles"]
        rows = []
        for row in plan.responsibilities:
            duties = words["clause"].join(str(duty["name"]) for duty in row.get("duties", ()))
            rows.append(
                Row(
                    cells=(
                        str(row["name"]),
                        str(roles.get(row["role"], row["role"])),
                        duties or words["empty"]["by_catalogue"],
                        _join(row["tasks"]),
                    )
                )
            )
        self.add_table(
            words["tables"]["responsibilities"],
            (
                _column("unit", 26),
                _column("responsibility", 10),
                _column("duties", 46),
                _column("tasks", 18),
            ),
            rows,
        )

    def _add_policies(self) -> None:
        words, plan = load_document_words(), self.plan
        self._chapter("policies")
        if not plan.policies:
            self.say(words["empty"]["policies"])
            return
        self.add_table(
            words["tables"]["policies"],
            (
                _column("policy", 38),
                _column("item", 16),
                _column("draft", 24),
                _column("decided_by", 12),
                _column("tasks", 10),
            ),
            [
                Row(
                    cells=(
                        one.text,
                        one.item_name or words["dash"],
                        one.draft or words["dash"],
                        one.decided_by.name if one.decided_by else words["dash"],
                        _join(one.tasks) or words["dash"],
                    )
                )
                for one in plan.policies
            ],
        )

    def _add_notes(self) -> None:
        """Add what people wrote, but the opening words, which stand on the first page."""
        texts = [text for key, text in sorted(self.plan.notes.items()) if key != "opening"]
        if not any(text.strip() for text in texts):
            return
        self._chapter("notes")
        for text in texts:
            self._add_lines(text)

    def _add_lines(self, text: str) -> None:
        for part in filter(None, (line.strip() for line in text.splitlines())):
            self.say(part)

    def _add_basis(self) -> None:
        words, plan = load_document_words(), self.plan
        self._chapter("basis")
        self.say(words["method"])
        if plan.assumed:
            self.add_table(
                words["tables"]["assumed"],
                (_column("name", 44), _column("value", 12, "right"), _column("meaning", 44)),
                [
                    Row(
                        cells=(
                            str(row["name"]),
                            _write_constant(row["value"]),
                            words["constants"].get(row["name"], str(row["source"])),
                        )
                    )
                    for row in plan.assumed
                ],
                words["tables"]["assumed_note"],
            )

    # --- annexes ----------------------------------------------------------------------------------

    def _make_annexes(self) -> tuple[Annex, ...]:
        words, plan = load_document_words(), self.plan
        made: list[Annex] = []
        rows = [
            Row(cells=(task.task_no, str(task.n_evidence), write_numbers(task.evidence)))
            for task in plan.tasks
            if task.evidence
        ]
        if rows:
            self.blocks = []
            self.add_table(
                words["tables"]["evidence"],
                (
                    _column("task_no", 10),
                    _column("number", 10, "right", "unit_orders"),
                    _column("order_nos", 80),
                ),
                rows,
            )
            made.append(
                Annex(
                    number=len(made) + 1,
                    title=words["annexes"]["evidence"],
                    blocks=tuple(self.blocks),
                )
            )
        if plan.edits:
            self.blocks = []
            self.add_table(
                words["tables"]["edits"],
                (
                    _column("path", 24),
                    _column("before", 30),
                    _column("after", 30),
                    _column("by", 16),
                ),
                [
                    Row(
                        cells=(
                            _write_path(edit.path, plan.tasks),
                            _write_value(edit.before),
                            _write_value(edit.after),
                            f"{edit.by}\n{edit.at[:10]}",
                        )
                    )
                    for edit in plan.edits
                ],
            )
            made.append(
                Annex(
                    number=len(made) + 1,
                    title=words["annexes"]["edits"],
                    blocks=tuple(self.blocks),
                )
            )
        return tuple(made)


# --- words of one thing -------------------------------------------------------------------------------


def _column(key: str, width: float, align: Any = "left", unit: str = "") -> Column:
    heads = load_document_words()["heads"]
    return Column(head=heads[key], width=width, align=align, unit=heads[unit] if unit else "")


def _bare_column(width: float) -> Column:
    return Column(head="", width=width)


def _join(words: Any) -> str:
    joiner: str = load_document_words()["list"]
    return joiner.join(words)


def _join_clauses(*clauses: str) -> str:
    joiner: str = load_document_words()["clause"]
    return joiner.join(clause for clause in clauses if clause)


def _write_figure(one: Mapping[str, Any]) -> tuple[str, str, str, str]:
    words = load_words()
    key, value, n = str(one["key"]), one.get("value"), one.get("n")
    text = say_figure(key, value)
    if not text:
        note = words["notes"].get(one.get("note"), load_document_words()["dash"])
        text = str(note).format(n=n)
    return say_name(key), text, say_number(n), str(words["windows"].get(one.get("window"), ""))


def _write_proof(task: Task) -> str:
    texts, proof = load_document_words()["task"], task.proof
    if proof is None:
        return ""
    said = texts["why_text"].format(
        start=proof.window_start,
        end=proof.window_end,
        orders=say_number(proof.orders),
        persons=say_number(proof.persons),
        expected=say_number(proof.expected, 1),
        excess=say_number(proof.excess, 1),
        pattern=texts["pattern"].format(name=proof.pattern_name) if proof.pattern_name else "",
        since=texts["since"].format(day=proof.since) if proof.since else "",
    )
    return str(said) + (texts["p"].format(p=say_p(proof.p)) if proof.p is not None else "")


def _write_superior(superior: Party | None, reason: str) -> str:
    if superior is None:
        return ""
    said = load_words().get("superiors", {}).get(reason, "")
    return superior.name + (load_document_words()["bracket"].format(text=said) if said else "")


def _write_measure(one: TaskMeasure) -> str:
    words = load_document_words()
    texts = words["task"]
    days = (
        texts["measure_no_days"]
        if one.days is None
        else texts["measure_days"].format(days=f"{one.days:g}")
    )
    cost = (
        texts["measure_cost"].format(low=f"{one.cost.low:g}", high=f"{one.cost.high:g}")
        if one.cost.low is not None and one.cost.high is not None
        else ""
    )
    effect = (
        texts["measure_effect"].format(
            low=say_share(one.effect_low, 0), high=say_share(one.effect_high, 0)
        )
        if one.effect_low is not None and one.effect_high is not None
        else ""
    )
    return str(
        texts["measure"].format(
            name=one.name,
            kind=words["measure_kinds"].get(one.kind, one.kind),
            days=days,
            cost=cost,
            effect=effect,
        )
    )


def _write_range(one: Range | None) -> str:
    if one is None or one.low is None or one.high is None:
        return ""
    words = load_document_words()
    key = "exact" if one.low == one.high else "range"
    return str(
        words["task"][key].format(
            low=f"{one.low:g}",
            high=f"{one.high:g}",
            unit=words["units"].get(one.unit, one.unit),
            status=words["statuses"].get(one.status, one.status),
        )
    )


def _write_watch(task: Task, tasks: Sequence[Task]) -> str:
    target, texts = task.target, load_document_words()["task"]
    if target.threshold is None or target.p_if_nothing is None or target.p_if_effect is None:
        return ""
    said = texts["watch_text"].format(
        start=target.watch_start,
        end=target.watch_end,
        expected=say_number(target.expected, 1),
        threshold=target.threshold,
        p0=f"{target.p_if_nothing:.2f}",
        p1=f"{target.p_if_effect:.2f}",
    )
    numbers = {one.task_id: one.task_no for one in tasks}
    # tasks of other streets have no number here; the target's text names them
    others = [numbers[one] for one in target.pooled_with if one != task.task_id and one in numbers]
    return str(said) + (texts["pooled"].format(tasks=_join(others)) if others else "")


def _write_stage(stage: Stage) -> list[Row]:
    words = load_document_words()
    dates = f"{stage.start_on}\n{stage.end_on}" if stage.start_on else words["dash"]
    if not stage.duties:
        name = stage.name or words["stage_kinds"].get(stage.kind, stage.kind)
        days = f"{stage.days:g}" if stage.days else words["dash"]
        return [Row(cells=(str(stage.number), name, words["dash"], days, dates))]
    return [
        Row(
            cells=(
                str(stage.number),
                duty.name,
                _join(duty.units) or words["task"]["nobody"],
                f"{duty.days:g}" if duty.days else words["dash"],
                dates,
            )
        )
        for duty in stage.duties
    ]


def write_numbers(numbers: Sequence[str]) -> str:
    """Return numbers in lines, as many in each as the column is wide for."""
    longest = max(map(len, numbers), default=1)
    each = max((EVIDENCE_LINE + 2) // (longest + 2), 1)
    lines = [numbers[at : at + each] for at in range(0, len(numbers), each)]
    return "\n".join("　".join(line) for line in lines)


def _write_constant(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _write_path(path: str, tasks: Sequence[Task]) -> str:
    """Return what an edit changed in words: the task and the field."""
    fields = load_document_words()["fields"]
    parts = path.split("/")
    if parts[0] != "tasks":
        return str(fields.get(parts[-1], parts[-1]))
    task = next((one for one in tasks if one.task_id == parts[1]), None)
    name = parts[1] if task is None else task.task_no
    return f"{name} {fields.get(parts[2], parts[2])}" if len(parts) > 2 else name


def _write_value(value: Any) -> str:
    if value is None or value == "":
        return str(load_document_words()["dash"])
    if isinstance(value, Mapping):
        return str(value.get("name") or value.get("title") or value.get("text") or "")
    if isinstance(value, list | tuple):
        return _join(_write_value(one) for one in value)
    return str(value)
