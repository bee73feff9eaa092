"""What is printed can be read and not worked: buttons, forms and navigation stay off the paper on every page."""

import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
HIDDEN = re.compile(r"([^{}]*)\{\s*display:\s*none !important;\s*\}")
GONE = {
    *("nav", "button", ".btn", "input", "select", "textarea", ".head-actions", ".row-tool"),
    *("form:not(:has(table))", "details:has(form):not(:has(table))"),
}


def find_hidden() -> set[str]:
    """Return the selectors that the frame's sheet takes off the paper."""
    sheet = re.sub(r"/\*.*?\*/", "", (WEB / "static/css/frame.css").read_text(), flags=re.DOTALL)
    printed = sheet.partition("@media print {")[2].partition("@media")[0]
    parts = (re.split(r",(?![^()]*\))", rule) for rule in HIDDEN.findall(printed))
    return {one.strip() for part in parts for one in part}


def test_paper_has_nothing_to_click_or_to_type_into():
    assert find_hidden() >= GONE


def test_every_whole_page_has_the_sheet():
    whole = [path for path in WEB.rglob("templates/**/*.html") if "<!doctype" in path.read_text()]
    assert len(whole) >= 2
    for path in whole:
        assert "css/frame.css" in path.read_text(), path
