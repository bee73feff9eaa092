"""Units that a street adds to a call or leaves out: each with its reason, and none that makes no sense."""

import pytest

from gridgov.errors import GridgovError
from gridgov.rules.whistles.choosing import Change, UnitChange, change_calls
from tests.gridgov.rules.whistles.test_call import PLAN


def change(unit_code, what, reason="x"):
    return UnitChange(unit_code=unit_code, name=unit_code, change=what, reason=reason)


def test_an_added_unit_comes_at_once_and_the_duties_stay_as_they_are():
    made = change_calls(PLAN, [change("B", Change.DROP), change("C", Change.ADD)], report_in_min=30)
    assert [one.unit_code for one in made.calls] == ["A", "C"]
    assert (made.calls[1].stage, made.calls[1].duties, made.calls[1].report_in_min) == (1, (), 30)
    assert made.duties == PLAN.duties
    assert change_calls(PLAN, [], report_in_min=30) == PLAN


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([change("C", Change.ADD, " ")], "needs a reason"),
        ([change("A", Change.ADD)], "is called already"),
        ([change("C", Change.DROP)], "is not called"),
        ([change("s1", Change.ADD)], "is the street that calls"),
        ([change("A", Change.DROP), change("A", Change.ADD)], "is named twice"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, words):
    with pytest.raises(GridgovError, match=words):
        change_calls(PLAN, changes, report_in_min=30)
