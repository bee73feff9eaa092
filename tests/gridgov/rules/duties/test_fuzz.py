"""Messy lists: whatever the tables hold, there is an answer or a named error, and invariants hold."""

from datetime import date

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gridgov.errors import UnknownEntryError
from gridgov.rules.duties.checks import check_duties, find_scene_faults
from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.duties.problems import duty_problems
from gridgov.rules.duties.unit_load import find_pressure
from gridgov.rules.whistles.convene import whistle_for
from gridgov.rules.whistles.sentences import tell_plan, tell_stages

DATES = [None, "", "2019-01-01", "2024-02-29", "3020-01-01", "9999-12-31", "no date", "2025-01-01"]


def make_messy(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    def pick(values, n):
        return [values[i] for i in rng.integers(0, len(values), n)]

    units, duties = (
        ["U1", "U2", "U3", "", None, "9", "@street"],
        ["a", "b", "c", "d", "e", "", None],
    )
    scenes = ["S1", "S2", "", None]
    n = int(rng.integers(0, 25))
    dates = {"valid_from": pick(DATES, n), "valid_to": pick(DATES, n)}
    return {
        "units": pd.DataFrame(
            {
                "unit_code": pick(units, n),
                "name": pick(["甲", "乙", "甲", "", None], n),
                "kind": pick(["street", "district", "department", "x", None], n),
                "parent_code": pick(units, n),
                "district_code": pick(["9", "8", "", None], n),
                **dates,
            }
        ),
        "catalogue": pd.DataFrame(
            {
                "item_code": pick(["1", "2", "3", None], n),
                "level": pick([3, "3", 1, None], n),
                "name": pick(["漏水", "漏水", "噪声", None], n),
                "lead": pick([*units, "@district"], n),
                "helpers": pick(["U1;U2", ";;", None, "U9"], n),
                "scene_code": pick([*scenes, "S9"], n),
                **dates,
            }
        ),
        "duties": pd.DataFrame(
            {
                "duty_code": pick(duties, n),
                "scene_code": pick(scenes, n),
                "unit": pick([*units, "@district"], n),
                "role": pick(["lead", "helper", "boss", None], n),
                "days": pick([1, "2.5", "-3", "many", None, float("nan"), float("inf")], n),
                "batch": pick([1, 2, "x", None], n),
                **dates,
            }
        ),
        "dependencies": pd.DataFrame(
            {"before_duty": pick(duties, n), "after_duty": pick(duties, n)}
        ),
    }


@pytest.mark.parametrize("seed", range(40))
def test_messy_lists_get_an_answer(seed):
    rng = np.random.default_rng(seed)
    tables = make_messy(rng)
    graph = make_duty_graph(
        tables["units"],
        tables["catalogue"],
        tables["duties"],
        dependencies=tables["dependencies"],
        on_date=date(2025, 6, 1),
    )
    faults = check_duties(graph)
    assert len(duty_problems(graph)) == len(faults)
    cut = graph.graph.copy()
    cut.remove_edges_from(edge for fault in faults for edge in fault.cut)
    assert nx.is_directed_acyclic_graph(cut)
    assert (find_pressure(graph, dict.fromkeys(graph.items, 2.0))["late_order_days"] >= 0).all()
    for scene in graph.scenes:
        find_scene_faults(graph, scene)
    streets = [code for code, unit in graph.units.items() if unit.kind == "street"]
    for item in graph.items:
        for street in (*streets, "nowhere"):
            for day in (date(2025, 6, 1), date.min, date.max, date(2024, 2, 29)):
                try:
                    plan = whistle_for(graph, item, street, on_date=day)
                except UnknownEntryError:
                    continue
                assert plan.total_days >= 0
                assert all(isinstance(text, str) for text in tell_plan(plan, graph))
                tell_stages(plan, graph)
