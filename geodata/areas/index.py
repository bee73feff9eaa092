"""Point → area, exact and at the speed of memory: an immutable, compiled index over any set of areas.

The answer for a point is the lowest code of all areas that hold it, their boundaries included: the
same as ``shapely.intersects`` with every area, for every float. How: a two-level grid whose cells
mostly lie inside one area (``areas.build``), and exact crossing tests with a few edges in the
other cells (``areas.kernels``).

Examples
--------
>>> import shapely
>>> index = AreaIndex.build([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], ["b", "a"])
>>> list(index.locate([0.5, 1.0, 5.0], [0.5, 0.5, 0.5]))
['b', 'a', nan]
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.areas.build import coarsen, compile_grid, make_edges
from geodata.areas.edges import Edges
from geodata.areas.kernels import Compiled, locate_points
from geodata.areas.near import measure_points
from geodata.areas.near_grid import NearGrid, make_near_grid
from geodata.areas.near_tree import TREE_CAP_M, NearTree, make_near_tree, measure_many
from geodata.areas.rings import LAYER, AreaRings, check_areas
from geodata.areas.store import IndexFileError, load_arrays, save_arrays
from geodata.kernels import DEFAULT_THREADS, check_points, share_work

__all__ = ["AreaIndex", "IndexFileError", "NearBoundary"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

DEFAULT_CAP_M = TREE_CAP_M
MANY_POINTS = (
    4_000_000  # from here on the tree of nearest edges saves more time than it takes to make
)


@dataclass(frozen=True, kw_only=True)
class NearBoundary:
    """Distance to the nearest boundary of each point, and the area across it.

    Parameters
    ----------
    boundary_m
        Metres, float64, shape (n,); inf beyond the cap, NaN where the point is not finite.
    neighbour
        Position of the area across that boundary, int32, shape (n,); the nearest area for a point
        outside all areas; -1 where there is none within 20 m behind the boundary, or beyond the cap.
    """

    boundary_m: FloatArray
    neighbour: IntArray


class AreaIndex:
    """Immutable index from points to areas; safe to use from several threads.

    Parameters
    ----------
    codes
        Codes of the areas, ascending.
    content_hash
        SHA-256 of codes and rings.
    edges
        Edges of all areas.
    compiled
        Arrays of the compiled grid.
    """

    def __init__(
        self,
        codes: npt.NDArray[np.str_],
        content_hash: str,
        *,
        edges: Edges,
        compiled: Compiled,
    ) -> None:
        self._codes = codes
        self._content_hash = content_hash
        self._edges = edges
        self._compiled = compiled
        self._near: NearGrid | None = None  # made at the first question; the same whoever makes it
        self._tree: NearTree | None = None  # likewise
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
        return cls(rings.codes, _hash_content(rings), edges=edges, compiled=compiled)

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

    @property
    def near_grid(self) -> NearGrid:
        """Edges of all areas by cells, for kernels of other rooms; made at the first question."""
        if self._near is None:
            self._near = make_near_grid(coarsen(self._edges))
        return self._near

    def prepare_near(self) -> None:
        """Make now what :meth:`near` makes for itself when it is asked for :data:`MANY_POINTS` at once.

        Worth it before many smaller calls: half a second for 100,000 edges, then three times as fast.
        """
        if self._tree is None:
            self._tree = make_near_tree(self.near_grid)

    def save(self, path: str | Path) -> None:
        """Write the index to `path`, all or nothing."""
        facts = {
            "content_hash": self._content_hash,
            "codes": self._codes.tolist(),
            "side": self._compiled.side,
        }
        arrays = self._edges._asdict() | self._compiled._asdict()
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
        fields: dict[str, Any] = {**arrays, "side": facts["side"]}
        edges = Edges(**{name: fields[name] for name in Edges._fields})
        compiled = Compiled(**{name: fields[name] for name in Compiled._fields})
        codes = np.array(facts["codes"], dtype=np.str_)
        return cls(codes, facts["content_hash"], edges=edges, compiled=compiled)

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
        x, y = check_points(lon, lat)
        if out is None:
            out = np.empty(len(x), dtype=np.int32)
        elif out.shape != x.shape or out.dtype != np.int32 or not out.flags.c_contiguous:
            raise ValueError(
                f"out has {out.dtype} {out.shape}, expected contiguous int32 {x.shape}"
            )
        result = out

        def work(part: slice) -> None:
            locate_points(x[part], y[part], result[part], self._compiled)

        share_work(work, len(x), threads or DEFAULT_THREADS)
        return result

    def near(
        self,
        lon: npt.ArrayLike,
        lat: npt.ArrayLike,
        *,
        cap_m: float = DEFAULT_CAP_M,
        threads: int | None = None,
    ) -> NearBoundary:
        """Return for each point how far the nearest boundary is and which area lies across it.

        The boundary is the nearest place where the answer of :meth:`locate` changes: that of the
        point's own area, or of an area with a lower code where areas overlap. For a point outside
        all areas it is the nearest area. The search is exact up to `cap_m`.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326, shape (n,).
        cap_m
            Metres beyond which only "farther" is said.
        threads
            Threads to use, by default :data:`DEFAULT_THREADS`.

        Raises
        ------
        ValueError
            If shapes differ or `cap_m` is not a positive number.
        """
        if not 0 < cap_m < np.inf:
            raise ValueError(f"cap_m is {cap_m}, expected a positive number of metres")
        x, y = check_points(lon, lat)
        if len(x) >= MANY_POINTS:
            self.prepare_near()
        own = self.locate_positions(x, y, threads=threads)
        found = NearBoundary(
            boundary_m=np.empty(len(x), dtype=np.float64),
            neighbour=np.empty(len(x), dtype=np.int32),
        )
        share_work(self._measure(x, y, own, cap_m, found), len(x), threads or DEFAULT_THREADS)
        return found

    def _measure(
        self,
        x: FloatArray,
        y: FloatArray,
        own: IntArray,
        cap_m: float,
        found: NearBoundary,
    ) -> Callable[[slice], None]:
        """Return what writes the distances and neighbours of a slice of points."""
        near, index = self.near_grid, self._compiled
        tree = self._tree if cap_m <= TREE_CAP_M else None

        def work(part: slice) -> None:
            far, other = found.boundary_m[part], found.neighbour[part]
            if tree is None:
                measure_points(x[part], y[part], own[part], cap_m, near, index, far, other)
            else:
                measure_many(x[part], y[part], own[part], cap_m, near, tree, index, far, other)

        return work


def _hash_content(rings: AreaRings) -> str:
    digest = sha256(json.dumps(rings.codes.tolist()).encode())
    parts: tuple[npt.NDArray[Any], ...] = (rings.ring_areas, rings.ring_starts, rings.xy)
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
