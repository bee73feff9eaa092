"""An invented flat city for tests of the statistics: compounds, districts, seasons, planted causes."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from gridgov.pack.city import load_city
from planner.hotspots import Places
from planner.jobs.desk import make_plans

CRS = "EPSG:4548"
ORIGIN = np.array([450_000.0, 4_400_000.0])
SIDE_M = 40_000
ITEMS = 12
MONTHS = 24
END = pd.Timestamp("2026-01-01", tz="Asia/Shanghai")
START = END - pd.DateOffset(months=MONTHS)


@dataclass
class InventedCity:
    """Orders being made, and the cells they need."""

    rng: np.random.Generator
    parts: list[pd.DataFrame] = field(default_factory=list)

    def add(self, xy, item, day, person=None):
        """Add orders at `xy` (n, 2) metres from the origin, on `day` (n,) of the history."""
        n = len(xy)
        start = sum(len(part) for part in self.parts)
        keys = [f"P{start + k}" for k in range(n)] if person is None else person
        frame = pd.DataFrame(
            {"x": xy[:, 0], "y": xy[:, 1], "item": np.broadcast_to(item, n), "day": day}
        )
        self.parts.append(frame.assign(person_key=keys))

    def plant(self, xy, n, *, item, first_day=0.0, last_day=None, spread_m=60.0):
        """Add `n` orders of one item around one place."""
        last = self.days if last_day is None else last_day
        places = np.asarray(xy) + self.rng.normal(0, spread_m, (n, 2))
        self.add(np.clip(places, 0, SIDE_M - 1), item, self.rng.uniform(first_day, last, n))

    @property
    def days(self):
        return (END - START).days

    def add_background(self, n, *, mix_spread=200.0):
        """Add `n` orders at compounds of very different size; the mix of items differs by district and place."""
        rng = self.rng
        compounds = rng.uniform(0, SIDE_M, (n // 60, 2))
        middle = np.hypot(*(compounds - SIDE_M / 2).T)
        weight = rng.lognormal(0, 1.2, len(compounds)) * np.exp(-middle / 9_000)
        place = rng.choice(len(compounds), n, p=weight / weight.sum())
        xy = np.clip(compounds[place] + rng.normal(0, 60, (n, 2)), 0, SIDE_M - 1)
        base = rng.dirichlet(np.full(ITEMS, 4.0))
        shares = rng.dirichlet(base * mix_spread, 16)[
            (xy[:, 0] // 10_000 * 4 + xy[:, 1] // 10_000).astype(int)
        ]
        day = rng.uniform(0, self.days, n)
        season = 1 + 0.8 * np.cos(2 * np.pi * day[:, None] / 365 + np.arange(ITEMS)[None, :])
        heap = np.cumsum(shares * season, axis=1)
        item = (rng.uniform(0, 1, n)[:, None] * heap[:, -1:] > heap).sum(axis=1)
        self.add(xy, item, day)

    def copy(self, xy, n, *, spread_m=60.0):
        """Add a dense place that has more of everything: items and days of `n` orders of the district."""
        crowd = self.parts[0]
        near = crowd[
            (crowd["x"] // 10_000 == xy[0] // 10_000) & (crowd["y"] // 10_000 == xy[1] // 10_000)
        ]
        taken = near.iloc[self.rng.integers(0, len(near), n)]
        places = np.asarray(xy) + self.rng.normal(0, spread_m, (n, 2))
        self.add(places, taken["item"].to_numpy(), taken["day"].to_numpy())

    def make(self):
        """Return orders and cells in the form that find_hotspots wants."""
        frame = pd.concat(self.parts, ignore_index=True)
        column, row = (frame["x"] // 100).astype(int), (frame["y"] // 100).astype(int)
        stratum = (frame["x"] // 10_000 * 4 + frame["y"] // 10_000).astype(int)
        orders = pd.DataFrame(
            {
                "order_no": [f"O{k:07d}" for k in range(len(frame))],
                "cell_code": [f"{c:04d}{r:04d}" for c, r in zip(column, row, strict=True)],
                "level1_code": [f"{k:02d}" for k in frame["item"]],
                "item_code": [f"{k:02d}01" for k in frame["item"]],
                "person_key": frame["person_key"],
                "received_at": START + pd.to_timedelta(frame["day"], unit="D"),
            }
        )
        codes = orders["cell_code"].drop_duplicates().sort_values()
        first = codes.index
        frame = pd.DataFrame(
            {
                "x_m": column[first].to_numpy() * 100.0 + 50 + ORIGIN[0],
                "y_m": row[first].to_numpy() * 100.0 + 50 + ORIGIN[1],
                "area_m2": 10_000.0,
                "district_code": stratum[first].astype(str).to_numpy(),
                "street_code": (column // 50 * 100 + row // 50 + 110_100_000)[first]
                .astype(str)
                .to_numpy(),
                "community_code": None,
            },
            index=pd.Index(codes, name="cell_code"),
        )
        return orders, Places(
            frame=frame, metric_crs=CRS, find_shapes=lambda cells: draw(frame, cells)
        )


def draw(frame, cells):
    """Return the squares of cells."""
    x, y = frame.loc[cells, "x_m"].to_numpy(), frame.loc[cells, "y_m"].to_numpy()
    return gpd.GeoSeries(box(x - 50, y - 50, x + 50, y + 50), crs=CRS).to_crs("EPSG:4326")


@pytest.fixture
def invent():
    """Return a maker of invented cities: a seed in, a city out."""
    return lambda seed: InventedCity(rng=np.random.default_rng(seed))


@pytest.fixture
def as_of():
    """Return the end of the invented history."""
    return END.to_pydatetime()


@pytest.fixture
def measure():
    """Return lon lat → metres from the invented city's origin."""

    def find_xy(hotspots):
        points = gpd.GeoSeries.from_xy(hotspots["lon"], hotspots["lat"], crs="EPSG:4326").to_crs(
            CRS
        )
        return np.stack([points.x, points.y], axis=1) - ORIGIN

    return find_xy


