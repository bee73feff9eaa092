"""``gridgov replay``: orders answered again by the rules of their own day, or of another."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geodata.files import write_table
from geodata.versions import VersionStore
from gridgov.jobs.order_file import read_orders
from gridgov.jobs.replay import Replay
from gridgov.jobs.replay import replay as answer_again
from gridgov.pack.city import load_city
from web.cli.console import StagePrinter

MOST_SHOWN = 10
STAGES = {"city": "city pack", "orders": "orders", "answer": "answering again"}


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.argument("orders", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Answer all by the rules of this day. [default: each order by those of its own day]",
)
@click.option(
    "--store",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Boundary versions (gridgov versions): judge streets again by the version in force.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every order with both answers: .csv, .xlsx or .parquet.",
)
@click.option("--json", "as_json", is_flag=True, help="Print counts and differences as JSON.")
def replay(
    *,
    city: Path,
    orders: Path,
    on: datetime | None,
    store: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Answer the orders in ORDERS again and say where the answer is not the same.

    CITY is a city pack: its folder or its city.toml. ORDERS is orders.parquet or orders.csv of gridgov run. Catalogue,
    units, duties and boundaries are those in force on the day. Nothing is changed.
    """
    show = StagePrinter(STAGES)
    show("city", 0.0)
    pack = load_city(city)
    show("city", 1.0)
    show("orders", 0.0)
    read = read_orders(orders, zone=pack.settings.timezone, known=pack.known_codes)
    show("orders", 1.0)
    show("answer", 0.0)
    made = answer_again(
        pack,
        read.orders,
        on=None if on is None else on.date(),
        store=None if store is None else VersionStore(store),
    )
    show("answer", 1.0)
    if out is not None:
        write_table(made.rows, out)
    facts = count_facts(made) | {"rejected": read.rejected}
    if as_json:
        rows = json.loads(made.differing.to_json(orient="records", date_format="iso"))
        click.echo(json.dumps(facts | {"differing": rows}, ensure_ascii=False, indent=2))
        return
    click.echo("\n".join(_tell(facts, made)))
    if out is not None:
        click.echo(f"written: {out}")


def count_facts(made: Replay) -> dict[str, Any]:
    """Return how many orders were answered again, how many otherwise, and in what."""
    parts = made.differing["differs"].str.split(";").explode().value_counts()
    return {
        "orders": len(made.rows),
        "same": len(made.rows) - len(made.differing),
        "differs_in": {str(name): int(count) for name, count in parts.items()},
        "without_version": made.without_version,
    }


def _tell(facts: dict[str, Any], made: Replay) -> list[str]:
    lines = [f"{facts['same']:,} of {facts['orders']:,} orders get the same answer."]
    if facts["rejected"]:
        lines.append(f"{facts['rejected']:,} rows are no orders and were left out.")
    if facts["without_version"]:
        lines.append(
            f"{facts['without_version']:,} orders are of days without boundaries in the store; they keep their streets."
        )
    if facts["differs_in"]:
        told = ", ".join(f"{name} {count:,}" for name, count in facts["differs_in"].items())
        lines.append(f"another answer in: {told}")
    for row in made.differing.head(MOST_SHOWN).to_dict("records"):
        parts = [
            f"{name} {_say(row[f'{name}_then'])} → {_say(row[name])}"
            for name in row["differs"].split(";")
        ]
        lines.append(f"  {row['order_no']}: {'; '.join(parts)}")
    if len(made.differing) > MOST_SHOWN:
        lines.append(f"  … and {len(made.differing) - MOST_SHOWN:,} more")
    return lines


def _say(value: object) -> str:
    return "none" if pd.isna(value) else str(value)
