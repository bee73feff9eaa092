"""The class in which a street is: of a year's appeals, as decided where somebody has decided."""

from datetime import UTC, datetime

import pandas as pd

from gridgov.rules.constants import make_constants
from gridgov.rules.streets.class_review import ClassDecision
from gridgov.rules.streets.classes import CLASS_COLUMNS, find_street_classes

STREETS = pd.Index([f"1101010{k:02d}" for k in range(30)])
UNITS = pd.DataFrame(
    {
        "unit_code": STREETS,
        "name": STREETS,
        "kind": "street",
        "district_code": "110101",
    }
)
AS_OF = pd.Timestamp("2025-07-01", tz="Asia/Shanghai")


def make_orders(counts, received="2025-06-10 12:00"):
    """Return orders of the first streets, so many of each."""
    codes = [STREETS[k] for k, n in enumerate(counts) for _ in range(n)]
    frame = pd.DataFrame({"street_code": pd.Series(codes, dtype="str")})
    frame["order_no"] = [f"{received}-{k}" for k in frame.index]
    frame["unit_code"] = frame["street_code"]
    frame["received_at"] = pd.Timestamp(received, tz="Asia/Shanghai").as_unit("us")
    frame["closed_at"] = frame["received_at"].where(frame.index < 0)
    for name in ("contacted", "solved"):
        frame[name] = pd.Series(pd.NA, index=frame.index, dtype="boolean")
    frame["satisfied"] = pd.Series(None, index=frame.index, dtype="str")
    return frame


def classify(orders, population=None, as_of=AS_OF, **options):
    found = find_street_classes(
        orders,
        UNITS,
        STREETS,
        as_of=as_of,
        constants=make_constants(),
        find_population=lambda _day: population,
        **options,
    )
    assert tuple(found.columns) == CLASS_COLUMNS
    assert sorted(found["street_code"]) == sorted(STREETS)
    return found.set_index("street_code")


def find_governed(frame):
    return set(frame.index[frame["street_class"] == "governance"])


def test_ten_streets_with_most_appeals():
    found = classify(make_orders(range(1, 31)))
    assert find_governed(found) == set(STREETS[-10:])
    assert found["rank"].tolist() == list(range(1, 31))
    assert "1" in found["reason"].iloc[0]


def test_ties_share_a_rank_and_a_class_and_no_appeals_make_none():
    found = classify(make_orders([9] * 9 + [5, 5, 1]))
    assert len(find_governed(found)) == 11
    assert found["rank"].tolist()[:12] == [1] * 9 + [10, 10, 12]
    assert find_governed(classify(make_orders([0, 0, 4]))) == {STREETS[2]}


def test_large_streets_by_residents():
    population = pd.Series({STREETS[19]: 200_001.0, STREETS[18]: 200_000.0})
    found = classify(make_orders(range(20, 0, -1)), population)
    assert STREETS[19] in find_governed(found)
    assert STREETS[18] not in find_governed(found)
    assert found.loc[STREETS[19], "population"] == 200_001


def test_a_year_counts_not_a_season():
    # Eleven streets led in winter; in the last months another had a few.
    orders = pd.concat(
        [make_orders([8] * 10, "2024-12-05"), make_orders([0] * 12 + [3], "2025-06-10")]
    )
    found = classify(orders)
    assert find_governed(found) == set(STREETS[:10])
    assert found.loc[STREETS[12], "appeals"] == 3


def test_what_people_decided_counts():
    decision = ClassDecision(
        street_code=STREETS[0],
        from_month="2025-06",
        proposed="governance",
        decided="",
        decided_by="p1",
        decided_at=datetime(2025, 6, 20, tzinfo=UTC),
        reason="现场核查",
    )
    found = classify(make_orders([9, 5]), decisions=[decision])
    assert found.loc[STREETS[0], ["proposed", "decided", "street_class"]].tolist() == [
        "governance",
        "",
        "",
    ]
    assert find_governed(found) == {STREETS[1]}


def test_without_orders_there_is_no_class():
    found = classify(make_orders([]))
    assert not find_governed(found)
    assert found["appeals"].sum() == 0
