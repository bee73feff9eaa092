"""Answers replayed: what catalogue, units, duties and boundaries of a day say of orders, beside what was said then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import geopandas as gpd
import pandas as pd

from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS
from geodata.territory import Territory, make_territory
from geodata.versions import VersionStore, find_versions
from gridgov.errors import GridgovError
from gridgov.jobs.placing import judge_places
from gridgov.pack.city import City
from gridgov.rules.catalogue import find_catalogue
from gridgov.rules.dispatch import dispatch, make_deadlines

ANSWERS = ("street_code", "unit_code", "route", "grade", "contact_by", "due_at")
"""What is replayed and compared."""

STREETS = "streets"
JUDGED = ("street_code", "district_code", "boundary_m", "neighbour_code", "confidence")
"""Columns of a place that follow from the boundaries of the streets alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Replay:
    """Orders answered again.

    Parameters
    ----------
    rows
        One row per order, on their index: ``order_no``; each of :data:`ANSWERS` as answered now, and with ``_then``
        added as the order has it; ``boundary_version reasons``; ``differs``, the names of what is not the same,
        joined by ``;``.
    without_version
        Orders of a day on which the store has no boundaries in force: they keep the street they have.
    """

    rows: pd.DataFrame
    without_version: int

    @cached_property
    def differing(self) -> pd.DataFrame:
        """Return the orders whose answer is not the same."""
        return self.rows[self.rows["differs"] != ""]


def replay(
    city: City, orders: pd.DataFrame, *, on: date | None = None, store: VersionStore | None = None
) -> Replay:
    """Answer orders again.

    Parameters
    ----------
    city
        The pack; its tables say which rows are in force on which day.
    orders
        Frame of ``gridgov.frames.ORDER_COLUMNS``.
    on
        The day whose rules hold; None: of each order the day it was received.
    store
        Boundary versions: streets are judged again by the version in force; None: the orders keep their streets.

    Raises
    ------
    VersionError
        If a version in force cannot be read.
    GridgovError
        If its areas lack the columns that the pack names.
    """
    located, versions = (orders, orders["boundary_version"])
    if store is not None:
        located, versions = _judge_again(city, orders, store, on)
    catalogue = find_catalogue(
        city.catalogue, located["item_code"].unique(), constants=city.settings.constants
    )
    decided = dispatch(located, city.make_book(catalogue), on=on)
    due = make_deadlines(
        located["received_at"], decided["grade"], city.settings.grades, calendar=city.calendar
    )
    now = pd.concat([located[["street_code"]], decided, due], axis=1)[[*ANSWERS, "reasons"]]
    rows = pd.concat([orders[["order_no"]], now], axis=1)
    rows = rows.join(orders[list(ANSWERS)].add_suffix("_then"))
    rows["boundary_version"] = versions.where(versions.notna(), orders["boundary_version"])
    rows["differs"] = _find_differences(rows)
    missing = int(versions.isna().sum()) if store is not None else 0
    return Replay(rows=rows, without_version=missing)


def _judge_again(
    city: City, orders: pd.DataFrame, store: VersionStore, on: date | None
) -> tuple[pd.DataFrame, pd.Series]:
    """Return the orders with the streets of the boundaries in force, and which version that was."""
    days = orders["received_at"]
    if on is not None:
        days = pd.Series(pd.Timestamp(on, tz=city.settings.timezone), index=orders.index)
    versions = find_versions(store.read(), STREETS, days)
    judged = [
        judge_places(
            orders.loc[rows, list(PLACE_COLUMNS)],
            _make_territory(city, store.get_areas(STREETS, version), version).judge,
            city.settings.constants,
        )
        for version, rows in _group(versions)
    ]
    if not judged:
        return orders, versions
    again = pd.concat(judged)[list(JURISDICTION_COLUMNS)].reindex(orders.index)
    # A place without a point got its street from its address; no boundary changes that.
    known = (versions.notna() & orders["lon"].notna()).to_numpy(dtype=bool)
    columns = {
        name: again[name].astype(orders[name].dtype).where(known, orders[name]) for name in JUDGED
    }
    return orders.assign(**columns), versions


def _group(versions: pd.Series) -> Iterator[tuple[str, pd.Index]]:
    for version in sorted(versions.dropna().unique()):
        yield str(version), versions.index[(versions == version).to_numpy(dtype=bool)]


def _make_territory(city: City, areas: gpd.GeoDataFrame, version: str) -> Territory:
    """Return what judges by the streets of a version; districts and extent are those of the pack."""
    layer = city.settings.layers[STREETS]
    if layer.code not in areas:
        found = ", ".join(str(name) for name in areas.columns if name != "geometry")
        raise GridgovError(
            f"boundaries {version}: found columns {found}; expected {layer.code!r}, the code of [layers.streets]"
        )
    streets = gpd.GeoDataFrame(
        {"street_code": areas[layer.code].astype("str").str.strip()},
        geometry=areas.geometry.to_numpy(),
        crs=areas.crs,
    )
    if layer.name in areas:
        streets["name"] = areas[layer.name].astype("str")
    known = dict(zip(city.streets["street_code"], city.streets["district_code"], strict=True))
    own = areas[layer.district].astype("str") if layer.district in areas else None
    district = streets["street_code"].map(known) if own is None else own
    streets["district_code"] = district.astype("str")
    return make_territory(
        streets,
        metric_crs=city.settings.metric_crs or None,
        version=version,
        districts=city.layers.get("districts"),
        extent=city.layers.get("extent", city.layers.get("districts")),
    )


def _find_differences(rows: pd.DataFrame) -> pd.Series:
    """Return the names of the answers that are not as they were, joined by ``;``."""
    differs = pd.Series("", index=rows.index)
    for name in ANSWERS:
        now, then = rows[name], rows[f"{name}_then"]
        same = (now == then).fillna(value=False).astype(bool) | (now.isna() & then.isna())
        differs = differs.where(same, differs + ";" + name)
    return differs.str.strip(";")
