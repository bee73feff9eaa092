"""Reading the orders that ``gridgov run`` wrote, for the commands that go on from there."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.problems import Problem, has_errors
from gridgov.jobs.order_file import restore_codes


def read_run_orders(
    path: Path,
    *,
    needed: Iterable[str],
    known: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the rows of a file of orders as they stand there, codes as text, and warnings about them.

    Parameters
    ----------
    path
        ``orders.parquet`` or ``orders.csv``.
    needed
        Columns that it must have.
    known
        Column → the codes that the city has: leading zeros come back where just one of them fits.

    Raises
    ------
    InvalidDataError
        The file cannot be read, a column is missing, or a spreadsheet has shortened its codes.
    """
    needed = tuple(needed)
    frame, problems = read_table(path, names=needed)
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        problems.append(
            Problem(
                file=str(path),
                field=", ".join(missing),
                problem="column is missing",
                expected="the orders.parquet or orders.csv of gridgov run",
            )
        )
    if has_errors(problems):
        raise InvalidDataError(problems)
    frame, notes = restore_codes(frame, path, needed=needed, known=known)
    return frame, [*problems, *notes]
