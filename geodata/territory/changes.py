"""What a boundary change would do to places already judged, before anything is changed."""

from dataclasses import dataclass

import pandas as pd

from geodata.errors import GeodataError
from geodata.territory.judge import Territory

CHANGE_COLUMNS = ("lon", "lat", "from_code", "to_code", "boundary_m", "confidence")
"""One row per place that would change, on the index of the places: ``from_code to_code`` street codes,
missing = in no street · ``boundary_m confidence`` by the new boundaries."""

COUNT_COLUMNS = ("from_code", "from_name", "to_code", "to_name", "places")


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The outcome of :func:`rejudge`.

    Attributes
    ----------
    old_version, new_version
        The boundary versions compared.
    judged
        Places with coordinates.
    skipped
        Places without: nothing can change for them.
    counts
        :data:`COUNT_COLUMNS`, the largest number first.
    rows
        The places that would change: their own columns, then :data:`CHANGE_COLUMNS`.
    """

    old_version: str
    new_version: str
    judged: int
    skipped: int
    counts: pd.DataFrame
    rows: pd.DataFrame

    def __len__(self) -> int:
        """Return the number of places that would change."""
        return len(self.rows)


def rejudge(points: pd.DataFrame, old: Territory, new: Territory) -> Changes:
    """Judge places by two boundary versions and return the difference by street.

    Parameters
    ----------
    points
        ``lon lat`` in EPSG:4326 (NaN allowed); other columns are carried into the answer. Where there is
        an ``uncertainty_m`` it counts into the confidence. A ``street_code`` is what was decided
        then, by whatever else was known of the place; without it the old territory decides again.
    old, new
        The boundary versions.

    Raises
    ------
    GeodataError
        If ``lon`` or ``lat`` is missing.
    """
    missing = [name for name in ("lon", "lat") if name not in points.columns]
    if missing:
        raise GeodataError(
            f"points have no column {' and no '.join(missing)}; expected lon and lat in EPSG:4326"
        )
    lon, lat = (pd.to_numeric(points[name], errors="coerce") for name in ("lon", "lat"))
    placed = lon.notna() & lat.notna()
    uncertainty = points["uncertainty_m"][placed] if "uncertainty_m" in points.columns else None
    now = new.judge(lon[placed], lat[placed], uncertainty)
    then = old.judge(lon[placed], lat[placed])["street_code"]
    before = _decided_before(points[placed], then)
    # Where both maps agree no boundary has moved: what was decided otherwise then had other reasons than the map.
    moved = then.fillna("").to_numpy() != now["street_code"].fillna("").to_numpy()
    differs = moved & (before.fillna("") != now["street_code"].fillna("")).to_numpy()
    rows = points[placed][differs].drop(columns=_ours(points)).assign(
        lon=lon[placed][differs],
        lat=lat[placed][differs],
        from_code=before[differs],
        to_code=now["street_code"][differs],
        boundary_m=now["boundary_m"][differs],
        confidence=now["confidence"][differs],
    )  # fmt: skip
    return Changes(
        old_version=old.version,
        new_version=new.version,
        judged=int(placed.sum()),
        skipped=int((~placed).sum()),
        counts=_count(rows, old, new),
        rows=rows,
    )


def _ours(points: pd.DataFrame) -> list[str]:
    return [name for name in (*CHANGE_COLUMNS, "street_code") if name in points.columns]


def _decided_before(points: pd.DataFrame, then: pd.Series) -> pd.Series:
    """Return the street decided then: what came with the places, else what the old territory says."""
    if "street_code" not in points.columns:
        return then
    given = points["street_code"].astype("str")
    return given.where(given.str.strip() != "")


def _count(rows: pd.DataFrame, old: Territory, new: Territory) -> pd.DataFrame:
    """Return the number of places by from → to."""
    counted = (
        rows.groupby(["from_code", "to_code"], dropna=False, sort=True)
        .size()
        .rename("places")
        .reset_index()
    )
    for side, territory in (("from", old), ("to", new)):
        frame = territory.streets.frame
        names = dict(zip(frame["code"], frame["name"], strict=True))
        counted[f"{side}_name"] = counted[f"{side}_code"].map(names).astype("str")
    return counted.sort_values("places", ascending=False, kind="stable", ignore_index=True)[
        list(COUNT_COLUMNS)
    ]
