from dataclasses import replace

import numpy as np
import pytest

from planner.plans.pools import PoolMember, find_pools
from planner.plans.targets import TargetLimits, draw_future, judge_futures
from tests.planner.plans.test_targets import make_outlook

LIMITS = TargetLimits(miss_share=0.1, hit_share=0.8)


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
