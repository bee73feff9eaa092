"""Issues that people merge and split: every step kept, every appellant still called back.

A book of issues is a value: merging and splitting return a new book. What is merged keeps its members as they were - a
member carries the appellant's own callback, so ten callers of one issue get ten calls - and a record says who did it,
when and why. Splitting off what was merged gives back the issue that was, under its old number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from gridgov.errors import GridgovError

CallbackState = Literal["due", "done", "unreachable", "waived"]
Step = Literal["merge", "split"]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One appeal in an issue, with what is owed to its appellant.

    Parameters
    ----------
    appeal_no
        Of the appeal.
    person_key
        Salted hash, empty where the appellant is unknown.
    callback
        Of this appellant alone; what happens to the issue does not change it.
    """

    appeal_no: str
    person_key: str = ""
    callback: CallbackState = "due"


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Appeals on the same thing at the same place.

    Parameters
    ----------
    issue_no
        Its number; a number that was merged away is used for nothing else.
    members
        In order of the appeals' numbers, never empty.
    split_from
        Number of the issue that it was split off from, empty if it was not.
    """

    issue_no: str
    members: tuple[Member, ...]
    split_from: str = ""


@dataclass(frozen=True, kw_only=True)
class LineageRecord:
    """One step of an issue's history; records are only ever added.

    Parameters
    ----------
    step
        ``merge`` or ``split``.
    issue_no
        The issue that went into another, or that came out of it.
    other_no
        The issue that took it in, or that it came out of.
    appeal_nos
        The appeals that moved.
    split_from
        Where a merged issue had itself been split off from, to give it back as it was.
    at, by, reason
        When (aware), who, why.
    """

    step: Step
    issue_no: str
    other_no: str
    appeal_nos: tuple[str, ...]
    at: datetime
    by: str
    reason: str
    split_from: str = ""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decides on a merge or split, when and why.

    Raises
    ------
    GridgovError
        If a name or reason is blank or the time has no zone.
    """

    by: str
    at: datetime
    reason: str

    def __post_init__(self) -> None:
        for name, value in (("by", self.by), ("reason", self.reason)):
            if not value.strip():
                raise GridgovError(f"{name} is blank; expected who decides and why")
        if self.at.tzinfo is None:
            raise GridgovError(f"at {self.at.isoformat()} has no time zone; expected an aware time")


@dataclass(frozen=True, kw_only=True)
class IssueBook:
    """All issues in force with the record of every merge and split.

    Parameters
    ----------
    issues
        Number → issue.
    records
        In the order in which they happened.
    """

    issues: Mapping[str, Issue] = field(default_factory=lambda: MappingProxyType({}))
    records: tuple[LineageRecord, ...] = ()

    def get(self, issue_no: str) -> Issue:
        """Return an issue in force.

        Raises
        ------
        GridgovError
            If there is none; the message says what it was merged into.
        """
        if issue_no in self.issues:
            return self.issues[issue_no]
        into = self.merged_into(issue_no)
        hint = f"it was merged into {into}" if into else "no such issue was ever in the book"
        raise GridgovError(f"issue {issue_no!r} is not in force: {hint}")

    def merged_into(self, issue_no: str) -> str:
        """Return the issue in force that `issue_no` is part of now, empty if it was never merged."""
        at = issue_no
        while at not in self.issues:
            merges = [r for r in self.records if r.step == "merge" and r.issue_no == at]
            if not merges:
                return ""
            at = merges[-1].other_no
        return "" if at == issue_no else at

    def lineage(self, issue_no: str) -> tuple[LineageRecord, ...]:
        """Return every step in which an issue took part, in order."""
        return tuple(r for r in self.records if issue_no in (r.issue_no, r.other_no))


def make_book(issues: Iterable[Issue]) -> IssueBook:
    """Return a book of issues.

    Raises
    ------
    GridgovError
        If a number occurs twice, an issue is empty, or an appeal is in two places.
    """
    table: dict[str, Issue] = {}
    seen: dict[str, str] = {}
    for issue in issues:
        if issue.issue_no in table:
            raise GridgovError(f"issue {issue.issue_no!r} occurs twice; expected each number once")
        if not issue.members:
            raise GridgovError(f"issue {issue.issue_no!r} has no appeal; expected at least one")
        for member in issue.members:
            other = seen.setdefault(member.appeal_no, issue.issue_no)
            if other != issue.issue_no:
                raise GridgovError(
                    f"appeal {member.appeal_no!r} is in issues {other} and {issue.issue_no}; expected one"
                )
        table[issue.issue_no] = replace(issue, members=_sort(issue.members))
    _check_once(table)
    return IssueBook(issues=MappingProxyType(table))


