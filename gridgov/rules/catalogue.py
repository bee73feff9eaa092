"""The dispatch catalogue: problems in three levels, each with who leads, who helps and how fast."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256

import numpy as np
import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.in_force import EPOCH, Versions, get_in_force, make_versions

ITEM_COLUMNS = (
    "item_code",
    "level",
    "parent_code",
    "name",
    "guidance",
    "kind",
    "grade",
    "lead",
    "helpers",
    "scene_code",
    "route",
    "tags",
    "valid_from",
    "valid_to",
)
"""One row per item and version. Texts are never missing but empty; ``helpers`` and ``tags`` are joined by
``;``; ``level`` int 1 to 3; ``valid_from valid_to`` dates or missing."""

PATH_SEPARATOR = " / "
"""Joins the levels of an item's code where a city has no catalogue but its export has categories."""

LEAD_STREET, LEAD_DISTRICT = "@street", "@district"
"""Leads that stand for the street or the district of the place."""


LEAF = 3
"""Level of the items by which orders are sent."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One entry of the catalogue as in force on a day."""

    item_code: str
    level: int
    parent_code: str
    name: str
    guidance: str
    kind: str
    grade: str
    lead: str
    helpers: tuple[str, ...]
    scene_code: str
    route: str
    tags: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items of a city.

    Parameters
    ----------
    items
        Frame of :data:`ITEM_COLUMNS`, index 0 … n-1.
    """

    items: pd.DataFrame

    @cached_property
    def versions(self) -> Versions:
        """Return the look-up of (code, day) → row of :attr:`items`."""
        return make_versions(self.items, "item_code")

    @cached_property
    def codes(self) -> frozenset[str]:
        """Return the codes of all items, of whatever day."""
        return frozenset(self.versions.spans)

    def __contains__(self, item_code: str) -> bool:
        return item_code in self.versions.spans

    def __len__(self) -> int:
        return len(self.items)

    def get(self, item_code: str, on: date) -> Item:
        """Return an item as in force on a day.

        Raises
        ------
        KeyError
            If the catalogue of that day has no such item.
        """
        row = self.versions.find(item_code, on.toordinal() - EPOCH)
        if row is None:
            raise KeyError(item_code)
        return self._entries[row]

    @cached_property
    def _entries(self) -> list[Item]:
        """Return the rows of :attr:`items` as values."""
        rows = self.items[list(Item.__annotations__)].to_dict("records")
        for row in rows:
            row["level"] = int(row["level"])
            row["helpers"], row["tags"] = split_list(row["helpers"]), split_list(row["tags"])
        return [Item(**{str(name): value for name, value in row.items()}) for row in rows]

    @cached_property
    def _top(self) -> dict[str, str]:
        parents = dict(zip(self.items["item_code"], self.items["parent_code"], strict=True))
        top = {}
        for code in parents:
            seen, at = {code}, code
            while (parent := parents.get(at, "")) in parents and parent not in seen:
                seen.add(parent)
                at = parent
            top[code] = at
        return top

    @cached_property
    def names(self) -> dict[str, str]:
        """Return the name of every item by code."""
        return dict(zip(self.items["item_code"], self.items["name"], strict=True))

    @cached_property
    def _codes(self) -> dict[str, set[str]]:
        leaves = self.items[self.items["level"].astype(int) == LEAF]
        codes: dict[str, set[str]] = {}
        for name, code in zip(leaves["name"], leaves["item_code"], strict=True):
            codes.setdefault(str(name), set()).add(str(code))
        return codes

    def find_code(self, words: str) -> str | None:
        """Return the item that a code or an exact name means, None where it is none or more than one."""
        sought = words.strip()
        if sought in self:
            return sought
        found = self._codes.get(sought, set())
        return next(iter(found)) if len(found) == 1 else None

    def find_top(self, codes: pd.Series) -> pd.Series:
        """Return the code of each item's level-1 ancestor, missing where the item is unknown."""
        return codes.map(self._top).astype("str")

    def find_names(self, codes: pd.Series) -> pd.Series:
        """Return the name of each item, missing where the item is unknown."""
        return codes.map(self.names).astype("str")

    @cached_property
    def _grams(self) -> tuple[dict[str, dict[int, float]], np.ndarray]:
        """Weigh each pair of characters of names and guidance: rare pairs say more (idf)."""
        counts = [
            Counter(_split_grams(name) * 3 + _split_grams(guidance))
            for name, guidance in zip(self.items["name"], self.items["guidance"], strict=True)
        ]
        seen = Counter(gram for grams in counts for gram in grams)
        total = len(counts)
        index: dict[str, dict[int, float]] = defaultdict(dict)
        length = np.ones(total)
        for row, grams in enumerate(counts):
            weights = {
                gram: (1 + np.log(n)) * np.log(1 + total / seen[gram]) for gram, n in grams.items()
            }
            length[row] = np.sqrt(sum(w * w for w in weights.values())) or 1.0
            for gram, weight in weights.items():
                index[gram][row] = weight
        return dict(index), length

    def search(self, text: str, *, on: date, limit: int = 10) -> pd.DataFrame:
        """Return the items in force whose name or guidance is most like `text`, best first.

        Returns
        -------
        Rows of :attr:`items` with ``match`` added, 0–1 (cosine of weighted character pairs).
        """
        index, length = self._grams
        score = np.zeros(len(self.items))
        asked = Counter(_split_grams(text))
        norm = 0.0
        for gram, n in asked.items():
            rows = index.get(gram, {})
            weight = (1 + np.log(n)) * np.log(1 + len(self.items) / max(len(rows), 1))
            norm += weight * weight
            for row, found in rows.items():
                score[row] += weight * found
        match = pd.Series(score / length / (np.sqrt(norm) or 1.0), index=self.items.index)
        found = get_in_force(self.items, on).assign(match=match)
        return found[found["match"] > 0].nlargest(limit, "match")


