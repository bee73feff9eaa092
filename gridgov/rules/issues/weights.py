"""Defaults of the section [duplicates] of a pack: windows, radii, thresholds, and the weights of the score.

Data only; ``constants`` makes its values of them. All of it is assumed: which appeals a city calls one issue is not
public, and the weights are fitted to invented cities (:data:`FITTED`).
"""

import math

from gridgov.rules.rates.constants import Row

FEATURES = (
    "constant",
    "apart",
    "vague",
    "unplaced",
    "weeks",
    "same_item",
    "unknown_item",
    "text",
    "unknown_text",
    "address",
    "other_door",
    "crowd",
)
"""``apart`` squared distance in units of the joint standard deviation of the places, at most 9 · ``vague`` ln of that
deviation over 10 m · ``unplaced`` 1 where a place is missing · ``weeks`` between the appeals · ``same_item``,
``unknown_item`` 0 or 1 (else: another item) · ``text``, ``address`` likeness 0–1 · ``unknown_text`` ln(that of the
texts + :data:`LEAST_LIKE`) where an item is unknown, else 0: then the words must say it · ``other_door`` 1 where the
addresses name two house numbers · ``crowd`` ln(1 + days with appeals of the item, or of the level 1 where that is
unknown, to be expected by chance in a square and the time between)."""

FITTED = (
    "fitted: logistic regression (L2, C = 1) on the candidate pairs of three synthetic sample cities, seeds 11 and "
    "12 of 40,000 appeals and 31 of 200,000, whose true issues are known; "
    "`python benchmarks/duplicates.py --fit` repeats it"
)

WEIGHTS = ("duplicates.weights_others", "duplicates.weights_one_person")
"""Constants with the weights of :data:`FEATURES`: of pairs of different or unknown persons, and of one known person."""

_SHARE = {"high": 1.0}
_COUNT = {"low": 1.0}


def _row(name: str, value: float | tuple[str, ...], source: str, **limits: float) -> Row:
    return f"duplicates.{name}", value, "assumed", source, limits


DUPLICATES: tuple[Row, ...] = (
    _row("window_days_2h", 30, "how long an issue of the 2-hour grade is spoken of"),
    _row("window_days_24h", 45, "the same for the 24-hour grade"),
    _row("window_days_7d", 60, "the same for the 7-day grade"),
    _row("window_days_15d", 60, "the same for the 15-day grade, and without a grade"),
    _row("person_days", 90, "gap after which a person's next call is a new matter"),
    _row("near_base_m", 30.0, "size of a thing that people stand around"),
    _row("near_per_uncertainty", 1.5, "radius by the joint uncertainty of two places"),
    _row("near_most_m", 300.0, "no two places further apart are one", low=1.0),
    _row("span_base_m", 100.0, "what an issue may span where places are exact"),
    _row("span_per_uncertainty", 2.0, "and by its least certain place"),
    _row("span_days", 24, "between the first calls of different persons of an issue"),
    _row("most_pairs", 60, "candidates of one appeal, the newest first", **_COUNT),
    _row("most_looks", 2000, "appeals of a square looked at for one appeal", **_COUNT),
    _row(
        "same_min",
        0.75,
        "at least so probably the same is one issue: a wrong merge costs more than a missed one",
        **_SHARE,
    ),
    _row(
        "unknown_text_min",
        0.1,
        "where an item is unknown, texts less alike tell of two things",
        **_SHARE,
    ),
    _row("most_related", 5, "related appeals told of one appeal, best first", **_COUNT),
    _row(
        "weights_others",
        (
            "constant -4.83",
            "apart -0.4",
            "vague -1.24",
            "unplaced 0",
            "weeks -0.61",
            "same_item 7.4",
            "unknown_item 6.99",
            "text 1.48",
            "unknown_text 2.1",
            "address 2.72",
            "other_door -2.66",
            "crowd -3.75",
        ),
        f"log-odds that two appeals of different people are one issue; {FITTED}",
    ),
    _row(
        "weights_one_person",
        (
            "constant -2.76",
            "apart -0.4",
            "vague -0.05",
            "unplaced -0.18",
            "weeks -0.32",
            "same_item 8.92",
            "unknown_item 8.89",
            "unknown_text 1.51",
            "other_door -1.39",
        ),
        f"the same of two appeals of one person; {FITTED}",
    ),
)


def make_weights(texts: object) -> tuple[float, ...]:
    """Return the weights of :data:`FEATURES` of a constant; a feature that is not named weighs nothing.

    Parameters
    ----------
    texts
        Value of a constant of :data:`WEIGHTS`: texts of a name and a number.

    Raises
    ------
    ValueError
        If a text is no feature with a finite number, or a feature comes twice.
    """
    found: dict[str, float] = {}
    for text in texts if isinstance(texts, tuple) else (texts,):
        name, _, number = str(text).strip().partition(" ")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if name not in FEATURES or name in found or not math.isfinite(value):
            raise ValueError(
                f"found {text!r}, expected a feature and a number such as 'apart -0.4', each feature once: "
                + ", ".join(FEATURES)
            )
        found[name] = value
    return tuple(found.get(name, 0.0) for name in FEATURES)
