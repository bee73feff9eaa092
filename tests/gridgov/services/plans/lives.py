"""A plan of the small city and the people around it, for tests of its life."""

from datetime import UTC, date, datetime, timedelta

from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.sealing import hash_content
from gridgov.services.plans.drafts import Draft, DraftTask, put_draft
from gridgov.services.plans.records import Person

T0 = datetime(2025, 6, 2, 1, tzinfo=UTC)
STREET, OTHER, DISTRICT, DESK = "110101001", "110101002", "110101", "Q01"
PERIOD = "2025-03-01/2025-05-31"


def make_person(key, role, unit):
    return Person(actor=Actor(person_key=key, role=role, unit_code=unit), name=f"{key}君")


WRITER = make_person("writer", Role.PLANNER, STREET)
CENTRE = make_person("centre", Role.STREET_CENTRE, STREET)
SECOND = make_person("second", Role.PLANNER, DISTRICT)
BOSS = make_person("boss", Role.SUPERVISOR, DESK)
STRANGER = make_person("stranger", Role.PLANNER, OTHER)
WATER = make_person("water", Role.HANDLER, "E01")


def make_draft(revision=1, *, street=STREET, period=PERIOD, words="甲", tasks=2, authors=()):
    """Return a draft whose only content is some words."""
    document = {
        "plan_no": f"{street}-{period[-10:]}-r{revision}",
        "revision": revision,
        "content_hash": "",
        "words": words,
        "edits": [],
    }
    document["content_hash"] = hash_content(document)
    return Draft(
        street_code=street,
        period=period,
        document=document,
        tasks=tuple(
            DraftTask(
                task_no=f"T{number:02d}",
                task_id=f"{street}-t{number}",
                hotspot_no="",
                title=f"治理{number}",
                lead_unit_code="E01",
                helper_unit_codes=(),
                start_on=date(2025, 6, 9),
                due_on=date(2025, 8, 4),
            )
            for number in range(1, tasks + 1)
        ),
        author_keys=frozenset(authors),
    )


def put(session, draft, *, days=0):
    """Save a draft as the planner's job does."""
    return put_draft(
        session,
        draft.street_code,
        at=T0 + timedelta(days=days),
        period=draft.period,
        make=lambda _newest, revision: make_draft(
            revision,
            street=draft.street_code,
            period=draft.period,
            words=draft.document["words"],
            tasks=len(draft.tasks),
        ),
    )
