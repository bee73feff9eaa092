"""How often alarms are false on clean streets, how soon true ones come, and whether the scan names the street.

    .venv/bin/python -m benchmarks.statistics surges --seeds 1 2 3

Each seed draws a city (statistics_counts) of three years and a quarter, fits the model to the three years and watches
the quarter by the hour. False alarms are counted with nothing planted. Then one item of one street, or of the whole
city, triples from midnight of a day: a thousand times for each mean count a day.
"""

import argparse
import time

import numpy as np

from benchmarks.statistics_counts import HISTORY, HOURS, make_counts
from planner.counts import CountModel, fit_counts
from planner.surges.alarms import (
    QUARTER_DAYS,
    AlarmLevel,
    calibrate_alarms,
    find_smallest_tail,
    find_starts,
)
from planner.surges.series import LONGEST, WatchedSeries, make_watched

SPAN = QUARTER_DAYS + LONGEST - 1
PROFILE = HOURS / HOURS.sum()
STREET_MEANS, CITY_MEANS = (1, 2, 3, 5, 10, 20), (10, 40, 120, 240)


def watch(
    model: CountModel,
    series: WatchedSeries,
    alarm: AlarmLevel,
    counts: np.ndarray,
    rng: np.random.Generator,
) -> tuple:
    """Return series and hour of the alarms of drawn days, counts (series, days)."""
    so_far = np.cumsum(
        np.moveaxis(rng.multinomial(counts.ravel(), PROFILE), 1, 0).reshape(24, *counts.shape),
        axis=0,
    )
    found = []
    for hour in range(24):
        which, day = np.nonzero(so_far[hour] > (so_far[hour - 1] if hour else 0))
        which, day = which[day >= LONGEST - 1], day[day >= LONGEST - 1]
        passed = model.hours[series.item[which], model.works[model.days + day].astype(int), hour]
        p, _ = find_smallest_tail(
            series,
            which,
            day,
            counts=counts,
            so_far=so_far[hour][which, day].astype(float),
            passed=passed,
        )
        rings = p <= alarm.threshold[alarm.group[series.area[which]]]
        found.append(np.stack([which[rings], day[rings] * 24 + hour]))
    which, at = np.concatenate(found, axis=1)
    return which, at


def plant(
    model: CountModel,
    series: WatchedSeries,
    alarm: AlarmLevel,
    *,
    means: tuple[int, ...],
    factor: float,
    rng: np.random.Generator,
    times: int = 1000,
) -> dict[float, np.ndarray]:
    """Return for each mean a day the hours until the first alarm after midnight of the day, inf for none in a week."""
    out = {}
    whole = series.mean[:, :QUARTER_DAYS].mean(axis=1)
    for mean in means:
        order = np.argsort(np.abs(np.log(whole / mean)), kind="stable")[
            : max(10, len(whole) // 500)
        ]
        order = order[np.abs(np.log(whole[order] / mean)) < 0.35]
        if not len(order):
            continue
        chosen = rng.choice(order, times)
        part = WatchedSeries(
            level=series.level,
            areas=series.areas,
            area=series.area[chosen],
            item=series.item[chosen],
            mean=series.mean[chosen],
            log_variance=series.log_variance[chosen],
            alpha=series.alpha[:, chosen],
        )
        days = part.mean.shape[1]
        rate = part.mean * rng.gamma(1 / 0.05, 0.05, part.mean.shape)
        start = rng.integers(14, days - 7, times)
        rate *= np.where(np.arange(days) >= start[:, None], factor, 1.0)
        which, at = watch(model, part, alarm, rng.poisson(rate), rng)
        after = at - start[which] * 24
        first = np.full(times, np.inf)
        soon = (after >= 0) & (after < 7 * 24)
        np.minimum.at(first, which[soon], after[soon] + 1.0)
        out[mean] = first
    return out


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--streets", type=int, default=120)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--a-day", type=float, default=900.0, help="counts of the city a day")
    chosen = parser.parse_args(arguments)
    false: dict[str, list[float]] = {"street": [], "district": [], "city": []}
    street: dict[float, list[np.ndarray]] = {}
    city: dict[float, list[np.ndarray]] = {}
    for seed in chosen.seeds:
        rng = np.random.default_rng([seed, 9])
        started = time.process_time()
        invented = make_counts(
            seed=seed,
            streets=chosen.streets,
            items=chosen.items,
            days=HISTORY + SPAN,
            total=chosen.a_day * HISTORY,
        )
        model = fit_counts(invented.make_daily(HISTORY), invented.calendar, seed=seed)
        alarms = calibrate_alarms(model, seed=seed)
        first = model.last_day
        watched = make_watched(model, np.datetime64(first) + 1, np.datetime64(first) + SPAN)
        new = invented.counts[:, :, HISTORY:]
        home = model.street_district
        sums = {
            "street": new,
            "district": np.stack(
                [new[home == at].sum(axis=0) for at in range(len(model.districts))]
            ),
            "city": new.sum(axis=0)[None],
        }
        for level, counts in sums.items():
            series = watched[level]
            which, at = watch(
                model, series, alarms[level], counts.reshape(len(series.area), -1), rng
            )
            false[level].append(len(find_starts(which, at)) / len(series.areas))
        for means, level, into in ((STREET_MEANS, "street", street), (CITY_MEANS, "city", city)):
            for mean, hours in plant(
                model, watched[level], alarms[level], means=means, factor=3.0, rng=rng
            ).items():
                into.setdefault(mean, []).append(hours)
        print(f"seed {seed}: {time.process_time() - started:.0f} s of processor", flush=True)
    for level, rates in false.items():
        stated, mean = alarms[level].stated, np.mean(rates)
        print(
            f"false alarms per {level} and quarter: {mean:.2f}; stated {stated} (ratio {mean / stated:.2f})"
        )
    for place, planted, spans in (
        ("a street", street, {"3 days": 72, "the day": 24}),
        ("the city", city, {"9:00": 9, "12:00": 12, "the day": 24}),
    ):
        for mean, parts in planted.items():
            hours = np.concatenate(parts)
            seen = ", ".join(f"{name} {np.mean(hours <= span):.3f}" for name, span in spans.items())
            print(f"an item of {mean} a day triples in {place}: alarm within {seen}")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
