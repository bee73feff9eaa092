"""``gridgov webhook``: entered, listed, stopped, replayed; a dry run changes nothing."""

import json

import pytest

from tests.databases import make_sqlite


@pytest.fixture
def database(seeded_template, tmp_path, monkeypatch):
    url = make_sqlite(seeded_template, tmp_path)
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", str(url))


@pytest.mark.usefixtures("database")
def test_a_webhook_from_its_entry_to_its_end(gridgov):
    assert gridgov("webhook", "add", "https://host.example/x", "--dry-run")[0] == 0
    assert gridgov("webhook", "list", "--json")[1] == ""
    assert (
        gridgov("webhook", "add", "https://host.example/x", "--unit", "110101001")[1]
        == "webhook 1\n"
    )
    (line,) = gridgov("webhook", "list", "--json")[1].splitlines()
    told = json.loads(line)
    assert (told["unit_code"], told["topic"], told["active"]) == ("110101001", "*", True)
    assert gridgov("webhook", "replay", "1", "--since", "2024-01-01")[1] == "0 messages\n"
    assert gridgov("webhook", "stop", "1")[0] == 0
    assert "(stopped)" in gridgov("webhook", "list")[1]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "ftp://host/x"), "expected an http or https address"),
        (("add", "https://host/x", "--unit", "nobody"), "none of the city's"),
        (("stop", "7"), "webhook"),
        (("replay", "7", "--since", "2024-01-01"), "webhook"),
        (("replay", "7", "--since", "soon"), "soon"),
    ],
)
def test_what_cannot_be_meant_is_wrong_input(gridgov, words, told):
    code, _, err = gridgov("webhook", *words)
    assert code == 2
    assert told in err
