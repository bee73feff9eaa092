"""Every figure has one definition: reports, plans, documents and pages take name, unit and way of counting here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

Form = Literal["count", "share", "change", "rate", "rank", "number"]
"""How a value is written: whole number, share (0–1) in per cent, change in per cent with its sign, rate with two
digits, rank, number with one digit."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str

    def say(self, language: str) -> str:
        """Return the text in a language; everything that is not Chinese reads English."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """A figure and its one definition (指标口径).

    Parameters
    ----------
    key
        Name in JSON and in code.
    form
        How its value is written.
    name, unit, counted, source
        What it is called, in what it is counted, how, and from where.
    """

    key: str
    form: Form
    name: Words
    unit: Words
    counted: Words
    source: Words


@cache
def load_indicators() -> Mapping[str, Indicator]:
    """Return all definitions by key, in the order of the dictionary."""
    text = (
        resources.files("gridgov.rules.indicators").joinpath("dictionary.json").read_text("utf-8")
    )
    return MappingProxyType(
        {
            key: Indicator(
                key=key,
                form=row["form"],
                **{
                    name: Words(zh=row[name][0], en=row[name][1])
                    for name in ("name", "unit", "counted", "source")
                },
            )
            for key, row in json.loads(text).items()
        }
    )


def get_indicator(key: str) -> Indicator:
    """Return the definition of a figure.

    Raises
    ------
    KeyError
        A figure without a definition: a fault of the program.
    """
    return load_indicators()[key]


def say_figure(key: str, value: float | None) -> str:
    """Return the value of a figure as text in the form of its definition, empty where there is none."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    match get_indicator(key).form:
        case "share":
            return f"{100 * value:.1f}%"
        case "change":
            return f"{100 * value:+.1f}%"
        case "rate":
            return f"{value:,.2f}"
        case "number":
            return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
        case _:
            return f"{value:,.0f}"


FEWEST_BEFORE = 10
"""From fewer appeals no change is stated. Assumed."""


def find_change(n: int, before: int) -> float | None:
    """Return by what share a count differs from the one before, None from too few."""
    return n / before - 1 if before >= FEWEST_BEFORE else None
