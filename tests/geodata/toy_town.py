"""A town of straight roads with known house numbers, to ask the geocoder about."""

import numpy as np
import pandas as pd
import shapely

from geodata.gazetteer import GazetteerSource
from geodata.gazetteer.records import make_projection

PLANE = make_projection(116.4, 39.9)
EXTENT = shapely.box(116.3, 39.8, 116.5, 40.0)
METRES_PER_NUMBER = 8.0


def to_degrees(x, y):
    return PLANE.to_degrees(np.asarray(x, dtype=float), np.asarray(y, dtype=float))


def make_box(x0, y0, x1, y1):
    lon, lat = to_degrees([x0, x1], [y0, y1])
    return shapely.box(lon[0], lat[0], lon[1], lat[1])


STREETS = {"东门街道": (0, -2000, 2000, 2000), "西门街道": (-2000, -2000, 0, 2000)}
ROADS = {
    # name: start (number 0), direction, length
    "长安胡同": ((1500.0, 500.0), (-1.0, 0.0), 1400.0),
    "平安里胡同": ((-100.0, 500.0), (-1.0, 0.0), 1400.0),
    "中轴大街": ((700.0, 1500.0), (0.0, -1.0), 3000.0),
    "丰收路": ((1500.0, -500.0), (-1.0, 0.0), 1400.0),
    "安定门外大街": ((-700.0, 1500.0), (0.0, -1.0), 2500.0),
}
PLACES = {"花园小区": (300.0, 900.0), "人民医院": (-900.0, -300.0), "枣苑": (1200.0, -900.0)}


def find_number(road, number):
    """Return the plane point of a house number: the truth of this town."""
    (x, y), (east, north), _ = ROADS[road]
    side = 10.0 if number % 2 else -10.0
    along = METRES_PER_NUMBER * number
    return x + east * along - north * side, y + north * along + east * side


def make_numbers(every=4):
    rows = []
    for road, (_, _, length) in ROADS.items():
        for number in range(1, int(length / METRES_PER_NUMBER), every):
            lon, lat = to_degrees(*find_number(road, number))
            rows.append((road, number, float(lon), float(lat)))
    return pd.DataFrame(rows, columns=["road", "number", "lon", "lat"])


def make_sources(every=4):
    lines = []
    for (x, y), (east, north), length in ROADS.values():
        lon, lat = to_degrees([x, x + east * length], [y, y + north * length])
        lines.append(shapely.LineString(np.column_stack([lon, lat])))
    lon, lat = to_degrees(*np.array(list(PLACES.values())).T)
    boxes = [make_box(*box) for box in STREETS.values()]
    district = pd.DataFrame({"name": ["城关区"], "geometry": [make_box(-2000, -2000, 2000, 2000)]})
    return [
        GazetteerSource(frame=district, kind="district", name="districts"),
        GazetteerSource(
            frame=pd.DataFrame({"name": list(STREETS), "geometry": boxes}),
            kind="street",
            name="streets",
        ),
        GazetteerSource(
            frame=pd.DataFrame({"name": list(ROADS), "geometry": lines}), kind="road", name="roads"
        ),
        GazetteerSource(frame=make_numbers(every), kind="number", name="numbers"),
        GazetteerSource(
            frame=pd.DataFrame({"name": list(PLACES), "lon": lon, "lat": lat}),
            kind="place",
            name="places",
        ),
    ]
