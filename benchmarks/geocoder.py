"""The geocoder measured: accuracy by folds, circles, speed, size; with baselines in the same run.

    python -m benchmarks.geocoder accuracy speed sample firms   (default: accuracy speed)

Needs the folder ../shared/data beside the checkout for real addresses. Baselines: see geocoder_peers.py.
"""

import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.geocoder_firms import report_firms
from benchmarks.geocoder_peers import (
    find_by_district,
    find_by_edit_distance,
    get_installed,
    look_up_roads,
    measure,
    report_peers,
    split_number,
    time_best,
)
from benchmarks.geocoder_sample import report_sample
from geodata.datum import convert, convert_geometry
from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Gazetteer, Geocoder, make_gazetteer

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "beijing"
LIMITS = (100, 250, 500)
FOLDS = 5
FIRMS = (300_000, 3_000_000)


def read_addresses() -> pd.DataFrame:
    frame = pd.read_csv(DATA / "addresses.csv")
    lon, lat = convert(frame["lon_gcj02"], frame["lat_gcj02"], source="GCJ-02", target="WGS84")
    return frame.assign(lon=lon, lat=lat)


def read_layer(name: str) -> pd.DataFrame:
    layer = gpd.read_file(DATA / name)
    geometry = convert_geometry(layer.geometry.values, source="GCJ-02", target="WGS84")
    return pd.DataFrame({"name": layer["name"], "geometry": geometry})


def read_sources() -> list[GazetteerSource]:
    facilities = pd.read_csv(DATA / "facilities.csv")
    lon, lat = convert(
        facilities["lon_gcj02"], facilities["lat_gcj02"], source="GCJ-02", target="WGS84"
    )
    roads = read_layer("roads_gcj02.geojson")
    return [
        GazetteerSource(
            frame=read_layer("districts_gcj02.geojson"), kind="district", name="districts"
        ),
        GazetteerSource(
            frame=read_layer("dongcheng_streets_gcj02.geojson"), kind="street", name="streets"
        ),
        GazetteerSource(frame=facilities.assign(lon=lon, lat=lat), kind="place", name="facilities"),
        GazetteerSource(frame=roads[roads["name"].fillna("") != ""], kind="road", name="roads"),
    ]


def show(title: str, error: pd.Series, extra: str = "") -> None:
    shares = " ".join(f"{(error <= limit).mean():6.1%}" for limit in LIMITS)
    print(
        f"  {title:34s} n {len(error):5d}  within {'/'.join(map(str, LIMITS))} m {shares}  {extra}"
    )


def run_folds(key: pd.Series, seed: int = 0) -> pd.DataFrame:
    addresses, fixed = read_addresses(), read_sources()
    roads, extent = fixed[-1].frame, shapely.union_all(fixed[0].frame["geometry"].to_numpy())
    number, keys = pd.factorize(key)
    fold = (np.random.default_rng(seed).permutation(len(keys)) % FOLDS)[number]
    results = []
    for one in range(FOLDS):
        kept, asked = addresses[fold != one], addresses[fold == one].drop_duplicates("address")
        own = GazetteerSource(
            frame=kept[["name", "address", "lon", "lat"]], kind="address", name="addresses"
        )
        geocoder = Geocoder(
            make_gazetteer([*fixed, own], extent=extent, city="北京市"), extent=extent
        )
        found = geocoder.locate(asked["address"])
        part = asked.assign(
            error=measure(asked, found["lon"].to_numpy(), found["lat"].to_numpy()),
            radius=found["uncertainty_m"],
            found_street=find_street(fixed[1].frame, found),
            **{"road and number": look_up_roads(kept, asked, roads)},
        )
        if find_spec("rapidfuzz"):
            part["edit distance"] = find_by_edit_distance(kept, asked)
        for peer in get_installed():
            part[f"{peer}, middle of its district"] = find_by_district(peer, asked, fixed[0].frame)
        results.append(part)
    return pd.concat(results)


