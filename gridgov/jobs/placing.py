"""Where each appeal lies: addresses are placed, places are judged."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS, PlaceLevel
from gridgov.frames import LOCATED_COLUMNS
from gridgov.rules.constants import Constants

Judge = Callable[[pd.Series, pd.Series, pd.Series], pd.DataFrame]
"""``(lon, lat, uncertainty_m)`` → frame of ``JURISDICTION_COLUMNS``."""

Locate = Callable[[pd.Series], pd.DataFrame]
"""Addresses → frame of ``PLACE_COLUMNS``."""

NO_PLACE = "neither coordinates nor an address"

NAMED_AREAS = (PlaceLevel.STREET.value, PlaceLevel.COMMUNITY.value)
AREA_ONLY = {
    PlaceLevel.STREET.value: ("community_code", "cell_code"),
    PlaceLevel.DISTRICT.value: ("street_code", "community_code", "cell_code", "neighbour_code"),
}
"""What a place of this level does not say: its point only stands for the area."""


def find_places(appeals: pd.DataFrame, locate: Locate, constants: Constants) -> pd.DataFrame:
    """Return the place of each appeal, ``PLACE_COLUMNS`` on the index of `appeals`.

    Points that came with the appeal stay; each distinct address of the others is placed once.
    """
    pointed = appeals["lon"].notna() & appeals["lat"].notna()
    level = pd.Series(PlaceLevel.POINT.value, index=appeals.index, dtype="str").where(pointed)
    places = pd.DataFrame(
        {
            "lon": appeals["lon"].where(pointed),
            "lat": appeals["lat"].where(pointed),
            "place_level": level,
            "uncertainty_m": np.where(
                pointed, constants.number("dispatch.point_uncertainty_m"), np.nan
            ),
            "matched": pd.Series(None, index=appeals.index, dtype="str"),
            "score": np.where(pointed, 1.0, np.nan),
            "place_problem": pd.Series(NO_PLACE, index=appeals.index, dtype="str").mask(pointed),
        },
        columns=list(PLACE_COLUMNS),
    )
    asked = (~pointed & appeals["address"].notna()).to_numpy(dtype=bool)
    if asked.any():
        groups, distinct = pd.factorize(appeals.loc[asked, "address"])
        found = locate(pd.Series(distinct, dtype="str")).iloc[groups]
        for name in PLACE_COLUMNS:
            places[name] = _put(places[name], asked, found[name])
    return places


def _put(column: pd.Series, rows: np.ndarray, values: pd.Series) -> pd.Series:
    filled = column.copy()
    filled[rows] = values.astype(column.dtype).to_numpy()
    return filled


def judge_places(places: pd.DataFrame, judge: Judge, constants: Constants) -> pd.DataFrame:
    """Return where each place lies, ``JURISDICTION_COLUMNS`` on the index of `places`.

    A place known only as a district has no street, one known only as a street no community, one less certain
    than a few cells no cell: its point stands for an area and would be made up. Where the address names the
    street or a community, the street is as sure as the name, not as the distance from the point that stands
    for it.
    """
    found = judge(places["lon"], places["lat"], places["uncertainty_m"])
    found = found.set_axis(places.index)[list(JURISDICTION_COLUMNS)]
    level = places["place_level"]
    for name, columns in AREA_ONLY.items():
        rows = (level == name).to_numpy(dtype=bool)
        for column in columns if rows.any() else ():
            found[column] = found[column].mask(rows)
    far = places["uncertainty_m"] > constants.number("dispatch.cell_uncertainty_max_m")
    found["cell_code"] = found["cell_code"].mask(far)
    area = level.isin([*NAMED_AREAS, PlaceLevel.DISTRICT.value])
    found["boundary_m"] = found["boundary_m"].mask(area)
    named = level.isin(NAMED_AREAS) & found["street_code"].notna()
    least = found["confidence"].clip(lower=constants.number("dispatch.named_area_confidence"))
    found["confidence"] = found["confidence"].mask(named, least)
    found["confidence"] = found["confidence"].where(found["street_code"].notna())
    return found


def join_located(appeals: pd.DataFrame, places: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return appeals with place and jurisdiction, ``LOCATED_COLUMNS``."""
    kept = appeals.drop(columns=[name for name in PLACE_COLUMNS if name in appeals])
    located = pd.concat([kept, places, judged], axis=1)
    return located[list(LOCATED_COLUMNS)]
