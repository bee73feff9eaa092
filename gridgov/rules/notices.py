"""What a message is about and by which way it reaches somebody: kinds of topics, ways, and each person's choices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gridgov.rules.orders.transitions import OrderAction


class NoticeKind(StrEnum):
    """What a message is about, as people sort them."""

    WHISTLE = "whistle"
    DEADLINE = "deadline"
    DISPUTE = "dispute"
    MENTION = "mention"
    ORDER = "order"
    REPLY = "reply"
    TASK = "task"
    REPORT = "report"


class Way(StrEnum):
    """How a message reaches a person; the same words as the channels of the outbox."""

    APP = "app"
    EMAIL = "email"
    WEBHOOK = "webhook"


class Mode(StrEnum):
    """Whether a kind comes by a way."""

    NOW = "now"
    DIGEST = "digest"
    """Once a day, all in one."""
    OFF = "off"
    """In the app: it stands in the inbox and is not counted by the bell."""


_KIND = NoticeKind
TOPICS: Mapping[str, NoticeKind] = {
    **dict.fromkeys(
        ("whistle_blown", "whistle_missing", "whistle_done", "whistle_unopened"), _KIND.WHISTLE
    ),
    **dict.fromkeys(
        (OrderAction.BLOW_WHISTLE.value, OrderAction.RELEASE_WHISTLE.value), _KIND.WHISTLE
    ),
    **dict.fromkeys(
        (
            *("contact_due_soon", "due_soon", "contact_overdue", "overdue", "overdue_raised"),
            *("pause_ended", "supervision_ended"),
        ),
        _KIND.DEADLINE,
    ),
    **dict.fromkeys(
        (
            *(
                OrderAction.DISPUTE.value,
                OrderAction.UPHOLD_DISPUTE.value,
                OrderAction.REJECT_DISPUTE.value,
            ),
            *(OrderAction.CALL_CONFERENCE.value, OrderAction.DECIDE_CONFERENCE.value),
        ),
        _KIND.DISPUTE,
    ),
    **dict.fromkeys(("mention", "assigned"), _KIND.MENTION),
    **dict.fromkeys(
        (
            *(
                OrderAction.REPLY.value,
                OrderAction.RETURN_REPLY.value,
                OrderAction.CALL_BACK.value,
                OrderAction.NOT_REACHED.value,
            ),
            *(
                OrderAction.CLOSE_SOLVED.value,
                OrderAction.CLOSE_PARTLY.value,
                OrderAction.CLOSE_UNSOLVED.value,
            ),
            *(
                OrderAction.ANSWER_AT_DESK.value,
                OrderAction.ANSWER_HANDED_OVER.value,
                OrderAction.FOLLOW_REPLY.value,
            ),
            "callback_contradicting",
        ),
        _KIND.REPLY,
    ),
    **dict.fromkeys(
        (
            *("plan_submitted", "plan_returned", "plan_approved", "plan_started", "plan_closed"),
            *("task_assigned", "task_declined", "task_finished", "task_reopened", "task_dropped"),
            *("task_overdue", "task_behind", "task_not_begun", "task_silent"),
        ),
        _KIND.TASK,
    ),
    **dict.fromkeys(
        ("report", "digest", "class_decided", "follow_up_interview", "follow_up_commendation"),
        _KIND.REPORT,
    ),
}
"""Topic → kind; every other topic is something that happened to an order."""

DIGESTED = frozenset({NoticeKind.REPLY, NoticeKind.TASK, NoticeKind.REPORT})
"""Kinds of which there are many: by e-mail they come once a day unless somebody chooses otherwise [A]."""


def find_kind(topic: str) -> NoticeKind:
    """Return what a topic is about.

    Examples
    --------
    >>> find_kind("whistle_blown").value, find_kind("merge").value
    ('whistle', 'order')
    """
    return TOPICS.get(topic, NoticeKind.ORDER)


def list_topics(kinds: Iterable[NoticeKind]) -> tuple[str, ...]:
    """Return the topics that are named for some kinds, sorted; those of orders are all the others."""
    wanted = frozenset(kinds)
    return tuple(sorted(topic for topic, kind in TOPICS.items() if kind in wanted))


def list_modes(kind: NoticeKind, way: Way) -> tuple[Mode, ...]:
    """Return what may be chosen, the default first.

    A whistle call, a deadline and one's own name always ring in the app: who has switched them off was not told.
    """
    if way is Way.APP:
        fixed = {NoticeKind.WHISTLE, NoticeKind.DEADLINE, NoticeKind.MENTION}
        return (Mode.NOW,) if kind in fixed else (Mode.NOW, Mode.OFF)
    if way is Way.WEBHOOK:
        return (Mode.OFF, Mode.NOW)
    if kind in DIGESTED:
        return (Mode.DIGEST, Mode.NOW, Mode.OFF)
    return (Mode.NOW, Mode.DIGEST, Mode.OFF)


@dataclass(frozen=True, kw_only=True)
class NoticeChoices:
    """What somebody has chosen; what was not chosen is the default.

    Parameters
    ----------
    chosen
        ``kind:way`` → mode. What is not offered any more counts as not chosen.
    """

    chosen: Mapping[str, str]

    def get(self, kind: NoticeKind, way: Way) -> Mode:
        """Return how a kind comes by a way."""
        offered = list_modes(kind, way)
        mode = self.chosen.get(f"{kind}:{way}", "")
        return Mode(mode) if mode in set(offered) else offered[0]

    def list_kinds(self, way: Way, mode: Mode) -> tuple[NoticeKind, ...]:
        """Return the kinds that come by a way in a mode."""
        return tuple(kind for kind in NoticeKind if self.get(kind, way) is mode)
