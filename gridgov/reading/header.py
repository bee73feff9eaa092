"""Which column of an export is which column of the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from geodata.errors import InvalidDataError
from geodata.problems import Problem
from gridgov.frames import APPEAL_COLUMNS
from gridgov.pack.settings import AppealsSettings
from gridgov.reading.faults import RowFaults

READ_COLUMNS = (*(c for c in APPEAL_COLUMNS if c != "person_key"), "person", "item_group")
REQUIRED = ("appeal_no", "received_at")
PLACES = (("lon", "lat"), ("address",))
"""An export needs at least one of these to say where."""


@dataclass(frozen=True)
class Header:
    """Column of the contract → column of the export, for those that the export has."""

    columns: dict[str, str]


def list_names(settings: AppealsSettings) -> list[str]:
    """Return the names of columns that an export may have, as the pack maps them."""
    return [settings.columns.get(name, name) for name in READ_COLUMNS]


def read_header(
    raw: pd.DataFrame,
    settings: AppealsSettings,
    faults: RowFaults,
    *,
    required: Sequence[str] = REQUIRED,
    places: Sequence[Sequence[str]] = PLACES,
) -> Header:
    """Return which columns are what, noting those that are not there and those that nobody reads.

    Parameters
    ----------
    raw, settings, faults
        The export, how the pack maps it, and what receives what is wrong.
    required
        Columns without which the caller can use no row.
    places
        Groups of columns of which it needs one; none: it asks for no place.

    Raises
    ------
    InvalidDataError
        If a required column is missing; says the header found and the nearest names.
    """
    found = [str(name) for name in raw.columns]
    columns = {}
    for name in READ_COLUMNS:
        theirs = settings.columns.get(name, name)
        if theirs in found:
            columns[name] = theirs
        elif name in settings.columns and name not in REQUIRED:
            faults.whole(
                "the pack maps a column that the export does not have",
                _hint(name, theirs, found),
                field=name,
                value=theirs,
            )
    missing = [name for name in required if name not in columns]
    if places and not any(set(names) <= set(columns) for names in places):
        missing += ["address"]
    _refuse_missing(missing, settings, faults.file, found)
    extra = [name for name in found if name not in columns.values()]
    if extra:
        faults.whole(
            "columns that are not read",
            "map them in [appeals.columns] if they matter",
            value=", ".join(extra),
        )
    return Header(columns)


def _refuse_missing(
    missing: list[str], settings: AppealsSettings, file: str, found: list[str]
) -> None:
    if not missing:
        return
    raise InvalidDataError(
        [
            Problem(
                file=file,
                row=1,
                field=name,
                value=", ".join(found),
                problem=f"has no column {settings.columns.get(name, name)!r}"
                + (" and no lon and lat, so nothing says where" if name == "address" else ""),
                expected=_hint(name, settings.columns.get(name, name), found),
            )
            for name in missing
        ]
    )


def _hint(name: str, theirs: str, found: list[str]) -> str:
    near = get_close_matches(theirs, found, n=2, cutoff=0.4)
    guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f'{guess}Say it in city.toml: [appeals.columns] {name} = "…"'
