"""Whistle answers on a list small enough to answer by hand, and on the sample's."""

from datetime import date

import pandas as pd
import pytest

from gridgov.errors import UnknownEntryError
from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.duties.graph import make_duty_graph
from gridgov.rules.whistles.convene import find_common_superior, whistle_for
from gridgov.rules.whistles.sentences import tell_days, tell_minutes, tell_plan, tell_stages
from gridgov.sample.content import write_tables

DAY = date(2025, 6, 1)
UNITS = pd.DataFrame(
    [
        ("CITY", "市政府", "joint", "", "", "city"),
        ("1101", "甲区政府", "district", "CITY", "1101", "district"),
        ("1102", "乙区政府", "district", "CITY", "1102", "district"),
        ("1101001", "东街道", "street", "1101", "1101", "street"),
        ("1101002", "东门街道", "street", "1101", "1101", "street"),
        ("W", "水务局", "department", "CITY", "", "city"),
        ("G", "自来水集团", "enterprise", "W", "", "city"),
        ("T", "交管局", "department", "CITY", "", "city"),
        ("P", "某平台", "platform", "T", "", "city"),
    ],
    columns=["unit_code", "name", "kind", "parent_code", "district_code", "level"],
)
ITEMS = pd.DataFrame(
    [
        ("1", "水管爆裂", "G", "W", "S1"),
        ("2", "街道小事", "@street", "", "S2"),
        ("3", "界河", "", "W", "S3"),
        ("4", "平台纠纷", "T", "P;W", ""),
        ("5", "无清单", "W", "@district", "S9"),
        ("6", "互相等待", "W", "", "S4"),
        ("7", "无人承担", "W", "", "S5"),
    ],
    columns=["item_code", "name", "lead", "helpers", "scene_code"],
).assign(level="3")
DUTIES = pd.DataFrame(
    [
        ("a", "S1", "关阀", "G", "lead", "0.5", "抢修"),
        ("b", "S1", "开挖许可", "T", "lead", "1", "许可"),
        ("c", "S1", "修管", "G", "lead", "2", "抢修"),
        ("c", "S1", "修管", "W", "helper", "2", "抢修"),
        ("d", "S1", "看护", "@street", "lead", "0.1", "组织"),
        ("e", "S2", "劝导", "@street", "lead", "1", "组织"),
        ("e", "S2", "劝导", "@district", "helper", "1", "组织"),
        ("f", "S3", "左岸", "1101", "lead", "1", "组织"),
        ("g", "S3", "右岸", "1102", "lead", "1", "组织"),
        ("h", "S4", "甲事", "W", "lead", "1", ""),
        ("i", "S4", "乙事", "T", "lead", "2", ""),
        ("j", "S4", "丙事", "G", "lead", "1", ""),
        ("k", "S5", "悬空", "", "lead", "1", ""),
        ("l", "S5", "监管", "W", "lead", "1", ""),
    ],
    columns=["duty_code", "scene_code", "name", "unit", "role", "days", "authority"],
).assign(batch="1", scene_name=lambda d: "场景" + d["scene_code"])
PAIRS = pd.DataFrame(
    [
        ("a", "c", "止水后才能开挖"),
        ("b", "c", ""),
        ("h", "i", ""),
        ("i", "h", ""),
        ("i", "j", ""),
        ("e", "l", ""),
    ],
    columns=["before_duty", "after_duty", "reason"],
)


@pytest.fixture(scope="module")
def graph():
    return make_duty_graph(UNITS, ITEMS, DUTIES, dependencies=PAIRS, on_date=DAY)


