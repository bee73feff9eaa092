"""Wall time and UTC against pandas, hour by hour around every change of the clocks."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from gridgov.rules.zone import find_shifts

HALF_HOURS = pd.date_range("1985-01-01", "2040-01-01", freq="30min", unit="us")


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_both_ways_are_those_of_pandas(zone: str) -> None:
    shifts = find_shifts(ZoneInfo(zone))
    at = HALF_HOURS.to_numpy().astype(np.int64)
    wall = HALF_HOURS.tz_localize("UTC").tz_convert(zone).tz_localize(None)
    assert (shifts.to_wall(at) == wall.to_numpy().astype(np.int64)).all()
    summer = np.zeros(len(HALF_HOURS), dtype=bool)  # of a repeated hour the second
    utc = HALF_HOURS.tz_localize(zone, ambiguous=summer, nonexistent="shift_forward")
    found = utc.tz_convert("UTC").tz_localize(None).to_numpy().astype(np.int64)
    assert (shifts.to_utc(at) == found).all()


def test_a_change_of_half_an_hour_moves_on_by_half_an_hour() -> None:
    # Lord Howe Island: from 02:00 to 02:30 on 2024-10-06.
    skipped = np.array(["2024-10-06T02:10"], dtype="datetime64[us]").astype(np.int64)
    found = find_shifts(ZoneInfo("Australia/Lord_Howe")).to_utc(skipped).astype("datetime64[us]")
    assert found[0] == np.datetime64("2024-10-05T15:30", "us")
