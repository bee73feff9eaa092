"""Every planted fault is found, and no other; each kind by itself in an otherwise clean list."""

from datetime import date

import pandas as pd
import pytest

from geodata.problems import has_errors
from gridgov.rules.duties.checks import KINDS, check_duties, find_scene_faults
from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.duties.problems import duty_problems
from gridgov.sample.content import write_tables

DAY = date(2025, 6, 1)
NAMES = ("units", "catalogue", "duties", "dependencies")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    streets = pd.DataFrame(
        [
            (f"11010{d}00{s}", f"第{d}区第{s}街道", f"11010{d}", f"第{d}区")
            for d in (1, 2)
            for s in (1, 2)
        ],
        columns=["street_code", "name", "district_code", "district"],
    )
    folder = tmp_path_factory.mktemp("city")
    facts = write_tables(folder, streets)
    tables = {n: pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False) for n in NAMES}
    return tables, facts["duty_faults"]


def make_graph(tables, on=DAY):
    return make_duty_graph(
        tables["units"],
        tables["catalogue"],
        tables["duties"],
        dependencies=tables["dependencies"],
        on_date=on,
    )


def remove_faults(tables, faults):
    """Return the sample's tables without what was planted."""
    circles = {frozenset(f["duties"]) for f in faults if f["kind"] == "circle"}
    planted = {d for f in faults if f["kind"] != "circle" for d in f["duties"]}
    graph = make_graph(tables)
    cut = {edge for f in check_duties(graph) if frozenset(f.duties) in circles for edge in f.cut}
    pairs = list(
        zip(
            tables["dependencies"]["before_duty"], tables["dependencies"]["after_duty"], strict=True
        )
    )
    without = {f["scene_code"] for f in faults if f["kind"] == "scene_without_duties"}
    catalogue = tables["catalogue"]
    return {
        **tables,
        "duties": tables["duties"][~tables["duties"]["duty_code"].isin(planted)],
        "dependencies": tables["dependencies"][[pair not in cut for pair in pairs]],
        "catalogue": catalogue.assign(
            scene_code=catalogue["scene_code"].where(~catalogue["scene_code"].isin(without), "")
        ),
    }


def test_every_planted_fault_is_found_and_no_other(sample):
    tables, planted = sample
    found = check_duties(make_graph(tables))
    key = lambda kind, duties, items: (kind, tuple(sorted(duties)), tuple(sorted(items)))  # noqa: E731 - one line says it
    assert {key(f.kind, f.duties, f.items) for f in found} == {
        key(f["kind"], f["duties"], f["items"]) for f in planted
    }
    assert len(found) == len(planted)
    units = {(f.kind, f.duties[0]): set(f.units) for f in found if f.duties}
    for fault in planted:
        if fault["units"]:
            assert units[fault["kind"], fault["duties"][0]] == set(fault["units"])


def test_list_without_the_planted_faults_is_clean(sample):
    assert check_duties(make_graph(remove_faults(*sample))) == []


def test_unit_that_is_out_of_force_later_is_none_before(sample):
    tables, _ = sample
    kinds = {f.kind for f in check_duties(make_graph(tables, on=date(2023, 12, 31)))}
    assert "unit_out_of_force" not in kinds


SPOILS = {
    "unheld": ("duties", {"unit": ""}),
    "no_lead": ("duties", {"role": "helper"}),
    "unknown_unit": ("duties", {"unit": "nowhere"}),
    "bad_role": ("duties", {"role": "chief"}),
    "bad_days": ("duties", {"days": "some"}),
    "unknown_duty": ("dependencies", {"after_duty": "nothing"}),
    "scene_without_duties": ("catalogue", {"scene_code": "nowhere"}),
    "unknown_parent": ("units", {"parent_code": "nobody"}),
}


@pytest.mark.parametrize("kind", SPOILS)
def test_one_spoilt_row_gives_one_fault_of_its_kind_and_row(sample, kind):
    tables = {name: frame.reset_index(drop=True) for name, frame in remove_faults(*sample).items()}
    name, values = SPOILS[kind]
    frame = tables[name].copy()
    # The first row that is alone for its duty or item, so that nothing else depends on it.
    alone = ~frame.duplicated(frame.columns[0], keep=False)
    if name == "catalogue":
        alone &= frame["scene_code"].duplicated(keep=False) & (frame["scene_code"] != "")
    row = int(alone.to_numpy().nonzero()[0][-1])
    for column, value in values.items():
        frame.loc[row, column] = value
    (fault,) = check_duties(make_graph({**tables, name: frame}))
    assert fault.kind == kind
    assert fault.rows == (row,)
    assert KINDS[kind].table == name


