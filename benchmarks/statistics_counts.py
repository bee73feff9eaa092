"""How long the model of counts takes for a city of Beijing's size, and how much memory.

    .venv/bin/python -m benchmarks.statistics counts [--seed 1]

343 streets × 127 items × 3 years, a million appeals drawn with weeks, holidays, seasons, growth and overdispersion.
"""

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from gridgov.rules.calendar import WorkCalendar, make_calendar
from planner.counts import DailyCounts, fit_counts, load_counts, save_counts

HOURS = np.array(
    (4, 2, 1.5, 1, 1, 2, 5, 12, 26, 34, 33, 26, 19, 22, 28, 29, 27, 23, 19, 19, 18, 15, 11, 7)
)
WEEK = np.array([1.12, 1.08, 1.05, 1.03, 1.02, 0.86, 0.8])
FIRST = date(2023, 1, 1)
HISTORY = 1096
FREE = [date(year, 10, day) for year in range(2023, 2027) for day in range(1, 8)]


@dataclass(frozen=True, kw_only=True)
class InventedCounts:
    """Counts (streets, items, days) whose rates are known, ``rates`` their means without the shocks of days."""

    counts: np.ndarray
    rates: np.ndarray
    exposure: np.ndarray
    calendar: WorkCalendar
    districts: int

    def make_daily(self, days: int) -> DailyCounts:
        """Return the counts of the first days as a history."""
        part = self.counts[:, :, :days]
        street, item, day = np.nonzero(part)
        n_streets, n_items = part.shape[:2]
        return DailyCounts(
            streets=tuple(f"{110101001 + at}" for at in range(n_streets)),
            districts=tuple(f"{110101 + at % self.districts}" for at in range(n_streets)),
            items=tuple(f"{1001 + at}" for at in range(n_items)),
            first_day=FIRST,
            days=days,
            street=street,
            item=item,
            day=day,
            n=part[street, item, day].astype(np.int64),
            hours=np.tile(HOURS / HOURS.sum() * 5000, (n_items, 2, 1)),
            missing=np.zeros(days, dtype=bool),
            exposure=self.exposure,
            exposure_source="residents",
        )


def make_counts(
    *, seed: int, streets: int, items: int, days: int, total: float, districts: int = 16
) -> InventedCounts:
    """Draw counts: unlike streets and items, seasons, growth, weeks, holidays; 5 % overdispersion of each day.

    `total` is the mean of a history of :data:`HISTORY` days.
    """
    rng = np.random.default_rng(seed)
    at = np.arange(days)
    exposure = np.exp(rng.normal(0, 0.5, streets))
    level = (
        exposure[:, None]
        * np.exp(rng.normal(0, 1.0, items))
        * np.exp(rng.normal(0, 0.4, (streets, items)))
    )
    phase = rng.uniform(0, 2 * np.pi, (items, 1))
    growth = rng.normal(0.03, 0.1, (items, 1))
    season = np.exp(
        rng.normal(0, 0.4, (items, 1)) * np.cos(2 * np.pi * at / 365.25 + phase)
        + growth * (at - HISTORY) / 365.25
    )
    free = np.isin(np.datetime64(FIRST) + at, np.array(FREE, dtype="datetime64[D]"))
    time_of = (season * np.where(free, 0.62, WEEK[(at + 6) % 7])).astype(np.float32)
    level *= total / (level @ time_of[:, :HISTORY].sum(axis=1)).sum()
    counts = np.empty((streets, items, days), dtype=np.int32)
    rates = np.empty((streets, items, days), dtype=np.float32)
    common = rng.gamma(1 / 0.02, 0.02, (items, days))
    for street in range(streets):
        rates[street] = level[street, :, None] * time_of
        shock = common * rng.gamma(1 / 0.03, 0.03, (items, days))
        counts[street] = rng.poisson(rates[street] * shock)
    return InventedCounts(
        counts=counts,
        rates=rates,
        exposure=exposure,
        calendar=make_calendar(FREE),
        districts=districts,
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    invented = make_counts(seed=chosen.seed, streets=343, items=127, days=HISTORY, total=1e6)
    daily, calendar = invented.make_daily(HISTORY), invented.calendar
    del invented
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{daily.total} counts, {len(daily.n)} entries; {before:.2f} GB to make them")
    clock = [time.perf_counter(), time.process_time()]

    def tell(step: str) -> None:
        now = [time.perf_counter(), time.process_time()]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{step:28s} {now[0] - clock[0]:6.1f} s  {now[1] - clock[1]:6.1f} s of processor  peak {most:.2f} GB"
        )
        clock[:] = [time.perf_counter(), time.process_time()]

    model = fit_counts(daily, calendar, seed=chosen.seed)
    tell("fit")
    end = model.last_day
    frame = model.expect_by_street_item(end - timedelta(days=89), end)
    tell("90 days of all series")
    model.forecast(12)
    tell("forecast, 12 months")
    model.draw(frame, end + timedelta(days=1), end + timedelta(days=90), 500)
    tell("500 draws of all series")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.npz"
        save_counts(model, path)
        tell(f"save ({path.stat().st_size / 1e6:.0f} MB)")
        load_counts(path)
        tell("load")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
