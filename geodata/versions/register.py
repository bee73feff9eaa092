"""Boundary versions: which boundaries are in force on which day, and every step on the way.

A new version loads inactive, is checked, then goes active from a date; the one before retires that day.
Rules only: values in, values out; the folder store is ``geodata.versions.store``. A day is the first one
in force (``valid_from``, included) or the first one no more in force (``valid_to``, excluded).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

import numpy as np
import pandas as pd

from geodata.errors import GeodataError
from geodata.problems import Problem


class VersionState(StrEnum):
    """Where a boundary set stands."""

    INACTIVE = "inactive"  # loaded; judges nothing
    ACTIVE = "active"  # in force from its valid_from, with no end yet
    RETIRED = "retired"  # followed by another one at its valid_to; still judges its own days


class Step(StrEnum):
    """What can be done with a boundary set."""

    LOAD = "load"
    CHECK = "check"
    ACCEPT = "accept"
    ACTIVATE = "activate"
    RETIRE = "retire"


TRANSITIONS: dict[tuple[VersionState, Step], VersionState] = {
    (VersionState.INACTIVE, Step.CHECK): VersionState.INACTIVE,
    (VersionState.INACTIVE, Step.ACCEPT): VersionState.INACTIVE,
    (VersionState.INACTIVE, Step.ACTIVATE): VersionState.ACTIVE,
    (VersionState.ACTIVE, Step.RETIRE): VersionState.RETIRED,
}
"""State and step → next state; every other pair is refused."""


class VersionError(GeodataError):
    """A step that the rules of boundary versions do not allow."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step: what, by whom, when, and why."""

    step: Step
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BoundarySet:
    """One version of one layer.

    Attributes
    ----------
    layer
        Such as ``streets``.
    version
        Name, unique in its layer.
    state
        Where it stands.
    valid_from, valid_to
        First day in force, first day no more in force; None while not known.
    features
        Number of areas.
    content_hash
        SHA-256 of the file.
    errors, warnings
        Of its last check; None = not checked.
    accepted_by
        Who accepted it in spite of errors, empty = nobody.
    events
        Every step, in order.
    """

    layer: str
    version: str
    state: VersionState = VersionState.INACTIVE
    valid_from: date | None = None
    valid_to: date | None = None
    features: int = 0
    content_hash: str = ""
    errors: int | None = None
    warnings: int | None = None
    accepted_by: str = ""
    events: tuple[Event, ...] = field(default=())

    def is_in_force(self, day: date) -> bool:
        """Tell whether it judges on `day`."""
        if self.state is VersionState.INACTIVE or self.valid_from is None:
            return False
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def make_boundary_set(
    layer: str, version: str, *, features: int, content_hash: str, by: str, at: datetime
) -> BoundarySet:
    """Return a newly loaded, inactive set.

    Raises
    ------
    VersionError
        If a name is empty or no file name, or nobody is named.
    """
    for what, name in (("layer", layer), ("version", version)):
        if not name or name.strip(" .") != name or set(name) & set('/\\:*?"<>|\0\n'):
            raise VersionError(
                f"{what} name {name!r}: expected letters, digits, '-', '_' or '.', as in '2024-07'"
            )
    fresh = BoundarySet(layer=layer, version=version, features=features, content_hash=content_hash)
    return _record(fresh, Event(step=Step.LOAD, by=by, at=at, note=f"{features} areas"))


def check_set(
    boundary_set: BoundarySet, problems: Sequence[Problem], *, by: str, at: datetime
) -> BoundarySet:
    """Return the set with the outcome of its check; an earlier acceptance ends.

    Raises
    ------
    VersionError
        If the set is not inactive.
    """
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    event = Event(step=Step.CHECK, by=by, at=at, note=f"{errors} errors, {warnings} warnings")
    return replace(_step(boundary_set, event), errors=errors, warnings=warnings, accepted_by="")


def accept_set(boundary_set: BoundarySet, *, reason: str, by: str, at: datetime) -> BoundarySet:
    """Return the set accepted in spite of errors, for a reason that is kept.

    Raises
    ------
    VersionError
        If the set is not inactive, not checked, or no reason is given.
    """
    if boundary_set.errors is None:
        raise VersionError(f"{_name(boundary_set)} was not checked; check it before accepting it")
    if not reason.strip():
        raise VersionError(f"{_name(boundary_set)}: state the reason for accepting its errors")
    event = Event(step=Step.ACCEPT, by=by, at=at, note=reason.strip())
    return replace(_step(boundary_set, event), accepted_by=by)


def activate_set(
    sets: Sequence[BoundarySet],
    layer: str,
    version: str,
    *,
    valid_from: date,
    by: str,
    at: datetime,
) -> tuple[BoundarySet, ...]:
    """Return all sets with one of them active from a day, and the one before retired that day.

    Raises
    ------
    VersionError
        If the set is not known, not inactive, not checked, has errors that nobody accepted, or would
        begin on or before the first day of the one before.
    """
    chosen = get_set(sets, layer, version)
    if chosen.errors is None and chosen.state is VersionState.INACTIVE:
        raise VersionError(f"{_name(chosen)} was not checked; check it before it goes active")
    if chosen.errors and not chosen.accepted_by:
        raise VersionError(
            f"{_name(chosen)} has {chosen.errors} error(s); repair and load it again, "
            "or accept them with a reason"
        )
    event = Event(step=Step.ACTIVATE, by=by, at=at, note=f"from {valid_from.isoformat()}")
    changed = {version: replace(_step(chosen, event), valid_from=valid_from)}
    former = find_active(sets, layer)
    if former is not None:
        changed[former.version] = _retire(former, valid_from, version, by=by, at=at)
    after = tuple(changed.get(one.version, one) if one.layer == layer else one for one in sets)
    check_register(after)
    return after


