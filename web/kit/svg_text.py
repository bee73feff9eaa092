"""Text in pictures: how wide it is and where its lines break, without a browser to ask."""

import unicodedata

WIDE_EM = 1.0
"""Width of a Chinese character, in font sizes."""
NARROW_EM = 0.56
"""Mean width of a Latin letter or figure in the system fonts, in font sizes."""
ELLIPSIS = "…"


def measure_em(text: str) -> float:
    """Return the width of a text in font sizes, by the East Asian width of its characters.

    Examples
    --------
    >>> round(measure_em("水务局a"), 2)
    3.56
    """
    return sum(_measure_one(letter) for letter in text)


def _measure_one(letter: str) -> float:
    wide = unicodedata.east_asian_width(letter) in {"W", "F", "A"}
    return WIDE_EM if wide else NARROW_EM


def wrap_text(text: str, *, width_em: float, lines: int) -> tuple[str, ...]:
    """Return a text in at most `lines` lines of at most `width_em`; what does not fit ends in an ellipsis.

    Chinese breaks anywhere, Latin words break at spaces where there is one.

    Examples
    --------
    >>> wrap_text("组织产权单位修复路面", width_em=6, lines=2)
    ('组织产权单位', '修复路面')
    >>> wrap_text("组织产权单位修复路面并清运", width_em=6, lines=2)
    ('组织产权单位', '修复路面并…')
    """
    found: list[str] = []
    rest = text.strip()
    while rest and len(found) < lines:
        cut = _find_break(rest, width_em)
        found.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest and found:
        found[-1] = _shorten(found[-1], width_em)
    return tuple(found)


def _find_break(text: str, width_em: float) -> int:
    """Return how many characters the first line takes; at least one, so that it always ends."""
    used = 0.0
    for place, letter in enumerate(text):
        used += _measure_one(letter)
        if used > width_em:
            space = text.rfind(" ", 1, place + 1)
            inside = place > 0 and letter.isascii() and text[place - 1].isascii()
            return space if space > 0 and inside else max(place, 1)
    return len(text)


def _shorten(line: str, width_em: float) -> str:
    """Return the line with an ellipsis inside the width."""
    while line and measure_em(line) + WIDE_EM > width_em:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS
