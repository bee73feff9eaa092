"""How probable it is that two appeals are about the same thing, and why: place, time, item, words, person.

The score is a logistic model over a few features that a person can read, one row of weights for pairs of one known
person and one for all others (a record-linkage score in the sense of Fellegi & Sunter 1969, with weights learnt from
labelled pairs instead of by hand).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.constants import DEFAULTS, Constant
from gridgov.rules.issues.likeness import compare_texts
from gridgov.rules.issues.pairs import DAY_S, Points, code_values
from gridgov.rules.issues.weights import FEATURES, WEIGHTS, make_weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

CONSTANTS: Mapping[str, Constant] = MappingProxyType(
    {name: one for name, one in DEFAULTS.items() if name.startswith("duplicates.")}
)
"""Constants of the search with how sure they are; a pack changes them in its section [duplicates]."""

RADIUS_90 = 2.146
"""Radius in standard deviations that holds 90 % of a circular normal distribution: sqrt(2 ln 10)."""
CROWD_CELL_M = 150.0
BUILDING = "[甲乙丙]?[0-9０-９]+(号楼|单元|室|栋|楼|层)"
"""Where in a compound somebody lives: neighbours report one broken lift from different doors."""
YEAR_DAYS = 365.0
DOOR = r"([^区县镇乡村社]{1,3}(?:路|街|巷|胡同|条|道)[甲乙丙]?[0-9０-９]+)号"
"""A house number with the end of its road's name."""
LEAST_LIKE = 0.02
"""Added to a likeness before its logarithm: two texts without a common pair of characters are as unlike as can be."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Compared pairs, arrays of one length.

    Parameters
    ----------
    left, right
        Positions of the earlier and the later appeal.
    features
        Shape (pairs, len(FEATURES)), see :data:`FEATURES`.
    apart_m, days
        Distance (NaN where a place is missing) and time between them.
    one_person
        Whether both are known to come from one person.
    text_like
        How alike the texts are, 0–1, NaN where one is missing.
    score
        Probability that both are about the same thing.
    """

    left: IntArray
    right: IntArray
    features: FloatArray
    apart_m: FloatArray
    days: FloatArray
    one_person: BoolArray
    text_like: FloatArray
    score: FloatArray

    @property
    def same_item(self) -> BoolArray:
        """Tell which pairs are known to be of one item."""
        return self.features[:, FEATURES.index("same_item")] > 0

    @property
    def unknown_item(self) -> BoolArray:
        """Tell in which pairs an item is unknown."""
        return self.features[:, FEATURES.index("unknown_item")] > 0

    def take(self, rows: npt.NDArray[np.generic]) -> "Pairs":
        """Return the pairs at `rows`."""
        return Pairs(**{name: values[rows] for name, values in vars(self).items()})


def score_pairs(
    points: Points,
    left: IntArray,
    right: IntArray,
    *,
    texts: pd.Series,
    addresses: pd.Series,
    constants: Mapping[str, Constant] = CONSTANTS,
) -> Pairs:
    """Return pairs with their features and scores.

    Raises
    ------
    ValueError
        If a weight of `constants` is not sound, see :func:`~gridgov.rules.issues.weights.make_weights`.
    """
    apart_m = np.hypot(points.x[left] - points.x[right], points.y[left] - points.y[right])
    days = (points.seconds[right] - points.seconds[left]) / DAY_S
    features = np.ones((len(left), len(FEATURES)))
    features[:, 1:4] = _measure_place(points, left, right, apart_m)
    features[:, 4] = days / 7
    known = (points.item[left] >= 0) & (points.item[right] >= 0)
    features[:, 5] = known & (points.item[left] == points.item[right])
    features[:, 6] = ~known
    text_like = compare_texts(texts, left, right)
    features[:, 7] = np.nan_to_num(text_like)
    doors = addresses.astype("str").str.replace(BUILDING, "", regex=True)
    features[:, 8] = features[:, 6] * np.log(features[:, 7] + LEAST_LIKE)
    features[:, 9] = np.nan_to_num(compare_texts(doors, left, right))
    features[:, 10] = _differ(addresses.astype("str").str.extract(DOOR, expand=False), left, right)
    features[:, 11] = np.log1p(_expect_crowd(points)[right] * (1 + days))
    one_person = (points.person[left] >= 0) & (points.person[left] == points.person[right])
    table = np.array([make_weights(constants[name].value) for name in WEIGHTS])
    logit = np.einsum("ij,ij->i", features, table[one_person.astype(np.int64)])
    return Pairs(
        left=left,
        right=right,
        features=features,
        apart_m=apart_m,
        days=days,
        one_person=one_person,
        text_like=text_like,
        score=1 / (1 + np.exp(-np.clip(logit, -40, 40))),
    )


