import pandas as pd

from gridgov.rules.constants import make_constants
from gridgov.rules.streets.classes import CLASS_COLUMNS, make_street_classes

CONSTANTS = make_constants()


def make_appeals(*counts):
    return pd.Series(counts, index=[f"1101010{k:02d}" for k in range(len(counts))])


def find_governed(frame):
    return set(frame.loc[frame["street_class"] == "governance", "street_code"])


def test_ten_streets_with_most_appeals():
    appeals = make_appeals(*range(1, 31))

    frame = make_street_classes(appeals, constants=CONSTANTS)

    assert tuple(frame.columns) == CLASS_COLUMNS
    assert find_governed(frame) == set(appeals.index[-10:])
    assert frame["rank"].tolist() == list(range(1, 31))
    assert frame["reason"].iloc[0] == "诉求量全市第 1 位"


def test_ties_share_a_rank_and_a_class():
    frame = make_street_classes(make_appeals(*[9] * 9, 5, 5, 1), constants=CONSTANTS)

    assert len(find_governed(frame)) == 11
    assert frame["rank"].tolist() == [1] * 9 + [10, 10, 12]


def test_large_streets_by_residents():
    appeals = make_appeals(*range(20, 0, -1))
    population = pd.Series({appeals.index[19]: 200_001, appeals.index[18]: 200_000})

    frame = make_street_classes(appeals, population=population, constants=CONSTANTS)

    last = frame.set_index("street_code").loc[appeals.index[19]]
    assert (last["street_class"], last["reason"]) == ("governance", "常住人口超过 200,000")
    assert appeals.index[18] not in find_governed(frame)


def test_both_reasons_are_named():
    frame = make_street_classes(
        make_appeals(3), population=pd.Series({"110101000": 300_000}), constants=CONSTANTS
    )

    assert frame["reason"].tolist() == ["诉求量全市第 1 位；常住人口超过 200,000"]


def test_streets_without_appeals_are_not_governed():
    assert find_governed(make_street_classes(make_appeals(0, 0, 4), constants=CONSTANTS)) == {
        "110101002"
    }
