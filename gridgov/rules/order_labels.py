"""Chinese and English words for the codes of orders, rates and classes: one table, ``data/order_labels.csv``."""

import csv
from functools import cache
from importlib import resources
from typing import Literal

Kind = Literal[
    "state",
    "action",
    "role",
    "relation",
    "need",
    "exclusion_reason",
    "suspension_reason",
    "class",
    "outcome",
    "group",
    "rule",
    "flag",
    "report",
]
Language = Literal["zh", "en"]


@cache
def load_labels() -> dict[tuple[str, str, str], str]:
    """Return the table as (kind, code, language) → word."""
    text = resources.files("gridgov.rules").joinpath("data/order_labels.csv").read_text("utf-8")
    return {
        (row["kind"], row["code"], language): row[language]
        for row in csv.DictReader(text.splitlines())
        for language in ("zh", "en")
    }


def get_label(kind: Kind, code: str, *, language: Language = "zh") -> str:
    """Return how a person reads `code`; a code that a city has added is its own word.

    Examples
    --------
    >>> get_label("state", "suspended", language="en")
    'suspended'
    """
    return load_labels().get((kind, code, language), code)
