import pandas as pd
import pytest

from gridgov.rules.constants import make_constants
from planner.plans.street_indicators import make_city_figures, make_spans, make_year_rates

AS_OF = pd.Timestamp("2026-01-01", tz="Asia/Shanghai").to_pydatetime()
STREETS = pd.Index(["a", "b", "c"], name="street_code")


def make_orders(*rows):
    columns = [
        "street_code",
        "received_at",
        "item_code",
        "person_key",
        "contacted",
        "solved",
        "satisfied",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["received_at"] = pd.to_datetime(frame["received_at"]).dt.tz_localize("Asia/Shanghai")
    return frame.astype({"contacted": "boolean", "solved": "boolean"}).assign(
        level1_code=frame["item_code"].str[:2]
    )


@pytest.fixture
def figures():
    orders = make_orders(
        ("a", "2025-12-30", "0101", "p", True, True, "satisfied"),
        ("a", "2025-12-31", "0101", "p", True, False, "basically"),
        ("a", "2025-08-01", "0201", "q", None, None, None),
        ("b", "2024-12-20", "0101", "r", False, None, "unsatisfied"),
        (None, "2025-12-20", "0101", "r", True, True, "satisfied"),
        ("b", "2026-01-01", "0101", "r", True, True, "satisfied"),
    )
    return make_city_figures(orders, STREETS, make_spans(AS_OF, window_days=90, year_days=365))


def test_windows_are_counted_apart(figures):
    assert figures.counts["window"].tolist() == [2, 0, 0]
    assert figures.counts["year"].tolist() == [3, 0, 0]
    assert figures.counts["year_ago"].tolist() == [0, 1, 0]
    assert figures.counts["history"].tolist() == [3, 1, 0]


def test_a_window_that_the_orders_do_not_reach_is_said_so(figures):
    missing = {name for name, is_covered in figures.covered.items() if not is_covered}
    assert missing == {"year_ago", "last_year"}


def test_repeats_are_of_the_same_person_and_item(figures):
    assert figures.repeated.loc["a"].to_dict() == {"repeated": 1, "named": 3}


def test_profiles_add_up(figures):
    assert figures.hours.shape == (3, 24)
    assert figures.hours.loc["a"].sum() == 3
    assert figures.months.to_numpy().sum() == 4
    assert figures.level1.loc["a"].to_dict() == {"01": 2, "02": 1}


def test_the_rates_of_a_year_are_those_of_the_office_by_the_rules_of_the_assessment():
    orders = make_orders(
        ("a", "2025-12-30", "01", "p", True, True, "satisfied"),
        ("a", "2025-12-30", "01", "q", True, False, "basically"),
        ("a", "2025-01-30", "01", "r", False, False, "unsatisfied"),
        ("a", "2025-12-30", "01", "s", None, None, None),
        ("b", "2025-12-30", "01", "t", None, None, None),
        # in the street, but handled by a department
        ("a", "2025-12-30", "01", "u", True, True, "satisfied"),
    ).assign(unit_code=[None] * 5 + ["D1"])
    orders["order_no"] = [f"o{k}" for k in range(len(orders))]
    units = pd.DataFrame(
        {
            "unit_code": ["a", "b", "D1"],
            "name": ["a", "b", "D1"],
            "kind": ["street", "street", "department"],
            "district_code": "",
        }
    )
    rates = make_year_rates(orders, units, as_of=AS_OF, constants=make_constants())

    assert rates.loc["a", "callbacks"] == 3
    assert rates.loc["a", "response_rate"] == pytest.approx(2 / 3)
    assert rates.loc["a", "solution_rate"] == pytest.approx(1 / 3)
    assert rates.loc["a", "satisfaction_rate"] == pytest.approx(1.9 / 3)
    assert rates.loc["a", "solution_low"] < 1 / 3 < rates.loc["a", "solution_high"]
    assert rates.loc["b", "callbacks"] == 0
    assert pd.isna(rates.loc["b", "solution_rate"])