STREETS = {
    "110101001": "东华门街道",
    "110101002": "景山街道",
    "110102001": "西长安街街道",
    "110102003": "新街口<b>街道",
}
UNITS = """unit_code,name,kind,parent_code,district_code,level
C,样例市政府,joint,,,city
110101,东城区,district,C,110101,district
110102,西城区,district,C,110102,district
110101001,东华门街道,street,110101,110101,street
110101002,景山街道,street,110101,110101,street
110102001,西长安街街道,street,110102,110102,street
110102003,新街口街道,street,110102,110102,street
D1,市住建委,department,C,,city
D2,市城管委,department,C,,city
"""
CATALOGUE = """item_code,level,parent_code,name,guidance,kind,grade,lead,helpers,scene_code
01,1,,住房与物业,,,,,,
0101,2,01,物业,,,,,,
010101,3,0101,电梯故障,,complaint,7d,@street,D1,S1
02,1,,市容环境,,,,,,
0201,2,02,垃圾,,,,,,
020101,3,0201,垃圾清运,,complaint,24h,D2,,S2
020102,3,0201,私搭乱建,,complaint,15d,,,
03,1,,交通,,,,,,
0301,2,03,停车,,,,,,
030101,3,0301,违停,,complaint,24h,@street,,
"""
DUTIES = """duty_code,scene_code,scene_name,name,unit,role,days,authority,batch
U1,S1,电梯,排查登记,@street,lead,2,,1
U2,S1,电梯,检验检测,D1,lead,5,检验,1
U3,S2,清运,清运到位,D2,helper,1,,1
"""
DEPENDENCIES = "before_duty,after_duty,reason\nU1,U2,先排查\n"
SETTINGS = """[city]
name = "样例市"
synthetic = true
timezone = "Asia/Shanghai"
metric_crs = "EPSG:4548"
[layers.streets]
path = "streets.geojson"
code = "code"
name = "name"
district = "district"
datum = "WGS84"
"""
TABLES = {"units": UNITS, "catalogue": CATALOGUE, "duties": DUTIES, "dependencies": DEPENDENCIES}


@pytest.fixture(scope="session")
def small_city(tmp_path_factory):
    """Return a city of four streets with a duty list, loaded from a pack."""
    folder = tmp_path_factory.mktemp("pack")
    codes = list(STREETS)
    west, south = np.array([116.36, 116.40, 116.36, 116.40]), np.array([39.88, 39.88, 39.91, 39.91])
    streets = gpd.GeoDataFrame(
        {"code": codes, "name": list(STREETS.values()), "district": [code[:6] for code in codes]},
        geometry=box(west, south, west + 0.04, south + 0.03),
        crs="EPSG:4326",
    )
    streets.to_file(folder / "streets.geojson", driver="GeoJSON")
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    tables = "".join(f'[tables.{name}]\npath = "{name}.csv"\n' for name in TABLES)
    (folder / "city.toml").write_text(SETTINGS + tables, encoding="utf-8")
    return load_city(folder)


@pytest.fixture(scope="session")
def small_orders(small_city):
    """Return 12,000 orders of it over two years with three hotspots: steady, rising, seasonal."""
    rng = np.random.default_rng(8)
    homes = rng.uniform([116.362, 39.882], [116.438, 39.938], (400, 2))
    n, days = 12_000, (END - START).days
    parts = [(homes[rng.integers(0, 400, n)], rng.integers(0, 4, n), rng.uniform(0, days, n))]
    for place, item, day in (
        (homes[1], 0, rng.uniform(0, days, 90)),
        (homes[2], 1, rng.uniform(days - 75, days, 60)),
        (homes[3], 2, 150 + rng.uniform(0, 80, 80) + 365 * rng.integers(0, 2, 80)),
    ):
        parts.append((np.tile(place, (len(day), 1)), np.full(len(day), item), day))
    xy, item, day = (np.concatenate([part[k] for part in parts]) for k in range(3))
    xy = xy + rng.normal(0, 0.0005, xy.shape)
    judged = small_city.territory.judge(xy[:, 0], xy[:, 1])
    contacted = pd.array(np.where(rng.random(len(xy)) < 0.7, True, None), dtype="boolean")
    orders = pd.DataFrame(
        {
            "order_no": [f"A{k:06d}-1" for k in range(len(xy))],
            "received_at": START + pd.to_timedelta(day, unit="D").floor("s"),
            "item_code": np.array(["010101", "020101", "020102", "030101"])[item],
            "person_key": [f"P{k}" for k in range(len(xy))],
            "lon": xy[:, 0],
            "lat": xy[:, 1],
            "uncertainty_m": 5.0,
            "grade": "7d",
            "contacted": contacted,
            "solved": contacted,
            "satisfied": np.where(contacted.isna(), None, "basically"),
        }
    )
    for name in ("cell_code", "street_code", "community_code", "district_code"):
        orders[name] = judged[name].astype("object").to_numpy()
    return orders


@pytest.fixture(scope="session")
def small_plans(small_city, small_orders):
    """Return what the desk makes of it."""
    return make_plans(small_city, small_orders, as_of=END.to_pydatetime())
