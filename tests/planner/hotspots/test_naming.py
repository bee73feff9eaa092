import numpy as np
import pandas as pd

from planner.hotspots.describe import find_origin
from planner.hotspots.naming import find_place_name, is_one_address, read_addresses

COMPOUND = [
    "旧宫地区松庆公寓8号楼4单元",
    "松庆公寓3号楼",
    "大兴区松庆公寓",
    "松庆公寓1号楼2单元",
    "雁场路181号",
]


def make_rows(texts, *, spread_m=0.0):
    rng = np.random.default_rng(1)
    n = len(texts)
    return pd.DataFrame(
        {
            "address": texts,
            "lon": 116.3 + rng.normal(0, spread_m / 85_000, n),
            "lat": 39.9 + rng.normal(0, spread_m / 111_000, n),
            "person_key": [f"P{k}" for k in range(n)],
            "received_at": pd.date_range("2025-01-01", periods=n, freq="3D", tz="Asia/Shanghai"),
        }
    )


def test_the_commonest_compound_gives_the_name():
    assert find_place_name(read_addresses(make_rows(COMPOUND))) == "松庆公寓"


def test_a_compound_is_many_addresses():
    rows = make_rows(COMPOUND)

    assert not is_one_address(read_addresses(rows), rows)


def test_a_door_is_one_address():
    rows = make_rows(["通州区雁场路181号"] * 4 + ["雁场路9号"] * 3, spread_m=400.0)

    assert is_one_address(read_addresses(rows), rows)


def test_a_named_place_is_one_address_only_where_its_points_lie_together():
    near = make_rows(["岭园健身房"] * 6 + ["雁场路9号"] * 3, spread_m=8.0)
    village = make_rows(["河西村口"] * 9, spread_m=300.0)

    assert is_one_address(read_addresses(near), near)
    assert not is_one_address(read_addresses(village), village)


def test_without_addresses_there_is_no_name():
    rows = make_rows([None, ""])

    assert find_place_name(read_addresses(rows)) == ""
    assert not is_one_address(read_addresses(rows), rows)


def test_where_more_than_half_comes_from():
    rows = make_rows(["a"] * 9)

    assert find_origin(rows, is_one=False) == ""
    assert find_origin(rows, is_one=True) == "institution"
    assert find_origin(rows.assign(person_key="P0"), is_one=True) == "batch"
    assert (
        find_origin(rows.assign(received_at=rows["received_at"].iloc[0]), is_one=False) == "one day"
    )
