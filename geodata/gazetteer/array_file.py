"""Arrays in one file: a JSON header, then aligned data that is mapped, not read.

Layout: :data:`MAGIC`, the header's length (8 bytes, little endian), the header, then the arrays, each at
a multiple of 64 bytes. The header says version, dtype, shape and offset of every array and the BLAKE2b
digest of the data.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from geodata.errors import GeodataError

MAGIC = b"GRIDGAZ\n"
VERSION = 2
"""Changes when older files cannot be read any more: they are then built anew."""
_ALIGNMENT = 64


class GazetteerFileError(GeodataError):
    """A file is no gazetteer of this version, or it is damaged."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Write arrays and JSON-like `meta` to `path`; the file appears whole or not at all."""
    entries, offset = [], 0
    digest = blake2b()
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array)
        entries.append({"name": name, "dtype": raw.dtype.str, "shape": raw.shape, "offset": offset})
        digest.update(_get_bytes(raw))
        offset += -(-raw.nbytes // _ALIGNMENT) * _ALIGNMENT
    header = {"version": VERSION, "digest": digest.hexdigest(), "arrays": entries, "meta": meta}
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-(len(MAGIC) + 8 + len(text)) % _ALIGNMENT)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(MAGIC + len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            raw = np.ascontiguousarray(array)
            file.write(_get_bytes(raw))
            file.write(b"\0" * (-raw.nbytes % _ALIGNMENT))
    Path(file.name).replace(path)


def _get_bytes(array: np.ndarray) -> memoryview:
    """Return the bytes of a contiguous array without a copy."""
    return array.reshape(-1).view(np.uint8).data


def read_arrays(path: Path, *, verify: bool = True) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays (read-only, memory-mapped) and the meta of a file.

    Parameters
    ----------
    path
        Written by :func:`write_arrays`.
    verify
        Whether to compare the content with its digest.

    Raises
    ------
    GazetteerFileError
        If the file is missing, of another kind or version, or damaged.
    """
    try:
        whole = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise GazetteerFileError(
            f"{path} cannot be read ({error}): build the gazetteer anew"
        ) from error
    header, begin = _read_header(path, whole)
    arrays, digest = {}, blake2b()
    for entry in header["arrays"]:
        dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
        first = begin + entry["offset"]
        size = dtype.itemsize * int(np.prod(shape))
        if first + size > len(whole):
            raise GazetteerFileError(f"{path} is cut short: build the gazetteer anew")
        raw = np.asarray(whole[first : first + size])
        if verify:
            digest.update(_get_bytes(raw))
        arrays[entry["name"]] = raw.view(dtype).reshape(shape)
    if verify and digest.hexdigest() != header["digest"]:
        raise GazetteerFileError(f"{path} does not match its digest: build the gazetteer anew")
    return arrays, header["meta"]


def _read_header(path: Path, whole: np.ndarray) -> tuple[dict[str, Any], int]:
    start = len(MAGIC) + 8
    if len(whole) < start or whole[: len(MAGIC)].tobytes() != MAGIC:
        raise GazetteerFileError(f"{path} is no gazetteer: give a file that gridgov saved")
    length = int.from_bytes(whole[len(MAGIC) : start].tobytes(), "little")
    try:
        header = json.loads(whole[start : start + length].tobytes())
        version = header["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise GazetteerFileError(
            f"{path} has a damaged header: build the gazetteer anew"
        ) from error
    if version != VERSION:
        raise GazetteerFileError(
            f"{path} has version {version}, this program reads {VERSION}: build the gazetteer anew"
        )
    return header, start + length
