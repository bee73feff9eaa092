"""How good forecasts of twelve months are, against the seasonal naive and against AutoETS with MinTrace.

    .venv/bin/python -m benchmarks.statistics forecast --boston ../shared/data/boston/cases_2014_2019.csv
    .venv/bin/python -m benchmarks.statistics forecast --sample-seeds 1 2 --appeals 300000

The last year is kept back. MASE is the mean absolute error of the median over the mean absolute error of the seasonal
naive inside the history (R. J. Hyndman and A. B. Koehler, 2006), of series with five a month and more. The continuous
ranked probability score is twice the mean pinball loss over 39 quantiles, means over series and months. The peers
(``pip install statsforecast hierarchicalforecast``) forecast the most frequent items of streets and city, or of
districts and city, and are reconciled. They are left out where they are not installed.
"""

import argparse
import importlib.util
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from gridgov.pack.city import load_city
from gridgov.reading.appeals import read_appeals
from gridgov.rules.calendar import WorkCalendar, make_calendar
from gridgov.sample.writer import write_sample
from planner.counts import DailyCounts, fit_counts, make_daily_counts

LEVELS = np.arange(1, 40) / 40
DENSE = 5.0
HELD = 12
PLANTED = ("planted_id", "hotspot_id")
"""Column of the truth that says what an appeal was planted for."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Orders to forecast, and which layer stands below the city for the peers."""

    name: str
    orders: pd.DataFrame
    calendar: WorkCalendar
    end: pd.Timestamp
    layer: str
    options: dict[str, object]


def make_boston(path: Path, end: str) -> Case:
    """Return the cases of Boston up to the end of a year, wards as streets."""
    frame = pd.read_csv(path, dtype=str)
    at = pd.to_datetime(frame["open_dt"]).dt.tz_localize(
        "America/New_York", ambiguous="NaT", nonexistent="shift_forward"
    )
    orders = pd.DataFrame(
        {
            "received_at": at,
            "street_code": frame["ward"].str.extract(r"(\d+)")[0].str.lstrip("0"),
            "item_code": frame["reason"] + " / " + frame["type"],
        }
    ).dropna()
    stop = pd.Timestamp(end, tz="America/New_York")
    return Case(
        name=f"Boston to {end}",
        orders=orders[orders["received_at"] < stop],
        calendar=make_calendar(),
        end=stop,
        layer="street",
        options={},
    )


def make_sample(folder: Path, *, seed: int, appeals: int, is_planted: bool) -> Case:
    """Return a sample city with the true places and items of its appeals.

    What is planted begins in the last year, and nothing before tells of it: `is_planted` says whether it stays in.
    """
    write_sample(folder, appeals=appeals, seed=seed)
    city = load_city(folder / "city.toml")
    truth = pd.read_parquet(folder / "truth.parquet").drop_duplicates("appeal_no")
    read = read_appeals(city, folder / "appeals.parquet", as_of=None).appeals
    at = truth["appeal_no"].map(
        read.drop_duplicates("appeal_no").set_index("appeal_no")["received_at"]
    )
    if not is_planted:
        name = next(name for name in PLANTED if name in truth.columns)
        at = at.where(truth[name].fillna("").astype("str") == "")
    orders = truth.assign(
        received_at=at, district_code=truth["street_code"].astype("str").str[:6]
    ).dropna(subset=["received_at", "street_code", "item_code"])
    end = orders["received_at"].max().normalize() + pd.Timedelta(days=1)
    return Case(
        name=f"sample, seed {seed}, {'with what is planted' if is_planted else 'background'}",
        orders=orders,
        calendar=city.calendar,
        end=end,
        layer="district",
        options={"catalogue": city.catalogue, "residents": city.find_population(end.date())},
    )


def sum_months(daily: DailyCounts, end: pd.Timestamp) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """Return counts (streets, items, whole months) and the months' first days."""
    days = pd.date_range(daily.first_day, periods=daily.days)
    months = pd.date_range(
        days[0] if days[0].day == 1 else days[0] + pd.offsets.MonthBegin(),
        end.tz_localize(None),
        freq="MS",
    )[:-1]
    at = np.searchsorted(months, days[daily.day], side="right") - 1
    counts = np.zeros((len(daily.streets), len(daily.items), len(months)))
    keep = at >= 0
    np.add.at(counts, (daily.street[keep], daily.item[keep], at[keep]), daily.n[keep])
    return counts, months


