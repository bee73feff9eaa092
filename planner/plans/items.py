"""The levels of the catalogue, and which level a set of appeals really shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gridgov.rules.catalogue import Catalogue

LEVELS = (1, 2, 3)

SHARED = 0.5
"""A set of appeals is about an item where at least so many of them name it; else about the item above."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemLevels:
    """Item → the item above it on each level.

    Parameters
    ----------
    above
        Frame on the index of item codes: columns 1, 2, 3. Where a branch is less deep, the item itself stands for the
        levels below it.
    names
        Item code → name.
    """

    above: pd.DataFrame
    names: Mapping[str, str] = field(default_factory=dict)

    def find(self, codes: pd.Series, level: int) -> pd.Series:
        """Return the item of a level for each code; the code itself where it is not known, missing where missing."""
        found = codes.map(self.above[level])
        return found.where(found.notna(), codes)

    def find_line(self, code: str) -> tuple[str, ...]:
        """Return an item and those above it, nearest first."""
        above = self.above
        line = (
            [str(above.at[code, level]) for level in reversed(LEVELS)]
            if code in above.index
            else []
        )
        return tuple(dict.fromkeys((code, *line)))

    def name(self, code: str) -> str:
        """Return the name of an item, its code where it has none."""
        return self.names.get(code) or code


@dataclass(frozen=True, kw_only=True)
class SharedItem:
    """The lowest item that a set of appeals shares.

    Parameters
    ----------
    item_code, level
        The item; level 0 and an empty code where they share not even a level-1 item.
    rows
        Positions in the set of the appeals that are about it.
    """

    item_code: str
    level: int
    rows: np.ndarray


def make_item_levels(catalogue: Catalogue) -> ItemLevels:
    """Return the levels of a catalogue."""
    items = catalogue.items.drop_duplicates("item_code", keep="last")
    parents = dict(zip(items["item_code"], items["parent_code"], strict=True))
    rows = {}
    for code in parents:
        line, at = [code], code
        while (parent := parents.get(at, "")) in parents and parent not in line:
            line.append(parent)
            at = parent
        line.reverse()
        rows[code] = [line[min(level, len(line)) - 1] for level in LEVELS]
    above = pd.DataFrame.from_dict(rows, orient="index", columns=list(LEVELS), dtype="object")
    return ItemLevels(above=above, names=catalogue.names)


def find_shared_item(codes: pd.Series, levels: ItemLevels) -> SharedItem:
    """Return the lowest item that at least half of some appeals are about, with those appeals.

    Title, figure, lead and duties of a task then speak of the same appeals.

    Parameters
    ----------
    codes
        Item of each appeal, never missing.
    levels
        The catalogue.
    """
    texts = codes.astype("object").reset_index(drop=True)
    for level in reversed(LEVELS):
        at = levels.find(texts, level)
        counts = at.value_counts()
        if len(counts) and counts.iloc[0] >= SHARED * len(texts):
            top = str(min(counts.index[counts == counts.iloc[0]]))
            return SharedItem(item_code=top, level=level, rows=np.flatnonzero(at == top))
    return SharedItem(item_code="", level=0, rows=np.arange(len(texts)))
