"""Languages: Chinese texts stand in the templates and are the keys of the English ones in ``web/translations``.

Texts used from Python code have dotted keys (``error.conflict.title``), translated in both languages. The ``.po``
files are read when the application starts, so there is nothing to compile and nothing older than its source.
"""

import io
import re
from functools import cache
from pathlib import Path
from typing import cast

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, request
from flask_babel import Babel, get_babel
from markupsafe import Markup, escape

from gridgov.rules.indicators import get_indicator, say_figure
from gridgov.rules.order_labels import Kind, get_label

FOLDER = Path(__file__).parent.parent / "translations"
LANGUAGES = {"zh_CN": "中文", "en": "English"}
DEFAULT = "zh_CN"
TAGS = {"zh_CN": "zh-CN", "en": "en"}
"""Language → what HTML calls it."""
DOTTED_KEY = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
"""How code names a text, such as ``error.conflict.title``."""


def set_up(app: Flask) -> None:
    """Give `app` its languages."""
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT
    Babel(app, locale_selector=find_language)
    with app.app_context():
        domain = get_babel().instance.domain_instance
        for language in LANGUAGES:
            name = str(Locale.parse(language))  # zh_CN is zh_Hans_CN there
            domain.cache[name, domain.domain[0]] = load_translations(language)
    # A page says hundreds of words: the texts are looked up once a request, not once a word.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the i18n extension of Jinja
        lambda text: get_texts().ugettext(text),
        lambda one, many, n: get_texts().ungettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.globals.update(
        languages=LANGUAGES,
        html_language=lambda: TAGS[find_language()],
        indicator_name=lambda key: get_indicator(key).name.say(TAGS[find_language()]),
        say_figure=say_figure,
        label=label,
        say_constant=say_constant,
    )
    app.jinja_env.filters["begun"] = begin


def get_texts() -> Translations:
    """Return the texts of this request's language."""
    if "texts" not in g:
        g.texts = load_translations(find_language())
    return cast("Translations", g.texts)


def find_language() -> str:
    """Return the language of this request: the address says it, else the account, else the browser."""
    asked = request.args.get("lang", "") if request else ""
    if asked in LANGUAGES:
        return asked
    visitor = g.get("visitor")
    if visitor is not None and visitor.language in LANGUAGES:
        return cast("str", visitor.language)
    known = {tag.lower(): language for language, tag in TAGS.items()} | {"zh": "zh_CN"}
    best = request.accept_languages.best_match(list(known)) if request else None
    return known.get(best or "", DEFAULT)


def read_catalogue(language: str) -> Catalog:
    """Return all texts of a language, from every ``.po`` file of its folder.

    Raises
    ------
    ValueError
        Two files translate the same text differently.
    """
    whole = Catalog(locale=language)
    for file in sorted((FOLDER / language).glob("*.po")):
        with file.open("rb") as stream:
            part = read_po(stream, locale=language, abort_invalid=True)
        for message in part:
            if not message.id:
                continue
            known = whole.get(message.id)
            if known is not None and known.string != message.string:
                raise ValueError(f"{file}: {message.id!r} has another translation in another file")
            whole.add(message.id, message.string)
    return whole


def read_template(file: Path) -> Catalog:
    """Return the texts that the pages use, as ``pybabel extract`` wrote them (see ``script/strings``)."""
    with file.open("rb") as stream:
        return read_po(stream, abort_invalid=True)


def find_missing(used: Catalog, language: str) -> list[Message]:
    """Return the used texts that a language lacks: Chinese lacks only dotted keys, since other texts are Chinese."""
    known = read_catalogue(language)
    missing = []
    for message in used:
        text = message.id if isinstance(message.id, str) else message.id[0]
        if not text or (language == DEFAULT and not DOTTED_KEY.fullmatch(text)):
            continue
        translation = known.get(text)
        if translation is None or not translation.string or translation.fuzzy:
            missing.append(message)
    return missing


@cache
def load_translations(language: str) -> Translations:
    """Return the texts of a language as gettext wants them."""
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(language))
    compiled.seek(0)
    return Translations(fp=compiled)


def label(kind: Kind, code: str | None) -> str:
    """Return how people read a code of orders, in the language of the request."""
    if not code:
        return ""
    return get_label(kind, code, language="en" if find_language() == "en" else "zh")


def begin(text: str) -> str:
    """Return a text with a capital: a label that stands alone on a button or at the beginning of a line."""
    return text[:1].upper() + text[1:]


def say_constant(name: str, source: str) -> Markup:
    """Return what a constant means in the language of the request; `source`, English, where there is no translation."""
    key = f"constant.{name}"
    said = get_texts().ugettext(key)
    if said != key:
        return escape(said)
    return Markup('<span lang="en">{}</span>').format(source)
