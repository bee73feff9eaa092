"""The append-only log of every change, hash-chained: written by ``log``, checked by ``verify``."""
