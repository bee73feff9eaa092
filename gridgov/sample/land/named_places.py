"""Named places of the sample city: compounds, villages, schools, markets, stations; and who lives where."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.crs import from_metric
from gridgov.sample.land.geography import (
    METRIC_CRS,
    Geography,
    find_communities,
    get_metric,
    sample_points,
)
from gridgov.sample.land.names import make_stem, make_stems, pick, read_words, replace_homophones
from gridgov.sample.land.roads import Roads, make_roads

IntArray = npt.NDArray[np.int64]
ObjectArray = npt.NDArray[np.object_]

PLACES_PER_COMMUNITY = (3.0, 2.5, 1.5)
"""Mean number of schools, markets … in a community of town, suburb and country."""
RESIDENTS_PER_COMPOUND = 1500.0
COMPOUND_RADIUS_M = (70.0, 100.0, 220.0)
"""Typical half width of a compound in town and suburb, of a village in the country."""
PART_SHARE = 0.2
"""Of compounds that have named parts (一区, 二区 …)."""
TYPO_SHARE = 0.015


@dataclass(frozen=True, kw_only=True)
class Towns:
    """Everything an address can name.

    Parameters
    ----------
    geography
        The land.
    roads
        Roads, numbers and crossings.
    places
        ``name, alias, heard`` (misspelt) ``, kind`` (compound, village, place) ``, type, part_of`` (position or -1)
        ``, community`` (position in the geography) ``, radius_m, residents, lon, lat, x, y`` metres.
    number_community, crossing_community
        Position of the community of each house number and crossing; -1 outside the city.
    """

    geography: Geography
    roads: Roads
    places: pd.DataFrame
    number_community: IntArray
    crossing_community: IntArray


def make_towns(geography: Geography, rng: np.random.Generator) -> Towns:
    """Return roads and named places; other randomness gives other names at other places."""
    roads = make_roads(geography, rng)
    places = pd.concat(
        [_make_homes(geography, rng), _make_facilities(geography, rng)], ignore_index=True
    )
    _add_names(places, rng)
    places = _add_parts(places, geography, rng)
    places[["x", "y"]] = get_metric(places["lon"], places["lat"])
    return Towns(
        geography=geography,
        roads=roads,
        places=places,
        number_community=find_communities(geography, roads.numbers["lon"], roads.numbers["lat"]),
        crossing_community=find_communities(
            geography, roads.crossings["lon"], roads.crossings["lat"]
        ),
    )


def _make_homes(geography: Geography, rng: np.random.Generator) -> pd.DataFrame:
    """Return compounds and villages; the first of each community carries the community's own name."""
    communities = geography.communities
    residents = communities["residents"].to_numpy()
    zone = communities["zone"].to_numpy()
    count = np.where(zone == 2, 1, 1 + rng.poisson(residents / RESIDENTS_PER_COMPOUND))
    community = np.repeat(np.arange(len(communities)), count)
    lon, lat = sample_points(communities.geometry.to_numpy(), community, rng)
    share = rng.gamma(3.0, 1.0, len(community))
    share /= np.bincount(community, share)[community]
    stems = make_stems(len(community), rng)
    tails = pick(read_words()["compound_tails"], len(community), rng)
    own = np.array([make_stem(name) for name in communities["name"]], dtype=object)[community]
    first = np.concatenate([[True], np.diff(community) > 0])
    village = zone[community] == 2
    named = first & (rng.random(len(community)) < 0.6)
    names = np.where(named, own + np.where(pd.Series(own).str.len() > 3, "", "小区"), stems + tails)
    ends = pd.Series(own).str.endswith(("村", "庄", "营", "屯", "店", "沟", "峪"))
    names = np.where(village, own + np.where(ends, "", "村"), names)
    return pd.DataFrame(
        {
            "name": names,
            "kind": np.where(village, "village", "compound"),
            "type": np.where(village, "村庄", "小区"),
            "community": community,
            "radius_m": np.array(COMPOUND_RADIUS_M)[zone[community]]
            * rng.lognormal(0, 0.3, len(community)),
            "residents": residents[community] * share,
            "lon": lon,
            "lat": lat,
            "alias": "",
        }
    )


