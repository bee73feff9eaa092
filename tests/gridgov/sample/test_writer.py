import hashlib
import json
import tomllib

import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.datum import convert
from geodata.paths import FolderInUseError
from gridgov.errors import GridgovError
from gridgov.pack.city import check_city
from gridgov.sample.export.columns import COLUMNS
from gridgov.sample.export.unusable import UNUSABLE
from gridgov.sample.land.geography import get_metric
from gridgov.sample.writer import write_sample
from tests.gridgov.sample.conftest import SEED, SIZE

FEW = 1_000


def get_hashes(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_the_smallest_sample_is_a_pack_with_all_kinds_of_plantings(tmp_path, sample):
    folder = tmp_path / "city"
    write_sample(folder, appeals=FEW, seed=5)
    _, problems = check_city(folder)
    assert not [problem for problem in problems if problem.severity == "error"]
    planted = json.loads((folder / "planted.json").read_text())
    assert {one["what"] for one in planted["planted"]} == {
        one["what"] for one in sample.planted["planted"]
    }
    assert len(planted["unusable_rows"]) == len(sample.planted["unusable_rows"])
    truth = pd.read_parquet(folder / "truth.parquet")
    # Most of it is still the usual.
    assert (truth["planted_id"] != "").mean() < 0.4


@pytest.mark.slow
def test_same_seed_same_bytes_and_other_seed_other_planting(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_sample(tmp_path / name, appeals=FEW, seed=seed)
    a, b, c = (get_hashes(tmp_path / name) for name in "abc")
    assert a == b
    land = {"streets.geojson", "districts.geojson", "city.toml", "units.csv", "kinds.csv"}
    assert all(a[name] == c[name] for name in land)
    assert all(
        a[name] != c[name]
        for name in ("appeals.parquet", "planted.json", "truth.parquet", "places.csv")
    )
    spots = [json.loads((tmp_path / n / "planted.json").read_text())["hotspots"] for n in "ac"]
    assert {(s["lon"], s["lat"]) for s in spots[0]}.isdisjoint(
        {(s["lon"], s["lat"]) for s in spots[1]}
    )


def test_csv_says_the_same_as_parquet(tmp_path, sample):
    write_sample(tmp_path / "csv", appeals=SIZE, seed=SEED, file_format="csv")
    text = pd.read_csv(tmp_path / "csv" / "appeals.csv", dtype=str, keep_default_na=False)
    assert tuple(text.columns) == COLUMNS
    for column in COLUMNS:
        if column in {"经度", "纬度"}:
            assert np.array_equal(pd.to_numeric(text[column]), sample.table[column], equal_nan=True)
        else:
            assert (text[column] == sample.table[column]).all()


def test_pack_loads_with_no_fault_but_the_planted_ones(sample):
    city, problems = check_city(sample.folder)
    assert city is not None
    assert city.settings.synthetic
    assert {problem.file.rsplit("/", 1)[-1] for problem in problems} <= {"duties.csv"}
    assert not [problem for problem in problems if problem.severity == "error"]


def test_layers_state_different_datums_and_convert_to_the_truth(sample):
    settings = tomllib.loads((sample.folder / "city.toml").read_text(encoding="utf-8"))
    datums = {layer["datum"] for layer in settings["layers"].values()}
    assert datums == {"CGCS2000", "WGS84", "GCJ-02"}
    rows = sample.usable
    x, y = rows["经度"], rows["纬度"]
    lon, lat = convert(x, y, source=settings["appeals"]["datum"], target="WGS84")
    given = ~np.isnan(lon)
    true = sample.truth.loc[given, ["lon", "lat"]].to_numpy()
    away = np.hypot(*(get_metric(lon[given], lat[given]) - get_metric(*true.T)).T)
    assert given.mean() == pytest.approx(2 / 3, abs=0.02)
    assert away.max() < 0.2  # six decimals


def test_streets_file_holds_exactly_the_shipped_vertices(sample, land):
    collection = json.loads((sample.folder / "streets.geojson").read_text(encoding="utf-8"))
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in collection["features"]]
    assert all(a.equals_exact(b, 0) for a, b in zip(shapes, land.streets.geometry, strict=True))


def test_unusable_rows_are_exactly_those_listed(sample):
    table, listed = sample.table, sample.planted["unusable_rows"]
    time = pd.to_datetime(table["受理时间"], format="%Y-%m-%d %H:%M:%S", errors="coerce")
    number = table["工单编号"]
    bad = (
        time.isna()
        | (time.dt.year > 2026)
        | (number == "")
        | (number.duplicated() & (number != ""))
    )
    assert sorted(np.flatnonzero(bad) + 2) == [row["row"] for row in listed]
    assert len(listed) == sum(count for count, *_ in UNUSABLE.values())
    assert len(sample.truth) == SIZE - len(listed)
    for row in listed:
        if row["field"]:
            assert table[row["field"]].iloc[row["row"] - 2] == row["value"]


def test_times_run_forward_and_callbacks_only_follow_closing(sample):
    rows = sample.usable
    received = pd.to_datetime(rows["受理时间"])
    contacted = pd.to_datetime(rows["首次联系时间"].replace("", None))
    closed = pd.to_datetime(rows["办结时间"].replace("", None))
    assert received.is_monotonic_increasing
    assert received.min() >= pd.Timestamp(sample.planted["first_day"])
    assert max(received.max(), contacted.max(), closed.max()) <= pd.Timestamp(
        sample.planted["as_of"]
    )
    assert (contacted.dropna() > received[contacted.notna()]).all()
    both = closed.notna()
    assert (closed[both] > contacted[both]).all()
    assert (rows.loc[closed.isna(), ["是否联系", "是否解决", "满意度"]] == "").all(axis=None)
    asked = rows["是否解决"] != ""
    assert 0.6 < asked.mean() < 0.8
    assert 0.6 < (rows.loc[asked, "是否解决"] == "是").mean() < 0.9


def test_transfers_lead_to_the_unit_that_answered_and_loops_bounce(sample):
    moved = pd.read_csv(sample.folder / "transfers.csv", dtype=str)
    assert tuple(moved.columns) == ("appeal_no", "at", "from_unit", "to_unit", "reason")
    assert moved["at"].is_monotonic_increasing
    unit = sample.table.drop_duplicates("工单编号").set_index("工单编号")["承办单位编码"]
    last = moved.drop_duplicates("appeal_no", keep="last").set_index("appeal_no")["to_unit"]
    known = last.index.isin(unit.index)
    assert known.mean() > 0.99
    assert (unit[last.index[known]] == last[known]).all()
    units = set(pd.read_csv(sample.folder / "units.csv", dtype=str)["unit_code"])
    assert set(moved["from_unit"]) | set(moved["to_unit"]) <= units
    for loop in sample.planted["bounce_loops"]:
        for number in loop["appeal_nos"]:
            own = moved[moved["appeal_no"] == number]
            assert len(own) >= 4
            assert len(set(own["from_unit"]) | set(own["to_unit"])) == 2


@pytest.mark.parametrize("appeals", [0, -5, 999])
def test_too_few_appeals_are_refused_before_anything_is_written(tmp_path, appeals):
    with pytest.raises(GridgovError, match="expected 1,000 to"):
        write_sample(tmp_path / "x", appeals=appeals)
    assert not list(tmp_path.iterdir())


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(GridgovError, match="from 0 on"):
        write_sample(tmp_path / "x", appeals=FEW, seed=-1)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FolderInUseError):
        write_sample(tmp_path, appeals=FEW)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("seed", [1, 5])
def test_a_city_too_small_for_a_kind_of_planting_is_written(tmp_path, seed):
    write_sample(tmp_path / "city", appeals=2000, seed=seed)
    truth = pd.read_parquet(tmp_path / "city" / "truth.parquet")
    assert 1900 < len(truth) <= 2000  # unusable rows have no truth
