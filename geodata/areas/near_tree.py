"""Nearest edges of many points: a tree of squares, each with the few edges that can be nearest in it.

A square is divided by four until few edges are left that can be the nearest one to any of its points
(``_can_be_nearest``). Degrees are measured with the length of a degree at the centre of the square; by how
much that length changes within it widens the bounds, so no edge is missed. Squares farther from all edges
than the cap are empty. The first levels are laid out as a table, so a search begins near its end.
"""

from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.edges import grown
from geodata.areas.kernels import SCALE_X, SCALE_Y, X0, X1, Y0, Y1, Compiled
from geodata.areas.near import (
    NO_EDGE,
    Place,
    find_edge,
    find_share,
    make_nearest,
    make_place,
    measure_best,
    measure_edge,
)
from geodata.areas.near_grid import NearGrid, clamp_cell, degree_lengths
from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

TREE_CAP_M = 200.0
FIRST_LEVEL = 2  # squares on this level are divided side by side
FEW_EDGES = 8
DEEPEST = 4  # levels below the table
NODES_PER_EDGE = 8  # bound on the size of the tree
MOST_LISTED = (
    64  # edges of a list; where equal areas lie on one another the grid is searched instead
)
SLACK = 1e-9  # relative; far above the rounding of distances and of places in squares
LARGEST_LAT = 85.0  # nearer to a pole the length of a degree says little about a square
CHUNK = 1 << 19  # points that are ordered in space at a time
BUCKETS = 64  # along each side; a bucket's edges fit into the second-level cache
OUTSIDE = -1  # in place of a list, for points outside the grid
EMPTY = -1  # value of a square without edges: the list at 0, which has none
SEARCH = -2  # value of a square with too many: the list at 1, whose number is negative


class NearTree(NamedTuple):
    """Edges that can be nearest, by squares.

    Parameters
    ----------
    table
        For each cell of the grid of edges, row by row: place of its four children in `nodes`, or
        ``-1 - place`` of its list.
    nodes
        The same for the squares below, four by four: south-west, south-east, north-west, north-east.
    lists
        Number of edges, and the edges, ascending.
    """

    table: IntArray
    nodes: IntArray
    lists: IntArray


class Square(NamedTuple):
    """A square: level, column and row on that level, and its part of the pool of candidates."""

    level: int
    column: int
    row: int
    first: int
    last: int


class Extent(NamedTuple):
    """A square in metres: centre with the length of a degree there, half its sides, and a factor.

    The factor is by how much two distances from a point of the square may differ in their ratio when they
    are measured with the length of a degree at the centre instead of at the point.
    """

    centre: Place
    half_width: float
    half_height: float
    stretch: float


def make_near_tree(near: NearGrid, *, threads: int = 2) -> NearTree | None:
    """Return the tree over the edges of a grid, the same for any number of threads; None near a pole."""
    if max(abs(near.grid[Y0]), abs(near.grid[Y1])) > LARGEST_LAT:
        return None
    levels = int(near.side).bit_length() - 1
    table = np.empty(near.side * near.side, dtype=np.int32)
    parts = range(1 << 2 * FIRST_LEVEL)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda part: _divide(part, near, levels, table), parts))
    nodes, lists = [part for part, _ in found], [part for _, part in found]
    node_starts = np.cumsum([0, *map(len, nodes)])
    list_starts = np.cumsum([0, *map(len, lists)])
    for part in parts:
        starts = int(node_starts[part]), int(list_starts[part])
        _shift(nodes[part], starts)
        span = near.side >> FIRST_LEVEL
        row, column = part >> FIRST_LEVEL, part & ((1 << FIRST_LEVEL) - 1)
        square = table.reshape(near.side, -1)[row * span :][:span, column * span :][:, :span]
        square[:] = _shift(square.ravel(), starts).reshape(span, span)
    arrays = table, np.concatenate(nodes), np.concatenate(lists)
    for array in arrays:
        array.flags.writeable = False
    return NearTree(*arrays)


