"""Files that pages load: shared ones, those of one feature, and locked npm packages, all served locally."""

import re
from pathlib import Path

from werkzeug.security import safe_join

from gridgov.errors import GridgovError

WEB_DIR = Path(__file__).parent.parent
SHARED_DIR = WEB_DIR / "static"
ASSETS_DIR = SHARED_DIR / "vendor"
"""Made by script/setup from locked npm packages."""
FEATURE_FILE = re.compile(r"features/[a-z_]+/[a-z_]+\.(?:css|js)")
"""What of a feature's folder is served: its style and its scripts, never its code or templates."""


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


def find_static(path: str) -> Path | None:
    """Return the file that stands under ``/static/<path>``, None where there is none.

    A file under ``features/`` comes from that feature's folder, any other from the shared one.
    """
    root = WEB_DIR if FEATURE_FILE.fullmatch(path) else SHARED_DIR
    joined = safe_join(str(root), path)
    if joined is None or not Path(joined).is_file():
        return None
    return Path(joined)


def get_static(path: str) -> Path:
    """Return the file that stands under ``/static/<path>``.

    Raises
    ------
    FileNotFoundError
        There is none: a template names a file that does not exist.
    """
    file = find_static(path)
    if file is None:
        raise FileNotFoundError(f"a page asks for /static/{path}, and there is no such file")
    return file
