"""Approves plans and puts new drafts without end in a process of its own, which is killed at a random moment.

Run as a program, so that it forks without the threads of the test run:
``python -m tests.gridgov.services.plans.kill_plans URL KILLS SEED`` prints how many were killed.
"""

import sys
from contextlib import suppress
from datetime import timedelta

import numpy as np
import sqlalchemy as sa

from gridgov.errors import GridgovError
from gridgov.rules.plans.life import PlanAction
from gridgov.services.plans.deciding import act_on_plan
from gridgov.storage.db import make_engine, make_sessions, transaction
from gridgov.storage.models.plans import Plan
from tests.gridgov.services.kill_works import find_runtime, kill_one
from tests.gridgov.services.plans.lives import BOSS, SECOND, STREET, T0, WRITER, make_draft, put

STEPS = (
    (PlanAction.SUBMIT, WRITER),
    (PlanAction.APPROVE, SECOND),
    (PlanAction.START, WRITER),
)


def live(url, runtime, first):
    """Bring one plan after the other from the draft to work."""
    sessions = make_sessions(make_engine(url))
    day = first
    while True:
        day += 1
        period = f"2025-01-01/{(T0 + timedelta(days=day)).date()}"
        with transaction(sessions) as session:
            put(session, make_draft(period=period, words=period), days=day)
        for action, person in STEPS:
            with suppress(GridgovError), transaction(sessions) as session:
                plan_no = session.scalar(
                    sa.select(Plan.plan_no)
                    .where(Plan.street_code == STREET)
                    .order_by(Plan.made_at.desc())
                    .limit(1)
                )
                who = person if action is not PlanAction.APPROVE else (BOSS if day % 2 else SECOND)
                at = T0 + timedelta(days=day)
                act_on_plan(session, runtime, plan_no, action, person=who, at=at)


def main():
    """Start and kill."""
    url, kills, seed = sys.argv[1:]
    rng = np.random.default_rng(int(seed))
    runtime = find_runtime(url)
    killed = sum(
        kill_one((live, url, runtime, 1_000 * number), rng.uniform(0.1, 0.8))
        for number in range(int(kills))
    )
    print(killed)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
