"""Exclusions (剔除): orders that do not count, each with a reason code and a second person's approval.

Exclusions exist [D], their criteria are not public [A] (DOMAIN.md section 5). One that is not in force changes nothing
and is told; one that is, is counted beside the rate.
"""

import numpy as np
import pandas as pd

from geodata.problems import Problem
from gridgov.errors import GridgovError
from gridgov.rules.constants import Constants

EXCLUSION_COLUMNS = (
    "order_no",
    "reason_code",
    "proposed_by",
    "proposed_at",
    "approved_by",
    "approved_at",
)
"""One row per exclusion · ``proposed_by approved_by`` keys of two different persons · times aware."""

_WORDS = ("order_no", "reason_code", "proposed_by", "approved_by")


def find_exclusions(
    exclusions: pd.DataFrame,
    order_no: pd.Series,
    *,
    as_of: pd.Timestamp,
    constants: Constants,
    file: str = "exclusions",
) -> tuple[pd.Series, list[Problem]]:
    """Return which orders are excluded, and why an exclusion is not in force.

    Parameters
    ----------
    exclusions
        Frame of :data:`EXCLUSION_COLUMNS`, its index as ``geodata.files.tables.read_table`` gives it.
    order_no
        Orders that are judged (n,).
    as_of
        Moment of the judgement: an approval after it is not yet in force.
    constants
        ``rates.exclusion_reasons``.
    file
        How the user calls the table.

    Returns
    -------
        Reason code on the index of `order_no`, missing where the order counts; the faults of single rows. An order
        excluded twice has the reason that was approved first.

    Raises
    ------
    GridgovError
        If a column is missing.
    """
    lacking = [name for name in EXCLUSION_COLUMNS if name not in exclusions]
    if lacking:
        raise GridgovError(
            f"{file}: column {', '.join(lacking)} is missing; "
            f"expected {', '.join(EXCLUSION_COLUMNS)}"
        )
    table = exclusions.reset_index(names="row")
    for name in _WORDS:
        table[name] = table[name].astype("str").str.strip().fillna("")
    faults = _find_faults(table, order_no, as_of, constants)
    wrong = pd.Series(np.zeros(len(table), dtype=bool), index=table.index)
    problems = []
    for rows, name, problem, expected in faults:
        fresh = rows & ~wrong
        problems += [
            Problem(
                file=file,
                row=int(row) + 2,
                field=name,
                value=str(value),
                problem=problem,
                expected=expected,
                severity="warning",
            )
            for row, value in zip(table["row"][fresh], table[name][fresh], strict=True)
        ]
        wrong |= rows
    sound = table[~wrong].sort_values(["approved_at", "reason_code"], kind="stable")
    reasons = sound.drop_duplicates("order_no").set_index("order_no")["reason_code"]
    return order_no.map(reasons).astype("str").rename("reason_code"), problems


def _find_faults(
    table: pd.DataFrame, order_no: pd.Series, as_of: pd.Timestamp, constants: Constants
) -> tuple[tuple[pd.Series, str, str, str], ...]:
    """Return rows, column, what is wrong, what was expected: the first that holds is told."""
    known = constants.texts("rates.exclusion_reasons")
    proposed, approved = table["proposed_at"], table["approved_at"]
    return (
        (~table["order_no"].isin(order_no), "order_no", "is no order judged here", "its number"),
        (
            ~table["reason_code"].isin(known),
            "reason_code",
            "is no reason code, so the order counts",
            f"one of {', '.join(known)}",
        ),
        (
            table["proposed_by"] == "",
            "proposed_by",
            "nobody proposed it, so the order counts",
            "a person",
        ),
        (
            (table["approved_by"] == "") | (table["approved_by"] == table["proposed_by"]),
            "approved_by",
            "no second person approved it, so the order counts",
            "a person other than who proposed it",
        ),
        (
            proposed.isna() | approved.isna() | (approved < proposed),
            "approved_at",
            "is not a time after the proposal, so the order counts",
            "the times of proposal and approval",
        ),
        (
            approved > as_of,
            "approved_at",
            "is still to come, so the order counts",
            f"a time up to {as_of.isoformat()}",
        ),
    )
