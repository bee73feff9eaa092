"""Decisions of people on street classes as a table: read back, checked row by row, and the form to fill in.

The rules only propose (DOMAIN.md section 5); a class is in force because somebody decided it. A row that cannot be
accounted for decides nothing and is told.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from geodata.problems import Problem
from gridgov.errors import GridgovError
from gridgov.rules.order_labels import get_label
from gridgov.rules.streets.class_review import ClassDecision
from gridgov.rules.streets.class_rules import CLASSES

DECISION_COLUMNS = (
    "street_code",
    "from_month",
    "proposed",
    "decided",
    "decided_by",
    "decided_at",
    "reason",
)
"""One row per decision · ``from_month`` such as 2025-03 · ``proposed decided`` a class, or ``none``; ``proposed`` may
be empty for none · ``decided_by`` key of the person · ``decided_at`` aware · ``reason`` needed where the two differ. A
row in which nothing was filled in after ``proposed`` is an open proposal."""

NO_CLASS = "none"

FIRST_ROW = 2
"""Row of position 0 as a user counts: the header is row 1."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        NO_CLASS: "",
        "无": "",
        **{name: name for name in CLASSES},
        **{get_label("class", name): name for name in CLASSES},
        **{get_label("class", name).removesuffix("类"): name for name in CLASSES},
    }
)
"""What a table may say → class."""

_FILLED = ("decided", "decided_by", "decided_at", "reason")
_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"


def find_decisions(
    table: pd.DataFrame,
    streets: pd.Index,
    *,
    as_of: pd.Timestamp,
    file: str = "decisions",
) -> tuple[tuple[ClassDecision, ...], list[Problem]]:
    """Return the decisions in force, and why a row is none.

    Parameters
    ----------
    table
        Frame of :data:`DECISION_COLUMNS`, its index as ``geodata.files.tables.read_table`` gives it; ``reason`` may be
        absent.
    streets
        Codes of the city's streets.
    as_of
        Moment of the judgement: what was decided after it is not yet in force.
    file
        How the user calls the table.

    Raises
    ------
    GridgovError
        If a column is missing.
    """
    lacking = [name for name in DECISION_COLUMNS[:-1] if name not in table]
    if lacking:
        raise GridgovError(
            f"{file}: column {', '.join(lacking)} is missing; expected {', '.join(DECISION_COLUMNS)}"
        )
    texts = _clean(table)
    open_proposal = texts[list(_FILLED)].eq("").all(axis=1)
    wrong = pd.Series(data=False, index=texts.index)
    problems: list[Problem] = []
    for rows, name, problem, expected in _find_faults(texts, table["decided_at"], streets, as_of):
        fresh = rows & ~wrong & ~open_proposal
        problems += [
            Problem(
                file=file,
                row=int(position) + FIRST_ROW,
                field=name,
                value=str(texts.at[position, name]),
                problem=problem,
                expected=expected,
                severity="warning",
            )
            for position in texts.index[fresh]
        ]
        wrong |= rows
    sound = texts[~wrong & ~open_proposal]
    return tuple(_make(row, table.at[at, "decided_at"]) for at, row in sound.iterrows()), problems


def make_decision_form(review: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the proposals of one month as a table that a person fills in and gives back.

    Parameters
    ----------
    review
        Rows of one month of ``street_class_review.REVIEW_COLUMNS``.
    names
        Street code → name.

    Returns
    -------
        Frame of :data:`DECISION_COLUMNS` with ``name class_before why`` added, one row per street that has a class or
        is proposed for one; ``why`` is the reason of the rules.
    """
    rows = review[(review["proposed"] != "") | (review["class_before"] != "")]
    form = pd.DataFrame(
        {
            "street_code": rows["street_code"],
            "name": rows["street_code"].map(names).fillna(rows["street_code"]),
            "from_month": rows["month"],
            "class_before": rows["class_before"].replace("", NO_CLASS),
            "proposed": rows["proposed"].replace("", NO_CLASS),
            "why": rows["reason"],
        }
    )
    return form.assign(**dict.fromkeys(_FILLED, "")).reset_index(drop=True)


def find_changed_proposals(
    review: pd.DataFrame, decisions: tuple[ClassDecision, ...], *, file: str = "decisions"
) -> list[Problem]:
    """Return decisions whose recorded proposal is not what the rules propose now: they rest on other figures."""
    proposed = review.set_index(["month", "street_code"])["proposed"]
    return [
        Problem(
            file=file,
            field="proposed",
            value=one.proposed or NO_CLASS,
            problem=f"street {one.street_code} was decided for {one.from_month} on a proposal that is no longer made",
            expected=f"{proposed[key] or NO_CLASS}, from the orders and callbacks given",
            severity="warning",
        )
        for one in decisions
        if (key := (one.from_month, one.street_code)) in proposed.index
        and proposed[key] != one.proposed
    ]


def _clean(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as texts, never missing, a time as it will be told."""
    texts = table.reindex(columns=list(DECISION_COLUMNS)).astype("str").fillna("")
    return texts.apply(lambda column: column.str.strip())


def _find_faults(
    texts: pd.DataFrame, decided_at: pd.Series, streets: pd.Index, as_of: pd.Timestamp
) -> tuple[tuple[pd.Series, str, str, str], ...]:
    """Return rows, column, what is wrong, what was expected: the first that holds is told."""
    known = ", ".join((*CLASSES, NO_CLASS))
    proposed, decided = (
        texts["proposed"].replace("", NO_CLASS).map(_WORDS),
        texts["decided"].map(_WORDS),
    )
    again = texts.duplicated(["street_code", "from_month", "decided_at"], keep=False)
    return (
        (
            ~texts["street_code"].isin(streets),
            "street_code",
            "is no street of the city",
            "its code",
        ),
        (
            ~texts["from_month"].str.fullmatch(_MONTH),
            "from_month",
            "is no month",
            "a month such as 2025-03",
        ),
        (proposed.isna(), "proposed", "is no class", f"one of {known}"),
        (decided.isna(), "decided", "is no class, so nothing is decided", f"one of {known}"),
        (texts["decided_by"] == "", "decided_by", "nobody decided it", "a person"),
        (
            decided_at.isna(),
            "decided_at",
            "is no time, so nothing is decided",
            "when it was decided",
        ),
        (
            decided_at > as_of,
            "decided_at",
            "is still to come, so nothing is decided",
            f"a time up to {as_of.isoformat()}",
        ),
        (
            (decided != proposed) & (texts["reason"] == ""),
            "reason",
            "differs from the rules without a reason, so nothing is decided",
            "why",
        ),
        (
            again,
            "decided_at",
            "is the same as in another decision on this street and month, so neither counts",
            "one decision at a time",
        ),
    )


def _make(row: pd.Series, decided_at: pd.Timestamp) -> ClassDecision:
    return ClassDecision(
        street_code=row["street_code"],
        from_month=row["from_month"],
        proposed=_WORDS[row["proposed"] or NO_CLASS],
        decided=_WORDS[row["decided"]],
        decided_by=row["decided_by"],
        decided_at=decided_at.to_pydatetime(),
        reason=row["reason"],
    )
