"""Issues 问题点位: which appeals are about the same thing at the same place, and which are only related.

Appeals that are near in place and time are compared (:mod:`gridgov.rules.issues.pairs`), each pair gets a
probability with its reasons (:mod:`gridgov.rules.issues.probability`), and probable pairs are piled up, strongest
first, as long as a pile holds together in metres and days:
A like B and B like C do not make a street of potholes one pothole.
Nothing is merged here; :mod:`gridgov.rules.issues.lineage` records what a person decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.crs import to_metric
from gridgov.rules.constants import Constant
from gridgov.rules.issues.kernels import Rows, Span, pile_up
from gridgov.rules.issues.pairs import DAY_S, Blocking, Points, code_values, find_pairs
from gridgov.rules.issues.probability import CONSTANTS, Pairs, score_pairs
from gridgov.rules.issues.tables import IssueRole, Teller, describe_appeals, describe_related

IntArray = npt.NDArray[np.int64]

NEEDED_COLUMNS = ("appeal_no", "received_at", "lon", "lat", "uncertainty_m", "item_code", "text")
"""Columns of orders without which nothing can be said; ``address person_key grade`` help where they are."""

WINDOW = "duplicates.window_days_"
LONGEST_GRADE = "15d"


@dataclass(frozen=True, kw_only=True, eq=False)
class Issues:
    """Answer of :func:`find_issues`.

    Parameters
    ----------
    appeals
        Columns :data:`ISSUE_COLUMNS`.
    related
        Columns :data:`RELATED_COLUMNS`.
    compared
        Number of pairs that were compared.
    """

    appeals: pd.DataFrame
    related: pd.DataFrame
    compared: int

    @property
    def count(self) -> int:
        """Return the number of issues."""
        return int((self.appeals["role"] == IssueRole.FIRST).sum())


def find_issues(
    orders: pd.DataFrame,
    *,
    metric_crs: str,
    level1: Mapping[str, str] = MappingProxyType({}),
    names: Mapping[str, str] = MappingProxyType({}),
    constants: Mapping[str, Constant] = CONSTANTS,
) -> Issues:
    """Return the issues that the appeals of `orders` make up.

    Parameters
    ----------
    orders
        Columns :data:`NEEDED_COLUMNS` and any of ``address, person_key, grade``; several orders of one appeal count
        once, and what has no number cannot be told of.
    metric_crs
        Projected system in metres for the city.
    level1
        Item code → code of its level 1; an item without one stands for itself.
    names
        Item code → name, for the reasons.
    constants
        ``duplicates.*``, such as :attr:`Constants.table <gridgov.rules.constants.Constants>` of a pack.

    Raises
    ------
    ValueError
        If a needed column is missing, or a weight of `constants` is not sound.
    GeodataError
        If `metric_crs` is not known.
    """
    missing = [name for name in NEEDED_COLUMNS if name not in orders]
    if missing:
        expected = ", ".join(NEEDED_COLUMNS)
        raise ValueError(f"orders have no column {', '.join(missing)}; expected {expected}")
    frame = order_appeals(orders)
    points = make_points(frame, metric_crs=metric_crs, level1=level1, constants=constants)
    pairs = compare_appeals(frame, points, constants=constants)
    pile, links = find_piles(points, pairs, constants=constants)
    tell = Teller(frame=frame, points=points, pile=pile, names=names)
    most = int(_number(constants, "most_related"))
    return Issues(
        appeals=describe_appeals(tell, links),
        related=describe_related(tell, pairs, most=most),
        compared=len(pairs.left),
    )


def order_appeals(orders: pd.DataFrame) -> pd.DataFrame:
    """Return one row per appeal in order of time, then number; the first order of an appeal speaks for it."""
    frame = orders.dropna(subset=["appeal_no"]).drop_duplicates("appeal_no")
    frame = frame.assign(appeal_no=frame["appeal_no"].astype("str"))
    return pd.DataFrame(frame.sort_values(["received_at", "appeal_no"], ignore_index=True))


def make_points(
    frame: pd.DataFrame,
    *,
    metric_crs: str,
    level1: Mapping[str, str],
    constants: Mapping[str, Constant] = CONSTANTS,
) -> Points:
    """Return what the rows of :func:`order_appeals` are found by; those without a time look at nothing."""
    x, y = to_metric(frame["lon"].to_numpy(float), frame["lat"].to_numpy(float), metric_crs)
    x, y = np.where(np.isfinite(x + y), x, np.nan), np.where(np.isfinite(x + y), y, np.nan)
    uncertainty = frame["uncertainty_m"].to_numpy(float)
    item = frame["item_code"]
    top = item.map(level1) if level1 else item
    grade = get_column(frame, "grade").map(_get_windows(constants)).astype(float)
    days = grade.fillna(_get_windows(constants)[LONGEST_GRADE]).to_numpy(float)
    return Points(
        x=x,
        y=y,
        uncertainty_m=np.where(np.isnan(x) | np.isnan(uncertainty), np.inf, uncertainty),
        seconds=_count_seconds(frame["received_at"]),
        window_s=(days * DAY_S).astype(np.int64),
        item=code_values(item),
        level1=code_values(top.where(top.notna(), item)),
        person=code_values(get_column(frame, "person_key")),
        address=code_values(get_column(frame, "address")),
    )


def compare_appeals(
    frame: pd.DataFrame, points: Points, *, constants: Mapping[str, Constant] = CONSTANTS
) -> Pairs:
    """Return the candidate pairs among the rows of :func:`order_appeals`, scored."""
    left, right = find_pairs(points, _make_blocking(constants))
    timed = frame["received_at"].notna().to_numpy()
    kept = timed[left] & timed[right]
    return score_pairs(
        points,
        left[kept],
        right[kept],
        texts=frame["text"],
        addresses=get_column(frame, "address"),
        constants=constants,
    )


def find_piles(
    points: Points, pairs: Pairs, *, constants: Mapping[str, Constant] = CONSTANTS
) -> tuple[IntArray, Pairs]:
    """Return the first row of every row's pile, and the links between rows of one pile, strongest first."""
    unlike = pairs.unknown_item & ~(pairs.text_like >= _number(constants, "unknown_text_min"))
    strong = pairs.take(np.flatnonzero(~unlike & (pairs.score >= _number(constants, "same_min"))))
    strong = strong.take(np.lexsort((strong.left, strong.right, -strong.score, ~strong.one_person)))
    rows = Rows(
        x=points.x,
        y=points.y,
        reach_m=np.where(np.isinf(points.uncertainty_m), np.nan, points.uncertainty_m),
        seconds=points.seconds,
        window_s=points.window_s,
        group=points.level1,
    )
    span = Span(
        base_m=_number(constants, "span_base_m"),
        per_reach=_number(constants, "span_per_uncertainty"),
        seconds=_number(constants, "span_days") * DAY_S,
    )
    pile = pile_up(rows, strong.left, strong.right, one_person=strong.one_person, span=span)
    return pile, strong.take(np.flatnonzero(pile[strong.left] == pile[strong.right]))


