"""What is watched: the series of streets, of districts and of the city, with what each lets expect day by day."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from planner.counts.model import CITY, LAYERS, CountModel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WINDOWS = (1, 3, 7)
"""Days that are looked at together, today inside: a jump, a surge of some days, a slow one."""
LONGEST = max(WINDOWS)
CLEAR_Z = 2.5
"""Nearer to the mean no count is so rare that it could be an alarm; its tail is not worked out."""
UNLIKELY = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchedSeries:
    """Series of one level.

    Parameters
    ----------
    level
        ``street``, ``district`` or ``city``.
    areas
        Codes; the series are areas × items, items fastest.
    area, item
        Positions of each series' area and item, (n,).
    mean
        Expected counts by day, (n, days).
    log_variance
        How unsure the mean is, (n,).
    alpha
        Overdispersion by window of :data:`WINDOWS`, (windows, n).
    """

    level: str
    areas: tuple[str, ...]
    area: Ints
    item: Ints
    mean: Floats
    log_variance: Floats
    alpha: Floats


def make_watched(model: CountModel, start: object, end: object) -> dict[str, WatchedSeries]:
    """Return the series of all levels over some days, both inside."""
    days = model.expect_days(start, end)
    n_items = len(model.items)
    home, n_districts = model.street_district, len(model.districts)
    total = days.mean.sum(axis=2)
    in_districts = np.zeros((n_districts, *days.mean.shape[1:]))
    np.add.at(in_districts, home, days.mean)
    of_district = in_districts.sum(axis=2)
    share = total / np.maximum(of_district[home], 1e-300)
    street_part = np.zeros((n_districts, n_items))
    np.add.at(street_part, home, share**2 * days.street)
    whole = np.maximum(of_district.sum(axis=0), 1e-300)
    part = of_district / whole
    city_part = (part**2 * (days.district + street_part)).sum(axis=0)
    made = {
        "street": (model.streets, days.mean, days.city + days.district[home] + days.street),
        "district": (model.districts, in_districts, days.city + days.district + street_part),
        "city": ((CITY,), in_districts.sum(axis=0)[None], (days.city + city_part)[None]),
    }
    return {
        level: WatchedSeries(
            level=level,
            areas=areas,
            area=np.repeat(np.arange(len(areas)), n_items),
            item=np.tile(np.arange(n_items), len(areas)),
            mean=mean.reshape(len(areas) * n_items, -1),
            log_variance=variance.ravel(),
            alpha=np.stack(
                [
                    np.tile(model.find_overdispersion(level, window), len(areas))
                    for window in WINDOWS
                ]
            ),
        )
        for level, (areas, mean, variance) in made.items()
        if level in LAYERS
    }


def find_tail(n: Floats, mean: Floats, *, log_variance: Floats, alpha: Floats) -> Floats:
    """Return P(so many or more), negative binomial with the predictive variance; 1 where it is not small."""
    over = mean**2 * ((1.0 + alpha) * np.exp(log_variance) - 1.0)
    far = n - mean > CLEAR_Z * np.sqrt(mean + over)
    tail = np.full(n.shape, UNLIKELY)
    size = mean[far] ** 2 / np.maximum(over[far], 1e-9 * mean[far])
    # P(N >= n) of the negative binomial law is a regularised incomplete beta function.
    tail[far] = special.betainc(n[far], size, mean[far] / (mean[far] + size))
    return tail
