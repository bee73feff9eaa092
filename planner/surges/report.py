"""The draft of a special report 专报 about a surge: facts, place, words and masked quotes as one value."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from gridgov.rules.privacy import mask_text
from planner.counts.model import CountModel
from planner.errors import PlannerError
from planner.scan import locate_surge
from planner.surges.find import RecentCounts
from planner.surges.words import TERM_COLUMNS, find_terms

QUOTES = 3
LONGEST_QUOTE = 120
BEFORE_DAYS = 90
MOST_AREAS = 1_000
"""Areas that the scan looks at: its circles grow with the square of them."""
NEEDED = ("level", "area_code", "item_code", "start", "n", "expected", "ratio", "p", "per_quarter")


@dataclass(frozen=True, kw_only=True)
class SurgePlace:
    """Where a surge gathers, as the scan says.

    Parameters
    ----------
    area_codes
        Areas of the circle.
    start, end
        Days, both inside.
    observed, expected
        Counts in it, and those that area and day alone explain.
    p
        Of the scan.
    """

    area_codes: tuple[str, ...]
    start: date
    end: date
    observed: int
    expected: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term that jumps; see :data:`planner.surges.words.TERM_COLUMNS`."""

    term: str
    n: int
    share: float
    share_before: float
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class SpecialReport:
    """What a special report says; words and layout are made elsewhere.

    Parameters
    ----------
    level, area_code, item_code
        What surges where.
    moment
        Up to when was counted, aware.
    start
        First day of the window.
    n, expected, ratio, p, per_quarter
        As in :data:`planner.surges.SURGE_COLUMNS`.
    by_day
        Day, counts, expected of the last week, the last day up to the moment.
    by_street
        The streets with most of it: code and counts.
    place
        Where the scan finds it; None where no place stands above the others.
    terms
        What is new in the words.
    quotes
        Typical texts, masked and cut.
    order_nos
        All orders that were counted, for the trail back.
    """

    level: str
    area_code: str
    item_code: str
    moment: datetime
    start: date
    n: int
    expected: float
    ratio: float
    p: float
    per_quarter: float
    by_day: tuple[tuple[date, int, float], ...]
    by_street: tuple[tuple[str, int], ...]
    place: SurgePlace | None
    terms: tuple[Term, ...]
    quotes: tuple[str, ...]
    order_nos: tuple[str, ...]


