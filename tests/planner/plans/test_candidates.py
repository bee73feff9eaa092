from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from planner.plans.candidates import EVIDENCE_COLUMNS, sort_hotspots

YEAR = (date(2025, 1, 1), date(2025, 12, 31))
EVIDENCE = pd.DataFrame(columns=[*EVIDENCE_COLUMNS, "hotspot_id"]).astype(
    {"received_at": "datetime64[ns, Asia/Shanghai]"}
)


def sort_one(kind, end, *, months="", archived=False, origin="", over_months=3):
    row = {
        "hotspot_id": "H1",
        "name": "somewhere",
        "street_code": "S1",
        "community_code": None,
        "street_shares": "S1:1",
        "place_name": "",
        "scale": "item",
        "kind": kind,
        "patterns": "",
        "months": months,
        "archived": archived,
        "origin": origin,
        "item_code": "0101",
        "item_level": 3,
        "lon": 116.4,
        "lat": 39.9,
        "radius_m": 100.0,
        "cells": "",
        "count": 20,
        "persons": 20,
        "expected": 2.0,
        "p": 1e-6,
        "q": 1e-5,
        "window_start": "2024-06-01",
        "window_end": end,
    }
    hotspots = gpd.GeoDataFrame([row], geometry=[Point(116.4, 39.9).buffer(0.001)], crs="EPSG:4326")
    spots = sort_hotspots(
        hotspots,
        EVIDENCE,
        year=YEAR,
        names={"S1": "甲街道"},
        joint_share=0.1,
        over_months=over_months,
        weights={},
    )
    return [one.reason for one in spots.untreated.get("S1", ())], spots.candidates


@pytest.mark.parametrize("kind", ["burst", "falling"])
def test_a_place_that_passed_on_its_own_some_months_ago_is_listed_and_not_governed(kind):
    assert sort_one(kind, "2025-09-30")[0] == ["over"]
    assert sort_one(kind, "2025-10-01")[0] == []
    assert sort_one(kind, "2025-09-30", over_months=4)[0] == []


@pytest.mark.parametrize(("kind", "months"), [("seasonal", "6;7;8"), ("recurring", "")])
def test_what_comes_back_is_a_task_also_long_after_its_last_time(kind, months):
    reasons, candidates = sort_one(kind, "2025-08-31", months=months)

    assert reasons == []
    assert [one.pattern for one in candidates["S1"]] == [kind]


def test_an_end_that_was_found_and_an_institution_are_told_by_their_own_names():
    assert sort_one("ended", "2025-06-30", archived=True)[0] == ["ended"]
    assert sort_one("falling", "2025-06-30", origin="institution")[0] == ["institution"]
