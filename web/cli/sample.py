"""``gridgov sample``: write the invented city."""

import shlex
from pathlib import Path
from typing import cast

import click

from gridgov.sample.writer import DEFAULT_APPEALS, DEFAULT_SEED, Format, write_sample
from web.cli.console import StagePrinter

STAGES = {
    "land": "land, roads and names",
    "appeals": "appeals, hotspots and decoys",
    "words": "addresses and texts",
    "handling": "handling and callbacks",
    "writing": "files",
}


@click.command(
    help="Write a synthetic city to FOLDER: a pack, appeals and what was planted in them."
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--appeals",
    type=int,
    default=DEFAULT_APPEALS,
    show_default=True,
    help="Rows of the export, 1,000 or more.",
)
@click.option(
    "--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Same seed, same bytes."
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="Of the export of appeals.",
)
@click.option(
    "--dense",
    default="",
    metavar="DISTRICT",
    help="Code or name of a district that gets nearly all appeals, so that its streets can be ranked each month.",
)
def sample(folder: Path, appeals: int, seed: int, file_format: str, dense: str) -> None:
    """Write the sample city."""
    result = write_sample(
        folder,
        appeals=appeals,
        seed=seed,
        file_format=cast("Format", file_format),
        dense=dense,
        progress=StagePrinter(STAGES),
    )
    appeals_file = folder / f"appeals.{file_format}"
    seconds = sum(result["seconds"].values())
    click.echo(
        f"{folder}: {appeals:,} appeals with {result['hotspots']} planted hotspots "
        f"among {result['planted']} planted things in {seconds:.1f} s\n"
        f"next: {shlex.join(['gridgov', 'run', str(folder), str(appeals_file), '--out', 'OUT'])}"
    )