@kernel
def _shift(values: IntArray, starts: tuple[int, int]) -> IntArray:
    """Make places within a part places within the whole."""
    for i in range(len(values)):
        if values[i] >= 0:
            values[i] += starts[0]
        elif values[i] < SEARCH:
            values[i] -= starts[1]
    return values


@inner_kernel
def _measure_square(square: Square, grid: FloatArray, side: int) -> Extent:
    share = side / 2.0**square.level
    width, height = share / grid[SCALE_X], share / grid[SCALE_Y]
    x, y = grid[X0] + (square.column + 0.5) * width, grid[Y0] + (square.row + 0.5) * height
    mx, my = degree_lengths(y)
    change = SLACK
    for end in (y - 0.5 * height, y + 0.5 * height):
        there = degree_lengths(end)
        change = max(change, SLACK + abs(there[0] / mx - 1.0), SLACK + abs(there[1] / my - 1.0))
    centre = Place(x, y, mx, my, np.int64(0))
    return Extent(centre, 0.5 * width * mx, 0.5 * height * my, (1.0 + change) / (1.0 - change))


@inner_kernel
def _find_limits(extent: Extent, edge: int, edges: FloatArray, limits: FloatArray) -> None:
    """Write the distances of the corners from the point of an edge that is nearest to the centre."""
    place, at = extent.centre, edges[edge]
    x, y, _ = find_share(
        (at[0] - place.x) * place.mx,
        (at[1] - place.y) * place.my,
        (at[2] - place.x) * place.mx,
        (at[3] - place.y) * place.my,
    )
    for corner in range(4):
        dx = extent.half_width * (2 * (corner & 1) - 1) - x
        dy = extent.half_height * (2 * (corner >> 1) - 1) - y
        limits[corner] = sqrt(dx * dx + dy * dy) * extent.stretch


@inner_kernel
def _can_be_nearest(extent: Extent, edge: int, edges: FloatArray, limits: FloatArray) -> bool:
    """Tell whether an edge is as near to any corner as the point behind `limits` is.

    If not, it is farther at every point of the square: the difference of squared distances from two
    points, the second one stretched, is concave, so it is least at a corner.
    """
    place, at = extent.centre, edges[edge]
    ax, ay = (at[0] - place.x) * place.mx, (at[1] - place.y) * place.my
    bx, by = (at[2] - place.x) * place.mx, (at[3] - place.y) * place.my
    for corner in range(4):
        cx = extent.half_width * (2 * (corner & 1) - 1)
        cy = extent.half_height * (2 * (corner >> 1) - 1)
        x, y, _ = find_share(ax - cx, ay - cy, bx - cx, by - cy)
        if x * x + y * y <= limits[corner] * limits[corner]:
            return True
    return False


@inner_kernel
def _keep_nearest(square: Square, near: NearGrid, pool: IntArray, distances: FloatArray) -> int:
    """Write the candidates that can be nearest behind the square's own ones; return where they end."""
    extent, limits = _measure_square(square, near.grid, near.side), np.empty(4, dtype=np.float64)
    half = sqrt(extent.half_width * extent.half_width + extent.half_height * extent.half_height)
    least, nearest = np.inf, 0
    for i in range(square.first, square.last):
        distances[i] = sqrt(measure_edge(pool[i], extent.centre, near.edges))
        if distances[i] < least:
            least, nearest = distances[i], pool[i]
    _find_limits(extent, nearest, near.edges, limits)
    bound = min((least + half) * extent.stretch, TREE_CAP_M * extent.stretch) + half
    end = square.last
    for i in range(square.first, square.last):
        near_enough = distances[i] <= bound
        if near_enough and _can_be_nearest(extent, pool[i], near.edges, limits):
            pool[end] = pool[i]
            end += 1
    return end


@inner_kernel
def _fill_table(square: Square, value: int, table: IntArray, side: int, levels: int) -> None:
    span = 1 << (levels - square.level)
    for row in range(square.row * span, (square.row + 1) * span):
        first = row * side + square.column * span
        table[first : first + span] = value


