"""Cursors: where a list goes on, told so that it holds when rows come and go meanwhile."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web.kit.api.problems import Fault, ProblemError, refuse_fields

LIMIT, LIMIT_MAX = 100, 1_000
"""Rows of a page by default, and at the most."""
LONGEST = 500


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The last row that was given.

    Parameters
    ----------
    at
        Its place in time, aware.
    row_id
        Its number among those of the same time.
    """

    at: datetime
    row_id: int

    def write(self, asked: Mapping[str, Any]) -> str:
        """Return it as a program hands it back, bound to the filter of its list."""
        told = [self.at.isoformat(), self.row_id, _mark(asked)]
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def read_cursor(text: str, asked: Mapping[str, Any]) -> Cursor | None:
    """Return a cursor of a list with this filter, None for its beginning.

    Raises
    ------
    ProblemError
        It is no cursor, or one of another list.
    """
    if not text:
        return None
    try:
        padded = text[:LONGEST] + "=" * (-len(text) % 4)
        at, row_id, mark = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        found = Cursor(at=datetime.fromisoformat(at), row_id=row_id)
    except (ValueError, TypeError, RecursionError) as error:
        raise _refuse("is no cursor of ours; take the one of the page before") from error
    if found.at.tzinfo is None or not isinstance(row_id, int) or abs(row_id) >= 2**63:
        raise _refuse("is no cursor of ours; take the one of the page before")
    if mark != _mark(asked):
        raise _refuse("belongs to a list with another filter; begin that list anew")
    return found


def _refuse(problem: str) -> ProblemError:
    return refuse_fields([Fault(where="query", field="cursor", problem=problem)])


def _mark(asked: Mapping[str, Any]) -> str:
    """Return a short mark of a filter; the cursor itself and the size of pages are no part of it."""
    kept = {name: value for name, value in asked.items() if name not in {"cursor", "limit"}}
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
