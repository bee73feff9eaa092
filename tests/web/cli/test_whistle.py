"""``gridgov whistle`` as a user calls it: the page, the JSON, and messages for bad input."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from gridgov.pack.city import load_city
from gridgov.pack.duties import find_duty_problems, load_city_duties, make_city_duties
from gridgov.sample.content import write_tables
from web.cli.main import main

TOML = """
[city]
name = "样例市"
synthetic = true
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


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    streets = pd.DataFrame(
        [
            ("110101001", "东华门街道", "110101", "东城区"),
            ("110102001", "西长安街街道", "110102", "西城区"),
        ],
        columns=["street_code", "name", "district_code", "district"],
    )
    write_tables(folder, streets)
    shapes = [box(116.3 + i / 10, 39.9, 116.4 + i / 10, 40.0) for i in range(len(streets))]
    gpd.GeoDataFrame(streets, geometry=shapes, crs="EPSG:4326").to_file(folder / "streets.geojson")
    tables = "".join(f'[tables.{name}]\npath = "{name}.csv"\n' for name in TABLES)
    (folder / "city.toml").write_text(TOML + tables, encoding="utf-8")
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gridgov", "whistle", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_page_says_who_when_and_in_which_order(pack, run):
    code, out, _ = run(pack, "--item", "供水管线漏水", "--street", "东华门", "--date", "2025-06-01")
    assert code == 0
    lines = out.splitlines()
    assert "合成数据" in lines[0]
    assert "东华门街道" in lines[1]
    assert lines[2] == "牵头单位：市自来水集团（派单目录确定）"
    assert out.index("关闭阀门止水") < out.index("开挖抢修管线") < out.index("路面恢复")
    assert "市公安局公安交通管理局：30分钟内报到，须带行政许可权限" in out
    assert "实践做法" in out


def test_json_holds_the_same_facts(pack, run):
    code, out, _ = run(
        pack / "city.toml",
        "--item",
        "110204",
        "--street",
        "110101001",
        "--date",
        "2025-06-01",
        "--json",
    )
    facts = json.loads(out)
    assert code == 0
    assert facts["lead"] == {"unit_code": "G01", "name": "市自来水集团", "by": "catalogue"}
    assert facts["synthetic"] is True
    assert facts["on_date"] == "2025-06-01"
    assert facts["stages"][0] == ["S001-1", "S001-2", "S001-3"]
    assert {call["unit_code"]: call["report_in_min"] for call in facts["calls"]}["G01"] == 30
    assert facts["smallest"]["exact"] is True
    assert "Infinity" not in out
    assert (facts["report_in"]["minutes"], facts["report_in"]["status"]) == (30, "practice")
    assert facts["superior"]["unit_code"] == "CITY"
    assert facts["sentences"]


def test_faults_of_the_list_are_part_of_the_answer(pack, run):
    code, out, _ = run(
        pack, "--item", "房产证办理难", "--street", "东华门街道", "--date", "2025-06-01"
    )
    assert code == 0
    assert "【清单问题】" in out
    assert "互相等待" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--item", "供水管线露水", "--street", "东华门"], "did you mean 110204 供水管线漏水"),
        (["--item", "漏水", "--street", "东华门"], "fits 3 names"),
        (["--item", "110204", "--street", "东花门街道"], "110101001 东华门街道"),
        (["--item", "110204", "--street", "街道"], "fits 2 names"),
        (["--item", "110204"], "Missing option '--street'"),
        (
            ["--item", "110204", "--street", "东华门", "--date", "someday"],
            "does not match the format",
        ),
    ],
)
def test_bad_input_gets_a_message_and_exit_code_2(pack, run, words, message):
    code, out, err = run(pack, *words)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_pack_without_catalogue_says_what_to_add(pack, run, tmp_path):
    for name in ("streets.geojson", "units.csv"):
        (tmp_path / name).write_bytes((pack / name).read_bytes())
    (tmp_path / "city.toml").write_text(
        TOML + '[tables.units]\npath = "units.csv"\n', encoding="utf-8"
    )
    code, _, err = run(tmp_path, "--item", "1", "--street", "东华门")
    assert code == 2
    assert "add [tables.catalogue]" in err


def test_spoilt_table_is_reported_with_its_row(pack, run, tmp_path):
    for path in pack.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    units = pd.read_csv(tmp_path / "units.csv", dtype=str, keep_default_na=False)
    units.loc[3, "kind"] = "nonsense"
    units.to_csv(tmp_path / "units.csv", index=False)
    code, _, err = run(tmp_path, "--item", "110204", "--street", "东华门")
    assert code == 2
    assert "units.csv:5" in err


def test_whole_city_and_its_tables_alone_give_the_same_list(pack):
    city = load_city(pack)
    whole, light = make_city_duties(city), load_city_duties(pack)
    day = pd.Timestamp("2025-06-01").date()
    assert whole.graph(day).duties == light.graph(day).duties
    assert whole.graph(day).items == light.graph(day).items
    assert whole.graph(day).units == light.graph(day).units
    files = {Path(problem.file).name for problem in find_duty_problems(city, day)}
    assert files == {"duties.csv", "dependencies.csv", "catalogue.csv"}


def test_without_a_table_of_units_streets_are_units(pack, run, tmp_path):
    for name in ("streets.geojson", "catalogue.csv"):
        (tmp_path / name).write_bytes((pack / name).read_bytes())
    table = pd.read_csv(tmp_path / "catalogue.csv", dtype=str, keep_default_na=False)
    table[["lead", "helpers", "scene_code"]] = ["@street", "", ""]
    table.to_csv(tmp_path / "catalogue.csv", index=False)
    (tmp_path / "city.toml").write_text(
        TOML + '[tables.catalogue]\npath = "catalogue.csv"\n', encoding="utf-8"
    )
    code, out, _ = run(tmp_path, "--item", "110204", "--street", "西长安街")
    assert code == 0
    assert "牵头单位：西长安街街道" in out
