"""What messages say: one table of texts, ``data/message_texts.csv``, filled with the facts of an event."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, kw_only=True)
class MessageText:
    """A message for people: `subject` on one line, and `text`."""

    subject: str
    text: str


@cache
def load_texts() -> dict[tuple[str, str], MessageText]:
    """Return the table as (topic, language) → text with gaps."""
    text = resources.files("gridgov.rules").joinpath("data/message_texts.csv").read_text("utf-8")
    return {
        (row["topic"], row["language"]): MessageText(subject=row["subject"], text=row["text"])
        for row in csv.DictReader(text.splitlines())
    }


def make_text(topic: str, facts: Mapping[str, object], language: Language) -> MessageText:
    """Return the message of a topic.

    Raises
    ------
    KeyError
        There is no such topic, or a fact is missing that its text names.

    Examples
    --------
    >>> make_text("overdue", {"order_no": "1", "by": "noon", "unit": "u"}, "en").subject
    'Order 1: overdue'
    """
    found = load_texts()[topic, language]
    return MessageText(
        subject=found.subject.format_map(dict(facts)), text=found.text.format_map(dict(facts))
    )
