"""Pins that people moved: an address and the point where it really is, who said so and when.

Corrections are a frame that only grows: a withdrawal is a time and a name in the row, not a deletion. A
correction that holds answers its own address at once.
"""

import pandas as pd

from geodata.gazetteer.records import fold_names

CORRECTION_COLUMNS = (
    "correction_no",
    "address",
    "lon",
    "lat",
    "source",
    "made_by",
    "made_at",
    "withdrawn_by",
    "withdrawn_at",
)
"""``correction_no`` int, rising · ``address`` as written · ``lon lat`` EPSG:4326 · ``source`` how it came to
be known · ``made_by made_at`` who and when (aware) · ``withdrawn_by withdrawn_at`` missing while it holds."""

_TYPES = {
    "correction_no": "int64",
    "address": "str",
    "lon": "float64",
    "lat": "float64",
    "source": "str",
    "made_by": "str",
    "made_at": "datetime64[us, UTC]",
    "withdrawn_by": "str",
    "withdrawn_at": "datetime64[us, UTC]",
}


def make_corrections() -> pd.DataFrame:
    """Return corrections without a row, columns :data:`CORRECTION_COLUMNS`."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _TYPES.items()})


def get_valid(corrections: pd.DataFrame) -> pd.DataFrame:
    """Return the corrections that hold, the last of each address, with its folded text as ``key``."""
    valid = corrections[corrections["withdrawn_at"].isna()]
    keyed = valid.assign(key=fold_names(valid["address"]))
    return keyed.drop_duplicates("key", keep="last").reset_index(drop=True)
