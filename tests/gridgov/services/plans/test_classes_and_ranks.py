"""Classes decided by people, and what follows a rank; on both databases."""

from datetime import date

import pytest
import sqlalchemy as sa

from gridgov.errors import ConflictError, ForbiddenError, GridgovError, NotFoundError
from gridgov.services.plans.classes import decide_class
from gridgov.services.plans.follow_ups import Rank, close_follow_up, give_notice, record_talk
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.plans import RankFollowUp, StreetClassRow
from tests.gridgov.services.plans.lives import BOSS, CENTRE, SECOND, STREET, T0

MONTH = "2025-05"


@pytest.fixture
def decide(loaded, runtime):
    with loaded() as session, session.begin():
        session.add(
            StreetClassRow(
                street_code=STREET, month=MONTH, proposed="governance", reasons="第 3 位"
            )
        )

    def do(decided, person=BOSS, *, reason="", month=MONTH):
        with loaded() as session, session.begin():
            decide_class(
                session,
                runtime,
                STREET,
                month,
                decided=decided,
                reason=reason,
                person=person,
                at=T0,
            )

    return do


def test_a_decision_and_another_one(loaded, decide):
    decide("governance")
    decide("", SECOND, reason="数据有误")

    with loaded() as session:
        row = session.scalars(sa.select(StreetClassRow)).one()
        history = session.scalars(
            sa.select(LogEntry.after)
            .where(LogEntry.subject_kind == "street_class")
            .order_by(LogEntry.id)
        ).all()
        subjects = session.scalars(
            sa.select(Message.subject).where(Message.unit_code == STREET).order_by(Message.id)
        ).all()
        assert verify(session) == []
    assert (row.decided, row.decided_reason, row.decided_name) == ("", "数据有误", "second君")
    assert row.reasons == "第 3 位"
    assert [one["decided"] for one in history] == ["governance", ""]
    assert any("治理类" in subject for subject in subjects)


@pytest.mark.parametrize(
    ("decided", "person", "more", "error", "words"),
    [
        ("advanced", BOSS, {}, GridgovError, "give the reason"),
        ("silver", BOSS, {"reason": "x"}, GridgovError, "expected one of"),
        ("governance", CENTRE, {}, ForbiddenError, "above it"),
        ("governance", BOSS, {"month": "1999-01"}, NotFoundError, "1999-01"),
    ],
)
def test_what_is_refused(decide, decided, person, more, error, words):
    with pytest.raises(error, match=words):
        decide(decided, person, **more)


RANK = Rank(month=MONTH, unit_code=STREET, rank=40, of_units=40, score=61.5)


@pytest.fixture
def notice(loaded, runtime):
    def give(kind="interview", person=BOSS):
        with loaded() as session, session.begin():
            row = give_notice(
                session,
                runtime,
                RANK,
                kind,
                notice="解决率连续下降",
                due_on=date(2025, 6, 20),
                person=person,
                at=T0,
            )
            return row.id, row.version

    return give


def test_from_notice_to_result(loaded, runtime, notice):
    number, version = notice()
    with loaded() as session, session.begin():
        row = record_talk(
            session,
            runtime,
            number,
            held_on=date(2025, 6, 18),
            persons="街道主任",
            tasks="一月内办结积案",
            person=SECOND,
            at=T0,
            seen_version=version,
        )
        version = row.version
    with loaded() as session, session.begin():
        close_follow_up(
            session,
            runtime,
            number,
            result="次月解决率回升",
            person=BOSS,
            at=T0,
            seen_version=version,
        )
    with loaded() as session:
        row = session.scalars(sa.select(RankFollowUp)).one()
        assert verify(session) == []
        topics = session.scalars(sa.select(Message.topic).where(Message.unit_code == STREET)).all()
    assert (row.state, row.persons, row.result) == ("closed", "街道主任", "次月解决率回升")
    assert "follow_up_interview" in topics


def test_what_a_follow_up_refuses(loaded, runtime, notice):
    number, version = notice()
    with pytest.raises(GridgovError, match="already"):
        notice()
    with pytest.raises(ForbiddenError):
        notice("commendation", CENTRE)
    with pytest.raises(GridgovError, match="expected one of"):
        notice("party")

    def close(result, seen):
        with loaded() as session, session.begin():
            close_follow_up(
                session, runtime, number, result=result, person=BOSS, at=T0, seen_version=seen
            )

    with pytest.raises(GridgovError, match="has not been held"):
        close("好", version)
    with pytest.raises(ConflictError):
        close("好", version + 1)
