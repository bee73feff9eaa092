"""Review of the four classes: entering, leaving with hysteresis, and decisions that a person answers for."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from gridgov.errors import GridgovError
from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.order_labels import load_labels
from gridgov.rules.streets.class_review import (
    MEASURE_COLUMNS,
    REVIEW_COLUMNS,
    ClassDecision,
    make_measures,
    review_classes,
)
from gridgov.rules.streets.class_rules import CLASSES, MEASURES, RULES, check_class_limits

CONSTANTS = make_constants()
MONTHS = [str(m) for m in pd.period_range("2024-11", periods=12, freq="M")]


def make_months(name, *values, street="S1", **others):
    """Return measures of one street, one row a month."""
    quiet = {"appeals_rank": 50.0, "population": 1000.0, "top_share": 0.5, "last_share": 0.5}
    rows = {"month": MONTHS[: len(values)], "street_code": street, "score_change": 0.0}
    return pd.DataFrame(quiet | rows | others | {name: values})[list(MEASURE_COLUMNS)]


def propose(frame, **options):
    review = review_classes(frame, constants=CONSTANTS, **options)
    assert tuple(review.columns) == REVIEW_COLUMNS
    return review["proposed"].tolist()


def decide(month, proposed, decided, **changes):
    facts = {
        "decided_by": "p1",
        "decided_at": datetime(2025, 1, 1, tzinfo=UTC),
        "reason": "现场核查",
    }
    return ClassDecision(
        street_code="S1", from_month=month, proposed=proposed, decided=decided, **facts | changes
    )


def test_governance_is_entered_at_once_and_left_after_three_months_beyond_the_limit():
    ranks = make_months("appeals_rank", 10, 12, 15, 16, 16, 9, 16, 16, 16, 10)

    assert propose(ranks) == ["governance"] * 8 + ["", "governance"]


def test_governance_by_residents_is_not_left_by_rank():
    assert (
        propose(make_months("appeals_rank", 90, 90, 90, 90, population=200_001.0))
        == ["governance"] * 4
    )
    unknown = make_months("appeals_rank", 1, 90, 90, 90, population=np.nan)
    assert propose(unknown) == ["governance"] * 3 + [""]


@pytest.mark.parametrize(
    ("name", "measure", "values", "classes"),
    [
        ("rectification", "last_share", (0.1, 0.1, 0.15, 0.25, 0.15, 0.25, 0.3), ".XXXXX."),
        ("advanced", "top_share", (0.1, 0.05, 0.1, 0.2, 0.21, 0.1, 0.3, 0.3), "..XXXXX."),
        ("improving", "score_change", (3.0, 4.0, 0.5, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0), ".XXXXXXX."),
    ],
)
def test_classes_are_left_later_than_they_are_entered(name, measure, values, classes):
    found = propose(make_months(measure, *values))

    expected = [name if mark == "X" else "" for mark in classes]
    assert found == expected


def test_the_first_class_of_the_table_wins():
    frame = make_months("last_share", 0.05, 0.05, 0.05, appeals_rank=[50, 50, 3])

    assert propose(frame) == ["", "rectification", "governance"]


def test_a_missing_month_breaks_a_row_and_changes_nothing():
    frame = make_months("last_share", 0.1, 0.1, 0.3, 0.3, 0.3)

    assert propose(frame.drop(index=2)) == ["", *["rectification"] * 3, ""]


def test_a_persons_decision_is_where_the_rules_go_on_from():
    frame = make_months("appeals_rank", 3, 3, 40, 40, 40, 40)
    kept_out = decide("2024-12", "governance", "")

    review = review_classes(frame, decisions=[kept_out], constants=CONSTANTS)

    assert review["proposed"].tolist() == ["governance", "governance", "", "", "", ""]
    assert review["class_before"].tolist() == ["", "governance", "", "", "", ""]
    assert review["decided"].fillna("-").tolist() == ["-", "", "-", "-", "-", "-"]


def test_the_latest_of_two_decisions_counts():
    frame = make_months("appeals_rank", 50, 50)
    early = decide("2024-11", "", "advanced")
    late = decide("2024-11", "", "improving", decided_at=datetime(2025, 2, 1, tzinfo=UTC))

    for decisions in ([early, late], [late, early]):
        review = review_classes(frame, decisions=decisions, constants=CONSTANTS)
        assert review["class_before"].tolist() == ["", "improving"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decided": "best"}, "class 'best'; expected one of governance"),
        ({"decided_by": ""}, "nobody who decided"),
        ({"reason": " "}, "no reason for differing"),
        ({"decided_at": datetime(2025, 1, 1)}, "a time without a zone"),  # noqa: DTZ001 - a time without a zone is the fault
    ],
)
def test_a_decision_must_be_accounted_for(changes, words):
    with pytest.raises(GridgovError, match=words):
        decide("2025-01", "", **{"decided": "governance"} | changes)


def test_agreeing_needs_no_reason():
    assert decide("2025-01", "governance", "governance", reason="").decided == "governance"


def test_reasons_name_the_figures_and_how_sure_the_limit_is():
    reasons = review_classes(make_months("appeals_rank", 3, 12, 20, 20, 20), constants=CONSTANTS)[
        "reason"
    ].tolist()

    assert reasons[0] == "诉求量全市第3位（前10位）"
    assert reasons[1] == "未达到退出条件，保持原类别"
    assert reasons[4] == "诉求量连续3个月在第15位之后（假定值）；常住人口不超过200000人"


def test_the_order_of_rows_does_not_show():
    rng = np.random.default_rng(5)
    parts = [
        make_months("last_share", *rng.choice([0.05, 0.15, 0.3], 12), street=f"S{k}")
        for k in range(6)
    ]
    frame = pd.concat(parts)

    review = review_classes(frame, constants=CONSTANTS)

    again = review_classes(frame.iloc[rng.permutation(len(frame))], constants=CONSTANTS)
    assert review.to_csv() == again.to_csv()
    alone = review_classes(parts[2], constants=CONSTANTS)
    assert review[review["street_code"] == "S2"]["proposed"].tolist() == alone["proposed"].tolist()


def test_limits_that_lie_the_wrong_way_round_are_said():
    constants = make_constants([make_constant("streets.governance_leave_rank", 5, "assumed")])

    with pytest.raises(ValueError, match=r"governance_leave_rank: found 5, expected at least"):
        check_class_limits(constants)


def test_a_street_that_comes_twice_is_an_error():
    frame = make_months("appeals_rank", 1)

    with pytest.raises(GridgovError, match="street S1 comes twice in 2024-11"):
        review_classes(pd.concat([frame, frame]), constants=CONSTANTS)


def test_the_table_of_rules_is_whole():
    assert {(r.street_class, r.event) for r in RULES} == {
        (name, event) for name in CLASSES for event in ("enter", "leave")
    }
    assert {rule.measure for rule in RULES} == set(MEASURES)
    assert all(load_labels()["rule", rule.code, lang] for rule in RULES for lang in ("zh", "en"))


def test_no_measures():
    assert review_classes(make_months("appeals_rank"), constants=CONSTANTS).empty


def test_appeals_of_a_year_are_counted_together():
    keys = [("2024-12", "S1"), ("2025-02", "S1"), ("2025-02", "S2"), ("2025-02", "S3")]
    appeals = pd.Series([5, 1, 4, 2], index=pd.MultiIndex.from_tuples(keys))
    ranking = pd.DataFrame({"month": "2025-02", "unit_code": ["S1", "S2", "S3", "S4"]})
    ranking = ranking.assign(score_change=np.nan, rank=pd.NA, ranked=pd.NA)

    def find_ranks(months):
        constants = make_constants(
            [make_constant("streets.governance_window_months", months, "assumed")]
        )
        return make_measures(ranking, appeals, constants=constants)["appeals_rank"].tolist()

    assert find_ranks(12) == [1, 2, 3, np.inf]
    assert find_ranks(2) == [3, 1, 2, np.inf]
