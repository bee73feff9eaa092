"""Files and folders as wholes: checked before reading, written aside and then moved into place."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from geodata.errors import GeodataError, InvalidDataError
from geodata.problems import Problem

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


def fail_file(path: Path, problem: str, expected: str = "") -> InvalidDataError:
    """Return the error that refuses a whole file."""
    return InvalidDataError([Problem(file=str(path), problem=problem, expected=expected)])


def check_file(path: Path) -> Path:
    """Return `path` if it is a file with content that can be opened.

    Raises
    ------
    InvalidDataError
        If it is missing, a folder, empty or may not be read.
    """
    if path.is_dir():
        raise fail_file(path, "is a folder", "one file")
    if not path.exists():
        raise fail_file(path, "does not exist", _suggest(path))
    if not os.access(path, os.R_OK):
        raise fail_file(path, "may not be read", "read permission on the file")
    if path.is_file() and path.stat().st_size == 0:
        raise fail_file(path, "is empty (0 bytes)", "a file with content; export it again")
    return path


def read_bytes(path: Path) -> bytes:
    """Return the content of a checked file.

    Raises
    ------
    InvalidDataError
        If it cannot be read.
    """
    try:
        data = check_file(path).read_bytes()
    except OSError as error:
        raise fail_file(path, f"cannot be read: {error.strerror}", "a readable file") from error
    if not data:  # a pipe or device has no size beforehand
        raise fail_file(path, "is empty (0 bytes)", "a file with content; export it again")
    return data


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a hidden folder beside `path`; on success it takes the place of `path`.

    If the block raises or the process dies, `path` is as it was before. Missing folders above are made.

    Raises
    ------
    GeodataError
        If the place cannot be written.
    """
    if path.is_dir():
        raise GeodataError(f"{path} is a folder; name a file to write")
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        yield aside / path.name
        (aside / path.name).replace(path)
    except OSError as error:
        raise GeodataError(
            f"{path} cannot be written: {error.strerror or error}; free space or name another place"
        ) from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def _suggest(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"an existing file; the folder {parent} does not exist either"
    near = get_close_matches(path.name, [entry.name for entry in parent.iterdir()], n=1)
    return f"an existing file; did you mean {parent / near[0]}?" if near else "an existing file"


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
