"""Months hold one theme and at most three topics; seasonal ones come before their season."""

import pandas as pd

from planner.topics import make_topic_year


def make_topics(*rows):
    return pd.DataFrame(rows, columns=["topic_code", "rank", "best_month"])


def test_seasonal_topics_come_first_and_in_time():
    topics = make_topics(("a", 1, 0), ("b", 2, 10), ("c", 3, 10))
    year = make_topic_year(topics, pd.Series({"a": "1", "b": "2", "c": "3"}))
    months = {code: entry.month for entry in year for code in entry.topics}
    assert months == {"b": 10, "c": 9, "a": 1}


def test_a_month_has_one_theme_and_three_topics():
    topics = make_topics(*((f"t{i:02d}", i, 0) for i in range(40)))
    year = make_topic_year(topics, pd.Series({f"t{i:02d}": str(i % 4) for i in range(40)}))
    assert [entry.month for entry in year] == list(range(1, 13))
    assert all(len(entry.topics) <= 3 for entry in year)
    assert sum(len(entry.topics) for entry in year) == 36
    for entry in year:
        assert {int(code[1:]) % 4 for code in entry.topics} == {int(entry.theme)}


def test_january_is_near_december():
    topics = make_topics(("a", 1, 1), ("b", 2, 1))
    year = make_topic_year(topics, pd.Series({"a": "1", "b": "2"}))
    assert {code: entry.month for entry in year for code in entry.topics} == {"a": 1, "b": 12}


def test_nothing_picked_is_an_empty_year():
    assert not any(
        entry.topics for entry in make_topic_year(make_topics(), pd.Series(dtype=object))
    )
