"""People at work whose process is killed at random moments: every order has one life, on record, counted once."""

import subprocess
import sys

import sqlalchemy as sa

from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Order
from tests.databases import ROOT
from tests.services.test_walks import Walker

KILLS = 6


def test_killed_in_the_middle_of_their_work(loaded, desk, engine):
    url = engine.url.render_as_string(hide_password=False)
    arguments = ["walk", url, "0", str(KILLS), "5"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.kill_works", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (str(KILLS), 0), done.stderr[-2000:]
    walker = Walker(loaded, desk, seed=1)
    walker.minute = 10**6
    walker.check()
    walker.check_states()
    with loaded() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Order)) >= 3
        assert session.scalar(sa.select(sa.func.count()).select_from(LogEntry)) > 20
