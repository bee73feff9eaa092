"""Kinds of messages: every topic has one, and what may not be switched off cannot be."""

from gridgov.rules.message_text import load_texts
from gridgov.rules.notices import (
    TOPICS,
    Mode,
    NoticeChoices,
    NoticeKind,
    Way,
    find_kind,
    list_modes,
    list_topics,
)
from gridgov.rules.orders.transitions import OrderAction

OF_ORDERS = {
    "dispatch",
    "move_pin",
    "undo",
    "correct",
    "boundaries_moved",
    "handled",
    "item_changed",
}
OTHERS = {"exclusion_proposed"}


def test_every_topic_that_is_written_has_a_kind_of_its_own_or_is_of_an_order():
    written = {topic for topic, _ in load_texts()}
    assert written - set(TOPICS) == OF_ORDERS | OTHERS
    known = written | {one.value for one in OrderAction} | {"assigned"}
    assert set(TOPICS) <= known


def test_topics_of_all_kinds_are_apart_and_together_are_all():
    apart = [set(list_topics([kind])) for kind in NoticeKind]
    assert sum(map(len, apart)) == len(TOPICS) == len(list_topics(NoticeKind))
    assert find_kind("exclusion_proposed") is NoticeKind.ORDER


def test_a_call_a_deadline_and_ones_name_always_ring():
    silent = NoticeChoices(chosen={f"{kind}:app": "off" for kind in NoticeKind})
    assert set(silent.list_kinds(Way.APP, Mode.NOW)) == {
        NoticeKind.WHISTLE,
        NoticeKind.DEADLINE,
        NoticeKind.MENTION,
    }


def test_what_was_not_chosen_or_is_not_offered_is_the_default():
    for kind in NoticeKind:
        for way in Way:
            default = list_modes(kind, way)[0]
            for word in ("", "never", "digest" if way is not Way.EMAIL else ""):
                assert NoticeChoices(chosen={f"{kind}:{way}": word}).get(kind, way) is default
