"""Who sees the log of a call: those who blew it and those who are called, and no other unit."""

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.needs import Facts
from gridgov.rules.orders.transitions import Role
from gridgov.services.whistles import calls as whistles
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.whistles import CalledUnit
from gridgov.storage.scope.apply import Scope, bind
from tests.gridgov.services.desks import CENTRE, STREET, T0, put_order

OTHERS = ("110101002", "E99")


def make_scope(unit: str) -> Scope:
    return Scope(
        account_id=1,
        person_key="p",
        role=Role.HANDLER,
        unit_code=unit,
        unit_codes=(unit,),
        sees_all=False,
        sees_personal=True,
    )


@pytest.mark.parametrize("unit", [STREET, "E01", "D01", *OTHERS])
def test_the_log_of_a_call_is_for_its_units_alone(sessions, small_runtime, unit):
    with transaction(sessions) as session:
        put_order(session)
        facts = Facts(at=T0, reason_code="joint_work", text="水管爆裂")
        whistles.blow(session, small_runtime, "O1", actor=CENTRE, facts=facts)
        assert set(session.scalars(sa.select(CalledUnit.unit_code))) == {"E01", "D01"}
    with sessions() as session:
        query = sa.select(LogEntry.action).where(LogEntry.subject_kind == "whistle")
        seen = list(session.scalars(query))
        assert seen == ["whistle_blow"]
        bind(session, make_scope(unit))
        assert list(session.scalars(query)) == ([] if unit in OTHERS else seen)
