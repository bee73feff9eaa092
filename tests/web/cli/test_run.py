"""The main job as a user runs it: everything promised is written, counted and linked, or nothing is."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from gridgov.frames import ORDER_COLUMNS
from tests.web.conftest import SAMPLE_APPEALS

OFF_HOST = re.compile(r"""(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+""", re.IGNORECASE)
NAMESPACES = ("//www.w3.org",)


@pytest.fixture(scope="module")
def summary(out_dir):
    return json.loads((out_dir / "summary.json").read_text(encoding="utf-8"))


def test_summary_says_what_the_contract_says(summary):
    assert {"appeals", "orders", "review", "hotspots", "plans", "seconds"} <= set(summary)
    appeals = summary["appeals"]
    assert appeals["read"] == SAMPLE_APPEALS
    assert appeals["read"] == appeals["located"] + appeals["unlocated"] + appeals["rejected"]
    assert all(isinstance(s, float) and s >= 0 for s in summary["seconds"].values())
    assert summary["synthetic"] is True


def test_orders_are_the_same_in_both_files_and_as_counted(out_dir, summary):
    orders = pd.read_parquet(out_dir / "orders.parquet")
    table = pd.read_csv(out_dir / "orders.csv", dtype=str)
    assert tuple(orders.columns) == ORDER_COLUMNS == tuple(table.columns)
    assert len(orders) == len(table) == summary["orders"]
    assert orders["order_no"].is_unique
    assert orders["review"].sum() == summary["review"]
    assert orders["unit_code"].notna().all()
    assert orders["due_at"].notna().all()
    assert (orders["reasons"].str.len() > 0).all()
    read = {"located": orders["lon"].notna().sum(), "unlocated": orders["lon"].isna().sum()}
    assert all(summary["appeals"][name] == count for name, count in read.items())


def test_problems_name_every_rejected_row(out_dir, sample_dir, summary):
    problems = pd.read_csv(out_dir / "problems.csv")
    rows = problems[(problems["severity"] == "error") & problems["file"].str.contains("appeals")]
    assert rows["row"].nunique() == summary["appeals"]["rejected"]
    planted = json.loads((sample_dir / "planted.json").read_text(encoding="utf-8"))
    assert summary["appeals"]["rejected"] == len(planted["unusable_rows"])


def test_hotspots_are_the_same_in_both_files(out_dir, summary):
    layer = gpd.read_file(out_dir / "hotspots.gpkg")
    table = pd.read_csv(out_dir / "hotspots.csv")
    assert len(layer) == len(table) == summary["hotspots"]
    assert {"count", "expected", "z", "p", "window_start", "window_end"} <= set(table.columns)


def test_every_plan_has_its_pages_and_the_index_leads_to_them(out_dir, summary):
    plans = sorted(path.name for path in (out_dir / "plans").iterdir())
    assert len(plans) == summary["plans"] > 0
    index = (out_dir / "index.html").read_text(encoding="utf-8")
    for street_code in plans:
        plan = json.loads((out_dir / "plans" / street_code / "plan.json").read_text("utf-8"))
        assert re.fullmatch(r"gridgov/plan/\d+", plan["schema"])
        assert f"plans/{street_code}/plan.html" in index


def test_every_link_of_every_page_leads_somewhere(out_dir):
    for page in out_dir.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'(?:href|src)="([^"#]+)"', text):
            if not link.startswith("data:"):
                assert (page.parent / link.split("#")[0]).exists(), (page, link)


def test_no_page_names_a_foreign_host(out_dir):
    for page in [*out_dir.rglob("*.html"), *out_dir.rglob("*.json")]:
        found = [
            match
            for match in OFF_HOST.findall(page.read_text(encoding="utf-8"))
            if not match.endswith(NAMESPACES)
        ]
        assert not found, (page, found[:3])


def test_every_page_says_that_the_city_is_invented(out_dir):
    for page in out_dir.rglob("*.html"):
        assert "合成数据" in page.read_text(encoding="utf-8"), page


def test_personal_numbers_are_masked(out_dir):
    orders = pd.read_csv(out_dir / "orders.csv", dtype=str)
    for column in ("text", "address"):
        assert not orders[column].str.contains(r"(?<!\d)1[3-9]\d{9}(?!\d)").any()


def test_same_input_same_bytes(gridgov, sample_dir, out_dir, tmp_path):
    code, _, _ = gridgov(
        "run", sample_dir, sample_dir / "appeals.parquet", "--out", tmp_path / "again"
    )
    assert code == 0
    for name in ("hotspots.csv", "problems.csv", "index.html", "map.html"):
        assert (tmp_path / "again" / name).read_bytes() == (out_dir / name).read_bytes(), name
    ours = pd.read_parquet(out_dir / "orders.parquet").drop(columns="person_key")  # salted a run
    again = pd.read_parquet(tmp_path / "again" / "orders.parquet").drop(columns="person_key")
    pd.testing.assert_frame_equal(ours, again)


def test_killed_while_running_leaves_the_earlier_output(sample_dir, tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / ".gridgov-output.json").write_text("{}")
    (target / "kept.txt").write_text("earlier")
    words = ["run", sample_dir, sample_dir / "appeals.parquet", "--out", target]
    process = subprocess.Popen([sys.executable, "-m", "web.cli.main", *map(str, words)])
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".out.*.partial/orders.parquet")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (target / "kept.txt").read_text() == "earlier"


def make_export(path, sample_dir, **changes):
    frame = pd.read_parquet(sample_dir / "appeals.parquet").head(200)
    for column, value in changes.items():
        frame[column] = value
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("header.csv", "工单编号,受理时间\n".encode(), "none of the 0 rows|no rows|has no"),
        ("binary.csv", bytes(range(256)) * 40, ""),
        ("other.csv", b"a,b\n1,2\n", "工单编号"),
        ("page.pdf", b"%PDF-1.4", "csv"),
    ],
)
def test_files_that_are_no_export_are_refused(gridgov, sample_dir, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    code, out, err = gridgov("run", sample_dir, path, "--out", tmp_path / "out")
    assert code == 2
    assert re.search(said, err, re.IGNORECASE), err
    assert "Traceback" not in out + err
    assert not (tmp_path / "out").exists()
    assert not list(Path(tmp_path).glob(".out*"))


def test_a_foreign_folder_is_not_overwritten(gridgov, sample_dir, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    code, _, err = gridgov("run", sample_dir, sample_dir / "appeals.parquet", "--out", tmp_path)
    assert code == 2
    assert "left as it is" in err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_wrong_datum_is_said_with_the_one_that_fits(gridgov, sample_dir, tmp_path):
    pack = tmp_path / "city"
    pack.mkdir()
    for file in sample_dir.iterdir():
        if file.is_file() and file.name != "city.toml":
            (pack / file.name).symlink_to(file)
    toml = (sample_dir / "city.toml").read_text(encoding="utf-8")
    section = toml.index("[appeals]")
    changed = toml[:section] + toml[section:].replace('"GCJ-02"', '"WGS84"', 1)
    assert changed != toml
    (pack / "city.toml").write_text(changed, encoding="utf-8")
    code, out, err = gridgov("run", pack, sample_dir / "appeals.parquet", "--out", tmp_path / "out")
    assert code == 0
    problems = (tmp_path / "out" / "problems.csv").read_text(encoding="utf-8-sig")
    assert "GCJ-02" in problems + out + err


def test_dry_run_writes_nothing(gridgov, sample_dir, tmp_path):
    code, out, _ = gridgov(
        "run",
        sample_dir,
        sample_dir / "appeals.parquet",
        "--out",
        tmp_path / "out",
        "--dry-run",
        "--json",
    )
    assert code == 0
    assert json.loads(out)["appeals"]["read"] == SAMPLE_APPEALS
    assert not (tmp_path / "out").exists()


def test_every_command_has_help_and_unknown_ones_are_refused(gridgov):
    code, out, _ = gridgov("--help")
    assert code == 0
    for name in ("run", "check", "sample", "locate", "assign", "whistle"):
        assert name in out
        assert gridgov(name, "--help")[0] == 0
    assert gridgov("rnu")[0] == 2