def test_answer_by_hand(graph):
    plan = whistle_for(graph, "1", "1101001")
    assert plan.lead == "G"
    assert plan.stages == (("a", "b", "d"), ("c",))
    assert plan.critical == ("b", "c")
    assert plan.total_days == 3
    assert plan.helpers == ("T", "W")
    calls = {call.unit_code: call for call in plan.calls}
    assert {unit: (c.stage, c.role, c.report_in_min) for unit, c in calls.items()} == {
        "G": (1, "lead", 30),
        "T": (1, "lead", 30),
        "W": (2, "helper", 30 + 24 * 60),
    }
    assert calls["G"].slack_days == 0.5
    assert calls["T"].slack_days == 0
    assert calls["G"].authorities == ("抢修",)
    assert plan.smallest.units == ("1101001", "G", "T")
    assert (plan.superior.unit_code, plan.superior.needed, plan.superior.reason) == (
        "CITY",
        False,
        "levels",
    )
    assert plan.faults == ()
    assert plan.report_in.status == "practice"
    assert [d.duty_code for d in plan.duties] == ["a", "b", "d", "c"]
    assert plan.duties[3].waits_for == ("a", "b")


def test_sentences_say_it_in_order(graph):
    plan = whistle_for(graph, "水管爆裂", "东街道")
    told = "\n".join((*tell_plan(plan, graph), *tell_stages(plan, graph)))
    assert "须先由交管局办理“开挖许可”（1天），再由自来水集团办理“修管”（2天），共3天" in told
    assert "自来水集团：30分钟内报到，须带抢修权限" in told
    assert "止水后才能开挖" in told
    assert "报到时限30分钟：实践做法" in told
    assert told.count("水务局：24小时内报到") == 1


def test_street_that_needs_only_its_district_raises_to_it(graph):
    plan = whistle_for(graph, "2", "1101001")
    assert [call.unit_code for call in plan.calls] == ["1101"]
    assert plan.smallest.units == ("1101001",)
    assert plan.superior.unit_code == "1101"
    assert not plan.superior.needed


def test_unclear_duty_is_led_by_the_first_receiver_and_two_districts_must_be_raised(graph):
    plan = whistle_for(graph, "3", "1101001")
    assert (plan.lead, plan.lead_by) == ("1101001", "first_receiver")
    assert (plan.superior.unit_code, plan.superior.needed, plan.superior.reason) == (
        "CITY",
        True,
        "districts",
    )


def test_item_without_scene_calls_those_of_the_catalogue_without_platforms(graph):
    plan = whistle_for(graph, "4", "1101001")
    assert [call.unit_code for call in plan.calls] == ["T", "W"]
    assert plan.duties == ()
    assert "没有生效的职责清单" in tell_plan(plan, graph)[0]


def test_scene_without_duties_is_answered_and_flagged(graph):
    plan = whistle_for(graph, "5", "1101001")
    assert [call.unit_code for call in plan.calls] == ["W", "1101"]
    assert plan.total_days == 0
    assert "建议补充职责清单" in tell_plan(plan, graph)[0]


def test_circle_is_one_joint_stage_and_said(graph):
    plan = whistle_for(graph, "6", "1101001")
    assert plan.stages == (("h", "i"), ("j",))
    assert [d.duty_code for d in plan.duties if d.joint] == ["h", "i"]
    assert [f.kind for f in plan.faults] == ["circle"]
    assert plan.faults[0].cut == (("h", "i"),)
    assert plan.superior.needed
    told = "\n".join(tell_plan(plan, graph))
    assert "“甲事”、“乙事”互相等待，须由有关单位同场会商、同步办理" in told


def test_duty_that_nobody_holds_does_not_block_and_other_scenes_are_named(graph):
    plan = whistle_for(graph, "7", "1101001")
    assert [f.kind for f in plan.faults] == ["unheld"]
    assert plan.smallest.units == ("W",)
    assert plan.superior.reason == "undecided"
    told = "\n".join((*tell_plan(plan, graph), *tell_stages(plan, graph)))
    assert "（无承担单位）办理“悬空”" in told
    assert "另须等待其他场景的职责：“劝导”" in told


def test_report_in_follows_the_city(graph):
    constants = make_constants([make_constant("dispatch.report_in_minutes", 45, "documented")])
    plan = whistle_for(graph, "1", "1101001", constants=constants)
    assert min(call.report_in_min for call in plan.calls) == 45
    assert "报到时限45分钟：有文件依据" in tell_plan(plan, graph)