@inner_kernel
def _make_child(square: Square, child: int, end: int) -> Square:
    column, row = 2 * square.column + (child & 1), 2 * square.row + (child >> 1)
    return Square(square.level + 1, column, row, square.last, end)


@inner_kernel
def _is_last(square: Square, kept: int, levels: int) -> bool:
    """Tell whether a square is not to be divided: few edges, deep enough, or nothing was won before."""
    below = square.level - levels
    hopeless = below > 0 and 10 * kept > 9 * (square.last - square.first)
    return kept <= FEW_EDGES or below >= DEEPEST or hopeless


@kernel
def _divide(part: int, near: NearGrid, levels: int, table: IntArray) -> tuple[IntArray, IntArray]:
    """Fill the table of one square of the first level; return its nodes and lists, depth first."""
    count = len(near.edges)
    pool = np.empty(4 * count + 64, dtype=np.int32)
    for i in range(count):
        pool[i] = i
    distances = np.empty(len(pool), dtype=np.float64)
    nodes, lists = np.empty(1 << 12, dtype=np.int32), np.empty(1 << 12, dtype=np.int32)
    lists[0], lists[1], node_count, list_count = 0, -1, 0, 2
    column, row = part & ((1 << FIRST_LEVEL) - 1), part >> FIRST_LEVEL
    stack = [(Square(FIRST_LEVEL, column, row, 0, count), -1)]
    while len(stack) > 0:
        square, slot = stack.pop()
        room = 2 * square.last - square.first
        if room > len(pool):
            pool = grown(pool, room)
            distances = np.empty(len(pool), dtype=np.float64)
        end = _keep_nearest(square, near, pool, distances)
        kept = end - square.last
        if square.level < levels and kept > FEW_EDGES:
            value = 0  # stands for "divided": the table begins below
        elif _is_last(square, kept, levels) or node_count > NODES_PER_EDGE * count:
            value = EMPTY if kept == 0 else SEARCH if kept > MOST_LISTED else -1 - list_count
            if value < SEARCH:
                lists = grown(lists, list_count + kept + 1)
                lists[list_count] = kept
                for i in range(kept):
                    lists[list_count + 1 + i] = pool[square.last + i]
                list_count += kept + 1
        else:
            nodes = grown(nodes, node_count + 4)
            value = node_count
            node_count += 4
        if slot >= 0:
            nodes[slot] = value
        elif square.level == levels or value < 0:
            _fill_table(square, value, table, near.side, levels)
        if value >= 0:
            for child in range(4):
                place = value + child if square.level >= levels else -1
                stack.append((_make_child(square, child, end), place))
    return nodes[:node_count].copy(), lists[:list_count].copy()


@inner_kernel
def _find_list(x: float, y: float, grid: FloatArray, side: int, tree: NearTree) -> int:
    """Return where the list of a point inside the grid begins, 0 for none."""
    fx, fy = (x - grid[X0]) * grid[SCALE_X], (y - grid[Y0]) * grid[SCALE_Y]
    column, row = min(int(fx), side - 1), min(int(fy), side - 1)
    fx, fy = fx - column, fy - row
    value = int(tree.table[np.uintp(row * side + column)])
    while value >= 0:
        fx, fy = 2.0 * fx, 2.0 * fy
        east, north = fx >= 1.0, fy >= 1.0
        fx, fy = fx - east, fy - north
        value = int(tree.nodes[np.uintp(value + 2 * north + east)])
    return -1 - value


@kernel
def _search(
    place: Place, cap_m: float, start: int, lists: IntArray, edges: FloatArray
) -> tuple[np.int64, float]:
    """Return the nearest edge of a list and its squared distance, :data:`NO_EDGE` if there is none."""
    found, square = NO_EDGE, cap_m * cap_m
    for i in range(np.uintp(start + 1), np.uintp(start + 1 + lists[start])):
        at = np.uintp(lists[i])
        ax, ay = (edges[at, 0] - place.x) * place.mx, (edges[at, 1] - place.y) * place.my
        bx, by = (edges[at, 2] - place.x) * place.mx, (edges[at, 3] - place.y) * place.my
        x, y, _ = find_share(ax, ay, bx, by)
        here = x * x + y * y
        closer = here < square or (here == square and found < 0)
        found = np.int64(at) if closer else found
        square = here if closer else square
    return found, square


