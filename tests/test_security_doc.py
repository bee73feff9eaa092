"""The document of threats names tests that exist, one for each row."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = [
    line
    for line in (ROOT / "docs/security.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| threat")
]


def test_every_threat_names_a_test_that_exists():
    assert len(ROWS) > 25
    for row in ROWS:
        assert row.count("|") == 4, row
        found = TEST.findall(row.rsplit("|", 2)[1])
        assert len(found) == 1, row
        file, name = found[0]
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), (file, name)


def test_no_test_stands_for_two_threats():
    names = [name for row in ROWS for _, name in TEST.findall(row)]
    assert len(names) == len(set(names))
