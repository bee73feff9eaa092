"""Rows of a statement as a frame."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd


def to_frame(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a frame with `columns`, of no rows too.

    pandas walks SQLAlchemy's rows ten times as slowly as plain tuples, of which it knows the length.
    """
    return pd.DataFrame([tuple(row) for row in rows], columns=list(columns))
