import numpy as np
import pandas as pd

from planner.hotspots.areas import count_persons


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
