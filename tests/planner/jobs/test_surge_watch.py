"""The watch fits once a day, finds the surge of the moment, and says what is lacking; pages read what it kept."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from gridgov.rules.orders.states import OrderState
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.models.plans import Report
from gridgov.storage.queries.surges import get_surges, put_special_report, put_surges
from planner.documents.content import Paragraph
from planner.documents.make_report import ReportOptions, make_report
from planner.jobs.surge_watch import SurgeWatch, watch_surges
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]

NOW = pd.Timestamp("2025-06-02 20:00", tz="Asia/Shanghai").to_pydatetime()
DAYS = 90
STREETS = ("110101001", "110101002")


def fill(session, *, days=DAYS, surge=0):
    """Put six orders a day and street into the tables, and `surge` more today in the first street."""
    rng = np.random.default_rng(5)
    midnight = NOW.replace(hour=0)
    times = [
        (street, midnight - timedelta(days=back) + timedelta(seconds=int(second)))
        for street in STREETS
        for back in range(days + 1)
        for second in rng.integers(0, 86400, rng.poisson(6))
    ]
    today = rng.integers(0, 70000, surge)
    times += [(STREETS[0], midnight + timedelta(seconds=int(second))) for second in today]
    times = [(street, at) for street, at in times if at < NOW]
    appeals, orders = [], []
    for number, (street, at) in enumerate(times, 1):
        appeals.append(
            {
                "id": number,
                "source": "test",
                "appeal_no": f"A{number}",
                "received_at": at,
                "kind": "complaint",
                "text": "自来水发黄，电话13800138000",
                "boundary_version": "v",
                "created_at": at,
            }
        )
        orders.append(
            {
                "id": number,
                "order_no": f"O{number}",
                "appeal_id": number,
                "state": OrderState.DISPATCHED,
                "state_at": at,
                "unit_code": street,
                "desk_code": "Q01",
                "route": "street",
                "grade": "7d",
                "review": False,
                "reasons": "",
                "outcome": Outcome.OPEN,
                "received_at": at,
                "kind": "complaint",
                "item_code": "x",
                "street_code": street,
                "community_code": street + "001",
                "district_code": "110101",
                "boundary_version": "v",
            }
        )
    session.execute(sa.insert(Appeal), appeals)
    session.execute(sa.insert(Order), orders)
    session.commit()


def test_a_surge_is_found_kept_and_read(session, small_city):
    fill(session, surge=60)
    watch = SurgeWatch()
    value = watch_surges(session, small_city, watch, now=NOW)
    assert value["lacking"] == ""
    first = value["surges"][0]
    assert first["item_code"] == "x"
    assert {row["area_code"] for row in value["surges"] if row["level"] == "street"} == {STREETS[0]}
    assert first["n"] > 2 * first["expected"]
    report = value["reports"][0]
    assert report["quotes"]
    assert not any("13800138000" in quote for quote in report["quotes"])
    model = watch.model
    watch_surges(session, small_city, watch, now=NOW + timedelta(hours=1))
    assert watch.model is model, "the model of the day is fitted once"
    assert get_surges(session) is None
    put_surges(session, value, now=NOW)
    put_surges(session, value, now=NOW)
    session.commit()
    assert get_surges(session) == value


@pytest.mark.parametrize("days", [0, 10])
def test_too_little_history_says_so(session, small_city, days):
    if days:
        fill(session, days=days)
    value = watch_surges(session, small_city, SurgeWatch(), now=NOW)
    assert value["surges"] == []
    assert value["lacking"]


def test_the_draft_of_a_special_report_is_kept_and_renewed(session, small_city):
    fill(session, surge=60)
    watch = SurgeWatch()
    value = watch_surges(session, small_city, watch, now=NOW)
    later = watch_surges(session, small_city, watch, now=NOW + timedelta(hours=1))
    for report in (*value["reports"], *later["reports"]):
        put_special_report(session, report, now=NOW)
    session.commit()
    rows = session.scalars(sa.select(Report).where(Report.kind == "special")).all()

    numbers = {one["surge_no"] for one in value["surges"]}
    assert {row.period for row in rows} == numbers == {one["surge_no"] for one in later["surges"]}
    assert len(rows) == len(numbers)
    of_street = next(row for row in rows if row.content["level"] == "street")
    assert of_street.content["moment"] == later["moment"]
    assert of_street.unit_code == STREETS[0]
    assert len(of_street.content["order_nos"]) >= of_street.content["n"] >= 60
    document = make_report(of_street.content, ReportOptions(city="市"))
    said = "\n".join(one.text for one in document.blocks if isinstance(one, Paragraph))
    assert "13800138000" not in said
    assert str(of_street.content["n"]) in said
