"""The parts of a Chinese address as people speak and write it, with their places in the text.

The same compiled parser reads single texts here and whole columns in the geocoder. Nothing is lost: the
parts, and the characters between them that say nothing (spaces, quotes), make up the text.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from geodata.address.folding import LONGEST_TEXT, fold_with_positions
from geodata.address.lexicon import encode_names, make_lexicon
from geodata.address.numbers import VARIANT_LETTERS
from geodata.address.parse import Lexicon, parse_text
from geodata.address.words import NumberUnit, TokenKind


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
        What it is: ``name number way street_text community_text text mark noise near …``
        (:class:`geodata.address.words.TokenKind` in small letters).
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
    tokens = parse_text(lexicon or _get_plain_lexicon(), encode_names([folded])[0])
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
            name=int(tokens.ident[0, k]) if kind is TokenKind.NAME else -1,
        )
        parts.append(_add_number(part, tokens, k) if kind is TokenKind.NUMBER else part)
    return tuple(parts)


@lru_cache(maxsize=1)
def _get_plain_lexicon() -> Lexicon:
    """Return the lexicon of the parser's own words."""
    return make_lexicon([])[0]


def _add_number(part: Part, tokens: object, k: int) -> Part:
    """Return a number part with what it counts."""
    value, last, variant, unit = (
        int(getattr(tokens, field)[0, k]) for field in ("value", "last", "variant", "ident")
    )
    return Part(
        text=part.text,
        start=part.start,
        end=part.end,
        kind=part.kind,
        folded=part.folded,
        number=value,
        last=last,
        variant=VARIANT_LETTERS[variant - 1] if variant else "",
        unit=NumberUnit(unit).name.lower(),
    )
