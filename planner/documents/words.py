"""Words of documents, one table a language, and how numbers, shares and days are written in them."""

import json
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from gridgov.rules.indicators import get_indicator
from planner.plans.plan_text import find_table, get_language


def load_document_words(language: str | None = None) -> dict[str, Any]:
    """Return the words of documents: ``planner/documents/document_text.json``, or those of another language.

    Parameters
    ----------
    language
        None: the one that is spoken (:func:`planner.plans.plan_text.speaking`).
    """
    return _load(find_table("document_text", language or get_language()))


@cache
def _load(name: str) -> dict[str, Any]:
    text = resources.files("planner.documents").joinpath(name).read_text("utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


def say_name(key: str) -> str:
    """Return the name of a figure as the dictionary has it, in the language that is spoken."""
    return get_indicator(key).name.say(get_language())


def say_number(value: float | None, digits: int = 0) -> str:
    """Return a number with separated thousands, a dash where there is none."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return str(load_document_words()["dash"])
    return f"{value:,.{digits}f}"


def say_share(value: float | None, digits: int = 1) -> str:
    """Return a share (0-1) in per cent, a dash where there is none."""
    return str(load_document_words()["dash"]) if value is None else f"{100 * value:.{digits}f}%"


def say_q(q: float | None) -> str:
    """Return a probability as people read it."""
    if q is None:
        return str(load_document_words()["dash"])
    return "<0.0001" if q < 1e-4 else f"{q:.4f}"


def say_p(p: float | None) -> str:
    """Return what follows the letter p in a sentence: its sign and the probability."""
    said = say_q(p)
    return said.replace("<", "< ") if said.startswith("<") else f"= {said}"


def say_day(day: date) -> str:
    """Return a day as documents write it: 2026年11月30日."""
    words = load_document_words()
    said: str = words["day"].format(
        year=day.year, month=day.month, day=day.day, month_name=words["month_names"][day.month - 1]
    )
    return said


def say_ordinal(number: int) -> str:
    """Return a number from 1 to 99 as headings write it: 十二 in Chinese, else 12."""
    if not get_language().startswith("zh"):
        return str(number)
    numbers = load_document_words()["numbers"]
    ten, one = divmod(number, 10)
    tens = "" if ten == 0 else "十" if ten == 1 else f"{numbers[ten - 1]}十"
    return f"{tens}{numbers[one - 1] if one else ''}"
