"""Hotspots and items in excess → what may become a task, and what may not, with why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.frames import HotspotKind, HotspotScale
from planner.plans.dates import add_months
from planner.plans.excess import EXCESS
from planner.plans.items import ItemLevels
from planner.plans.plan_text import say
from planner.plans.record import Share, Untreated
from planner.plans.tasks import Candidate, find_radius

MONTH_DAYS = 365.25 / 12

FADING = (HotspotKind.BURST, HotspotKind.FALLING)
"""Patterns that may pass on their own, without an end that has been found."""

REASONS: Mapping[str, str] = {
    "institution": "institution",
    "batch": "batch",
    "one day": "one_day",
}
"""Origin of a cluster → why it is no task."""

EVIDENCE_COLUMNS = (
    "order_no",
    "received_at",
    "item_code",
    "cell_code",
    "street_code",
    "person_key",
    "text",
    "lon",
    "lat",
)
"""What tasks need of an order; ``text`` may be absent."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spots:
    """The hotspots of a city, sorted out.

    Parameters
    ----------
    candidates
        By street that leads, in the order of the hotspots.
    untreated
        By street: hotspots that are no task.
    helping
        By street: hotspots that another street leads, as it tells of them.
    """

    candidates: Mapping[str, tuple[Candidate, ...]]
    untreated: Mapping[str, tuple[Untreated, ...]]
    helping: Mapping[str, tuple[Untreated, ...]]


def sort_hotspots(
    hotspots: gpd.GeoDataFrame,
    evidence: pd.DataFrame,
    *,
    year: tuple[date, date],
    names: Mapping[str, str],
    joint_share: float,
    over_months: int,
    weights: Mapping[str, float],
) -> Spots:
    """Return which hotspots may become tasks.

    A cluster that has ended, a burst or falling one that has been usual for some months, or one of which more than half
    comes from one address, one person or one day, is listed and not governed.

    Parameters
    ----------
    hotspots
        Frame of ``planner.frames.HOTSPOT_COLUMNS``.
    evidence
        Exactly the orders of each: :data:`EVIDENCE_COLUMNS` and ``hotspot_id``.
    year
        First and last day of the last twelve months.
    names
        Of areas by code.
    joint_share
        A street with at least so many of a hotspot's orders takes part in a joint task.
    over_months
        Whole months after the last concentration of a burst or a falling place from which it is over.
    weights
        How much more urgent a pattern makes the same excess; others 1.
    """
    groups = dict(iter(evidence.groupby("hotspot_id", sort=False)))
    empty = evidence.iloc[:0]
    candidates: dict[str, list[Candidate]] = {}
    untreated: dict[str, list[Untreated]] = {}
    helping: dict[str, list[Untreated]] = {}
    for row in hotspots.to_dict("records"):
        if pd.isna(row["street_code"]):
            continue
        street = str(row["street_code"])
        own = groups.get(row["hotspot_id"], empty)
        why = "ended" if bool(row["archived"]) else REASONS.get(str(row["origin"]), "")
        if not why and _is_over(row, year[1], over_months):
            why = "over"
        if why:
            untreated.setdefault(street, []).append(_make_untreated(row, why))
            continue
        shares = _read_shares(str(row["street_shares"]), own, names, joint_share)
        weight = weights.get(str(row["kind"]), 1.0)
        made = _make_candidate(row, own, shares, year, names)
        candidates.setdefault(street, []).append(replace(made, weight=weight))
        for share in shares[1:]:
            text = say(
                "untreated", "other_street", street=shares[0].name, share=f"{shares[0].share:.0%}"
            )
            helping.setdefault(share.street_code, []).append(
                _make_untreated(row, "other_street", text)
            )
    return Spots(
        candidates={code: tuple(made) for code, made in candidates.items()},
        untreated={code: tuple(made) for code, made in untreated.items()},
        helping={code: tuple(made) for code, made in helping.items()},
    )


def make_untreated(candidate: Candidate, reason: str, name: str) -> Untreated:
    """Return a candidate that becomes no task."""
    return Untreated(
        hotspot_id=candidate.hotspot_id,
        name=name,
        reason=reason,
        text=say("untreated", reason),
        orders=len(candidate.evidence),
        persons=candidate.persons,
        window_start=candidate.window_start.isoformat(),
        window_end=candidate.window_end.isoformat(),
    )


def make_area_candidates(
    items: pd.DataFrame,
    orders: pd.DataFrame,
    known: Sequence[Candidate],
    *,
    year: tuple[date, date],
    names: Mapping[str, str],
    levels: ItemLevels,
) -> tuple[Candidate, ...]:
    """Return a street's items in excess that no hotspot of the whole street is about, most excess first.

    Parameters
    ----------
    items
        Rows of the street of ``excess.EXCESS_COLUMNS``.
    orders
        Problems of the street within the year: :data:`EVIDENCE_COLUMNS` and ``level2_code``.
    known
        Candidates of the street already made.
    year, names
        As above.
    levels
        The catalogue.
    """
    whole = {
        str(levels.find(pd.Series([one.item_code]), 2).iloc[0])
        for one in known
        if one.scale == HotspotScale.AREA and one.item_code
    }
    chosen = items[(items["verdict"] == EXCESS) & ~items["item_code"].isin(whole)]
    chosen = chosen.sort_values(["excess", "item_code"], ascending=[False, True])
    made = []
    for row in chosen.to_dict("records"):
        own = orders[orders["level2_code"] == row["item_code"]]
        lon, lat, radius = find_radius(
            *(own[name].dropna().to_numpy(dtype=float) for name in ("lon", "lat"))
        )
        street = str(row["street_code"])
        days = (year[1] - year[0]).days + 1
        made.append(
            Candidate(
                hotspot_id="",
                scale=HotspotScale.AREA.value,
                street_code=street,
                item_code=str(row["item_code"]),
                item_level=2,
                place=names.get(street, street),
                lon=lon,
                lat=lat,
                radius_m=radius,
                cells=(),
                shape=None,
                evidence=own[list(EVIDENCE_COLUMNS)],
                persons=int(row["persons"]),
                expected=float(row["expected"]),
                year_persons=int(row["persons"]),
                year_excess=float(row["excess"]),
                usual_per_month=float(row["expected"]) / days * MONTH_DAYS,
                pattern="steady",
                patterns={},
                months=(),
                window_start=year[0],
                window_end=year[1],
                p=float(f"{row['p']:.3g}"),
                q=float(f"{row['q']:.3g}"),
            )
        )
    return tuple(made)


