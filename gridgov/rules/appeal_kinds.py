"""Which kinds of appeals tell of a problem: praise and consultation are counted apart."""

import pandas as pd

NOT_PROBLEMS = frozenset({"praise", "consultation", "表扬", "咨询"})
"""Kinds that tell of no problem where the pack has no table of kinds (DOMAIN.md section 1: the eight kinds are not
public)."""


def find_kinds_apart(table: pd.DataFrame | None = None) -> tuple[str, ...]:
    """Return the kinds that tell of no problem, sorted.

    Parameters
    ----------
    table
        The pack's: ``kind counts_as_problem`` ("true", "false"); None or empty: :data:`NOT_PROBLEMS`.
    """
    if table is None or table.empty:
        return tuple(sorted(NOT_PROBLEMS))
    counts = table["counts_as_problem"].astype(str).str.lower() == "true"
    return tuple(sorted(table.loc[~counts, "kind"].astype(str)))


def find_problem_rows(kinds: pd.Series, table: pd.DataFrame | None = None) -> pd.Series:
    """Tell which appeals are problems.

    Parameters
    ----------
    kinds
        Kind of each appeal; one that is missing or unknown counts as a problem, so that none is lost.
    table
        As :func:`find_kinds_apart`.

    Returns
    -------
    pandas.Series
        Boolean, on the index of `kinds`.
    """
    return ~kinds.isin(find_kinds_apart(table))
