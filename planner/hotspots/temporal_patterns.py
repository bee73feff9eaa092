"""The course of a hotspot in time: which of six kinds describes its monthly counts best.

The names follow the emerging hot spot literature (Esri's *Emerging Hot Spot Analysis*, which labels bins by the
sequence of Gi* and the Mann-Kendall trend); with monthly counts of a few orders such labels flicker, so here each
kind is a family of courses ``f`` and the excess is fitted by maximum likelihood, ``y_t ~ Poisson(e_t + s f_t)``; the
kind with the best penalised likelihood (BIC: a course with more freedom must earn it) is the answer.

persistent
    the same excess in every month;
new
    nothing, then a constant excess from some month within the last :data:`NEW_MONTHS` until the end;
growing
    an excess that rises to the end of the history, from its start or for longer than a new one can;
seasonal
    an excess in the same months of every year, needs at least :data:`SEASONS_NEEDED` months of history;
diminishing
    an excess that falls towards the end or ended;
sporadic
    months with and without an excess in no such order; also what can't be told with less than 6 months.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from planner.frames import HotspotKind

Array = NDArray[np.float64]

NEW_MONTHS = 6
"""A hotspot older than this is not new. Assumed."""

SEASONS_NEEDED = 15
"""Months of history from which a season can be told from a single episode: it must have come at least twice."""

FEWEST_MONTHS = 6
STEPS = 40


@dataclass(frozen=True, kw_only=True)
class Course:
    """One course: its kind, its shape over the months (0-1) and how many free parameters it costs."""

    kind: HotspotKind
    shape: tuple[float, ...]
    cost: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the counts of a hotspot say: the kind and in which months (0 … P-1) it is active."""

    kind: HotspotKind
    active: tuple[int, ...]


@lru_cache(maxsize=8)
def make_courses(months: int) -> tuple[Course, ...]:
    """Return every course over `months` months, the last being the newest."""
    t = np.arange(months)
    courses = [Course(kind=HotspotKind.PERSISTENT, shape=tuple(np.ones(months)), cost=1)]
    for onset in range(1, months):
        after = (t >= onset).astype(float)
        ramp = np.clip((t - onset + 1) / (months - onset), 0.0, 1.0)
        kind = HotspotKind.NEW if months - onset <= NEW_MONTHS else HotspotKind.GROWING
        courses.append(Course(kind=kind, shape=tuple(after), cost=3))
        courses.append(Course(kind=HotspotKind.DIMINISHING, shape=tuple(1.0 - after), cost=3))
        if months - onset > 3:
            courses.append(Course(kind=kind, shape=tuple(ramp), cost=3))
            courses.append(Course(kind=HotspotKind.DIMINISHING, shape=tuple(ramp[::-1]), cost=3))
    for share in (0.0, 0.2, 0.4) if months > 3 else ():
        rising = share + (1 - share) * (t + 1) / months
        courses.append(Course(kind=HotspotKind.GROWING, shape=tuple(rising), cost=2.5))
        courses.append(Course(kind=HotspotKind.DIMINISHING, shape=tuple(rising[::-1]), cost=2.5))
    if months >= SEASONS_NEEDED:
        courses.extend(_make_seasons(t))
    return tuple(courses)


def find_kinds(counted: Array, expected: Array) -> list[Verdict]:
    """Return kind and active months per hotspot.

    Parameters
    ----------
    counted
        Persons per hotspot and month, shape (hotspots, months), oldest month first.
    expected
        What the background expects, the same shape, above 0.
    """
    months = counted.shape[1]
    if months < FEWEST_MONTHS:
        return [Verdict(kind=HotspotKind.SPORADIC, active=tuple(range(months))) for _ in counted]
    courses = make_courses(months)
    shapes = np.array([course.shape for course in courses])
    costs = np.array([course.cost for course in courses])
    return [
        _judge(y, np.maximum(e, 1e-6), (courses, shapes, costs))
        for y, e in zip(counted, expected, strict=True)
    ]


def _make_seasons(t: NDArray[np.int64]) -> list[Course]:
    """Return courses that are active in two to six successive months of every year."""
    return [
        Course(
            kind=HotspotKind.SEASONAL,
            shape=tuple(((t - first) % 12 < length).astype(float)),
            cost=3,
        )
        for first in range(12)
        for length in range(2, 7)
    ]


def _judge(y: Array, e: Array, table: tuple[tuple[Course, ...], Array, Array]) -> Verdict:
    """Return the best course of one hotspot; sporadic months compete as a course of their own."""
    courses, shapes, costs = table
    log_months = np.log(len(y))
    scores = 2 * _fit(y, e, shapes) - costs * log_months
    best = int(np.argmax(scores))
    bursts = _find_bursts(y, e)
    changes = int(np.abs(np.diff(np.concatenate([[0.0], bursts, [0.0]]))).sum())
    sporadic = 2 * _fit(y, e, bursts[None, :])[0] - (changes + 1) * log_months
    if sporadic > scores[best]:
        return Verdict(
            kind=HotspotKind.SPORADIC, active=tuple(int(m) for m in np.flatnonzero(bursts))
        )
    active = np.flatnonzero(shapes[best] >= 0.05)
    return Verdict(kind=courses[best].kind, active=tuple(int(month) for month in active))


def _fit(y: Array, e: Array, shapes: Array) -> Array:
    """Return the Poisson log-likelihood ratio against no excess, per course, at the best height s >= 0.

    EM for the split of each month's count into background and excess; it never leaves s >= 0.
    """
    weight = np.maximum(shapes.sum(axis=1), 1e-9)
    height = np.maximum((y - e).clip(0).sum(), 0.5) / weight
    for _ in range(STEPS):
        excess = height[:, None] * shapes
        height = (y * excess / (e + excess)).sum(axis=1) / weight
    level = e + height[:, None] * shapes
    return np.asarray((y * np.log(level / e) - (level - e)).sum(axis=1))


def _find_bursts(y: Array, e: Array) -> Array:
    """Return 1 in months with an excess, by alternating the height and the months that are likelier with it."""
    on = (y > e).astype(float)
    for _ in range(8):
        height = max(((y - e) * on).sum() / max(on.sum(), 1.0), 1e-6)
        on = (y * np.log((e + height) / e) > height).astype(float)
    return on
