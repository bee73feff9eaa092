"""Units that a street adds to a whistle call or leaves out, each with its reason, before it is blown.

The duty list proposes; whoever knows the place decides, and what was decided against the list stays visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gridgov.errors import GridgovError
from gridgov.rules.whistles.convene import CalledUnit, WhistlePlan


class Change(StrEnum):
    """What is done to the list of units."""

    ADD = "add"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class UnitChange:
    """One unit added or left out.

    Parameters
    ----------
    unit_code, name
        Which.
    reason
        Why, in words; personal numbers are masked by the caller.
    """

    unit_code: str
    name: str
    change: Change
    reason: str


def change_calls(
    plan: WhistlePlan, changes: Sequence[UnitChange], *, report_in_min: int
) -> WhistlePlan:
    """Return a plan with the units of its call changed; its duties stay as the list has them.

    An added unit is called to the first stage, without a duty of the list.

    Parameters
    ----------
    report_in_min
        Within how many minutes an added unit must report in.

    Raises
    ------
    GridgovError
        A change without a reason, a unit twice, one that is called already or is not, the street itself.
    """
    calls = {one.unit_code: one for one in plan.calls}
    seen: set[str] = set()
    for one in changes:
        _check(plan, one, calls=set(calls) - seen, seen=seen)
        seen.add(one.unit_code)
        if one.change is Change.DROP:
            del calls[one.unit_code]
            continue
        calls[one.unit_code] = CalledUnit(
            unit_code=one.unit_code,
            name=one.name,
            role="helper",
            stage=1,
            duties=(),
            authorities=(),
            report_in_min=report_in_min,
            slack_days=0.0,
            needed=False,
        )
    return replace(plan, calls=tuple(calls.values()))


def _check(plan: WhistlePlan, one: UnitChange, *, calls: set[str], seen: set[str]) -> None:
    where = f"unit {one.unit_code} {one.name}".rstrip()
    if not one.reason.strip():
        raise GridgovError(f"{where}: {one.change} needs a reason")
    if one.unit_code in seen:
        raise GridgovError(f"{where}: is named twice among the changes")
    if one.unit_code == plan.street.unit_code:
        raise GridgovError(f"{where}: is the street that calls")
    if one.change is Change.ADD and one.unit_code in calls:
        raise GridgovError(f"{where}: is called already")
    if one.change is Change.DROP and one.unit_code not in calls:
        raise GridgovError(f"{where}: is not called, so it cannot be left out")
