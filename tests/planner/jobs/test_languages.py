"""A city whose first language is English gets English plans; what its files say stays as it is."""

import re
from dataclasses import fields, is_dataclass, replace

import pytest

from planner.documents.make_document import make_document
from planner.documents.page import render_page
from planner.documents.pdf import make_pdf
from planner.documents.workbook import make_workbook
from planner.jobs.desk import make_plans
from planner.plans.plan_text import get_language
from tests.planner.conftest import END
from tests.planner.documents.pictures import draw_pages, find_faults

CHINESE = re.compile("[\u4e00-\u9fff]+")


def find_texts(value):
    """Return every text inside a value."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from find_texts(getattr(value, field.name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from find_texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from find_texts(one)


@pytest.fixture(scope="module")
def english(small_city, small_orders):
    """The plans of the small city in English, and every Chinese word that its own files hold."""
    settings = replace(small_city.settings, languages=("en",))
    city = replace(small_city, settings=settings)
    made = make_plans(city, small_orders, as_of=END.to_pydatetime())
    assert get_language() == "zh-CN"
    said = [small_city.name, *small_city.names.values(), *small_city.units["name"].astype(str)]
    for table in (*small_city.tables.values(), small_city.catalogue.items):
        for name in table.columns:
            said += [str(one) for one in table[name].dropna().unique()]
    for name in ("text", "address", "matched"):
        said += [str(one) for one in small_orders.get(name, ())]
    known = {word for text in said for word in CHINESE.findall(text)}
    return made, known


def test_nothing_chinese_is_added(english):
    made, known = english
    longest = "".join(sorted(known, key=len))
    assert made.plans
    for plan in made.plans:
        document = make_document(plan)
        assert document.language == "en"
        for text in find_texts(document):
            for word in CHINESE.findall(text):
                assert word in longest or any(word in one for one in known), text
        assert '<article class="document" lang="en">' in render_page(document)


def test_chapters_are_numbered_in_english(english):
    plan = max(english[0].plans, key=lambda one: len(one.tasks))
    page = render_page(make_document(plan))

    assert "1. Diagnosis" in page
    assert "1.1 Overview" in page
    assert "Table 1. " in page
    assert plan.city["name"] not in {"", None}


def test_pages_look_right(english):
    plan = max(english[0].plans, key=lambda one: len(one.tasks))

    assert find_faults(draw_pages(make_pdf(make_document(plan)))) == []
    assert make_workbook(plan) == make_workbook(plan)
