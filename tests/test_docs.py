"""What the documents name exists: paths, names inside files, commands."""

import re
from pathlib import Path

import pytest

from web.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = "benchmarks|docs|geodata|gridgov|migrations|planner|script|tests|web"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w./-]+)(?:::(\w+))?`")
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    # The changelog and what was measured speak of the past.
    if path.name not in {"CHANGELOG.md", "figures.md"}
)


def find_named(document: str) -> list[tuple[str, str]]:
    """Return the paths that a document names, each with the name inside the file, if any."""
    return NAMED.findall((ROOT / document).read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document):
    missing = [path for path, _ in find_named(document) if not (ROOT / path).exists()]
    assert not missing, f"{document} names what does not exist"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_name_that_a_document_gives_stands_in_its_file(document):
    for path, name in find_named(document):
        if not name:
            continue
        defined = re.compile(
            rf"^\s*(?:async )?(?:def|class) {name}\b|^\s*{name}\b\s*[:=]", re.MULTILINE
        )
        target = ROOT / path
        text = target.read_text("utf-8") if target.is_file() else ""
        assert defined.search(text), f"{document}: {path} defines no {name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document):
    folder = (ROOT / document).parent
    for target in LINK.findall((ROOT / document).read_text("utf-8")):
        assert (folder / target).exists(), f"{document} links to {target}"


def test_the_documents_for_developers_answer_what_is_asked_most():
    told = (ROOT / "docs/develop/README.md").read_text("utf-8")
    for asked in ("飞地", "30 minutes", "phone number", "exclusion 剔除", "hotspot's p"):
        row = next(line for line in told.splitlines() if asked in line)
        assert NAMED.search(row), f"no file is named for {asked}"
    assert len(find_named("docs/develop/README.md")) > 60


def test_the_table_of_commands_names_every_command():
    told = (ROOT / "README.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"`gridgov {command}" in told, f"README.md says nothing of gridgov {command}"
