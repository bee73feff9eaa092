"""Points on their way to a kernel: checked, of one type, in slices side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DEFAULT_THREADS = 2
SMALLEST_SHARE = 20_000  # points below which another thread costs more than it brings


def check_points(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as read-only views of contiguous floats, so that kernels are compiled once."""
    x = np.ascontiguousarray(lon, dtype=np.float64).view()
    y = np.ascontiguousarray(lat, dtype=np.float64).view()
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"lon has shape {x.shape}, lat {y.shape}; expected one dimension, equal")
    x.flags.writeable = y.flags.writeable = False
    return x, y


def share_work(work: Callable[[slice], None], count: int, threads: int) -> None:
    """Run `work` on slices of ``range(count)``, side by side."""
    parts = max(1, min(threads, count // SMALLEST_SHARE))
    limits = np.linspace(0, count, parts + 1).astype(int)
    slices = [slice(a, b) for a, b in pairwise(limits)]
    if parts == 1:
        work(slices[0])
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, slices))


def freeze(values: Any) -> Any:
    """Return an array, or a named tuple of them, read-only: made and mapped ones are then one compiled type."""
    if isinstance(values, np.ndarray):
        view = np.ascontiguousarray(values).view(np.ndarray)
        view.flags.writeable = False
        return view
    if isinstance(values, tuple) and hasattr(values, "_fields"):
        return type(values)(*(freeze(value) for value in values))
    return values
