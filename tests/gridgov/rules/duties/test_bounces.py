"""Planted bounces are found and nothing else; days lost are those of the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from gridgov.rules.duties.bounces import TRANSFER_COLUMNS, find_bounces, find_solvers

START = datetime(2025, 1, 1, tzinfo=UTC)


def make_transfers(moves: list[tuple[str, float, str, str]]) -> pd.DataFrame:
    rows = [(order, START + timedelta(days=day), a, b) for order, day, a, b in moves]
    return pd.DataFrame(rows, columns=list(TRANSFER_COLUMNS))


def run(order: str, way: str, start: float = 0.0) -> list[tuple[str, float, str, str]]:
    return [(order, start + i, a, b) for i, (a, b) in enumerate(pairwise(way))]


def test_loops_with_counts_and_days():
    moves = [m for i in range(4) for m in run(f"o{i}", "ABA")]
    moves += [m for i in range(3) for m in run(f"p{i}", "CDECX")]
    moves += run("q", "AFA") + run("r", "GHI")
    found = find_bounces(make_transfers(moves))
    assert found.loops[["loop", "orders", "times"]].to_numpy().tolist() == [
        [("A", "B"), 4, 4],
        [("C", "D", "E"), 3, 3],
    ]
    assert found.loops["days_lost"].tolist() == pytest.approx([4.0, 6.0])
    assert found.loops["order_nos"].iloc[0] == ("o0", "o1", "o2", "o3")
    assert set(found.groups["group"]) == {("A", "B"), ("C", "D", "E")}
    assert found.groups["days_lost"].tolist() == pytest.approx([6.0, 4.0])


def test_an_order_may_bounce_several_times():
    found = find_bounces(make_transfers(run("o", "ABABA")), orders_min=1)
    assert found.loops[["loop", "orders", "times"]].to_numpy().tolist() == [[("A", "B"), 1, 2]]
    assert found.loops["days_lost"].iloc[0] == pytest.approx(2.0)


def test_loops_that_share_a_unit_are_one_group():
    moves = [m for i in range(3) for m in run(f"o{i}", "ABA")]
    moves += [m for i in range(3) for m in run(f"p{i}", "BCB")]
    (group,) = find_bounces(make_transfers(moves)).groups["group"]
    assert group == ("A", "B", "C")


def test_many_streets_that_bounce_with_one_department_are_one_loop():
    places = {f"s{i}": "@street" for i in range(9)}
    rows = [
        move
        for i in range(6)
        for move in [(f"o{i}", 0.0, f"s{i}", "D"), (f"o{i}", 1.0, "D", f"s{i}")]
    ]
    transfers = make_transfers(rows)
    assert find_bounces(transfers).loops.empty
    (loop,) = find_bounces(transfers, places=places).loops.to_dict("records")
    assert loop["loop"] == ("@street", "D")
    assert loop["orders"] == 6
    assert loop["places"] == tuple(f"s{i}" for i in range(6))
    one = make_transfers([m for m in rows if m[0] == "o0"])
    (loop,) = find_bounces(one, places=places, orders_min=1).loops.to_dict("records")
    assert loop["loop"] == ("D", "s0")
    assert loop["places"] == ()


def test_two_streets_that_bounce_an_order_stay_themselves():
    places = {"s1": "@street", "s2": "@street"}
    moves = [m for i in range(3) for m in [(f"o{i}", 0.0, "s1", "s2"), (f"o{i}", 1.0, "s2", "s1")]]
    (loop,) = find_bounces(make_transfers(moves), places=places).loops["loop"]
    assert loop == ("s1", "s2")


def test_planted_loops_are_found_among_noise_and_no_other():
    rng = np.random.default_rng(7)
    units = [f"u{i:02d}" for i in range(40)]
    moves = [
        (f"n{i}", float(rng.random()), *map(str, rng.choice(units, 2, replace=False)))
        for i in range(5000)
    ]
    planted = [("u01", "u02"), ("u03", "u09"), ("u05", "u07", "u11")]
    for k, loop in enumerate(planted):
        for i in range(12):
            moves += [
                (f"b{k}-{i}", 2.0 * step, a, b)
                for step, (a, b) in enumerate(zip(loop, (*loop[1:], loop[0]), strict=True))
            ]
    shuffled = make_transfers(moves).sample(frac=1, random_state=1)
    found = find_bounces(shuffled)
    assert set(found.loops["loop"]) == set(planted)
    assert found.loops["orders"].tolist() == [12, 12, 12]


def test_items_of_a_loop():
    moves = [m for i in range(3) for m in run(f"o{i}", "ABA")]
    items = pd.Series({"o0": "x", "o1": "y", "o2": "y"})
    assert find_bounces(make_transfers(moves), items=items).loops["item_codes"].iloc[0] == (
        "y",
        "x",
    )


def test_rows_that_say_nothing_are_counted_not_dropped_silently():
    transfers = make_transfers([*run("o", "ABA"), ("p", 0.0, "A", "A"), ("q", 0.0, "A", None)])
    transfers.loc[0, "at"] = pd.NaT
    found = find_bounces(transfers, orders_min=1)
    assert found.rejected == (0, 2, 3)
    assert found.loops.empty


def test_a_gap_in_the_record_joins_nothing():
    found = find_bounces(make_transfers([("o", 0.0, "A", "B"), ("o", 1.0, "C", "A")]), orders_min=1)
    assert found.loops.empty


def test_no_transfers():
    found = find_bounces(make_transfers([]))
    assert found.loops.empty
    assert found.groups.empty


def test_last_unit_solved_it():
    orders = pd.DataFrame({"order_no": ["o", "p"], "unit_code": ["A", "Z"]}, index=[5, 3])
    found = find_solvers(orders, make_transfers(run("o", "ABC")).iloc[::-1])
    assert found.to_dict() == {5: "C", 3: "Z"}
