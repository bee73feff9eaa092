"""Compiled loops that write columns into the rows of PostgreSQL's binary COPY format.

A row there is a count of fields, then for each its length (-1: missing) and its bytes, big-endian throughout.
``at`` holds where each row's next field goes; each loop moves it on.
"""

import numpy as np
import numpy.typing as npt

from geodata.kernels import kernel, make_kernel

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@make_kernel(inline="always")
def _put_length(out: Bytes, at: int, length: int) -> None:
    out[at] = (length >> 24) & 255
    out[at + 1] = (length >> 16) & 255
    out[at + 2] = (length >> 8) & 255
    out[at + 3] = length & 255


@kernel
def put_fixed(out: Bytes, at: Ints, values: Bytes, is_known: Flags) -> None:
    """Write values (n, width), already big-endian."""
    width = values.shape[1]
    for row in range(len(at)):
        here = at[row]
        if not is_known[row]:
            _put_length(out, here, 0xFFFFFFFF)
            at[row] = here + 4
            continue
        _put_length(out, here, width)
        for byte in range(width):
            out[here + 4 + byte] = values[row, byte]
        at[row] = here + 4 + width


@kernel
def put_bytes(out: Bytes, at: Ints, data: Bytes, offsets: Ints, is_known: Flags, lead: int) -> None:
    """Write values of any length: row r is ``data[offsets[r]:offsets[r + 1]]``, after byte `lead` if it is not -1."""
    extra = 0 if lead < 0 else 1
    for row in range(len(at)):
        here = at[row]
        if not is_known[row]:
            _put_length(out, here, 0xFFFFFFFF)
            at[row] = here + 4
            continue
        start, stop = offsets[row], offsets[row + 1]
        _put_length(out, here, stop - start + extra)
        here += 4
        if extra:
            out[here] = lead
            here += 1
        for byte in range(start, stop):
            out[here] = data[byte]
            here += 1
        at[row] = here
