"""The levels of the catalogue, and which level a set of appeals really shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from gridgov.rules.catalogue import Catalogue

LEVELS = (1, 2, 3)


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
