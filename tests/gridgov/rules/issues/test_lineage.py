"""Merging and splitting issues: nobody's callback is lost, every step is kept, and a merge can be undone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import GridgovError
from gridgov.rules.issues.lineage import (
    Decision,
    Issue,
    IssueBook,
    Member,
    find_callbacks,
    make_book,
    merge_issues,
    split_issue,
    undo_merge,
)

WHY = Decision(by="调度员甲", at=datetime(2025, 3, 1, tzinfo=UTC), reason="同一处暖气管漏水")


def make_issue(no: str, *appeals: str, **values: str) -> Issue:
    return Issue(issue_no=no, members=tuple(Member(appeal_no=a) for a in appeals), **values)


def set_callback(book: IssueBook, appeal_no: str, state: str) -> IssueBook:
    """Return the book with the callback of one appellant changed, as the service reads it."""
    issues = {
        no: replace(
            issue,
            members=tuple(
                replace(m, callback=state) if m.appeal_no == appeal_no else m for m in issue.members
            ),
        )
        for no, issue in book.issues.items()
    }
    return replace(book, issues=issues)


@pytest.fixture
def book():
    return make_book([make_issue("W1", "1", "4"), make_issue("W2", "2"), make_issue("W3", "3")])


@st.composite
def books(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    states = st.sampled_from(["due", "done", "unreachable", "waived"])
    return make_book(
        Issue(
            issue_no=f"W{k}",
            members=tuple(
                Member(appeal_no=f"{k}-{i}", person_key=f"p{i}", callback=draw(states))
                for i in range(size)
            ),
            split_from=draw(st.sampled_from(["", "W0"])),
        )
        for k, size in enumerate(sizes)
    )


@given(books(), st.data())
def test_merge_then_split_restores_the_former_state(before, data):
    one, two = data.draw(st.permutations(sorted(before.issues)))[:2]
    moved = [member.appeal_no for member in before.issues[one].members]
    merged = merge_issues(before, one, two, decision=WHY)
    after = split_issue(merged, two, moved, new_no=one, decision=WHY)
    assert dict(after.issues) == dict(before.issues)
    assert dict(undo_merge(merged, one, decision=WHY).issues) == dict(before.issues)
    assert [record.step for record in after.records] == ["merge", "split"]


@given(books(), st.data())
def test_merges_undone_in_reverse_restore_all_and_lose_nobody(before, data):
    order = data.draw(st.permutations(sorted(before.issues)))
    book = before
    for no in order[1:]:
        book = merge_issues(book, no, order[0], decision=WHY)
    own = {m for issue in before.issues.values() for m in issue.members}
    assert set(book.issues[order[0]].members) == own
    assert set(find_callbacks(book, order[0])) == {m for m in own if m.callback == "due"}
    merged = book.records
    assert len(merged) == len(order) - 1
    for no in reversed(order[1:]):
        assert book.merged_into(no) == order[0]
        book = undo_merge(book, no, decision=WHY)
    assert dict(book.issues) == dict(before.issues)
    assert book.records[: len(merged)] == merged
    assert len(book.records) == 2 * (len(order) - 1)


def test_each_appellant_keeps_his_own_callback(book):
    merged = merge_issues(set_callback(book, "2", "done"), "W2", "W1", decision=WHY)
    assert [m.appeal_no for m in find_callbacks(merged, "W1")] == ["1", "4"]
    called = set_callback(merged, "1", "unreachable")
    assert [m.callback for m in called.issues["W1"].members] == ["unreachable", "done", "due"]


def test_a_callback_made_after_the_merge_survives_the_split(book):
    merged = set_callback(merge_issues(book, "W2", "W1", decision=WHY), "2", "done")
    after = undo_merge(merged, "W2", decision=WHY)
    assert after.get("W2").members == (Member(appeal_no="2", callback="done"),)


def test_lineage_says_who_when_why(book):
    merged = merge_issues(book, "W2", "W1", decision=WHY)
    (record,) = merged.lineage("W2")
    assert (record.by, record.at, record.reason) == (WHY.by, WHY.at, WHY.reason)
    assert (record.issue_no, record.other_no, record.appeal_nos) == ("W2", "W1", ("2",))
    with pytest.raises(GridgovError, match="it was merged into W1"):
        merged.get("W2")
    assert book.records == ()  # the former value is as it was


def test_merged_into_follows_the_chain(book):
    merged = merge_issues(book, "W3", "W2", decision=WHY)
    merged = merge_issues(merged, "W2", "W1", decision=WHY)
    assert merged.merged_into("W3") == "W1"
    assert merged.merged_into("W1") == merged.merged_into("W9") == ""


def test_a_new_issue_knows_what_it_was_split_from(book):
    after = split_issue(book, "W1", ["4"], new_no="W4", decision=WHY)
    assert after.get("W4") == make_issue("W4", "4", split_from="W1")
    assert after.get("W1") == make_issue("W1", "1")


@pytest.mark.parametrize(
    ("appeals", "new_no", "message"),
    [
        ([], "W9", "0 of 2 appeals"),
        (["1", "4"], "W9", "2 of 2 appeals"),
        (["2"], "W9", "does not hold appeal 2"),
        (["1"], "W2", "'W2' is blank or was used"),
        (["1"], " ", "is blank or was used"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(book, appeals, new_no, message):
    with pytest.raises(GridgovError, match=message):
        split_issue(book, "W1", appeals, new_no=new_no, decision=WHY)


def test_a_number_that_was_merged_away_is_given_to_nothing_else(book):
    merged = merge_issues(book, "W2", "W1", decision=WHY)
    with pytest.raises(GridgovError, match="'W2' is blank or was used"):
        split_issue(merged, "W1", ["4"], new_no="W2", decision=WHY)


def test_other_nonsense_is_refused(book):
    with pytest.raises(GridgovError, match="cannot be merged into itself"):
        merge_issues(book, "W1", "W1", decision=WHY)
    with pytest.raises(GridgovError, match="no such issue was ever in the book"):
        merge_issues(book, "W9", "W1", decision=WHY)
    with pytest.raises(GridgovError, match="nothing to undo"):
        undo_merge(book, "W2", decision=WHY)


@pytest.mark.parametrize(
    ("issues", "message"),
    [
        ([make_issue("W1", "1"), make_issue("W1", "2")], "occurs twice"),
        ([make_issue("W1")], "has no appeal"),
        ([make_issue("W1", "1"), make_issue("W2", "1")], "is in issues W1 and W2"),
        ([make_issue("W1", "1", "1")], "holds an appeal twice"),
    ],
)
def test_a_book_holds_every_appeal_once(issues, message):
    with pytest.raises(GridgovError, match=message):
        make_book(issues)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"by": " "}, "by is blank"),
        ({"reason": ""}, "reason is blank"),
        ({"at": datetime(2025, 3, 1)}, "no time zone"),  # noqa: DTZ001 - the fault under test
    ],
)
def test_a_decision_has_a_person_a_time_and_a_reason(values, message):
    good = {"by": "甲", "at": datetime(2025, 3, 1, tzinfo=UTC), "reason": "同一事"}
    with pytest.raises(GridgovError, match=message):
        Decision(**good | values)
