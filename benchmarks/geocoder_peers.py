"""Other ways from an address to a point: what gridgov's geocoder is compared with in the same run.

Road-and-number look-up needs nothing; the others are used where they are installed
(``pip install --group benchmarks``): rapidfuzz (nearest known address by edit distance), cpca and jionlp (they know
an address down to its district; its middle is the point).
"""

import re
import time
import unicodedata
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pandas as pd
import shapely

from geodata.gazetteer import GazetteerSource

_LADDER = re.compile(r"^(地址:)?(北京市)?(市辖区)?(\w{1,2}[城阳]区)?(\w{2,5}?街道)?(\w{2,6}?社区)?")
FEW = 20
"""Addresses of one timing: the slowest peer answers two a second."""


def strip(address: str) -> str:
    """Return an address without its ladder: what near-identical addresses share."""
    plain = unicodedata.normalize("NFKC", address).replace(" ", "").replace('"', "")
    return _LADDER.sub("", plain)


def split_number(address: str) -> tuple[str, float]:
    """Return road and house number, NaN where there is none."""
    match = re.match(r"^(\D*?)[甲乙丙丁]?(\d+)", strip(address))
    return (match[1], float(match[2])) if match else (strip(address), np.nan)


def measure(asked: pd.DataFrame, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Return metres from the true points, infinite where nothing was found."""
    x = (asked["lon"].to_numpy() - lon) * 111_320 * np.cos(np.deg2rad(39.9))
    return np.nan_to_num(np.hypot(x, (asked["lat"].to_numpy() - lat) * 111_030), nan=np.inf)


def look_up_roads(kept: pd.DataFrame, asked: pd.DataFrame, roads: pd.DataFrame) -> np.ndarray:
    """Return the errors of the nearest known number of the road, else its middle, else the street's."""
    known = kept.assign(key=kept["address"].map(split_number))
    known = known.assign(road=known["key"].str[0], number=known["key"].str[1])
    by_road = dict(list(known.groupby("road")))
    streets = kept.groupby("street_in_address")[["lon", "lat"]].median()
    points = shapely.centroid(roads["geometry"].to_numpy())
    lines = pd.DataFrame(
        {"name": roads["name"], "lon": shapely.get_x(points), "lat": shapely.get_y(points)}
    )
    lines = lines.groupby("name")[["lon", "lat"]].mean()
    found = np.full((len(asked), 2), np.nan)
    for i, row in enumerate(asked.itertuples()):
        road, number = split_number(row.address)
        if road in by_road:
            near = (by_road[road]["number"] - number).abs().fillna(50).to_numpy().argmin()
            found[i] = by_road[road][["lon", "lat"]].to_numpy()[near]
        elif road in lines.index:
            found[i] = lines.loc[road]
        elif row.street_in_address in streets.index:
            found[i] = streets.loc[row.street_in_address]
    return measure(asked, found[:, 0], found[:, 1])


def find_by_edit_distance(kept: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Return the errors of the known address that is nearest by edit distance."""
    from rapidfuzz import distance, process  # noqa: PLC0415 - only where installed

    plain = [unicodedata.normalize("NFKC", text) for text in kept["address"]]
    query = [unicodedata.normalize("NFKC", text) for text in asked["address"]]
    best = process.cdist(query, plain, scorer=distance.Levenshtein.distance).argmin(axis=1)
    return measure(asked, kept["lon"].to_numpy()[best], kept["lat"].to_numpy()[best])


def name_districts_cpca(texts: list[str]) -> list[str | None]:
    """Return the district that cpca finds in each text."""
    import cpca  # noqa: PLC0415 - only where installed

    return list(cpca.transform(texts)["区"])


def name_districts_jionlp(texts: list[str]) -> list[str | None]:
    """Return the district that jionlp finds in each text."""
    import jionlp  # noqa: PLC0415 - only where installed

    return [jionlp.parse_location(text)["county"] for text in texts]


NAMERS: dict[str, Callable[[list[str]], list[str | None]]] = {
    "cpca": name_districts_cpca,
    "jionlp": name_districts_jionlp,
}


def find_by_district(name: str, asked: pd.DataFrame, districts: pd.DataFrame) -> np.ndarray:
    """Return the errors of the middle of the district that peer `name` finds."""
    middle = shapely.point_on_surface(districts["geometry"].to_numpy())
    at = pd.Index(districts["name"]).get_indexer(NAMERS[name](list(asked["address"])))
    lon = np.where(at >= 0, shapely.get_x(middle)[at], np.nan)
    return measure(asked, lon, np.where(at >= 0, shapely.get_y(middle)[at], np.nan))


def get_installed() -> list[str]:
    """Return the peers of :data:`NAMERS` that are installed."""
    return [name for name in NAMERS if find_spec(name)]


def time_best(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the least processor time of a call in seconds: others may share the machine."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def report_peers(texts: pd.Series, sources: list[GazetteerSource]) -> None:
    """Print the speed of the peers on the same addresses."""
    asked = list(texts)[:FEW]
    peers: dict[str, Callable[[], object]] = {}
    if find_spec("rapidfuzz"):
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - only where installed

        doors = sources[0].frame["road"] + sources[0].frame["number"].astype(str) + "号"
        names = [*sources[1].frame["name"], *doors]
        peers["rapidfuzz over all names"] = lambda: [
            process.extractOne(text, names, scorer=fuzz.ratio) for text in asked
        ]
    for name in get_installed():
        peers[f"{name} (district only)"] = lambda name=name: NAMERS[name](asked)
    for name, work in peers.items():
        work()
        print(f"  {name}: {FEW / max(time_best(work, 1), 1e-9):,.0f} addresses/s")
