from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.plans.targets import (
    Outlook,
    PoolMember,
    TargetLimits,
    Watch,
    draw_future,
    draw_persons,
    find_pools,
    find_target,
    judge_futures,
)

LIMITS = TargetLimits(miss_share=0.1, hit_share=0.8)


def make_outlook(monthly, *, effect=0.3, months=(3, 6, 9, 12), history=24, **more):
    """Return the outlook of a place with `monthly` persons a month over the whole history."""
    watches = tuple(
        Watch(
            months=m,
            start=date(2026, 1, 1),
            end=date(2026, 12, 31),
            baseline=round(monthly * m),
            seen=round(monthly * history),
            seen_exposure=float(history),
            exposure=float(m),
        )
        for m in months
    )
    return Outlook(watches=watches, effect=effect, usual_per_month=0.2, **more)


def test_a_place_with_many_appeals_is_judged_after_the_shortest_watch():
    found = find_target([make_outlook(40)], LIMITS, np.random.default_rng(1))

    assert found.watch.months == 3
    assert 0 < found.threshold < found.expected
    assert found.p_if_nothing <= 0.1
    assert found.p_if_effect >= 0.8


def test_fewer_appeals_need_a_longer_watch_and_too_few_have_no_target():
    longer = find_target([make_outlook(8)], LIMITS, np.random.default_rng(1))
    none = find_target([make_outlook(1)], LIMITS, np.random.default_rng(1))

    assert longer.watch.months > 3
    assert longer.threshold is not None
    assert none.threshold is None
    assert none.p_if_effect < 0.8


def test_places_that_are_too_small_alone_are_judged_together():
    small = [make_outlook(2)] * 6
    assert find_target(small[:1], LIMITS, np.random.default_rng(1)).threshold is None

    found = find_target(small, LIMITS, np.random.default_rng(1))
    assert found.threshold is not None
    assert found.baseline == 2 * 6 * found.watch.months


def test_a_burst_that_may_end_on_its_own_is_no_success():
    lasting = find_target([make_outlook(40)], LIMITS, np.random.default_rng(1))
    burst = find_target([make_outlook(40, stays=0.6)], LIMITS, np.random.default_rng(1))

    assert lasting.threshold is not None
    assert burst.threshold is None


@pytest.mark.parametrize(("monthly", "spread"), [(20, 1.0), (20, 1.6), (60, 3.0)])
def test_draws_have_the_mean_and_variance_of_the_prediction(monthly, spread):
    outlook = make_outlook(monthly, dispersion=spread)
    watch = outlook.watches[0]
    without, with_effect = draw_persons(outlook, watch, np.random.default_rng(3), draws=200_000)

    mean = (watch.seen + 0.5) * watch.exposure / watch.seen_exposure
    # gamma level with spread times the variance of a Poisson history, then a count with spread times its mean
    variance = spread * mean + spread * mean * watch.exposure / watch.seen_exposure
    assert without.mean() == pytest.approx(mean, rel=0.01)
    assert without.var() == pytest.approx(variance, rel=0.03)
    assert with_effect.mean() == pytest.approx(0.7 * mean, rel=0.01)


def test_both_probabilities_hold_when_the_future_is_simulated():
    rng = np.random.default_rng(5)
    chance, success = [], []
    for _ in range(400):
        level = rng.uniform(10, 40)
        outlook = make_outlook(level)
        seen = rng.poisson(level * 24)
        watches = tuple(replace(one, seen=seen) for one in outlook.watches)
        found = find_target([replace(outlook, watches=watches)], LIMITS, rng)
        if found.threshold is None:
            continue
        chance.append(rng.poisson(level * found.watch.months) <= found.threshold)
        success.append(rng.poisson(0.7 * level * found.watch.months) <= found.threshold)

    assert len(chance) > 300
    assert np.mean(chance) <= 0.13
    assert np.mean(success) >= 0.78


@settings(max_examples=40, deadline=None)
@given(
    monthly=st.floats(0.1, 80),
    effect=st.floats(0.05, 0.9),
    spread=st.floats(1.0, 3.0),
    seed=st.integers(0, 9),
)
def test_a_target_lies_below_the_expectation_and_holds_both_limits(monthly, effect, spread, seed):
    outlook = make_outlook(monthly, effect=effect, dispersion=spread)
    found = find_target([outlook], LIMITS, np.random.default_rng(seed))

    if found.threshold is not None:
        assert 0 <= found.threshold < found.expected
        assert found.p_if_nothing <= 0.1
        assert found.p_if_effect >= 0.8


def test_the_same_seed_gives_the_same_target():
    first, again = (
        find_target([make_outlook(9)], LIMITS, np.random.default_rng(7)) for _ in range(2)
    )
    assert first == again


def test_outlooks_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="watches"):
        find_target(
            [make_outlook(9), make_outlook(9, months=(3,))], LIMITS, np.random.default_rng(1)
        )


def make_member(name, monthly, street, *, item="I1", district="D1", **more):
    outlook = make_outlook(monthly, **more)
    groups = {"street": street, "item": item, "district": district, "city": "city"}
    future = draw_future(outlook, np.random.default_rng(sum(name.encode())))
    return PoolMember(task_id=name, groups=groups, future=future)


