"""Files and folders as wholes: checked before reading, written aside and then moved into place."""

import ctypes
import fcntl
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from geodata.errors import GeodataError, InvalidDataError
from geodata.problems import Problem

MARKER = ".gridgov-output.json"
"""Stands in every folder made here: only such a folder is ever replaced."""


PARTIAL, OLD = ".partial", ".old"
LEFT_AFTER_S = 60.0
"""A folder aside that is younger is left alone: its process may not have locked it yet."""


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
        clear_left_overs(path)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        with _held(aside):
            yield aside / path.name
            (aside / path.name).replace(path)
    except OSError as error:
        raise GeodataError(
            f"{path} cannot be written: {error.strerror or error}; free space or name another place"
        ) from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _held(aside: Path) -> Iterator[None]:
    """Hold a folder aside as long as the block runs: a process that dies lets go of it."""
    handle = os.open(aside, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def clear_left_overs(target: Path) -> list[Path]:
    """Remove what runs that were killed have left beside `target`, and return what was removed.

    What a live process holds, what is younger than :data:`LEFT_AFTER_S` and what has another form stays. An output that
    was moved away when its run was killed comes back.
    """
    form = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}(?:\{PARTIAL}|\{OLD})?")
    removed = []
    for entry in sorted(target.parent.iterdir()):
        if not form.fullmatch(entry.name) or entry.is_symlink() or not entry.is_dir():
            continue
        if not _is_left(entry, target.name):
            continue
        if entry.name.endswith(OLD) and not target.exists():
            entry.rename(target)
            continue
        shutil.rmtree(entry, ignore_errors=True)
        removed.append(entry)
    return removed


def _is_left(folder: Path, name: str) -> bool:
    """Tell whether a folder aside is ours and its process is gone."""
    content = {entry.name for entry in folder.iterdir()}
    if not (MARKER in content or content <= {name}):
        return False
    if time.time() - folder.stat().st_mtime < LEFT_AFTER_S:
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


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

    If the block raises, or the process dies, `target` is as it was before; what a killed process left beside it is
    removed by the next one.

    Raises
    ------
    FolderInUseError
        If `target` holds something that this program did not make.
    """
    target = check_replaceable(Path(os.path.abspath(target)))  # noqa: PTH100 - keep links as given
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_left_overs(target)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=PARTIAL, dir=target.parent))
    try:
        aside.chmod(0o755)
        (aside / MARKER).write_text(json.dumps({"made_by": made_by}) + "\n", encoding="utf-8")
        with _held(aside):
            yield aside
            _swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Of ``renameat2`` (linux/fcntl.h, linux/fs.h)."""


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return whether the system did it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done = rename(_AT_FDCWD, bytes(one), _AT_FDCWD, bytes(other), _RENAME_EXCHANGE)
    return int(done) == 0


def _swap(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`.

    Where the system can exchange two names in one step (Linux), there is no moment without `target`; else the old one
    goes aside first, and a failed second step puts it back.
    """
    if not target.exists():
        fresh.rename(target)
        return
    if _exchange(fresh, target):
        shutil.rmtree(fresh, ignore_errors=True)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=OLD, dir=target.parent))
    old.rmdir()
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
