"""The scan against brute force over every circle and window, and against SaTScan's own answers."""

import json
from datetime import date, timedelta
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.scan import (
    ScanError,
    ScanInput,
    ScanModel,
    ScanOptions,
    TimeUnit,
    kernels,
    read_scan_input,
    scan,
)
from planner.scan.input import (
    make_bernoulli_expectation,
    make_edges,
    make_permutation_expectation,
)
from planner.scan.search import find_rank_p, make_alias

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "scan"
START = date(2024, 1, 1)


def make_input(rng, model, n_places=7, n_spans=6, mean=3.0):
    counts = rng.poisson(mean, (n_places, n_spans))
    counts[0, 0] += 2
    population = None
    if model is ScanModel.POISSON:
        weights = rng.uniform(0.5, 2, counts.shape)
        expected = weights / weights.sum() * counts.sum()
    elif model is ScanModel.PERMUTATION:
        expected = make_permutation_expectation(counts)
    else:
        population = counts + rng.poisson(mean, counts.shape) + 1
        expected = make_bernoulli_expectation(counts, population)
    return ScanInput(
        model=model,
        locations=tuple(f"P{i}" for i in range(n_places)),
        xyz=rng.uniform(0, 100, (n_places, 3)),
        edges=make_edges(START, START + timedelta(days=n_spans - 1), TimeUnit.DAY),
        counts=counts,
        expected=expected,
        population=population,
    )


def find_llr(data, places, start, stop):
    """The likelihood of both rates against that of one, straight from the definition."""
    c = data.counts[places, start:stop].sum()
    n_cases = data.total
    if data.model is ScanModel.BERNOULLI:
        n, people = data.population[places, start:stop].sum(), data.population.sum()

        def part(cases, of):
            return sum(k * log(k / of) for k in (cases, of - cases) if k)

        if c / n <= (n_cases - c) / max(people - n, 1e-300) or c < 2:
            return 0.0
        return part(c, n) + part(n_cases - c, people - n) - part(n_cases, people)
    e = data.expected[places, start:stop].sum()
    if c <= e or c < 2:
        return 0.0
    return c * log(c / e) + (
        (n_cases - c) * log((n_cases - c) / (n_cases - e)) if n_cases > c else 0
    )


def find_best(data, options):
    """The highest ratio over every circle and window."""
    n_places, n_spans = data.counts.shape
    longest = n_spans // 2 if options.max_duration is None else options.max_duration
    best = 0.0
    for centre in range(n_places):
        order = np.argsort(((data.xyz - data.xyz[centre]) ** 2).sum(axis=1), kind="stable")
        for size in range(1, n_places + 1):
            places = order[:size]
            if data.expected[places].sum() > options.max_share * data.total * (1 + 1e-9):
                break
            for start in range(n_spans):
                for stop in range(start + 1, n_spans + 1):
                    whole = (start, stop) == (0, n_spans)
                    if options.is_spatial and not whole:
                        continue
                    if not options.is_spatial and stop - start > longest:
                        continue
                    if options.is_prospective and stop != n_spans:
                        continue
                    best = max(best, find_llr(data, places, start, stop))
    return best


@pytest.mark.parametrize("model", ScanModel)
@pytest.mark.parametrize("how", [{}, {"is_prospective": True}, {"is_spatial": True}])
def test_the_best_window_is_that_of_brute_force(model, how):
    for seed in range(6):
        data = make_input(np.random.default_rng(seed), model)
        options = ScanOptions(replicates=0, **how)
        clusters = scan(data, options)
        best = find_best(data, options)
        found = clusters["llr"].iloc[0] if len(clusters) else 0.0
        assert found == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("model", ScanModel)
@pytest.mark.parametrize("ends_only", [False, True])
def test_pruned_maxima_are_those_of_brute_force(model, ends_only):
    """What the replicates go through, asked about data whose best window is known."""
    from planner.scan.circles import make_circles  # noqa: PLC0415 - inner parts, for this test alone
    from planner.scan.search import _find_scale, _sum_over_time  # noqa: PLC0415 - as above

    for seed in range(8):
        data = make_input(np.random.default_rng(100 + seed), model, n_places=9, n_spans=8, mean=0.8)
        options = ScanOptions(max_duration=4, is_prospective=ends_only)
        circles = make_circles(data.xyz, data.expected.sum(axis=1), max_share=0.5)
        counts, usual = data.counts.astype(float), data.expected
        if ends_only:
            counts, usual = counts[:, :-5:-1], usual[:, :-5:-1]
        people = 0.0 if data.population is None else float(data.population.sum())
        scale = _find_scale(data.expected, circles, 4, float(data.total), people)
        maxima = np.zeros(1)
        kernels.find_maxima(
            circles.offsets,
            circles.members,
            _sum_over_time(counts)[None].astype(np.float32),
            _sum_over_time(usual),
            4,
            ends_only,
            float(data.total),
            people,
            scale,
            maxima,
        )
        assert maxima[0] == pytest.approx(find_best(data, options), abs=1e-9)


