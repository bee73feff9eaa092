"""Files of a run: what people typed into any column is masked, unless asked otherwise."""

import geopandas as gpd
import pandas as pd
import pytest

from geodata.problems import Problem, make_problem_frame
from gridgov.frames import ORDER_COLUMNS
from planner.jobs.outputs import write_tables

SAID = "不知道，打13812345678问"


@pytest.mark.parametrize("is_masked", [True, False])
def test_problems_are_masked_like_the_orders(tmp_path, is_masked):
    orders = pd.DataFrame([dict.fromkeys(ORDER_COLUMNS) | {"order_no": "A1", "text": SAID}])
    found = [
        Problem(file="a.csv", row=2, field="time", value=SAID, problem="is no time"),
        Problem(file="a.csv", row=3, field="time", value="空" * 190 + "13987654321", problem=""),
    ]
    write_tables(
        tmp_path,
        orders=orders.astype({"text": "str", "address": "str"}),
        problems=make_problem_frame(found),
        hotspots=gpd.GeoDataFrame(
            {"hotspot_id": ["H1"]}, geometry=gpd.points_from_xy([1], [1]), crs=4326
        ),
        is_masked=is_masked,
    )
    for name in ("orders.csv", "problems.csv"):
        text = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert ("13812345678" in text) is not is_masked, name
        assert ("138****5678" in text) is is_masked, name
    cut = (tmp_path / "problems.csv").read_text(encoding="utf-8-sig").splitlines()[-1]
    assert ("139876543" in cut) is not is_masked
    assert "空…" in cut or not is_masked