def find_active(sets: Sequence[BoundarySet], layer: str) -> BoundarySet | None:
    """Return the set of a layer that has no end yet, or None."""
    active = [one for one in sets if one.layer == layer and one.state is VersionState.ACTIVE]
    return active[0] if active else None


def find_in_force(sets: Sequence[BoundarySet], layer: str, day: date) -> BoundarySet | None:
    """Return the set of a layer that judges on `day`, or None."""
    hits = [one for one in sets if one.layer == layer and one.is_in_force(day)]
    return hits[0] if hits else None


def get_set(sets: Sequence[BoundarySet], layer: str, version: str) -> BoundarySet:
    """Return the set of that name.

    Raises
    ------
    VersionError
        If there is none.
    """
    names = {one.version: one for one in sets if one.layer == layer}
    if version not in names:
        known = ", ".join(sorted(names)) or "none"
        raise VersionError(f"layer {layer!r} has no version {version!r}; known: {known}")
    return names[version]


def find_versions(sets: Sequence[BoundarySet], layer: str, times: pd.Series) -> pd.Series:
    """Return the version in force at each time, missing where there is none.

    Parameters
    ----------
    sets
        All sets.
    layer
        The layer asked for.
    times
        Aware times in the city's zone (their day there counts), any index.
    """
    known = sorted(
        (one for one in sets if one.layer == layer and one.valid_from and one.state != "inactive"),
        key=lambda one: one.valid_from or date.min,
    )
    days = times.dt.tz_localize(None).to_numpy(dtype="datetime64[D]")
    if not known:
        return pd.Series(pd.NA, index=times.index, dtype="str")
    far = np.datetime64("9999-12-31", "D")
    starts = np.array([one.valid_from for one in known], dtype="datetime64[D]")
    ends = np.array([one.valid_to or far for one in known], dtype="datetime64[D]")
    at = np.searchsorted(starts, days, side="right") - 1
    fits = (at >= 0) & (days < ends[at]) & ~np.isnat(days)
    names = pd.array([one.version for one in known], dtype="str")
    return pd.Series(names.take(np.where(fits, at, -1), allow_fill=True), index=times.index)


def check_register(sets: Sequence[BoundarySet]) -> None:
    """Refuse a register with a name used twice, two active sets of a layer, or overlapping days.

    Raises
    ------
    VersionError
        With the two sets that clash.
    """
    names = [(one.layer, one.version) for one in sets]
    for layer, version in names:
        if names.count((layer, version)) > 1:
            raise VersionError(
                f"version {version!r} of layer {layer!r} stands twice in the register"
            )
    for layer in {one.layer for one in sets}:
        used = [
            one for one in sets if one.layer == layer and one.state is not VersionState.INACTIVE
        ]
        used.sort(key=lambda one: one.valid_from or date.min)
        for one, other in pairwise(used):
            end = one.valid_to or date.max
            if (one.valid_from or date.min) >= end or end > (other.valid_from or date.min):
                raise VersionError(
                    f"{_name(other)} (from {other.valid_from}) overlaps {_name(one)} "
                    f"({one.valid_from} to {one.valid_to or 'open'}); choose a later day"
                )


def _retire(
    former: BoundarySet, valid_to: date, successor: str, *, by: str, at: datetime
) -> BoundarySet:
    if former.valid_from is not None and valid_to <= former.valid_from:
        raise VersionError(
            f"{_name(former)} is in force from {former.valid_from}; its successor {successor!r} "
            f"must begin later than that, not on {valid_to}"
        )
    event = Event(step=Step.RETIRE, by=by, at=at, note=f"followed by {successor} on {valid_to}")
    return replace(_step(former, event), valid_to=valid_to)


def _step(boundary_set: BoundarySet, event: Event) -> BoundarySet:
    """Return the set after a step that the table allows."""
    following = TRANSITIONS.get((boundary_set.state, event.step))
    if following is None:
        raise VersionError(
            f"{_name(boundary_set)} is {boundary_set.state}; {event.step} is not possible then"
        )
    return _record(replace(boundary_set, state=following), event)


def _record(boundary_set: BoundarySet, event: Event) -> BoundarySet:
    if not event.by.strip():
        raise VersionError(f"{_name(boundary_set)}: say who does this step ({event.step})")
    if event.at.tzinfo is None:
        raise VersionError(f"{_name(boundary_set)}: time {event.at} has no time zone")
    return replace(boundary_set, events=(*boundary_set.events, event))


def _name(boundary_set: BoundarySet) -> str:
    return f"version {boundary_set.version!r} of layer {boundary_set.layer!r}"
