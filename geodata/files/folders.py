"""Output folders that appear as a whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geodata.errors import GeodataError

MARKER = ".gridgov-output.json"
"""Stands in every folder made here: only such a folder is ever replaced."""


class FolderInUseError(GeodataError):
    """The output folder holds something that this program did not make.

    Attributes
    ----------
    folder
        The folder that was asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} exists and was not made by gridgov, so it is left as it is. "
            "Name another output folder, or empty this one first."
        )


def check_replaceable(target: Path) -> Path:
    """Return `target` if it may be written: absent, empty, or an earlier output.

    Raises
    ------
    FolderInUseError
        If it is a file, or a folder with other content.
    """
    if not target.exists():
        return target
    if target.is_dir() and ((target / MARKER).is_file() or not any(target.iterdir())):
        return target
    raise FolderInUseError(target)


@contextmanager
def replace_folder(target: Path, *, made_by: str = "gridgov") -> Iterator[Path]:
    """Yield a new empty folder beside `target`; on success it takes the place of `target`.

    If the block raises, or the process dies, `target` is as it was before.

    Raises
    ------
    FolderInUseError
        If `target` holds something that this program did not make.
    """
    target = check_replaceable(Path(os.path.abspath(target)))  # noqa: PTH100 - keep links as given
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        aside.chmod(0o755)
        (aside / MARKER).write_text(json.dumps({"made_by": made_by}) + "\n", encoding="utf-8")
        yield aside
        _swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _swap(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`; a failed second step puts the old one back."""
    if not target.exists():
        fresh.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
    old.rmdir()
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