def find_street(streets: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    names = np.full(len(found), "", dtype=object)
    lon, lat = found["lon"].fillna(0).to_numpy(), found["lat"].fillna(0).to_numpy()
    for name, area in streets.itertuples(index=False):
        names[shapely.intersects_xy(area, lon, lat)] = name
    return names


def report_accuracy() -> None:
    addresses = read_addresses()
    for title, key in (
        ("distinct addresses kept out", addresses["address"]),
        (
            "road and number kept out together",
            addresses["address"].map(lambda a: str(split_number(a))),
        ),
    ):
        result = run_folds(key)
        print(f"{title} ({FOLDS} folds)")
        for area, rows in (
            ("Dongcheng", result["street_by_polygon"].notna()),
            ("all (Xicheng's roads unknown)", pd.Series(data=True, index=result.index)),
        ):
            part = result[rows]
            held = (part["error"] <= part["radius"]).mean()
            show(f"gridgov, {area}", part["error"], f"circle holds {held:.1%}")
            peers = [f"{peer}, middle of its district" for peer in get_installed()]
            for name in ("road and number", "edit distance", *peers):
                if name in part:
                    show(f"{name}, {area}", part[name])
        report_streets(result)


def report_streets(result: pd.DataFrame) -> None:
    official = result["street_in_address"].replace(
        {"体育馆路街道": "体育馆街道", "崇外街道": "崇文门外街道"}
    )
    named = official.isin(set(result["street_by_polygon"].dropna()))
    right = (result["found_street"] == result["street_by_polygon"])[named].mean()
    same = (result["found_street"] == official)[named].mean()
    truth = (result["street_by_polygon"] == official)[named].mean()
    print(
        f"  {named.sum()} name a Dongcheng street: in the polygon of the true point {right:.1%}, in the street "
        f"named {same:.1%} (of the true points {truth:.1%} lie there)"
    )


def make_city(entries: int, seed: int = 0) -> tuple[list[GazetteerSource], pd.DataFrame]:
    """Return a made-up city of `entries` numbers and places, and addresses to ask for."""
    rng = np.random.default_rng(seed)
    syllables = list("安定东西南北和平康福寿春秋华丰永新光明德胜花园天地人文景山龙泉云清")
    roads = sorted(
        {
            "".join(rng.choice(syllables, 3)) + rng.choice(["路", "街", "胡同"])
            for _ in range(entries // 40)
        }
    )
    middle = rng.uniform((116.1, 39.7), (116.7, 40.2), (len(roads), 2))
    pick = rng.integers(0, len(roads), entries // 2)
    number = rng.integers(1, 300, len(pick))
    numbers = pd.DataFrame({"road": np.array(roads)[pick], "number": number})
    numbers["lon"], numbers["lat"] = middle[pick, 0] + number * 1e-4, middle[pick, 1]
    names = ["".join(rng.choice(syllables, 4)) for _ in range(entries - len(pick))]
    where = rng.uniform((116.1, 39.7), (116.7, 40.2), (len(names), 2))
    suffix = rng.choice(["小区", "大厦", "家园", "有限公司", "医院"], len(names))
    names = [name + end for name, end in zip(names, suffix, strict=True)]
    places = pd.DataFrame({"name": names, "lon": where[:, 0], "lat": where[:, 1]})
    sources = [
        GazetteerSource(frame=numbers, kind="number", name="numbers"),
        GazetteerSource(frame=places, kind="place", name="places"),
    ]
    return sources, numbers


def make_questions(
    numbers: pd.DataFrame, sources: list[GazetteerSource], size: int
) -> dict[str, pd.Series]:
    """Return clean and messy addresses, all different."""
    rng = np.random.default_rng(1)
    row = numbers.iloc[rng.integers(0, len(numbers), size)].reset_index(drop=True)
    unit = (
        pd.Series(rng.integers(1, 9, size).astype(str))
        + "单元"
        + pd.Series(np.arange(size).astype(str))
        + "室"
    )
    clean = "北京市" + row["road"] + rng.integers(1, 300, size).astype(str) + "号"
    place = (
        sources[1]
        .frame["name"]
        .iloc[rng.integers(0, len(sources[1].frame), size)]
        .reset_index(drop=True)
    )
    typo = (
        row["road"].str[:1]
        + row["road"].str[1:2].map(lambda c: "里" if c != "里" else "安")
        + row["road"].str[2:]
    )
    forms = [
        "您好，我反映一下，在" + place + "8号楼" + unit + "，楼下有人乱停车，请尽快处理",
        typo + "甲" + rng.integers(1, 300, size).astype(str) + "号院附近",
        row["road"] + "与" + row["road"].sample(frac=1, random_state=2).to_numpy() + "交叉口东北角",
        "北京市　" + row["road"] + "一百" + "二十一号（" + place + "对面）" + unit,
    ]
    kind = rng.integers(0, len(forms), size)
    messy = pd.Series(np.choose(kind, [form.to_numpy(dtype=object) for form in forms]), dtype="str")
    return {"clean": clean.astype("str"), "messy": messy}


def report_speed(entries: int = 100_000, size: int = 100_000) -> None:
    sources, numbers = make_city(entries)
    start = time.perf_counter()
    gazetteer = make_gazetteer(sources, city="北京市", calibrated=entries <= 100_000)
    built = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.gaz"
        gazetteer.save(path)
        load = min(time_best(lambda: Gazetteer.load(path)) for _ in range(2))
        size_mb = path.stat().st_size / 1e6
        print(
            f"{entries:,} entries: built {built:.1f} s, {size_mb:.1f} MB, loaded {load * 1e3:.0f} ms"
        )
        geocoder = Geocoder(Gazetteer.load(path))
        for name, texts in make_questions(numbers, sources, size).items():
            geocoder.locate(texts.head(10))
            spent = time_best(lambda asked=texts: geocoder.locate(asked))
            print(
                f"  {name}: {len(texts) / spent:,.0f} addresses/s of processor time, one core ({texts.iloc[0]} …)"
            )
        bad = pd.Series(
            (
                ["", "东", "😀", "a" * 10_000, "1234567", "上海市世纪大道1号", "'; DROP TABLE x;--"]
                * size
            )[:size]
        )
        spent = time_best(lambda: geocoder.locate(bad))
        print(f"  bad input: {len(bad) / spent:,.0f} addresses/s")
    if entries <= 100_000:
        report_peers(make_questions(numbers, sources, 300)["clean"], sources)


REPORTS = {
    "accuracy": report_accuracy,
    "speed": report_speed,
    "sample": report_sample,
    "firms": lambda: [report_firms(size, time_best) for size in FIRMS],
}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or ["accuracy", "speed"]:
        REPORTS[wanted]()