def score(
    name: str, truth: np.ndarray, quantiles: np.ndarray, past: np.ndarray
) -> dict[str, float]:
    """Return MASE of dense series, CRPS and coverage; truth (series, months), quantiles (levels, series, months)."""
    naive = np.abs(past[:, 12:] - past[:, :-12]).mean(axis=1)
    error = np.abs(truth - quantiles[len(LEVELS) // 2]).mean(axis=1)
    dense = (past[:, -12:].mean(axis=1) >= DENSE) & (naive > 0)
    gap = truth - quantiles
    crps = 2 * np.maximum(LEVELS[:, None, None] * gap, (LEVELS[:, None, None] - 1) * gap).mean()
    low, high = quantiles[np.isclose(LEVELS, 0.1)][0], quantiles[np.isclose(LEVELS, 0.9)][0]
    inside = (truth >= low) & (truth <= high)
    # The edges of a discrete law hold more than they state: an edge counts as half.
    edge = ((truth == low) | (truth == high)) & (low != high)
    found = {
        "MASE": float((error[dense] / naive[dense]).mean()) if dense.any() else float("nan"),
        "dense": int(dense.sum()),
        "CRPS": float(crps),
        "80 %": float(inside.mean()),
        "80 % of dense": float((inside - 0.5 * edge)[dense].mean())
        if dense.any()
        else float("nan"),
    }
    print(
        f"  {name:24s}"
        + "  ".join(
            f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}"
            for key, value in found.items()
        ),
        flush=True,
    )
    return found


def make_naive(past: np.ndarray) -> np.ndarray:
    """Return quantiles of the seasonal naive: last year's month, normal with the spread of its errors."""
    spread = (
        np.sqrt(((past[:, 12:] - past[:, :-12]) ** 2).mean(axis=1))
        if past.shape[1] > 12
        else np.ones(len(past))
    )
    z = stats.norm.ppf(LEVELS)[:, None, None]
    return np.maximum(past[None, :, -12:] + z * spread[:, None], 0.0)


def make_peers(
    counts: np.ndarray, months: pd.DatetimeIndex
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return quantiles of AutoETS with MinTrace of counts (areas, items, months): of the areas, and of their sums."""
    if importlib.util.find_spec("statsforecast") is None:
        return None
    from hierarchicalforecast.core import HierarchicalReconciliation  # noqa: PLC0415 - a peer, not always there
    from hierarchicalforecast.methods import MinTrace  # noqa: PLC0415
    from hierarchicalforecast.utils import aggregate  # noqa: PLC0415
    from statsforecast import StatsForecast  # noqa: PLC0415
    from statsforecast.models import AutoETS  # noqa: PLC0415

    areas, items, length = counts.shape
    frame = pd.DataFrame(
        {
            "item": np.repeat([f"i{at:03d}" for at in range(items)], areas * length),
            "area": np.tile(np.repeat([f"a{at:03d}" for at in range(areas)], length), items),
            "ds": np.tile(months, areas * items),
            "y": counts.transpose(1, 0, 2).ravel(),
        }
    )
    levels = [int(level) for level in np.arange(5, 100, 5)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        series, sums, tags = aggregate(frame, [["item"], ["item", "area"]])
        forecaster = StatsForecast(models=[AutoETS(season_length=12)], freq="MS", n_jobs=1)
        made = forecaster.forecast(df=series, h=HELD, level=levels, fitted=True)
        fitted = forecaster.forecast_fitted_values()
        reconciled = HierarchicalReconciliation([MinTrace(method="mint_shrink")]).reconcile(
            Y_hat_df=made, S_df=sums, tags=tags, Y_df=fitted, level=levels
        )
    stem = "AutoETS/MinTrace_method-mint_shrink"
    columns = (
        [f"{stem}-lo-{level}" for level in levels[::-1]]
        + [stem]
        + [f"{stem}-hi-{level}" for level in levels]
    )
    values = reconciled.sort_values(["unique_id", "ds"])[["unique_id", *columns]]
    of_area = values["unique_id"].str.contains("/").to_numpy()
    below = (
        values.loc[of_area, columns]
        .to_numpy()
        .reshape(items, areas, HELD, -1)
        .transpose(3, 1, 0, 2)
    )
    above = values.loc[~of_area, columns].to_numpy().reshape(items, HELD, -1).transpose(2, 0, 1)
    return np.maximum(below, 0.0).reshape(len(LEVELS), -1, HELD), np.maximum(above, 0.0)


def run(case: Case, *, items: int, seed: int) -> None:
    """Print the scores of one case."""
    start = time.process_time()
    cut = case.end - pd.DateOffset(years=1)
    whole = make_daily_counts(case.orders, case.calendar, as_of=case.end, **case.options)
    known = make_daily_counts(
        case.orders,
        case.calendar,
        as_of=cut,
        first_day=whole.first_day,
        **case.options,
        streets=pd.Series(whole.districts, index=list(whole.streets)),
    )
    model = fit_counts(known, case.calendar, seed=seed)
    counts, months = sum_months(whole, case.end)
    keep = pd.Index(whole.items).isin(known.items)
    counts = counts[:, keep]
    print(
        f"{case.name}: {known.total} counts of {len(known.streets)} streets and {len(known.items)} items; "
        f"model {time.process_time() - start:.0f} s of processor"
    )
    often = np.argsort(-counts[:, :, :-HELD].sum(axis=(0, 2)), kind="stable")[:items]
    for level in ("city", "district", "street"):
        group, names = model.find_groups(("street", "district", "city").index(level))
        summed = np.zeros((len(names), *counts.shape[1:]))
        np.add.at(summed, group, counts)
        laws = [month.law for month in model.forecast_months(HELD, level=level)]
        ours = np.stack(
            [[law.quantile(at).reshape(len(names), -1) for at in LEVELS] for law in laws], axis=-1
        )
        flat = summed.reshape(-1, summed.shape[2])
        past, truth = flat[:, :-HELD], flat[:, -HELD:]
        print(f" {level}, all items")
        score("model", truth, ours.reshape(len(LEVELS), -1, HELD), past)
        score("seasonal naive", truth, make_naive(past), past)
    start = time.process_time()
    group, names = model.find_groups(("street", "district").index(case.layer))
    summed = np.zeros((len(names), len(often), counts.shape[2]))
    np.add.at(summed, group, counts[:, often])
    peers = make_peers(summed[:, :, :-HELD], months[:-HELD])
    if peers is None:
        print(" statsforecast and hierarchicalforecast are not installed: no peer")
        return
    for level, values, others in (
        (case.layer, summed, peers[0]),
        ("city", summed.sum(axis=0)[None], peers[1]),
    ):
        laws = [month.law for month in model.forecast_months(HELD, level=level)]
        ours = np.stack(
            [
                [law.quantile(at).reshape(values.shape[0], -1)[:, often] for at in LEVELS]
                for law in laws
            ],
            axis=-1,
        ).reshape(len(LEVELS), -1, HELD)
        flat = values.reshape(-1, values.shape[2])
        past, truth = flat[:, :-HELD], flat[:, -HELD:]
        print(f" {level}, the {len(often)} most frequent items")
        score("model", truth, ours, past)
        score("AutoETS + MinTrace", truth, others, past)
        score("seasonal naive", truth, make_naive(past), past)
    print(f" peers {time.process_time() - start:.0f} s of processor")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boston", type=Path, help="file of cases")
    parser.add_argument("--sample-seeds", type=int, nargs="*", default=[])
    parser.add_argument("--appeals", type=int, default=300_000)
    parser.add_argument("--items", type=int, default=20, help="most frequent items for the peers")
    chosen = parser.parse_args(arguments)
    if chosen.boston:
        for end in ("2018-01-01", "2019-01-01", "2020-01-01"):
            run(make_boston(chosen.boston, end), items=chosen.items, seed=1)
    for seed in chosen.sample_seeds:
        for is_planted in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                case = make_sample(
                    Path(folder) / "city", seed=seed, appeals=chosen.appeals, is_planted=is_planted
                )
                run(case, items=chosen.items, seed=seed)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