@given(
    e=st.floats(0.01, 400),
    over=st.floats(0, 400),
    rest=st.floats(1, 5_000),
    controls=st.floats(0.05, 50),
)
@settings(max_examples=300, deadline=None)
def test_the_bound_holds(e, over, rest, controls):
    n_cases = e + over + rest
    for people in (0.0, n_cases * (1 + controls)):
        ratio = kernels.find_ratio(max(e + over, 2.0), e, max(n_cases, 2.0 + rest), people)
        d, n = max(e + over, 2.0) - e, max(n_cases, 2.0 + rest)
        bound = d * d / (2 * e) + d * d / (n - e)
        if people:
            g = (people - n) / n
            if max(e + over, 2.0) > e * people / n:
                continue  # More cases than people: no such window.
            bound += d * d / (g * e) + d * d / (2 * g * (n - e))
        assert ratio <= bound * (1 + 1e-9) + 1e-9


def test_answers_do_not_depend_on_threads_or_on_the_order_of_rows():
    data = make_input(np.random.default_rng(5), ScanModel.POISSON)
    one = scan(data, ScanOptions(replicates=99, threads=1, seed=3))
    pd.testing.assert_frame_equal(one, scan(data, ScanOptions(replicates=99, threads=4, seed=3)))
    back = ScanInput(
        model=data.model,
        locations=data.locations[::-1],
        xyz=data.xyz[::-1] + 1000.0,
        edges=data.edges,
        counts=data.counts[::-1],
        expected=data.expected[::-1],
    )
    turned = scan(back, ScanOptions(replicates=0))
    plain = scan(data, ScanOptions(replicates=0))
    assert turned["llr"].iloc[0] == pytest.approx(plain["llr"].iloc[0])
    assert set(turned["locations"].iloc[0]) == set(plain["locations"].iloc[0])


@pytest.mark.parametrize("model", ScanModel)
def test_replicates_have_the_mean_of_the_model(model):
    from planner.scan.search import _Drawer  # noqa: PLC0415 - inner part, for this test alone

    data = make_input(np.random.default_rng(8), model)
    for width in (2, data.counts.shape[1]):
        drawer = _Drawer(data, data.counts, data.expected, width)
        draws = np.mean([drawer.draw(np.uint64(seed * 7919)) for seed in range(3000)], axis=0)
        wanted = data.expected[:, -width:].ravel()
        assert np.abs(draws - wanted).max() < 5 * np.sqrt(wanted.max() / 3000)


@pytest.mark.parametrize("model", ScanModel)
def test_nothing_planted_gives_even_p(model):
    best = []
    for seed in range(120):
        rng = np.random.default_rng(1000 + seed)
        counts = rng.multinomial(200, np.full(60, 1 / 60)).reshape(10, 6)
        population = np.full((10, 6), 10)
        if model is ScanModel.BERNOULLI:
            cells = rng.permutation(np.repeat(np.arange(60), 10))[:200]
            counts = np.bincount(cells, minlength=60).reshape(10, 6)
        expected = (
            make_permutation_expectation(counts)
            if model is ScanModel.PERMUTATION
            else np.full((10, 6), 200 / 60)
        )
        data = ScanInput(
            model=model,
            locations=tuple("abcdefghij"),
            xyz=rng.uniform(0, 1, (10, 3)),
            edges=make_edges(START, START + timedelta(days=5), TimeUnit.DAY),
            counts=counts,
            expected=expected,
            population=population if model is ScanModel.BERNOULLI else None,
        )
        clusters = scan(data, ScanOptions(replicates=99, seed=seed, is_prospective=True))
        best.append(clusters["p_value"].iloc[0] if len(clusters) else 1.0)
    assert 0.38 < np.mean(best) < 0.64
    assert (np.array(best) <= 0.05).mean() < 0.13


