"""Heavy parts of a city, compiled on first use and kept on disk under the hash of the pack's content.

Nothing is written into the pack: the store is ``GRIDGOV_CACHE``, else the user's cache folder; where that
cannot be written the parts are compiled each time, and a warning says so. Each part has its checksum beside it.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import pandas as pd
import shapely

import geodata
import gridgov
from geodata.errors import GeodataError
from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Gazetteer, make_gazetteer
from geodata.territory import Territory, load_territory, make_territory, save_territory
from gridgov.pack.kept import is_whole, sign_part
from gridgov.pack.settings import Settings

_LOG = logging.getLogger(__name__)

CACHE_VARIABLE = "GRIDGOV_CACHE"


def find_cache_folder(content_hash: str) -> Path:
    """Return where the compiled parts of a pack are kept; it need not exist."""
    given = os.environ.get(CACHE_VARIABLE)
    base = Path(given) if given else _find_user_cache() / "gridgov"
    return base / f"{version('gridgov')}-{find_program_hash()}-{content_hash[:24]}"


@cache
def find_program_hash() -> str:
    """Return a hash of the code that compiles: what another program compiled is never used."""
    digest = sha256()
    for package in (geodata, gridgov):
        for folder in package.__path__:
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


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
    return _keep(
        find_cache_folder(content_hash) / "territory",
        load=load_territory,
        make=lambda: compile_territory(settings, layers),
        save=save_territory,
    )


def get_gazetteer(
    settings: Settings,
    sources: Sequence[GazetteerSource],
    *,
    extent: shapely.Geometry,
    content_hash: str,
) -> Gazetteer:
    """Return the gazetteer of a pack, from the store if it is there and whole."""
    return _keep(
        find_cache_folder(content_hash) / "gazetteer.bin",
        load=Gazetteer.load,
        make=lambda: make_gazetteer(
            sources, extent=extent, city=settings.address_name or settings.name
        ),
        save=lambda gazetteer, path: gazetteer.save(path),
    )


Part = TypeVar("Part")


def _keep(
    path: Path,
    *,
    load: Callable[[Path], Part],
    make: Callable[[], Part],
    save: Callable[[Part, Path], None],
) -> Part:
    """Return what is stored at `path`; make and store it where there is nothing that is whole."""
    if is_whole(path):
        try:
            return load(path)
        except GeodataError:
            pass  # of an older program: made again below
    part = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(part, path)
        sign_part(path)
    except (OSError, GeodataError) as error:  # costs time, not the answer
        _say_unkept(path.parent.parent, str(error))
    return part


@cache
def _say_unkept(store: Path, reason: str) -> None:
    """Say once that each run will compile the pack anew."""
    _LOG.warning(
        "What the pack compiles to cannot be kept in %s (%s), so that each run makes it anew. Set %s to a folder that "
        "can be written.",
        store,
        reason,
        CACHE_VARIABLE,
    )


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
