"""Killed during approval, sealing and taking over: every plan is in one state or the other, and the log says so."""

import subprocess
import sys
from collections import Counter

import sqlalchemy as sa

from gridgov.rules.plans.life import SEALED, PlanState
from gridgov.rules.plans.sealing import hash_content
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.plans import Plan, PlanTask
from tests.databases import ROOT

KILLS = 5
ENDS = {
    "plan_make": PlanState.DRAFT,
    "plan_submit": PlanState.SUBMITTED,
    "plan_approve": PlanState.APPROVED,
    "plan_start": PlanState.RUNNING,
    "plan_close": PlanState.CLOSED,
    "plan_replace": PlanState.REPLACED,
}


def test_killed_while_plans_are_approved_and_sealed(loaded, engine):
    url = engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "tests.gridgov.services.plans.kill_plans", url, str(KILLS), "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (str(KILLS), 0), done.stderr[-2000:]
    with loaded() as session:
        assert verify(session) == []
        plans = session.scalars(sa.select(Plan)).all()
        entries = session.execute(
            sa.select(LogEntry.subject_no, LogEntry.action)
            .where(LogEntry.subject_kind == "plan")
            .order_by(LogEntry.id)
        ).all()
        tasks = Counter(session.scalars(sa.select(PlanTask.plan_id)))
        topics = Counter(session.scalars(sa.select(Message.topic)))
    assert len(plans) > KILLS
    last = dict(tuple(entry) for entry in entries)
    for plan in plans:
        assert ENDS[last[plan.plan_no]] is plan.state
        assert (plan.sealed_at is not None) == (plan.state in SEALED)
        assert bool(plan.approved_by) == (plan.state in SEALED)
        assert hash_content(plan.document) == plan.content_hash
        assert tasks[plan.id] == 2
    assert sum(plan.state is PlanState.RUNNING for plan in plans) <= 1
    approved = sum(action == "plan_approve" for _, action in entries)
    assert topics["plan_approved"] >= approved > 0
