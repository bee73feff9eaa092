"""Reading the orders that ``gridgov run`` wrote, for the commands that go on from there."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.problems import Problem, has_errors


def read_run_orders(path: Path, *, needed: Iterable[str]) -> pd.DataFrame:
    """Return the rows of a file of orders as they stand there.

    Parameters
    ----------
    path
        ``orders.parquet`` or ``orders.csv``.
    needed
        Columns that it must have.

    Raises
    ------
    InvalidDataError
        The file cannot be read, or a column is missing.
    """
    frame, problems = read_table(path)
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
    return frame
