"""The Chinese words and sentence patterns of plans: data, in one table."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def load_words() -> dict[str, Any]:
    """Return the table ``planner/plans/plan_text.json``."""
    words: dict[str, Any] = json.loads(
        resources.files("planner.plans").joinpath("plan_text.json").read_text("utf-8")
    )
    return words


def say(section: str, key: str, **values: object) -> str:
    """Return a sentence of the table with its places filled.

    Raises
    ------
    KeyError
        The table has no such sentence, or the sentence names a value that is not given.
    """
    return str(load_words()[section][key]).format(**values)
