"""Reports and proposals of classes: from the counts alone, once each, equal to what the orders say."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.rates.assessment import judge_orders
from gridgov.rules.rates.three_rates import make_counts
from gridgov.services.class_reviews import propose_classes
from gridgov.services.orders.rating import END_OF_TIME, make_orders_frame
from gridgov.services.reports import KINDS, make_due_reports, make_ranking_table
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
        return {(one.kind, one.period): one.content for one in session.scalars(sa.select(Report))}


def test_what_is_over_is_reported_once(history, ranking_runtime):
    made = make_due_reports(history, ranking_runtime, now=NOW)
    assert len(made) == len(set(made)) == 7 + 4 + 3
    assert ("daily", "2025-06-02") in made
    assert ("weekly", "2025-W22") in made
    assert ("monthly", "2025-05") in made
    assert make_due_reports(history, ranking_runtime, now=NOW) == []
    next_day = make_due_reports(history, ranking_runtime, now=NOW + timedelta(days=1))
    assert next_day == [("daily", "2025-06-03")]
    with history() as session:
        told = session.scalars(sa.select(Message).where(Message.topic == "report")).all()
    assert {one.unit_code for one in told} == {DESK}
    assert "月通报已生成：2025-05" in {one.subject for one in told}


def test_a_report_says_what_the_orders_say(history, ranking_runtime):
    make_due_reports(history, ranking_runtime, now=NOW)
    reports = read_reports(history)
    with history() as session:
        orders = session.scalars(sa.select(Order)).all()
    for content in reports.values():
        first, last = (date.fromisoformat(content[name]) for name in ("first_on", "last_on"))
        inside = [
            one for one in orders if first <= ranking_runtime.get_day(one.received_at) <= last
        ]
        assert content["received"] == len(inside)
        assert sum(row["n"] for row in content["streets"]) == len(inside)
        assert sum(row["n"] for row in content["items"]) == len(inside)
        assert sum(content["outcomes"].values()) == len(inside)
        assert content["outcomes"]["solved"] == sum(one.outcome == "solved" for one in inside)
        assert sum(content.get("days", {"": len(inside)}).values()) == len(inside)
    may, april = reports["monthly", "2025-05"], reports["monthly", "2025-04"]
    assert may["received"] > 30
    assert may["received_before"] == april["received"]
    assert {row["code"]: row["name"] for row in may["items"]} == {"1": "市容"}
    assert {row["name"] for row in may["streets"]} == {name for name, *_ in STREETS.values()}


def test_the_monthly_report_ranks_by_the_assessed_month(history, ranking_runtime):
    make_due_reports(history, ranking_runtime, now=NOW)
    rows = read_reports(history)["monthly", "2025-05"]["ranking"]
    with history() as session:
        table = make_ranking_table(session, ranking_runtime, "2025-05")
    streets = [row for row in rows if row["group"] == "streets"]
    assert {row["rank"] for row in streets} >= {1, 2}
    assert [row["unit_code"] for row in rows] == list(table["unit_code"])
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


@pytest.mark.parametrize("find", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize(
    "today", [date(2024, 3, 1), date(2025, 1, 1), date(2025, 3, 31), date(2026, 7, 15)]
)
def test_what_a_period_is_compared_with_never_overlaps_it(find, today):
    periods = list(find(today))
    spans = {(one.first_on, one.last_on) for one in periods}
    for period in periods:
        for first, last in (period.before, period.year_before):
            assert first <= last < period.first_on
        assert period.before[1] == period.first_on - timedelta(days=1)
        # The period before is one that has a report of its own.
        if period is not periods[-1]:
            assert period.before in spans
