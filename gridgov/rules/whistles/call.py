"""A whistle call as a record: who was called, who came when and with what power, what is done, who is late.

One transition table says what may happen to a called unit; every function returns a new record and keeps
the old one. The clock is an argument. Rules (DOMAIN.md section 6): the street convenes; each unit must report in
in time, with its authority (人到权到), and stays until its duties are done (事不完、人不走); both sides are
rated (双考核); whoever is missing or late is raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gridgov.errors import GridgovError
from gridgov.rules.whistles.convene import WhistlePlan

SCORES = range(1, 6)
"""Ratings both ways, 5 is best [A]."""


class UnitState(StrEnum):
    """Where a called unit stands."""

    CALLED = "called"
    REPORTED_IN = "reported_in"
    POWERLESS = "powerless"  # people came, their power did not (人到权未到)
    RAISED = "raised"
    RELEASED = "released"


class Action(StrEnum):
    """What happens to a called unit."""

    REPORT_IN = "report_in"
    REPORT_POWERLESS = "report_powerless"
    RAISE = "raise"
    RELEASE = "release"


TRANSITIONS: Mapping[tuple[UnitState, Action], UnitState] = {
    (UnitState.CALLED, Action.REPORT_IN): UnitState.REPORTED_IN,
    (UnitState.CALLED, Action.REPORT_POWERLESS): UnitState.POWERLESS,
    (UnitState.CALLED, Action.RAISE): UnitState.RAISED,
    (UnitState.POWERLESS, Action.REPORT_IN): UnitState.REPORTED_IN,
    (UnitState.POWERLESS, Action.RAISE): UnitState.RAISED,
    # Who comes after having been raised is there, and stays marked as late.
    (UnitState.RAISED, Action.REPORT_IN): UnitState.REPORTED_IN,
    (UnitState.REPORTED_IN, Action.RELEASE): UnitState.RELEASED,
    # Who came without power, or not at all, can do none of its duties: the street goes on without it.
    (UnitState.POWERLESS, Action.RELEASE): UnitState.RELEASED,
    (UnitState.RAISED, Action.RELEASE): UnitState.RELEASED,
}
"""Everything that may happen; what is not here is refused."""


class WhistleCallError(GridgovError):
    """A step that a whistle call does not allow now; the record stays as it was.

    Attributes
    ----------
    call_no
        The call.
    unit_code
        The unit concerned, empty for the call as a whole.
    """

    def __init__(self, call_no: str, unit_code: str, message: str) -> None:
        self.call_no = call_no
        self.unit_code = unit_code
        where = f"whistle call {call_no}" + (f", unit {unit_code}" if unit_code else "")
        super().__init__(f"{where}: {message}")


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """Somebody of a called unit says that they are there.

    Parameters
    ----------
    person_key
        Salted hash of who.
    at
        When, aware.
    lon, lat
        Where, degrees EPSG:4326; None where the device gave no place.
    street_code
        Street of that point, found by the caller's index; empty if outside all or no place.
    authority
        ``full`` where they may decide and act, ``none`` where only people came.
    brought
        Powers that they say they bring; then `authority` follows from what the unit must bring. None: not asked.
    accuracy_m
        Radius in which the phone believes to be; None where it did not say.
    is_sure
        Whether that circle lies wholly on one side of the street's border.
    by_name, note
        Who, as colleagues know them, and what they say. No words of a person who appealed.
    """

    person_key: str
    at: datetime
    lon: float | None = None
    lat: float | None = None
    street_code: str = ""
    authority: str = "full"
    brought: tuple[str, ...] | None = None
    accuracy_m: float | None = None
    is_sure: bool = True
    by_name: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CalledState:
    """One called unit in a whistle call.

    Parameters
    ----------
    duties
        What it must do here; `done` are those finished.
    report_in_by
        Required report-in, aware.
    check_ins
        All of them, first to last.
    reported_at
        First check-in with authority.
    inside
        Whether that one lay in the street that called; None where its place is not known.
    raised_at, released_at
        When, if so.
    street_rating, unit_rating
        What the street gave the unit, and the unit the street.
    """

    unit_code: str
    stage: int
    duties: tuple[str, ...]
    report_in_by: datetime
    state: UnitState = UnitState.CALLED
    done: tuple[str, ...] = ()
    check_ins: tuple[CheckIn, ...] = ()
    reported_at: datetime | None = None
    inside: bool | None = None
    raised_at: datetime | None = None
    released_at: datetime | None = None
    street_rating: int | None = None
    unit_rating: int | None = None

    @property
    def late_min(self) -> float:
        """Return by how many minutes the unit reported in too late, 0 if in time or not yet there."""
        if self.reported_at is None:
            return 0.0
        return max(0.0, (self.reported_at - self.report_in_by).total_seconds() / 60)

    @property
    def left(self) -> tuple[str, ...]:
        """Return the duties not done yet."""
        return tuple(duty for duty in self.duties if duty not in self.done)


@dataclass(frozen=True, kw_only=True)
class WhistleCall:
    """A whistle call from blowing to the release of the last unit.

    Parameters
    ----------
    call_no, order_no
        Public numbers; the order that made it necessary.
    street_code, item_code, cell_code
        Who blew it, for what, where.
    blown_at
        When, aware.
    units
        Called units by code, in the order of the plan.
    waits
        Duty → duties that must be done before it, by the duty graph of the day of the call; circles are left out, their
        duties are done together.
    powers
        Unit → powers that it must bring here (人到权到).
    """

    call_no: str
    order_no: str
    street_code: str
    item_code: str
    cell_code: str
    blown_at: datetime
    units: Mapping[str, CalledState]
    waits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    powers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find_missing_powers(self, unit_code: str, brought: tuple[str, ...]) -> tuple[str, ...]:
        """Return the powers that a unit must bring and does not."""
        return tuple(one for one in self.powers.get(unit_code, ()) if one not in brought)

    def find_waits(self, duty_code: str) -> tuple[str, ...]:
        """Return what must be done before a duty and is not, where somebody is still here to do it.

        A duty that several units hold is done when none of those still called has it left.
        """
        left = {
            duty
            for unit in self.units.values()
            if unit.state is not UnitState.RELEASED
            for duty in unit.left
        }
        return tuple(duty for duty in self.waits.get(duty_code, ()) if duty in left)

    @property
    def closed(self) -> bool:
        """Tell whether every called unit is released."""
        return all(unit.state is UnitState.RELEASED for unit in self.units.values())


def blow(
    plan: WhistlePlan, *, call_no: str, order_no: str, cell_code: str, at: datetime
) -> WhistleCall:
    """Return a new call for everybody whom the plan calls.

    Raises
    ------
    WhistleCallError
        `at` has no time zone, or the plan calls nobody.
    """
    if at.tzinfo is None:
        raise WhistleCallError(
            call_no, "", f"time {at.isoformat()} has no zone; expected an aware time"
        )
    if not plan.calls:
        raise WhistleCallError(call_no, "", "the plan calls nobody; the street can act alone")
    units = {
        call.unit_code: CalledState(
            unit_code=call.unit_code,
            stage=call.stage,
            duties=call.duties,
            report_in_by=at + timedelta(minutes=call.report_in_min),
        )
        for call in plan.calls
    }
    return WhistleCall(
        call_no=call_no,
        order_no=order_no,
        street_code=plan.street.area_code or plan.street.unit_code,
        item_code=plan.item.item_code,
        cell_code=cell_code,
        blown_at=at,
        units=units,
        waits={duty.duty_code: duty.waits_for for duty in plan.duties if not duty.joint},
        powers={call.unit_code: call.authorities for call in plan.calls},
    )


def report_in(call: WhistleCall, unit_code: str, check_in: CheckIn) -> WhistleCall:
    """Return the call with a check-in; without authority the unit counts as present but powerless.

    A check-in outside the street is kept and marked, not refused: a phone may be wrong, a person judges. Where the
    phone itself is too unsure to say, neither is said. One power that is missing of several makes the unit powerless.

    Raises
    ------
    WhistleCallError
        Unknown unit, time before the call, unknown authority, or the unit cannot check in now.
    """
    unit = _get(call, unit_code)
    _check_time(call, unit_code, check_in.at)
    if check_in.authority not in {"full", "none"}:
        raise WhistleCallError(
            call.call_no, unit_code, f"authority {check_in.authority!r}; expected full or none"
        )
    if check_in.brought is not None:
        missing = call.find_missing_powers(unit_code, check_in.brought)
        check_in = replace(check_in, authority="none" if missing else "full")
    if check_in.authority == "none" and unit.state in {UnitState.POWERLESS, UnitState.RAISED}:
        return _put(call, replace(unit, check_ins=(*unit.check_ins, check_in)))
    full = check_in.authority == "full"
    state = _step(call, unit, Action.REPORT_IN if full else Action.REPORT_POWERLESS)
    known = check_in.lon is not None and check_in.lat is not None and check_in.is_sure
    return _put(
        call,
        replace(
            unit,
            state=state,
            check_ins=(*unit.check_ins, check_in),
            reported_at=check_in.at if full else None,
            inside=check_in.street_code == call.street_code if known else None,
        ),
    )


def finish_duty(call: WhistleCall, unit_code: str, duty_code: str) -> WhistleCall:
    """Return the call with one duty of a unit done.

    Raises
    ------
    WhistleCallError
        The unit is not there with its authority, does not have this duty here, or another must be done before it.
    """
    unit = _get(call, unit_code)
    if unit.state is not UnitState.REPORTED_IN:
        raise WhistleCallError(call.call_no, unit_code, f"is {unit.state}; expected reported_in")
    if duty_code not in unit.duties:
        known = ", ".join(unit.duties) or "none"
        raise WhistleCallError(
            call.call_no, unit_code, f"has no duty {duty_code!r} here; it has {known}"
        )
    waits = call.find_waits(duty_code)
    if waits:
        raise WhistleCallError(
            call.call_no, unit_code, f"duty {duty_code!r} waits for {', '.join(waits)}"
        )
    return _put(call, replace(unit, done=tuple(dict.fromkeys((*unit.done, duty_code)))))


def undo_duty(call: WhistleCall, unit_code: str, duty_code: str) -> WhistleCall:
    """Return the call with a duty of a unit that is still here not done, as it was before.

    Raises
    ------
    WhistleCallError
        The unit is gone, has not done it, or somebody has meanwhile done what waited for it.
    """
    unit = _get(call, unit_code)
    if unit.state is not UnitState.REPORTED_IN:
        raise WhistleCallError(call.call_no, unit_code, f"is {unit.state}; expected reported_in")
    if duty_code not in unit.done:
        raise WhistleCallError(call.call_no, unit_code, f"has not done duty {duty_code!r}")
    done = {duty for one in call.units.values() for duty in one.done}
    built = sorted(code for code in done if duty_code in call.waits.get(code, ()))
    if built:
        raise WhistleCallError(
            call.call_no, unit_code, f"{', '.join(built)} waited for {duty_code!r} and is done"
        )
    return _put(call, replace(unit, done=tuple(one for one in unit.done if one != duty_code)))


def release(call: WhistleCall, unit_code: str, *, at: datetime) -> WhistleCall:
    """Return the call with a unit released, which it is only when its duties are done (事不完、人不走).

    One without its power, or that never came, has nothing that it could finish: it is let go as it is.

    Raises
    ------
    WhistleCallError
        The unit is not there, has duties left, or the time lies before its report-in.
    """
    unit = _get(call, unit_code)
    state = _step(call, unit, Action.RELEASE)
    if unit.left and unit.state is UnitState.REPORTED_IN:
        raise WhistleCallError(
            call.call_no, unit_code, f"has duties left: {', '.join(unit.left)}; finish them first"
        )
    if unit.reported_at is not None and at < unit.reported_at:
        raise WhistleCallError(
            call.call_no, unit_code, f"release at {at.isoformat()} lies before its report-in"
        )
    return _put(call, replace(unit, state=state, released_at=at))


def raise_missing(call: WhistleCall, *, now: datetime) -> WhistleCall:
    """Return the call with every unit raised that is not there with its authority in time."""
    _check_time(call, "", now)
    for unit in call.units.values():
        if (unit.state, Action.RAISE) in TRANSITIONS and now > unit.report_in_by:
            state = _step(call, unit, Action.RAISE)
            call = _put(call, replace(unit, state=state, raised_at=now))
    return call


def rate_unit(call: WhistleCall, unit_code: str, score: int) -> WhistleCall:
    """Return the call with the street's rating of a unit; see :data:`SCORES`.

    Raises
    ------
    WhistleCallError
        The score is out of range, the unit is neither released nor raised, or it was rated already.
    """
    unit = _check_rating(call, unit_code, score)
    _check_unrated(call, unit_code, unit.street_rating)
    return _put(call, replace(unit, street_rating=score))


def rate_street(call: WhistleCall, unit_code: str, score: int) -> WhistleCall:
    """Return the call with a unit's rating of the street; see :data:`SCORES`.

    Raises
    ------
    WhistleCallError
        The score is out of range, the unit is neither released nor raised, or it was rated already.
    """
    unit = _check_rating(call, unit_code, score)
    _check_unrated(call, unit_code, unit.unit_rating)
    return _put(call, replace(unit, unit_rating=score))


def _check_unrated(call: WhistleCall, unit_code: str, given: int | None) -> None:
    if given is not None:
        raise WhistleCallError(
            call.call_no, unit_code, f"was rated {given} already; a rating is given once"
        )


def _check_rating(call: WhistleCall, unit_code: str, score: int) -> CalledState:
    unit = _get(call, unit_code)
    if score not in SCORES:
        raise WhistleCallError(
            call.call_no, unit_code, f"rating {score}; expected 1 to {SCORES[-1]}"
        )
    if unit.state not in {UnitState.RELEASED, UnitState.RAISED}:
        raise WhistleCallError(
            call.call_no, unit_code, f"is {unit.state}; rated only once released or raised"
        )
    return unit


def _get(call: WhistleCall, unit_code: str) -> CalledState:
    if unit_code not in call.units:
        known = ", ".join(call.units)
        raise WhistleCallError(call.call_no, unit_code, f"was not called; called are {known}")
    return call.units[unit_code]


def _check_time(call: WhistleCall, unit_code: str, at: datetime) -> None:
    if at.tzinfo is None:
        raise WhistleCallError(call.call_no, unit_code, f"time {at.isoformat()} has no zone")
    if at < call.blown_at:
        raise WhistleCallError(
            call.call_no,
            unit_code,
            f"{at.isoformat()} lies before the call at {call.blown_at.isoformat()}",
        )


def _step(call: WhistleCall, unit: CalledState, action: Action) -> UnitState:
    state = TRANSITIONS.get((unit.state, action))
    if state is None:
        allowed = ", ".join(a.value for s, a in TRANSITIONS if s is unit.state) or "nothing"
        raise WhistleCallError(
            call.call_no,
            unit.unit_code,
            f"is {unit.state}, cannot {action}; possible now: {allowed}",
        )
    return state


def _put(call: WhistleCall, unit: CalledState) -> WhistleCall:
    return replace(call, units={**call.units, unit.unit_code: unit})
