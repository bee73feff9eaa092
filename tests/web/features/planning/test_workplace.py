from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from web.features.planning.workplace import find_week_progress, say_value


def step(day, share):
    return SimpleNamespace(at=datetime(2025, 6, day, 4, tzinfo=UTC), progress_share=share)


def test_the_last_word_of_each_week(monkeypatch):
    monkeypatch.setattr("web.features.planning.workplace.find_zone", lambda: UTC)
    weeks = [date(2025, 6, 2), date(2025, 6, 9), date(2025, 6, 16)]

    told = find_week_progress([step(17, 0.6), step(5, 0.3), step(3, 0.1)], weeks)

    assert told == [0.3, None, 0.6]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("甲", "甲"),
        (3, "3"),
        ({"unit_code": "D1", "name": "城管委"}, "城管委"),
        ([{"name": "甲"}, {"name": "乙"}], "甲、乙"),
        ({"low": 1, "high": 2}, "low: 1、high: 2"),
    ],
)
def test_values_as_people_read_them(value, text):
    assert say_value(value) == text
