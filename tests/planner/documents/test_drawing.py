import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.documents.drawing import cut_text, draw_bars, draw_shares, find_ticks, measure_text
from planner.documents.typst_files import draw_png, load_fonts


@given(st.floats(0.01, 1e9))
def test_ticks_cover_the_values_in_few_round_steps(most):
    ticks = find_ticks(most)

    assert ticks[0] == 0
    assert ticks[-1] >= most * (1 - 1e-9)
    assert ticks[-2] < most
    assert 2 <= len(ticks) <= 7


def test_bars_are_as_high_as_their_values():
    drawn = draw_bars(["a", "b"], [10.0, 5.0], label="x", unit="件", legend=("甲",))

    heights = [
        float(one) for one in re.findall(r'height="([\d.]+)" fill="#0b7285"><title>', drawn.svg)
    ]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.1)


def test_nothing_to_draw_is_still_a_picture():
    for drawn in (
        draw_bars([], [], label="x", unit="件", legend=("甲",)),
        draw_bars(["a"], [0.0], label="x", unit="件", legend=("甲",)),
        draw_shares([], label="x", legend=("甲", "乙")),
    ):
        ET.fromstring(drawn.svg)  # noqa: S314 - ours


def test_long_names_are_cut_with_the_whole_name_at_hand():
    name = "关于老旧小区加装电梯和外墙保温改造工程的各类问题"
    drawn = draw_shares([(name, 0.4, 0.2)], label="x", legend=("甲", "乙"))

    assert f"<title>{name}</title>" in drawn.svg
    assert measure_text(cut_text(name, size=11, width=100), size=11) <= 100


def test_pictures_are_the_same_bytes_each_time():
    drawn = draw_bars(["一", "二"], [3.0, 1.0], label="x", unit="件", legend=("甲",))

    assert draw_png(drawn, fonts=load_fonts()) == draw_png(drawn, fonts=load_fonts())
