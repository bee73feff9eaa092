"""What people say: phrases per item of the sample city's catalogue, with place, season and weight.

A template is a full sentence with slots. ``{place}`` is the caller's; the other slots have fillers in
:attr:`Phrase.fillers`. Templates join what is wrong (clauses of the item) with how people say it (frames
of the kind), so that words of the item decide and the rest varies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gridgov.sample.content.tables import read_content

PLACE_SLOT = "{place}"


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """How people speak about one item, and where and when they do.

    Parameters
    ----------
    item_code
        Code of the level-3 item.
    kind
        Kind of appeal as in the catalogue.
    keywords
        Words that hint at the item, the item's name first.
    templates
        Sentences with the slot ``{place}`` and slots of `fillers`; at least three, all different.
    fillers
        Slot without braces → texts to choose from.
    months
        Twelve weights, January first; 1 is an ordinary month.
    urban, rural
        Weights 0–1 inside the city and in the country.
    weight
        Share of the item in all appeals, relative to other items.
    """

    item_code: str
    kind: str
    keywords: tuple[str, ...]
    templates: tuple[str, ...]
    fillers: Mapping[str, tuple[str, ...]]
    months: tuple[float, ...]
    urban: float
    rural: float
    weight: float


def load_phrases() -> dict[str, Phrase]:
    """Return the phrases of every level-3 item by item code, in the order of the catalogue."""
    catalogue = read_content("catalogue.csv").set_index("item_code")
    frames = read_content("frames.csv").groupby("kind")["frame"].agg(tuple).to_dict()
    fillers = read_content("fillers.csv").groupby("slot")["text"].agg(tuple).to_dict()
    seasons = _read_seasons()
    companies = _read_companies()
    return {
        row["item_code"]: _make_phrase(
            row,
            item=catalogue.loc[row["item_code"]],
            frames=frames,
            fillers=fillers | _pick_companies(catalogue.loc[row["item_code"]], companies),
            seasons=seasons,
        )
        for row in read_content("phrases.csv").to_dict("records")
    }


def _make_phrase(
    row: Mapping[str, str],
    *,
    item: Mapping[str, str],
    frames: Mapping[str, tuple[str, ...]],
    fillers: Mapping[str, tuple[str, ...]],
    seasons: Mapping[str, tuple[float, ...]],
) -> Phrase:
    clauses = row["clauses"].split("|")
    templates = tuple(f.replace("{clause}", c) for c in clauses for f in frames[item["kind"]])
    used = {
        slot: texts for slot, texts in fillers.items() if any(f"{{{slot}}}" in t for t in templates)
    }
    return Phrase(
        item_code=row["item_code"],
        kind=item["kind"],
        keywords=tuple(row["keywords"].split(";")),
        templates=templates,
        fillers=used,
        months=seasons[row["season"]],
        urban=float(row["urban"]),
        rural=float(row["rural"]),
        weight=float(row["weight"]),
    )


def _read_seasons() -> dict[str, tuple[float, ...]]:
    table = read_content("seasons.csv").set_index("season").astype(float)
    return {
        str(name): tuple(weights)
        for name, weights in zip(table.index, table.to_numpy(), strict=True)
    }


def _read_companies() -> dict[str, str]:
    units = read_content("units.csv")
    platforms = units[units["kind"] == "platform"]
    return dict(zip(platforms["unit_code"], platforms["name"], strict=True))


def _pick_companies(
    item: Mapping[str, str], companies: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    names = tuple(companies[code] for code in item["helpers"].split(";") if code in companies)
    return {"company": names} if names else {}
