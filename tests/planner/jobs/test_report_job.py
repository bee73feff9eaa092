"""Reports from a file are those that the service makes of the same appeals; files are whole and the same each time."""

import json

import numpy as np
import pandas as pd
import pytest

from gridgov.errors import GridgovError
from gridgov.jobs.pipeline import run_pipeline
from gridgov.pack.city import load_city
from gridgov.reading.appeals import read_appeals
from gridgov.rules.reports import read_period
from gridgov.services.city_runtime import make_runtime
from gridgov.services.load.batches import LoadOptions, load_appeals
from gridgov.services.load.pack import load_pack
from gridgov.services.reports import make_reports
from gridgov.storage.db import transaction
from gridgov.storage.order_frames import read_order_frame
from planner.jobs.desk import make_plans
from planner.jobs.report_job import ReportJobOptions, make_contents, run_report_job
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)
from tests.gridgov.services.load_city import AS_OF, make_export, write_city

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]

SALT = "salt"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A city and its export, in which some rows name who handled them, some of them nobody of the city."""
    pack, file = write_city(tmp_path_factory.mktemp("reported"), appeals=600)
    export = make_export(600, seed=5)
    units = np.array([None, "110101001", "E01", "外单位"], dtype=object)
    export["承办单位"] = np.random.default_rng(1).choice(units, len(export))
    export.to_csv(file, index=False)
    city = load_city(pack)
    read = read_appeals(city, file, as_of=pd.Timestamp(AS_OF), salt=SALT)
    orders = run_pipeline(city, read.appeals, as_of=pd.Timestamp(AS_OF)).orders
    return city, file, orders


@pytest.fixture
def loaded(written, sessions):
    city, file, _orders = written
    with transaction(sessions) as session:
        load_pack(session, city, at=AS_OF)
    load_appeals(sessions, city, file, options=LoadOptions(source="test", as_of=AS_OF, salt=SALT))
    return sessions


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("daily", "2024-03-05"),
        ("weekly", "2024-W10"),
        ("monthly", "2024-03"),
        ("review", "2024-03"),
        ("yearly", "2024"),
    ],
)
def test_file_and_service_say_the_same(written, loaded, kind, name):
    city, _file, orders = written
    period = read_period(kind, name)
    with loaded() as session:
        kept = make_reports(session, make_runtime(city, salt="x" * 32), period, now=AS_OF)
    own = make_contents(city, orders, period, as_of=pd.Timestamp(AS_OF))

    assert [content["scope"] for _, content in kept] == [content["scope"] for content in own]
    for (_, one), other in zip(kept, own, strict=True):
        for row, same in zip(one["ranking"], other["ranking"], strict=True):
            assert {key for key in row if row[key] != same[key]} == set(), row["unit_code"]
        # JSON as it is kept and as it is written
        assert json.loads(json.dumps(one)) == json.loads(json.dumps(other))
    assert any(content["outcomes_total"] for content in own)


def test_plans_of_file_and_service_state_the_same_figures(written, loaded):
    city, _file, orders = written
    with loaded() as session:
        kept = read_order_frame(session, city.settings.timezone)
    streets = sorted(city.streets["street_code"].astype("str"))
    from_file = make_plans(city, orders, as_of=AS_OF, streets=streets)
    from_service = make_plans(city, kept, as_of=AS_OF, streets=streets)

    for one, other in zip(from_file.plans, from_service.plans, strict=True):
        assert one.diagnosis == other.diagnosis
        assert one.excess == other.excess
    values = {f["key"]: f["value"] for f in from_file.plans[0].diagnosis["figures"]}
    assert values["solution_rate"] is not None


@pytest.fixture(scope="module")
def orders_file(written, tmp_path_factory):
    _city, _file, orders = written
    path = tmp_path_factory.mktemp("orders") / "orders.parquet"
    orders.to_parquet(path)
    return path


def test_files_are_the_same_each_time(written, orders_file, tmp_path):
    city = written[0]
    options = ReportJobOptions(kind="review", period="2024-03", area="110101001")
    for folder in ("a", "b"):
        summary = run_report_job(city, orders_file, tmp_path / folder, options=options)
    assert summary["reports"] == ["review-2024-03-110101001"]
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        ".gridgov-output.json",
        *(f"review-2024-03-110101001.{form}" for form in ("docx", "html", "json", "pdf")),
        "summary.json",
    ]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_the_last_period_that_is_over_is_reported(written, orders_file, tmp_path):
    summary = run_report_job(
        written[0],
        orders_file,
        tmp_path / "out",
        options=ReportJobOptions(kind="monthly", is_dry_run=True, as_of=AS_OF),
    )
    assert summary["period"] == "2024-05"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "monthly", "period": "2024-06"}, "expected one that is over, such as 2024-05"),
        ({"kind": "monthly", "period": "2024-13"}, "such as 2025-05"),
        ({"kind": "monthly", "area": "110101001"}, "is of the whole city"),
        ({"kind": "review", "area": "火星"}, "火星"),
    ],
)
def test_what_cannot_be_reported_is_said(written, orders_file, tmp_path, options, words):
    with pytest.raises(GridgovError, match=words):
        run_report_job(
            written[0],
            orders_file,
            tmp_path / "out",
            options=ReportJobOptions(as_of=AS_OF, **options),
        )
