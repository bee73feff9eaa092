"""What a list of orders is asked for in its address, read and said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

import sqlalchemy as sa
from flask import request
from flask_babel import gettext

from gridgov.errors import NotFoundError
from gridgov.rules.dispatch import Route
from gridgov.rules.orders.transitions import OrderState
from gridgov.storage.models.orders import Issue, Outcome
from gridgov.storage.queries.order_clocks import CLOCKS, make_clocks
from gridgov.storage.queries.orders import OrderFilter
from web.kit.i18n import label
from web.kit.page_scope import get_unit_scope, get_window
from web.kit.service import get_service, reading

NAMES = (
    "clock",
    "state",
    "outcome",
    "route",
    "grade",
    "kind",
    "street",
    "community",
    "cell",
    "item",
    "level1",
    "issue",
    "q",
)
"""Arguments that narrow a list of orders."""
SOON = timedelta(hours=24)
"""What a list calls due soon: the rest of a shift and the next one."""

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class ListRequest:
    """The filter of this request.

    Parameters
    ----------
    chosen
        For the read model.
    args
        The arguments that are set, by name.
    has_window
        Whether the window of time narrows the list: work that waits is shown however old it is.
    """

    chosen: OrderFilter
    args: Mapping[str, str]
    has_window: bool


def read_filter(args: Mapping[str, str] | None = None) -> ListRequest:
    """Return what the address asks for; words that are not known count as not set."""
    given = request.args if args is None else args
    known = {name: given.get(name, "").strip()[:200] for name in NAMES}
    clock = known["clock"] if known["clock"] in CLOCKS else ""
    has_window = bool(given.get("window")) or not clock
    window = get_window()
    now = get_service().get_now()
    chosen = OrderFilter(
        unit_codes=get_unit_scope().codes,
        start=window.start if has_window else None,
        end=window.end if has_window else None,
        condition=make_conditions(now)[clock] if clock else None,
        states=_read_words(known["state"], OrderState),
        outcomes=_read_words(known["outcome"], Outcome),
        routes=_split(known["route"]),
        grades=_split(known["grade"]),
        kinds=_split(known["kind"]),
        street_code=known["street"],
        community_code=known["community"],
        cell_codes=_split(known["cell"]),
        item_code=known["item"],
        level1_code=known["level1"],
        issue_id=_find_issue(known["issue"]),
        words=known["q"],
    )
    return ListRequest(
        chosen=chosen,
        args={name: word for name, word in known.items() if word},
        has_window=has_window,
    )


def make_conditions(now: datetime) -> dict[str, sa.ColumnElement[bool]]:
    """Return what a list can be asked for by the clock, at this moment."""
    zone = get_service().get_city().zone
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    day_end = datetime.combine(tomorrow, time(), tzinfo=zone)
    return make_clocks(now=now, day_end=day_end, soon=SOON)


def _split(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)[:200]


def _read_words(text: str, words: type[_Word]) -> tuple[_Word, ...]:
    known = {word.value for word in words}
    return tuple(words(word) for word in _split(text) if word in known)


def _find_issue(issue_no: str) -> int | None:
    if not issue_no:
        return None
    found = reading().scalar(sa.select(Issue.id).where(Issue.issue_no == issue_no))
    if found is None:
        raise NotFoundError("issue", issue_no)
    return found


def list_choices() -> dict[str, list[tuple[str, str]]]:
    """Return what the select boxes of the list offer, code and word."""
    return {
        "clock": [(name, gettext(f"orders.clock.{name}")) for name in CLOCKS],
        "state": [(state.value, label("state", state)) for state in OrderState],
        "outcome": [(outcome.value, gettext(f"orders.outcome.{outcome}")) for outcome in Outcome],
        "route": [(route.value, gettext(f"orders.route.{route}")) for route in Route],
        "grade": [
            (grade, gettext(f"orders.grade.{grade}")) for grade in ("2h", "24h", "7d", "15d")
        ],
    }


def say_filter(asked: ListRequest, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the arguments that are set with how people read them."""
    choices = {name: dict(pairs) for name, pairs in list_choices().items()}
    said = []
    for name, word in asked.args.items():
        parts = _split(word) if name != "q" else (word,)
        words = [choices.get(name, {}).get(part) or names.get(part, part) for part in parts]
        shown = "、".join(words[:3]) + (" …" if len(words) > 3 else "")
        label_of = gettext(f"orders.filter.{name}")
        said.append((name, gettext("orders.filter.said", name=label_of, words=shown)))
    return said
