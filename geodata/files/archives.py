"""Packed files that unpack to far more than they are: counted before anything of them is read."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from geodata.paths import fail_file

ALWAYS = 64 * 1024 * 1024
"""Bytes that any file may unpack to."""
MOST_RATIO = 100
"""Times its size that a larger one may unpack to; sheets of real exports have 5 to 25 [A]."""
MOST = 8 * 1024**3
"""Bytes that no file may unpack to."""
ALWAYS_CELLS = 2_000_000
CELLS_PER_BYTE = 20
"""Cells of a sheet for each packed byte; a cell of a real export takes one or more [A]."""


def check_unpacked(
    path: Path, *, instead: str = "save the rows that hold something as CSV"
) -> Path:
    """Return `path` if it does not unpack to far more than it is; `instead` tells what else can be read.

    Python's reader gives no more of a part than the archive's directory says, so counting what that says is enough.

    Raises
    ------
    InvalidDataError
        It does.
    zipfile.BadZipFile
        It is no archive.
    """
    packed = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    most = min(ALWAYS + MOST_RATIO * packed, MOST)
    if unpacked > most:
        raise fail_file(
            path,
            f"unpacks to {unpacked:,} bytes, {unpacked // max(packed, 1):,} times its size",
            f"at most {most:,} bytes; {instead}",
        )
    return path


def count_cells(path: Path, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a sheet as long as it does not have far more cells than its file can hold.

    Raises
    ------
    InvalidDataError
        It has: a few bytes put one value into the last column or row.
    """
    most = ALWAYS_CELLS + CELLS_PER_BYTE * path.stat().st_size
    count = 0
    for row in rows:
        count += len(row) + 1
        if count > most:
            raise fail_file(
                path,
                f"has more than {most:,} cells, nearly all of them empty",
                "the rows and columns that hold something; delete the others, or save as CSV",
            )
        yield row