def test_ties_count_against_the_cluster():
    assert find_rank_p(2.0, np.array([1.0, 2.0, 3.0])) == 3 / 4
    assert find_rank_p(2.0, np.zeros(0)) is None


def test_the_table_of_aliases_keeps_the_weights():
    weights = np.array([0.5, 3.0, 0.0, 1.5])
    chance, other = make_alias(weights)
    share = chance / 2**32
    whole = np.bincount(np.arange(4), share, 4) + np.bincount(other, 1 - share, 4)
    assert whole == pytest.approx(weights / weights.sum() * 4, abs=1e-8)


def test_months_are_counted_back_from_the_end():
    edges = make_edges(date(2024, 1, 10), date(2024, 3, 31), TimeUnit.MONTH)
    assert edges == (date(2024, 1, 10), date(2024, 2, 1), date(2024, 3, 1), date(2024, 4, 1))


@pytest.mark.parametrize(
    "how", [{"max_share": 0.0}, {"max_duration": 0}, {"replicates": -1}, {"max_duration": 100}]
)
def test_options_that_cannot_be_meant_are_refused(how):
    with pytest.raises(ScanError):
        scan(make_input(np.random.default_rng(1), ScanModel.POISSON), ScanOptions(**how))


def test_one_place_or_no_case_has_an_answer():
    data = make_input(np.random.default_rng(1), ScanModel.POISSON, n_places=1)
    assert scan(data, ScanOptions(replicates=9)).empty
    nothing = ScanInput(
        model=ScanModel.PERMUTATION,
        locations=("a",),
        xyz=np.zeros((1, 3)),
        edges=data.edges,
        counts=np.zeros((1, 6), dtype=np.int64),
        expected=np.zeros((1, 6)),
    )
    assert scan(nothing, ScanOptions(replicates=9)).empty


def test_cases_without_people_are_refused():
    data = make_input(np.random.default_rng(1), ScanModel.POISSON)
    expected = data.expected.copy()
    expected[0, 0] = 0.0
    broken = ScanInput(**{**vars(data), "expected": expected})
    with pytest.raises(ScanError, match="P0 has"):
        scan(broken)


@pytest.mark.real
@pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the folder of real data is not beside the checkout"
)
@pytest.mark.parametrize(
    "name", ["nm_spatial_poisson", "nm_st_poisson_prosp", "nm_st_poisson_retro", "synth_prosp25"]
)
def test_answers_are_those_of_satscan(name):
    wanted = json.loads((SAMPLES / "satscan_answers.json").read_text("utf-8"))[name]
    told = wanted["parameters"]
    stem = name.partition("_")[0]
    days = {key: date(*map(int, told[key].split("/"))) for key in ("StartDate", "EndDate")}
    data = read_scan_input(
        cases=SAMPLES / f"{stem}.cas",
        places=SAMPLES / f"{stem}.geo",
        population=SAMPLES / f"{stem}.pop",
        model=ScanModel.POISSON,
        start=days["StartDate"],
        end=days["EndDate"],
        unit={"1": TimeUnit.YEAR, "3": TimeUnit.DAY}[told["TimeAggregationUnits"]],
    )
    in_units = told["MaxTemporalSizeInterpretation"] == "1"
    options = ScanOptions(
        is_spatial=told["AnalysisType"] == "1",
        is_prospective=told["AnalysisType"] == "4",
        max_share=float(told["MaxSpatialSizeInPopulationAtRisk"]) / 100,
        max_duration=int(told["MaxTemporalSize"]) if in_units else None,
        replicates=999,
        seed=1,
    )
    clusters = scan(data, options)
    # A cluster whose rank is at the very end may be reported by one run of replicates and not by another.
    assert len(wanted["clusters"]) - 1 <= len(clusters) <= len(wanted["clusters"]) + 1
    for row, known in zip(clusters.to_dict("records"), wanted["clusters"], strict=False):
        assert row["locations"] == known["locations"]
        for key in ("start", "end"):
            assert row[key] == date(*map(int, known[key].split("/")))
        assert row["observed"] == known["observed"]
        assert row["llr"] == pytest.approx(known["llr"], abs=1e-6)
        assert row["expected"] == pytest.approx(known["expected"], abs=1e-6)
        assert row["relative_risk"] == pytest.approx(known["relative_risk"], abs=1e-8)
        p = known["p_value"]
        assert abs(row["p_value"] - p) < 4 * (2 * p * (1 - p) / 1000) ** 0.5 + 0.002
