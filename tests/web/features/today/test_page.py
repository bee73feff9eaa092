"""What the page of today shows of the surges that the hourly watch kept."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gridgov.storage.queries.surges import put_surges
from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)
from web.features.today.page import find_kept_surges

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]

LOCAL = datetime(2025, 6, 2, 20, tzinfo=ZoneInfo("Asia/Shanghai"))


def make_row(level, unit):
    return {
        "level": level,
        "area_name": "东华门街道",
        "item_name": "供水",
        "unit_code": unit,
        "n": 30,
        "expected": 4.2,
        "ratio": 7.1,
        "q": 1e-6,
    }


def test_a_visitor_sees_the_surges_that_are_theirs(session):
    assert find_kept_surges(session, LOCAL, None) == ([], "")
    moment = LOCAL - timedelta(minutes=20)
    rows = [make_row("city", ""), make_row("street", "U1"), make_row("street", "U2")]
    put_surges(session, {"moment": moment.isoformat(), "surges": rows}, now=moment)
    everything, at = find_kept_surges(session, LOCAL, None)
    assert at == "19:40"
    assert [row["name"] for row in everything[:2]] == ["供水", "东华门街道 · 供水"]
    own, _ = find_kept_surges(session, LOCAL, frozenset({"U1"}))
    assert [row["unit_code"] for row in own] == ["U1"]
    assert find_kept_surges(session, LOCAL + timedelta(days=1), None) == ([], "")
