"""Two processes edit one plan at the same time: no word of either is lost, and the log has every edit."""

import subprocess
import sys

import sqlalchemy as sa

from gridgov.rules.plans.sealing import hash_content
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import transaction
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.plans import Plan
from tests.databases import ROOT
from tests.gridgov.services.plans.lives import make_draft, put

EDITS = 8


def test_two_planners_who_edit_one_plan_lose_no_word(loaded, engine):
    with transaction(loaded) as session:
        plan_no = put(session, make_draft()).plan_no
    url = engine.url.render_as_string(hide_password=False)
    program = [sys.executable, "-m", "tests.gridgov.services.plans.write_words", url, plan_no]
    writers = [
        subprocess.Popen(
            [*program, name, str(EDITS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    told = [writer.communicate(timeout=300) for writer in writers]
    for writer, (printed, errors) in zip(writers, told, strict=True):
        assert writer.returncode == 0, errors[-2000:]
        assert printed.strip().isdecimal()
    with loaded() as session:
        row = session.scalars(sa.select(Plan).where(Plan.plan_no == plan_no)).one()
        edits = session.scalar(
            sa.select(sa.func.count())
            .select_from(LogEntry)
            .where(LogEntry.subject_no == plan_no, LogEntry.action == "plan_edit")
        )
        assert verify(session) == []
    first, *words = row.document["words"].split()
    assert first == "甲"
    assert sorted(words) == sorted(f"{name}{number}" for name in "ab" for number in range(EDITS))
    # each one's words stand in the order in which they were written
    for name in "ab":
        own = [word for word in words if word[0] == name]
        assert own == [f"{name}{number}" for number in range(EDITS)]
    assert edits == 2 * EDITS
    assert hash_content(row.document) == row.content_hash