def merge_issues(book: IssueBook, issue_no: str, into_no: str, *, decision: Decision) -> IssueBook:
    """Return the book with one issue merged into another; members keep their callbacks.

    Raises
    ------
    GridgovError
        If an issue is not in force or both are one.
    """
    if issue_no == into_no:
        raise GridgovError(f"issue {issue_no!r} cannot be merged into itself; expected two issues")
    gone, kept = book.get(issue_no), book.get(into_no)
    record = LineageRecord(
        step="merge",
        issue_no=issue_no,
        other_no=into_no,
        appeal_nos=tuple(member.appeal_no for member in gone.members),
        split_from=gone.split_from,
        **vars(decision),
    )
    issues = {no: issue for no, issue in book.issues.items() if no != issue_no}
    issues[into_no] = replace(kept, members=_sort(kept.members + gone.members))
    return _add(book, issues, record)


def split_issue(
    book: IssueBook, issue_no: str, appeal_nos: Iterable[str], *, new_no: str, decision: Decision
) -> IssueBook:
    """Return the book with some appeals of an issue as an issue of their own.

    Parameters
    ----------
    book
        The book.
    issue_no
        Issue in force.
    appeal_nos
        Some of its appeals, not all.
    new_no
        A number that was never used, or the one under which exactly these appeals were merged in: then the issue
        is given back as it was.
    decision
        Who, when, why.

    Raises
    ------
    GridgovError
        If the appeals are none, all, or not the issue's, or the number is taken.
    """
    issue, moved = book.get(issue_no), set(appeal_nos)
    own = {member.appeal_no for member in issue.members}
    if not moved or moved >= own:
        raise GridgovError(
            f"issue {issue_no!r}: {len(moved)} of {len(own)} appeals are to be split off; expected some, not all"
        )
    if moved - own:
        strange = ", ".join(sorted(moved - own))
        raise GridgovError(f"issue {issue_no!r} does not hold appeal {strange}; expected its own")
    before = _find_merge(book, new_no, into_no=issue_no, appeal_nos=moved)
    if before is None and (new_no in book.issues or book.lineage(new_no) or not new_no.strip()):
        raise GridgovError(f"issue number {new_no!r} is blank or was used; expected a new one")
    origin = issue_no if before is None else before.split_from
    record = LineageRecord(
        step="split",
        issue_no=new_no,
        other_no=issue_no,
        appeal_nos=tuple(sorted(moved)),
        split_from=origin,
        **vars(decision),
    )
    gone = tuple(member for member in issue.members if member.appeal_no in moved)
    stays = tuple(member for member in issue.members if member.appeal_no not in moved)
    issues = dict(book.issues) | {issue_no: replace(issue, members=stays)}
    issues[new_no] = Issue(issue_no=new_no, members=gone, split_from=origin)
    return _add(book, issues, record)


def undo_merge(book: IssueBook, issue_no: str, *, decision: Decision) -> IssueBook:
    """Return the book with an issue taken out again of what it was last merged into.

    Raises
    ------
    GridgovError
        If it was not merged, or what took it in is not in force.
    """
    merges = [r for r in book.records if r.step == "merge" and r.issue_no == issue_no]
    if issue_no in book.issues or not merges:
        raise GridgovError(f"issue {issue_no!r} is not merged into another; nothing to undo")
    last = merges[-1]
    return split_issue(book, last.other_no, last.appeal_nos, new_no=issue_no, decision=decision)


def find_callbacks(book: IssueBook, issue_no: str) -> tuple[Member, ...]:
    """Return the members of an issue whose appellants are still to be called back, each on his own."""
    return tuple(member for member in book.get(issue_no).members if member.callback == "due")


def _find_merge(
    book: IssueBook, issue_no: str, *, into_no: str, appeal_nos: set[str]
) -> LineageRecord | None:
    """Return the last merge of exactly these appeals under that number, if the number is free since."""
    if issue_no in book.issues:
        return None
    own = [record for record in book.records if record.issue_no == issue_no]
    if own and own[-1].step == "merge" and own[-1].other_no == into_no:
        return own[-1] if set(own[-1].appeal_nos) == appeal_nos else None
    return None


def _add(book: IssueBook, issues: Mapping[str, Issue], record: LineageRecord) -> IssueBook:
    return IssueBook(issues=MappingProxyType(dict(issues)), records=(*book.records, record))


def _sort(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.appeal_no))


def _check_once(table: Mapping[str, Issue]) -> None:
    for issue in table.values():
        numbers = [member.appeal_no for member in issue.members]
        if len(set(numbers)) < len(numbers):
            raise GridgovError(f"issue {issue.issue_no!r} holds an appeal twice; expected once")
