"""Addresses to points, with a radius that says how sure."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from geodata.frames import PLACE_COLUMNS, PlaceLevel
from geodata.gazetteer import Gazetteer

_LEVELS = {
    "address": (PlaceLevel.NUMBER, 100.0),
    "number": (PlaceLevel.NUMBER, 100.0),
    "place": (PlaceLevel.PLACE, 200.0),
    "road": (PlaceLevel.ROAD, 800.0),
    "community": (PlaceLevel.COMMUNITY, 500.0),
    "street": (PlaceLevel.STREET, 1500.0),
    "district": (PlaceLevel.DISTRICT, 10000.0),
}


class Geocoder:
    """Places addresses with one gazetteer."""

    def __init__(self, gazetteer: Gazetteer, *, extent: shapely.Geometry | None = None) -> None:
        self._extent = extent
        entries = gazetteer.entries.drop_duplicates("text")
        self._entries = {row.text: row for row in entries.itertuples(index=False)}
        self._longest = int(entries["text"].str.len().max()) if len(entries) else 0

    def locate(self, addresses: pd.Series) -> pd.DataFrame:
        """Return the place of every address, columns ``PLACE_COLUMNS``, on the index of `addresses`."""
        unique = {text: self._locate_one(text) for text in addresses.fillna("").astype(str).unique()}
        rows = [unique[text] for text in addresses.fillna("").astype(str)]
        return pd.DataFrame(rows, columns=list(PLACE_COLUMNS), index=addresses.index)

    def explain(self, address: str) -> dict[str, Any]:
        """Return parts, candidates and winner of one address."""
        return {"address": address, "winner": self._locate_one(address)}

    def _locate_one(self, text: str) -> tuple[Any, ...]:
        found = []
        for start in range(min(len(text), 500)):
            for end in range(min(len(text), start + self._longest), start + 1, -1):
                if (row := self._entries.get(text[start:end])) is not None:
                    found.append(row)
                    break
        if not found:
            return (np.nan, np.nan, None, np.nan, None, 0.0, "no known name in the address")
        best = min(found, key=lambda row: (_LEVELS[row.kind][1], -len(row.text)))
        level, radius = _LEVELS[best.kind]
        return (best.lon, best.lat, str(level), radius, best.text, 0.5, None)
