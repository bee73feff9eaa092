"""A loaded database gets what the planner computes of it: topics for the coming year, city and districts."""

import itertools
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from gridgov.pack.city import load_city
from gridgov.services.load.batches import LoadOptions, load_appeals
from gridgov.services.load.pack import load_pack
from gridgov.services.topics import get_topics, list_scopes, list_years
from gridgov.storage.db import transaction
from gridgov.storage.models.orders import Order, Transfer
from gridgov.storage.models.plans import Plan
from gridgov.storage.order_frames import read_order_frame, read_transfers
from gridgov.storage.queries.effects import DIFFICULTY, get_analysis
from planner.jobs.store import find_topic_year, plan_database
from planner.topics.candidates import TOPIC_COLUMNS
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)
from tests.gridgov.services.load_city import AS_OF, write_city

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pack, file = write_city(tmp_path_factory.mktemp("planned"), appeals=1_500)
    return load_city(pack), file


@pytest.fixture
def city(written, sessions):
    """A city whose orders are in the database, planned once."""
    made, file = written
    with transaction(sessions) as session:
        load_pack(session, made, at=AS_OF)
    load_appeals(sessions, made, file, options=LoadOptions(source="test", as_of=AS_OF, salt="salt"))
    return made


def test_topics_of_city_and_districts_are_saved_with_plans(city, sessions):
    with transaction(sessions) as session:
        counts = plan_database(session, city, as_of=AS_OF)
    with sessions() as session:
        orders = read_order_frame(session, city.settings.timezone)
        assert list_years(session) == [2024]
        assert list_scopes(session, 2024) == ["", "110101", "110102"]
        entries = get_topics(session, year=2024, scope_code="")
    assert counts["topics"] == len(entries) == 1, "the catalogue has one problem of level 2"
    row = entries[0].row
    assert (row.topic_code, row.name, row.theme_name, row.rank) == ("11", "环境", "市容", 1)
    assert set(row.figures) == set(TOPIC_COLUMNS) - {"topic_code", "rank"}
    asked = orders[orders["item_code"].isin(["111", "112", "113"])]
    assert row.figures["persons_before"] == 0
    months = asked["received_at"].dt.strftime("%Y-%m")
    once = asked.assign(month=months).drop_duplicates(["person_key", "street_code", "month"])
    assert row.figures["persons"] == once["street_code"].notna().sum() > 100
    assert 0 < row.figures["answers"] <= once["solved"].notna().sum() + len(asked) - len(once)


def test_rates_adjusted_for_difficulty_are_kept(city, sessions):
    with transaction(sessions) as session:
        plan_database(session, city, as_of=AS_OF)
    with sessions() as session:
        orders = read_order_frame(session, city.settings.timezone)
        kept = get_analysis(session, DIFFICULTY)
    assert kept.made_at == AS_OF
    assert kept.content["lacking"] == ""
    of_unit = orders[orders["unit_code"] == "E01"]["solved"]
    shown = kept.content["units"]["E01"]
    assert shown["n"] == int(of_unit.notna().sum()) > 0
    assert shown["solution_rate"] == pytest.approx(float(of_unit.mean()), abs=1e-4)


def test_moves_of_orders_stand_in_the_diagnosis(city, sessions):
    with transaction(sessions) as session:
        orders = session.scalars(
            sa.select(Order)
            .where(Order.street_code.is_not(None))
            .order_by(Order.received_at.desc())
            .limit(3)
        ).all()
        for order, path in zip(orders, (["E01", "D01", "E01"], ["E01", "D01"], []), strict=True):
            for step, (left, right) in enumerate(itertools.pairwise(path)):
                session.add(
                    Transfer(
                        order_id=order.id,
                        at=order.received_at + timedelta(hours=step + 1),
                        from_unit_code=left,
                        to_unit_code=right,
                        action="redispatch",
                        made_by="p",
                    )
                )
        streets = [str(order.street_code) for order in orders]
        plan_database(session, city, as_of=AS_OF)
    with sessions() as session:
        moves = read_transfers(session, city.settings.timezone)
        documents = session.scalars(sa.select(Plan.document)).all()
    assert list(moves["to_unit"].sort_values()) == ["D01", "D01", "E01"]
    found = {
        document["street"]["code"]: {
            one["key"]: (one["value"], one["n"]) for one in document["diagnosis"]["figures"]
        }
        for document in documents
    }
    assert found, "no street has a plan"
    for code, figures in found.items():
        assert figures["bounced"] == (streets[:1].count(code), 1)
        assert figures["disputed"] == (streets[:2].count(code), 2)


def test_the_year_of_topics_is_the_one_that_most_of_the_next_months_lie_in():
    assert find_topic_year(date(2025, 6, 30)) == 2025
    assert find_topic_year(date(2025, 7, 1)) == 2026
