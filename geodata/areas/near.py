"""Distance to the nearest boundary and the area across it.

Distances are measured in a local plane: degrees times the length of a degree on the WGS84 ellipsoid,
at the latitude half way between the point and its nearest boundary (radii of curvature: Snyder 1987,
Map Projections, eqs. 4-18 and 4-19). Against the geodesic this errs by less than 1 mm at 200 m up to
80° of latitude, tested against pyproj's ``Geod``.

The nearest edge is found in a grid of edges (``jurisdiction_near_grid``), row by row around the point;
for many points a tree (``jurisdiction_tree``) lists the few edges that can be nearest to any point of a
small square. Both give the same edge: of equally near ones the first.
"""

from math import inf, nan, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geodata.areas.kernels import SCALE_X, SCALE_Y, X0, Y0, Compiled, locate_point
from geodata.areas.near_grid import (
    PLAIN_END,
    PLAIN_START,
    NearGrid,
    clamp_cell,
    degree_lengths,
)
from geodata.kernels import inner_kernel, kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

ANY_AREA, LAST_AREA = np.int64(2**31 - 1), np.int64(2**31 - 2)
NO_EDGE = np.int64(-1)
ON_BOUNDARY_M = 1e-3  # nearer than this, the direction to the boundary says nothing
PROBES_M = (1.0, 5.0, 20.0)  # beyond the boundary: gaps between drawn areas are narrower than these
BESIDE = 1e-3  # metres beside an edge for each metre along it


class Place(NamedTuple):
    """A point, metres per degree there, and the last area whose edges count."""

    x: float
    y: float
    mx: float
    my: float
    limit: np.int64


class Nearest(NamedTuple):
    """The nearest edge found so far.

    Squared distance, the foot in metres from the point, the edge from its foot inwards, its areas, and
    whether no others meet at the foot.
    """

    square: float
    foot_x: float
    foot_y: float
    along_x: float
    along_y: float
    owner: np.int64
    other: np.int64
    sure: bool


@inner_kernel
def find_share(ax: float, ay: float, bx: float, by: float) -> tuple[float, float, float]:
    """Return the point of a segment nearest to the origin, and its place from 0 to 1."""
    dx, dy = bx - ax, by - ay
    share = min(max(-(ax * dx + ay * dy) / (dx * dx + dy * dy), 0.0), 1.0)
    return ax + share * dx, ay + share * dy, share


@inner_kernel
def measure_edge(edge: int, place: Place, edges: FloatArray) -> float:
    """Return the squared distance in metres from a place to an edge."""
    at = np.uintp(edge)
    ax, ay = (edges[at, 0] - place.x) * place.mx, (edges[at, 1] - place.y) * place.my
    bx, by = (edges[at, 2] - place.x) * place.mx, (edges[at, 3] - place.y) * place.my
    x, y, _ = find_share(ax, ay, bx, by)
    return x * x + y * y


@inner_kernel
def _scan(
    first: int, last: int, place: Place, found: np.int64, square: float, near: NearGrid
) -> tuple[np.int64, float]:
    """Return the nearer of `found` and the items from `first` to before `last` with an owner in limits."""
    for i in range(np.uintp(first), np.uintp(last)):
        edge = np.int64(near.items[i])
        here = measure_edge(int(edge), place, near.edges)
        closer = here < square or (here == square and (found < 0 or edge < found))
        if closer and near.owners[edge, 0] <= place.limit:
            found, square = edge, here
    return found, square


@inner_kernel
def make_nearest(edge: np.int64, square: float, place: Place, near: NearGrid) -> Nearest:
    """Return what is to know of an edge, its owner :data:`ANY_AREA` if there is none."""
    if edge < 0:
        return Nearest(square, 0.0, 0.0, 0.0, 0.0, ANY_AREA, NO_EDGE, sure=False)
    edges = near.edges
    ax, ay = (edges[edge, 0] - place.x) * place.mx, (edges[edge, 1] - place.y) * place.my
    bx, by = (edges[edge, 2] - place.x) * place.mx, (edges[edge, 3] - place.y) * place.my
    foot_x, foot_y, share = find_share(ax, ay, bx, by)
    inward = 1.0 if share < 1.0 else -1.0
    wanted = PLAIN_START if share == 0.0 else PLAIN_END if share == 1.0 else 0
    return Nearest(
        square,
        foot_x,
        foot_y,
        inward * (bx - ax),
        inward * (by - ay),
        np.int64(near.owners[edge, 0]),
        np.int64(near.owners[edge, 1]),
        sure=(near.plain[edge] & wanted) == wanted,
    )


@inner_kernel
def _is_far(x: float, y: float, cap_m: float, near: NearGrid) -> bool:
    """Tell whether a place is surely farther than `cap_m` from every edge, by the empty cells around it."""
    grid, side = near.grid, near.side
    row = clamp_cell(y, grid[Y0], grid[SCALE_Y], side)
    column = clamp_cell(x, grid[X0], grid[SCALE_X], side)
    width, height = near.cell_m[row, 0], near.cell_m[row, 1]
    fx, fy = (x - grid[X0]) * grid[SCALE_X] - column, (y - grid[Y0]) * grid[SCALE_Y] - row
    if fy < 0.0 or fy > 1.0:  # outside the grid, where a degree may be shorter by 1 % at most
        return bool(max(-fy, fy - 1.0) * height * 0.98 > cap_m)
    if fx < 0.0 or fx > 1.0:
        return bool(max(-fx, fx - 1.0) * width > cap_m)
    empty = near.clearance[row * side + column] - 1.0
    across = (empty + min(fx, 1.0 - fx)) * width
    return bool(min(across, (empty + min(fy, 1.0 - fy)) * height) > cap_m)


