"""What compiled code of several rooms shares.

In go points as people hand them over (any numeric arrays); out come read-only, contiguous floats that every
kernel takes in one compiled type, work shared among threads in slices, and named tuples of arrays handed on
by one pointer. It knows neither areas nor addresses.
"""

from geodata.kernels.borrowing import borrow
from geodata.kernels.sharing import DEFAULT_THREADS, check_points, share_work

__all__ = ["DEFAULT_THREADS", "borrow", "check_points", "share_work"]
