"""In which row of a table the names of its columns stand: not always in the first.

Reports begin with a title, a note or an empty line, tables for people have two rows of names. Rows above the names
are left out and said.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from geodata.problems import Problem, shorten
from geodata.spreadsheets import drop_invisible, unwrap_text

ROWS_LOOKED_AT = 10
"""The names stand in one of the first rows, or the file is none."""


def clean_name(text: str) -> str:
    """Return the name of a column as meant."""
    return unwrap_text(drop_invisible(text).strip()).strip()


def find_heading(records: Sequence[Sequence[str]], names: Collection[str] = ()) -> int:
    """Return the position of the record that names the columns.

    Parameters
    ----------
    records
        The first records of a table, cells as text; blank ones are no names.
    names
        Names that the reader looks for: the record with most of them is it, the first of several alike.

    Returns
    -------
        Without such a record, the first that is no title: a title is a single cell above at least two rows of
        several cells, the first of them without a gap.
    """
    filled = [[cell for cell in map(clean_name, record) if cell] for record in records]
    wanted = set(names)
    known = [len(wanted.intersection(cells)) for cells in filled]
    if max(known, default=0):
        return known.index(max(known))
    first = next((at for at, cells in enumerate(filled) if cells), 0)
    for at in range(first, len(records) - 1):
        if len(filled[at]) > 1:
            titled = at > first and len(filled[at]) == len(records[at]) == len(records[at + 1])
            return at if titled else first
    return first


def report_heading(path: Path, at: int, above: Sequence[Sequence[str]]) -> Problem | None:
    """Return the note that the names stand in the record at position `at`; None if all `above` it are blank."""
    said = " ".join(cell for record in above for cell in map(clean_name, record) if cell)
    if not said:
        return None
    return Problem(
        file=str(path),
        row=at + 1,
        value=shorten(said),
        problem=f"the column names stand in row {at + 1}; what is above them is not read",
        expected="column names in row 1",
        severity="warning",
    )