@inner_kernel
def find_nearest(place: Place, cap_m: float, near: NearGrid) -> Nearest:
    """Return the nearest edge within `cap_m`; its owner is :data:`ANY_AREA` if there is none."""
    edge, square = find_edge(place, cap_m, near)
    return make_nearest(edge, square, place, near)


@inner_kernel
def find_edge(place: Place, cap_m: float, near: NearGrid) -> tuple[np.int64, float]:
    """Return the nearest edge within `cap_m` and its squared distance, :data:`NO_EDGE` if there is none.

    Rows of cells around the place, by their distance, each as far as the nearest edge so far.
    """
    grid, side, starts = near.grid, near.side, near.starts
    found, square = NO_EDGE, cap_m * cap_m
    row = clamp_cell(place.y, grid[Y0], grid[SCALE_Y], side)
    column = clamp_cell(place.x, grid[X0], grid[SCALE_X], side)
    cell = row * side + column
    if near.clearance[cell] == 0:
        found, square = _scan(starts[cell], starts[cell + 1], place, found, square, near)
    elif _is_far(place.x, place.y, cap_m, near):
        return found, square
    above, below = row, row - 1
    while above < side or below >= 0:
        upwards = above < side and (below < 0 or above - row <= row - below)
        r = above if upwards else below
        limit = grid[Y0] + (r if upwards else r + 1) / grid[SCALE_Y]
        gap = (limit - place.y if upwards else place.y - limit) * place.my
        gap = max(gap, 0.0) if r != row else 0.0
        if upwards:
            above = r + 1 if gap * gap <= square else side
        else:
            below = r - 1 if gap * gap <= square else -1
        if gap * gap > square:
            continue
        reach = sqrt(square - gap * gap) / place.mx
        first = clamp_cell(place.x - reach, grid[X0], grid[SCALE_X], side)
        last = clamp_cell(place.x + reach, grid[X0], grid[SCALE_X], side)
        base = r * side
        begin, end = starts[base + first], starts[base + last + 1]
        found, square = _scan(begin, end, place, found, square, near)
    return found, square


@inner_kernel
def _find_across(place: Place, own: int, best: Nearest, index: Compiled) -> int:
    """Return the area that shares the nearest edge, else the first other one behind it, -1 for none.

    On the boundary, and at the slanted tip of another area, behind is no direction; there it is the
    area on the other side of the edge, just beside it.
    """
    if best.sure and best.other >= 0 and own in (best.owner, best.other):
        return int(best.other if own == best.owner else best.owner)
    x, y, mx, my = place.x, place.y, place.mx, place.my
    if best.square > ON_BOUNDARY_M * ON_BOUNDARY_M:
        scale = 1.0 / sqrt(best.square)
        for probe in PROBES_M:
            far = 1.0 + probe * scale
            found = locate_point(x + far * best.foot_x / mx, y + far * best.foot_y / my, index)
            if found >= 0 and found != own:
                return found
    length = sqrt(best.along_x * best.along_x + best.along_y * best.along_y)
    step = min(PROBES_M[0], 0.5 * length) / length
    for side in (-BESIDE, BESIDE, -1.0, 1.0):
        px = best.foot_x + step * (best.along_x - side * best.along_y)
        py = best.foot_y + step * (best.along_y + side * best.along_x)
        found = locate_point(x + px / mx, y + py / my, index)
        if found >= 0 and found != own:
            return found
    return -1


@inner_kernel
def measure_best(
    place: Place, own: int, cap_m: float, best: Nearest, index: Compiled
) -> tuple[float, int]:
    """Return the distance to the nearest boundary and the area across it, inf and -1 beyond the cap."""
    if best.owner == ANY_AREA:
        return inf, -1
    east, north = degree_lengths(place.y + 0.5 * best.foot_y / place.my)
    distance = sqrt((best.foot_x * east / place.mx) ** 2 + (best.foot_y * north / place.my) ** 2)
    if distance > cap_m:
        return inf, -1
    return distance, int(best.owner) if own < 0 else _find_across(place, own, best, index)


@inner_kernel
def make_place(x: float, y: float, own: int) -> Place:
    """Return the place of a point of an area, -1 for none: from outside all edges count."""
    mx, my = degree_lengths(y)
    return Place(x, y, mx, my, np.int64(own) if own >= 0 else LAST_AREA)


@kernel
def measure_points(
    lon: FloatArray,
    lat: FloatArray,
    own: IntArray,
    cap_m: float,
    near: NearGrid,
    index: Compiled,
    boundary_m: FloatArray,
    neighbour: IntArray,
) -> None:
    """Write the distance to the nearest boundary and the area across it, by the grid of edges."""
    for i in range(len(lon)):
        x, y = lon[i], lat[i]
        neighbour[i] = -1
        boundary_m[i] = inf if abs(x) < inf and abs(y) < inf else nan
        if boundary_m[i] == inf and abs(y) < 90.0:
            place = make_place(x, y, own[i])
            best = find_nearest(place, cap_m, near)
            boundary_m[i], neighbour[i] = measure_best(place, own[i], cap_m, best, index)
