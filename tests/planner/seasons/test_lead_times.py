"""How long the duties of an item take, from a small duty list."""

from datetime import date

import pandas as pd
import pytest

from gridgov.rules.duties.graph import make_duty_graph
from planner.seasons import find_lead_days


def test_the_longest_chain_of_the_longest_scene():
    units = pd.DataFrame({"unit_code": ["U1"], "name": ["one"], "kind": ["department"]})
    catalogue = pd.DataFrame(
        {
            "item_code": ["1001", "100101", "100102", "100201"],
            "level": [2, 3, 3, 3],
            "parent_code": ["10", "1001", "1001", "1002"],
            "name": ["a", "b", "c", "d"],
            "scene_code": ["", "S1", "S2", "S3"],
        }
    )
    duties = pd.DataFrame(
        {
            "duty_code": ["D1", "D2", "D3", "D4"],
            "name": ["w", "x", "y", "z"],
            "scene_code": ["S1", "S1", "S2", "S3"],
            "unit_code": ["U1"] * 4,
            "role": ["lead"] * 4,
            "days": ["5", "7", "3", ""],
        }
    )
    waits = pd.DataFrame({"before_duty": ["D1"], "after_duty": ["D2"], "reason": [""]})
    graph = make_duty_graph(units, catalogue, duties, dependencies=waits, on_date=date(2026, 1, 1))
    levels = pd.Series({"100101": "1001", "100102": "1001", "100201": "1002"})
    found = find_lead_days(graph, levels, ["1001", "1002"])
    assert set(found) == {"1001"}
    assert found["1001"] == pytest.approx(12.0)
