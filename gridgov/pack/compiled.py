"""Heavy parts of a city, compiled on first use and kept on disk under the hash of the pack's content.

Nothing is written into the pack: the store is ``GRIDGOV_CACHE``, else the user's cache folder; where that
cannot be written the parts are compiled each time.
"""

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geodata.errors import GeodataError
from geodata.territory import Territory
from geodata.territory_build import make_territory
from geodata.territory_store import TerritoryFolderError, load_territory, save_territory
from gridgov.settings import Settings

CACHE_VARIABLE = "GRIDGOV_CACHE"


def find_cache_folder(content_hash: str) -> Path:
    """Return where the compiled parts of a pack are kept; it need not exist."""
    given = os.environ.get(CACHE_VARIABLE)
    base = Path(given) if given else _find_user_cache() / "gridgov"
    return base / f"{version('gridgov')}-{content_hash[:24]}"


def _find_user_cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given)
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # no home folder, as for some services
        return Path("/nonexistent")


def get_territory(
    settings: Settings, layers: Mapping[str, gpd.GeoDataFrame], content_hash: str
) -> Territory:
    """Return the territory of a pack, from the store if it is there and whole.

    Raises
    ------
    InvalidDataError
        If a layer is too broken to be compiled.
    """
    folder = find_cache_folder(content_hash) / "territory"
    if folder.is_dir():
        try:
            return load_territory(folder)
        except TerritoryFolderError:
            pass  # damaged or of an older program: made again below
    territory = compile_territory(settings, layers)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        save_territory(territory, folder)
    except (OSError, GeodataError):
        pass  # a store that cannot be written costs time, not the answer
    return territory


def compile_territory(settings: Settings, layers: Mapping[str, gpd.GeoDataFrame]) -> Territory:
    """Return the territory made of the layers of a pack.

    Raises
    ------
    InvalidDataError
        If a layer is too broken to be compiled.
    """
    streets = settings.layers["streets"]
    return make_territory(
        _drop_empty(layers["streets"]),
        metric_crs=settings.metric_crs or None,
        version=streets.version,
        districts=layers.get("districts"),
        communities=_drop_empty(layers["communities"]) if "communities" in layers else None,
        cells=layers.get("cells"),
        exceptions=_make_exceptions(layers),
        extent=layers.get("extent", layers.get("districts")),
        valid_from=streets.valid_from,
    )


def _drop_empty(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer without the columns that are empty throughout: the pack does not have them."""
    empty = [name for name in layer.columns if name != "geometry" and (layer[name] == "").all()]
    return layer.drop(columns=empty)


def _make_exceptions(layers: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame | None:
    layer = layers.get("exceptions")
    if layer is None:
        return None
    priority = pd.to_numeric(layer["priority"], errors="coerce").fillna(0)
    return _drop_empty(layer).assign(priority=priority.astype("int64"))
