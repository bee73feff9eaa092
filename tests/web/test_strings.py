"""Both languages are complete."""

import pytest

from gridgov.rules.constants import DEFAULTS
from planner.plans.make import USED
from web.features.rates.page import SHOWN_CONSTANTS
from web.kit.i18n import LANGUAGES, read_catalogue
from web.strings import find_missing, list_used


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(language):
    missing = find_missing(language)
    assert not missing, "python -m web.strings prints them in the form of a .po file"


def test_the_search_for_texts_finds_them():
    used = list_used()
    assert "templates/" in used["登录"]
    assert "error.conflict.title" in used
    assert len(used) > 150


def test_translations_keep_their_variables():
    for message in read_catalogue("en"):
        if message.id and isinstance(message.id, str) and "%(" in message.string:
            assert not list(message.check(read_catalogue("en"))), message.id


def test_english_texts_hold_no_chinese():
    for message in read_catalogue("en"):
        if isinstance(message.string, str) and message.id:
            assert not any("\u4e00" <= sign <= "\u9fff" for sign in message.string), message.id


def test_constants_that_pages_show_are_said_in_chinese():
    said = {message.id for message in read_catalogue("zh_CN") if message.string}
    used = [name for name in DEFAULTS if name.startswith(USED)] + list(SHOWN_CONSTANTS)
    assert len(used) > 20
    assert {f"constant.{name}" for name in used} <= said
    # No text for a constant that does not exist.
    known = {f"constant.{name}" for name in DEFAULTS}
    assert {key for key in said if str(key).startswith("constant.")} <= known


class Anything(dict):
    """A value for every variable of a text."""

    def __missing__(self, key):
        return 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_template_can_be_filled_in(language):
    # Templates always fill in: a bare per cent sign in a translation would break its page in that language alone.
    known = {message.id: message.string for message in read_catalogue(language)}
    for text, place in list_used().items():
        if "templates/" in place:
            assert (known.get(text) or text) % Anything() is not None, text
