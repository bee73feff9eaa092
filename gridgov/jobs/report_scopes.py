"""Which reports a city has: its areas with their units, the names of what is counted, and the tags of its items."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from gridgov.pack.city import City
from gridgov.rules.reports import KINDS, Naming, Period, ReportScope

INDEX_TAG = "七有五性"
"""The index of what a good city has (79 classes, 326 items): its items name their class beside it (DOMAIN.md 7)."""


def make_scopes(city: City, period: Period) -> list[ReportScope]:
    """Return the areas of which there is a report of a period: the city, or every district and street."""
    levels = KINDS[period.kind].levels
    streets = city.streets
    people = city.find_population(period.last_on)
    units = find_area_units(city)
    made: list[ReportScope] = []
    if "city" in levels:
        residents = None if people is None or people.isna().any() else float(people.sum())
        made.append(ReportScope(level="city", code="", name=city.name, residents=residents))
    if "district" in levels:
        district = streets["district_code"].astype("object").fillna("").astype("str")
        for code, own in streets.groupby(district, sort=True)["street_code"]:
            if code:
                made.append(
                    _make_scope(
                        city, "district", str(code), frozenset(own.astype("str")), people, units
                    )
                )
    if "street" in levels:
        made += [
            _make_scope(city, "street", code, frozenset([code]), people, units)
            for code in sorted(streets["street_code"].astype("str"))
        ]
    return made


def _make_scope(
    city: City,
    level: str,
    code: str,
    streets: frozenset[str],
    people: pd.Series | None,
    units: Mapping[tuple[str, str], str],
) -> ReportScope:
    known = None if people is None else people.reindex(sorted(streets))
    return ReportScope(
        level="district" if level == "district" else "street",
        code=code,
        name=city.names.get(code, code),
        unit_code=units.get((level, code), code),
        streets=streets,
        residents=None if known is None or known.isna().any() else float(known.sum()),
    )


def find_area_units(city: City) -> dict[tuple[str, str], str]:
    """Return the unit that answers for a street or district, by level and code of the area."""
    table = city.units
    area = table["area_code"] if "area_code" in table else table["unit_code"]
    area = area.where(area.notna() & (area != ""), table["unit_code"])
    return dict(zip(zip(table["kind"], area, strict=True), table["unit_code"], strict=True))


def make_naming(city: City) -> Naming:
    """Return the names of areas and items, and the tags of items.

    Where items are tagged with the index of a good city, only those count, by their class in it; else by every tag.
    """
    if city.catalogue is None:
        return Naming(areas=city.names)
    items = city.catalogue.items.drop_duplicates("item_code", keep="last")
    tags = {
        str(code): tuple(one for one in str(text).split(";") if one)
        for code, text in zip(items["item_code"], items["tags"], strict=True)
    }
    if any(INDEX_TAG in own for own in tags.values()):
        tags = {
            code: tuple(one for one in own if one != INDEX_TAG) if INDEX_TAG in own else ()
            for code, own in tags.items()
        }
    return Naming(areas=city.names, items=city.catalogue.names, tags=tags)


def is_over(period: Period, today: date) -> bool:
    """Tell whether the last day of a period has passed."""
    return today > period.last_on