def _split_grams(text: str) -> list[str]:
    clean = "".join(text.lower().split())
    return [clean[at : at + 2] for at in range(len(clean) - 1)] or list(clean)


RULED_BY = ("kind", "grade", "lead", "helpers", "scene_code", "route")
"""What of an item decides who gets an order, and how fast."""


def find_rules(catalogue: Catalogue, on: date) -> dict[str, str]:
    """Return item code → a digest of what decides about its orders, for the items in force on a day.

    Two catalogues that say the same of an item give the same digest, whatever they call it.
    """
    rows = get_in_force(catalogue.items, on)
    said = rows[list(RULED_BY)].astype("str").agg("\x1f".join, axis=1)
    return {
        str(code): sha256(text.encode()).hexdigest()[:16]
        for code, text in zip(rows["item_code"], said, strict=True)
    }


def split_list(text: str) -> tuple[str, ...]:
    """Return the parts of a text joined by ``;`` (or its full-width form), without empty ones."""
    return tuple(part.strip() for part in text.replace("；", ";").split(";") if part.strip())


def find_catalogue(
    own: Catalogue | None, codes: Iterable[str | None], *, constants: Constants
) -> Catalogue:
    """Return a city's own catalogue; without one the categories of its export are the items.

    Parameters
    ----------
    own
        The city's, None where its pack has none.
    codes
        Codes that orders have, missing ones among them.
    constants
        ``dispatch.default_grade``: of every item that is made.
    """
    if own is not None:
        return own
    known = {str(code) for code in codes if code is not None and code == code}  # noqa: PLR0124 - NaN
    return make_path_catalogue(known, grade=constants.text("dispatch.default_grade"))


def find_path_top(code: str) -> str:
    """Return the first level of a code that :func:`make_path_catalogue` reads."""
    return code.split(PATH_SEPARATOR, 1)[0]


def make_path_catalogue(codes: Iterable[str], *, grade: str) -> Catalogue:
    """Return a catalogue made from an export's own categories, for a city without one.

    Parameters
    ----------
    codes
        Codes as in ``group / category``; each part above becomes an item of its own.
    grade
        Grade of every item.
    """
    rows = {}
    for code in sorted(set(codes)):
        parts = code.split(PATH_SEPARATOR)
        for level in range(1, len(parts) + 1):
            path = PATH_SEPARATOR.join(parts[:level])
            parent = PATH_SEPARATOR.join(parts[: level - 1])
            rows[path] = {
                "item_code": path,
                "level": min(level, 3),
                "parent_code": parent,
                "name": parts[level - 1],
                "grade": grade,
                "lead": LEAD_STREET,
            }
    return make_catalogue(pd.DataFrame(rows.values()))


def make_catalogue(table: pd.DataFrame) -> Catalogue:
    """Return the catalogue of a table with any of :data:`ITEM_COLUMNS`; what is missing is empty."""
    frame = table.reindex(columns=list(ITEM_COLUMNS)).reset_index(drop=True)
    dates = ["valid_from", "valid_to"]
    texts = [name for name in ITEM_COLUMNS if name not in {"level", *dates}]
    frame[texts] = frame[texts].astype("str").fillna("")
    frame["level"] = pd.to_numeric(frame["level"]).fillna(3).astype(np.int64)
    frame[dates] = frame[dates].astype("datetime64[us]")
    return Catalogue(frame)