def _make_blocking(constants: Mapping[str, Constant]) -> Blocking:
    return Blocking(
        near_base_m=_number(constants, "near_base_m"),
        near_per_uncertainty=_number(constants, "near_per_uncertainty"),
        near_most_m=_number(constants, "near_most_m"),
        person_days=_number(constants, "person_days"),
        most_pairs=int(_number(constants, "most_pairs")),
        most_looks=int(_number(constants, "most_looks")),
    )


def _get_windows(constants: Mapping[str, Constant]) -> dict[str, float]:
    """Return grade → days."""
    names = [name.removeprefix("duplicates.") for name in constants if name.startswith(WINDOW)]
    return {name.removeprefix("window_days_"): _number(constants, name) for name in names}


def _number(constants: Mapping[str, Constant], name: str) -> float:
    return float(str(constants[f"duplicates.{name}"].value))


def _count_seconds(times: pd.Series) -> IntArray:
    """Return seconds since 1970; what has no time stands last, and here at the last time."""
    utc = pd.to_datetime(times, utc=True).astype("datetime64[s, UTC]")
    seconds = utc.to_numpy("datetime64[s]").astype(np.int64)
    known = utc.notna().to_numpy()
    return np.where(known, seconds, seconds[known].max() if known.any() else 0)


def get_column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, all missing where there is none."""
    if name in frame:
        return frame[name]
    return pd.Series(pd.NA, index=frame.index, dtype="str")
