"""``gridgov scan``: clusters in place and time, from files in SaTScan's formats."""

import json
import math
import re
import time
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import click
import pandas as pd

from planner.scan import ScanModel, ScanOptions, TimeUnit, read_scan_input, scan

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN = 6


class Day(click.ParamType[date]):
    """A day as 2023/1/31 or 2023-01-31."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or stop with what was expected."""
        if isinstance(value, date):
            return value
        found = re.fullmatch(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", str(value))
        if found is None:
            return self._refuse(value, param, ctx)
        try:
            return date(*(int(part) for part in found.groups()))
        except ValueError:
            return self._refuse(value, param, ctx)

    def _refuse(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> NoReturn:
        """Stop with what was expected."""
        self.fail(f"{value!r} is no day; expected 2023/1/31 or 2023-01-31.", param, ctx)


@click.command(name="scan")
@click.option(
    "--cas", "cases", type=FILE, required=True, help="Cases: location count date [group]."
)
@click.option("--geo", "places", type=FILE, required=True, help="Places: location lat lon.")
@click.option("--pop", "population", type=FILE, help="People: location date people [group].")
@click.option("--ctl", "controls", type=FILE, help="Controls: location count date.")
@click.option(
    "--coordinates",
    type=click.Choice(["latlong", "cartesian"]),
    default="latlong",
    show_default=True,
    help="What the two numbers of a place are.",
)
@click.option(
    "--model",
    type=click.Choice([m.value for m in ScanModel]),
    required=True,
    help="Probability model.",
)
@click.option("--start", type=Day(), required=True, help="First day.")
@click.option("--end", type=Day(), required=True, help="Last day.")
@click.option(
    "--unit",
    type=click.Choice([u.value for u in TimeUnit]),
    default=TimeUnit.DAY.value,
    show_default=True,
    help="Span of time.",
)
@click.option("--spatial", is_flag=True, help="The whole time is one window.")
@click.option("--prospective", is_flag=True, help="Only windows that last until the end.")
@click.option(
    "--max-population",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Largest share of all expected cases in a circle.",
)
@click.option(
    "--max-duration",
    type=click.IntRange(1),
    help="Longest window in units. [default: half the time]",
)
@click.option("--replicates", type=click.IntRange(0), default=999, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def scan_command(
    *,
    cases: Path,
    places: Path,
    population: Path | None,
    controls: Path | None,
    coordinates: str,
    model: str,
    start: date,
    end: date,
    unit: str,
    spatial: bool,
    prospective: bool,
    max_population: float,
    max_duration: int | None,
    replicates: int,
    seed: int,
    threads: int,
    as_json: bool,
) -> None:
    """Find where and when cases gather: Kulldorff's scan statistics."""
    if spatial and prospective:
        raise click.UsageError("--spatial has no windows of time; leave --prospective out.")
    data = read_scan_input(
        cases=cases,
        places=places,
        model=ScanModel(model),
        start=start,
        end=end,
        unit=TimeUnit(unit),
        population=population,
        controls=controls,
        is_cartesian=coordinates == "cartesian",
    )
    options = ScanOptions(
        is_spatial=spatial,
        is_prospective=prospective,
        max_share=max_population,
        max_duration=max_duration,
        replicates=replicates,
        seed=seed,
        threads=threads,
    )
    began = time.perf_counter()
    clusters = scan(data, options)
    seconds = round(time.perf_counter() - began, 3)
    if as_json:
        facts = [_make_facts(row) for row in clusters.to_dict("records")]
        answer = {"clusters": facts, "replicates": replicates, "seconds": seconds}
        click.echo(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    click.echo(
        f"{data.total:,} cases, {len(data.locations)} places, {len(data.edges) - 1} spans of time"
    )
    for number, row in enumerate(clusters.to_dict("records"), 1):
        click.echo(_tell(number, _make_facts(row)))
    if clusters.empty:
        click.echo("no cluster")


def _make_facts(row: dict[Any, Any]) -> dict[str, Any]:
    """Return one cluster with its dates as SaTScan writes them; None where a figure does not exist."""
    facts: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, date):
            facts[key] = f"{value.year}/{value.month}/{value.day}"
        elif isinstance(value, float) and not math.isfinite(value):
            facts[key] = None
        elif key == "observed":
            facts[key] = int(value)
        else:
            facts[key] = None if value is pd.NA else value
    return facts


def _tell(number: int, facts: dict[str, Any]) -> str:
    """Return one cluster as a line."""
    names = facts["locations"]
    places = " ".join(names[:SHOWN]) + (f" … {len(names)} places" if len(names) > SHOWN else "")
    p = "" if facts["p_value"] is None else f"  p {facts['p_value']:.3f}"
    return (
        f"{number}. {facts['start']} to {facts['end']}  {facts['observed']} cases, "
        f"{facts['expected']:.1f} expected  llr {facts['llr']:.3f}{p}  {places}"
    )
