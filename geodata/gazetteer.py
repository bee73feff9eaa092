"""The gazetteer: one index of names, numbers and points from any mix of sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import shapely

SourceKind = Literal["address", "place", "road", "number", "community", "street", "district"]

SOURCE_COLUMNS = (
    "name",
    "address",
    "lon",
    "lat",
    "geometry",
    "aliases",
    "street",
    "community",
    "district",
    "number",
    "road",
)
"""Columns a source may have; all but one of ``name address road`` and a position are optional."""


@dataclass(frozen=True, kw_only=True)
class GazetteerSource:
    """One table of named places, already in EPSG:4326.

    Parameters
    ----------
    frame
        Rows with any of :data:`SOURCE_COLUMNS`; ``lon lat`` degrees or ``geometry`` (shapely); ``aliases`` joined by ``;``.
    kind
        What a row is.
    name
        What the user calls the source, for messages.
    """

    frame: pd.DataFrame
    kind: SourceKind
    name: str


@dataclass(frozen=True, kw_only=True)
class Gazetteer:
    """Built index of a city's names."""

    entries: pd.DataFrame


def make_gazetteer(
    sources: Sequence[GazetteerSource], *, extent: shapely.Geometry | None = None
) -> Gazetteer:
    """Build a gazetteer of `sources`; entries without a point inside `extent` are left out."""
    frames = [_make_entries(source) for source in sources]
    entries = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["text", "kind", "lon", "lat"])
    if extent is not None and len(entries):
        inside = shapely.intersects_xy(extent, entries["lon"].to_numpy(), entries["lat"].to_numpy())
        entries = entries[inside]
    return Gazetteer(entries=entries.dropna(subset=["lon", "lat"]).reset_index(drop=True))


def _make_entries(source: GazetteerSource) -> pd.DataFrame:
    frame = source.frame
    if "geometry" in frame:
        points = shapely.point_on_surface(frame["geometry"].to_numpy())
        lon, lat = shapely.get_x(points), shapely.get_y(points)
    else:
        lon, lat = frame["lon"].to_numpy(float), frame["lat"].to_numpy(float)
    rows = []
    for column in ("address", "name", "aliases"):
        if column in frame:
            texts = frame[column].fillna("").astype(str).str.split(";")
            rows.append(
                pd.DataFrame({"text": texts, "kind": source.kind, "lon": lon, "lat": lat}).explode("text")
            )
    both = pd.concat(rows, ignore_index=True)
    return both[both["text"].str.len() >= 2]
