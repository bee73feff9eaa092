"""Faults of the duty list as problems of a pack's files, for ``gridgov check``."""

from collections.abc import Iterable, Mapping

from geodata.problems import Problem
from gridgov.rules.duties.checks import KINDS, DutyFault, check_duties
from gridgov.rules.duties.graph import DutyGraph

HEADER_ROWS = 2
"""Row of a file's first record as a user counts: the header is row 1."""


def duty_problems(graph: DutyGraph, files: Mapping[str, str] | None = None) -> list[Problem]:
    """Return every fault of a duty list as a problem; each is a warning, since answers go on in spite of it.

    Parameters
    ----------
    graph
        The list as in force on a day.
    files
        Name of the file of each table (``units catalogue duties dependencies``) as the user named it;
        default ``<table>.csv``.
    """
    return [make_problem(fault, graph, files or {}) for fault in check_duties(graph)]


def make_problem(fault: DutyFault, graph: DutyGraph, files: Mapping[str, str]) -> Problem:
    """Return one fault as a problem of the file that holds it."""
    kind = KINDS[fault.kind]
    return Problem(
        file=files.get(kind.table, f"{kind.table}.csv"),
        row=fault.rows[0] + HEADER_ROWS if fault.rows else None,
        field=kind.field,
        value=_find_value(fault),
        problem=kind.problem,
        expected=kind.expected + _say_cut(fault.cut, graph),
        severity="warning",
    )


def _find_value(fault: DutyFault) -> str:
    if fault.circle:
        return " → ".join((*fault.circle, fault.circle[0]))
    codes = fault.items or fault.duties or fault.units
    return " ".join(
        part for part in (";".join(codes), fault.facts or ";".join(fault.units)) if part
    )


def _say_cut(cut: Iterable[tuple[str, str]], graph: DutyGraph) -> str:
    rows = [f"{a} → {b} (row {graph.graph.edges[a, b]['row'] + HEADER_ROWS})" for a, b in cut]
    return f"; cheapest to cut: {', '.join(rows)}" if rows else ""
