"""Problems of input data: collected, never raised one by one, never dropped.

Every reader and every check returns what it could not use as :class:`Problem` values; a file with a
thousand faults gives a thousand rows, each saying where, what was found and what was expected.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal

import pandas as pd

Severity = Literal["error", "warning"]

LONGEST_VALUE = 200
"""Characters of a faulty value that are shown; a cell of a million characters must not flood a report."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One fault of one value of one file.

    Parameters
    ----------
    file
        File or layer as the user named it.
    row
        Row number as the user sees it in the file (the header is row 1), or None for the whole file.
    field
        Column, layer or setting, empty where the whole row or file is meant.
    value
        What was found, shortened to :data:`LONGEST_VALUE` characters.
    problem
        What is wrong, a full clause.
    expected
        What was expected or what to do next.
    severity
        An ``error`` stops the use of the row or file, a ``warning`` does not.
    """

    file: str
    row: int | None = None
    field: str = ""
    value: str = ""
    problem: str
    expected: str = ""
    severity: Severity = "error"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", shorten(self.value))

    def __str__(self) -> str:
        """Return one line: file:row · field · problem · found … · expected …."""
        where = self.file if self.row is None else f"{self.file}:{self.row}"
        parts = [where, self.field, self.problem]
        if self.value:
            parts.append(f"found {self.value!r}")
        if self.expected:
            parts.append(f"expected: {self.expected}")
        return " · ".join(part for part in parts if part)


PROBLEM_COLUMNS = tuple(field.name for field in fields(Problem))


def shorten(value: object) -> str:
    """Return `value` as text of at most :data:`LONGEST_VALUE` characters."""
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def make_problem_frame(problems: Iterable[Problem]) -> pd.DataFrame:
    """Return problems as a frame with the columns :data:`PROBLEM_COLUMNS`, one row each."""
    frame = pd.DataFrame([asdict(problem) for problem in problems], columns=list(PROBLEM_COLUMNS))
    return frame.astype({"row": "Int64"})


def has_errors(problems: Iterable[Problem]) -> bool:
    """Tell whether any problem is an error."""
    return any(problem.severity == "error" for problem in problems)


def row_number(position: int) -> int:
    """Return the row of a table file, as its user sees it, of a frame's index value (header = row 1)."""
    return int(position) + 2
