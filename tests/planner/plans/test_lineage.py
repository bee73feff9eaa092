import pytest

from planner.plans.lineage import keep_task_ids, make_task_id
from planner.plans.record import Target, Task

GROUPS = {"010101": "0101", "010102": "0101", "020101": "0201"}
TARGET = Target(
    baseline_per_month=1, target_per_month=None, usual_per_month=0, weeks=0, text="", measure=""
)


def make_task(task_id, cells, *, item="010101", kind="item"):
    return Task(
        task_no="T01",
        task_id=task_id,
        kind=kind,
        hotspot_id="",
        title="",
        place="",
        item_code=item,
        item_name="",
        lon=0,
        lat=0,
        radius_m=0,
        evidence=(),
        n_evidence=0,
        lead=None,
        helpers=(),
        stages=(),
        duty_codes=(),
        start_on="",
        due_on="",
        due_basis="",
        target=TARGET,
        faults=(),
        cells=tuple(cells),
    )


def test_a_task_that_moved_a_bit_keeps_its_id():
    made = keep_task_ids([make_task("old", "abcd")], [make_task("new", "bcde")], GROUPS)

    assert [task.task_id for task in made.tasks] == ["old"]
    assert made.tasks[0].lineage == ("old",)
    assert made.ended == ()


@pytest.mark.parametrize(
    "other", [{"item": "020101"}, {"kind": "place"}, {"cells": "wxyz"}, {"cells": "dxyz"}]
)
def test_another_problem_or_place_is_another_task(other):
    cells = other.pop("cells", "abcd")
    made = keep_task_ids([make_task("old", "abcd")], [make_task("new", cells, **other)], GROUPS)

    assert [task.task_id for task in made.tasks] == ["new"]
    assert made.ended == ("old",)


def test_the_commonest_item_may_change_within_its_group():
    made = keep_task_ids(
        [make_task("old", "abcd")], [make_task("new", "abcd", item="010102")], GROUPS
    )
    assert made.tasks[0].task_id == "old"


def test_a_merge_names_both_and_takes_the_nearer_id():
    old = [make_task("p", "abc"), make_task("q", "defgh")]
    made = keep_task_ids(old, [make_task("new", "abcdefgh")], GROUPS)

    assert made.tasks[0].task_id == "q"
    assert made.tasks[0].lineage == ("p", "q")
    assert made.ended == ()


def test_a_split_keeps_the_id_at_the_nearer_part():
    new = [make_task("m", "abcd"), make_task("n", "efg")]
    made = keep_task_ids([make_task("old", "abcdefg")], new, GROUPS)

    assert [task.task_id for task in made.tasks] == ["old", "n"]
    assert [task.lineage for task in made.tasks] == [("old",), ("old",)]


def test_ids_are_unique_also_where_a_split_part_has_the_old_digits():
    new = [make_task("m", "abcd"), make_task("old", "efg")]
    made = keep_task_ids([make_task("old", "abcdefg")], new, GROUPS)

    assert [task.task_id for task in made.tasks] == ["old", "old-2"]


def test_a_street_wide_task_is_the_same_whatever_its_cells():
    made = keep_task_ids(
        [make_task("old", "", kind="area")], [make_task("new", "", kind="area")], GROUPS
    )
    assert made.tasks[0].task_id == "old"


def test_ids_come_from_place_and_problem_alone():
    one = make_task_id("110101001", "item", "0101", "110101001001001")

    assert one == make_task_id("110101001", "item", "0101", "110101001001001")
    assert one.startswith("110101001-")
    assert one != make_task_id("110101001", "item", "0102", "110101001001001")
