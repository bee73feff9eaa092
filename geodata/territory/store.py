"""A territory as a bundle on disk: loads without building an index or a grid again."""

import json
from pathlib import Path
from zipfile import BadZipFile

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.areas import AreaIndex, IndexFileError
from geodata.errors import GeodataError
from geodata.grid import Grid, GridFolderError, load_grid, save_grid
from geodata.paths import replace_folder
from geodata.territory.exceptions import Exceptions
from geodata.territory.judge import AreaLayer, Territory

FORMAT = 2
FACTS = "territory.json"


BROKEN = (OSError, ValueError, KeyError, EOFError, BadZipFile, IndexFileError, GridFolderError)
"""What reading a damaged bundle may raise."""


class TerritoryFolderError(GeodataError):
    """A bundle cannot be used; the message names it and the remedy."""


def save_territory(territory: Territory, folder: str | Path) -> None:
    """Write `territory` to `folder`, all or nothing; an earlier bundle there is replaced.

    Raises
    ------
    FolderInUseError
        If the folder holds something else.
    """
    with replace_folder(Path(folder)) as aside:
        for name in ("streets", "districts", "communities"):
            layer = getattr(territory, name)
            if layer is not None:
                _save_layer(layer, aside / name)
        if territory.exceptions is not None:
            (aside / "exceptions").mkdir()
            territory.exceptions.frame.to_parquet(aside / "exceptions" / "areas.parquet")
            territory.exceptions.index.save(aside / "exceptions" / "index.bin")
        if territory.extent is not None:
            territory.extent.save(aside / "extent.bin")
        if territory.grid is not None:
            (aside / "grid").mkdir()
            save_grid(territory.grid, aside / "grid", shared=bool(_name_shared(territory)))
        np.savez(
            aside / "links.npz",
            street_cells=territory.street_cells,
            community_cells=territory.community_cells,
        )
        codes = pd.DataFrame({"code": territory.district_codes})
        codes.to_parquet(aside / "district_codes.parquet")
        facts = {"format": FORMAT, "version": territory.version, "cap_m": territory.cap_m}
        facts |= {"grid_of": _name_shared(territory)}
        (aside / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def load_territory(folder: str | Path) -> Territory:
    """Return the territory of a bundle that :func:`save_territory` wrote.

    Raises
    ------
    TerritoryFolderError
        If the folder is no such bundle, is damaged or of another version.
    """
    folder = Path(folder)
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if facts.get("format") != FORMAT:
            raise TerritoryFolderError(
                f"{folder} has bundle format {facts.get('format')}, this program reads {FORMAT}; "
                "build the territory again from its layers"
            )
        return _read_territory(folder, facts)
    except BROKEN as error:
        raise TerritoryFolderError(
            f"{folder} holds no whole territory ({error}); build it again from its layers"
        ) from error


def _name_shared(territory: Territory) -> str:
    """Return the layer whose index and polygons the grid uses, empty if none of the territory's."""
    if territory.grid is not None:
        for name in ("communities", "streets"):
            layer = getattr(territory, name)
            if layer is not None and territory.grid.shapes.index is layer.index:
                return name
    return ""


def _save_layer(layer: AreaLayer, folder: Path) -> None:
    folder.mkdir()
    layer.frame.to_parquet(folder / "areas.parquet")
    layer.index.save(folder / "index.bin")
    np.save(folder / "parent.npy", layer.parent)


def _load_layer(folder: Path) -> AreaLayer | None:
    if not folder.is_dir():
        return None
    return AreaLayer(
        frame=gpd.read_parquet(folder / "areas.parquet"),
        index=AreaIndex.load(folder / "index.bin"),
        parent=np.load(folder / "parent.npy"),
    )


def _load_grid(folder: Path, shared: AreaLayer | None) -> Grid | None:
    if not folder.is_dir():
        return None
    areas = None if shared is None else (shared.index, shared.frame.geometry.to_numpy())
    return load_grid(folder, areas=areas)


def _read_territory(folder: Path, facts: dict[str, object]) -> Territory:
    streets = _load_layer(folder / "streets")
    if streets is None:
        raise FileNotFoundError("no streets")
    communities = _load_layer(folder / "communities")
    shared = {"streets": streets, "communities": communities}.get(str(facts["grid_of"]))
    exceptions = None
    if (folder / "exceptions").is_dir():
        exceptions = Exceptions(
            frame=gpd.read_parquet(folder / "exceptions" / "areas.parquet"),
            index=AreaIndex.load(folder / "exceptions" / "index.bin"),
        )
    with np.load(folder / "links.npz", allow_pickle=False) as links:
        street_cells, community_cells = links["street_cells"], links["community_cells"]
    extent = folder / "extent.bin"
    return Territory(
        version=str(facts["version"]),
        streets=streets,
        districts=_load_layer(folder / "districts"),
        district_codes=pd.read_parquet(folder / "district_codes.parquet")["code"].array,
        communities=communities,
        grid=_load_grid(folder / "grid", shared),
        street_cells=street_cells,
        community_cells=community_cells,
        exceptions=exceptions,
        extent=AreaIndex.load(extent) if extent.is_file() else None,
        cap_m=float(str(facts["cap_m"])),
    )
