"""``gridgov duplicates`` as a user calls it: the files, the words, the JSON, and messages for bad input."""

import json
import sys

import pandas as pd
import pytest

from geodata.errors import InvalidDataError
from gridgov.pack.duties import load_city_duties
from tests.gridgov.packs import SOUTH, STEP, TOML, WEST, write_pack
from web.cli.duplicates import read_orders
from web.cli.main import main

HERE = {"lon": WEST + STEP / 2, "lat": SOUTH + STEP / 2, "uncertainty_m": 15.0}
HEAT = {"item_code": "1001", "text": "暖气不热，室温只有十四度", "address": "和平里小区"}


@pytest.fixture
def city(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    return write_pack(tmp_path / "city")


@pytest.fixture
def orders() -> pd.DataFrame:
    days = pd.date_range("2025-01-06 09:00", periods=4, freq="D", tz="Asia/Shanghai")
    frame = pd.DataFrame([HERE | HEAT] * 4)
    frame.loc[3, ["item_code", "text"]] = ["2001", "工地夜间施工噪声扰民"]
    return frame.assign(
        appeal_no=["A1", "A2", "A3", "A4"], received_at=days, person_key=["p", "q", "p", "r"]
    )


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gridgov", "duplicates", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_it_writes_issues_and_what_is_related(city, orders, run, tmp_path, ending):
    source, out = tmp_path / f"orders.{ending}", tmp_path / f"issues.{ending}"
    if ending == "parquet":
        orders.to_parquet(source)
    elif ending == "csv":
        orders.to_csv(source, index=False)
    else:
        orders.assign(received_at=orders["received_at"].astype(str)).to_excel(source, index=False)
    code, text, err = run(city, source, "--out", out)
    assert (code, err) == (0, "")
    assert "4 件诉求归为 2 个问题点位" in text
    assert "他人同诉 1 件，本人重复反映 1 件" in text
    assert "WA1 · 3 件诉求 · 2 人" in text
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}[ending]
    assert read(out)["role"].tolist() == ["first", "same", "repeat_by_person", "first"]
    assert (tmp_path / f"issues-related.{ending}").is_file()


def test_json_holds_the_counts(city, orders, run, tmp_path):
    orders.to_parquet(tmp_path / "orders.parquet")
    code, text, _ = run(city, tmp_path / "orders.parquet", "--out", tmp_path / "i.csv", "--json")
    facts = json.loads(text)
    assert code == 0
    assert {k: facts[k] for k in ("appeals", "issues", "same", "repeat_by_person")} == {
        "appeals": 4,
        "issues": 2,
        "same": 1,
        "repeat_by_person": 1,
    }
    assert facts["constants"]["duplicates.same_min"] == {"value": 0.75, "status": "assumed"}


def test_what_cannot_be_compared_is_said(city, orders, run, tmp_path):
    orders = orders.assign(received_at=orders["received_at"].astype(str))
    orders.loc[1, "received_at"] = "gestern"
    orders.loc[2, ["lon", "lat"]] = None
    orders.loc[3, "appeal_no"] = None
    orders.to_csv(tmp_path / "orders.csv", index=False)
    code, text, _ = run(city, tmp_path / "orders.csv", "--out", tmp_path / "i.csv")
    assert code == 0
    assert "1 件没有可读的受理时间，未作比对" in text
    assert "1 件没有位置" in text
    assert "1 件没有诉求编号" in text


def test_wrong_files_get_a_message(city, orders, run, tmp_path):
    orders.drop(columns=["text", "lat"]).to_csv(tmp_path / "orders.csv", index=False)
    code, text, err = run(city, tmp_path / "orders.csv", "--out", tmp_path / "i.csv")
    assert (code, text) == (2, "")
    assert "lat, text · column is missing" in err
    assert "orders.parquet" in err
    code, _, err = run(city, tmp_path / "none.csv", "--out", tmp_path / "i.csv")
    assert code == 2
    assert "does not exist" in err
    orders.to_csv(tmp_path / "orders.csv", index=False)
    code, _, err = run(city, tmp_path / "orders.csv", "--out", tmp_path / "orders.csv")
    assert code == 2
    assert "would write over ORDERS" in err
    code, _, err = run(city, tmp_path / "orders.csv", "--out", tmp_path / "i.docx")
    assert code == 2
    assert "expected one of" in err
    assert not (tmp_path / "i.docx").exists()


def test_the_pack_s_own_constants_are_used_and_told(orders, run, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    section = '[duplicates]\nsame_min = { value = 1.0, status = "documented" }\n'
    city = write_pack(tmp_path / "city", TOML + section)
    source = tmp_path / "orders.csv"
    orders.to_csv(source, index=False)
    code, text, err = run(city, source, "--out", tmp_path / "issues.csv")
    assert (code, err) == (0, "")
    assert "4 件诉求归为 4 个问题点位" in text
    assert "阈值 1.0（有文件依据），权重假定值" in text


def test_wrong_weights_are_a_fault_of_the_pack(orders, run, tmp_path):
    city = write_pack(tmp_path / "city", TOML + '[duplicates]\nweights_others = ["apart far"]\n')
    source = tmp_path / "orders.csv"
    orders.to_csv(source, index=False)
    code, _, err = run(city, source, "--out", tmp_path / "issues.csv")
    assert code == 2
    assert "duplicates.weights_others" in err
    assert "'apart far'" in err


def test_times_in_the_form_of_a_spreadsheet_are_read_and_others_told(tmp_path):
    rows = [
        ("A1", "A1-1", "2024/5/6 8:30"),
        ("2.40506E+17", "240506000000000001-1", "45418.25"),
        ("2.40506E+17", "240506000000000002-1", "gone"),
    ]
    frame = pd.DataFrame(rows, columns=["appeal_no", "order_no", "received_at"])
    frame = frame.assign(lon="116.4", lat="39.9", uncertainty_m="x", item_code="1", text="路灯")
    frame.assign(cell_code="1.10101E+14").to_csv(tmp_path / "orders.csv", index=False)
    pack = load_city_duties(write_pack(tmp_path / "city"))
    found, problems = read_orders(tmp_path / "orders.csv", pack)
    assert found["appeal_no"].tolist() == ["A1", "240506000000000001", "240506000000000002"]
    assert found["received_at"].dt.hour.tolist()[:2] == [8, 6]
    assert {(one.field, one.severity) for one in problems} == {
        ("appeal_no", "warning"), ("cell_code", "warning"), ("received_at", "warning"),
        ("uncertainty_m", "warning"),
    }  # fmt: skip
    frame.drop(columns="order_no").to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(InvalidDataError, match="2 numbers are in scientific notation"):
        read_orders(tmp_path / "orders.csv", pack)
