"""``gridgov suggest``: which item of the catalogue a text is about, how surely, and the words that decided."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table, write_table
from geodata.problems import Problem, has_errors
from gridgov.jobs.model_file import read_model
from gridgov.pack.duties import CityDuties, load_city_duties
from gridgov.rules.classify import ItemClassifier
from gridgov.rules.constants import STATUS_TEXT
from web.cli.console import StagePrinter

LIMIT = "dispatch.item_confidence_min"
MOST_FOUND = 3
"""Items that the search of the catalogue adds where the classifier is not sure."""


@click.command()
@click.argument("city", type=click.Path(exists=True, path_type=Path))
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table with many texts; needs --out.",
)
@click.option("--column", default="text", show_default=True, help="Column of FILE with the texts.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write FILE with class, item, confidence and words added: .csv, .xlsx or .parquet.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per text.")
def suggest(
    *,
    city: Path,
    model: Path,
    texts: tuple[str, ...],
    file: Path | None,
    column: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Suggest the item of each TEXT by MODEL, a classifier made by gridgov train.

    CITY is a city pack: its folder or its city.toml. Below the confidence that the pack asks for a person chooses.
    """
    if bool(texts) == (file is not None) or (file is None) != (out is None):
        raise click.UsageError("expected either texts, or --file FILE with --out FILE")
    pack, classifier = load_city_duties(city), read_model(model)
    if file is not None and out is not None:
        frame = read_texts(file, column)
        write_table(join_new(frame, describe_frame(classifier, frame[column], pack)), out)
        click.echo(f"written: {out}")
        return
    for text in texts:
        facts = describe(classifier, text, pack)
        lines = [json.dumps(facts, ensure_ascii=False)] if as_json else _tell(facts, pack)
        click.echo("\n".join(lines))


def read_texts(path: Path, column: str) -> pd.DataFrame:
    """Return a table with a column of texts.

    Raises
    ------
    InvalidDataError
        If the file cannot be read or has no such column.
    """
    frame, problems = read_table(path)
    if column not in frame:
        header = ", ".join(map(str, frame.columns[:20]))
        problems.append(
            Problem(
                file=str(path),
                field=column,
                problem="this column is missing",
                expected=f"--column with one of {header}",
            )
        )
    if has_errors(problems):
        raise InvalidDataError(problems)
    return frame.astype({column: "str"})


def join_new(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return a table with more columns; a name that it has already comes as ``suggested_…``."""
    taken, names = set(frame.columns), {}
    for name in found.columns:
        new = name
        while new in taken:
            new = f"suggested_{new}"
        names[name] = new
        taken.add(new)
    return frame.join(found.rename(columns=names))


def describe_frame(classifier: ItemClassifier, texts: pd.Series, pack: CityDuties) -> pd.DataFrame:
    """Return the suggestion for each text with ``item_name words review``, on the index of `texts`."""
    show = StagePrinter({"suggest": "suggesting"})
    frame = classifier.suggest(texts)
    limit = pack.constants.number(LIMIT)
    words = []
    for place, (text, item) in enumerate(zip(texts, frame["item_code"], strict=True)):
        show("suggest", place / len(texts))
        told = [] if pd.isna(item) else classifier.explain(str(text))
        words.append("；".join(word for word, _ in told))
    show("suggest", 1.0)
    names = {} if pack.catalogue is None else pack.catalogue.names
    return frame.assign(
        item_name=frame["item_code"].map(names),
        words=words,
        review=~(frame["item_confidence"] >= limit),
    )


def describe(classifier: ItemClassifier, text: str, pack: CityDuties) -> dict[str, Any]:
    """Return what is suggested for one text, why, and what else it could be."""
    best = classifier.suggest(pd.Series([text], dtype="str")).iloc[0]
    empty = bool(pd.isna(best["item_code"]))
    names = {} if pack.catalogue is None else pack.catalogue.names
    limit = pack.constants.get(LIMIT)
    sure = not empty and bool(best["item_confidence"] >= pack.constants.number(LIMIT))
    ranked = [] if empty else classifier.rank_items(text)
    found = []
    if pack.catalogue is not None and not sure and not empty:
        today = datetime.now(pack.timezone).date()
        hits = pack.catalogue.search(text, on=today, limit=50)
        found = hits.loc[hits["level"] == hits["level"].max(), "item_code"].tolist()[:MOST_FOUND]
    return {
        "text": text,
        "level1_code": None if empty else best["level1_code"],
        "level1_name": None if empty else names.get(best["level1_code"]),
        "level1_confidence": None if empty else round(float(best["level1_confidence"]), 4),
        "item_code": None if empty else best["item_code"],
        "item_name": None if empty else names.get(best["item_code"]),
        "item_confidence": None if empty else round(float(best["item_confidence"]), 4),
        "review": not sure,
        "confidence_min": {"value": limit.value, "status": limit.status},
        "words": []
        if empty
        else [{"word": w, "weight": round(v, 4)} for w, v in classifier.explain(text)],
        "likeliest": [
            {"item_code": code, "item_name": names.get(code), "share": round(share, 4)}
            for code, share in ranked
        ],
        "found_by_search": [{"item_code": code, "item_name": names.get(code)} for code in found],
    }


def _tell(facts: dict[str, Any], pack: CityDuties) -> Iterator[str]:
    """Yield the suggestion in words."""
    yield f"“{facts['text'][:60]}”"
    if facts["item_code"] is None:
        yield "  没有文字，无法建议"
        return
    for word, level in (("大类", "level1"), ("事项", "item")):
        name = f" {facts[f'{level}_name']}" if facts[f"{level}_name"] else ""
        yield f"  {word} {facts[f'{level}_code']}{name}，把握 {facts[f'{level}_confidence']:.0%}"
    yield "  依据：" + ("、".join(one["word"] for one in facts["words"]) or "没有突出的词")
    if not facts["review"]:
        return
    limit = pack.constants.get(LIMIT)
    yield f"  低于 {pack.constants.number(LIMIT):.0%}（{STATUS_TEXT[limit.status]}），由人选择："
    for one in facts["likeliest"]:
        yield f"    {one['item_code']} {one['item_name'] or ''} {one['share']:.0%}"
    known = {one["item_code"] for one in facts["likeliest"]}
    for one in facts["found_by_search"]:
        if one["item_code"] not in known:
            yield f"    {one['item_code']} {one['item_name'] or ''}（目录检索）"
