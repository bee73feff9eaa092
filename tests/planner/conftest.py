"""An invented flat city for tests of the statistics: compounds, districts, seasons, planted causes."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from planner.places import Places

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
