"""Reports and proposals of classes: from the counts alone, once each, equal to what the orders say."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from gridgov.errors import GridgovError
from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.rates.assessment import judge_orders
from gridgov.rules.rates.three_rates import make_counts
from gridgov.rules.reports import KINDS, ReportScope, count_orders, make_period, read_period
from gridgov.rules.reports.counting import OUTCOMES, PLACES
from gridgov.rules.reports.periods import list_past
from gridgov.services.class_reviews import propose_classes
from gridgov.services.orders.rating import END_OF_TIME, make_orders_frame
from gridgov.services.reports import make_due_reports, make_reports
from gridgov.storage.counts.changes import make_key, record_change, record_rate_rows
from gridgov.storage.counts.sums import compact
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import Message
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import Report, StreetClassRow
from tests.gridgov.packs import STREETS
from tests.gridgov.services.desks import DESK, make_small_runtime, put_order

START = datetime(2025, 2, 1, tzinfo=UTC)
NOW = datetime(2025, 6, 3, 1, tzinfo=UTC)  # a Tuesday morning in the city


@pytest.fixture(scope="module")
def ranking_runtime(tmp_path_factory):
    rules = '\n[rates]\nstatus = "assumed"\ncallbacks_min = 5\n'
    return make_small_runtime(tmp_path_factory.mktemp("ranking"), rules)


@pytest.fixture
def history(sessions, ranking_runtime):
    """Four months of orders, most of them called back."""
    rng = np.random.default_rng(5)
    orders = []
    closings = [OrderState.CLOSED_SOLVED, OrderState.CLOSED_UNSOLVED, OrderState.HANDLING]
    with transaction(sessions) as session:
        for number in range(260):
            received = START + timedelta(minutes=int(rng.integers(121 * 1440)))
            state = closings[rng.choice(3, p=[0.6, 0.3, 0.1])]
            closed = received + timedelta(days=2) if state is not OrderState.HANDLING else None
            street = list(STREETS)[rng.integers(4)]
            order = put_order(
                session,
                f"O{number}",
                state=state,
                received_at=received,
                unit_code=street,
                street_code=street,
                closed_at=closed,
                called_at=closed,
                contacted=True if closed else None,
                solved={OrderState.CLOSED_SOLVED: "true"}.get(state, "false") if closed else None,
                satisfied="basically" if closed else None,
            )
            orders.append(order)
            record_change(session, None, make_key(order, ranking_runtime.zone))
            if number == 200:
                session.flush()
                compact(session)
        judged = judge_orders(
            make_orders_frame(orders, ranking_runtime),
            as_of=END_OF_TIME,
            constants=ranking_runtime.constants,
        )
        record_rate_rows(session, make_counts(judged.orders).to_dict("records"))
    return sessions


def read_reports(sessions):
    with sessions() as session:
        return {
            (one.kind, one.period, *([one.unit_code] if one.unit_code else [])): one.content
            for one in session.scalars(sa.select(Report))
        }


def test_what_is_over_is_reported_once(history, ranking_runtime):
    made = make_due_reports(history, ranking_runtime, now=NOW)
    assert len(made) == len(set(made)) == 7 + 4 + 3 + 1
    assert ("daily", "2025-06-02") in made
    assert ("weekly", "2025-W22") in made
    assert ("monthly", "2025-05") in made
    assert ("review", "2025-05") in made
    assert make_due_reports(history, ranking_runtime, now=NOW) == []
    next_day = make_due_reports(history, ranking_runtime, now=NOW + timedelta(days=1))
    assert next_day == [("daily", "2025-06-03")]
    with history() as session:
        told = session.scalars(sa.select(Message).where(Message.topic == "report")).all()
    reviewed = {one.unit_code for one in told if one.subject == "点评会已生成：2025-05"}
    assert {one.unit_code for one in told} - reviewed == {DESK}
    assert reviewed == {"110101", "110102", *STREETS}
    assert "月通报已生成：2025-05" in {one.subject for one in told}


def get_figure(content, key):
    return next(one for one in content["figures"] if one["key"] == key)


def test_a_report_says_what_the_orders_say(history, ranking_runtime):
    make_due_reports(history, ranking_runtime, now=NOW)
    reports = read_reports(history)
    with history() as session:
        orders = session.scalars(sa.select(Order)).all()
    for (kind, *_), content in reports.items():
        first, last = (date.fromisoformat(content[name]) for name in ("first_on", "last_on"))
        scope = content["scope"]
        inside = [
            one
            for one in orders
            if first <= ranking_runtime.get_day(one.received_at) <= last
            and scope["code"] in {"", one.street_code, one.street_code[:6]}
        ]
        assert get_figure(content, "orders")["value"] == len(inside)
        if scope["level"] != "street":  # none of them lies in a known community
            assert sum(row["n"] for row in content["areas"]) == len(inside)
        assert sum(row["n"] for row in content["items"]) == len(inside)
        assert sum(content["outcomes"].values()) == len(inside)
        assert content["outcomes"]["solved"] == sum(one.outcome == "solved" for one in inside)
        if kind != "daily":
            assert sum(content["days"].values()) == len(inside)
    may, april = reports["monthly", "2025-05"], reports["monthly", "2025-04"]
    assert get_figure(may, "orders")["value"] > 30
    assert get_figure(may, "orders")["before"] == get_figure(april, "orders")["value"]
    assert {row["code"]: row["name"] for row in may["items"]} == {"1": "市容"}
    assert {row["name"] for row in may["areas"]} == {name for name, *_ in STREETS.values()}


def test_every_district_and_street_has_its_review(history, ranking_runtime):
    make_due_reports(history, ranking_runtime, now=NOW)
    reviews = {key: one for key, one in read_reports(history).items() if key[0] == "review"}
    may = read_reports(history)["monthly", "2025-05"]
    streets = [one for one in reviews.values() if one["scope"]["level"] == "street"]
    districts = [one for one in reviews.values() if one["scope"]["level"] == "district"]

    assert {one["scope"]["code"] for one in streets} == set(STREETS)
    for level in (streets, districts):
        total = sum(get_figure(one, "orders")["value"] for one in level)
        assert total == get_figure(may, "orders")["value"]
    by_code = {row["unit_code"]: row for row in may["ranking"]}
    for one in streets:
        code = one["scope"]["code"]
        assert get_figure(one, "solution_rate")["value"] == by_code[code]["solution_rate"]
        assert get_figure(one, "callbacks")["value"] == by_code[code]["callbacks"]


def test_a_report_is_compared_with_the_one_before_as_that_was_made(history, ranking_runtime):
    make_due_reports(history, ranking_runtime, now=NOW)
    kept = get_figure(read_reports(history)["monthly", "2025-05"], "orders")["value"]
    with transaction(history) as session:
        late = put_order(
            session,
            "late",
            received_at=datetime(2025, 5, 9, 4, tzinfo=UTC),
            unit_code="110101001",
            street_code="110101001",
        )
        record_change(session, None, make_key(late, ranking_runtime.zone))
    june = read_period("monthly", "2025-06")
    with history() as session:
        ((scope, content),) = make_reports(session, ranking_runtime, june, now=NOW)
        again = make_reports(session, ranking_runtime, read_period("monthly", "2025-05"), now=NOW)

    assert scope == ReportScope(level="city", code="", name=scope.name, residents=scope.residents)
    assert get_figure(content, "orders")["before"] == kept
    assert content["before"]["is_kept"]
    assert get_figure(again[0][1], "orders")["value"] == kept + 1


def test_kept_counts_are_those_of_the_rows(history, ranking_runtime):
    from gridgov.storage.queries.report_counts import count_period  # noqa: PLC0415 - only here

    with history() as session:
        rows = session.scalars(sa.select(Order)).all()
        frame = pd.DataFrame(
            {name: [getattr(one, name) for one in rows] for name in (*PLACES, "outcome")}
        )
        times = pd.to_datetime([one.received_at for one in rows], utc=True)
        frame["received_at"] = times.tz_convert(str(ranking_runtime.zone))
        frame["outcome"] = frame["outcome"].map(str)
        for kind in KINDS:
            period = make_period(kind, date(2025, 5, 14))
            counts, own = count_period(session, period, is_fine=True), count_orders(frame, period)
            pd.testing.assert_frame_equal(counts.parts, own.parts, check_dtype=False)
            pd.testing.assert_frame_equal(counts.days, own.days, check_dtype=False)
            coarse = count_period(session, period, is_fine=False)
            by_item = coarse.parts.groupby(["street_code", "level1_code"])[list(OUTCOMES)].sum()
            own_items = own.parts.groupby(["street_code", "level1_code"])[list(OUTCOMES)].sum()
            pd.testing.assert_frame_equal(by_item, own_items, check_dtype=False)


def test_the_monthly_report_ranks_by_the_assessed_month(history, ranking_runtime):
    make_due_reports(history, ranking_runtime, now=NOW)
    rows = read_reports(history)["monthly", "2025-05"]["ranking"]
    streets = [row for row in rows if row["group"] == "streets"]
    assert {row["rank"] for row in streets} >= {1, 2}
    assert all(row["month"] == "2025-05" for row in rows)
    assert any(row["rank_before"] is not None for row in streets)


def test_classes_are_proposed_for_each_month_once(history, ranking_runtime):
    with history() as session, session.begin():
        made = propose_classes(session, ranking_runtime.city, now=NOW)
        assert made > 0
        assert propose_classes(session, ranking_runtime.city, now=NOW) == 0
    with history() as session:
        rows = session.scalars(sa.select(StreetClassRow)).all()
    assert len(rows) == made
    assert "2025-06" not in {row.month for row in rows}  # it runs until the 19th
    # Four streets are among the ten with most appeals, all of them.
    assert {row.proposed for row in rows if row.month == "2025-05"} == {"governance"}


def test_an_empty_database_has_no_reports(sessions, ranking_runtime):
    assert make_due_reports(sessions, ranking_runtime, now=NOW) == []
    with sessions() as session:
        assert propose_classes(session, ranking_runtime.city, now=NOW) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "today", [date(2024, 3, 1), date(2025, 1, 1), date(2025, 3, 31), date(2026, 7, 15)]
)
def test_what_a_period_is_compared_with_never_overlaps_it(kind, today):
    periods = list_past(kind, today)
    for period in periods:
        assert period.last_on < today
        for one in (period.before, period.year_before):
            assert one.first_on <= one.last_on < period.first_on
            assert one == read_period(kind, one.name)
        assert period.before.last_on == period.first_on - timedelta(days=1)
        # The period before is one that has a report of its own.
        if period is not periods[-1]:
            assert period.before in periods


@pytest.mark.parametrize(
    ("kind", "name"),
    [("daily", "2025-02-30"), ("weekly", "2025-W54"), ("monthly", "2025-13"), ("yearly", "25"),
     ("monthly", "２０２５-05"), ("hourly", "2025-05-01"), ("daily", "2025-05")],
)  # fmt: skip
def test_a_period_that_is_none_is_refused(kind, name):
    with pytest.raises(GridgovError, match="expected"):
        read_period(kind, name)
