"""Both languages are complete."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface

from gridgov.rules.constants import DEFAULTS
from planner.plans.make import USED
from web.features.rates.page import SHOWN_CONSTANTS
from web.kit.i18n import LANGUAGES, find_missing, read_catalogue, read_template
from web.made_texts import list_made

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Return the texts that the pages use, collected as script/strings does."""
    file = tmp_path_factory.mktemp("texts") / "texts.pot"
    mapping = WEB / "translations" / "babel.cfg"
    words = ["pybabel", "--quiet", "extract", f"--mapping-file={mapping}", f"--output-file={file}"]
    CommandLineInterface().run([*words, str(WEB)])
    return read_template(file)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(used, language):
    missing = find_missing(used, language)
    assert not missing, "script/strings prints them in the form of a .po file"


def test_what_is_missing_is_found():
    lacking = Catalog()
    lacking.add("从来没有翻译过的一句话")
    lacking.add("error.never_said.title")
    assert len(find_missing(lacking, "en")) == 2
    assert [message.id for message in find_missing(lacking, "zh_CN")] == ["error.never_said.title"]


def test_the_search_for_texts_finds_them(used):
    places = {place for place, _ in used["登录"].locations}
    assert any("templates/" in place for place in places)
    assert "error.conflict.title" in used
    assert all(key in used for key in list_made())
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
def test_every_text_of_a_template_can_be_filled_in(used, language):
    # Templates always fill in: a bare per cent sign in a translation would break its page in that language alone.
    known = {message.id: message.string for message in read_catalogue(language)}
    for message in used:
        if any("templates/" in place for place, _ in message.locations):
            text = known.get(message.id) or message.id
            assert text % Anything() is not None, message.id
