"""Merkle tree hashes and audit paths (RFC 6962, sections 2.1 and 2.1.1), level by level.

A node without a neighbour goes up as it is: the same tree as the RFC's, which splits at the largest power of two.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf: its prefix keeps a leaf from being taken for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _go_up(level: Sequence[bytes]) -> list[bytes]:
    paired = [hash_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return [*paired, level[-1]] if len(level) % 2 else paired


def find_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves; of none, the hash of nothing.

    Examples
    --------
    >>> find_root([]).hex()[:8]
    'e3b0c442'
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        level = _go_up(level)
    return level[0]


def find_path(leaves: Sequence[bytes], indices: Sequence[int]) -> list[bytes]:
    """Return the audit path of each of some leaves, its hashes one after the other from the leaf to the root.

    Raises
    ------
    IndexError
        There is no such leaf.
    """
    if any(not 0 <= one < len(leaves) for one in indices):
        raise IndexError(f"leaves {list(indices)}: expected 0 to {len(leaves) - 1}")
    places = list(indices)
    paths = [bytearray() for _ in places]
    level = list(leaves)
    while len(level) > 1:
        for number, place in enumerate(places):
            neighbour = place ^ 1
            if neighbour < len(level):
                paths[number] += level[neighbour]
        level = _go_up(level)
        places = [place // 2 for place in places]
    return [bytes(path) for path in paths]


def walk_up(leaf: bytes, index: int, size: int, path: bytes) -> bytes | None:
    """Return the root to which a path leads from a leaf, None where it has not the length that the tree asks for.

    Parameters
    ----------
    leaf
        Its hash.
    index, size
        Which of how many.
    path
        As :func:`find_path` gives it.
    """
    if not 0 <= index < size or len(path) % HASH_BYTES:
        return None
    found, at, last = leaf, 0, size - 1
    while last:
        if index % 2 or index < last:
            neighbour = path[at : at + HASH_BYTES]
            if len(neighbour) < HASH_BYTES:
                return None
            at += HASH_BYTES
            found = hash_node(neighbour, found) if index % 2 else hash_node(found, neighbour)
        index, last = index // 2, last // 2
    return found if at == len(path) else None
