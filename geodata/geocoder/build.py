"""The gazetteer: one index of names, numbers and points from any mix of sources."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from geodata.gazetteer import GazetteerSource
from geodata.gazetteer.records import SourceKind, make_records
from geodata.geocoder.calibrate import (
    HeldOut,
    collect_texts,
    fit_calibration,
    get_default_calibration,
    hold_out,
    make_folds,
)
from geodata.geocoder.evidence import Answers
from geodata.geocoder.index import Gazetteer, build_gazetteer, make_index

__all__ = ["Gazetteer", "GazetteerSource", "SourceKind", "make_gazetteer"]

FEWEST_TO_CALIBRATE = 50
"""With fewer distinct addresses the default radii stay."""


def make_gazetteer(
    sources: Sequence[GazetteerSource],
    *,
    extent: shapely.Geometry | None = None,
    city: str = "",
    calibrated: bool = True,
    seed: int = 0,
) -> Gazetteer:
    """Build a gazetteer of `sources` and calibrate its radii on its own addresses.

    Parameters
    ----------
    sources
        Tables of names and points, areas and roads included, in EPSG:4326.
    extent
        Rows outside it are left out (EPSG:4326).
    city
        Name of the city (北京市); cities that its own addresses name count as well.
    calibrated
        Whether to fit the radii by holding out addresses; otherwise wide defaults stand.
    seed
        Of the folds.
    """
    gazetteer = _build(sources, extent, city)
    if not calibrated:
        return gazetteer
    texts = collect_texts(sources)
    if texts["key"].nunique() < FEWEST_TO_CALIBRATE:
        return gazetteer
    folds = make_folds(texts, seed=seed)
    held = [_hold(sources, texts, folds == fold, (extent, city)) for fold in range(folds.max() + 1)]
    return replace(gazetteer, calibration=fit_calibration(held, _measure_errors))


def _build(
    sources: Sequence[GazetteerSource], extent: shapely.Geometry | None, city: str
) -> Gazetteer:
    return build_gazetteer(
        make_records(sources, extent=extent, city=city), get_default_calibration()
    )


def _hold(
    sources: Sequence[GazetteerSource],
    texts: pd.DataFrame,
    held: np.ndarray,
    bounds: tuple[shapely.Geometry | None, str],
) -> HeldOut:
    """Build the index without some texts; return it with those texts in its plane."""
    gazetteer = _build(hold_out(sources, texts, held), *bounds)
    asked = texts[held].drop_duplicates("key")
    x, y = gazetteer.projection.to_plane(asked["lon"].to_numpy(float), asked["lat"].to_numpy(float))
    inside = np.isfinite(x) & np.isfinite(y)
    if bounds[0] is not None:
        inside &= shapely.intersects_xy(bounds[0], asked["lon"], asked["lat"])
    return make_index(gazetteer), asked.assign(x=x, y=y)[inside].reset_index(drop=True)


def _measure_errors(answers: Answers, texts: pd.DataFrame) -> np.ndarray:
    return np.asarray(
        np.hypot(answers.x - texts["x"].to_numpy(), answers.y - texts["y"].to_numpy())
    )
