"""Pins that people moved: an address and the point where it really is, who said so and when.

Corrections are a frame that only grows: a withdrawal is a time and a name in the row, not a deletion. A
valid correction answers its own address at once and joins the gazetteer at the next build.
"""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from geodata.errors import GeodataError
from geodata.gazetteer import GazetteerSource
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


def add_correction(
    corrections: pd.DataFrame,
    address: str,
    point: tuple[float, float],
    *,
    made_by: str,
    made_at: datetime,
    source: str = "pin",
) -> pd.DataFrame:
    """Return `corrections` with one more row.

    Parameters
    ----------
    corrections
        Columns :data:`CORRECTION_COLUMNS`; stays as it is.
    address
        The address that was placed wrongly.
    point
        Longitude and latitude, EPSG:4326.
    made_by, made_at
        Who moved the pin, and when (an aware time).
    source
        How the point is known: pin, field, register.

    Raises
    ------
    GeodataError
        If the address is empty, the point is no point on earth or the time has no zone.
    """
    lon, lat = point
    if not fold_names(pd.Series([address], dtype="str"))[0]:
        raise GeodataError(
            f"a correction needs an address with letters or digits, found {address!r}"
        )
    if not (np.isfinite([lon, lat]).all() and abs(lon) <= 180 and abs(lat) <= 90):
        raise GeodataError(
            f"a correction needs degrees of longitude and latitude, found {lon} {lat}"
        )
    _check_aware(made_at)
    number = int(corrections["correction_no"].max()) + 1 if len(corrections) else 1
    values = (number, address, lon, lat, source, made_by, made_at, None, None)
    row = pd.DataFrame([dict(zip(CORRECTION_COLUMNS, values, strict=True))]).astype(_TYPES)
    return pd.concat([corrections, row], ignore_index=True) if len(corrections) else row


def withdraw_correction(
    corrections: pd.DataFrame, correction_no: int, *, withdrawn_by: str, withdrawn_at: datetime
) -> pd.DataFrame:
    """Return `corrections` with one of them withdrawn.

    Raises
    ------
    GeodataError
        If there is no such correction, or it has been withdrawn before.
    """
    _check_aware(withdrawn_at)
    own = corrections["correction_no"] == correction_no
    if not own.any():
        raise GeodataError(
            f"there is no correction {correction_no}; the last is {len(corrections)}"
        )
    if corrections.loc[own, "withdrawn_at"].notna().any():
        raise GeodataError(
            f"correction {correction_no} has been withdrawn before; nothing was changed"
        )
    changed = corrections.copy()
    changed.loc[own, "withdrawn_by"] = withdrawn_by
    changed.loc[own, "withdrawn_at"] = pd.Timestamp(withdrawn_at).tz_convert("UTC")
    return changed


def get_valid(corrections: pd.DataFrame) -> pd.DataFrame:
    """Return the corrections that hold, the last of each address, with its folded text as ``key``."""
    valid = corrections[corrections["withdrawn_at"].isna()]
    keyed = valid.assign(key=fold_names(valid["address"]))
    return keyed.drop_duplicates("key", keep="last").reset_index(drop=True)


def make_correction_source(corrections: pd.DataFrame) -> GazetteerSource:
    """Return the corrections that hold as a source of the next gazetteer."""
    frame = get_valid(corrections)[["address", "lon", "lat"]]
    return GazetteerSource(frame=frame, kind="address", name="corrections")


def write_corrections(corrections: pd.DataFrame, path: Path | str) -> None:
    """Write corrections as CSV (UTF-8, times in UTC); the file appears whole or not at all."""
    target = Path(path)
    aside = target.with_name(f".{target.name}.new")
    corrections.to_csv(aside, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    aside.replace(target)


def read_corrections(path: Path | str) -> pd.DataFrame:
    """Return the corrections of a file that :func:`write_corrections` wrote.

    Raises
    ------
    GeodataError
        If the file is not there or has other columns.
    """
    try:
        frame = pd.read_csv(
            path, dtype=dict.fromkeys(("address", "source", "made_by", "withdrawn_by"), "str")
        )
    except (OSError, ValueError) as error:
        raise GeodataError(f"{path} cannot be read as corrections: {error}") from error
    missing = [name for name in CORRECTION_COLUMNS if name not in frame]
    if missing:
        raise GeodataError(f"{path} holds no corrections: it has no column {', '.join(missing)}")
    for name in ("made_at", "withdrawn_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame[list(CORRECTION_COLUMNS)].astype(_TYPES)


def _check_aware(time: datetime) -> None:
    if time.tzinfo is None:
        raise GeodataError(f"a correction needs a time with its zone, found {time}")
