"""``gridgov whistle``: who must come together for an item in a street, in which order."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import click

from gridgov.errors import GridgovError
from gridgov.pack.duties import CityDuties, load_city_duties
from gridgov.rules.duties import DutyGraph
from gridgov.rules.whistles import sentences as text
from gridgov.rules.whistles.convene import WhistlePlan, whistle_for
from gridgov.rules.whistles.facts import make_facts

Sentences = tuple[str, ...]

SECTIONS: tuple[tuple[str, Callable[[WhistlePlan, DutyGraph], Sentences]], ...] = (
    ("先后次序", text.tell_stages),
    ("关键路径", text.tell_order),
    ("召集单位", lambda plan, _: text.tell_calls(plan)),
    ("最少到场", text.tell_smallest),
    ("提级", lambda plan, _: text.tell_superior(plan)),
    ("清单问题", lambda plan, _: tuple(fault.text for fault in plan.faults)),
)
"""What is printed below the head: title and its sentences; a section without sentences is left out."""


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.option("--item", required=True, help="Code, name, or part of the name of a catalogue item.")
@click.option("--street", required=True, help="Code, name, or part of the name of a street.")
@click.option(
    "--date",
    "on_date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day whose duty list counts. Default: today in the city.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def whistle(*, city: Path, item: str, street: str, on_date: datetime | None, as_json: bool) -> None:
    """Say who must come when a street blows the whistle for an item, and in which order.

    CITY is a city pack: its folder or its city.toml.
    """
    pack = load_city_duties(city)
    if pack.catalogue is None:
        raise GridgovError(
            f"{city}: the pack has no catalogue, so no item leads to duties; add [tables.catalogue]"
        )
    day = (on_date or datetime.now(pack.timezone)).date()
    graph = pack.graph(day)
    plan = whistle_for(graph, item, street, constants=pack.constants)
    click.echo(_make_json(plan, graph, pack) if as_json else _make_page(plan, graph, pack))


def _make_page(plan: WhistlePlan, graph: DutyGraph, city: CityDuties) -> str:
    return "\n".join(_tell_page(plan, graph, city))


def _tell_page(plan: WhistlePlan, graph: DutyGraph, city: CityDuties) -> Iterator[str]:
    mark = " · 合成数据" if city.synthetic and "合成" not in city.name else ""
    yield f"{city.name} · 事项{plan.item.item_code} · {plan.on_date.isoformat()}{mark}"
    yield text.tell_head(plan)
    yield text.tell_lead(plan, graph)
    for title, tell in SECTIONS:
        sentences = tell(plan, graph)
        if sentences:
            yield ""
            yield f"【{title}】"
            yield from (f"  {sentence}" for sentence in sentences)


def _make_json(plan: WhistlePlan, graph: DutyGraph, city: CityDuties) -> str:
    facts = {**make_facts(plan, graph), "synthetic": city.synthetic}
    return json.dumps(facts, ensure_ascii=False, indent=2, allow_nan=False)
