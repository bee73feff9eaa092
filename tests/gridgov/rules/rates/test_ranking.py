"""Ranking: groups, ties, smallest n, the month before, and who is commended or called in."""

import numpy as np
import pandas as pd
import pytest

from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.rates.ranking import RANKING_COLUMNS, find_groups, make_ranking


def make_city(**values):
    return make_constants(make_constant(f"rates.{k}", v, "assumed") for k, v in values.items())


def make_scores(scores, *, month="2025-03", callbacks=100, half_width=1.0):
    codes = [f"S{k:02d}" for k in range(len(scores))]
    score = np.array(scores, dtype=float)
    columns = {"unit_code": codes, "callbacks": callbacks, "score": score}
    edges = {"score_low": score - half_width, "score_high": score + half_width}
    return pd.DataFrame(columns | edges).assign(month=month)


def rank(frame, constants=None, groups=None):
    if groups is None:
        groups = pd.Series("streets", index=frame["unit_code"].unique())
    return make_ranking(frame, groups, constants=constants or make_city())


def test_groups_follow_from_kind_and_district():
    units = pd.DataFrame(
        {
            "unit_code": ["110101", "110118", "S1", "D01", "desk"],
            "kind": ["district", "district", "street", "department", "desk"],
        }
    )
    together = find_groups(units, constants=make_city())
    apart = find_groups(units, constants=make_city(inner_districts=["110101"]))

    assert together.dropna().tolist() == ["districts", "districts", "streets", "departments"]
    assert apart[["110101", "110118"]].tolist() == ["inner_districts", "outer_districts"]
    assert together.isna()["desk"]


def test_ties_share_a_rank():
    ranks = rank(make_scores([90.0, 95.0, 90.0, 80.0]))

    assert tuple(ranks.columns) == RANKING_COLUMNS
    assert ranks["rank"].tolist() == [2, 1, 2, 4]
    assert ranks["ranked"].tolist() == [4, 4, 4, 4]


def test_too_few_callbacks_no_rank():
    ranks = rank(make_scores([90.0, 95.0, np.nan], callbacks=[30, 29, 50]))

    assert ranks["rank"].isna().tolist() == [False, True, True]
    assert ranks["rank"].iloc[0] == 1


def test_groups_and_months_are_ranked_apart():
    frame = pd.concat(
        [make_scores([90.0, 80.0]), make_scores([70.0, 60.0], month="2025-02")], ignore_index=True
    )
    frame.loc[1, "unit_code"] = "D1"

    ranks = rank(frame, groups=pd.Series({"S00": "streets", "S01": "streets", "D1": "departments"}))

    assert ranks["rank"].tolist() == [1, 1, 1, 2]


def test_the_month_before_over_a_year_end_and_over_a_gap():
    parts = [("2024-11", 70.0), ("2024-12", 80.0), ("2025-01", 85.5), ("2025-03", 60.0)]
    frame = pd.concat([make_scores([s], month=m) for m, s in parts], ignore_index=True)

    ranks = rank(frame)

    assert ranks["score_change"].fillna(0).tolist() == [0, 10.0, 5.5, 0]
    assert ranks["rank_before"].isna().tolist() == [True, False, False, True]


def find_outcomes(frame, **values):
    words = rank(frame, make_city(**values))["outcome"]
    return {code: word for code, word in zip(frame["unit_code"], words, strict=True) if word}


def test_first_and_last_of_a_large_group():
    frame = make_scores([70.0, *[85.0] * 18, 95.0])

    assert find_outcomes(frame) == {"S00": "interview", "S19": "commended"}
    assert find_outcomes(frame, interview_share=0.0) == {"S19": "commended"}
    assert find_outcomes(frame, outcome_units_min=21) == {}


def test_chance_alone_calls_nobody_in():
    frame = make_scores([83.0, *[85.0] * 18, 87.0], half_width=5.0)

    assert find_outcomes(frame) == {}
    assert find_outcomes(frame, outcome_sure=0) == {"S00": "interview", "S19": "commended"}


def test_all_alike_nobody_is_first_and_last_at_once():
    assert find_outcomes(make_scores([85.0] * 12), outcome_sure=0) == {}


def test_ties_at_the_cut_are_treated_alike():
    frame = make_scores([70.0, 70.0, *[85.0] * 18])

    assert find_outcomes(frame, commended_share=0.0) == dict.fromkeys(("S00", "S01"), "interview")


@pytest.mark.parametrize(("share", "expected"), [(0.1, 2), (0.149, 2), (0.15, 3)])
def test_the_share_of_a_group_is_rounded_down(share, expected):
    frame = make_scores(np.arange(20.0), half_width=0.0)

    found = find_outcomes(frame, interview_share=share, commended_share=0.0)

    assert sorted(found) == [f"S{k:02d}" for k in range(expected)]


def test_the_group_score_weighs_by_callbacks():
    frame = make_scores([90.0, 60.0], callbacks=[100, 50])

    assert rank(frame)["group_score"].tolist() == [80.0, 80.0]
