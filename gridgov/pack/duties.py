"""The duty list of a city: what its pack says about units, items, duties and their order.

Reading only the tables takes a tenth of the time of a whole city with its polygons; a street that asks whom to
call should not wait for borders that nobody needs for the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from geodata.problems import Problem, has_errors
from gridgov.errors import CityError
from gridgov.pack.check_tables import PackTables, check_tables
from gridgov.pack.city import NAMING_A_UNIT, City, find_settings_file, load_city
from gridgov.pack.make_values import make_pack_catalogue, make_units
from gridgov.pack.population import find_population
from gridgov.pack.read_layers import read_pack_layer
from gridgov.pack.read_settings import read_settings
from gridgov.pack.read_tables import read_pack_table
from gridgov.pack.settings import Settings
from gridgov.rules.catalogue import Catalogue
from gridgov.rules.constants import Constants
from gridgov.rules.duties import DutyGraph, duty_problems, make_duty_graph

DUTY_TABLES = ("units", "catalogue", "duties", "dependencies", "population")


def _know_nobody(on: date) -> None:
    del on


@dataclass(frozen=True, kw_only=True, eq=False)
class CityDuties:
    """What a city's pack says about duties.

    Parameters
    ----------
    name, synthetic, timezone, constants
        Of the city.
    units, duties, dependencies
        Tables; empty where the pack has none.
    catalogue
        None where the export's own categories are the items.
    find_population
        Day → residents by street code, None where the pack does not say.
    """

    name: str
    synthetic: bool
    timezone: ZoneInfo
    constants: Constants
    units: pd.DataFrame
    catalogue: Catalogue | None
    duties: pd.DataFrame
    dependencies: pd.DataFrame
    find_population: Callable[[date], pd.Series | None] = _know_nobody

    @cached_property
    def known_codes(self) -> Mapping[str, frozenset[str]]:
        """Return column of an order → the codes that it may name, as the tables have them."""
        codes = self.units["unit_code"]
        return {
            **dict.fromkeys(NAMING_A_UNIT, frozenset(codes)),
            "item_code": frozenset() if self.catalogue is None else self.catalogue.codes,
            "street_code": frozenset(codes[self.units["kind"] == "street"]),
            "district_code": frozenset(codes[self.units["kind"] == "district"]),
        }

    def graph(self, on_date: date) -> DutyGraph:
        """Return the duty graph of a day."""
        return make_duty_graph(
            self.units,
            pd.DataFrame() if self.catalogue is None else self.catalogue.items,
            self.duties,
            dependencies=self.dependencies,
            on_date=on_date,
        )


def make_city_duties(city: City) -> CityDuties:
    """Return the duties of a city that is loaded.

    A street whose code is no unit's code gets the only unit of kind ``street`` with its name.
    """
    return _make_duties(
        city.settings,
        city.tables,
        _name_areas(city),
        catalogue=city.catalogue,
        streets=city.streets,
    )


def make_city_graph(city: City, on_date: date) -> DutyGraph:
    """Return the duty graph of a loaded city on a day."""
    return make_city_duties(city).graph(on_date)


def load_city_duties(path: Path | str) -> CityDuties:
    """Return the duties of a pack, reading its tables only where it has a table of units.

    Parameters
    ----------
    path
        ``city.toml`` or its folder.

    Raises
    ------
    CityError
        If the settings or one of these tables have errors; without a table of units, if anything has.
    """
    settings, problems = read_settings(find_settings_file(path))
    if settings is None:
        raise CityError(str(path), problems)
    if "units" not in settings.tables:
        return make_city_duties(load_city(path))
    tables: dict[str, pd.DataFrame] = {}
    for role in DUTY_TABLES:
        if role in settings.tables:
            frame, found = read_pack_table(
                settings.tables[role], time_forms=settings.appeals.time_formats
            )
            problems += found
            tables |= {} if frame is None else {role: frame.reset_index(drop=True)}
    problems += check_tables(PackTables(settings, tables))
    streets, found = _read_residents(settings, tables)
    problems += found
    if has_errors(problems):
        raise CityError(str(path), problems)
    return _make_duties(
        settings,
        tables,
        make_units(tables, {}),
        catalogue=make_pack_catalogue(tables),
        streets=streets,
    )


def _read_residents(
    settings: Settings, tables: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Return the layer of streets where it alone says how many people live in them."""
    layer = settings.layers.get("streets")
    if layer is None or not layer.population or "population" in tables:
        return None, []
    read = read_pack_layer(layer)
    return read.frame, read.problems


def find_duty_problems(city: City, on_date: date) -> list[Problem]:
    """Return the faults of a city's duty list on a day as problems of its files."""
    files = {role: str(table.path) for role, table in city.settings.tables.items()}
    return duty_problems(make_city_graph(city, on_date), files)


def join_problems(pack: Sequence[Problem], duties: Sequence[Problem]) -> list[Problem]:
    """Return the problems of a pack and of its duty list, each cell of a file told of once.

    The duty list says more of a cell than the pack: which duty it is and what it does to it.
    """
    told = {(one.file, one.row, one.field) for one in duties if one.row is not None}
    rest = [
        one for one in pack if one.severity == "error" or (one.file, one.row, one.field) not in told
    ]
    return [*rest, *duties]


def _make_duties(
    settings: Settings,
    tables: Mapping[str, pd.DataFrame],
    units: pd.DataFrame,
    *,
    catalogue: Catalogue | None,
    streets: pd.DataFrame | None,
) -> CityDuties:
    return CityDuties(
        name=settings.name,
        synthetic=settings.synthetic,
        timezone=settings.timezone,
        constants=settings.constants,
        units=units,
        catalogue=catalogue,
        duties=tables.get("duties", pd.DataFrame()),
        dependencies=tables.get("dependencies", pd.DataFrame()),
        find_population=partial(find_population, tables, streets),
    )


def _name_areas(city: City) -> pd.DataFrame:
    """Return the units with ``area_code``: the street that each street's unit answers for."""
    units = city.units
    unmet = city.streets[~city.streets["street_code"].isin(units["unit_code"])]
    once = unmet.drop_duplicates("name", keep=False).set_index("name")["street_code"]
    named = units["name"].map(once).where(units["kind"] == "street")
    return units.assign(area_code=named.where(named.notna(), ""))
