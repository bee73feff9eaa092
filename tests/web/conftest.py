"""What the tests of commands share: one small sample city, and commands called as a user calls them."""

import sys

import pytest

from gridgov.sample.writer import write_sample
from web.cli.main import main

SAMPLE_APPEALS = 6_000


@pytest.fixture(scope="session")
def sample_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "city"
    write_sample(folder, appeals=SAMPLE_APPEALS, seed=11, file_format="parquet")
    return folder


@pytest.fixture
def gridgov(monkeypatch, capsys):
    """Return a caller: words of the command line in, (exit code, standard output, standard error) out."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["gridgov", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call
