"""Items and streets by code, name or part of a name; what is not found gets the nearest names."""

from collections.abc import Mapping
from difflib import SequenceMatcher

from gridgov.errors import UnknownEntryError
from gridgov.rules.duties.graph import DutyGraph, DutyItem, Unit

NEAREST_SHOWN = 5
LONGEST_ASKED = 60
"""Characters compared: comparing is quadratic, and no name is longer."""


def find_item(graph: DutyGraph, text: str) -> DutyItem:
    """Return the item with this code, or of the lowest level by its name or a part that only one has.

    Raises
    ------
    UnknownEntryError
        Nothing fits, or several do.
    """
    lowest = {
        code: item.name for code, item in graph.items.items() if item.level in {"3", "3.0", ""}
    }
    known = lowest or {code: item.name for code, item in graph.items.items()}
    return graph.items[find_code(text, known, what="item")]


def find_street(graph: DutyGraph, text: str) -> Unit:
    """Return the street's unit by street code, unit code, name, or part of a name.

    Raises
    ------
    UnknownEntryError
        Nothing fits on the graph's day, or several do.
    """
    unit = graph.areas.get(("street", text.strip()))
    if unit:
        return graph.units[unit]
    names = {code: unit.name for code, unit in graph.units.items() if unit.kind == "street"}
    return graph.units[find_code(text, names, what="street")]


def find_code(text: str, names: Mapping[str, str], *, what: str) -> str:
    """Return the code that `text` is, or whose name it is, or part of whose name only this one has.

    Parameters
    ----------
    text
        What a person asked for.
    names
        Code → name.
    what
        What is looked for, for the message.

    Raises
    ------
    UnknownEntryError
        Nothing fits, or several do.
    """
    asked = text.strip()
    if asked in names:
        return asked
    exact = [code for code, name in names.items() if name == asked]
    partly = [code for code, name in names.items() if asked and asked in name]
    for fitting in (exact, partly):
        if len(fitting) == 1:
            return fitting[0]
    several = exact or partly
    found = f"fits {len(several)} names" if several else "no such code or name"
    shown = several[:NEAREST_SHOWN] or find_nearest(asked, names)
    raise UnknownEntryError(
        what, asked[:LONGEST_ASKED], tuple(f"{code} {names[code]}" for code in shown), found=found
    )


def find_nearest(asked: str, names: Mapping[str, str], limit: int = NEAREST_SHOWN) -> list[str]:
    """Return the codes whose code or name is most like `asked`, best first; what shares nothing is left out."""
    short = asked[:LONGEST_ASKED]
    matcher = SequenceMatcher(b=short, autojunk=False)
    scores = {}
    for code, name in names.items():
        likeness = 0.0
        for text in (code, name):
            matcher.set_seq1(text)
            likeness = max(likeness, matcher.ratio())
        scores[code] = likeness
    ranked = sorted(scores, key=lambda code: (-scores[code], code))
    return [code for code in ranked[:limit] if scores[code] > 0]
