"""The parts of a Chinese address as people speak and write it, with their places in the text.

The same compiled parser reads single texts here and whole columns in the geocoder. Nothing is lost: the
parts, and the characters between them that say nothing (spaces, quotes), make up the text.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from geodata.address.folding import LONGEST_TEXT, fold_with_positions
from geodata.address.lexicon import encode_names, make_lexicon
from geodata.address.numbers import VARIANT_LETTERS
from geodata.address.parse import Lexicon, parse_text
from geodata.address.trie import find_name
from geodata.address.words import NumberUnit, TokenKind

ROLES = (
    *("province", "city", "district", "town", "community", "road", "number"),
    *("building", "unit", "floor", "room", "place"),
)
"""From the largest to the smallest; ``town`` is a street (街道), town or township, ``community`` also a village,
``place`` whatever else bears a name."""

_ROLE_OF_KIND = {
    TokenKind.REGION: "province",
    TokenKind.REGION_SHORT: "province",
    TokenKind.CITY: "city",
    TokenKind.CITY_SHORT: "city",
    TokenKind.CITY_STEM: "city",
    TokenKind.DISTRICT_TEXT: "district",
    TokenKind.STREET_TEXT: "town",
    TokenKind.COMMUNITY_TEXT: "community",
    TokenKind.VILLAGE_TEXT: "community",
}
_ROLE_OF_UNIT = {
    NumberUnit.NONE: "number",
    NumberUnit.HOUSE: "number",
    NumberUnit.BUILDING: "building",
    NumberUnit.UNIT: "unit",
    NumberUnit.FLOOR: "floor",
    NumberUnit.ROOM: "room",
}
_ENDINGS = {
    "province": ("省", "自治区", "特别行政区"),
    "town": ("街道", "地区", "镇", "乡", "街道办事处", "办事处"),
    "community": ("社区", "村", "居委会", "村委会"),
    "road": ("路", "大街", "街", "大道", "胡同", "巷", "条", "弄", "道", "沿", "公路", "高速"),
    "district": ("区", "县", "旗", "市"),
}
"""Endings of names by role, tried in this order. Every prefecture is a word, so that 市 in a name is of a county."""
_NO_ENDINGS = ("小区", "园区", "新村", "校区", "厂区", "花园区", "景区", "街区")
"""Endings of compounds, though they look like those of areas."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of an address.

    Parameters
    ----------
    text
        As it stands in the original.
    start, end
        Positions in the original, ``original[start:end] == text``.
    kind
        How it was found: ``name number way district_text street_text community_text village_text text mark
        noise near …`` (:class:`geodata.address.words.TokenKind` in small letters).
    role
        What it is in an address, :data:`ROLES`; empty for words and marks.
    folded
        The text as it is compared: half width, simplified.
    name
        Number of the name in the lexicon, -1 where it is none.
    number, last, variant, unit
        Of numbers only: 13-15号 has number 13, last 15, unit ``house``; 甲17号 has variant 甲.
    """

    text: str
    start: int
    end: int
    kind: str
    folded: str
    role: str = ""
    name: int = -1
    number: int | None = None
    last: int | None = None
    variant: str = ""
    unit: str = ""


def parse_address(text: str, *, lexicon: Lexicon | None = None) -> tuple[Part, ...]:
    """Return the parts of an address in their order.

    Parameters
    ----------
    text
        Any text; of one longer than 1,000 characters nothing is read.
    lexicon
        Names to look for, as a gazetteer holds them; without one the parts are found by their form alone.

    Examples
    --------
    >>> [(p.text, p.kind) for p in parse_address("东花市街道花市枣苑甲3号附近")]
    [('东花市街道', 'street_text'), ('花市枣苑', 'way'), ('甲3号', 'number'), ('附近', 'near')]
    """
    folded, positions = fold_with_positions(text)
    if not folded or len(folded) > LONGEST_TEXT:
        return ()
    lexicon = lexicon or _get_plain_lexicon()
    tokens = parse_text(lexicon, encode_names([folded])[0])
    ends = np.append(positions, len(text))
    parts = []
    for k in range(int(tokens.size[0])):
        start, end = int(tokens.start[0, k]), int(tokens.end[0, k])
        first, last = int(positions[start]), int(ends[end - 1]) + 1
        kind = TokenKind(int(tokens.kind[0, k]))
        part = Part(
            text=text[first:last],
            start=first,
            end=last,
            kind=kind.name.lower(),
            folded=folded[start:end],
            role=_find_role(lexicon, kind, folded[start:end], int(tokens.ident[0, k])),
            name=int(tokens.ident[0, k]) if kind is TokenKind.NAME else -1,
        )
        parts.append(_add_number(part, tokens, k) if kind is TokenKind.NUMBER else part)
    return tuple(parts)


def _find_role(lexicon: Lexicon, kind: TokenKind, folded: str, ident: int) -> str:
    """Return what a part is in an address; ``ident`` is the unit of a number."""
    if kind is TokenKind.NUMBER:
        return _ROLE_OF_UNIT.get(NumberUnit(ident), "")
    if kind in (TokenKind.WAY, TokenKind.TEXT) and len(folded) > 1:
        return "road" if _find_role_by_ending(folded) == "road" else "place"
    if kind is not TokenKind.NAME:
        return _ROLE_OF_KIND.get(kind, "")
    role = _find_role_by_ending(folded)
    if role:
        return role
    # A bare name is short for what the lexicon knows by its full name: 余杭.
    for role, endings in _ENDINGS.items():
        for ending in endings if role != "road" else ():
            if find_name(lexicon.trie, encode_names([folded + ending])[0]) >= 0:
                return role
    return "place"


def _find_role_by_ending(name: str) -> str:
    if name.endswith(_NO_ENDINGS):
        return ""
    fits = (role for role, endings in _ENDINGS.items() if name.endswith(endings))
    return next(fits, "")


@lru_cache(maxsize=1)
def _get_plain_lexicon() -> Lexicon:
    """Return the lexicon of the parser's own words."""
    return make_lexicon([])[0]


def _add_number(part: Part, tokens: object, k: int) -> Part:
    """Return a number part with what it counts."""
    value, last, variant, unit = (
        int(getattr(tokens, field)[0, k]) for field in ("value", "last", "variant", "ident")
    )
    return replace(
        part,
        number=value,
        last=last,
        variant=VARIANT_LETTERS[variant - 1] if variant else "",
        unit=NumberUnit(unit).name.lower(),
    )
