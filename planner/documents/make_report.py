"""From a report (日报告 周分析 月通报 点评会 年体检, 专报 of a surge) to its document, by the blocks of a plan."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from gridgov.rules.indicators import find_change, get_indicator, load_indicators, say_figure
from gridgov.rules.order_labels import Language, get_label
from planner.documents.blocks import BlockWriter
from planner.documents.content import (
    Align,
    Annex,
    Block,
    Column,
    OfficeDocument,
    Row,
    Signature,
)
from planner.documents.drawing import draw_bars
from planner.documents.words import (
    load_document_words,
    say_day,
    say_name,
    say_number,
    say_p,
    say_share,
)
from planner.errors import PlannerError
from planner.plans.plan_text import CHINESE, find_table, get_language, load_words, speaking

_Part = TypeVar("_Part")

MOST_ROWS = 30
"""Rows of a table; the others stand together in the last one."""
FEWEST_ANSWERS = 10
"""From fewer answers the share of solved ones says nothing. Assumed."""
MOST_ORDERS = 200
"""Order numbers that a special report lists."""
ORDERS_A_ROW = 3
COUNTS = ("solved", "partly", "unsolved", "open", "excluded", "merged")
DAYS_DRAWN = 62
"""With more days the months are drawn."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What a document says beside its report.

    Parameters
    ----------
    city
        Name of the city.
    language
        ``zh-CN``, or every other one English.
    issuer
        The office whose document it is; empty: the city or the area.
    number
        Number that the office gives.
    state
        In words; empty for none.
    signed_on
        None: not signed, and it says so.
    is_synthetic
        Whether the data are a sample.
    callbacks_min
        Fewer valid callbacks are not ranked.
    """

    city: str
    language: str = CHINESE
    issuer: str = ""
    number: str = ""
    state: str = ""
    signed_on: date | None = None
    is_synthetic: bool = False
    callbacks_min: int = 1


def load_report_words() -> dict[str, Any]:
    """Return the words of reports in the language that is spoken: ``planner/documents/report_text.json``."""
    return _load(find_table("report_text", get_language()))


@cache
def _load(name: str) -> dict[str, Any]:
    text = resources.files("planner.documents").joinpath(name).read_text("utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


PERIOD_FORM, SPECIAL_FORM = "report/2", "special/1"
"""Forms of contents that can be shown."""


def make_report(content: Mapping[str, Any], options: ReportOptions) -> OfficeDocument:
    """Return the document of a report.

    Parameters
    ----------
    content
        From ``gridgov.rules.reports.compose_report``, or of a surge (``planner.jobs.surge_watch``).
    options
        City, language, issuer.

    Raises
    ------
    PlannerError
        It is no report, or one of an earlier form.
    """
    check_form(content)
    maker = _PeriodMaker if content["schema"] == PERIOD_FORM else _SpecialMaker
    with speaking(options.language):
        return maker(content=content, options=options).make()


def check_form(content: Mapping[str, Any]) -> None:
    """Refuse what this version cannot show: a report is kept as it was made, and forms change.

    Raises
    ------
    PlannerError
        It is no report, or one of an earlier form.
    """
    schema = str(content.get("schema", ""))
    if schema in (PERIOD_FORM, SPECIAL_FORM):
        return
    raise PlannerError(
        f"report of the form {schema or 'without a name'}, which an earlier version kept; pages and documents need "
        f"{PERIOD_FORM} or {SPECIAL_FORM}. It can still be downloaded as "
        "JSON; make the report of this period again to read it"
    )


@dataclass(kw_only=True)
class _Maker(BlockWriter):
    content: Mapping[str, Any]
    options: ReportOptions

    def _chapter(self, key: str) -> None:
        self.add_chapter(load_report_words()["chapters"][key], anchor=key)

    def _finish(
        self,
        *,
        title: str,
        period: str,
        number: str,
        facts: Sequence[tuple[str, str]],
        last: str,
        annexes: tuple[Annex, ...] = (),
        values: Mapping[str, str],
    ) -> OfficeDocument:
        words, options = load_report_words(), self.options
        issuer = options.issuer or options.city
        signed = (
            say_day(options.signed_on) if options.signed_on else load_document_words()["unsigned"]
        )
        return OfficeDocument(
            language=get_language(),
            title=title,
            subtitle=words["subtitle"].format(period=period),
            issuer=issuer,
            number=options.number or number,
            state=options.state,
            marks=(words["synthetic"],) if options.is_synthetic else (),
            facts=tuple((name, text) for name, text in facts if text),
            blocks=tuple(self.blocks),
            annexes=annexes,
            signature=Signature(issuer=issuer, day=signed),
            imprint=words["imprint"].format(last=last),
            values={**dict.fromkeys(PLAN_VALUES, ""), "city": options.city, **values},
        )


PLAN_VALUES = (
    "street",
    "district",
    "start",
    "end",
    "plan_no",
    "class_name",
    "revision",
    "tasks",
    "hotspots",
    "content_hash",
)
"""Fields of plans that a template may use too; a report leaves those empty that it does not have."""


@dataclass(kw_only=True)
class _PeriodMaker(_Maker):
    """Writes a report of a period."""

    def make(self) -> OfficeDocument:
        """Return the document."""
        words, content = load_report_words(), self.content
        scope, kind = content["scope"], str(content["kind"])
        self._add_overview()
        self._add_points()
        if content["days"]:
            self._add_course()
        part = "communities" if scope["level"] == "street" else "areas"
        if kind in {"monthly", "review", "yearly"} or part == "areas":
            self._add_rows(part, content["areas"], "community" if part == "communities" else "area")
        self._add_rows("items", content["items"], "item")
        if kind in {"monthly", "review", "yearly"}:
            self._add_tags()
            self._add_ranking()
        if scope["level"] != "city":
            self._add_tasks()
        if kind in {"monthly", "review", "yearly"}:
            self._add_hotspots()
        self._add_definitions()
        facts = words["facts"]
        name = self.options.city if scope["level"] == "city" else str(scope["name"])
        days = kind in {"daily", "weekly"}
        span = self._say_span(content)
        return self._finish(
            title=words["title"].format(scope=name, kind=words["kinds"][kind]),
            period=str(content["period"]),
            number=f"{kind}-{content['period']}{'-' + scope['code'] if scope['code'] else ''}",
            facts=(
                (facts["scope"], name),
                (facts["period"], span),
                (facts["before"], "" if self._is_year else self._say_compared("before")),
                (
                    facts["day_before"] if days else facts["year_before"],
                    self._say_compared("year_before"),
                ),
            ),
            last=str(content["last_on"]),
            values={
                "street": name if scope["level"] == "street" else "",
                "district": name if scope["level"] == "district" else "",
                "start": str(content["first_on"]),
                "end": str(content["last_on"]),
                "tasks": str(len(content["tasks"])),
                "hotspots": str(len(content["hotspots"])),
            },
        )

    def _say_span(self, one: Mapping[str, Any]) -> str:
        words = load_report_words()
        if one["first_on"] == one["last_on"]:
            return str(one["first_on"])
        return str(words["span"].format(first=one["first_on"], last=one["last_on"]))

    def _say_compared(self, key: str) -> str:
        facts, one = load_report_words()["facts"], self.content[key]
        form = facts["kept"] if one["is_kept"] else facts["counted"]
        return str(form.format(span=self._say_span(one)))

    def _find(self, key: str) -> Mapping[str, Any] | None:
        return next((one for one in self.content["figures"] if one["key"] == key), None)

    def _add_overview(self) -> None:
        words = load_report_words()["overview"]
        marks = load_document_words()
        orders = self._find("orders") or {}
        n = int(orders.get("value") or 0)
        self._chapter("overview")
        parts = [words["orders"].format(n=say_number(n))]
        compared = (("before", "change_before"), ("year_before", "change_year"))
        for key, change in compared[1:] if self._is_year else compared:
            then, share = int(orders.get(key) or 0), orders.get(change)
            form = (
                "few" if share is None else "same" if n == then else "more" if share > 0 else "less"
            )
            parts.append(
                words[form].format(
                    than=words[key], before=say_number(then), share=say_share(abs(share or 0.0))
                )
            )
        outcomes = self.content["outcomes"]
        if n:
            parts.append(
                words["outcomes"].format(
                    **{
                        key: say_number(outcomes[key])
                        for key in ("solved", "partly", "unsolved", "open")
                    }
                )
            )
        callbacks = self._find("callbacks")
        if callbacks is not None:
            rates = {key: self._find(f"{key}_rate") for key in RATE_KEYS}
            known = all(one and one["value"] is not None for one in rates.values())
            counted = say_number(callbacks["value"])
            parts.append(
                words["rates"].format(
                    n=counted,
                    **{key: say_share(one["value"]) for key, one in rates.items() if one},
                )
                if known
                else words["no_rates"].format(n=counted)
            )
        rank = self._find("score_rank")
        if rank is not None and rank["value"] is not None:
            parts.append(
                words["rank"].format(rank=say_number(rank["value"]), of=say_number(rank["n"]))
            )
        self.say(str(marks["clause"].join(parts) + marks["stop"]).strip())
        tables = load_report_words()["tables"]
        columns = (
            _column("indicator", 23),
            _column("now", 19, "right"),
            _column("n", 10, "right"),
            _column("before", 12, "right"),
            _column("year_before", 12, "right"),
            _column("change_before", 12, "right"),
            _column("change_year", 12, "right"),
        )
        self.add_table(
            tables["figures"],
            self._drop_twins(columns, (3, 5)),
            [
                Row(cells=self._drop_twins(_write_figure(one), (3, 5)))
                for one in self.content["figures"]
            ],
            tables["figures_note"],
        )

    @property
    def _is_year(self) -> bool:
        """Tell whether the period before is the one a year before: it is then said once."""
        return bool(self.content["before"]["period"] == self.content["year_before"]["period"])

    def _drop_twins(self, parts: tuple[_Part, ...], places: tuple[int, ...]) -> tuple[_Part, ...]:
        """Return the columns or cells without those of the period before, where it is the one a year before."""
        if not self._is_year:
            return parts
        return tuple(part for at, part in enumerate(parts) if at not in places)

    def _add_points(self) -> None:
        words = load_report_words()["points"]
        self._chapter("points")
        points = self.content["points"]
        if not points:
            self.say(words["none"])
        for one in points:
            self.say(self._say_point(one), "finding")

    def _say_point(self, one: Mapping[str, Any]) -> str:
        words, key = load_report_words()["points"], str(one["key"])
        match key:
            case "rate_low":
                shares = {name: say_share(one[name]) for name in ("value", "low", "high", "city")}
                return str(
                    words[key].format(rate=say_name(one["rate"]), n=say_number(one["n"]), **shares)
                )
            case "item_unsolved":
                level = self.content["scope"]["level"]
                return str(
                    words[key].format(
                        name=one["name"],
                        n=say_number(one["n"]),
                        value=say_share(one["value"]),
                        than=words["than_all"] if level == "city" else words["than_city"],
                        city=say_share(one["city"]),
                    )
                )
            case "task_late":
                names = load_document_words()["list"].join(one["names"])
                return str(words[key].format(n=say_number(one["n"]), names=names))
            case _:
                return str(
                    words[key].format(
                        name=one["name"],
                        n=say_number(one["n"]),
                        before=say_number(one["before"]),
                        change=say_share(one["change"]),
                    )
                )

    def _add_course(self) -> None:
        words, days = load_report_words(), self.content["days"]
        texts, charts = words["figures"], words["charts"]
        if len(days) > DAYS_DRAWN:
            sums: dict[str, float] = {}
            for day, n in days.items():
                sums[day[:7]] = sums.get(day[:7], 0.0) + n
            names, values, title = list(sums), list(sums.values()), texts["months"]
        else:
            names, values, title = (
                [day[5:] for day in days],
                [float(n) for n in days.values()],
                (texts["days"]),
            )
        self.add_figure(
            title,
            draw_bars(names, values, label=title, unit=charts["orders"], legend=(charts["now"],)),
            alt=title,
            note=texts["note"].format(n=say_number(sum(values))),
        )

    def _add_rows(self, key: str, rows: Sequence[Mapping[str, Any]], head: str) -> None:
        words = load_report_words()
        self._chapter(key)
        if not rows:
            self.say(words["empty"]["items"])
            return
        tables = words["tables"]
        missing = words["empty"]["no_item" if key == "items" else "no_place"]
        cut = tables["cut"].format(n=MOST_ROWS, all=len(rows)) if len(rows) > MOST_ROWS else ""
        shown = [self._write_row(one, one["name"] or missing) for one in rows[:MOST_ROWS]]
        rest = rows[MOST_ROWS:]
        if rest:
            sums = {
                name: sum(int(one[name]) for one in rest)
                for name in ("n", "before", "year_before", *COUNTS)
            }
            shown.append(self._write_row(sums, tables["rest"]))
        self.add_table(
            tables[key], self._list_columns(head), shown, tables["rows_note"].format(cut=cut)
        )

    def _list_columns(self, head: str) -> tuple[Column, ...]:
        return self._drop_twins(
            (
                _column(head, 28),
                _column("now", 12, "right", "unit_orders"),
                _column("before", 13, "right", "unit_orders"),
                _column("change_before", 12, "right"),
                _column("year_before", 14, "right", "unit_orders"),
                _column("change_year", 12, "right"),
                _column("solved_share", 13, "right"),
            ),
            (2, 3),
        )

    def _write_row(self, one: Mapping[str, Any], name: str) -> Row:
        dash = load_document_words()["dash"]
        answered = sum(int(one[key]) for key in ("solved", "partly", "unsolved"))
        share = one["solved"] / answered if answered >= FEWEST_ANSWERS else None
        n = int(one["n"])
        cells = (
            str(name),
            say_number(n),
            say_number(one["before"]),
            say_figure("change_before", find_change(n, int(one["before"]))) or dash,
            say_number(one["year_before"]),
            say_figure("change_year", find_change(n, int(one["year_before"]))) or dash,
            say_share(share),
        )
        return Row(cells=self._drop_twins(cells, (2, 3)))

    def _add_tags(self) -> None:
        words = load_report_words()
        self._chapter("tags")
        rows = self.content["tags"]
        if not rows:
            self.say(words["empty"]["tags"])
            return
        tables = words["tables"]
        self.add_table(
            tables["tags"],
            self._list_columns("tag"),
            [self._write_row(one, one["name"]) for one in rows],
            tables["tags_note"],
        )

    def _add_ranking(self) -> None:
        words = load_report_words()
        self._chapter("rates")
        rows = [one for one in self.content["ranking"] if one.get("callbacks")]
        if not rows:
            self.say(words["empty"]["ranking"])
            return
        tables, dash = words["tables"], load_document_words()["dash"]
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for one in rows:
            groups.setdefault(str(one.get("group") or ""), []).append(one)
        language: Language = "zh" if get_language().startswith("zh") else "en"
        for group, own in groups.items():
            name = get_label("group", group, language=language) if group else ""
            colon = load_document_words()["colon"]
            self.add_table(
                tables["ranking"] + (f"{colon}{name}" if name else ""),
                (
                    _column("rank", 9, "right"),
                    _column("unit", 27),
                    _column("callbacks", 12, "right"),
                    _column("response", 12, "right"),
                    _column("solution", 12, "right"),
                    _column("satisfaction", 14, "right"),
                    _column("score", 12, "right"),
                    _column("rank_before", 13, "right"),
                ),
                [
                    Row(
                        cells=(
                            say_figure("score_rank", one.get("rank")) or dash,
                            str(one["name"]),
                            say_figure("callbacks", one["callbacks"]),
                            *(say_share(one.get(f"{key}_rate")) for key in RATE_KEYS),
                            say_number(one.get("score"), 1),
                            say_figure("score_rank", one.get("rank_before")) or dash,
                        )
                    )
                    for one in own[:MOST_ROWS]
                ],
                tables["ranking_note"].format(
                    month=own[0]["month"], least=self.options.callbacks_min
                ),
            )

    def _add_tasks(self) -> None:
        words = load_report_words()
        self._chapter("tasks")
        rows = self.content["tasks"]
        if not rows:
            self.say(words["empty"]["tasks"])
            return
        dash = load_document_words()["dash"]
        self.add_table(
            words["tables"]["tasks"],
            (
                _column("task_no", 9),
                _column("task", 47),
                _column("due", 16),
                _column("state", 15),
                _column("progress", 13, "right"),
            ),
            [
                Row(
                    cells=(
                        one["task_no"],
                        one["title"],
                        one["due_on"] or dash,
                        words["states"].get(one["state"], one["state"])
                        + (f"\n{words['late']}" if one["is_late"] else ""),
                        say_share(one["progress"], 0),
                    )
                )
                for one in rows
            ],
        )

    def _add_hotspots(self) -> None:
        words = load_report_words()
        self._chapter("hotspots")
        rows = self.content["hotspots"]
        if not rows:
            self.say(words["empty"]["hotspots"])
            return
        kinds, tables = load_words()["kinds"], words["tables"]
        self.add_table(
            tables["hotspots"],
            (
                _column("hotspot", 50),
                _column("kind", 14),
                _column("n_orders", 12, "right", "unit_orders"),
                _column("persons", 12, "right", "unit_persons"),
                _column("expected", 12, "right", "unit_persons"),
            ),
            [
                Row(
                    cells=(
                        one["name"],
                        str(kinds.get(one["kind"], {}).get("name", one["kind"])),
                        say_number(one["count"]),
                        say_number(one["persons"]),
                        say_number(one["expected"], 1),
                    )
                )
                for one in rows
            ],
            tables["hotspots_note"].format(n=len(rows)),
        )

    def _add_definitions(self) -> None:
        """Add the definition of every figure that the report uses."""
        self._chapter("basis")
        used = {one["key"] for one in self.content["figures"]} | {"change_before", "change_year"}
        language = get_language()
        self.add_table(
            load_report_words()["tables"]["indicators"],
            (
                _column("indicator", 22),
                _column("definition", 58),
                _column("source", 20),
            ),
            [
                Row(
                    cells=(
                        one.name.say(language),
                        one.counted.say(language),
                        one.source.say(language),
                    )
                )
                for key, one in load_indicators().items()
                if key in used
            ],
        )


@dataclass(kw_only=True)
class _SpecialMaker(_Maker):
    """Writes a special report about a surge."""

    def make(self) -> OfficeDocument:
        """Return the document."""
        words, content = load_report_words(), self.content
        texts, names = words["special"], content["names"]
        moment = datetime.fromisoformat(content["moment"])
        said = f"{moment:%Y-%m-%d %H:%M}"
        area, item = str(content["area_name"]), str(content["item_name"])
        self._chapter("surge")
        self.say(
            texts["lead"].format(
                moment=said,
                area=area,
                item=item,
                start=content["start"],
                n=say_number(content["n"]),
                expected=_say_small(content["expected"], 1),
                ratio=say_number(content["ratio"], 1),
                p=say_p(content["p"]),
                per_quarter=_say_small(content["per_quarter"], 2),
            )
        )
        days = content["by_day"]
        curve = words["figures"]["curve"]
        charts = words["charts"]
        self.add_figure(
            curve,
            draw_bars(
                [str(day)[5:] for day, _n, _mean in days],
                [float(n) for _day, n, _mean in days],
                label=curve,
                unit=charts["orders"],
                legend=(charts["actual"], charts["expected"]),
                line=[float(mean) for _day, _n, mean in days],
            ),
            alt=curve,
            note=words["figures"]["curve_note"].format(moment=said),
        )
        self._add_place(names)
        self._add_terms()
        self._chapter("quotes")
        if not content["quotes"]:
            self.say(words["empty"]["quotes"])
        for quote in content["quotes"]:
            self.say(f"“{quote}”", "quote")
        self._chapter("advice")
        for at, text in enumerate(texts["advice"], start=1):
            self.say(f"{at}. {text}")
        self.say(texts["advice_note"], "note")
        self._chapter("basis")
        self._add_definitions()
        annexes = self._make_annexes()
        return self._finish(
            title=words["title_special"].format(area=area, item=item),
            period=said,
            number=str(content["period"]),
            facts=(
                (words["facts"]["scope"], area),
                (words["heads"]["item"], item),
                (words["facts"]["period"], words["span"].format(first=content["start"], last=said)),
            ),
            last=said,
            annexes=annexes,
            values={"start": str(content["start"]), "end": said[:10]},
        )

    def _add_place(self, names: Mapping[str, str]) -> None:
        words, content = load_report_words(), self.content
        self._chapter("place")
        place = content["place"]
        if place is None:
            self.say(words["empty"]["place"])
        else:
            areas = [names.get(code, code) for code in place["area_codes"]]
            self.say(
                words["special"]["place"].format(
                    start=place["start"],
                    end=place["end"],
                    areas=load_document_words()["list"].join(areas),
                    observed=say_number(place["observed"]),
                    expected=_say_small(place["expected"], 1),
                    p=say_p(place["p"]),
                )
            )
        if content["by_street"]:
            self.add_table(
                words["tables"]["streets"],
                (_column("area", 70), _column("n_orders", 30, "right", "unit_orders")),
                [
                    Row(cells=(names.get(code, code), say_number(n)))
                    for code, n in content["by_street"]
                ],
            )

    def _add_terms(self) -> None:
        words, content = load_report_words(), self.content
        self._chapter("words")
        if not content["terms"]:
            self.say(words["empty"]["terms"])
            return
        self.add_table(
            words["tables"]["terms"],
            (
                _column("term", 40),
                _column("count", 20, "right", "unit_orders"),
                _column("share", 20, "right"),
                _column("share_before", 20, "right"),
            ),
            [
                Row(
                    cells=(
                        str(one["term"])
                        + (
                            load_document_words()["bracket"].format(
                                text=words["special"]["term_new"]
                            )
                            if one["is_new"]
                            else ""
                        ),
                        say_number(one["n"]),
                        say_share(one["share"]),
                        say_share(one["share_before"]),
                    )
                )
                for one in content["terms"]
            ],
            words["tables"]["terms_note"],
        )

    def _add_definitions(self) -> None:
        language = get_language()
        self.add_table(
            load_report_words()["tables"]["indicators"],
            (_column("indicator", 22), _column("definition", 58), _column("source", 20)),
            [
                Row(
                    cells=(
                        one.name.say(language),
                        one.counted.say(language),
                        one.source.say(language),
                    )
                )
                for one in map(get_indicator, ("orders", "expected", "ratio"))
            ],
        )

    def _make_annexes(self) -> tuple[Annex, ...]:
        words, numbers = load_report_words(), list(self.content["order_nos"])
        if not numbers:
            return ()
        texts = words["special"]
        cut = texts["orders_cut"].format(most=MOST_ORDERS) if len(numbers) > MOST_ORDERS else ""
        shown = numbers[:MOST_ORDERS]
        rows = [shown[at : at + ORDERS_A_ROW] for at in range(0, len(shown), ORDERS_A_ROW)]
        body, self.blocks = self.blocks, []
        self.add_table(
            words["tables"]["orders"],
            (_column("order_nos", 100),),
            [Row(cells=("　".join(row),)) for row in rows],
            texts["orders_note"].format(n=len(numbers), cut=cut),
        )
        blocks: tuple[Block, ...] = tuple(self.blocks)
        self.blocks = body
        return (Annex(number=1, title=words["tables"]["orders"], blocks=blocks),)


RATE_KEYS = ("response", "solution", "satisfaction")


def _say_small(value: float, digits: int) -> str:
    """Return a number that is never 0 because it is small: <0.1."""
    least = 10.0**-digits
    return f"<{least:g}" if 0 < value < least else say_number(value, digits)


def _column(key: str, width: float, align: Align = "left", unit: str = "") -> Column:
    heads = load_report_words()["heads"]
    return Column(head=heads[key], width=width, align=align, unit=heads[unit] if unit else "")


def _write_figure(one: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a figure as a row: name, value with its interval, n, those before, changes."""
    key, dash = str(one["key"]), load_document_words()["dash"]
    value = say_figure(key, one["value"])
    if not value:
        note = load_words()["notes"].get(one.get("note"), dash)
        value = str(note).format(n=say_number(one.get("n")))
    elif one.get("low") is not None and one.get("high") is not None:
        value += f"\n[{say_figure(key, one['low'])}, {say_figure(key, one['high'])}]"
    n = one.get("n")
    return (
        say_name(key),
        value,
        dash if n is None else say_number(n),
        say_figure(key, one.get("before")) or dash,
        say_figure(key, one.get("year_before")) or dash,
        say_figure("change_before", one.get("change_before")) or dash,
        say_figure("change_year", one.get("change_year")) or dash,
    )
