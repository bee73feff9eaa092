"""Every command line that README and docs print runs as printed; only the names in capitals are filled in.

In every run of the tests all lines are understood and the quick ones are run, on a small city;
``GRIDGOV_PRINTED=all script/test tests/web/cli/test_printed_commands.py`` runs the others too.
"""

import json
import os
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest

from tests.gridgov.packs import (
    SOUTH,
    STEP,
    TABLES,
    TOML,
    WEST,
    make_squares,
    write_layer,
    write_pack,
)
from web.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if path.name != "CHANGELOG.md"
)
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(gridgov [^`\n]+)`")
INDENTED = re.compile(r"^    (gridgov (?:[^\n\\]|\\\n)+)", re.MULTILINE)
BENCHMARK = re.compile(r"python -m benchmarks\.(\w+)((?: [^`\n]*)?)")
ENDLESS = {"serve", "worker", "demo"}
"""Commands that end when they are told to; ``db grant`` wants PostgreSQL. Their help is asked for."""

SLOW = {"sample", "train", "suggest", "plan", "report"}
"""Commands of more than about two seconds; ``suggest`` wants what ``train`` makes."""

WITHOUT_OPTIONAL = {"audit", "replay"}
"""Their options want files that other commands of a service or a register make first."""

FILLED = {
    "CITY": "city",
    "APPEALS": "city/appeals.parquet",
    "ORDERS": "run/orders.csv",
    "OUT/orders.parquet": "run/orders.parquet",
    "MODEL": "made/model.npz",
    "TEXT": "路灯不亮",
    "STORE": "made/store",
    "AREAS": "city/streets.geojson",
    "POINTS": "points.csv",
    "LAYER": "city/streets.geojson",
    "ITEM": "180604",
    "STREET": "110101001",
    "DISTRICT": "东城区",
    "KIND": "monthly",
    "UNIT": "D18",
    "UNIT_CODE": "D18",
    "DESK_CODE": "D18",
    "ROLE": "viewer",
    "LOGIN": "platform",
    "DAY": "2024-01-31",
    "DATE": "2024-01-31",
    "D": "2024-01-31",
    "N": "1000",
    "NAME": "of-2025",
    "EPSG": "EPSG:4548",
    "my-city": "my-city",
}
OF_OPTION = {
    ("locate", "--address"): "地址",
    ("locate", "FILE"): "city/appeals.parquet",
    ("assign", "--key"): "street_code",
    ("boundaries", "--key"): "street_code",
    ("versions", "--key"): "street_code",
    ("whistle", "--item"): "180604",
    ("whistle", "--street"): "110101001",
    ("plan", "--street"): "110101001",
    ("duties", "--transfers"): "city/transfers.csv",
    ("duties", "--top"): "5",
    ("scan", "--cas"): "scan.cas",
    ("scan", "--geo"): "scan.geo",
    ("scan", "--pop"): "scan.pop",
    ("scan", "--model"): "permutation",
    ("scan", "--start"): "2023/1/1",
    ("scan", "--end"): "2023/1/31",
    ("rates", "--proposals"): "made/proposals.csv",
    ("suggest", "--file"): "run/orders.csv",
    ("sample", "DIR"): "made/sample",
    ("sample", "--appeals"): "80000",  # a dense district wants many
}
FRESH = {"DIR": "", "FILE": ".csv", "MODEL": ".npz"}
"""What ``--out`` writes, by its name in capitals."""


def list_printed() -> dict[str, bool]:
    """Return the commands that the documents print → whether as a whole line: in a block, or in README's table.

    Prose names an option with its command, and no more.
    """
    found: dict[str, bool] = {}
    for document in DOCUMENTS:
        text = (ROOT / document).read_text("utf-8").replace("\\|", "|")
        blocks = [block.replace("\\\n", " ") for block in BLOCK.findall(text)]
        lines = [(line, True) for block in blocks for line in block.splitlines()]
        lines += [(one.replace("\\\n", " "), True) for one in INDENTED.findall(text)]
        lines += [(one, document == "README.md") for one in INLINE.findall(text)]
        for line, is_whole in lines:
            for part in re.split(r" & | && ", line.partition(" #")[0]):
                # Columns of a listing are parted by several blanks.
                words = re.split(r"\s{3,}", part.strip().rstrip("\\ "))[0]
                if words.startswith("gridgov "):
                    printed = " ".join(words.split())
                    found[printed] = found.get(printed, False) or is_whole
    return found


def fill(printed: str) -> list[str]:
    """Return the words of a printed command with files of the test in the place of its capitals."""
    command = printed.split()[1]
    optional = r"\[[^\]]*\]" if command in WITHOUT_OPTIONAL else r"[\[\]]"
    words = shlex.split(re.sub(optional, "", printed).replace("…", ""))[1:]
    filled, before = [command], ""
    for word in words[1:]:
        if before == "--out" and word in FRESH:
            filled.append(f"made/{'model' if word == 'MODEL' else command}{FRESH[word]}")
        elif re.fullmatch(r"[A-Z_]+|OUT/\S+", word):
            value = (
                OF_OPTION.get((command, before))
                or OF_OPTION.get((command, word))
                or FILLED.get(word)
            )
            assert value, f"nothing stands for {word} in: {printed}"
            filled.append(value)
        else:
            filled.append(word)
        before = word
    return filled


def parse(words: list[str]) -> None:
    """Let a command read its words as it does when it is called, without doing what they say."""
    found: click.Command = cli
    context = click.Context(cli)
    while isinstance(found, click.Group):
        name, words = words[0], words[1:]
        below = found.get_command(context, name)
        assert below is not None, f"no command {name}"
        found = below
    found.make_context("gridgov", words)


@pytest.mark.parametrize(
    "printed", sorted(one for one, is_whole in list_printed().items() if is_whole)
)
def test_a_printed_line_is_understood(printed, tmp_path, monkeypatch):
    command = printed.split()[1]
    if command == "COMMAND" or len(printed.split()) == 2 or re.search(r"\w\|\w", printed):
        return  # a name, or a choice of names
    monkeypatch.chdir(tmp_path)
    words = fill(printed)
    for one in {*FILLED.values(), *OF_OPTION.values()}:
        if re.search(r"\w\.\w+$", one):
            (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / one).write_text("here")
    (tmp_path / "my-city").mkdir()
    parse(words)


ORDER = ("sample", "check", "train", "run", "db upgrade", "db", "load", "versions", "user")


def rank(printed: str) -> int:
    """Return when a command is called: what others need comes first."""
    for place, begin in enumerate(ORDER):
        if printed.startswith(f"gridgov {begin}"):
            return place
    return len(ORDER)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Write a small city that has what the documents name, appeals of it, and the other files that commands ask for."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "made").mkdir()
    named = {"112,3,11,水管爆裂": "180604,3,11,供水管线漏水", "D01": "D18"}
    tables = {name: TABLES[name] for name in ("units", "catalogue")}
    for old, new in named.items():
        tables = {name: text.replace(old, new) for name, text in tables.items()}
    write_pack(folder / "city", TOML, **tables)
    squares = make_squares()
    for feature in squares["features"]:
        feature["properties"]["street_code"] = feature["properties"]["code"]
    write_layer(folder / "city", squares)
    (folder / "my-city").symlink_to(folder / "city")
    rng = np.random.default_rng(5)
    n = 240
    place = rng.uniform([WEST, SOUTH], [WEST + 2 * STEP, SOUTH + 2 * STEP], (n, 2)).round(6)
    item = np.where(rng.random(n) < 0.5, "111", "180604")
    text = np.where(item == "111", "门口有人摆摊占道", "路面冒水水管漏了")
    appeals = pd.DataFrame(
        {
            "编号": [f"A{at:04}" for at in range(n)],
            "受理时间": pd.date_range("2023-01-01 08:00", periods=n, freq="36h").astype(str),
            "办结时间": pd.date_range("2023-01-03 08:00", periods=n, freq="36h").astype(str),
            "类型": "投诉",
            "事项": item,
            "内容": [f"{one}，第{at}处" for at, one in enumerate(text)],
            "地址": "东城区和平小区",
            "经度": place[:, 0].astype(str),
            "纬度": place[:, 1].astype(str),
            "承办单位": "110101001",
            "电话": [f"P{at}" for at in range(n)],
            "是否解决": "是",
            "满意度": "满意",
        }
    )
    appeals.to_parquet(folder / "city" / "appeals.parquet")
    (folder / "points.csv").write_text(f"lon,lat\n{WEST + 0.001},{SOUTH + 0.001}\n")
    moves = "order_no,at,from_unit,to_unit\nA0001-1,2023-01-05 08:00,110101001,D18\n"
    (folder / "city" / "transfers.csv").write_text(moves)
    days = [f"p{at % 3} 1 2023/1/{at % 28 + 1}" for at in range(60)]
    (folder / "scan.cas").write_text("\n".join(days) + "\n")
    (folder / "scan.geo").write_text("p0 39.9 116.4\np1 39.91 116.41\np2 39.95 116.5\n")
    (folder / "scan.pop").write_text("".join(f"p{at} 2023 1000\n" for at in range(3)))
    return folder


def test_the_printed_commands_run(desk, gridgov, monkeypatch):
    monkeypatch.chdir(desk)
    monkeypatch.setenv("GRIDGOV_DATABASE_URL", f"sqlite:///{desk}/service.db")
    whole = os.environ.get("GRIDGOV_PRINTED") == "all"
    if whole:  # it is made by a line of its own
        (desk / "my-city").unlink()
    gridgov("run", "city", "city/appeals.parquet", "--out", "run")
    wrong, ran = {}, set()
    for printed, is_whole in sorted(list_printed().items(), key=lambda one: rank(one[0])):
        words = printed.split()
        command = words[1]
        if not is_whole or len(words) == 2 or command in ENDLESS or re.search(r"\w\|\w", printed):
            continue
        if command == "COMMAND" or "db grant" in printed or (command in SLOW and not whole):
            continue
        code, out, err = gridgov(*fill(printed))
        ran.add(command)
        if code != 0:
            wrong[printed] = f"as {shlex.join(fill(printed))}: {code} {err or out}"[:600]
    assert wrong == {}, json.dumps(wrong, ensure_ascii=False, indent=1)
    assert len(ran) > 12


def test_a_line_with_a_fault_is_not_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "city").mkdir()
    for words in (
        ["check", "city", "--no-such"],
        ["check"],
        ["user", "add", "x", "--role", "king"],
    ):
        with pytest.raises(click.UsageError):
            parse(words)


def test_printed_options_of_what_is_not_run_exist(gridgov):
    for printed, is_whole in list_printed().items():
        words = printed.split()
        options = [one for one in words if one.startswith("--") and one != "--help"]
        if options and (words[1] in ENDLESS or not is_whole):
            group = (
                words[1:3]
                if words[1] in {"audit", "db", "user", "versions", "webhook"}
                else words[1:2]
            )
            _, told, _ = gridgov(*group, "--help")
            assert not [one for one in options if one not in told], printed


def test_the_commands_are_found():
    printed = list_printed()
    assert len(printed) > 30
    assert "gridgov run CITY APPEALS --out DIR" in printed
    assert any(one.startswith("gridgov scan --cas FILE --geo FILE --pop") for one in printed)
    assert fill("gridgov locate CITY FILE --address COL --out FILE") == [
        *("locate", "city", "city/appeals.parquet", "--address", "地址"),
        *("--out", "made/locate.csv"),
    ]


def test_every_printed_benchmark_knows_its_words():
    found = 0
    for document in DOCUMENTS:
        text = (ROOT / document).read_text("utf-8")
        assert not re.search(r"`benchmarks/\w+\.py [^`]", text), (
            f"{document}: python -m benchmarks.…"
        )
        for name, words in BENCHMARK.findall(text):
            file = ROOT / "benchmarks" / f"{name}.py"
            folder = ROOT / "benchmarks" / name
            assert file.is_file() or (folder / "__main__.py").is_file(), f"{document}: {name}"
            source = file.read_text("utf-8") if file.is_file() else ""
            # benchmarks.statistics PART hands its options to a module of that name
            part = ROOT / "benchmarks" / f"{name}_{(words.split() or [''])[0]}.py"
            source += part.read_text("utf-8") if part.is_file() else ""
            for word in re.findall(r"--[\w-]+", words):
                found += 1
                assert f'"{word}"' in source, f"{document}: benchmarks.{name} knows no {word}"
    assert found > 5


def test_the_documents_say_how_the_command_is_found():
    told = (ROOT / "README.md").read_text("utf-8")
    assert ". .venv/bin/activate" in told
