"""``gridgov demo``: the sample city through the main job, and where to look at the result."""

from pathlib import Path

import click

from geodata.folders import check_replaceable
from gridgov.sample.writer import DEFAULT_APPEALS, DEFAULT_SEED, write_sample
from planner.main_job import MainJobOptions
from web.assets import find_assets
from web.cli.console import StagePrinter
from web.cli.run import STAGES, make_report, run_and_report
from web.cli.sample import STAGES as SAMPLE_STAGES


@click.command(help="Make the sample city, run the main job on it and say where the pages are.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/demo"),
    show_default=True,
    help="Where city and results go.",
)
@click.option("--appeals", type=click.IntRange(1_000), default=DEFAULT_APPEALS, show_default=True)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True)
def demo(folder: Path, appeals: int, seed: int) -> None:
    """Run the demo."""
    assets_dir = find_assets()
    city_dir, out_dir = folder / "city", folder / "result"
    check_replaceable(out_dir)
    progress = StagePrinter(SAMPLE_STAGES | STAGES)
    click.echo(f"Sample city (synthetic) with {appeals:,} appeals → {city_dir}")
    write_sample(city_dir, appeals=appeals, seed=seed, file_format="parquet", progress=progress)
    click.echo(f"Main job → {out_dir}")
    summary = run_and_report(
        city_dir,
        city_dir / "appeals.parquet",
        out_dir,
        options=MainJobOptions(assets_dir=assets_dir),
        progress=progress,
    )
    click.echo(make_report(summary))
    click.echo(f"\nOpen this page: {(out_dir / 'index.html').resolve().as_uri()}")
