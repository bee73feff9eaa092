"""Merkle trees against the definition of RFC 6962, written out as it stands there, and its known answers."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.rules.receipts import find_path, find_root, hash_leaf, walk_up

# The test vectors of Certificate Transparency's reference implementation.
DATA = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def define_root(data):
    """Section 2.1, word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1 << (len(data) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + define_root(data[:k]) + define_root(data[k:])).digest()


def define_path(m, data):
    """Section 2.1.1, word for word."""
    if len(data) == 1:
        return []
    k = 1 << (len(data) - 1).bit_length() - 1
    if m < k:
        return [*define_path(m, data[:k]), define_root(data[k:])]
    return [*define_path(m - k, data[k:]), define_root(data[:k])]


@pytest.mark.parametrize("n", ROOTS)
def test_known_answers(n):
    assert find_root([hash_leaf(one) for one in DATA[:n]]).hex() == ROOTS[n]


@pytest.mark.parametrize("n", range(1, 35))
def test_roots_and_paths_are_those_of_the_definition(n):
    data = [bytes([number]) for number in range(n)]
    leaves = [hash_leaf(one) for one in data]
    root = find_root(leaves)
    assert root == define_root(data)
    for at, path in enumerate(find_path(leaves, range(n))):
        assert path == b"".join(define_path(at, data))
        assert walk_up(leaves[at], at, n, path) == root


@given(st.integers(2, 300), st.data())
def test_nothing_else_leads_to_the_root(n, data):
    leaves = [hash_leaf(bytes([at % 256, at // 256])) for at in range(n)]
    root, at = find_root(leaves), data.draw(st.integers(0, n - 1))
    (path,) = find_path(leaves, [at])
    other = data.draw(st.integers(0, n - 1).filter(lambda one: one != at))
    assert walk_up(leaves[other], at, n, path) != root
    assert walk_up(leaves[at], other, n, path) != root
    broken = bytearray(path)
    broken[data.draw(st.integers(0, len(path) - 1))] ^= 1
    for wrong in (bytes(broken), path[:-1], path[:-32], path + bytes(32)):
        assert walk_up(leaves[at], at, n, wrong) != root


def test_a_leaf_that_is_not_there_has_no_path():
    with pytest.raises(IndexError):
        find_path([hash_leaf(b"")], [1])
    assert walk_up(hash_leaf(b""), 1, 1, b"") is None
