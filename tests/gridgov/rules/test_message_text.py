"""Every message has a text in every language, with the same facts in it."""

import string

import pytest

from gridgov.rules.message_text import MessageText, load_texts, make_text

TOPICS = sorted({topic for topic, _ in load_texts()})


def find_gaps(text: MessageText) -> set[str]:
    parts = string.Formatter().parse(text.subject + text.text)
    return {name for _, name, _, _ in parts if name}


@pytest.mark.parametrize("topic", TOPICS)
def test_both_languages_say_the_same_facts(topic: str) -> None:
    chinese, english = (load_texts()[topic, language] for language in ("zh", "en"))
    assert find_gaps(chinese) == find_gaps(english)
    assert chinese.subject != english.subject


def test_a_text_is_filled_in_its_language() -> None:
    facts = {"order_no": "A1", "action": "accept", "state": "handling"}
    assert make_text("handled", facts, "en").text == 'Order A1 is now "handling".'
    assert make_text("handled", facts, "zh").text == "工单 A1 现为“handling”"
