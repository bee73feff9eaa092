from planner.hotspots.windows import make_windows


def test_two_years():
    windows = {window.name: window.periods for window in make_windows(24)}

    assert windows["history"] == tuple(range(24))
    assert windows["quarter"] == (21, 22, 23)
    assert windows["month"] == (23,)
    assert windows["season 1"] == (9, 10, 11, 21, 22, 23)
    assert sorted(t for k in range(1, 5) for t in windows[f"season {k}"]) == list(range(24))


def test_windows_that_repeat_another_are_left_out():
    assert [window.name for window in make_windows(1)] == ["history"]
    assert [window.name for window in make_windows(3)] == ["history", "month"]
