"""What a boundary change would do, counted by brute force."""

import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.errors import GeodataError
from geodata.territory import CHANGE_COLUMNS, make_territory, rejudge
from geodata.territory.changes import COUNT_COLUMNS
from tests.geodata.wavy_areas import METRIC_CRS, to_degrees, to_points


def make_version(border_m, version):
    halves = [
        shapely.box(-1_000, -1_000, border_m, 1_000),
        shapely.box(border_m, -1_000, 1_000, 1_000),
    ]
    streets = to_degrees(halves, ["110101001", "110101002"], key="street_code")
    return make_territory(
        streets.assign(name=["西街道", "东街道"]), metric_crs=METRIC_CRS, version=version
    )


OLD, NEW = make_version(0, "2023"), make_version(300, "2024")


def make_points(count=2_000):
    x, y = np.random.default_rng(0).uniform(-900, 900, (2, count))
    lon, lat = to_points(x, y)
    numbers = [f"o{k}" for k in range(count)]
    return x, pd.DataFrame({"order_no": numbers, "lon": lon, "lat": lat}).set_index(
        pd.Index(range(50, 50 + count))
    )


def test_the_band_between_the_borders_changes_street():
    x, points = make_points()
    changes = rejudge(points, OLD, NEW)
    band = (x > 0) & (x < 300)
    assert changes.rows.index.tolist() == points.index[band].tolist()
    assert changes.rows["order_no"].tolist() == points["order_no"][band].tolist()
    assert list(changes.rows.columns) == ["order_no", *CHANGE_COLUMNS]
    assert (changes.old_version, changes.new_version) == ("2023", "2024")
    assert (changes.judged, changes.skipped, len(changes)) == (len(points), 0, band.sum())
    assert list(changes.counts.columns) == list(COUNT_COLUMNS)
    counted = changes.counts.iloc[0].to_dict()
    assert counted == {
        "from_code": "110101002",
        "from_name": "东街道",
        "to_code": "110101001",
        "to_name": "西街道",
        "places": band.sum(),
    }
    assert changes.counts["places"].sum() == len(changes)


def test_what_was_decided_then_counts_more_than_the_old_map():
    _, points = make_points(200)
    moved = rejudge(points, OLD, NEW).rows.index
    decided = rejudge(points, OLD, NEW).rows["to_code"].iloc[0]
    points["street_code"] = "110101009"
    points.loc[moved[0], "street_code"] = ""
    points.loc[moved[1], "street_code"] = decided  # already what the new map says
    changes = rejudge(points, OLD, NEW)
    assert changes.rows.index.tolist() == [moved[0], *moved[2:]]
    assert "street_code" not in changes.rows
    assert changes.counts["from_code"].isna().sum() == 1


def test_where_no_boundary_moved_nothing_changes_whatever_was_decided():
    _, points = make_points(200)
    points["street_code"] = "110101009"
    points.loc[points.index[:20], "street_code"] = ""
    assert len(rejudge(points, NEW, NEW)) == 0


def test_places_without_coordinates_are_counted_and_left_alone():
    _, points = make_points(10)
    points.loc[points.index[:3], "lat"] = np.nan
    changes = rejudge(points, OLD, NEW)
    assert (changes.judged, changes.skipped) == (7, 3)
    empty = rejudge(points.iloc[:0], OLD, NEW)
    assert (empty.judged, len(empty), len(empty.counts)) == (0, 0, 0)


def test_equal_boundaries_change_nothing_and_a_smaller_city_loses_places():
    _, points = make_points(300)
    assert len(rejudge(points, OLD, OLD)) == 0
    part = to_degrees([shapely.box(-1_000, -1_000, 0, 1_000)], ["110101001"], key="street_code")
    lost = rejudge(points, OLD, make_territory(part, metric_crs=METRIC_CRS))
    assert lost.rows["to_code"].isna().all()
    assert lost.counts["to_code"].isna().tolist() == [True]


def test_missing_columns_are_named():
    with pytest.raises(GeodataError, match="no column lat"):
        rejudge(pd.DataFrame({"lon": [1.0]}), OLD, NEW)
