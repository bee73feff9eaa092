"""``gridgov duties`` as a user calls it: faults, pressure, bounces and amendments of a planted history."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from gridgov.sample.content import write_tables
from web.cli.main import main

TOML = """
[city]
name = "样例市"
timezone = "Asia/Shanghai"
metric_crs = "EPSG:4548"

[layers.streets]
path = "streets.geojson"
code = "street_code"
name = "name"
district = "district_code"
datum = "WGS84"
"""
TABLES = ("units", "catalogue", "duties", "dependencies")
BURST, ORDERS = "110204", 40
"""Item of scene S001, led by G01; market supervision D23 has no duty there."""


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    rows = [(f"11010{i}001", f"第{i}街道", f"11010{i}", f"第{i}区") for i in range(1, 9)]
    streets = pd.DataFrame(rows, columns=["street_code", "name", "district_code", "district"])
    write_tables(folder, streets)
    shapes = [box(116.3 + i / 10, 39.9, 116.4 + i / 10, 40.0) for i in range(len(streets))]
    gpd.GeoDataFrame(streets, geometry=shapes, crs="EPSG:4326").to_file(folder / "streets.geojson")
    tables = "".join(f'[tables.{name}]\npath = "{name}.csv"\n' for name in TABLES)
    (folder / "city.toml").write_text(TOML + tables, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> Path:
    """Write orders that D23 solved in the end, six of which bounced between streets and G01 before."""
    folder = tmp_path_factory.mktemp("history")
    numbers = [f"A{i:03d}" for i in range(ORDERS)]
    orders = pd.DataFrame(
        {"appeal_no": numbers, "order_no": [f"O{n}" for n in numbers], "item_code": BURST}
    )
    orders = orders.assign(unit_recorded="D23", solved=[i != 0 for i in range(ORDERS)])
    orders.to_parquet(folder / "orders.parquet")
    orders.to_csv(folder / "orders.csv", index=False)
    moves = []
    for i, number in enumerate(numbers[1:7], start=1):
        street = f"11010{i}001"
        way = [street, "G01", street, "D23"]
        moves += [(number, f"2025-01-0{k + 1} 08:00:00", way[k], way[k + 1]) for k in range(3)]
    moves.append(("A039", "sometime", "G01", "D23"))
    columns = ["appeal_no", "at", "from_unit", "to_unit"]
    pd.DataFrame(moves, columns=columns).to_csv(folder / "transfers.csv", index=False)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gridgov", "duties", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.mark.parametrize("orders", ["orders.parquet", "orders.csv"])
def test_report_finds_what_was_planted(pack, history, run, orders):
    words = ("--orders", history / orders, "--transfers", history / "transfers.csv")
    code, out, err = run(pack, *words, "--date", "2025-06-01", "--json")
    assert "1 transfers are not used (rows 20)" in err
    facts = json.loads(out)
    assert code == 0
    assert len(facts["faults"]) == 10
    (loop,) = facts["loops"]
    assert (loop["loop"], loop["orders"], loop["item_codes"]) == (["@street", "G01"], 6, [BURST])
    assert loop["days_lost"] == pytest.approx(6.0)
    (change,) = facts["amendments"]
    assert (change["scene_code"], change["solver"], change["change"]) == ("S001", "D23", "add_lead")
    assert (change["solved"], change["of"]) == (ORDERS - 1, ORDERS - 1)
    pressed = {row["unit_code"]: row for row in facts["pressure"]}
    assert pressed["G01"]["orders"] == ORDERS
    assert facts["pressure"][0]["betweenness"] > 0


def test_transfers_whose_numbers_lost_their_zeros_are_still_of_their_orders(
    pack, history, tmp_path, run
):
    """A spreadsheet makes 711 of 0711; the orders know better."""
    orders = pd.read_parquet(history / "orders.parquet")
    moves = pd.read_csv(history / "transfers.csv")
    number = orders["appeal_no"].str[1:].astype(int) + 711
    orders["appeal_no"] = number.map("{:04}".format)
    orders.to_parquet(tmp_path / "orders.parquet")
    moves["appeal_no"] = moves["appeal_no"].str[1:].astype(int) + 711
    moves.to_csv(tmp_path / "transfers.csv", index=False)
    words = ("--date", "2025-06-01", "--json")
    found = []
    for folder in (history, tmp_path):
        files = ("--orders", folder / "orders.parquet", "--transfers", folder / "transfers.csv")
        code, out, err = run(pack, *files, *words)
        assert code == 0
        found.append(json.loads(out))
    assert found[0]["loops"] == found[1]["loops"]
    assert found[1]["loops"][0]["item_codes"] == [BURST]
    assert "19 codes have lost their leading zeros; they are read with them, 712 as 0712" in err


def test_page_says_it_in_sentences(pack, history, run):
    code, out, _ = run(
        pack,
        *("--orders", history / "orders.parquet", "--transfers", history / "transfers.csv"),
        *("--date", "2025-06-01", "--top", "3"),
    )
    assert code == 0
    assert "职责“地下车库挡水设施维护”没有单位承担" in out
    assert "属地街道（乡镇） → 市自来水集团 → 属地街道（乡镇）（涉及6个）：6件工单转回6次" in out
    assert "主要事项：供水管线漏水" in out
    assert "建议将市市场监督管理局列入场景“供水管线爆管抢修”的职责清单并任牵头" in out


def test_without_history_the_list_alone_is_judged(pack, run):
    code, out, _ = run(pack, "--date", "2025-06-01")
    assert code == 0
    assert "【清单问题】" in out
    assert "来回转办" not in out
    assert "实际办理与清单不符" not in out


def test_files_that_are_none_of_these_are_refused(pack, history, run, tmp_path):
    code, _, err = run(pack, "--orders", history / "transfers.csv")
    assert code == 2
    assert "item_code · this column is missing" in err
    code, _, err = run(pack, "--transfers", history / "orders.csv")
    assert code == 2
    assert "from_unit" in err
    code, _, err = run(pack, "--transfers", tmp_path / "none.csv")
    assert code == 2
    assert "does not exist" in err


def test_check_of_the_pack_tells_the_faults_too(pack, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gridgov", "check", str(pack), "--quick"])
    with pytest.raises(SystemExit) as ended:
        main()
    out = capsys.readouterr().out
    assert not ended.value.code
    assert "nobody holds this duty" in out
    assert "cheapest to cut: S055-4 → S055-2" in out
