"""Where the page assets are: made by script/setup from locked npm packages, served locally."""

from pathlib import Path

from gridgov.errors import GridgovError

ASSETS_DIR = Path(__file__).parent.parent / "static" / "vendor"


class AssetsMissingError(GridgovError):
    """The page assets were not built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"The page assets are missing ({folder}). Run script/setup once; it builds them."
        )


def find_assets() -> Path:
    """Return the folder of the page assets.

    Raises
    ------
    AssetsMissingError
        If script/setup has not built them.
    """
    if not (ASSETS_DIR / "leaflet" / "leaflet.js").is_file():
        raise AssetsMissingError(ASSETS_DIR)
    return ASSETS_DIR
