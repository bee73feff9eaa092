"""What a fitted model answers, draws and forecasts; and its file."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from planner.counts import load_counts, save_counts
from planner.errors import PlannerError

WINDOW = (date(2026, 1, 1), date(2026, 3, 31))


def test_draws_have_the_moments_of_the_expectation(model):
    series = pd.DataFrame({"street_code": model.streets, "item_code": "I0"})
    drawn = model.draw(series, *WINDOW, 4000, np.random.default_rng(1))
    found = model.expect(list(model.streets), "I0", *WINDOW)
    assert drawn.mean(axis=1) == pytest.approx(found.mean, rel=0.05)
    assert drawn.std(axis=1) == pytest.approx(np.sqrt(found.variance), rel=0.12)
    city = model.expect("", "I0", *WINDOW)
    assert drawn.sum(axis=0).std() == pytest.approx(np.sqrt(city.variance[0]), rel=0.3)
    again = model.draw(series, *WINDOW, 4000, np.random.default_rng(1))
    assert (again == drawn).all()


def test_tail_and_quantile_are_of_one_law(model):
    found = model.expect("S01", "I0", *WINDOW)
    at = found.quantile(0.9)
    assert found.tail(at + 1)[0] <= 0.1 < found.tail(at)[0]


def test_windows_are_asked_together_or_alone(model):
    areas, starts = ["S01", "D1", ""], [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)]
    both = model.expect(areas, "I1", starts, date(2025, 12, 31))
    alone = [
        model.expect(area, "I1", start, date(2025, 12, 31))
        for area, start in zip(areas, starts, strict=True)
    ]
    assert both.mean == pytest.approx([one.mean[0] for one in alone])
    assert both.variance == pytest.approx([one.variance[0] for one in alone])


def test_forecasts_of_layers_agree_and_widen(model):
    frames = {level: model.forecast(12, level=level) for level in ("street", "district", "city")}
    keys = ["item_code", "start"]
    sums = [frame.groupby(keys)["mean"].sum() for frame in frames.values()]
    assert sums[0].to_numpy() == pytest.approx(sums[2].to_numpy())
    assert sums[1].to_numpy() == pytest.approx(sums[2].to_numpy())
    city = frames["city"]
    assert (city["low"] <= city["median"]).all()
    assert (city["median"] <= city["high"]).all()
    steady = city[city["item_code"] == "I1"]
    width = ((steady["high"] - steady["low"]) / steady["mean"]).to_numpy()
    assert width[-1] > width[0]
    assert city["start"].min() == date(2026, 1, 1)
    assert city["end"].max() == date(2026, 12, 31)


def test_a_morning_is_the_share_of_a_day(model):
    share = model.find_passed_share(["I0"], date(2025, 6, 4), 9)
    assert share == pytest.approx(9 / 24, abs=0.05)
    assert model.find_passed_share(["I0"], date(2025, 6, 4), 24) == pytest.approx(1.0)


def test_the_file_gives_the_same_model_in_the_same_bytes(model, tmp_path):
    paths = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for path in paths:
        save_counts(model, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    read = load_counts(paths[0])
    ask = ("S03", "I0", *WINDOW)
    assert read.expect(*ask).mean == model.expect(*ask).mean
    assert (read.data_hash, read.seed) == (model.data_hash, model.seed)
    paths[1].write_bytes(b"no model")
    with pytest.raises(PlannerError, match=r"two\.npz is no count model"):
        load_counts(paths[1])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (("nowhere", "I0", *WINDOW), "knows no area nowhere"),
        (("S01", "I9", *WINDOW), "knows no item I9"),
        (("S01", "I0", WINDOW[1], WINDOW[0]), "ends before it starts"),
        (("S01", "I0", date(2020, 1, 1), WINDOW[0]), "lies outside of 2023-01-01"),
    ],
)
def test_questions_without_an_answer_are_named(model, ask, says):
    with pytest.raises(PlannerError, match=says):
        model.expect(*ask)


def test_a_forecast_reaches_a_year(model):
    with pytest.raises(PlannerError, match="1 to 12"):
        model.forecast(13)
    with pytest.raises(PlannerError, match="level"):
        model.forecast(3, level="cell")


def test_the_course_of_a_street_is_what_each_of_its_days_lets_expect(model):
    days = [date(2025, 1, 1), date(2025, 6, 30), date(2026, 3, 1)]
    course = model.make_course("S01", ["I0", "I1"])
    apart = [model.expect("S01", ["I0", "I1"], day, day).mean.sum() for day in days]

    assert len(course) == (model.horizon_end - model.first_day).days + 1
    assert course[[(day - model.first_day).days for day in days]] == pytest.approx(apart)
    whole = model.expect("S01", "I0", *WINDOW).mean[0]
    first = (WINDOW[0] - model.first_day).days
    alone = model.make_course("S01", ["I0"])[first : first + 90].sum()
    assert alone == pytest.approx(whole, rel=0.01)
    with pytest.raises(PlannerError, match="no street"):
        model.make_course("S99", ["I0"])
