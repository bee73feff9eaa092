"""The duty graph of a city: what its pack says about units, items, duties and their order, on a day."""

from datetime import date

import pandas as pd

from gridgov.city import City
from gridgov.rules.duties import DutyGraph, make_duty_graph


def make_city_graph(city: City, on_date: date) -> DutyGraph:
    """Return the duty graph of a city on a day; tables that the pack does not have count as empty.

    A street whose code is no unit's code gets the only unit of kind ``street`` with its name.
    """
    empty = pd.DataFrame()
    return make_duty_graph(
        _name_areas(city),
        empty if city.catalogue is None else city.catalogue.items,
        city.tables.get("duties", empty),
        dependencies=city.tables.get("dependencies", empty),
        on_date=on_date,
    )


def _name_areas(city: City) -> pd.DataFrame:
    """Return the units with ``area_code``: the street that each street's unit answers for."""
    units = city.units
    unmet = city.streets[~city.streets["street_code"].isin(units["unit_code"])]
    once = unmet.drop_duplicates("name", keep=False).set_index("name")["street_code"]
    named = units["name"].map(once).where(units["kind"] == "street")
    return units.assign(area_code=named.where(named.notna(), ""))
