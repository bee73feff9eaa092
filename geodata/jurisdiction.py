"""Point → area, exact and at the speed of memory: an immutable, compiled index over any set of areas.

The answer for a point is the lowest code of all areas that hold it, their boundaries included: the
same as ``shapely.intersects`` with every area, for every float. How: a two-level grid whose cells
mostly lie inside one area (``jurisdiction_grid``), and exact crossing tests with a few edges in the
other cells (``jurisdiction_kernels``).

Examples
--------
>>> import shapely
>>> index = AreaIndex.build([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], ["b", "a"])
>>> list(index.locate([0.5, 1.0, 5.0], [0.5, 0.5, 0.5]))
['b', 'a', nan]
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.jurisdiction_file import IndexFileError, load_arrays, save_arrays
from geodata.jurisdiction_grid import compile_grid, make_edges
from geodata.jurisdiction_input import LAYER, AreaRings, check_areas
from geodata.jurisdiction_kernels import Compiled, locate_points

__all__ = ["AreaIndex", "IndexFileError", "NearBoundary"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

DEFAULT_THREADS = 2
DEFAULT_CAP_M = 200.0
SMALLEST_SHARE = 50_000  # points below which another thread costs more than it brings


class AreaIndex:
    """Immutable index from points to areas; safe to use from several threads.

    Parameters
    ----------
    codes
        Codes of the areas, ascending.
    content_hash
        SHA-256 of codes and rings.
    compiled
        Arrays of the compiled grid.
    """

    def __init__(
        self, codes: npt.NDArray[np.str_], content_hash: str, compiled: Compiled
    ) -> None:
        self._codes = codes
        self._content_hash = content_hash
        self._compiled = compiled
        codes.flags.writeable = False

    @classmethod
    def build(
        cls,
        geometries: npt.ArrayLike,
        codes: Sequence[str],
        *,
        layer: str = LAYER,
        threads: int = DEFAULT_THREADS,
    ) -> Self:
        """Return an index over areas.

        Parameters
        ----------
        geometries
            Polygons and multipolygons in EPSG:4326, shape (n,), in any order. They may overlap and
            leave gaps.
        codes
            Their codes, unique; the order of codes decides where areas overlap.
        layer
            Name of the layer in messages.
        threads
            Threads to build with; the result is the same for any number.

        Raises
        ------
        InvalidDataError
            If an area is missing, empty, crossing itself or not in degrees, or codes are missing or
            not unique; it names every feature and the remedy.
        """
        rings = check_areas(np.asarray(geometries, dtype=object), codes, layer=layer)
        edges = make_edges(rings)
        compiled = compile_grid(edges, len(rings.codes), threads=threads)
        return cls(rings.codes, _hash_content(rings), compiled)

    @property
    def codes(self) -> npt.NDArray[np.str_]:
        """Codes of the areas, ascending; read-only."""
        return self._codes

    @property
    def content_hash(self) -> str:
        """SHA-256 of codes and rings: equal for equal areas, whatever the order they came in."""
        return self._content_hash

    @property
    def compiled(self) -> Compiled:
        """Arrays for kernels of other rooms; read-only."""
        return self._compiled

    def save(self, path: str | Path) -> None:
        """Write the index to `path`, all or nothing."""
        facts = {
            "content_hash": self._content_hash,
            "codes": self._codes.tolist(),
            "side": self._compiled.side,
        }
        arrays = self._compiled._asdict()
        del arrays["side"]
        save_arrays(Path(path), facts, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the index of a file, memory-mapped.

        Raises
        ------
        IndexFileError
            If the file cannot be read, is damaged or of another version.
        """
        facts, arrays = load_arrays(Path(path))
        compiled = Compiled(**arrays, side=facts["side"])
        return cls(np.array(facts["codes"], dtype=np.str_), facts["content_hash"], compiled)

    def locate(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike, *, threads: int | None = None
    ) -> pd.Categorical:
        """Return the code of the area of each point, missing where no area holds it.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326, shape (n,); NaN and infinities lie nowhere.
        threads
            Threads to use, by default :data:`DEFAULT_THREADS`.
        """
        positions = self.locate_positions(lon, lat, threads=threads)
        return pd.Categorical.from_codes(positions, pd.Index(self._codes, dtype="str"))

    def locate_positions(
        self,
        lon: npt.ArrayLike,
        lat: npt.ArrayLike,
        *,
        threads: int | None = None,
        out: IntArray | None = None,
    ) -> IntArray:
        """Return positions into :attr:`codes`, -1 where no area holds the point.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326, shape (n,); NaN and infinities lie nowhere.
        threads
            Threads to use, by default :data:`DEFAULT_THREADS`.
        out
            Array to write to, int32, shape (n,); saves memory where points come in chunks.

        Raises
        ------
        ValueError
            If shapes differ.
        """
        x, y = _check_points(lon, lat)
        if out is None:
            out = np.empty(len(x), dtype=np.int32)
        elif out.shape != x.shape or out.dtype != np.int32 or not out.flags.c_contiguous:
            raise ValueError(f"out has {out.dtype} {out.shape}, expected contiguous int32 {x.shape}")
        result = out

        def work(part: slice) -> None:
            locate_points(x[part], y[part], result[part], self._compiled)

        _share(work, len(x), threads or DEFAULT_THREADS)
        return result


def _check_points(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as read-only views of contiguous floats, so that kernels are compiled once."""
    x = np.ascontiguousarray(lon, dtype=np.float64).view()
    y = np.ascontiguousarray(lat, dtype=np.float64).view()
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"lon has shape {x.shape}, lat {y.shape}; expected one dimension, equal")
    x.flags.writeable = y.flags.writeable = False
    return x, y


def _share(work: Callable[[slice], None], count: int, threads: int) -> None:
    """Run `work` on slices of ``range(count)``, side by side."""
    parts = max(1, min(threads, count // SMALLEST_SHARE))
    limits = np.linspace(0, count, parts + 1).astype(int)
    slices = [slice(a, b) for a, b in zip(limits[:-1], limits[1:], strict=True)]
    if parts == 1:
        work(slices[0])
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, slices))


def _hash_content(rings: AreaRings) -> str:
    digest = sha256(json.dumps(rings.codes.tolist()).encode())
    parts: tuple[npt.NDArray[Any], ...] = (rings.ring_areas, rings.ring_starts, rings.xy)
    for part in parts:
        digest.update(np.ascontiguousarray(part))
    return digest.hexdigest()
