"""[documents] of a pack: the form of what a city signs."""

import pytest
from click.testing import CliRunner

from gridgov.pack.city import check_city, load_city
from planner.documents.typst_files import load_fonts
from tests.gridgov.packs import write_pack
from web.cli.check import check


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))


def write_documents(folder, text):
    """Write a pack whose settings end with a section [documents]."""
    pack = write_pack(folder)
    file = pack / "city.toml"
    file.write_text(file.read_text("utf-8") + f"\n[documents]\n{text}\n", encoding="utf-8")
    return pack


def test_a_city_without_documents_of_its_own(tmp_path):
    documents = load_city(write_pack(tmp_path / "pack")).settings.documents

    assert (documents.template, documents.fonts, documents.issuer) == (None, None, "")


def test_template_fonts_and_issuer(tmp_path):
    pack = write_documents(
        tmp_path / "pack",
        'template = "form.docx"\nfonts = "fonts"\nissuer = "{street}办事处"',
    )
    (pack / "form.docx").write_bytes(b"PK")
    (pack / "fonts").mkdir()

    documents = load_city(pack).settings.documents

    assert documents.template == pack / "form.docx"
    assert documents.fonts == pack / "fonts"
    assert documents.issuer == "{street}办事处"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('template = "form.docx"', "names a file that does not exist"),
        ('fonts = "fonts"', "names a folder that does not exist"),
        ('issuer = "{mayor}"', "names a field that is not known"),
        ('issuer = "{street"', "names a field that is not known"),
        ('tempalte = "form.docx"', "tempalte"),
    ],
)
def test_what_is_wrong(tmp_path, text, words):
    _, problems = check_city(write_documents(tmp_path / "pack", text))

    assert any("documents" in str(one) and words in str(one) for one in problems)


def test_check_names_a_broken_template_and_missing_faces(tmp_path):
    pack = write_documents(tmp_path / "pack", 'template = "form.docx"')
    (pack / "form.docx").write_bytes(b"PK broken")

    told = CliRunner().invoke(check, [str(pack), "--quick"]).output

    assert "documents.template" in told
    assert "no DOCX file" in told
    assert ("documents.fonts" in told) == bool(load_fonts().missing)
