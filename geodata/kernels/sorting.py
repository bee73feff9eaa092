"""Sorting in compiled code: one small function where numpy's sorts would be compiled whole for each kind of number."""

from typing import Any

import numpy as np
import numpy.typing as npt

from geodata.kernels.compiling import inner_kernel


@inner_kernel  # pragma: no cover - compiled
def find_order(keys: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return the order that sorts the keys, equal ones as they stand: runs are merged, twice as long each time."""
    n, width = len(keys), 1
    order, other = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    for i in range(n):
        order[i] = i
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            left, right = low, middle
            for k in range(low, high):
                if left < middle and (right >= high or keys[order[left]] <= keys[order[right]]):
                    other[k] = order[left]
                    left += 1
                else:
                    other[k] = order[right]
                    right += 1
        order, other = other, order
        width *= 2
    return order