def _make_facilities(geography: Geography, rng: np.random.Generator) -> pd.DataFrame:
    communities = geography.communities
    zone = communities["zone"].to_numpy()
    count = rng.poisson(np.array(PLACES_PER_COMMUNITY)[zone])
    community = np.repeat(np.arange(len(communities)), count)
    lon, lat = sample_points(communities.geometry.to_numpy(), community, rng)
    words = read_words()
    town = pick(words["place_types"], len(community), rng)
    drawn = np.where(zone[community] == 2, pick(words["village_types"], len(community), rng), town)
    stations = rng.random(len(community)) < 0.02
    drawn[stations & (zone[community] < 2)] = words["station_tails"][0]
    parts = pd.Series(drawn).str.split("|", expand=True)
    own = np.array([make_stem(name) for name in communities["name"]], dtype=object)[community]
    stem = np.where(rng.random(len(community)) < 0.55, own, make_stems(len(community), rng))
    spoken = [form.format(s) if form else "" for form, s in zip(parts[2], stem, strict=True)]
    return pd.DataFrame(
        {
            "name": stem + parts[0].to_numpy(object),
            "kind": "place",
            "type": parts[1].to_numpy(object),
            "community": community,
            "radius_m": 40.0,
            "residents": 0.0,
            "lon": lon,
            "lat": lat,
            "alias": np.array(spoken, dtype=object),
        }
    )


def _add_names(places: pd.DataFrame, rng: np.random.Generator) -> None:
    """Make names unlike each other within a community, add what people call them and mistype."""
    again = places.duplicated(["community", "name"]).to_numpy()
    places.loc[again, "name"] = (
        make_stems(int(again.sum()), rng) + places.loc[again, "name"].str[-2:]
    )
    home = (places["kind"] == "compound").to_numpy()
    short = places["name"].str.replace(
        r"(家园|小区|花园|嘉园|新村|佳苑|雅居|名苑|公寓)$", "", regex=True
    )
    known = home & (short.str.len() >= 2).to_numpy() & (rng.random(len(places)) < 0.6)
    places.loc[known, "alias"] = short[known] + pick(["小区", "院", ""], int(known.sum()), rng)
    places["alias"] = places["alias"].where(places["alias"] != places["name"], "")
    places["heard"] = replace_homophones(places["name"].to_numpy(object), rng)
    places["part_of"] = -1


def _add_parts(
    places: pd.DataFrame, geography: Geography, rng: np.random.Generator
) -> pd.DataFrame:
    """Return places with the parts of some compounds (一区 …) as places of their own."""
    home = np.flatnonzero((places["kind"] == "compound") & (places["residents"] > 900))
    whole = np.sort(rng.choice(home, int(len(home) * PART_SHARE), replace=False))
    count = rng.integers(2, 4, len(whole))
    parent = np.repeat(whole, count)
    nth = np.arange(len(parent)) - np.repeat(np.cumsum(count) - count, count)
    words = np.array(read_words()["compound_parts"], dtype=object)
    block = np.array([0, 3, 5, 7])[rng.integers(0, 4, len(whole))]
    nth = np.minimum(np.repeat(block, count) + nth, len(words) - 1)
    parts = places.iloc[parent].reset_index(drop=True)
    xy = get_metric(parts["lon"], parts["lat"])
    xy += rng.normal(0, 0.6, xy.shape) * parts["radius_m"].to_numpy()[:, None]
    lon, lat = from_metric(xy[:, 0], xy[:, 1], METRIC_CRS)
    guess = parts["community"].to_numpy()
    outside = find_communities(geography, lon, lat, guess=guess) < 0
    lon, lat = np.where(outside, parts["lon"], lon), np.where(outside, parts["lat"], lat)
    for column in ("name", "heard"):
        parts[column] = parts[column] + words[nth]
    parts["alias"] = np.where(parts["alias"] != "", parts["alias"] + words[nth], "")
    parts = parts.assign(lon=lon, lat=lat, part_of=parent, residents=parts["residents"] / 3)
    parts["radius_m"] *= 0.5
    places = places.copy()
    # The parts hold the residents of the whole, except for those who never name a part.
    places.loc[whole, "residents"] *= 0.34
    return pd.concat([places, parts.drop_duplicates(["community", "name"])], ignore_index=True)
