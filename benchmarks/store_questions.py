"""What pages ask of ten million orders, each time with other values, drawn as often as ``store_data`` made them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session
from store_data import DAYS, FIRST_DAY, TROUBLES

from gridgov.rules.constants import make_constants
from gridgov.rules.orders.transitions import Role
from gridgov.rules.rates.three_rates import make_rates
from gridgov.storage.queries.map_counts import CountFilter, count_areas
from gridgov.storage.queries.orders import OrderFilter, list_orders
from gridgov.storage.queries.rate_counts import get_rate_counts
from gridgov.storage.scope.apply import Scope, bind


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something that pages ask, each time with other values."""

    name: str
    ask: Callable[[Session, np.random.Generator], object]
    goal_ms: float | None = None


def _window(rng: np.random.Generator, longest: int) -> tuple[date, date]:
    first = date.fromisoformat(FIRST_DAY)
    start = int(rng.integers(0, DAYS - 1))
    length = int(rng.integers(1, longest))
    return first + timedelta(start), first + timedelta(min(DAYS - 1, start + length))


def _street(rng: np.random.Generator) -> str:
    number = int(rng.random() ** 2 * 343)
    return f"1101{number // 22:02d}{number % 22:03d}"


def _list(session: Session, rng: np.random.Generator) -> object:
    return _ask_list(session, rng, street_code=_street(rng))


def _list_own(session: Session, rng: np.random.Generator) -> object:
    """Ask as the command centre of a street does, under row-level security."""
    street = _street(rng)
    _bind_street(session, street)
    return _ask_list(session, rng)


def _bind_street(session: Session, street: str) -> None:
    scope = Scope(
        account_id=1,
        person_key="bench",
        role=Role.STREET_CENTRE,
        unit_code=street,
        unit_codes=(street,),
        sees_all=False,
        sees_personal=True,
    )
    bind(session, scope)


def _search(
    *, own: bool = False, words: tuple[str, ...] = tuple(TROUBLES)
) -> Callable[[Session, np.random.Generator], object]:
    def ask(session: Session, rng: np.random.Generator) -> object:
        if own:
            _bind_street(session, _street(rng))
        word = words[int(rng.random() ** 2 * len(words))]
        start = datetime.fromisoformat(f"{FIRST_DAY}T00:00:00Z")
        start += timedelta(int(rng.integers(0, DAYS - 30)))
        chosen = OrderFilter(
            words=word[: int(rng.integers(2, 5))], start=start, end=start + timedelta(30)
        )
        return list_orders(session, chosen)

    return ask


def _ask_list(session: Session, rng: np.random.Generator, **where: Any) -> object:
    first, last = _window(rng, 90)
    choices: tuple[dict[str, Any], ...] = (
        {},
        {"unit_codes": frozenset([_street(rng)])},
        {"level1_code": f"G{int(rng.integers(20)):02d}"},
        {"item_code": f"I{int(rng.random() ** 4 * 2640):04d}"},
        {
            "start": datetime(*first.timetuple()[:3], tzinfo=UTC),
            "end": datetime(*last.timetuple()[:3], tzinfo=UTC),
        },
    )
    chosen = {**where, **choices[int(rng.integers(len(choices)))]}
    sort = ("-received_at", "received_at")[int(rng.integers(2))]
    page = int(rng.integers(1, 6))
    return list_orders(session, OrderFilter(**chosen), sort=sort, page=page)


def _count(
    kind: str, longest: int, **how: bool
) -> Callable[[Session, np.random.Generator], object]:
    def ask(session: Session, rng: np.random.Generator) -> object:
        first, last = _window(rng, longest)
        values: dict[str, Any] = {"first_on": first, "last_on": last}
        if how.get("in_street"):
            values["street_code"] = _street(rng)
        if how.get("of_group"):
            values["level1_code"] = f"G{int(rng.integers(20)):02d}"
        return count_areas(session, kind, CountFilter(**values))

    return ask


def _rank(session: Session, rng: np.random.Generator) -> object:
    month = f"{int(rng.integers(2024, 2026))}-{int(rng.integers(1, 13)):02d}"
    return make_rates(get_rate_counts(session, months=[month]), constants=make_constants())


QUESTIONS = (
    Question(name="list of a street", ask=_list, goal_ms=50),
    Question(name="list of a street by its own account", ask=_list_own, goal_ms=50),
    Question(name="search of a word in 30 days by a street's account", ask=_search(own=True)),
    Question(name="search of a word in 30 days of the city", ask=_search()),
    Question(
        name="search of what nobody wrote in 30 days of the city",
        ask=_search(words=("北极熊出没", "潜水艇噪音", "火山灰遗撒")),
    ),
    Question(name="map: streets, any window", ask=_count("street", DAYS), goal_ms=50),
    Question(
        name="map: streets, one group of items",
        ask=_count("street", DAYS, of_group=True),
        goal_ms=50,
    ),
    Question(
        name="map: communities of a street, any window",
        ask=_count("community", DAYS, in_street=True),
        goal_ms=50,
    ),
    Question(
        name="communities of the whole city, to 90 days", ask=_count("community", 90), goal_ms=50
    ),
    Question(
        name="map: cells of a street, to 90 days",
        ask=_count("cell", 90, in_street=True),
        goal_ms=50,
    ),
    Question(
        name="map: cells of a street, any window",
        ask=_count("cell", DAYS, in_street=True),
        goal_ms=50,
    ),
    Question(name="ranking of a month", ask=_rank, goal_ms=300),
)
