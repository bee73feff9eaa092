"""Lists of whistle calls: who is there, who is late, in which order; units with what they did."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.whistles.call import UnitState
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.queries.whistle_lists import count_unit_calls, get_call_record, list_calls
from tests.gridgov.storage.order_rows import add_orders

NOW = datetime(2026, 2, 20, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def add_call(session: Session, number: str, units: dict[str, dict], *, hours_ago: int = 1) -> None:
    """Add a call blown so many hours ago; each unit is due half an hour after it."""
    order = add_orders(session, 1, first=int(number))[0]
    blown = NOW - hours_ago * HOUR
    made = [
        CalledUnit(
            position=at,
            unit_code=code,
            stage=1,
            duties=[],
            done=[],
            report_in_by=facts.pop("by", blown + HOUR / 2),
            **({"state": UnitState.CALLED} | facts),
        )
        for at, (code, facts) in enumerate(units.items())
    ]
    released = all(unit.state is UnitState.RELEASED for unit in made)
    session.add(
        WhistleCall(
            call_no=number,
            order_id=order.id,
            unit_code="street",
            street_code="110101001",
            item_code="111",
            blown_at=blown,
            blown_by="p",
            closed_at=NOW if released else None,
            plan={},
            units=made,
        )
    )
    session.flush()


@pytest.fixture
def calls(session: Session) -> None:
    in_time = {"state": UnitState.REPORTED_IN, "reported_at": NOW - HOUR}
    add_call(session, "1", {"A": in_time | {}, "B": {"by": NOW + HOUR}})
    add_call(session, "2", {"A": {}, "C": in_time | {}}, hours_ago=5)
    free = {
        "state": UnitState.RELEASED,
        "reported_at": NOW - HOUR,
        "by": NOW - 2 * HOUR,
        "released_at": NOW,
        "street_rating": 4,
    }
    add_call(session, "3", {"A": free}, hours_ago=3)


@pytest.mark.usefixtures("calls")
def test_late_calls_come_first_and_closed_ones_last(session: Session) -> None:
    found = list_calls(session, now=NOW)
    assert found["call_no"].tolist() == ["2", "1", "3"]
    assert found["called"].tolist() == [2, 2, 1]
    assert found["present"].tolist() == [1, 1, 1]
    assert found["late"].tolist() == [1, 0, 0]
    assert found["next_by"].iloc[1] == NOW + HOUR


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"state": "running"}, ["2", "1"]),
        ({"state": "late"}, ["2"]),
        ({"state": "closed"}, ["3"]),
        ({"unit_codes": frozenset({"B"})}, ["1"]),
        ({"unit_codes": frozenset({"street"})}, ["2", "1", "3"]),
        ({"unit_codes": frozenset()}, []),
        # Calls that run are listed whenever they were blown.
        ({"window": (NOW - HOUR, NOW)}, ["2", "1"]),
    ],
)
def test_filters(session: Session, asked: dict, numbers: list[str]) -> None:
    assert list_calls(session, now=NOW, **asked)["call_no"].tolist() == numbers


@pytest.mark.usefixtures("calls")
def test_units_are_counted_over_the_calls_of_a_window(session: Session) -> None:
    found = count_unit_calls(session, start=NOW - 6 * HOUR, end=NOW).set_index("unit_code")
    assert found.index.tolist() == ["A", "B", "C"]
    assert found.loc["A", ["calls", "present", "late", "ratings"]].tolist() == [3, 2, 1, 1]
    assert found.loc["A", "rating"] == 4.0
    assert found["rating"].isna().tolist() == [False, True, True]
    late_ones = count_unit_calls(session, start=NOW - 2 * HOUR, end=NOW)
    assert late_ones["unit_code"].tolist() == ["A", "B"]


@pytest.mark.usefixtures("calls")
def test_one_call_comes_with_its_order_and_units(session: Session) -> None:
    found = get_call_record(session, "1")
    assert [unit.unit_code for unit in found.call.units] == ["A", "B"]
    assert found.order.id == found.call.order_id
    with pytest.raises(NotFoundError, match="whistle call"):
        get_call_record(session, "none")
