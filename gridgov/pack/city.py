"""A city: everything its pack says, loaded once, typed and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Geocoder
from geodata.problems import Problem, has_errors
from geodata.territory import Territory
from gridgov.errors import CityError
from gridgov.pack.check_geography import find_geography_problems
from gridgov.pack.check_layers import PackLayers, check_layers, fill_districts, make_extent
from gridgov.pack.check_tables import PackTables, check_tables
from gridgov.pack.compiled import find_cache_folder, get_gazetteer, get_territory
from gridgov.pack.make_values import (
    find_scene_duties,
    make_pack_calendar,
    make_pack_catalogue,
    make_units,
)
from gridgov.pack.population import find_population
from gridgov.pack.read_layers import read_pack_layer
from gridgov.pack.read_settings import read_settings
from gridgov.pack.read_sources import make_area_sources, read_sources
from gridgov.pack.read_tables import read_pack_table
from gridgov.pack.settings import SETTINGS_FILE, Settings
from gridgov.rules.calendar import WorkCalendar
from gridgov.rules.catalogue import Catalogue
from gridgov.rules.dispatch.book import DispatchBook

NAMING_A_UNIT = ("unit_code", "unit_recorded", "from_unit", "to_unit")
"""Columns of orders and of what goes with them that name a unit."""


@dataclass(frozen=True, eq=False, kw_only=True)
class City:
    """One city, made by :func:`load_city`.

    Parameters
    ----------
    settings
        What ``city.toml`` says, defaults filled in.
    layers
        Layers by role in EPSG:4326, columns as in ``gridgov.pack.read_layers.LAYER_COLUMNS``; ``streets`` is
        always there.
    tables
        Tables by role as the pack has them, texts never missing.
    extent
        Area in which the city can be, EPSG:4326.
    units
        Frame of ``UNIT_COLUMNS``; always every street and a desk.
    catalogue
        Items; None where the export's own categories are the items.
    calendar
        Working time.
    sources
        Sources of the gazetteer in EPSG:4326, the pack's own and the names of its areas.
    content_hash
        Of every file of the pack: what is compiled from it can be kept under this key.
    boundary_version
        Version of the streets by which orders are judged.
    problems
        Warnings of the pack.
    corrections
        Pins that people moved (``geodata.geocoder.corrections``): they answer their own addresses before all else.
    """

    settings: Settings
    layers: Mapping[str, gpd.GeoDataFrame]
    tables: Mapping[str, pd.DataFrame]
    extent: shapely.Geometry
    units: pd.DataFrame
    catalogue: Catalogue | None
    calendar: WorkCalendar
    sources: tuple[GazetteerSource, ...]
    content_hash: str
    boundary_version: str
    problems: tuple[Problem, ...] = field(default=())
    corrections: pd.DataFrame | None = None

    def __repr__(self) -> str:
        return f"City({self.settings.name!r}, {len(self.streets)} streets, {self.settings.file})"

    @property
    def name(self) -> str:
        """Return the city's name."""
        return self.settings.name

    @property
    def streets(self) -> gpd.GeoDataFrame:
        """Return the streets: ``street_code name district_code geometry``, ``population`` where the layer has it."""
        return self.layers["streets"]

    @cached_property
    def territory(self) -> Territory:
        """Return what judges places, compiled on first use."""
        return get_territory(self.settings, self.layers, self.content_hash)

    @cached_property
    def geocoder(self) -> Geocoder:
        """Return what places addresses, compiled on first use."""
        gazetteer = get_gazetteer(
            self.settings, self.sources, extent=self.extent, content_hash=self.content_hash
        )
        return Geocoder(gazetteer, extent=self.extent, corrections=self.corrections)

    @cached_property
    def categories(self) -> dict[str, str]:
        """Return the item code of each value of the export."""
        frame = self.tables.get("categories")
        if frame is None:
            return {}
        return dict(zip(frame["value"], frame["item_code"], strict=True))

    @cached_property
    def known_codes(self) -> Mapping[str, frozenset[str]]:
        """Return column of an order → the codes that it may name; a recorded unit may be a street."""
        areas = {
            column: frozenset(self.layers[role][column].dropna())
            for role, column in (("communities", "community_code"), ("streets", "street_code"))
            if role in self.layers
        }
        units = frozenset(self.units["unit_code"]) | areas["street_code"]
        return {
            **areas,
            **dict.fromkeys(NAMING_A_UNIT, units),
            "district_code": frozenset(self.streets["district_code"].dropna()),
            "item_code": frozenset() if self.catalogue is None else self.catalogue.codes,
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """Return the name of every street, district, community and unit by code."""
        names = dict(zip(self.units["unit_code"], self.units["name"], strict=True))
        for role, column in (
            ("communities", "community_code"),
            ("districts", "district_code"),
            ("streets", "street_code"),
        ):
            if role in self.layers:
                names |= dict(
                    zip(self.layers[role][column], self.layers[role]["name"], strict=True)
                )
        return names

    def find_population(self, on: date) -> pd.Series | None:
        """Return the residents of streets on a day by street code; None where the pack does not say."""
        return find_population(self.tables, self.streets, on)

    def make_book(self, catalogue: Catalogue) -> DispatchBook:
        """Return what dispatch looks up, with the catalogue of the city or of an export."""
        streets = pd.DataFrame(self.streets[["street_code", "name", "district_code"]])
        exceptions = self.layers.get("exceptions")
        units = (
            {}
            if exceptions is None
            else dict(zip(exceptions["exception_code"], exceptions["unit_code"], strict=True))
        )
        return DispatchBook(
            units=self.units,
            catalogue=catalogue,
            constants=self.settings.constants,
            streets=streets.set_index("street_code"),
            grades=self.settings.grades,
            exception_units=units,
            scene_duties=find_scene_duties(self.tables),
            language=self.settings.language,
        )


def load_city(path: Path | str) -> City:
    """Return the city of a pack.

    Parameters
    ----------
    path
        ``city.toml`` or its folder. Nothing is written there.

    Raises
    ------
    CityError
        If anything is wrong with the pack; its ``problems`` hold every fault of every file.
    """
    city, problems = check_city(path)
    if city is None:
        raise CityError(str(path), problems)
    return city


def check_city(path: Path | str, *, deep: bool = False) -> tuple[City | None, list[Problem]]:
    """Return the city of a pack, None if it has errors, and everything wrong with any of its files.

    Parameters
    ----------
    path
        ``city.toml`` or its folder.
    deep
        Whether the borders of communities are looked at too, which takes a while.
    """
    file = find_settings_file(path)
    settings, problems = read_settings(file)
    if settings is None:
        return None, problems
    tables, found = _read_tables(settings)
    problems += found
    layers, found = _read_layers(settings, tables)
    problems += found
    extent = make_extent(layers)
    sources, found = read_sources(settings.gazetteer, extent)
    problems += found
    if "streets" not in layers:
        return None, problems
    content_hash = _hash_files(settings)
    layers["streets"] = fill_districts(layers["streets"], layers.get("districts"))
    store = find_cache_folder(content_hash) / f"geography-{'deep' if deep else 'quick'}.json"
    problems += find_geography_problems(settings, layers, deep=deep, store=store)
    if has_errors(problems):
        return None, problems
    city = City(
        settings=settings,
        layers=layers,
        tables=tables,
        extent=extent,
        units=make_units(tables, layers),
        catalogue=make_pack_catalogue(tables),
        calendar=make_pack_calendar(tables, settings),
        sources=(*make_area_sources(layers), *sources),
        content_hash=content_hash,
        boundary_version=settings.layers["streets"].version or _hash_streets(layers["streets"]),
        problems=tuple(problems),
    )
    return city, problems


def find_settings_file(path: Path | str) -> Path:
    """Return the settings file of a pack, given itself or its folder."""
    given = Path(path)
    return given / SETTINGS_FILE if given.is_dir() else given


def _read_tables(settings: Settings) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    frames, problems = {}, []
    for role, one in settings.tables.items():
        frame, found = read_pack_table(one, time_forms=settings.appeals.time_formats)
        problems += found
        if frame is not None:
            frames[role] = frame
    problems += check_tables(PackTables(settings, frames))
    return {role: frame.reset_index(drop=True) for role, frame in frames.items()}, problems


def _read_layers(
    settings: Settings, tables: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, gpd.GeoDataFrame], list[Problem]]:
    frames, problems = {}, []
    for role, one in settings.layers.items():
        read = read_pack_layer(one)
        problems += read.problems
        if read.frame is not None and len(read.frame):
            frames[role] = read.frame
    problems += check_layers(PackLayers(settings, frames), tables.get("units"))
    return frames, problems


def _hash_files(settings: Settings) -> str:
    """Return a hash of the content of every file of the pack."""
    digest = sha256()
    files = [settings.file, *(one.path for one in settings.gazetteer)]
    files += [layer.path for layer in settings.layers.values()]
    files += [layer.code_table for layer in settings.layers.values() if layer.code_table]
    files += [table.path for table in settings.tables.values()]
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        digest.update(b"\0")
    return digest.hexdigest()


def _hash_streets(streets: gpd.GeoDataFrame) -> str:
    digest = sha256("\0".join(streets["street_code"]).encode())
    digest.update(b"".join(shapely.to_wkb(streets.geometry.to_numpy())))
    return digest.hexdigest()[:12]
