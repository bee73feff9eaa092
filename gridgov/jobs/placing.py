"""Where appeals lie: addresses are placed, places are judged; of a table, and of the one that comes in now."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS, PlaceLevel
from geodata.geocoder import Geocoder
from geodata.territory import NAMED, Territory
from gridgov.frames import LOCATED_COLUMNS
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.rules.constants import Constants

Judge = Callable[[pd.Series, pd.Series, pd.Series], pd.DataFrame]
"""``(lon, lat, uncertainty_m)`` → frame of ``JURISDICTION_COLUMNS``."""

Locate = Callable[[pd.Series], pd.DataFrame]
"""Addresses → frame of ``PLACE_COLUMNS``."""

NAME_COLUMNS = ("street_name", "community_name")
"""Names of the areas of a jurisdiction, for people."""
KEPT_SUFFIX = "_given"

NO_PLACE = "neither coordinates nor an address"

_NAMED_AREAS = (PlaceLevel.STREET.value, PlaceLevel.COMMUNITY.value)
_UNTOLD = {
    PlaceLevel.COMMUNITY.value: ("boundary_m",),
    PlaceLevel.STREET.value: ("boundary_m", "community_code", "cell_code"),
    PlaceLevel.DISTRICT.value: (
        "boundary_m",
        "street_code",
        "community_code",
        "cell_code",
        "neighbour_code",
        "confidence",
    ),
}
"""What a place of this level does not say: its point only stands for the area."""


def _find_untold(
    level: str | None, uncertainty_m: float | None, constants: Constants
) -> frozenset[str]:
    """Return the columns of a jurisdiction that a place of this level and radius does not say.

    A place known only as a district has no street, one known only as a street no community, one less certain
    than a few cells no cell: its point stands for an area and would be made up.
    """
    far = uncertainty_m is not None and uncertainty_m > constants.number(
        "dispatch.cell_uncertainty_max_m"
    )
    return frozenset((*_UNTOLD.get(level or "", ()), *(("cell_code",) if far else ())))


SURE_SCORE = 0.85
"""An area is named from this score on; below it the name may be short for something else (福田 for 福田街道), or mean
two areas."""


def _find_confidence_min(level: str | None, constants: Constants) -> float:
    """Return how sure the street is at least, where the score is :data:`SURE_SCORE`.

    Where the address names the street or a community, the street is as sure as the name, not as the distance
    from the point that stands for it.
    """
    return constants.number("dispatch.named_area_confidence") if level in _NAMED_AREAS else 0.0


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

    Names of areas that `judge` tells too (:data:`geodata.territory.NAMED`) go where their codes go.
    """
    found = judge(places["lon"], places["lat"], places["uncertainty_m"])
    names = {code: name for code, name in NAMED.items() if name in found}
    found = found.set_axis(places.index)[[*JURISDICTION_COLUMNS, *names.values()]]
    far = places["uncertainty_m"] > constants.number("dispatch.cell_uncertainty_max_m")
    least = pd.Series(0.0, index=places.index)
    for (given, _), rows in places.groupby(["place_level", far], dropna=False).indices.items():
        level = None if pd.isna(given) else given
        radius = places["uncertainty_m"].iloc[rows[0]]
        for name in _find_untold(level, radius, constants):
            for column in (name, names.get(name)):
                if column is not None:
                    found.iloc[rows, found.columns.get_loc(column)] = None
        least.iloc[rows] = _find_confidence_min(level, constants)
    doubtful = (places["score"].astype("float64") < SURE_SCORE).to_numpy()
    found["confidence"] = found["confidence"].clip(lower=least.mask(doubtful, 0.0))
    found["confidence"] = found["confidence"].where(found["street_code"].notna())
    return found


def join_located(appeals: pd.DataFrame, places: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Return appeals with place and jurisdiction, ``LOCATED_COLUMNS``."""
    kept = appeals.drop(columns=[name for name in PLACE_COLUMNS if name in appeals])
    located = pd.concat([kept, places, judged], axis=1)
    return located[list(LOCATED_COLUMNS)]


def locate_rows(
    city: City, asked: pd.DataFrame, *, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Return where rows lie and who is in charge there, on the index of `asked`.

    Parameters
    ----------
    city
        The pack; its geocoder is compiled only where there is an address to place.
    asked
        ``address`` str or missing, ``lon lat`` float64 EPSG:4326 or NaN; a point stands above an address.
    progress
        Told of the stages ``locating`` and ``judging``.

    Returns
    -------
    pandas.DataFrame
        :data:`~geodata.frames.PLACE_COLUMNS`, :data:`~geodata.frames.JURISDICTION_COLUMNS` and
        :data:`NAME_COLUMNS`.
    """
    clock = StageClock(progress)
    constants = city.settings.constants
    with clock.stage("locating"):
        places = find_places(asked, lambda addresses: city.geocoder.locate(addresses), constants)  # noqa: PLW0108 - looks the geocoder up late
    with clock.stage("judging"):
        judged = judge_places(places, city.territory.judge, constants)
    found = pd.concat([places, judged], axis=1)[[*PLACE_COLUMNS, *JURISDICTION_COLUMNS]]
    for name in NAME_COLUMNS:
        code = found[name.replace("_name", "_code")]
        found[name] = code.map(city.names).astype("str").where(code.notna())
    return found


def add_columns(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return `table` with the columns of `found`; what had one of their names keeps it with "_given" behind it."""
    taken = {name: f"{name}{KEPT_SUFFIX}" for name in found if name in table}
    return pd.concat([table.rename(columns=taken), found], axis=1)


def find_point(lon: float, lat: float, constants: Constants) -> dict[str, Any]:
    """Return the place of a point that is given, EPSG:4326, ``PLACE_COLUMNS`` by name."""
    return {
        "lon": lon,
        "lat": lat,
        "place_level": PlaceLevel.POINT.value,
        "uncertainty_m": constants.number("dispatch.point_uncertainty_m"),
        "matched": None,
        "score": 1.0,
        "place_problem": None,
    }


def find_address(address: str | None, get_geocoder: Callable[[], Geocoder]) -> dict[str, Any]:
    """Return the place of an address, ``PLACE_COLUMNS`` by name; without one it has no place.

    The geocoder is asked for only where there is an address to place: compiling it takes a while.
    """
    if address is None:
        return dict.fromkeys(PLACE_COLUMNS) | {"place_problem": NO_PLACE}
    return get_geocoder().locate_one(address)


def judge_place(
    place: dict[str, Any], get_territory: Callable[[], Territory], constants: Constants
) -> dict[str, Any]:
    """Return where a place lies, ``JURISDICTION_COLUMNS`` by name, None where there is nothing to say."""
    if place["lon"] is None:
        return dict.fromkeys(JURISDICTION_COLUMNS)
    radius, level = place["uncertainty_m"], place["place_level"]
    found = get_territory().judge_point(place["lon"], place["lat"], radius)
    found |= dict.fromkeys(_find_untold(level, radius, constants))
    if found["street_code"] is None:
        found["confidence"] = None
    elif found["confidence"] is not None and (
        place["score"] is None or place["score"] >= SURE_SCORE
    ):
        found["confidence"] = max(found["confidence"], _find_confidence_min(level, constants))
    return found
