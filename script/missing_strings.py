"""Prints the texts of a template of translations (.pot) that a language lacks; ends with 1 if there are any."""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from web.kit.i18n import LANGUAGES, find_missing, read_template


def main(template: Path) -> int:
    """Print what is missing in the form of ``.po`` files."""
    used = read_template(template)
    count = 0
    for language in LANGUAGES:
        lacking = Catalog(locale=language)
        for message in find_missing(used, language):
            lacking.add(message.id, locations=message.locations)
            count += 1
        if len(lacking):
            print(f"# --- {language} ---")
            sys.stdout.flush()
            write_po(sys.stdout.buffer, lacking, omit_header=True)
    print(f"{len(used)} texts, {count} translations missing", file=sys.stderr)
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
