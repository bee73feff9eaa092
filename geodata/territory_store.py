"""A territory as a bundle on disk: loads without building an index or a grid again."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.errors import GeodataError
from geodata.exceptions import Exceptions
from geodata.folders import replace_folder
from geodata.grid_store import load_grid, save_grid
from geodata.jurisdiction import AreaIndex
from geodata.territory import AreaLayer, Territory

FORMAT = 1
FACTS = "territory.json"


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
            save_grid(territory.grid, aside / "grid")
        np.savez(
            aside / "links.npz",
            street_cells=territory.street_cells,
            community_cells=territory.community_cells,
        )
        codes = pd.DataFrame({"code": territory.district_codes})
        codes.to_parquet(aside / "district_codes.parquet")
        facts = {"format": FORMAT, "version": territory.version, "cap_m": territory.cap_m}
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
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise TerritoryFolderError(
            f"{folder} holds no whole territory ({error}); build it again from its layers"
        ) from error


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


def _read_territory(folder: Path, facts: dict[str, object]) -> Territory:
    streets = _load_layer(folder / "streets")
    if streets is None:
        raise FileNotFoundError("no streets")
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
        communities=_load_layer(folder / "communities"),
        grid=load_grid(folder / "grid") if (folder / "grid").is_dir() else None,
        street_cells=street_cells,
        community_cells=community_cells,
        exceptions=exceptions,
        extent=AreaIndex.load(extent) if extent.is_file() else None,
        cap_m=float(str(facts["cap_m"])),
    )