def make_special_report(
    surge: pd.Series,
    *,
    orders: pd.DataFrame,
    model: CountModel,
    recent: RecentCounts,
    moment: datetime,
    centres: pd.DataFrame | None = None,
    seed: int = 0,
) -> SpecialReport:
    """Return the draft of a report about one surge.

    Parameters
    ----------
    surge
        A row of :func:`planner.surges.find_surges`.
    orders
        Those that `recent` was counted from, with ``text`` and, where there, ``order_no`` and ``community_code``; the
        longer back the better the words before.
    model, recent
        As for :func:`planner.surges.find_surges`.
    moment
        Aware.
    centres
        ``x_m y_m`` by street or community code for the scan; None: no place is sought.
    seed
        Of the scan.

    Raises
    ------
    PlannerError
        The row is not one of a surge, or names an area or item that the model does not know.
    """
    lacking = [name for name in NEEDED if name not in surge.index]
    if lacking:
        raise PlannerError(f"the surge lacks {', '.join(lacking)}: expected a row of find_surges")
    streets = _find_streets(model, str(surge["area_code"]))
    item = model.items.index(str(surge["item_code"]))
    rows = recent.rows[(recent.rows["item"] == item) & recent.rows["street"].isin(streets)]
    first = recent.last_on - timedelta(days=recent.counts.shape[2] - 1)
    inside = rows[rows["day"] >= (surge["start"] - first).days]
    own = orders.iloc[inside["row"]]
    counts = recent.counts[streets, item].sum(axis=0)
    expected = model.expect_days(first, recent.last_on).mean[streets, item].sum(axis=0)
    expected[-1] *= model.find_passed_share([surge["item_code"]], recent.last_on, recent.hour)[0]
    by_street = (
        inside["street"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    )
    earlier = _find_earlier(orders, own, rows, first)
    terms = (
        find_terms(own["text"].dropna(), earlier)
        if "text" in own
        else pd.DataFrame(columns=list(TERM_COLUMNS))
    )
    return SpecialReport(
        level=str(surge["level"]),
        area_code=str(surge["area_code"]),
        item_code=str(surge["item_code"]),
        moment=moment,
        start=surge["start"],
        n=int(surge["n"]),
        expected=float(surge["expected"]),
        ratio=float(surge["ratio"]),
        p=float(surge["p"]),
        per_quarter=float(surge["per_quarter"]),
        by_day=tuple(
            (first + timedelta(days=at), int(n), float(mean))
            for at, (n, mean) in enumerate(zip(counts, expected, strict=True))
        ),
        by_street=tuple((model.streets[int(at)], int(n)) for at, n in by_street.head(5).items()),
        place=None
        if centres is None
        else find_surge_place(own, centres, orders, last_on=recent.last_on, seed=seed),
        terms=tuple(
            Term(
                term=row.term,
                n=int(row.n),
                share=float(row.share),
                share_before=float(row.share_before),
                is_new=bool(row.is_new),
            )
            for row in terms.itertuples()
        ),
        quotes=choose_quotes(own["text"]) if "text" in own else (),
        order_nos=tuple(own["order_no"].astype("str")) if "order_no" in own else (),
    )


def choose_quotes(texts: pd.Series, *, most: int = QUOTES) -> tuple[str, ...]:
    """Return the most typical texts, masked and cut: those that share most pairs of characters with the others."""
    known = [mask_text(text) for text in texts.dropna().drop_duplicates()]
    if not known:
        return ()
    pairs = [{text[at : at + 2] for at in range(len(text) - 1)} for text in known[:300]]
    seen: dict[str, int] = {}
    for own in pairs:
        for pair in own:
            seen[pair] = seen.get(pair, 0) + 1
    score = [sum(seen[pair] for pair in own) / (len(own) or 1) for own in pairs]
    best = sorted(range(len(pairs)), key=lambda at: (-score[at], known[at]))
    return tuple(
        text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
        for text in (known[at] for at in best[:most])
    )


def _find_streets(model: CountModel, area: str) -> np.ndarray:
    """Return the positions of an area's streets."""
    if area in model.streets:
        return np.array([model.streets.index(area)])
    if area in model.districts and area:
        return np.flatnonzero(model.street_district == model.districts.index(area))
    if area == "":
        return np.arange(len(model.streets))
    raise PlannerError(f"the count model knows no area {area}")


def _find_earlier(
    orders: pd.DataFrame, own: pd.DataFrame, rows: pd.DataFrame, first: date
) -> pd.Series:
    """Return the texts of the same items before the week that is looked at."""
    if "text" not in orders.columns or own.empty:
        return pd.Series(dtype="object")
    at = pd.DatetimeIndex(orders["received_at"]).tz_localize(None)
    start = pd.Timestamp(first)
    before = (at < start) & (at >= start - pd.Timedelta(days=BEFORE_DAYS))
    codes = orders["item_code"].iloc[rows["row"]].unique()
    texts: pd.Series = orders.loc[before & orders["item_code"].isin(codes).to_numpy(), "text"]
    return texts.dropna()


def find_surge_place(
    own: pd.DataFrame,
    centres: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    last_on: date,
    seed: int,
) -> SurgePlace | None:
    """Return the strongest cluster of the scan that holds some of the surge; None where no place stands above others.

    Parameters
    ----------
    own
        The orders of the surge: ``item_code`` and ``community_code`` or ``street_code``.
    centres
        ``x_m y_m`` in a metric CRS, by community or street code.
    orders
        All that may be compared, with ``received_at`` too.
    last_on
        The last day that is looked at.
    seed
        Of the scan.
    """
    if own.empty:
        return None
    column = next(
        (
            name
            for name in ("community_code", "street_code")
            if name in orders.columns and orders[name].dropna().isin(centres.index).any()
        ),
        None,
    )
    if column is None:
        return None
    same = orders[orders["item_code"].isin(own["item_code"].unique())]
    same = same[same[column].isin(centres.index)]
    # An area without an appeal of this kind adds nothing to a circle; of a frequent item the areas with most are asked.
    called = same[column].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    kept = called.index[:MOST_AREAS].astype("str")
    same = same[same[column].isin(kept)]
    on = pd.DatetimeIndex(same["received_at"]).tz_localize(None).normalize().date
    counts = (
        pd.DataFrame({"area_code": same[column].to_numpy(), "on": on})
        .value_counts(sort=False)
        .rename("count")
        .reset_index()
    )
    asked = centres[centres.index.isin(kept)]
    found = locate_surge(counts, asked, last_on=last_on, seed=seed)
    inside = set(own[column].dropna())
    touching = [bool(inside.intersection(codes)) for codes in found["locations"]]
    if not any(touching):
        return None
    best = found.iloc[touching.index(True)]
    return SurgePlace(
        area_codes=tuple(str(code) for code in best["locations"]),
        start=pd.Timestamp(best["start"]).date(),
        end=pd.Timestamp(best["end"]).date(),
        observed=int(best["observed"]),
        expected=float(best["expected"]),
        p=float(best["p_value"]),
    )