def test_another_day_takes_the_list_of_that_day():
    duties = DUTIES.assign(valid_from="2020-01-01", valid_to=None)
    old = DUTIES[DUTIES["duty_code"] == "a"].assign(
        unit="T", valid_from=None, valid_to="2019-12-31"
    )
    graph = make_duty_graph(UNITS, ITEMS, pd.concat([duties, old]), dependencies=PAIRS, on_date=DAY)
    assert whistle_for(graph, "1", "1101001").duties[0].leads == ("G",)
    before = whistle_for(graph, "1", "1101001", on_date=date(2019, 6, 1))
    assert [d.duty_code for d in before.duties] == ["a"]
    assert before.duties[0].leads == ("T",)
    assert before.on_date == date(2019, 6, 1)


@pytest.mark.parametrize(
    ("item", "street", "what", "near"),
    [
        ("水管", "不存在", "street", ""),
        ("水管暴裂", "东街道", "item", "1 水管爆裂"),
        ("待", "东", "street", "1101001 东街道"),
        ("", "东街道", "item", ""),
        ("x" * 100_000, "东街道", "item", ""),
    ],
)
def test_unknown_or_ambiguous_names_get_the_nearest(graph, item, street, what, near):
    with pytest.raises(UnknownEntryError) as caught:
        whistle_for(graph, item, street)
    assert caught.value.what == what
    assert not near or near in caught.value.nearest
    assert len(str(caught.value)) < 500


def test_common_superior(graph):
    assert find_common_superior(graph, ["1101001", "1101002"]) == "1101"
    assert find_common_superior(graph, ["1101001", "1101"]) == "1101"
    assert find_common_superior(graph, ["1101001", "G"]) == "CITY"
    assert find_common_superior(graph, ["G", "W"]) == "W"
    assert find_common_superior(graph, ["1101001"]) == "1101"
    assert find_common_superior(graph, ["CITY"]) == ""
    assert find_common_superior(graph, []) == ""


def test_units_without_a_common_superior_are_said():
    units = UNITS.assign(parent_code="")
    graph = make_duty_graph(units, ITEMS, DUTIES, dependencies=PAIRS, on_date=DAY)
    plan = whistle_for(graph, "1", "1101001")
    assert plan.superior.unit_code == ""
    assert "没有共同上级" in tell_plan(plan, graph)[-1]


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "即时"), (0.02, "1小时"), (0.5, "12小时"), (1, "1天"), (2.5, "2.5天"), (60, "60天")],
)
def test_durations_as_people_say_them(days, said):
    assert tell_days(days) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(30, "30分钟内"), (119, "119分钟内"), (150, "2小时内"), (1470, "24小时内"), (4350, "第4天")],
)
def test_times_after_the_call(minutes, said):
    assert tell_minutes(minutes) == said


def test_every_item_of_the_sample_city_has_an_answer(tmp_path):
    streets = pd.DataFrame(
        [
            ("110101001", "东华门街道", "110101", "东城区"),
            ("110102001", "西长安街街道", "110102", "西城区"),
        ],
        columns=["street_code", "name", "district_code", "district"],
    )
    write_tables(tmp_path, streets)
    names = ("units", "catalogue", "duties", "dependencies")
    tables = {
        n: pd.read_csv(tmp_path / f"{n}.csv", dtype=str, keep_default_na=False) for n in names
    }
    graph = make_duty_graph(
        tables["units"],
        tables["catalogue"],
        tables["duties"],
        dependencies=tables["dependencies"],
        on_date=DAY,
    )
    items = [i for i in graph.items.values() if i.level == "3"]
    for item in items:
        plan = whistle_for(graph, item.item_code, "110101001")
        told = (*tell_plan(plan, graph), *tell_stages(plan, graph))
        assert all("None" not in sentence and "nan" not in sentence for sentence in told)
        ends = {d.duty_code: d for d in plan.duties}
        for duty in plan.duties:
            for before in duty.waits_for:
                assert ends[before].stage < duty.stage or (ends[before].joint and duty.joint)
        assert {d.duty_code for d in plan.duties} == {c for stage in plan.stages for c in stage}
        held = [d for d in plan.duties if d.holders]
        assert all(set(d.holders) & set(plan.smallest.units) for d in held)