def test_tasks_of_one_street_are_judged_together_before_others_are_asked():
    members = [make_member(f"A{k}", 3, "A") for k in range(3)]
    members += [make_member(f"B{k}", 3, "B") for k in range(3)]
    pools = find_pools(members, LIMITS, watches=4)

    assert {pool.scope for pool in pools.values()} == {"street"}
    for street in "AB":
        assert set(pools[f"{street}0"].task_ids) <= {f"{street}{k}" for k in range(3)}


def test_what_is_too_small_in_a_street_is_judged_with_its_item_then_its_district():
    single = [make_member(f"T{k}", 3, f"S{k}", item="I1" if k < 4 else f"I{k}") for k in range(8)]
    pools = find_pools(single, LIMITS, watches=4)

    assert pools["T0"].scope == "item"
    assert {pools[f"T{k}"].scope for k in range(4, 8)} == {"district"}
    assert set(pools["T4"].task_ids).isdisjoint(pools["T0"].task_ids)


def test_a_pool_is_as_small_as_will_do_and_holds_both_limits():
    members = [make_member(f"T{k:02d}", 3, "A") for k in range(12)]
    pools = {pool.task_ids: pool for pool in find_pools(members, LIMITS, watches=4).values()}
    futures = {one.task_id: one.future for one in members}

    assert len(pools) > 1
    assert sorted(one for ids in pools for one in ids) == sorted(futures)
    for ids, pool in pools.items():
        nothing = sum(futures[one].nothing for one in ids)
        effect = sum(futures[one].effect for one in ids)
        at = [one.months for one in make_outlook(3).watches].index(pool.figures.watch.months)
        assert (nothing[at] <= pool.figures.threshold).mean() <= LIMITS.miss_share
        assert (effect[at] <= pool.figures.threshold).mean() >= LIMITS.hit_share
    first = min(pools)
    assert judge_futures([futures[one] for one in first[:1]], LIMITS).threshold is None


def test_what_is_left_over_joins_the_smallest_pools_one_by_one():
    strong = [make_member(f"T{k}", 6, f"S{k}", item=f"I{k}") for k in range(8)]
    weak = [make_member(f"W{k}", 0.3, f"W{k}", item=f"J{k}") for k in range(6)]
    own = {pool.task_ids for pool in find_pools(strong, LIMITS, watches=4).values()}
    joined = {pool.task_ids: pool for pool in find_pools(strong + weak, LIMITS, watches=4).values()}

    assert len(joined) == len(own) >= 3
    assert sorted(one for ids in joined for one in ids) == [
        f"{k}{n}" for k, m in (("T", 8), ("W", 6)) for n in range(m)
    ]
    sizes = [len(ids) for ids in joined]
    assert max(sizes) - min(sizes) <= 1
    futures = {one.task_id: one.future for one in strong + weak}
    months = [one.months for one in make_outlook(3).watches]
    for ids, pool in joined.items():
        at = months.index(pool.figures.watch.months)
        assert (
            sum(futures[one].nothing[at] for one in ids) <= pool.figures.threshold
        ).mean() <= 0.1
        assert (sum(futures[one].effect[at] for one in ids) <= pool.figures.threshold).mean() >= 0.8


def test_a_pool_that_takes_a_task_of_elsewhere_says_so():
    street = [make_member(f"T{k}", 4, "A") for k in range(5)]
    pools = find_pools([*street, make_member("W0", 0.3, "B", item="J")], LIMITS, watches=4)

    assert pools["W0"].scope == "district"
    assert {pools[f"T{k}"].scope for k in range(5)} <= {"street", "district"}
    far = find_pools(
        [*street, make_member("W0", 0.3, "B", item="J", district="D2")], LIMITS, watches=4
    )
    assert far["W0"].scope == "city"


def test_what_no_pool_can_judge_has_none():
    lonely = [make_member("T1", 1, "A"), make_member("T2", 1, "B", district="D2")]
    assert find_pools(lonely, LIMITS, watches=4) == {}
    bursts = [make_member(f"T{k}", 20, "A", stays=0.5) for k in range(2)]
    assert find_pools(bursts, LIMITS, watches=4) == {}


def test_members_are_drawn_once_so_their_order_does_not_matter():
    members = [make_member(f"T{k}", 3, "A") for k in range(6)]
    forward, backward = (find_pools(each, LIMITS, watches=4) for each in (members, members[::-1]))
    assert {key: pool.figures for key, pool in forward.items()} == {
        key: pool.figures for key, pool in backward.items()
    }


def test_futures_that_do_not_match_are_refused():
    one = draw_future(make_outlook(5), np.random.default_rng(1))
    other = draw_future(
        replace(make_outlook(5), watches=make_outlook(5).watches[:2]), np.random.default_rng(1)
    )
    with pytest.raises(ValueError, match="different"):
        judge_futures([one, other], LIMITS)
    with pytest.raises(ValueError, match="no watch"):
        judge_futures([one], LIMITS, watches=0)
