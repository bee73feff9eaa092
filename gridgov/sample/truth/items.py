"""What people call about: the third level of the catalogue with its share, season and phrases."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.sample.content import Phrase, load_phrases
from gridgov.sample.content.tables import read_content

FloatArray = npt.NDArray[np.float64]

SUBURBAN_SHARE = 0.65
"""How far a suburb is like the town: its items lie between those of town and country."""


@dataclass(frozen=True, kw_only=True)
class Items:
    """The catalogue as the generator of appeals needs it.

    Parameters
    ----------
    frame
        One row per level-3 item: ``item_code, name, level1_code, level1_name, kind, grade, lead, scene_code, route,
        season``.
    phrases
        How people say it, in the order of `frame`.
    months
        Season → twelve monthly weights.
    mix
        Share of each item among the appeals of an area of town, suburb and country, float64 (3, items).
    """

    frame: pd.DataFrame
    phrases: tuple[Phrase, ...]
    months: dict[str, tuple[float, ...]]
    mix: FloatArray


def read_items(rng: np.random.Generator) -> Items:
    """Return the items of the sample city's catalogue; other randomness gives other shares."""
    catalogue = read_content("catalogue.csv").set_index("item_code")
    phrases = load_phrases()
    frame = catalogue.loc[list(phrases)].reset_index()
    frame["level1_code"] = frame["parent_code"].map(catalogue["parent_code"])
    frame["level1_name"] = frame["level1_code"].map(catalogue["name"])
    frame["season"] = (
        read_content("phrases.csv").set_index("item_code")["season"].loc[list(phrases)].to_numpy()
    )
    said = tuple(phrases.values())
    keep = [
        "item_code",
        "name",
        "level1_code",
        "level1_name",
        "kind",
        "grade",
        "lead",
        "scene_code",
        "route",
        "season",
    ]
    return Items(
        frame=frame[keep],
        phrases=said,
        months={
            season: phrase.months for season, phrase in zip(frame["season"], said, strict=True)
        },
        mix=_make_mix(frame, said, rng),
    )


def _make_mix(
    frame: pd.DataFrame, phrases: tuple[Phrase, ...], rng: np.random.Generator
) -> FloatArray:
    """Return shares: the content's weights, shaken, with a mix of their own in areas of each kind."""
    weight = np.array([phrase.weight for phrase in phrases]) * rng.lognormal(0, 0.35, len(frame))
    urban = np.array([phrase.urban for phrase in phrases])
    rural = np.array([phrase.rural for phrase in phrases])
    areas = np.stack([urban, SUBURBAN_SHARE * urban + (1 - SUBURBAN_SHARE) * rural, rural])
    level1, _ = pd.factorize(frame["level1_code"])
    shaken = rng.lognormal(0, 0.2, (3, int(level1.max()) + 1))
    mix: FloatArray = weight * areas * shaken[:, level1]
    shares: FloatArray = mix / mix.sum(axis=1, keepdims=True)
    return shares
