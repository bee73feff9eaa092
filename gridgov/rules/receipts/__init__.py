"""Receipts: in come leaves (heads of chains, entries, appeals), out go a root and the way from a leaf to it.

Merkle trees in the form of RFC 6962, section 2.1, so that a receipt can be checked by programs that others wrote.
"""

from gridgov.rules.receipts.merkle import find_path, find_root, hash_leaf, walk_up
from gridgov.rules.receipts.words import write_plain

__all__ = ["find_path", "find_root", "hash_leaf", "walk_up", "write_plain"]
