"""The course of a hotspot in time: a probability for each of seven patterns, from its persons per month.

The names follow the emerging hot spot literature (Esri's *Emerging Hot Spot Analysis*, which labels bins by the
sequence of Gi* and the Mann-Kendall trend); with a few persons a month such labels flicker. Here each pattern is a
family of courses f (0-1 over the months) and of heights s, and the persons of a month are negative binomial around
``e + s · f``. The evidence of a pattern is the likelihood averaged over its courses and heights, so that a pattern with
more freedom must earn it (Bayesian model choice, Kass & Raftery 1995, "Bayes factors", JASA 90); with equal chances
beforehand it becomes a probability.

rising
    an excess that grows until now, or began within the last :data:`NEW_MONTHS` and is there still;
steady
    the same excess in every month, or for longer than a new one;
seasonal
    an excess in the same months of every year, needs at least :data:`SEASONS_NEEDED` months of history;
burst
    one episode of up to three months that lies less than :data:`ENDED_MONTHS` back;
recurring
    months with and without an excess in no such order;
falling
    an excess that shrinks, or ended less than :data:`ENDED_MONTHS` ago;
ended
    one episode, short or long, and none of it for :data:`ENDED_MONTHS` or longer: for the archive.

Fewer than :data:`FEWEST_MONTHS` months tell nothing: every pattern that such a history can show is as likely, and
``recurring`` is what it is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from planner.frames import HotspotKind

Array = NDArray[np.float64]

NEW_MONTHS = 12
"""What is there for longer is not rising any more but steady. Assumed."""

ENDED_MONTHS = 6
"""After so long without it a problem has ended. Assumed."""

SEASONS_NEEDED = 15
"""Months of history from which a season can be told from a single episode: it must have come at least twice."""

FEWEST_MONTHS = 6

SURE_OF_RISE = 0.8
"""Probability from which a hotspot is called rising, on which a planner acts first; below it the likeliest other
pattern is told. Assumed."""

OVERDISPERSION = 0.1
"""Variance of the monthly rate over its square, beyond chance. Assumed."""


HEIGHTS = 24
SWITCHES = ((0.1, 0.4), (0.1, 0.7), (0.25, 0.4), (0.25, 0.7), (0.4, 0.5))
"""Of recurring: chances per month that an excess begins and that it stops."""

ACTIVE = 0.05
"""Share of its height from which a course counts as active."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """One course: its pattern and its shape over the months (0-1)."""

    kind: HotspotKind
    shape: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the counts of a hotspot say.

    Parameters
    ----------
    kind
        The most probable pattern; rising only from :data:`SURE_OF_RISE`.
    active
        Months (0 … P-1) in which it is there.
    probabilities
        Of each pattern, sum 1.
    """

    kind: HotspotKind
    active: tuple[int, ...]
    probabilities: Mapping[HotspotKind, float]


@lru_cache(maxsize=8)
def make_courses(months: int) -> tuple[Course, ...]:
    """Return every course over `months` months, the last being the newest, except those of recurring."""
    t = np.arange(months)
    made: dict[tuple[HotspotKind, tuple[float, ...]], None] = {}

    def add(kind: HotspotKind, shape: Array) -> None:
        made.setdefault((kind, tuple((shape / shape.max()).round(6).tolist())))

    add(HotspotKind.STEADY, np.ones(months))
    for onset in range(1, months - 1):
        age = months - onset
        after = (t >= onset).astype(float)
        if age <= NEW_MONTHS:
            add(HotspotKind.RISING, after)
        elif age % 6 == 0:
            # few steps, so that "since two years" does not lose to a slope for its many variants
            add(HotspotKind.STEADY, after)
        if age > 3:
            add(HotspotKind.RISING, np.clip((t - onset + 1) / age, 0.0, 1.0))
            add(HotspotKind.FALLING, np.clip((t - onset + 1) / age, 0.0, 1.0)[::-1])
    for floor in (0.0, 0.2, 0.4):
        rising = floor + (1 - floor) * (t + 1) / months
        add(HotspotKind.RISING, rising)
        add(HotspotKind.FALLING, rising[::-1])
    for speed in (2.0, 3.0, 4.5):
        rising = np.exp(speed * ((t + 1) / months - 1))
        add(HotspotKind.RISING, rising)
        add(HotspotKind.FALLING, rising[::-1])
    for end in range(1, months):
        quiet = months - end
        for start in range(end):
            episode = ((t >= start) & (t < end)).astype(float)
            if quiet >= ENDED_MONTHS:
                add(HotspotKind.ENDED, episode)
            elif end - start <= 3:
                add(HotspotKind.BURST, episode)
            elif start == 0 or end - start >= 6:
                add(HotspotKind.FALLING, episode)
    add(HotspotKind.BURST, (t == months - 1).astype(float))
    if months >= SEASONS_NEEDED:
        for first in range(12):
            for length in range(2, 7):
                add(HotspotKind.SEASONAL, ((t - first) % 12 < length).astype(float))
            wave = 0.5 + 0.5 * np.cos(2 * np.pi * (t - first) / 12)
            add(HotspotKind.SEASONAL, wave**2)
    return tuple(
        Course(kind=kind, shape=shape) for kind, shape in made if _has_all(kind, shape, months)
    )


