"""The tables of sums by span, and the SQL of their rows: single days from finer counts, longer spans from shorter.

Longer spans are added up from shorter ones, which are fewer rows than the orders. Compacting, rebuilding and checking
use the same statements on other tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from gridgov.storage.counts.spans import LENGTHS, MONTH, write_start
from gridgov.storage.models.orders import Outcome

OUTCOMES = tuple(one.value for one in Outcome)
"""Columns of a tally."""
NAMES = ", ".join(OUTCOMES)
SUMS = ", ".join(f"sum({name}) AS {name}" for name in OUTCOMES)
TALLY = ", ".join(
    f"sum(CASE WHEN outcome = '{name}' THEN n ELSE 0 END) AS {name}" for name in OUTCOMES
)
"""Sums of rows with an outcome and a number each."""
STEPS = (*pairwise(LENGTHS), (1, MONTH))
"""(length that another is made of, that other)."""
ANY = " OR ".join(f"{name} <> 0" for name in OUTCOMES)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some rows of a table of sums.

    Parameters
    ----------
    keys
        SQL of each key.
    groups
        Columns of the finer counts by which they are added up, beside the day.
    where
        Which of the finer counts belong to it; empty for all.
    """

    keys: tuple[str, ...]
    groups: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class SumTable:
    """A table of sums.

    Parameters
    ----------
    name
        Of the table.
    keys
        Its key, without length and first day of the span.
    parts
        Where its single days come from.
    """

    name: str
    keys: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def columns(self) -> str:
        """Return its columns as the queries below give them."""
        return f"{self.key}, {NAMES}"

    @property
    def key(self) -> str:
        """Return its primary key."""
        return ", ".join((*self.keys, "days", "start_on"))

    @property
    def order(self) -> str:
        """Return the order in which its rows should lie: what a window reads lies together."""
        return ", ".join(("days", "start_on", *self.keys))

    def write_days(self, source: str, sums: str) -> str:
        """Return the query of its single days from a table with the columns of ``counts.KEY_COLUMNS``."""
        return " UNION ALL ".join(
            f"SELECT {', '.join(f'{sql} AS {key}' for sql, key in zip(part.keys, self.keys, strict=True))}, "  # noqa: S608
            f"1 AS days, day AS start_on, {sums} FROM {source} {part.where} "
            f"GROUP BY {', '.join((*part.groups, 'day'))}"
            for part in self.parts
        )

    def write_longer(self, source: str, *, is_postgres: bool) -> Iterator[str]:
        """Give the query of each length from a shorter one of `source`, the shortest first."""
        for shorter, length in STEPS:
            start = write_start(str(length), is_postgres=is_postgres, day="start_on")
            keys = ", ".join(self.keys)
            # Numbered: the name would be that of the shorter span's first day.
            groups = ", ".join(str(at + 1) for at in range(len(self.keys) + 2))
            yield (
                f"SELECT {keys}, CAST({length} AS smallint) AS days, {start} AS start_on, {SUMS} "  # noqa: S608
                f"FROM {source} WHERE days = {shorter} GROUP BY {groups}"
            )


AREAS = SumTable(
    name="area_counts",
    keys=("kind", "street_code", "code"),
    parts=(
        Part(keys=("'street'", "street_code", "street_code"), groups=("street_code",)),
        Part(
            keys=("'community'", "street_code", "community_code"),
            groups=("street_code", "community_code"),
            where="WHERE community_code <> ''",
        ),
        Part(keys=("'level1'", "''", "level1_code"), groups=("level1_code",)),
    ),
)
UNITS = SumTable(
    name="unit_counts",
    keys=("unit_code", "level1_code", "street_code"),
    parts=(
        Part(
            keys=("unit_code", "level1_code", "street_code"),
            groups=("unit_code", "level1_code", "street_code"),
        ),
    ),
)
SUM_TABLES = (AREAS, UNITS)
