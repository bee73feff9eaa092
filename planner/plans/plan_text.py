"""The words and sentence patterns of plans: data, one table a language; which one speaks is chosen once for a plan."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any

CHINESE = "zh-CN"
_LANGUAGE: ContextVar[str] = ContextVar("language of plans", default=CHINESE)
"""A sentence is said in dozens of places; a parameter through all of them would carry the same word everywhere."""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say the sentences of plans and documents inside in a language: Chinese, or for every other one English."""
    token = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def get_language() -> str:
    """Return the language that is spoken."""
    return _LANGUAGE.get()


def find_table(stem: str, language: str) -> str:
    """Return the name of the table of words in a language."""
    return f"{stem}.json" if language.startswith("zh") else f"{stem}_en.json"


def load_words() -> dict[str, Any]:
    """Return the table of the language that is spoken: ``planner/plans/plan_text.json`` or ``plan_text_en.json``."""
    return _load(find_table("plan_text", get_language()))


@cache
def _load(name: str) -> dict[str, Any]:
    words: dict[str, Any] = json.loads(
        resources.files("planner.plans").joinpath(name).read_text("utf-8")
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
