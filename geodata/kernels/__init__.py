"""What compiled code of several rooms shares.

In go functions, and points as people hand them over (any numeric arrays); out come kernels that compile in few
versions, read-only contiguous floats that each of them takes in one type, work shared among threads in slices, and
named tuples of arrays handed on by one pointer. It knows neither areas nor addresses.
"""

from geodata.kernels.borrowing import borrow
from geodata.kernels.compiling import inner_kernel, kernel, make_kernel
from geodata.kernels.sharing import DEFAULT_THREADS, check_points, freeze, share_work
from geodata.kernels.sorting import find_order

__all__ = [
    "DEFAULT_THREADS",
    "borrow",
    "check_points",
    "find_order",
    "freeze",
    "inner_kernel",
    "kernel",
    "make_kernel",
    "share_work",
]
