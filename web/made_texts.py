"""Keys of texts that are put together when a page is made: ``pybabel`` cannot see them, so they are declared here.

A text of a template is Chinese and its own key; Python code uses dotted keys. ``script/strings`` collects all and
says which lack a translation.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from gridgov.rules.dispatch import Route
from gridgov.rules.notices import NoticeKind, Way, list_modes
from gridgov.rules.plans.life import PlanAction, PlanState
from gridgov.rules.plans.task_life import TaskAction, TaskState
from gridgov.rules.rates.assessment import ASSESSMENT_COLUMNS
from gridgov.rules.uploads.contents import REFUSALS
from gridgov.services.accounts.access import EVENTS, SECURITY_KINDS
from gridgov.services.outbox.deliver import APP, EMAIL, WEBHOOK
from gridgov.services.plans.follow_ups import KINDS as FOLLOW_UPS
from gridgov.storage.models.orders import Outcome
from gridgov.storage.queries.map_counts import OUTCOMES
from gridgov.storage.queries.order_clocks import CLOCKS
from planner.topics import Cure
from web.features.accounts.views import STEPS
from web.features.orders.blueprint import KINDS as KINDS_OF_APPEALS
from web.features.orders.filters import NAMES
from web.features.planning.rows import KINDS
from web.features.planning.views import STREET_COLUMNS, TASK_COLUMNS
from web.features.topics.views import COLUMNS as TOPIC_COLUMNS
from web.features.whistles.rows import TONES
from web.features.whistles.views import REASONS
from web.kit.errors import BROKEN, HTTP_KEYS, MEANINGS
from web.kit.page_helpers import NAVIGATION
from web.kit.page_scope import DAYS

CONDITIONS = {"sign_in.locked", "sign_in.over"}
"""Problems of a form whose words stand in their template."""
ERRORS = {meaning.key for _, meaning in MEANINGS} | set(HTTP_KEYS.values()) | {BROKEN.key}

FAMILIES: dict[str, Iterable[str]] = {
    "nav.{}": [entry.room for entry in NAVIGATION],
    "error.{}.title": ERRORS,
    "error.{}.what": ERRORS,
    "error.{}.safe": ERRORS,
    "error.{}.next": ERRORS,
    "window.{}": DAYS,
    "span.{}": ("day", "hour", "minute"),
    "planning.kind.{}": KINDS,
    "whistles.standing.{}": TONES,
    "whistles.reason.{}": REASONS,
    "accounts.done.{}": STEPS,
    "accounts.kind.{}": SECURITY_KINDS,
    "accounts.event.{}": EVENTS,
    "outbox.channel.{}": (APP, EMAIL, WEBHOOK),
    "status.step.{}": ("received", "dispatched", "contacted", "replied", "called_back", "closed"),
    "work.refused.{}": [f"{code}{end}" for code in REFUSALS for end in ("", ".next")],
    "inbox.kind.{}": list(NoticeKind),
    "inbox.mode.{}": {
        f"{way}.{mode}" for kind in NoticeKind for way in Way for mode in list_modes(kind, way)
    },
    "orders.kind.{}": KINDS_OF_APPEALS,
    "orders.clock.{}": CLOCKS,
    "orders.outcome.{}": list(Outcome),
    "orders.route.{}": list(Route),
    "orders.grade.{}": ("2h", "24h", "7d", "15d"),
    "orders.filter.{}": NAMES,
    "planning.state.{}": list(PlanState),
    "planning.turn.{}": list(PlanState),
    "planning.act.{}": [one for one in PlanAction if one is not PlanAction.REPLACE],
    "planning.task_state.{}": list(TaskState),
    "planning.task_act.{}": list(TaskAction),
    "planning.slip.{}": ("overdue", "behind", "not_begun", "silent"),
    "planning.log.plan_{}": [
        "make",
        "comment",
        *PlanAction,
        *(f"task_{action}" for action in TaskAction),
    ],
    "planning.follow.{}": FOLLOW_UPS,
    "planning.follow_state.{}": ("noticed", "held", "closed"),
    "planning.column.{}": {*STREET_COLUMNS, *TASK_COLUMNS},
    "rates.column.{}": ASSESSMENT_COLUMNS,
    "topics.column.{}": TOPIC_COLUMNS,
    "topics.cure.{}": list(Cure),
    "topics.wrong.{}": ("reason", "month", "lead_unit_code"),
    "maps.column.{}": ("code", "name", "n", *OUTCOMES),
}
"""Form of the key → what is put in."""


def list_made() -> Iterator[str]:
    """Give every key that is put together when a page is made."""
    for form, codes in FAMILIES.items():
        yield from (form.format(code) for code in sorted(codes))
    # What went wrong with a form: its key, and what to do next.
    for problem in sorted(find_problems() - CONDITIONS):
        yield problem
        yield f"{problem}.next"


def find_problems() -> set[str]:
    """Return the keys that views hand to their template as ``problem="…"``."""
    files = Path(__file__).parent.glob("features/**/*.py")
    texts = (file.read_text("utf-8") for file in files)
    return {key for text in texts for key in re.findall(r'problem="([a-z_]+\.[a-z_]+)"', text)}


def extract_made(
    _file: IO[bytes],
    _keywords: object,
    _comment_tags: object,
    options: object,  # noqa: ARG001 - Babel hands it over by this name
) -> Iterator[tuple[int, None, str, list[Any]]]:
    """Give the made keys as an extraction method of Babel does: line, function, text, comments."""
    for key in list_made():
        yield 1, None, key, []
