"""The index on disk: one file, memory-mapped, refused if it is damaged or of another version.

Layout, little-endian: magic (8 bytes) · format version (uint32) · length of the header (uint32) ·
SHA-256 over the digests of all following blocks (32 bytes) · header (JSON) · arrays, each at a
multiple of 64 bytes.
"""

import json
import mmap
import struct
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from geodata.errors import GeodataError

MAGIC = b"\x89GGAREA\n"
FORMAT_VERSION = 2
PREFIX = struct.Struct("<8sII32s")
ALIGNMENT = 64
BLOCK_BYTES = 1 << 21  # digests of blocks this large are computed side by side
HASH_THREADS = 2
REMEDY = "build the index again from its layer (AreaIndex.build, then save)"


class IndexFileError(GeodataError):
    """An index file cannot be used; the message names the file, the fault and the remedy."""

    def __init__(self, path: Path, fault: str) -> None:
        self.path = path
        super().__init__(f"index file {path}: {fault}; {REMEDY}")


def save_arrays(path: Path, facts: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write facts (JSON values) and arrays to `path`; a reader sees the old file or the whole new one."""
    places, offset = {}, 0
    for name, array in arrays.items():
        places[name] = (array.dtype.str, array.shape, offset)
        offset += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    header = json.dumps({"facts": facts, "arrays": places}, ensure_ascii=False).encode()
    header += b" " * (-(PREFIX.size + len(header)) % ALIGNMENT)
    body = bytearray(header + bytes(offset))
    for name, array in arrays.items():
        start = len(header) + places[name][2]
        body[start : start + array.nbytes] = np.ascontiguousarray(array).tobytes()
    prefix = PREFIX.pack(MAGIC, FORMAT_VERSION, len(header), _digest(memoryview(body)))
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("wb") as file:
            file.write(prefix)
            file.write(body)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_arrays(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the facts and the read-only, memory-mapped arrays of `path`.

    Raises
    ------
    IndexFileError
        If the file is not there, not an index, of another version, or damaged.
    """
    data = _map(path)
    if len(data) < PREFIX.size or data[:8] != MAGIC:
        raise IndexFileError(path, "is not an index of gridgov")
    _, version, header_bytes, digest = PREFIX.unpack_from(data)
    if version != FORMAT_VERSION:
        raise IndexFileError(
            path, f"has format version {version}, this gridgov reads version {FORMAT_VERSION}"
        )
    if _digest(data[PREFIX.size :]) != digest:
        raise IndexFileError(path, "is damaged (its content does not match its checksum)")
    base = PREFIX.size + header_bytes
    header = json.loads(bytes(data[PREFIX.size : base]))
    arrays = {}
    for name, (dtype, shape, offset) in header["arrays"].items():
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(data, dtype, count, base + offset).reshape(shape)
    return header["facts"], arrays


def _map(path: Path) -> memoryview:
    try:
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        fault = getattr(error, "strerror", None) or "is empty"
        raise IndexFileError(path, f"cannot be read ({fault})") from error


def _digest(data: memoryview) -> bytes:
    blocks = [data[start : start + BLOCK_BYTES] for start in range(0, len(data), BLOCK_BYTES)]
    with ThreadPoolExecutor(HASH_THREADS) as pool:  # hashing releases the interpreter's lock
        digests = pool.map(lambda block: sha256(block).digest(), blocks)
        return sha256(b"".join(digests)).digest()