def _measure_place(
    points: Points, left: IntArray, right: IntArray, apart_m: FloatArray
) -> FloatArray:
    """Return the features ``apart, vague, unplaced``, shape (pairs, 3)."""
    unplaced = np.isnan(apart_m)
    reach = np.hypot(points.uncertainty_m[left], points.uncertainty_m[right])
    deviation_m = np.maximum(np.where(unplaced, 1.0, reach / RADIUS_90), 1.0)
    apart = np.where(unplaced, 0.0, np.minimum((apart_m / deviation_m) ** 2, 9.0))
    vague = np.where(unplaced, 0.0, np.log(deviation_m / 10.0))
    return np.stack([apart, vague, unplaced.astype(np.float64)], axis=1)


def _differ(values: pd.Series, left: IntArray, right: IntArray) -> BoolArray:
    """Tell which pairs have two known, different values."""
    code = code_values(values)
    out: BoolArray = (code[left] >= 0) & (code[right] >= 0) & (code[left] != code[right])
    return out


def _expect_crowd(points: Points) -> FloatArray:
    """Return the share of days with an appeal of the same item in the same square of the plane, 0 where unplaced.

    Days and not appeals: hundreds who call at once about one burst pipe do not make burst pipes usual there.
    """
    n = len(points.x)
    if not n:
        return np.zeros(0)
    item = np.where(points.item >= 0, points.item, -2 - points.level1)
    placed = ~np.isnan(points.x + points.y)
    column = np.where(placed, np.floor(np.nan_to_num(points.x) / CROWD_CELL_M), 0).astype(np.int64)
    line = np.where(placed, np.floor(np.nan_to_num(points.y) / CROWD_CELL_M), 0).astype(np.int64)
    square = ["item", "column", "line"]
    frame = pd.DataFrame({"item": item, "column": column, "line": line})
    frame["is_new_day"] = ~frame.assign(day=points.seconds // DAY_S).duplicated()
    count = frame.groupby(square)["is_new_day"].transform("sum").to_numpy(float)
    # Fewer than a year of history says little about how usual something is.
    days = max((points.seconds[-1] - points.seconds[0]) / DAY_S, YEAR_DAYS)
    out: FloatArray = np.where(placed, count / days, 0.0)
    return out


def explain_pairs(
    pairs: Pairs, *, items: npt.NDArray[np.object_], names: Mapping[str, str]
) -> list[str]:
    """Return one Chinese sentence per pair: distance, days, items, likeness of words, person.

    Parameters
    ----------
    pairs
        Pairs to tell.
    items
        Item code of every appeal, None where unknown.
    names
        Item code → name.
    """
    place = [_tell_place(value) for value in pairs.apart_m]
    time = [_tell_days(value) for value in pairs.days]
    item = [
        _tell_items(items[one], items[two], names)
        for one, two in zip(pairs.left, pairs.right, strict=True)
    ]
    text = ["无文字可比" if np.isnan(v) else f"文字相似 {v:.2f}" for v in pairs.text_like]
    person = ["，同一来电人" if same else "" for same in pairs.one_person]
    return [
        f"{a}，{b}，{c}，{d}{e}"
        for a, b, c, d, e in zip(place, time, item, text, person, strict=True)
    ]


def _tell_place(apart_m: float) -> str:
    return "位置不明" if np.isnan(apart_m) else f"相距 {apart_m:.0f} 米"


def _tell_days(days: float) -> str:
    return f"相隔 {days:.0f} 天" if days >= 1 else f"相隔 {days * 24:.0f} 小时"


def _tell_items(one: object, two: object, names: Mapping[str, str]) -> str:
    if not isinstance(one, str) or not isinstance(two, str):
        return "事项未定"
    first, second = names.get(one, one), names.get(two, two)
    return f"同为“{first}”" if one == two else f"事项不同（“{first}”与“{second}”）"
