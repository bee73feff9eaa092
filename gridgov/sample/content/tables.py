"""Tables of the sample city's pack: units, catalogue, duties, dependencies, holidays, kinds, measures.

The city-wide rows lie beside this module as CSV; streets, districts and the enterprises of each district are
made from the streets that the caller passes, so that the tables fit any set of streets.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from gridgov.errors import GridgovError

DATA = Path(__file__).parent / "data"

CITY_UNIT = "CITY"
"""Unit at the root of the hierarchy: the municipal government, which coordinates what is raised."""

STREET_COLUMNS = ("street_code", "name", "district_code", "district")

DISTRICT_ENTERPRISES = (("W", "环境卫生服务中心"), ("R", "供热服务中心"))
"""Public-service enterprises that each district has: prefix of the unit code, end of the name."""

UNIT_COUNTS = {"department": 67, "enterprise": 59, "platform": 107}
"""Units in reach of the hotline besides streets and districts, for 16 districts (DOMAIN.md section 1)."""


def read_content(name: str) -> pd.DataFrame:
    """Return a table of this package as text, empty fields as empty strings."""
    return pd.read_csv(DATA / name, dtype=str, keep_default_na=False)


def make_units(streets: pd.DataFrame) -> pd.DataFrame:
    """Return the units: the city's own, one per district and street, two enterprises per district.

    Parameters
    ----------
    streets
        Columns :data:`STREET_COLUMNS`, one row per street; codes are text.

    Returns
    -------
    Columns ``unit_code name kind parent_code district_code level valid_from valid_to``, codes unique. A
    street's unit has the street's code, a district's the district's.
    """
    districts = (
        streets[["district_code", "district"]].drop_duplicates().sort_values("district_code")
    )
    made = [
        read_content("units.csv"),
        _make_district_units(districts),
        *(_make_enterprises(districts, prefix, ending) for prefix, ending in DISTRICT_ENTERPRISES),
        _make_street_units(streets),
    ]
    return pd.concat(made, ignore_index=True).fillna("")


def _make_district_units(districts: pd.DataFrame) -> pd.DataFrame:
    names = districts["district"].str.strip() + "人民政府"
    return _make_rows(districts["district_code"], names, kind="district", level="district").assign(
        parent_code=CITY_UNIT, district_code=districts["district_code"].to_numpy()
    )


def _make_enterprises(districts: pd.DataFrame, prefix: str, ending: str) -> pd.DataFrame:
    codes = prefix + districts["district_code"]
    return _make_rows(
        codes, districts["district"] + ending, kind="enterprise", level="district"
    ).assign(
        parent_code=districts["district_code"].to_numpy(),
        district_code=districts["district_code"].to_numpy(),
    )


def _make_street_units(streets: pd.DataFrame) -> pd.DataFrame:
    ordered = streets.sort_values("street_code")
    return _make_rows(
        ordered["street_code"], ordered["name"], kind="street", level="street"
    ).assign(
        parent_code=ordered["district_code"].to_numpy(),
        district_code=ordered["district_code"].to_numpy(),
    )


def _make_rows(codes: pd.Series, names: pd.Series, *, kind: str, level: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"unit_code": codes.to_numpy(), "name": names.to_numpy(), "kind": kind, "level": level}
    )


def make_duties(streets: pd.DataFrame) -> pd.DataFrame:
    """Return the duties; the two banks of the boundary river belong to the first two districts by code."""
    duties = read_content("duties.csv")
    codes = sorted(set(streets["district_code"]))
    banks = {"@district-A": codes[0], "@district-B": codes[min(1, len(codes) - 1)]}
    return duties.assign(unit=duties["unit"].replace(banks))


def find_planted_faults() -> list[dict[str, Any]]:
    """Return the faults planted in the duty list: ``kind``, ``scene_code``, ``duties``, ``units``, ``items``."""
    rows = read_content("planted_faults.csv").to_dict("records")
    lists = ("duties", "units", "items")
    return [{k: _split(v) if k in lists else v for k, v in row.items()} for row in rows]


def _split(text: str) -> list[str]:
    return [part for part in text.split(";") if part]


def write_tables(folder: Path, streets: pd.DataFrame) -> dict[str, Any]:
    """Write ``units catalogue duties dependencies holidays kinds measures`` as CSV into a folder.

    Parameters
    ----------
    folder
        An existing folder.
    streets
        Columns :data:`STREET_COLUMNS`, one row per street.

    Returns
    -------
    What was planted: ``duty_faults`` (see :func:`find_planted_faults`) and ``tables``, rows per table.

    Raises
    ------
    GridgovError
        A column is missing, there is no street, or a street code occurs twice.
    """
    _check_streets(streets)
    tables = {
        "units": make_units(streets),
        "catalogue": read_content("catalogue.csv"),
        "duties": make_duties(streets),
        "dependencies": read_content("dependencies.csv"),
        "holidays": read_content("holidays.csv"),
        "kinds": read_content("kinds.csv"),
        "measures": read_content("measures.csv"),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return {
        "duty_faults": find_planted_faults(),
        "tables": {name: len(table) for name, table in tables.items()},
    }


def _check_streets(streets: pd.DataFrame) -> None:
    missing = [column for column in STREET_COLUMNS if column not in streets.columns]
    if missing:
        raise GridgovError(
            f"streets lack {', '.join(missing)}; expected {', '.join(STREET_COLUMNS)}"
        )
    if streets.empty:
        raise GridgovError("no streets were given; the sample city needs at least one")
    twice = streets.loc[streets["street_code"].duplicated(), "street_code"]
    if len(twice):
        raise GridgovError(f"street code {twice.iloc[0]} occurs twice; expected one row per street")
