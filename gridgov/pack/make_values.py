"""Checked tables of a pack → the values that rules use."""

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

from gridgov.pack.settings import Settings
from gridgov.rules.calendar import WorkCalendar, make_calendar, make_work_hours
from gridgov.rules.catalogue import Catalogue, make_catalogue
from gridgov.rules.dispatch.book import DESK_NAME, UNIT_COLUMNS

Tables = Mapping[str, pd.DataFrame]
Layers = Mapping[str, gpd.GeoDataFrame]


def make_units(tables: Tables, layers: Layers) -> pd.DataFrame:
    """Return the units: those of the table, else one per street and district; always with a desk."""
    frame = tables.get("units")
    if frame is None:
        frame = pd.concat([_make_area_units(layers, role) for role in ("streets", "districts")])
    desk = frame["kind"] == "desk"
    if not desk.any():
        taken = set(frame["unit_code"])
        code = next(code for code in ("desk", "desk-12345", "gridgov-desk") if code not in taken)
        row = {"unit_code": code, "name": DESK_NAME, "kind": "desk", "level": "city"}
        frame = pd.concat([frame, pd.DataFrame([row])])
    frame = frame.reindex(columns=list(UNIT_COLUMNS)).reset_index(drop=True)
    texts = [name for name in UNIT_COLUMNS if not name.startswith("valid_")]
    frame[texts] = frame[texts].astype("str").fillna("")
    for name in ("valid_from", "valid_to"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return frame


def _make_area_units(layers: Layers, role: str) -> pd.DataFrame:
    kind = role.removesuffix("s")
    layer = layers.get(role)
    if layer is None:
        return pd.DataFrame(columns=["unit_code", "name", "kind"])
    columns = {
        "unit_code": layer[f"{kind}_code"],
        "name": layer["name"],
        "kind": kind,
        "level": kind,
    }
    if role == "streets":
        columns["parent_code"] = columns["district_code"] = layer["district_code"]
    return pd.DataFrame(columns)


def make_pack_catalogue(tables: Tables) -> Catalogue | None:
    """Return the catalogue, None where the pack has none."""
    frame = tables.get("catalogue")
    return None if frame is None else make_catalogue(frame)


def make_pack_calendar(tables: Tables, settings: Settings) -> WorkCalendar:
    """Return the working calendar; without a table of holidays only weekends are free."""
    hours = make_work_hours(settings.constants.texts("deadlines.work_hours"))
    frame = tables.get("holidays")
    if frame is None:
        return make_calendar(hours=hours)
    days = frame.assign(date=frame["date"].dt.date)
    return make_calendar(
        days.loc[days["kind"] == "holiday", "date"],
        days.loc[days["kind"] == "workday", "date"],
        hours=hours,
    )


def find_scene_duties(tables: Tables) -> pd.DataFrame:
    """Return the helping duties of scenes with their days in force, empty where the pack has no duties."""
    duties = tables.get("duties")
    if duties is None:
        return pd.DataFrame()
    columns = ["scene_code", "unit", "valid_from", "valid_to"]
    return duties.loc[duties["role"] == "helper", columns].reset_index(drop=True)
