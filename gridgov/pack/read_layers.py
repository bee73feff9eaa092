"""Layers of a pack: read in EPSG:4326 with the columns of the contract, codes as text."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geodata.coverage import prepare_polygons
from geodata.errors import GeodataError, InvalidDataError, UndeclaredSystemError
from geodata.files import read_layer, read_table
from geodata.problems import Problem
from geodata.spreadsheets import to_codes
from gridgov.pack.read_tables import Faults, check_numbers, find_nearest
from gridgov.pack.settings import LayerSettings

LAYER_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "streets": {
        "code": "street_code",
        "name": "name",
        "district": "district_code",
        "population": "population",
    },
    "districts": {"code": "district_code", "name": "name"},
    "communities": {
        "code": "community_code",
        "name": "name",
        "street": "street_code",
        "population": "population",
    },
    "cells": {"code": "cell_code"},
    "exceptions": {
        "code": "exception_code",
        "name": "name",
        "unit": "unit_code",
        "kind": "kind",
        "priority": "priority",
    },
    "extent": {"name": "name"},
    "base": {"name": "name"},
}
"""Setting of a layer → column of the frame that comes of it."""

ONLY_WHERE_GIVEN = frozenset({"population"})
"""Settings whose column is absent where the pack does not name one."""

DIGITS: Mapping[str, int] = {"districts": 6, "streets": 9, "communities": 12, "cells": 15}
"""Length of China's official codes (GB/T 2260, DB11/T 2157); a layer that mostly has them must have them all."""


@dataclass(frozen=True)
class LayerRead:
    """One layer: frame (None if it cannot be used at all) and what is wrong with it."""

    frame: gpd.GeoDataFrame | None
    problems: list[Problem]


def read_pack_layer(settings: LayerSettings) -> LayerRead:
    """Return a layer of the pack with the columns of :data:`LAYER_COLUMNS` and ``geometry``."""
    tabular = settings.path.suffix.lower() in {".csv", ".tsv", ".xlsx"}
    faults = Faults(settings.path, first_row=2 if tabular else 1)
    encoding = None if settings.encoding == "auto" else settings.encoding
    try:
        raw, problems = read_layer(
            settings.path,
            datum=settings.datum,
            encoding=encoding,
            code=settings.code or None,
            crs=settings.crs or None,
        )
    except UndeclaredSystemError as error:
        line = f'; in city.toml: [layers.{settings.role}] crs = "EPSG:…"'
        told = [replace(one, expected=one.expected + line) for one in error.problems]
        return LayerRead(None, told)
    except InvalidDataError as error:
        return LayerRead(None, error.problems)
    except GeodataError as error:
        faults.add(str(error))
        return LayerRead(None, faults.problems)
    faults.problems.extend(problems)
    asked = LAYER_COLUMNS[settings.role]
    columns: dict[str, Any] = {}
    for setting, ours in asked.items():
        theirs = getattr(settings, setting)
        if not theirs and setting in ONLY_WHERE_GIVEN:
            continue
        if theirs and theirs not in raw:
            header = [str(name) for name in raw.columns if name != "geometry"]
            faults.add(
                f"has no column {theirs!r}",
                f"[layers.{settings.role}] {setting}: {find_nearest(theirs, header)}",
                field=setting,
            )
        columns[ours] = _as_text(raw[theirs]) if theirs in raw else _empty(raw)
    # Rings that are wrong have been reported; where no area is in doubt the polygon is used as it is meant.
    shapes = raw.geometry.to_numpy()
    shapes = shapes if settings.role == "base" else prepare_polygons(shapes)
    frame = gpd.GeoDataFrame(columns, geometry=shapes, index=raw.index, crs=4326)
    _fill_codes(frame, settings, faults)
    _check_codes(frame, settings, faults)
    if "population" in frame:
        check_numbers(frame["population"], faults)
    return LayerRead(frame.reset_index(drop=True), faults.problems)


def _as_text(values: pd.Series) -> pd.Series:
    """Return a column as text; a whole number has no decimal point, because it is a code."""
    return to_codes(values).fillna("")


def _empty(raw: pd.DataFrame) -> pd.Series:
    return pd.Series("", index=raw.index, dtype="str")


def _fill_codes(frame: gpd.GeoDataFrame, settings: LayerSettings, faults: Faults) -> None:
    """Give `frame` the codes of a table of names, and names made from codes, where the pack says so."""
    code = LAYER_COLUMNS[settings.role].get("code", "")
    if settings.code_table is not None and not settings.code and code:
        table = _read_code_table(settings, faults)
        if table is not None:
            frame["aliases"] = frame["name"]
            codes = frame["name"].map(table["code"]).astype("str")
            near = find_nearest(str(frame["name"].iloc[0]) if len(frame) else "", list(table.index))
            faults.rows(frame["name"], codes.isna(), "has no code in the code_table", expected=near)
            frame[code] = codes.fillna("")
            frame["name"] = frame["name"].map(table["official_name"]).fillna(frame["name"])
    if settings.name_format and not settings.name:
        frame["name"] = [settings.name_format.replace("{code}", text) for text in frame[code]]
    if code and "name" in frame:
        frame["name"] = frame["name"].where(frame["name"] != "", frame[code])


def _read_code_table(settings: LayerSettings, faults: Faults) -> pd.DataFrame | None:
    try:
        table, problems = read_table(settings.code_table or "")
    except InvalidDataError as error:
        faults.problems.extend(error.problems)
        return None
    faults.problems.extend(problems)
    inner = Faults(settings.code_table)
    for name in ("name", "code"):
        if name not in table:
            inner.add(f"has no column {name!r}", "columns name, code (and official_name)")
    if not inner.problems:
        again = table["name"].duplicated()
        inner.rows(table["name"], again, "occurs twice", expected="each name once")
    faults.problems.extend(inner.problems)
    if inner.problems:
        return None
    table = table.set_index("name")
    if "official_name" not in table:
        table["official_name"] = table.index
    return table


SAFE_CODE = r"\w(?:[\w \-]|\.(?!\.))*"
"""What a code may be made of: no separator of folders, no step upwards, nothing that markup reads."""


def _check_codes(frame: gpd.GeoDataFrame, settings: LayerSettings, faults: Faults) -> None:
    column = LAYER_COLUMNS[settings.role].get("code")
    if column is None or (not settings.code and settings.code_table is None):
        return
    codes = frame[column]
    faults.rows(codes, codes == "", "is empty", expected="a code")
    again = codes.duplicated() & (codes != "")
    faults.rows(
        codes, again, "occurs twice", expected="each code once (one multi-part area, not several)"
    )
    # Codes become names of files and ids of elements: what cannot be one is no code, in any pack.
    unsafe = ~codes.str.fullmatch(SAFE_CODE) & (codes != "")
    faults.rows(
        codes,
        unsafe,
        "cannot be the name of a file",
        expected="letters, digits, blanks, _ - and single dots inside",
    )
    if length := DIGITS.get(settings.role):
        official = codes.str.fullmatch(rf"\d{{{length}}}")
        wrong = ~official & (codes != "")
        if official.mean() > 0.5:
            faults.rows(codes, wrong, "is no official code", expected=f"{length} digits")


def make_union(frame: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return the area that a layer covers."""
    return shapely.make_valid(shapely.union_all(shapely.make_valid(frame.geometry.to_numpy())))
