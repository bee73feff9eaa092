"""Which texts the pages use, and which of them lack a translation. ``python -m web.strings`` prints the missing ones.

A text of a template is Chinese and its own key; Python code uses dotted keys. Both need English; dotted keys need
Chinese too.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_file

from gridgov.services.outbox.deliver import APP, EMAIL, WEBHOOK
from gridgov.storage.queries.map_counts import OUTCOMES
from web.features.planning.rows import KINDS
from web.features.whistles.rows import TONES
from web.features.whistles.views import REASONS
from web.kit.errors import BROKEN, HTTP_KEYS, MEANINGS
from web.kit.i18n import LANGUAGES, read_catalogue
from web.kit.page_helpers import NAVIGATION
from web.kit.page_scope import DAYS

ROOT = Path(__file__).parent
METHODS = {".html": "jinja2", ".py": "python"}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}
CONDITIONS = {"sign_in.locked", "sign_in.over"}
"""Problems whose words stand in their template."""
KEY = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


def list_used() -> dict[str, str]:
    """Return every text that the pages use → where, the first place."""
    used: dict[str, str] = {}
    for file in sorted(ROOT.rglob("*")):
        if file.suffix not in METHODS or "static" in file.parts:
            continue
        options = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}
        for line, message, _, _ in extract_from_file(
            METHODS[file.suffix], file, keywords=KEYWORDS, options=options
        ):
            text = message[0] if isinstance(message, tuple) else message
            used.setdefault(str(text), f"{file.relative_to(ROOT)}:{line}")
    return used | dict(_list_made())


def _list_made() -> Iterator[tuple[str, str]]:
    """Give the keys that are put together when a page is made."""
    for entry in NAVIGATION:
        yield f"nav.{entry.room}", "navigation"
    keys = {meaning.key for _, meaning in MEANINGS} | set(HTTP_KEYS.values()) | {BROKEN.key}
    for key in sorted(keys):
        for part in ("title", "what", "safe", "next"):
            yield f"error.{key}.{part}", "errors"
    for key in DAYS:
        yield f"window.{key}", "windows"
    # What went wrong with a form: its key, and what to do next.
    for file in sorted(ROOT.rglob("*.py")):
        for problem in re.findall(r'problem="([a-z_]+\.[a-z_]+)"', file.read_text("utf-8")):
            if problem in CONDITIONS:
                continue
            yield problem, file.name
            yield f"{problem}.next", file.name
    yield from _list_rooms()
    for name in ("day", "hour", "minute"):
        yield f"span.{name}", "spans"


def _list_rooms() -> Iterator[tuple[str, str]]:
    """Give the keys that rooms put together from codes."""
    for kind in KINDS:
        yield f"planning.kind.{kind}", "hotspots"
    for standing in TONES:
        yield f"whistles.standing.{standing}", "whistle calls"
    for reason in REASONS:
        yield f"whistles.reason.{reason}", "whistle calls"
    for channel in (APP, EMAIL, WEBHOOK):
        yield f"outbox.channel.{channel}", "undelivered messages"
    for column in ("code", "name", "n", *OUTCOMES):
        yield f"maps.column.{column}", "export of the map"


def find_missing(language: str) -> dict[str, str]:
    """Return texts without a translation → where they are used."""
    known = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in read_catalogue(language)
        if message.id and message.string and not message.fuzzy
    }
    return {
        text: place
        for text, place in list_used().items()
        if text not in known and (language != "zh_CN" or KEY.fullmatch(text))
    }


def main() -> int:
    """Print what is missing in the form of ``.po`` files."""
    count = 0
    for language in LANGUAGES:
        for text, place in find_missing(language).items():
            count += 1
            quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            sys.stdout.write(f'# {language} {place}\nmsgid "{quoted}"\nmsgstr ""\n\n')
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main())
