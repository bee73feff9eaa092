"""Sentences that say why an order went where it went, for the people who get it: ``data/dispatch_texts.csv``."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from gridgov.rules.catalogue import Item
from gridgov.rules.constants import STATUS_TEXT
from gridgov.rules.dispatch.deadlines import GradeLimit, Limit
from gridgov.rules.dispatch.routes import Rule
from gridgov.rules.order_labels import Language

BOUNDARY_CAP_M = 200
"""Distances to the boundary are exact up to here; beyond it the sentence says 'more than'."""

Texts = Mapping[str, str]
"""Key of a sentence → its words in one language, with names in braces for what is filled in."""


@cache
def load_texts(language: Language) -> Texts:
    """Return the sentences of dispatch in a language by key."""
    text = resources.files("gridgov.rules").joinpath("data/dispatch_texts.csv").read_text("utf-8")
    return {row["key"]: row[language] for row in csv.DictReader(text.splitlines())}


def say_limit(limit: Limit, texts: Texts) -> str:
    """Return a limit as people say it: ``24 小时``."""
    unit = texts[f"unit_{limit.unit}"]
    return texts["limit"].format(amount=f"{limit.amount:g}", unit=unit)


def say_grade(grade: GradeLimit, language: Language) -> str:
    """Return the two limits of a grade, and how sure they are unless documented."""
    texts = load_texts(language)
    text = texts["grade_working" if grade.clock == "working" else "grade"].format(
        contact=say_limit(grade.contact, texts), final=say_limit(grade.final, texts)
    )
    if grade.status == "documented":
        return text
    status = STATUS_TEXT[grade.status] if language == "zh" else grade.status
    return texts["assumed"].format(text=text, status=status)


def say_distance(metres: int, texts: Texts) -> str:
    """Return how far the boundary is."""
    if metres >= BOUNDARY_CAP_M:
        return texts["far"].format(cap=BOUNDARY_CAP_M)
    return texts["near"].format(metres=metres)


def say_address(case: Mapping[str, Any], texts: Texts) -> str:
    """Return by which words of the address the place was found, empty for a point that was given."""
    radius = case.get("uncertainty_m")
    if not case.get("matched") or radius is None:
        return ""
    return texts["address"].format(matched=case["matched"], radius=round(radius))


def say_street(
    case: Mapping[str, Any], names: Mapping[str, str], texts: Texts, *, placed: bool
) -> str:
    """Return in which street the place lies and how far its boundary is.

    Nothing is said to lie in a street where the circle of what is known reaches over its boundary.
    """
    street, metres = case.get("street_code"), case.get("boundary_m")
    radius = case.get("uncertainty_m")
    if not street:
        return texts["no_street"] if placed else ""
    name = names.get(street, "")
    if metres is None:
        return texts["in_street" if radius is None else "named_street"].format(name=name, far="")
    far = say_distance(round(metres), texts)
    over = radius is not None and radius > metres
    return texts["about_street" if over else "in_street"].format(name=name, far=far)


def say_unit(rule: Rule, item: Item | None, unit: str | None, texts: Texts) -> str:
    """Return why this unit: the sentence of the rule."""
    named = texts["quoted"].format(name=item.name) if item else texts["some_item"]
    return texts[rule.reason].format(item=named, unit=texts["some_units"] if unit is None else unit)


def say_neighbour(case: Mapping[str, Any], names: Mapping[str, str], texts: Texts) -> str:
    """Return which other street it may be."""
    other = names.get(case.get("neighbour_code") or "")
    return texts["either" if other else "only"].format(
        first=names.get(case.get("street_code") or "", ""),
        second=other,
        share=round(case["confidence"] * 100),
    )


def say_retired(unit: str | None, texts: Texts) -> str:
    """Return that the unit is not there any more."""
    return texts["retired"].format(unit=texts["some_unit"] if unit is None else unit)
