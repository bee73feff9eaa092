"""Exclusions: in force only with a known reason and a second person, and never another unit's business."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.errors import GridgovError
from gridgov.rules.constants import make_constants
from gridgov.rules.rates.exclusions import find_exclusions
from gridgov.rules.rates.three_rates import make_counts, make_rates

NOW = pd.Timestamp("2025-03-20", tz="Asia/Shanghai")
CONSTANTS = make_constants()
ORDERS = pd.Series(["A", "B", "C"])
SOUND = {
    "order_no": "B",
    "reason_code": "unreasonable",
    "proposed_by": "p1",
    "proposed_at": "2025-03-01",
    "approved_by": "p2",
    "approved_at": "2025-03-02",
}


def make_exclusions(*changes):
    frame = pd.DataFrame([SOUND | change for change in changes], columns=list(SOUND))
    for name in ("proposed_at", "approved_at"):
        frame[name] = pd.to_datetime(frame[name]).dt.tz_localize("Asia/Shanghai")
    return frame


def find(frame):
    return find_exclusions(frame, ORDERS, as_of=NOW, constants=CONSTANTS)


def test_a_sound_exclusion_is_in_force():
    reasons, problems = find(make_exclusions({}))

    assert reasons.dropna().to_dict() == {1: "unreasonable"}
    assert problems == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"order_no": "X"}, "is no order judged here"),
        ({"reason_code": "tired"}, "is no reason code"),
        ({"proposed_by": None}, "nobody proposed it"),
        ({"approved_by": None}, "no second person approved"),
        ({"approved_by": " p1 "}, "no second person approved"),
        ({"approved_at": None}, "not a time after the proposal"),
        ({"approved_at": "2025-02-01"}, "not a time after the proposal"),
        ({"approved_at": "2025-04-01"}, "still to come"),
    ],
)
def test_one_that_is_not_in_force_is_told_and_changes_nothing(change, words):
    reasons, (problem,) = find(make_exclusions(change))

    assert reasons.isna().all()
    assert words in problem.problem
    assert (problem.row, problem.severity) == (2, "warning")


def test_an_order_excluded_twice_has_the_first_reason():
    rows = make_exclusions({"reason_code": "out_of_duty", "approved_at": "2025-03-05"}, {})

    assert find(rows)[0].dropna().tolist() == ["unreasonable"]
    assert find(rows.iloc[::-1])[0].dropna().tolist() == ["unreasonable"]


def test_a_missing_column_is_named():
    with pytest.raises(GridgovError, match="exclusions: column approved_by is missing"):
        find(make_exclusions({}).drop(columns="approved_by"))


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_an_exclusion_never_changes_another_units_rates(data):
    row = st.tuples(
        st.sampled_from(["U1", "U2", "U3"]),
        st.booleans(),
        st.sampled_from([0, 2]),
        st.sampled_from([0, 1, 2]),
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=20))
    judged = pd.DataFrame(rows, columns=["unit_code", "valid", "solved", "satisfied"])
    judged = judged.assign(month="2025-03", contacted=2, flag="", excluded=False)
    chosen = data.draw(st.integers(0, len(rows) - 1))

    before = make_rates(make_counts(judged), constants=CONSTANTS).set_index("unit_code")
    judged.loc[chosen, "excluded"] = True
    after = make_rates(make_counts(judged), constants=CONSTANTS).set_index("unit_code")

    unit = judged.loc[chosen, "unit_code"]
    pd.testing.assert_frame_equal(before.drop(unit), after.drop(unit))
    assert after.loc[unit, "excluded"] == 1
    assert (
        after.loc[unit, "callbacks"] == before.loc[unit, "callbacks"] - judged.loc[chosen, "valid"]
    )
    assert after.loc[unit, "orders"] == before.loc[unit, "orders"]
