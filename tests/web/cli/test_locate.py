"""``gridgov locate``: addresses and points of a file, placed and judged."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from geodata.datum import convert
from geodata.errors import GeodataError, InvalidDataError
from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS
from tests.gridgov.packs import write_pack
from web.cli.locate import locate

ROWS = pd.DataFrame(
    {
        "编号": ["a", "b", "c", "d", "e"],
        "地址": ["和平小区3号楼", "东城区东华门街道和平小区", "", "上海市世纪大道1号", "景山街道"],
        "lon": [None, None, 116.43, None, None],
        "lat": [None, None, 39.93, None, None],
        "score": [1, 2, 3, 4, 5],
    }
)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("pack"))


def run(*arguments):
    return CliRunner().invoke(locate, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def rows(tmp_path):
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def test_every_row_and_column_stays(pack, rows, tmp_path):
    out = tmp_path / "out.parquet"
    result = run(pack, rows, "--address", "地址", "--out", out)
    assert result.exit_code == 0
    found = pd.read_parquet(out).set_index("编号")
    assert len(found) == len(ROWS)
    assert {*PLACE_COLUMNS, *JURISDICTION_COLUMNS, "street_name", "community_name"} <= set(found)
    assert found["score_given"].astype(int).tolist() == [1, 2, 3, 4, 5]
    assert found.loc["a", "street_name"] == "东华门街道"
    assert found.loc["b", "street_code"] == "110101001"
    assert found.loc["c", ["place_level", "street_name"]].tolist() == ["point", "新街口街道"]
    assert found.loc["d", "place_problem"] == "the address names another city or province"
    assert found.loc["e", ["place_level", "street_name"]].tolist() == ["street", "景山街道"]
    assert "5 rows: 4 located, 4 of them in a street, 1 unlocated" in result.output


def test_explain_tells_why(pack, rows, tmp_path):
    told = run(pack, rows, "--address", "地址", "--out", tmp_path / "o.csv", "--explain").output
    assert "和平小区 (name)" in told
    assert "Not placed: the address names another city or province" in told
    lines = run(
        pack, rows, "--address", "地址", "--out", tmp_path / "o.csv", "--explain", "--json"
    ).output.splitlines()
    explained = json.loads(lines[0])
    assert explained["row"] == 0
    assert explained["candidates"][0]["matched"] == "和平小区"
    assert json.loads(lines[-1])["located"] == 4


def test_dry_run_writes_nothing(pack, rows, tmp_path):
    result = run(pack, rows, "--address", "地址", "--out", tmp_path / "o.csv", "--dry-run")
    assert result.exit_code == 0
    assert not (tmp_path / "o.csv").exists()


def test_wrong_columns_and_endings_are_told(pack, rows, tmp_path):
    with pytest.raises(InvalidDataError, match=r"has no column .位置.*地址"):
        run(pack, rows, "--address", "位置", "--out", tmp_path / "o.csv")
    with pytest.raises(GeodataError, match="are not written"):
        run(pack, rows, "--address", "地址", "--out", tmp_path / "o.doc")
    ROWS[["编号"]].to_csv(tmp_path / "bare.csv", index=False)
    with pytest.raises(InvalidDataError, match="--address with one of: 编号"):
        run(pack, tmp_path / "bare.csv", "--out", tmp_path / "o.csv")


def test_degrees_in_another_datum_are_converted(pack, tmp_path):
    lon, lat = convert(116.43, 39.93, source="WGS84", target="GCJ-02")
    pd.DataFrame({"经度": [float(lon), 999], "纬度": [float(lat), 0]}).to_csv(
        tmp_path / "p.csv", index=False
    )
    out = tmp_path / "o.parquet"
    run(
        pack,
        tmp_path / "p.csv",
        "--lon",
        "经度",
        "--lat",
        "纬度",
        "--datum",
        "GCJ-02",
        "--out",
        out,
    )
    found = pd.read_parquet(out)
    assert found.loc[0, ["lon", "lat"]].tolist() == pytest.approx([116.43, 39.93], abs=1e-6)
    assert pd.isna(found.loc[1, "lon"])
    assert found.loc[1, "place_problem"]