@inner_kernel
def _find_bucket(x: float, y: float, grid: FloatArray, side: int) -> int:
    shift = BUCKETS / side
    column = clamp_cell(x, grid[X0], grid[SCALE_X] * shift, BUCKETS)
    return clamp_cell(y, grid[Y0], grid[SCALE_Y] * shift, BUCKETS) * BUCKETS + column


@inner_kernel
def _sort_by_bucket(waiting: IntArray, buckets: IntArray, order: IntArray) -> None:
    """Write `waiting` to `order`, neighbours in space side by side, by counting."""
    starts = np.zeros(BUCKETS * BUCKETS + 1, dtype=np.int32)
    for bucket in buckets:
        starts[bucket + 1] += 1
    for bucket in range(BUCKETS * BUCKETS):
        starts[bucket + 1] += starts[bucket]
    for k in range(len(waiting)):
        order[starts[buckets[k]]] = waiting[k]
        starts[buckets[k]] += 1


@inner_kernel
def _is_inside(x: float, y: float, grid: FloatArray) -> bool:
    return bool((x >= grid[X0]) & (x <= grid[X1]) & (y >= grid[Y0]) & (y <= grid[Y1]))


@inner_kernel
def _order_points(
    lon: FloatArray,
    lat: FloatArray,
    near: NearGrid,
    tree: NearTree,
    boundary_m: FloatArray,
    neighbour: IntArray,
    space: IntArray,
) -> IntArray:
    """Answer for the points that are far; return the others, neighbours in space side by side.

    `space` is working space for three numbers a point; in its first row are left the starts of their lists.
    """
    starts, waiting, buckets = space
    grid, side, count = near.grid, near.side, 0
    for i in range(len(lon)):
        x, y = lon[i], lat[i]
        neighbour[i] = -1
        boundary_m[i] = np.inf if abs(x) < np.inf and abs(y) < np.inf else np.nan
        if not (abs(x) < np.inf and abs(y) < 90.0):
            continue
        starts[i] = _find_list(x, y, grid, side, tree) if _is_inside(x, y, grid) else OUTSIDE
        if starts[i] != 0:
            waiting[count], buckets[count] = i, _find_bucket(x, y, grid, side)
            count += 1
    order = np.empty(count, dtype=np.int32)
    _sort_by_bucket(waiting[:count], buckets[:count], order)
    return order


@kernel
def measure_many(
    lon: FloatArray,
    lat: FloatArray,
    own: IntArray,
    cap_m: float,
    near: NearGrid,
    tree: NearTree,
    index: Compiled,
    boundary_m: FloatArray,
    neighbour: IntArray,
) -> None:
    """Write what ``measure_points`` does, for a cap up to :data:`TREE_CAP_M`.

    First all points that are far, then the others by buckets: what lies around them stays in the cache.
    """
    lists, edges, owners = tree.lists, near.edges, near.owners
    space = np.empty((3, min(CHUNK, len(lon))), dtype=np.int32)
    for first in range(0, len(lon), CHUNK):
        part = slice(first, min(first + CHUNK, len(lon)))
        x, y, at = lon[part], lat[part], own[part]
        far, other = boundary_m[part], neighbour[part]
        for i in _order_points(x, y, near, tree, far, other, space):
            start, place = space[0, i], make_place(x[i], y[i], at[i])
            found, square = NO_EDGE, cap_m * cap_m
            search = start == OUTSIDE or lists[start] < 0
            if not search:
                found, square = _search(place, cap_m, start, lists, edges)
                # Where the owner counts for other points only, another edge may be the nearest that counts.
                search = found >= 0 and owners[found, 0] > place.limit
            if search:
                found, square = find_edge(place, cap_m, near)
            if found >= 0:
                best = make_nearest(found, square, place, near)
                far[i], other[i] = measure_best(place, at[i], cap_m, best, index)
