"""``gridgov scan`` from files to clusters."""

import json

import pytest
from click.testing import CliRunner

from planner.scan import ScanError
from web.cli.main import cli

BASE = ["--start", "2024/1/1", "--end", "2024-01-20", "--unit", "day", "--replicates", "99"]


@pytest.fixture
def files(tmp_path):
    days = [f"2024/1/{day}" for day in range(1, 21)]
    cases = [
        f"P{p} {1 + 5 * (p in (3, 4) and day > 17)} {on}"
        for p in range(9)
        for day, on in enumerate(days, 1)
    ]
    (tmp_path / "a.cas").write_text("\n".join(cases), "utf-8")
    places = [f"P{p} {39.9 + p / 50:.4f} {116.3 + p % 3 / 50:.4f}" for p in range(9)]
    (tmp_path / "a.geo").write_text("\n".join(places), "utf-8")
    return ["--cas", str(tmp_path / "a.cas"), "--geo", str(tmp_path / "a.geo")]


def run(*words):
    return CliRunner().invoke(cli, ["scan", *words])


def test_the_burst_is_found_and_answered_as_json(files):
    result = run(*files, *BASE, "--model", "permutation", "--prospective", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    assert set(answer) == {"clusters", "replicates", "seconds"}
    first = answer["clusters"][0]
    assert sorted(first["locations"]) == ["P3", "P4"]
    assert (first["start"], first["end"]) == ("2024/1/18", "2024/1/20")
    assert first["observed"] == 36
    assert first["p_value"] == 0.01
    assert first["gumbel_p"] < 0.01


def test_the_same_seed_gives_the_same_answer_in_words(files):
    words = [*files, *BASE, "--model", "permutation"]
    one, two = run(*words), run(*words, "--threads", "1")
    assert one.output == two.output
    assert "1. 2024/1/18 to 2024/1/20  36 cases" in one.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "permutation", "--spatial", "--prospective"], "--spatial has no windows"),
        (["--model", "permutation", "--max-population", "0"], "--max-population"),
    ],
)
def test_words_that_do_not_go_together_are_refused(files, words, said):
    result = run(*files, *BASE, *words)
    assert result.exit_code == 2
    assert said in result.output


def test_a_day_that_is_none_is_refused(files):
    result = run(*files, *BASE, "--model", "permutation", "--start", "2024/2/30")
    assert result.exit_code == 2
    assert "is no day" in result.output


def test_a_model_without_its_file_says_so(files):
    result = run(*files, *BASE, "--model", "poisson")
    assert isinstance(result.exception, ScanError)
    assert "--pop FILE" in str(result.exception)
