"""People at work and at dispatch, killed at random moments: every order has one life, on record, counted once."""

import subprocess
import sys

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import OrderAction
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Order
from tests.databases import ROOT
from tests.gridgov.services.test_walks import Walker

KILLS = 6


@pytest.mark.parametrize("kind", ["walk", "dispatch"])
def test_killed_in_the_middle_of_their_work(loaded, runtime, engine, kind, tmp_path):
    url = engine.url.render_as_string(hide_password=False)
    arguments = [kind, url, "0", str(KILLS), "5", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.gridgov.services.kill_works", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (str(KILLS), 0), done.stderr[-2000:]
    walker = Walker(loaded, runtime, tmp_path, seed=1)
    walker.minute = 10**6
    walker.check()
    walker.check_states()
    with loaded() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Order)) >= 1
        assert session.scalar(sa.select(sa.func.count()).select_from(LogEntry)) > 20
        if kind == "dispatch":
            dispatched = sa.select(LogEntry.subject_no).where(
                LogEntry.action == OrderAction.DISPATCH
            )
            assert len(session.scalars(dispatched).all()) > KILLS
