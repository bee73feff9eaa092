"""``gridgov plan`` as a user calls it: from the orders of a run to the same plans, or a message."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.gridgov.packs import write_pack


def read_plans(folder: Path) -> dict[str, bytes]:
    return {
        path.parent.name: path.read_bytes() for path in sorted(folder.glob("plans/*/plan.json"))
    }


@pytest.mark.slow
def test_the_orders_of_a_run_give_its_plans_again(gridgov, sample_dir, out_dir, tmp_path):
    made = tmp_path / "made"
    code, out, err = gridgov("plan", sample_dir, out_dir / "orders.csv", "--out", made, "--json")
    assert (code, err) == (0, "")
    assert read_plans(made) == read_plans(out_dir)
    assert (made / "hotspots.csv").read_bytes() == (out_dir / "hotspots.csv").read_bytes()
    before = json.loads((out_dir / "summary.json").read_text(encoding="utf-8"))
    summary = json.loads(out)
    assert summary["as_of"] == before["as_of"]
    assert summary["plans"] == before["plans"]
    assert summary["appeals"]["read"] == before["orders"]
    assert summary["appeals"]["located"] == before["appeals"]["located"]
    for page in ("index.html", "map.html"):
        assert (made / page).is_file()


@pytest.mark.slow
def test_one_street_has_its_plan_whatever_its_class(gridgov, sample_dir, out_dir, tmp_path):
    planned = read_plans(out_dir)
    orders = pd.read_parquet(out_dir / "orders.parquet")
    counts = orders["street_code"].value_counts()
    quiet = counts[~counts.index.isin(list(planned))].index[-1]
    made = tmp_path / "made"
    code, out, _ = gridgov(
        "plan", sample_dir, out_dir / "orders.parquet", "--street", quiet, "--out", made
    )
    assert code == 0
    assert "street plans 1" in out
    assert list(read_plans(made)) == [quiet]
    own = pd.read_parquet(made / "orders.parquet")
    assert set(own["street_code"]) == {quiet}
    assert len(own) == counts[quiet]
    page = (made / "index.html").read_text(encoding="utf-8")
    assert f"plans/{quiet}/plan.html" in page


def test_a_street_that_is_none_is_named_with_the_nearest(gridgov, sample_dir, out_dir, tmp_path):
    made = tmp_path / "made"
    words = ("plan", sample_dir, out_dir / "orders.parquet", "--out", made, "--street")
    code, _, err = gridgov(*words, "东华门街办")
    assert code == 2
    assert "no such code or name" in err
    assert "110101001 东华门街道" in err
    code, _, err = gridgov(*words, "街道")
    assert code == 2
    assert "names" in err
    assert not made.exists()


def test_rows_that_are_no_orders_are_told_and_counted(gridgov, sample_dir, out_dir, tmp_path):
    orders = pd.read_csv(out_dir / "orders.csv", dtype=str).head(3000)
    orders.loc[0, "order_no"] = None
    orders.loc[1, "received_at"] = "soon"
    orders.loc[2, "order_no"] = orders.loc[3, "order_no"]
    orders.loc[4, "solved"] = "perhaps"
    orders.loc[5, "street_code"] = "999999999"
    orders.loc[6, "boundary_version"] = "1949"
    orders.loc[7, "lon"] = "east"
    file, made = tmp_path / "orders.csv", tmp_path / "made"
    orders.to_csv(file, index=False)
    code, out, _ = gridgov("plan", sample_dir, file, "--out", made)
    assert code == 0
    assert "read 3,000 = located" in out
    assert "rejected 3" in out
    problems = pd.read_csv(made / "problems.csv", dtype=str, keep_default_na=False)
    told = {(p.row, p.field): p.severity for p in problems.itertuples() if p.file == str(file)}
    assert told == {
        ("2", "order_no"): "error",
        ("3", "received_at"): "error",
        ("5", "order_no"): "error",
        ("6", "solved"): "warning",
        ("9", "lon"): "warning",
        ("", "street_code"): "warning",
        ("", "boundary_version"): "warning",
    }


def test_files_that_hold_no_orders_are_refused(gridgov, sample_dir, out_dir, tmp_path):
    made = tmp_path / "made"
    code, _, err = gridgov("plan", sample_dir, sample_dir / "units.csv", "--out", made)
    assert code == 2
    assert "units.csv · order_no · this column is missing" in err
    file = tmp_path / "empty.csv"
    pd.read_csv(out_dir / "orders.csv", dtype=str).assign(received_at="").head(2).to_csv(file)
    code, _, err = gridgov("plan", sample_dir, file, "--out", made)
    assert code == 2
    assert "none of the 2 rows can be used" in err
    assert not made.exists()


def test_a_folder_of_somebody_else_stays(gridgov, sample_dir, out_dir, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    code, _, _ = gridgov("plan", sample_dir, out_dir / "orders.parquet", "--out", tmp_path / "mine")
    assert code == 2
    assert (tmp_path / "mine" / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_a_dry_run_writes_nothing(gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    city = write_pack(tmp_path / "city")
    orders = pd.DataFrame(
        {
            "order_no": ["A1-1", "A2-1"],
            "received_at": ["2025-01-01 08:00", "2025-01-02 08:00"],
            "street_code": "110101001",
            "district_code": "110101",
            "lon": 116.405,
            "lat": 39.905,
        }
    ).reindex(
        columns=[
            *("order_no", "received_at", "item_code", "grade", "cell_code", "community_code"),
            *("street_code", "district_code", "person_key", "contacted", "solved", "satisfied"),
            *("lon", "lat"),
        ]
    )
    file = tmp_path / "orders.csv"
    orders.to_csv(file, index=False)
    code, out, err = gridgov("plan", city, file, "--out", tmp_path / "made", "--dry-run")
    assert (code, err) == (0, "")
    assert "read 2 = located 2" in out
    assert not (tmp_path / "made").exists()
