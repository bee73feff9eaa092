"""What a report says, against counts made by hand and by brute force."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from gridgov.rules.reports import (
    Naming,
    PeriodCounts,
    ReportScope,
    compose_report,
    count_orders,
    make_figures,
    read_figures,
    read_period,
)
from gridgov.rules.reports.counting import DAY_COLUMNS, OUTCOMES, PART_COLUMNS

MAY = read_period("monthly", "2025-05")
CITY = ReportScope(level="city", code="", name="市")
WEST = ReportScope(
    level="district",
    code="D1",
    name="西区",
    unit_code="U1",
    streets=frozenset({"S1", "S2"}),
    residents=20_000,
)
NAMING = Naming(
    areas={"S1": "一街", "S2": "二街"},
    items={"1": "市容", "2": "水务"},
    tags={"11": ("便利性",), "21": ("便利性", "安全性")},
)


def make_counts(*rows):
    """Return counts from rows of street, level-1 item and numbers by outcome."""
    parts = [
        {
            "street_code": street,
            "community_code": f"{street}C",
            "level1_code": item,
            "item_code": f"{item}1" if item else "",
            **dict.fromkeys(OUTCOMES, 0),
            **numbers,
        }
        for street, item, numbers in rows
    ]
    frame = pd.DataFrame(parts, columns=list(PART_COLUMNS))
    days = pd.DataFrame(
        [{"street_code": one["street_code"], "day": date(2025, 5, 3), "n": 1} for one in parts],
        columns=list(DAY_COLUMNS),
    )
    return PeriodCounts(parts=frame, days=days)


def compose(counts, scope=CITY, *, before=None, **more):
    then = make_counts() if before is None else before
    figures = make_figures(then, scope, NAMING.tags)
    empty = make_figures(make_counts(), scope, NAMING.tags)
    return compose_report(
        MAY, scope, counts, naming=NAMING, before=figures, year_before=empty, **more
    )


def get(content, key):
    return next(one for one in content["figures"] if one["key"] == key)


def test_everything_adds_up():
    counts = make_counts(
        ("S1", "1", {"solved": 30, "unsolved": 10}),
        ("S2", "2", {"open": 5, "merged": 2, "excluded": 1}),
        ("S3", "", {"partly": 4}),
        ("", "1", {"open": 3}),
    )
    city = compose(counts)

    assert get(city, "orders")["value"] == 55
    assert sum(city["outcomes"].values()) == 55
    for name in ("areas", "items"):
        assert sum(row["n"] for row in city[name]) == 55
    assert get(city, "solved_share") | {"before": None, "year_before": None} == {
        "key": "solved_share",
        "value": 30 / 44,
        "n": 44,
        "before": None,
        "year_before": None,
    }
    assert sum(city["days"].values()) == 4
    assert next(iter(city["days"])) == "2025-05-01"
    assert list(city["days"])[-1] == "2025-05-31"


def test_a_district_has_its_streets_alone():
    counts = make_counts(("S1", "1", {"open": 7}), ("S3", "1", {"open": 50}))
    west = compose(counts, WEST)

    assert get(west, "orders")["value"] == 7
    assert [row["code"] for row in west["areas"]] == ["S1"]
    rate = get(west, "per_10k")
    assert rate["value"] == 3.5
    # Garwood: so many or more, so many or fewer, each with 2.5 %
    assert poisson.sf(6, rate["low"] * 2) == pytest.approx(0.025, abs=1e-3)
    assert poisson.cdf(7, rate["high"] * 2) == pytest.approx(0.025, abs=1e-3)


def test_a_street_lists_its_communities():
    street = ReportScope(level="street", code="S1", name="一街", streets=frozenset({"S1"}))
    content = compose(make_counts(("S1", "1", {"open": 7})), street)

    assert [row["code"] for row in content["areas"]] == ["S1C"]


def test_an_appeal_counts_in_each_tag_of_its_item():
    content = compose(make_counts(("S1", "1", {"open": 7}), ("S1", "2", {"solved": 3})))

    assert {row["code"]: row["n"] for row in content["tags"]} == {"便利性": 10, "安全性": 3}


def test_what_has_gone_is_a_row_too():
    content = compose(
        make_counts(("S1", "1", {"open": 7})), before=make_counts(("S2", "2", {"open": 12}))
    )

    rows = {row["code"]: (row["n"], row["before"]) for row in content["items"]}
    assert rows == {"1": (7, 0), "2": (0, 12)}


def test_a_change_beyond_chance_is_a_point_and_one_within_is_none():
    before = make_counts(("S1", "1", {"open": 100}), ("S2", "2", {"open": 100}))
    now = make_counts(("S1", "1", {"open": 180}), ("S2", "2", {"open": 115}))
    points = compose(now, before=before)["points"]

    assert [(one["key"], one["name"]) for one in points] == [
        ("area_up", "一街"),
        ("item_up", "市容"),
    ]
    assert points[0]["change"] == pytest.approx(0.8)


def test_points_rarely_come_from_chance():
    """Of months with the same rate, far fewer than one in a hundred shows a change for sure."""
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(400):
        then, now = (make_counts(("S1", "1", {"open": int(n)})) for n in rng.poisson(60, 2))
        found += len(compose(now, before=then)["points"]) > 0
    assert found <= 4


def test_an_item_that_is_solved_less_often_than_in_the_city_is_a_point():
    counts = make_counts(
        ("S1", "1", {"solved": 10, "unsolved": 40}), ("S3", "1", {"solved": 900, "unsolved": 100})
    )
    (point,) = compose(counts, WEST)["points"]

    assert (point["key"], point["n"], point["value"]) == ("item_unsolved", 50, 0.2)
    assert point["city"] == pytest.approx(910 / 1050)


def test_tasks_that_are_late_are_a_point():
    task = {
        "street_code": "S1",
        "task_no": "T01",
        "title": "治理",
        "lead": "",
        "state": "running",
        "progress": 0.5,
        "due_on": "2025-05-01",
        "is_late": True,
    }
    other = task | {"street_code": "S3"}
    content = compose(make_counts(("S1", "1", {"open": 7})), WEST, tasks=[task, other])

    assert get(content, "tasks_late")["value"] == 1
    assert content["points"] == [{"key": "task_late", "n": 1, "names": ["T01 治理"]}]


def test_the_figures_of_a_report_are_those_that_the_next_compares_with():
    counts = make_counts(("S1", "1", {"solved": 30}), ("S2", "2", {"open": 5}))
    figures = make_figures(counts, CITY, NAMING.tags)
    kept = read_figures(compose(counts))

    assert kept.is_kept
    assert (kept.orders, dict(kept.outcomes)) == (figures.orders, dict(figures.outcomes))
    for name in ("areas", "items", "tags"):
        assert dict(getattr(kept, name)) == dict(getattr(figures, name))


def test_a_period_without_appeals_says_nothing_and_breaks_nothing():
    content = compose(make_counts())

    assert get(content, "orders")["value"] == 0
    assert get(content, "solved_share")["value"] is None
    assert content["areas"] == content["items"] == content["points"] == []


def test_rows_count_by_the_day_of_the_citys_zone():
    received = pd.to_datetime(["2025-04-30 15:59:59", "2025-04-30 16:00:00", "2025-05-31 15:59:59",
                               "2025-05-31 16:00:00"], utc=True)  # fmt: skip
    orders = pd.DataFrame(
        {
            "street_code": "S1",
            "community_code": None,
            "level1_code": "1",
            "item_code": "11",
            "outcome": "open",
            "received_at": received.tz_convert("Asia/Shanghai"),
        }
    )
    counts = count_orders(orders, MAY)

    assert int(counts.parts["open"].sum()) == 2
    assert counts.days["day"].tolist() == [date(2025, 5, 1), date(2025, 5, 31)]
