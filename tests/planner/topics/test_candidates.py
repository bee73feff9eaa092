"""Topics that were planted come out first, with their evidence, cure and month; the list says how firm it is."""

import numpy as np
import pandas as pd
import pytest

from planner.topics import Cure, ItemFacts, TopicError, find_topics
from planner.topics.candidates import TOP, TOPIC_COLUMNS, _find_evenness

AS_OF = pd.Timestamp("2026-01-01", tz="Asia/Shanghai")
N_ITEMS = 60
PLANTED = ("T03", "T17", "T41")


def make_orders(seed, *, months=None, grows=None):
    rng = np.random.default_rng(seed)
    parts = []
    for i in range(N_ITEMS):
        topic = f"T{i:02d}"
        planted = topic in PLANTED
        n = 900 if planted else int(rng.integers(20, 500))
        streets = rng.integers(0, 40 if planted else int(rng.integers(3, 40)), n)
        month = (
            rng.choice(np.array(months[topic]), n)
            if months and topic in months
            else rng.integers(1, 13, n)
        )
        year = 2024 + (rng.random(n) < (0.75 if grows == topic else 0.5))
        at = pd.to_datetime(
            [
                f"{y}-{m:02d}-{d:02d}"
                for y, m, d in zip(year, month, rng.integers(1, 28, n), strict=True)
            ]
        ).tz_localize("Asia/Shanghai")
        rate = 0.35 if planted else rng.uniform(0.55, 0.9)
        solved = pd.array(rng.random(n) < rate, dtype="boolean")
        solved[rng.random(n) < 0.4] = pd.NA
        parts.append(
            pd.DataFrame(
                {
                    "order_no": [f"{topic}-{k}" for k in range(n)],
                    "item_code": topic + "1",
                    "street_code": [f"S{s:02d}" for s in streets],
                    "received_at": at,
                    "closed_at": at
                    + pd.to_timedelta(rng.exponential(12 if planted else 5, n), unit="D"),
                    "solved": pd.Series(solved),
                    "person_key": [f"{topic}p{k}" for k in range(n)],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def make_facts():
    items = [f"T{i:02d}1" for i in range(N_ITEMS)]
    return ItemFacts(
        topics=pd.Series([item[:3] for item in items], index=items),
        leads=pd.Series(["D01"] * 30 + [""] * 30, index=items),
        units=pd.Series([3] * 40 + [0] * 20, index=items),
    )


def test_planted_topics_are_among_the_first():
    for seed in range(6):
        topics = find_topics(make_orders(seed), make_facts(), as_of=AS_OF)
        assert tuple(topics.columns) == TOPIC_COLUMNS
        assert set(PLANTED) <= set(topics["topic_code"].head(TOP))
        assert (topics["rank_low"] <= topics["rank"]).all()
        assert (topics["rank"] <= topics["rank_high"]).all()
        assert topics.drop(columns="low_street_share").notna().all().all()


def test_a_season_says_when_to_begin():
    topics = find_topics(make_orders(1, months={"T03": [11, 12, 1, 1]}), make_facts(), as_of=AS_OF)
    row = topics.set_index("topic_code").loc["T03"]
    assert (row["cure"], row["season_month"], row["best_month"]) == (Cure.SEASON, 11, 10)
    assert row["season_share"] == pytest.approx(1.0)


def test_growth_is_against_all_problems_together():
    topics = find_topics(make_orders(2, grows="T17"), make_facts(), as_of=AS_OF)
    cures = topics.set_index("topic_code")["cure"]
    assert cures["T17"] == Cure.GROWTH
    assert (cures == Cure.GROWTH).sum() <= 4


def test_the_lead_is_one_department_or_none():
    topics = find_topics(make_orders(3), make_facts(), as_of=AS_OF).set_index("topic_code")
    assert topics.loc["T03", "lead"] == "D01"
    assert topics.loc["T41", "lead"] == ""
    assert not topics.loc["T41", "is_held"]


def test_one_loud_person_is_no_topic():
    orders = make_orders(4)
    loud = orders[orders["item_code"] == "T101"].head(1)
    many = pd.concat([orders, *[loud] * 5000], ignore_index=True)
    before = find_topics(orders, make_facts(), as_of=AS_OF).set_index("topic_code")["persons"]
    after = find_topics(many, make_facts(), as_of=AS_OF).set_index("topic_code")["persons"]
    pd.testing.assert_series_equal(before, after)


def test_bounces_count_across_duties():
    orders = make_orders(5)
    passed = pd.Series(2, index=orders.loc[orders["item_code"] == "T101", "order_no"])
    plain = find_topics(orders, make_facts(), as_of=AS_OF).set_index("topic_code")
    told = find_topics(orders, make_facts(), as_of=AS_OF, bounces=passed).set_index("topic_code")
    assert told.loc["T10", "bounce_share"] == 1.0
    assert told.loc["T10", "cross_duty"] > plain.loc["T10", "cross_duty"]


def test_a_year_without_a_year_before_has_no_growth():
    orders = make_orders(6)
    recent = orders[orders["received_at"] >= AS_OF - pd.DateOffset(months=12)]
    topics = find_topics(recent, make_facts(), as_of=AS_OF)
    assert (topics["growth_ratio"] == 1.0).all()
    assert not (topics["cure"] == Cure.GROWTH).any()


def test_no_orders_no_answers_and_wrong_weights_are_said():
    orders = make_orders(7)
    assert find_topics(orders.iloc[:0], make_facts(), as_of=AS_OF).empty
    silent = orders.assign(solved=pd.Series(pd.NA, index=orders.index, dtype="boolean"))
    assert find_topics(silent, make_facts(), as_of=AS_OF)["score"].notna().all()
    with pytest.raises(TopicError, match="Unknown weight 'size'"):
        find_topics(orders, make_facts(), as_of=AS_OF, weights={"size": 1.0})
    with pytest.raises(TopicError, match="not all 0"):
        find_topics(orders, make_facts(), as_of=AS_OF, weights={"spread": 0.0})


def test_few_appeals_spread_alike_are_as_wide_as_many():
    rng = np.random.default_rng(3)
    share = rng.dirichlet(np.full(100, 2.0))
    counts = pd.DataFrame([rng.multinomial(n, share) for n in (300, 3_000, 30_000)])

    wide = _find_evenness(counts)

    assert wide.iloc[0] == pytest.approx(wide.iloc[2], rel=0.1)
    assert wide.iloc[1] == pytest.approx(wide.iloc[2], rel=0.02)