def _has_all(kind: HotspotKind, shape: tuple[float, ...], months: int) -> bool:
    """Return whether a falling course is not one that ended."""
    if kind is not HotspotKind.FALLING or months <= ENDED_MONTHS:
        return True
    return any(value > 0 for value in shape[-ENDED_MONTHS:])


def find_patterns(counted: Array, expected: Array) -> list[Verdict]:
    """Return the pattern of each hotspot, with probabilities and active months.

    Parameters
    ----------
    counted
        Persons per hotspot and month, shape (hotspots, months), oldest month first.
    expected
        What the background expects, the same shape, above 0.
    """
    months = counted.shape[1]
    if months < FEWEST_MONTHS:
        few = (HotspotKind.RISING, HotspotKind.STEADY, HotspotKind.BURST, HotspotKind.RECURRING)
        chances = {kind: 0.25 if kind in few else 0.0 for kind in HotspotKind}
        return [
            Verdict(kind=HotspotKind.RECURRING, active=tuple(range(months)), probabilities=chances)
            for _ in counted
        ]
    courses = make_courses(months)
    shapes = np.array([course.shape for course in courses])
    kinds = np.array([list(HotspotKind).index(course.kind) for course in courses])
    return [
        _judge(y, np.maximum(e, 1e-6), shapes, kinds)
        for y, e in zip(counted, expected, strict=True)
    ]


def _judge(y: Array, e: Array, shapes: Array, kinds: NDArray[np.int64]) -> Verdict:
    """Return what the months of one hotspot say."""
    top = max(float((y - e).max()), 1.0)
    heights = np.geomspace(top / 40, top * 2.5, HEIGHTS)
    level = e + heights[:, None, None] * shapes
    likelihood = _measure(y, level).sum(axis=2)
    of_course = special.logsumexp(likelihood, axis=0) - np.log(HEIGHTS)
    evidence = np.full(len(HotspotKind), -np.inf)
    for kind in np.unique(kinds):
        own = of_course[kinds == kind]
        evidence[kind] = special.logsumexp(own) - np.log(len(own))
    recurring = list(HotspotKind).index(HotspotKind.RECURRING)
    evidence[recurring] = _measure_recurring(y, e, heights)
    chances = special.softmax(evidence)
    best = _choose(chances)
    if best == recurring:
        active = np.flatnonzero(_find_bursts(y, e))
    else:
        own = np.flatnonzero(kinds == best)
        active = np.flatnonzero(shapes[own[np.argmax(of_course[own])]] >= ACTIVE)
    return Verdict(
        kind=list(HotspotKind)[best],
        active=tuple(int(month) for month in active),
        probabilities={
            kind: float(chance) for kind, chance in zip(HotspotKind, chances, strict=True)
        },
    )


def _choose(chances: Array) -> int:
    """Return the likeliest pattern; rising only where that is sure."""
    best, rising = int(np.argmax(chances)), list(HotspotKind).index(HotspotKind.RISING)
    if best == rising and chances[rising] < SURE_OF_RISE:
        best = int(np.argmax(np.where(np.arange(len(chances)) == rising, -1.0, chances)))
    return best


def _measure(y: Array, level: Array) -> Array:
    """Return the negative binomial log-likelihood but for what depends on `y` alone."""
    return y * np.log(level) - (y + 1 / OVERDISPERSION) * np.log1p(OVERDISPERSION * level)


def _measure_recurring(y: Array, e: Array, heights: Array) -> float:
    """Return the log evidence of months that switch an excess on and off at random, by the forward algorithm."""
    without = _measure(y, e)
    within = _measure(y, e + heights[:, None])
    parts = []
    for begins, stops in SWITCHES:
        usual = begins / (begins + stops)
        off = np.full(len(heights), np.log(1 - usual)) + without[0]
        on = np.log(usual) + within[:, 0]
        for month in range(1, len(y)):
            off, on = (
                np.logaddexp(off + np.log(1 - begins), on + np.log(stops)) + without[month],
                np.logaddexp(off + np.log(begins), on + np.log(1 - stops)) + within[:, month],
            )
        parts.append(np.logaddexp(off, on))
    whole = np.array(parts)
    return float(special.logsumexp(whole) - np.log(whole.size))


def _find_bursts(y: Array, e: Array) -> Array:
    """Return 1 in months with an excess, by alternating the height and the months that are likelier with it."""
    on = (y > e).astype(float)
    for _ in range(8):
        height = max(((y - e) * on).sum() / max(on.sum(), 1.0), 1e-6)
        on = (y * np.log((e + height) / e) > height).astype(float)
    return on if on.any() else (y == y.max()).astype(float)
