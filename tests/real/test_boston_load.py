"""Boston's own 311 cases in the database: a city of one layer, without units, catalogue or callbacks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from gridgov.pack.city import load_city
from gridgov.services.load.batches import LoadOptions, load_appeals
from gridgov.services.load.pack import load_pack
from gridgov.storage.counts.sums import recount
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.city import CatalogueItem
from gridgov.storage.models.orders import Order, Outcome
from tests.database_fixtures import postgres, postgres_template

PACK = Path(__file__).parent / "boston"
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "boston"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no folder {DATA} beside the checkout"),
]
__all__ = ["postgres", "postgres_template"]


def test_every_case_is_an_order(postgres: sa.Engine) -> None:
    city, now = load_city(PACK), datetime(2020, 1, 1, tzinfo=UTC)
    sessions = make_sessions(postgres)
    with transaction(sessions) as session:
        load_pack(session, city, at=now)
    options = LoadOptions(source="311", as_of=now, batch_rows=20_000, salt="boston")
    result = load_appeals(sessions, city, DATA / "cases_2014_2019.csv", options=options)
    assert (result.read, result.added, result.rejected) == (43_543, 43_543, 0)
    with sessions() as session:
        items = set(session.scalars(sa.select(CatalogueItem.item_code)))
        used = set(session.scalars(sa.select(Order.item_code).distinct())) - {None}
        outcomes = set(session.scalars(sa.select(Order.outcome).distinct()))
        assert recount(session, city.settings.timezone).empty
    assert used <= items
    # Nobody asked these people, so nothing counts as solved.
    assert outcomes == {Outcome.OPEN}