def test_two_leads_two_batches_two_scenes(sample):
    tables = remove_faults(*sample)
    duties = tables["duties"]
    alone = duties[~duties["duty_code"].duplicated(keep=False)].iloc[0]
    for column, value, kind in (
        ("unit", "D01", "two_leads"),
        ("batch", "99", "two_batches"),
        ("scene_code", "S002", "two_scenes"),
    ):
        code = alone["duty_code"]
        other = alone.to_frame().T.assign(**{column: value})
        faults = check_duties(make_graph({**tables, "duties": pd.concat([duties, other])}))
        assert [(f.kind, f.duties) for f in faults if f.kind == kind] == [(kind, (code,))]


def test_units_above_each_other_in_a_circle(sample):
    tables = remove_faults(*sample)
    units = tables["units"].copy()
    units.loc[units["unit_code"] == "D01", "parent_code"] = "D02"
    units.loc[units["unit_code"] == "D02", "parent_code"] = "D01"
    (fault,) = check_duties(make_graph({**tables, "units": units}))
    assert (fault.kind, fault.units) == ("parent_circle", ("D01", "D02"))


def test_circle_names_its_shortest_way_and_a_cut_that_opens_it(sample):
    tables, planted = sample
    graph = make_graph(tables)
    circles = [f for f in check_duties(graph) if f.kind == "circle"]
    assert len(circles) == sum(f["kind"] == "circle" for f in planted)
    for fault in circles:
        ring = list(zip(fault.circle, (*fault.circle[1:], fault.circle[0]), strict=True))
        assert all(graph.graph.has_edge(a, b) for a, b in ring)
        assert set(fault.cut) <= set(graph.graph.edges)
        assert all(graph.duties[code].name in fault.text for code in fault.circle)


def test_demand_moves_the_cut_away_from_what_many_orders_need():
    units = pd.DataFrame({"unit_code": ["A"], "name": ["甲"], "kind": ["department"]})
    items = pd.DataFrame(
        {"item_code": ["1", "2"], "level": [3, 3], "name": ["a", "b"], "scene_code": ["S1", "S2"]}
    )
    duties = pd.DataFrame(
        {
            "duty_code": ["x", "y"],
            "scene_code": ["S1", "S2"],
            "unit": "A",
            "role": "lead",
            "days": ["1", "1"],
        }
    )
    pairs = pd.DataFrame({"before_duty": ["x", "y"], "after_duty": ["y", "x"]})
    graph = make_duty_graph(units, items, duties, dependencies=pairs, on_date=DAY)
    for item, cut in (("1", ("y", "x")), ("2", ("x", "y"))):
        (fault,) = check_duties(graph, {item: 100.0})
        assert fault.cut == (cut,)


def test_a_duty_that_only_a_needed_duty_waits_for_is_needed():
    units = pd.DataFrame({"unit_code": ["A"], "name": ["甲"], "kind": ["department"]})
    items = pd.DataFrame({"item_code": ["1"], "level": [3], "name": ["a"], "scene_code": ["S1"]})
    duties = pd.DataFrame(
        {
            "duty_code": ["x", "y", "z"],
            "scene_code": ["S1", "S2", "S2"],
            "unit": "A",
            "role": "lead",
            "days": "1",
        }
    )
    pairs = pd.DataFrame({"before_duty": ["y"], "after_duty": ["x"]})
    faults = check_duties(make_duty_graph(units, items, duties, dependencies=pairs, on_date=DAY))
    assert [(f.kind, f.duties) for f in faults] == [("never_needed", ("z",))]


def test_scene_faults_are_those_of_the_whole_list(sample):
    tables, _ = sample
    graph = make_graph(tables)
    everywhere = [
        f for f in check_duties(graph) if f.kind not in {"never_needed", "scene_without_duties"}
    ]
    by_scene = [f for scene in graph.scenes for f in find_scene_faults(graph, scene)]
    assert sorted(f.text for f in by_scene) == sorted(f.text for f in everywhere)
    assert find_scene_faults(graph, "no such scene") == []


def test_problems_name_file_row_and_what_to_do(sample):
    tables, planted = sample
    graph = make_graph(tables)
    problems = duty_problems(graph, {"duties": "city/duties.csv"})
    assert len(problems) == len(planted)
    assert not has_errors(problems)
    unheld = next(p for p in problems if p.problem == KINDS["unheld"].problem)
    assert unheld.file == "city/duties.csv"
    assert tables["duties"]["duty_code"].iloc[unheld.row - 2] == unheld.value
    circle = next(p for p in problems if "circle" in p.problem)
    assert "cut" in circle.expected
    assert circle.file == "dependencies.csv"
