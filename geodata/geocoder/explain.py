"""Why an address lies where the geocoder says: parts, candidates, the winner, in words."""

from typing import Any

import numpy as np
import pandas as pd

from geodata.address import encode_texts, parse_address
from geodata.address.parse import parse_text
from geodata.gazetteer.grams import make_alike
from geodata.gazetteer.postings import AREA, WAY
from geodata.geocoder.choice import collect
from geodata.geocoder.evidence import (
    LEVEL_OF_EVIDENCE,
    Candidates,
    Evidence,
    Index,
    make_candidates,
    make_ladder,
)
from geodata.geocoder.index import Gazetteer

CANDIDATE_COLUMNS = (
    "rank",
    "matched",
    "place_level",
    "evidence",
    "lon",
    "lat",
    "uncertainty_m",
    "cost",
)
"""Columns of a frame of candidates: ``rank`` 0 is the best · ``evidence`` how the point was found ·
``cost`` natural logarithm of the typical error in metres plus what speaks against it."""


def list_candidates(gazetteer: Gazetteer, index: Index, address: str) -> pd.DataFrame:
    """Return the candidates of one address, best first, columns ``CANDIDATE_COLUMNS``."""
    codes = encode_texts(pd.Series([address], dtype="str")).codes
    found, ladder = make_candidates(), make_ladder()
    if len(codes):
        tokens = parse_text(index.lexicon, codes)
        collect(index, codes, (tokens, 0), (ladder, found, make_alike(len(index.grams.norm))))
    n = int(found.size[0])
    lon, lat = gazetteer.projection.to_degrees(found.x[:n], found.y[:n])
    frame = pd.DataFrame(
        {
            "matched": [_name(gazetteer, found, i) for i in range(n)],
            "place_level": [str(LEVEL_OF_EVIDENCE[Evidence(e)]) for e in found.evidence[:n]],
            "evidence": [Evidence(e).name.lower() for e in found.evidence[:n]],
            "lon": lon,
            "lat": lat,
            "uncertainty_m": found.radius[:n],
            "cost": found.cost[:n],
        }
    )
    frame = frame.sort_values("cost", kind="stable").drop_duplicates(
        ["matched", "evidence", "lon", "lat"]
    )
    frame = frame.reset_index(drop=True)
    frame.insert(0, "rank", np.arange(len(frame)))
    return frame[list(CANDIDATE_COLUMNS)]


def _name(gazetteer: Gazetteer, found: Candidates, i: int) -> str:
    first = (0, len(gazetteer.areas.x), len(gazetteer.areas.x) + len(gazetteer.ways.x))
    label = int(gazetteer.labels[first[found.kind[i]] + found.ident[i]])
    name = gazetteer.names[label].as_py() if label >= 0 else ""
    if found.other[i] >= 0:
        other = int(gazetteer.labels[first[WAY] + found.other[i]])
        name += f" × {gazetteer.names[other].as_py()}"
    return f"{name} {found.number[i]}号" if found.number[i] >= 0 and found.kind[i] != AREA else name


def explain_address(
    gazetteer: Gazetteer, index: Index, address: str, *, place: dict[str, Any]
) -> dict[str, Any]:
    """Return parts with spans, candidates, the answer `place` and why it won, as plain values."""
    parts = parse_address(address, lexicon=index.lexicon)
    candidates = list_candidates(gazetteer, index, address)
    return {
        "address": address,
        "parts": [
            {
                "text": part.text,
                "span": [part.start, part.end],
                "kind": part.kind,
                **({"number": part.number, "unit": part.unit} if part.number is not None else {}),
            }
            for part in parts
        ],
        "candidates": candidates.to_dict(orient="records"),
        "winner": place,
        "why": _tell_why(candidates, place),
    }


def _tell_why(candidates: pd.DataFrame, place: dict[str, Any]) -> str:
    problem = place["place_problem"]
    if isinstance(problem, str):
        return f"Not placed: {problem}."
    best = candidates.iloc[0]
    told = f"{best['matched']} ({best['evidence']}) lies within {place['uncertainty_m']:.0f} m in 9 cases of 10"
    if len(candidates) == 1:
        return f"{told}; nothing else in the address can be placed."
    second = candidates.iloc[1]
    return (
        f"{told} and costs {best['cost']:.2f}; the next, {second['matched']} ({second['evidence']}), "
        f"costs {second['cost']:.2f}. Less is better: the logarithm of the typical error plus the distance "
        "from the areas that the address names."
    )
