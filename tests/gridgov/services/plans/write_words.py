"""Edits one plan again and again beside others who do the same; whoever was too late reads again and adds his words.

``python -m tests.gridgov.services.plans.write_words URL PLAN_NO NAME EDITS`` prints how often somebody was faster.
"""

import sys

import sqlalchemy as sa

from gridgov.errors import ConflictError
from gridgov.services.plans.drafts import edit_draft
from gridgov.storage.db import make_engine, make_sessions, transaction
from gridgov.storage.models.plans import Plan
from tests.gridgov.services.kill_works import find_runtime
from tests.gridgov.services.plans.lives import T0, WRITER, make_draft


def main():
    """Write."""
    url, plan_no, name, edits = sys.argv[1:]
    runtime = find_runtime(url)
    sessions = make_sessions(make_engine(url))
    late = 0
    for number in range(int(edits)):
        while True:
            with sessions() as session:
                version, document = session.execute(
                    sa.select(Plan.version, Plan.document).where(Plan.plan_no == plan_no)
                ).one()
            words = f"{document['words']} {name}{number}"
            try:
                with transaction(sessions) as session:
                    edit_draft(
                        session,
                        runtime,
                        plan_no,
                        make_draft(words=words),
                        changes={"words": words},
                        person=WRITER,
                        at=T0,
                        seen_version=version,
                    )
            except ConflictError:
                late += 1
            else:
                break
    print(late)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
