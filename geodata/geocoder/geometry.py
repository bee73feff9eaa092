"""Plane geometry of the geocoder, compiled: areas as evidence, points along roads."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np

from geodata.gazetteer.house_numbers import MOST_KNOWN, find_nearest_numbers, predict_position
from geodata.gazetteer.places import Areas
from geodata.gazetteer.ways import ASTRAY_M, SPINE_STEP_M, Habits, Ways
from geodata.kernels import inner_kernel, kernel

_MOST_SAMPLES = 25
_NO_NUMBER = 1 << 40
_ASIDE_M = 120.0
"""Numbers farther to the side of their road say nothing of where its houses stand."""
_LONGEST_STEP_M = 2.0 * SPINE_STEP_M
_INSET_M = 12.0
"""A point moved into the street it names ends this far inside its outline."""


@kernel
def find_distance_to_area(
    areas: Areas, area: int, x: float, y: float
) -> tuple[float, float, float]:
    """Return metres from a point to an area (0 inside) and the nearest point of its outline."""
    first, last = areas.edge_start[area], areas.edge_start[area + 1]
    if first == last:
        away = np.hypot(areas.x[area] - x, areas.y[area] - y)
        beyond = max(0.0, away - areas.r[area])
        return beyond, np.float64(areas.x[area]), np.float64(areas.y[area])
    inside = False
    best, bx, by = np.inf, x, y
    for e in range(first, last):
        x1, y1 = np.float64(areas.x1[e]) - x, np.float64(areas.y1[e]) - y
        x2, y2 = np.float64(areas.x2[e]) - x, np.float64(areas.y2[e]) - y
        if (y1 > 0) != (y2 > 0) and (x2 - x1) * (-y1) / (y2 - y1) + x1 > 0:
            inside = not inside
        dx, dy = x2 - x1, y2 - y1
        square = dx * dx + dy * dy
        u = 0.0 if square == 0 else min(1.0, max(0.0, -(x1 * dx + y1 * dy) / square))
        px, py = x1 + u * dx, y1 + u * dy
        away = px * px + py * py
        if away < best:
            best, bx, by = away, x + px, y + py
    return (0.0 if inside else np.sqrt(best)), bx, by


@kernel
def is_inside(areas: Areas, area: int, x: float, y: float) -> bool:
    """Tell whether a point lies in an area (within its radius where it has no outline)."""
    first, last = areas.edge_start[area], areas.edge_start[area + 1]
    if first == last:
        return np.hypot(areas.x[area] - x, areas.y[area] - y) <= areas.r[area]
    inside = False
    for e in range(first, last):
        y1, y2 = areas.y1[e] - y, areas.y2[e] - y
        if (y1 > 0) != (y2 > 0):
            x1, x2 = areas.x1[e] - x, areas.x2[e] - x
            if (x2 - x1) * (-y1) / (y2 - y1) + x1 > 0:
                inside = not inside
    return inside


@inner_kernel
def move_inside(areas: Areas, area: int, x: float, y: float) -> tuple[float, float]:
    """Return the point a little inside the outline of `area` that is nearest to (x, y)."""
    away, bx, by = find_distance_to_area(areas, area, x, y)
    if away == 0.0:
        return x, y
    if areas.edge_start[area] == areas.edge_start[area + 1]:
        keep = areas.r[area] / (away + areas.r[area])
        return bx + (x - bx) * keep, by + (y - by) * keep
    for inset in (_INSET_M, 3 * _INSET_M):
        px, py = bx + (bx - x) / away * inset, by + (by - y) / away * inset
        if is_inside(areas, area, px, py):
            return px, py
    return bx, by


@kernel
def find_on_spine(ways: Ways, way: int, t: float) -> tuple[float, float]:
    """Return the point of a road's spine `t` metres along its axis (clipped to its ends)."""
    first = ways.spine_start[way]
    last = ways.spine_start[way + 1] - 1
    step = max(0.0, min(t / SPINE_STEP_M, np.float64(last - first)))
    i = min(np.int64(step), last - first)
    u = step - i
    j = min(first + i + 1, last)
    i = first + i
    return (
        ways.spine_x[i] * (1 - u) + ways.spine_x[j] * u,
        ways.spine_y[i] * (1 - u) + ways.spine_y[j] * u,
    )


@inner_kernel
def find_known_number(ways: Ways, way: int, number: int) -> int:
    """Return the row of a known number, or -1."""
    first, last = ways.known_start[way], ways.known_start[way + 1]
    at = first + np.searchsorted(ways.known_no[first:last], number)
    return at if at < last and ways.known_no[at] == number else -1


