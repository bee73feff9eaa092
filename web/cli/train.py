"""``gridgov train``: learn from a city's own appeals which item a text is about."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click
import pandas as pd

from geodata.files import write_table
from gridgov.jobs.model_file import write_model
from gridgov.jobs.training import (
    MOST_TEXTS_AN_ITEM,
    Selection,
    TrainingReport,
    count_selection,
    select_labelled,
    train_and_judge,
)
from gridgov.pack.city import load_city
from gridgov.reading.labelled_texts import read_texts
from web.cli.console import StagePrinter

MOST_ROWS = 30
MOST_CONFUSIONS = 8
HARDEST_ITEMS = 5
FEWEST_TEXTS = 5
"""Precision and recall of fewer texts say nothing."""


@click.command(
    name="train",
    help="Learn from FILE which item of the catalogue a text is about; write the classifier.",
)
@click.argument("city", type=click.Path(path_type=Path, exists=True))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--report",
    "report_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for precision, recall and confusion as tables. [default: beside the classifier]",
)
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--texts-an-item",
    type=click.IntRange(0),
    default=MOST_TEXTS_AN_ITEM,
    show_default=True,
    help="Most texts of one item that are learnt from, a seeded sample; 0 is all, which takes longer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def train_command(
    *,
    city: Path,
    file: Path,
    out: Path,
    report_dir: Path | None,
    folds: int,
    seed: int,
    texts_an_item: int,
    as_json: bool,
) -> None:
    """Train, evaluate and write."""
    progress = StagePrinter()
    progress("reading", 0.0)
    pack = load_city(city)
    read = read_texts(pack, file)
    appeals = read.texts
    tell_problems(read.problems)
    level1 = (
        appeals["item_code"]
        if pack.catalogue is None
        else pack.catalogue.find_top(appeals["item_code"])
    )
    given, most = appeals.assign(level1_code=level1), texts_an_item or None
    labelled = select_labelled(given, seed=seed, most=most)
    selection = count_selection(given, labelled, most=most)
    progress("reading", 1.0)
    progress("learning", 0.0)
    classifier, report = train_and_judge(labelled, folds=folds, seed=seed)
    progress("learning", 1.0)
    write_model(classifier, out)
    write_report(report, report_dir or out.parent / f"{out.stem}-report")
    if as_json:
        click.echo(json.dumps(report.figures | {"selection": asdict(selection)}))
        return
    names = {} if pack.catalogue is None else pack.catalogue.names
    click.echo(describe_selection(selection))
    click.echo(describe(report, names))
    click.echo(f"classifier {out} — use it: gridgov run CITY APPEALS --model {out} --out DIR")


def tell_problems(problems: pd.DataFrame) -> None:
    """Print what is wrong with the export, the kinds of faults with their number and first row."""
    for (field, problem), rows in problems.groupby(["field", "problem"], sort=False):
        first = rows.iloc[0]
        where = "" if pd.isna(first["row"]) else f", the first in row {first['row']}"
        click.echo(
            f"{first['severity']}: {first['file']} · {field} · {problem} · {len(rows):,} times{where} · "
            f"found {first['value']!r}",
            err=True,
        )


def describe_selection(selection: Selection) -> str:
    """Return how many texts are learnt from, and why others are not."""
    beyond = (
        f", beyond {selection.most:,} of one item {selection.beyond:,}" if selection.most else ""
    )
    return (
        f"read {selection.read:,} = learnt from {selection.learnt:,} + left out: without text or item "
        f"{selection.unlabelled:,}, repeated {selection.repeated:,}{beyond}"
    )


def write_report(report: TrainingReport, folder: Path) -> None:
    """Write the tables and figures of a report to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(report.classes, folder / "classes.csv")
    write_table(report.items, folder / "items.csv")
    write_table(report.confusion.reset_index(), folder / "confusion.csv")
    write_table(pd.DataFrame([report.figures]), folder / "figures.csv")


def describe(report: TrainingReport, names: Mapping[str, str]) -> str:
    """Return a report in words: figures, every class, what is taken for what, and the items that are hardest.

    Parameters
    ----------
    report
        The report.
    names
        Code → name of classes and items.
    """
    return "\n".join(
        (
            *_tell_figures(report.figures),
            *_tell_scores("classes", report.classes, names),
            *_tell_confusion(report.confusion, names),
            *_tell_scores("hardest items", _find_hardest(report.items), names),
        )
    )


def _tell_figures(figures: Mapping[str, float]) -> Iterator[str]:
    yield f"{figures['texts']:,.0f} texts, {figures['items']:,.0f} items in {figures['classes']:.0f} classes"
    yield (
        f"right item {figures['item_share']:.1%}, right class {figures['level1_share']:.1%}, "
        f"macro-F1 of classes {figures['macro_f1']:.3f}"
    )
    yield (
        f"right among the surest 80 % {figures['surest_share']:.1%}, "
        f"calibration error {figures['ece']:.3f} (items), {figures['level1_ece']:.3f} (classes)"
    )


def _tell_scores(title: str, scores: pd.DataFrame, names: Mapping[str, str]) -> Iterator[str]:
    """Yield precision, recall and number of texts, the rarest right first."""
    if scores.empty:
        return
    yield f"{title}: precision, recall, texts"
    for code, precision, recall, _, texts in scores.head(MOST_ROWS).itertuples(index=False):
        yield f"  {precision:7.1%} {recall:7.1%} {texts:7,.0f}  {_name(code, names)}"
    if len(scores) > MOST_ROWS:
        yield f"  … and {len(scores) - MOST_ROWS} more in the report's folder"


def _find_hardest(items: pd.DataFrame) -> pd.DataFrame:
    hard = items[(items["f1"] < 1) & (items["texts"] >= FEWEST_TEXTS)]
    return hard.sort_values(["f1", "item_code"]).head(HARDEST_ITEMS)


def _tell_confusion(confusion: pd.DataFrame, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the commonest confusions: right class, suggested class, texts."""
    cells = confusion.stack()
    wrong = cells[[right != said for right, said in cells.index]]
    wrong = wrong[wrong > 0].sort_values(ascending=False, kind="stable")
    if len(wrong):
        yield "taken for another class: right → suggested, texts"
    for (right, said), count in wrong.head(MOST_CONFUSIONS).items():
        yield f"  {_name(right, names)} → {_name(said, names)}  {count:,}"


def _name(code: str, names: Mapping[str, str]) -> str:
    name = names.get(code, "")
    return f"{code} {name}" if name and name != code else code
