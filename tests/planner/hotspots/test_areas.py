import numpy as np
import pandas as pd

from planner.hotspots.areas import Labels, _put_parents_first, count_persons


def test_a_person_counts_once_per_area_and_item():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.integers(-1, 6, (5_000, 2)), columns=["area", "item"])
    frame["person"] = rng.integers(0, 40, 5_000)

    counted = count_persons(
        *(frame[name].to_numpy() for name in ("area", "item", "person")), areas=7, items=6
    )

    known = frame[(frame["area"] >= 0) & (frame["item"] >= 0)]
    wanted = known.groupby(["area", "item"])["person"].nunique().unstack().reindex(range(7))
    assert np.array_equal(counted, wanted.fillna(0.0))


def test_nobody_is_counted_where_there_are_no_entries():
    none = np.zeros(0, dtype=np.int64)

    assert count_persons(none, none, none, areas=2, items=3).tolist() == [[0.0] * 3] * 2


def make_labels():
    """Return labels of eight entries: one street, two items of level 2 with two of level 3 each."""
    whole = np.zeros(8, dtype=np.int64)
    pairs, fours = np.repeat(np.arange(2), 4), np.repeat(np.arange(4), 2)
    return Labels(
        street=whole,
        community=whole,
        streets=("S",),
        communities=("C",),
        district_of=whole[:1],
        street_of=whole[:1],
        items=(whole, pairs, fours),
        codes=(("10",), ("1001", "1002"), ("100101", "100102", "100201", "100202")),
        tops=(whole[:1], whole[:2], whole[:4]),
    )


def test_an_item_that_is_a_part_of_its_parents_excess_waits_for_the_parent():
    tests = pd.DataFrame(
        [
            ("street", 2, 0, 0, 0, 140.0, 40.0, 1e-3),
            ("street", 3, 0, 0, 0, 45.0, 10.0, 1e-6),
            ("street", 3, 0, 0, 1, 95.0, 30.0, 1e-5),
            ("street", 3, 0, 0, 2, 45.0, 10.0, 1e-6),
            ("community", 3, 0, 0, 0, 45.0, 10.0, 1e-6),
        ],
        columns=["scope", "level", "area", "window", "item", "persons", "expected", "false"],
    )

    held = _put_parents_first(tests, make_labels())

    # the second is most of its parent's excess; the third and fourth have no parent that passes
    assert held["false"].tolist() == [1e-3, 1e-3, 1e-5, 1e-6, 1e-6]
    assert list(held.columns) == list(tests.columns)
