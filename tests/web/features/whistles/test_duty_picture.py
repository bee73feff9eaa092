from itertools import combinations

from gridgov.rules.whistles.convene import PlannedDuty
from web.features.whistles.duty_picture import BOX_HEIGHT, BOX_WIDTH, make_duty_picture


def make_duty(code: str, stage: int, *waits_for: str, critical: bool = False) -> PlannedDuty:
    return PlannedDuty(
        duty_code=code,
        name=f"职责{code}",
        authority="",
        leads=(f"U{code}",),
        helpers=(),
        days=1.0,
        stage=stage,
        starts_day=stage - 1.0,
        ends_day=float(stage),
        slack_days=0.0,
        waits_for=waits_for,
        waits_outside=(),
        joint=False,
        critical=critical,
    )


DUTIES = (
    make_duty("a", 1, critical=True),
    make_duty("b", 1),
    make_duty("c", 2, "b"),
    make_duty("d", 2, "a", critical=True),
    make_duty("e", 3, "c", "d", critical=True),
)


def test_stages_are_columns_from_left_to_right() -> None:
    made = make_duty_picture(DUTIES, critical=("a", "d", "e"), name_of=str)
    columns = {box.duty_code: box.x for box in made.boxes}
    assert columns["a"] == columns["b"] < columns["c"] == columns["d"] < columns["e"]
    assert [head.number for head in made.heads] == [1, 2, 3]


def test_boxes_never_overlap_and_lie_inside() -> None:
    made = make_duty_picture(DUTIES, critical=(), name_of=str)
    for one, other in combinations(made.boxes, 2):
        apart_x = abs(one.x - other.x) >= BOX_WIDTH
        apart_y = abs(one.y - other.y) >= BOX_HEIGHT
        assert apart_x or apart_y
    assert all(0 <= box.x <= made.width - BOX_WIDTH for box in made.boxes)
    assert all(0 <= box.y <= made.height - BOX_HEIGHT for box in made.boxes)


def test_columns_are_ordered_so_that_lines_do_not_cross() -> None:
    made = make_duty_picture(DUTIES, critical=(), name_of=str)
    y = {box.duty_code: box.y for box in made.boxes}
    assert (y["a"] < y["b"]) == (y["d"] < y["c"])


def test_the_critical_path_is_marked_and_drawn_last() -> None:
    made = make_duty_picture(DUTIES, critical=("a", "d", "e"), name_of=str)
    marked = {(link.before, link.after) for link in made.links if link.critical}
    assert marked == {("a", "d"), ("d", "e")}
    assert [link.critical for link in made.links] == [False, False, True, True]


def test_marks_and_units_reach_the_boxes() -> None:
    made = make_duty_picture(
        DUTIES, critical=(), name_of=lambda code: f"单位{code}", marks={"a": "done"}
    )
    box = next(box for box in made.boxes if box.duty_code == "a")
    assert (box.mark, box.units, box.unit_line) == ("done", "单位Ua", "单位Ua")


def test_no_duties_make_an_empty_picture() -> None:
    made = make_duty_picture((), critical=(), name_of=str)
    assert (made.boxes, made.links, made.heads) == ((), (), ())
    assert made.width > 0
    assert made.height > 0