def count_persons(orders: pd.DataFrame) -> int:
    """Return the distinct persons of some orders; one without a person counts as one."""
    keys = orders["person_key"]
    return int(keys.nunique() + keys.isna().sum())


def _is_over(row: Mapping[str, object], today: date, months: int) -> bool:
    """Return whether a place that passes on its own has been usual for so many months; a season comes back."""
    end = pd.Timestamp(str(row["window_end"])).date()
    return row["kind"] in FADING and add_months(end, months) <= today


def _make_candidate(
    row: Mapping[str, object],
    own: pd.DataFrame,
    shares: tuple[Share, ...],
    year: tuple[date, date],
    names: Mapping[str, str],
) -> Candidate:
    start, end = (
        pd.Timestamp(str(row["window_start"])).date(),
        pd.Timestamp(str(row["window_end"])).date(),
    )
    months = tuple(int(month) for month in str(row["months"] or "").split(";") if month)
    expected = float(str(row["expected"]))
    active = _count_days(start, end, months)
    inside = _count_days(max(start, year[0]), min(end, year[1]), months)
    days = own["received_at"].dt.date
    persons = count_persons(own[(days >= year[0]) & (days <= year[1])])
    street = str(row["street_code"])
    community = row["community_code"]
    area = names.get(street, street)
    if row["scale"] == HotspotScale.AREA and not pd.isna(community):
        area += names.get(str(community), "")
    elif row["scale"] != HotspotScale.AREA:
        named = str(row["place_name"] or "")
        near = named or ("" if pd.isna(community) else names.get(str(community), ""))
        area = f"{area}{near}" if named else say("places", "near", place=f"{area}{near}")
    cells = tuple(code for code in str(row["cells"]).split(";") if code)
    is_street = row["scale"] == HotspotScale.AREA and pd.isna(community)
    return Candidate(
        hotspot_id=str(row["hotspot_id"]),
        scale=str(row["scale"]),
        street_code=street,
        item_code=str(row["item_code"] or ""),
        item_level=int(str(row["item_level"])),
        place=area,
        lon=float(str(row["lon"])),
        lat=float(str(row["lat"])),
        radius_m=float(str(row["radius_m"])),
        cells=() if is_street else cells,
        shape=None if is_street else row["geometry"],
        evidence=own,
        persons=int(str(row["persons"])),
        expected=expected,
        year_persons=persons,
        year_excess=max(persons - expected * inside / max(active, 1), 0.0),
        usual_per_month=expected / max(active, 1) * MONTH_DAYS,
        pattern=str(row["kind"]),
        patterns=_read_patterns(str(row["patterns"])),
        months=months,
        window_start=start,
        window_end=end,
        p=_number(row["p"]),
        q=_number(row["q"]),
        shares=shares,
    )


def _number(value: object) -> float | None:
    return None if pd.isna(value) else float(f"{float(str(value)):.3g}")


def _count_days(start: date, end: date, months: Sequence[int]) -> int:
    """Return the days from start to end, both inside, in some months of the year or in all."""
    if end < start:
        return 0
    days: npt.NDArray[np.datetime64] = np.arange((end - start).days + 1) + np.datetime64(start)
    if not months:
        return len(days)
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return int(np.isin(month, list(months)).sum())


def _read_patterns(text: str) -> dict[str, float]:
    """Return "rising:0.91;burst:0.09" by pattern."""
    pairs = (part.split(":") for part in text.split(";") if ":" in part)
    return {name: float(share) for name, share in pairs}


def _read_shares(
    text: str, own: pd.DataFrame, names: Mapping[str, str], least: float
) -> tuple[Share, ...]:
    """Return the streets of a hotspot with at least a share of it; none where it lies in one."""
    pairs = [part.split(":") for part in text.split(";") if ":" in part]
    shares = [(code, float(share)) for code, share in pairs if float(share) >= least]
    if len(shares) < 2:
        return ()
    counts = own["street_code"].value_counts()
    shares.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        Share(
            street_code=code,
            name=names.get(code, code),
            orders=int(counts.get(code, 0)),
            share=round(share, 3),
        )
        for code, share in shares
    )


def _make_untreated(row: Mapping[str, object], reason: str, text: str = "") -> Untreated:
    end = str(row["window_end"])
    return Untreated(
        hotspot_id=str(row["hotspot_id"]),
        name=str(row["name"]),
        reason=reason,
        text=text or say("untreated", reason, end=end),
        orders=int(str(row["count"])),
        persons=int(str(row["persons"])),
        window_start=str(row["window_start"]),
        window_end=end,
    )
