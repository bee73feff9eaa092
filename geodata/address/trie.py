"""A trie of names in flat arrays: built once, memory-mapped, walked by compiled code.

Edges are one open-addressing table from ``node << 16 | code`` to the child. A name that shares no
longer prefix with another ends in a *tail*: its last codes are compared in the pool of names, not
stored as nodes, so a register of millions of firms needs few nodes.
"""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

from typing import NamedTuple

import numpy as np

from geodata.kernels import inner_kernel, kernel

EMPTY_KEY = np.uint64(0xFFFFFFFFFFFFFFFF)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # golden ratio, Knuth's multiplicative hashing


class Trie(NamedTuple):
    """Names as a trie; name i is ``codes[start[i]:start[i + 1]]``."""

    codes: np.ndarray
    start: np.ndarray
    root: np.ndarray
    edge_key: np.ndarray
    edge_child: np.ndarray
    node_name: np.ndarray
    node_tail: np.ndarray


def make_trie(codes: np.ndarray, start: np.ndarray) -> Trie:
    """Build a trie of distinct, non-empty names sorted by their codes.

    Parameters
    ----------
    codes
        uint16, the names one after another.
    start
        int64 of length names + 1.
    """
    common = _find_common_prefixes(codes, start)
    edges = _count_edges(start, common)
    capacity = 1 << max(4, int(np.ceil(np.log2(edges * 1.6 + 2))))
    return Trie(codes, start, *_insert_names(codes, start, common, edges, capacity))


@kernel
def _find_common_prefixes(codes: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the length of the prefix that each name shares with the one before it."""
    n = len(start) - 1
    common = np.zeros(n + 1, dtype=np.int32)
    for i in range(1, n):
        longest = min(start[i + 1] - start[i], start[i] - start[i - 1])
        k = 0
        while k < longest and codes[start[i - 1] + k] == codes[start[i] + k]:
            k += 1
        common[i] = k
    return common


@kernel
def _count_edges(start: np.ndarray, common: np.ndarray) -> int:
    edges = 0
    for i in range(len(start) - 1):
        depth = min(start[i + 1] - start[i], max(common[i], common[i + 1]) + 1)
        edges += depth - common[i]
    return edges


@inner_kernel
def _find_slot(edge_key: np.ndarray, key: np.uint64) -> int:
    mask = np.uint64(len(edge_key) - 1)
    slot = (key * _MULTIPLIER) >> np.uint64(20) & mask
    while edge_key[slot] != key and edge_key[slot] != EMPTY_KEY:
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@kernel
def _insert_names(
    codes: np.ndarray, start: np.ndarray, common: np.ndarray, edges: int, capacity: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    root = np.full(0x10000, -1, dtype=np.int32)
    edge_key = np.full(capacity, EMPTY_KEY, dtype=np.uint64)
    edge_child = np.zeros(capacity, dtype=np.int32)
    node_name = np.full(edges + 1, -1, dtype=np.int32)
    node_tail = np.full(edges + 1, -1, dtype=np.int32)
    path = np.zeros(0x10000, dtype=np.int32)
    nodes = 1
    for i in range(len(start) - 1):
        length = start[i + 1] - start[i]
        depth = min(length, max(common[i], common[i + 1]) + 1)
        for k in range(common[i], depth):
            code = codes[start[i] + k]
            if k == 0:
                root[code] = nodes
            else:
                key = np.uint64(path[k]) << np.uint64(16) | np.uint64(code)
                slot = _find_slot(edge_key, key)
                edge_key[slot] = key
                edge_child[slot] = nodes
            path[k + 1] = nodes
            nodes += 1
        if depth == length:
            node_name[path[depth]] = i
        else:
            node_tail[path[depth]] = i
    return root, edge_key, edge_child, node_name, node_tail


@inner_kernel
def find_child(trie: Trie, node: int, code: int) -> int:
    """Return the child of an inner node along `code`, or -1."""
    key = np.uint64(node) << np.uint64(16) | np.uint64(code)
    slot = _find_slot(trie.edge_key, key)
    return trie.edge_child[slot] if trie.edge_key[slot] == key else -1


@kernel
def find_names_at(
    trie: Trie, text: np.ndarray, at: int, ends: np.ndarray, names: np.ndarray
) -> int:
    """Find names that begin at position `at` of `text`, short to long; return how many.

    The last ``len(ends)`` of them (the longest) are kept in `ends` and `names`.
    """
    found = 0
    keep = len(ends)
    node = trie.root[text[at]]
    i = at + 1
    while node >= 0:
        name = trie.node_name[node]
        tail = trie.node_tail[node]
        stop = i
        if tail >= 0:
            name = tail
            stop = _match_tail(trie, text, tail, at, i)
        if name >= 0 and stop > 0:
            if found == keep:
                for k in range(keep - 1):
                    ends[k], names[k] = ends[k + 1], names[k + 1]
                found -= 1
            ends[found], names[found] = stop, name
            found += 1
        if tail >= 0 or i >= len(text):
            break
        node = find_child(trie, node, text[i])
        i += 1
    return found


@inner_kernel
def _match_tail(trie: Trie, text: np.ndarray, name: int, at: int, i: int) -> int:
    """Return the end of `name` in `text` if the rest of it stands at `i`, else -1."""
    length = trie.start[name + 1] - trie.start[name]
    if at + length > len(text):
        return -1
    for k in range(i - at, length):
        if trie.codes[trie.start[name] + k] != text[at + k]:
            return -1
    return at + length


@kernel
def find_name(trie: Trie, text: np.ndarray) -> int:
    """Return the number of the name that equals `text`, or -1."""
    if len(text) == 0:
        return -1
    ends = np.empty(1, dtype=np.int64)
    names = np.empty(1, dtype=np.int64)
    if find_names_at(trie, text, 0, ends, names) and ends[0] == len(text):
        return names[0]
    return -1
