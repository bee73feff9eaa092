"""Faults of many rows as frames: a file with a million faults must not make a million objects."""

from typing import Any

import numpy as np
import pandas as pd

from geodata.problems import (
    LONGEST_VALUE,
    PROBLEM_COLUMNS,
    Problem,
    Severity,
    make_problem_frame,
    row_number,
)


class RowFaults:
    """Faults of one export, collected column by column.

    Attributes
    ----------
    file
        The export as the user named it.
    """

    def __init__(self, file: object) -> None:
        self.file = str(file)
        self._frames: list[pd.DataFrame] = []

    def add(self, *problems: Problem) -> None:
        """Note faults that are problems already."""
        if problems:
            self._frames.append(make_problem_frame(problems))

    def whole(self, problem: str, expected: str = "", *, field: str = "", value: str = "") -> None:
        """Note, as a warning, something about the whole file."""
        self.add(
            Problem(
                file=self.file,
                field=field,
                value=value,
                problem=problem,
                expected=expected,
                severity="warning",
            )
        )

    def rows(
        self,
        values: pd.Series,
        wrong: Any,
        problem: Any,
        *,
        expected: str = "",
        severity: Severity = "warning",
    ) -> None:
        """Note a fault of each value where `wrong` holds.

        Parameters
        ----------
        values
            Column of the export on its index of positions; its name is the field.
        wrong
            Booleans (n,).
        problem
            What is wrong: one text, or one per faulty row.
        expected
            What was expected.
        severity
            An ``error`` means that the row is rejected.
        """
        chosen = values[np.asarray(wrong, dtype=bool)]
        if chosen.empty:
            return
        frame = pd.DataFrame(
            {
                "file": self.file,
                "row": (chosen.index + row_number(0)).astype("int64"),
                "field": str(values.name),
                "value": chosen.astype("str").fillna("").str.slice(0, LONGEST_VALUE).to_numpy(),
                "problem": problem,
                "expected": expected,
                "severity": severity,
            }
        )
        self._frames.append(frame.astype({"row": "Int64"}))

    def frame(self) -> pd.DataFrame:
        """Return all faults in the order of rows, those of the whole file first."""
        if not self._frames:
            return make_problem_frame([])
        joined = pd.concat(self._frames, ignore_index=True)
        order = joined["row"].fillna(0).to_numpy().argsort(kind="stable")
        return joined.iloc[order].reset_index(drop=True)[list(PROBLEM_COLUMNS)]

    def problems(self) -> list[Problem]:
        """Return all faults in the order of :meth:`frame`."""
        rows = self.frame().astype({"row": object})
        return [Problem(**row) for row in rows.where(rows.notna(), None).to_dict("records")]
