import pandas as pd
import pytest

from planner.jobs.cell_exposure import find_unlisted


class Halves:
    """Two communities, west and east of a meridian."""

    def judge(self, lon, lat):  # noqa: ARG002 - the meridian alone decides
        return pd.DataFrame({"community_code": pd.Series(lon < 116.0).map({True: "W", False: "E"})})


HOMES = pd.DataFrame(
    {
        "lon": [115.9, 115.8, 116.1, None, 116.2],
        "lat": [39.9, 39.9, 39.9, 39.9, 39.9],
        "residents": ["900", "500", "2400", "800", ""],
    }
)


def test_residents_whom_no_compound_holds_are_told_by_community():
    unlisted = find_unlisted(HOMES, pd.Series({"W": 1300.0, "E": 3000.0}), Halves())

    assert unlisted.to_dict() == {"W": 0.0, "E": 600.0}


@pytest.mark.parametrize("population", [{"W": 1400.0, "E": 9000.0}, {"N": 4000.0}])
def test_nothing_follows_from_what_a_poor_list_lacks(population):
    unlisted = find_unlisted(HOMES, pd.Series(population), Halves())

    assert (unlisted == 0.0).all()