@inner_kernel
def predict_along(
    ways: Ways, habits: Habits, way: int, number: int
) -> tuple[float, float, float, int]:
    """Return t, its spread, the offset to the side, and how many known numbers were used."""
    numbers, at = np.zeros(MOST_KNOWN), np.zeros(MOST_KNOWN)
    start, stop = ways.known_start[way], ways.known_start[way + 1]
    high = start + np.searchsorted(ways.known_no[start:stop], number)
    low, count = high - 1, 0
    aside, besides = 0.0, 1.0
    while count < MOST_KNOWN and (low >= start or high < stop):
        below = number - ways.known_no[low] if low >= start else _NO_NUMBER
        above = ways.known_no[high] - number if high < stop else _NO_NUMBER
        near = low if below <= above else high
        if near == low:
            low -= 1
        else:
            high += 1
        if abs(ways.known_off[near]) > ASTRAY_M:
            continue
        numbers[count], at[count] = ways.known_no[near], ways.known_t[near]
        count += 1
        if (ways.known_no[near] - number) % 2 == 0 and abs(ways.known_off[near]) < _ASIDE_M:
            aside += ways.known_off[near]
            besides += 1.0
    t, variance = predict_position(numbers[:count], at[:count], np.float64(number), habits.along)
    # The road has two ends: a flat prior over its length, as a normal of the same variance.
    length = np.float64(ways.length[way])
    flat = length * length / 12.0
    t = (t * flat + 0.5 * length * variance) / (flat + variance)
    variance = variance * flat / (flat + variance)
    return min(max(t, 0.0), length), np.sqrt(variance), aside / besides, count


@inner_kernel
def predict_free(ways: Ways, habits: Habits, way: int, number: int) -> tuple[float, float, float]:
    """Return x, y and spread of a number on a road without a line."""
    start, stop = ways.known_start[way], ways.known_start[way + 1]
    low, high = find_nearest_numbers(ways.known_no[start:stop], number, MOST_KNOWN)
    low, high = start + low, start + high
    known = ways.known_no[low:high].astype(np.float64)
    wanted = np.float64(number)
    mx, my = np.float64(ways.x[way]), np.float64(ways.y[way])
    x, vx = predict_position(known, ways.known_x[low:high] - mx, wanted, habits.east)
    y, vy = predict_position(known, ways.known_y[low:high] - my, wanted, habits.north)
    return x + mx, y + my, np.sqrt(vx + vy)


@kernel
def find_within(
    ways: Ways, areas: Areas, way: int, area: int, t: float, spread: float
) -> tuple[float, float, float]:
    """Return t, spread and share of the part of a road that lies in an area.

    The belief about t (normal, `spread` metres; infinite for none) is cut to the part inside.
    """
    length = np.float64(ways.length[way])
    total, first, second, inside = 0.0, 0.0, 0.0, 0
    for k in range(_MOST_SAMPLES):
        at = (k + 0.5) / _MOST_SAMPLES * length
        x, y = find_on_spine(ways, way, at)
        if is_inside(areas, area, x, y):
            z = (at - t) / spread
            weight = np.exp(-0.5 * z * z) + 1e-12
            total += weight
            first += weight * at
            second += weight * at * at
            inside += 1
    if inside == 0:
        return t, spread, 0.0
    mean = first / total
    step = length / _MOST_SAMPLES
    variance = max(second / total - mean * mean, 0.0) + step * step / 12.0
    return mean, np.sqrt(variance), inside / _MOST_SAMPLES


@inner_kernel
def find_nearest_on_spine(ways: Ways, way: int, x: float, y: float) -> tuple[float, float, float]:
    """Return the distance (m) from a point to a road's spine and the nearest point of it."""
    best, px, py = np.inf, x, y
    p = ways.spine_start[way]
    while p < ways.spine_start[way + 1]:
        away = np.hypot(np.float64(ways.spine_x[p]) - x, np.float64(ways.spine_y[p]) - y)
        if away < best:
            best, px, py = away, np.float64(ways.spine_x[p]), np.float64(ways.spine_y[p])
        # Neighbouring points are near each other: those that cannot come nearer are passed over.
        p += max(1, np.int64((away - best) / _LONGEST_STEP_M))
    return best, px, py


@inner_kernel
def find_crossing(ways: Ways, a: int, b: int) -> tuple[float, float, float]:
    """Return the least distance (m) between the spines of two roads and the point between them.

    Neighbouring points of a spine are at most :data:`_LONGEST_STEP_M` apart, so points that cannot come
    nearer than the best found are passed over: long roads cost little more than short ones.
    """
    best, x, y = np.inf, 0.0, 0.0
    p = ways.spine_start[a]
    while p < ways.spine_start[a + 1]:
        own = np.inf
        q = ways.spine_start[b]
        while q < ways.spine_start[b + 1]:
            dx = np.float64(ways.spine_x[p]) - ways.spine_x[q]
            dy = np.float64(ways.spine_y[p]) - ways.spine_y[q]
            away = np.sqrt(dx * dx + dy * dy)
            own = min(own, away)
            if away < best:
                best = away
                x, y = ways.spine_x[p] - 0.5 * dx, ways.spine_y[p] - 0.5 * dy
            q += max(1, np.int64((away - best) / _LONGEST_STEP_M))
        p += max(1, np.int64((own - best) / _LONGEST_STEP_M)) if own < np.inf else 1
    return best, x, y
