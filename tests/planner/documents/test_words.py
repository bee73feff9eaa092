"""Both languages say the same things: the same texts, with the same places to fill."""

import json
import re
from datetime import date
from importlib import resources

import pytest

from gridgov.rules.constants import make_constants
from planner.documents import make_report, pages, words
from planner.documents.make_report import load_report_words
from planner.documents.words import load_document_words, say_day, say_ordinal
from planner.plans.make import USED
from planner.plans.plan_text import load_words, speaking

CHINESE = re.compile("[\u4e00-\u9fff]")
ELSEWHERE = {"/section", "/day"}
"""An English section names its chapter, an English day its month."""


def flatten(table, path=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}", value


def find_places(text):
    return set(re.findall(r"\{(\w*)", text)) if isinstance(text, str) else set()


@pytest.mark.parametrize("load", [load_words, load_document_words, load_report_words])
def test_both_languages_have_the_same_texts_with_the_same_places(load):
    with speaking("zh-CN"):
        chinese = dict(flatten(load()))
    with speaking("en"):
        english = dict(flatten(load()))

    assert set(chinese) == set(english)
    for key, text in english.items():
        assert not CHINESE.search(str(text)), key
        if key not in ELSEWHERE:
            assert find_places(text) == find_places(chinese[key]), key
        if isinstance(text, list):
            assert len(text) == len(chinese[key]), key


def test_every_text_of_the_pages_of_a_run_has_english():
    used = set()
    folder = resources.files("planner.documents").joinpath("templates")
    for name in ("base.html", "index.html", "map.html", "parts.html", "plan.html"):
        source = re.sub(r"\{#.*?#\}", "", folder.joinpath(name).read_text("utf-8"), flags=re.DOTALL)
        found = re.findall(r"""(?:"([^"]+)"|'([^']+)')\|t\b""", source)
        used |= {one or other for one, other in found}
        bare = re.sub(r"""(?:"[^"]+"|'[^']+')\|t\b""", "", source)
        assert not CHINESE.search(bare), name

    assert used == set(pages.load_page_words())
    for text, english in pages.load_page_words().items():
        assert find_places(text) == find_places(english)
        assert not CHINESE.search(english)


def test_days_and_numbers_of_headings():
    assert [say_ordinal(n) for n in (1, 10, 11, 20, 35)] == ["一", "十", "十一", "二十", "三十五"]
    with speaking("en"):
        assert say_day(date(2026, 11, 30)) == "30 November 2026"
        assert say_ordinal(35) == "35"
    assert say_day(date(2026, 11, 30)) == "2026年11月30日"


def test_the_language_ends_with_its_block():
    with speaking("en"), speaking("zh-CN"):
        assert words.get_language() == "zh-CN"
    assert make_report.get_language() == "zh-CN"
    assert json.dumps(load_words()["roles"], ensure_ascii=False).count("主责") == 1


def test_every_assumed_constant_of_plans_has_words():
    used = {one.name for one in make_constants().assumed() if one.name.startswith(USED)}
    with speaking("zh-CN"):
        assert used <= set(load_document_words()["constants"])


@pytest.mark.parametrize(
    ("p", "text"), [(2e-9, "< 0.0001"), (0.0123, "= 0.0123"), (1.0, "= 1.0000")]
)
def test_a_probability_in_a_sentence_has_one_sign(p, text):
    assert words.say_p(p) == text
