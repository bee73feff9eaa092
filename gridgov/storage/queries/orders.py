"""The list of orders: filters, sorting, pages and how many there are; export reads the same rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.rules.orders.transitions import OrderState
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.city import CatalogueItem, Unit
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.areas import MOST_CODES, get_area_names
from gridgov.storage.scope.apply import get_scope
from gridgov.storage.scope.criteria import see_called

PAGE_ROWS = 30
PAGES_MAX = 200
"""Pages that can be turned; who needs more rows narrows the filter or takes the export."""
COUNT_MAX = 20_000
"""Beyond this a list says "more than": counting on would cost more than it tells."""
COUNT_MAX_WORDS = 2_000
"""The same where words are sought: every text must be read, none has an index."""
EXPORT_ROWS = 2_000
"""Rows fetched at a time for an export."""

NONE = "none"
"""Asks for orders that have no such code, such as those whose street is not known."""

ORDERS = cast("sa.Table", Order.__table__)
APPEALS = cast("sa.Table", Appeal.__table__)
SORTS: Mapping[str, Any] = {
    name: ORDERS.c[name]
    for name in ("received_at", "due_at", "contact_by", "order_no", "closed_at")
} | {
    # Who was never called is due since the reply; who was missed, at the next try; after the last one nobody calls.
    "call_at": sa.case(
        (ORDERS.c.calls_missed == 0, ORDERS.c.replied_at), else_=ORDERS.c.call_again_at
    )
}
DEFAULT_SORT = "-received_at"
CALL_SORT = "call_at"
"""Due first, for lists of people to be called back."""


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Which orders a list shows; what is empty does not narrow it.

    Parameters
    ----------
    unit_codes
        Owners; None for all that the session sees.
    start, end
        Of receipt, aware; the end is excluded.
    condition
        One of ``order_clocks.make_clocks``.
    states, outcomes, routes, grades, kinds
        Any of these.
    street_code, community_code, cell_codes
        Where the thing is; :data:`NONE` for orders without one.
    item_code, level1_code
        What it is about.
    issue_id
        Orders of one issue.
    order_nos
        Any of these numbers.
    words
        A number (of an order or appeal, or its beginning), else words of text or address, all of which must occur.
    """

    unit_codes: frozenset[str] | None = None
    start: datetime | None = None
    end: datetime | None = None
    condition: sa.ColumnElement[bool] | None = None
    states: tuple[OrderState, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    routes: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    street_code: str = ""
    community_code: str = ""
    cell_codes: tuple[str, ...] = ()
    item_code: str = ""
    level1_code: str = ""
    issue_id: int | None = None
    order_nos: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class OrderPage:
    """One page of a list.

    Parameters
    ----------
    rows
        Columns of :data:`LIST_COLUMNS`.
    total
        How many there are, at most `counted_to` and one.
    counted_to
        How far was counted.
    has_next
        Whether a page follows.
    names
        Names of the units, items and streets of the rows, by code.
    """

    rows: Sequence[Any]
    total: int
    has_next: bool
    counted_to: int = COUNT_MAX
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        """Tell whether the total is all of them."""
        return self.total <= self.counted_to


LIST_COLUMNS = (
    Order.id,
    Order.order_no,
    Order.version,
    Order.state,
    Order.outcome,
    Order.unit_code,
    Order.kind,
    Order.item_code,
    Order.level1_code,
    Order.street_code,
    Order.community_code,
    Order.cell_code,
    Order.district_code,
    Order.route,
    Order.grade,
    Order.review,
    Order.received_at,
    Order.contact_by,
    Order.contacted_at,
    Order.due_at,
    Order.replied_at,
    Order.closed_at,
    Order.contacted,
    Order.solved,
    Order.satisfied,
    Order.calls_missed,
    Order.call_again_at,
    Order.lon,
    Order.lat,
    Order.boundary_version,
    Appeal.appeal_no,
    Appeal.channel,
    Appeal.text,
    Appeal.address,
    Appeal.place_level,
    Appeal.uncertainty_m,
    Appeal.confidence,
)


def list_orders(
    session: Session,
    chosen: OrderFilter,
    *,
    sort: str = DEFAULT_SORT,
    page: int = 1,
    rows: int = PAGE_ROWS,
) -> OrderPage:
    """Return one page of orders, in the same number of statements however many rows.

    Parameters
    ----------
    sort
        A name of :data:`SORTS`, with ``-`` before it from the highest down.
    page
        From 1.

    Raises
    ------
    GridgovError
        There is no such sort, or the page lies outside 1 … :data:`PAGES_MAX`.
    """
    if not 1 <= page <= PAGES_MAX:
        raise GridgovError(
            f"page {page}: expected 1 to {PAGES_MAX}; narrow the filter or take the export for more"
        )
    # Chosen by what stands in an index; only the rows of the page are then fetched whole.
    total, ids = _choose_page(session, chosen, sort=sort, first=(page - 1) * rows, most=rows + 1)
    query = sa.select(*LIST_COLUMNS).join(Appeal, Appeal.id == Order.appeal_id)
    query = query.select_from(Order).join(ids, ids.c.id == Order.id).order_by(*_make_sort(sort))
    found = session.execute(query).all()
    shown = found[:rows]
    return OrderPage(
        rows=shown,
        total=total,
        has_next=len(found) > rows and page < PAGES_MAX,
        counted_to=get_count_max(chosen),
        names=find_names(session, shown),
    )


def get_count_max(chosen: OrderFilter) -> int:
    """Return how far the orders of a filter are counted at the most."""
    return COUNT_MAX_WORDS if chosen.words.strip() else COUNT_MAX


def count_orders(session: Session, chosen: OrderFilter, *, most: int | None = None) -> int:
    """Return how many orders there are, counting to `most` (what :func:`get_count_max` says) and one."""
    most = get_count_max(chosen) if most is None else most
    inner = _choose_ids(session, chosen, most=most + 1)
    return session.scalar(sa.select(sa.func.count()).select_from(inner)) or 0


def _choose_page(
    session: Session, chosen: OrderFilter, *, sort: str, first: int, most: int
) -> tuple[int, sa.Subquery]:
    """Return how many orders there are, as :func:`count_orders` says, and the ids of a page of them."""
    if chosen.words.strip():
        limit = get_count_max(chosen)
        found = session.scalars(sa.select(_choose_ids(session, chosen, most=limit + 1).c.id)).all()
        if len(found) <= limit:
            # Every text was read to find these few: not again for the page.
            few = sa.select(_get_sort_column(sort), ORDERS.c.id).where(ORDERS.c.id.in_(found))
            page = few.order_by(*_make_sort(sort)).offset(first).limit(most).subquery()
            return len(found), page
        return len(found), _choose_ids(session, chosen, sort=sort, first=first, most=most)
    page = _choose_ids(session, chosen, sort=sort, first=first, most=most)
    return count_orders(session, chosen), page


def _choose_ids(
    session: Session, chosen: OrderFilter, *, most: int, sort: str = "", first: int = 0
) -> sa.Subquery:
    """Return the ids of a page of orders, of all that fit where no sort is asked for.

    An account sees its units' own orders and those to which its units are called. Asked for apart, each side has an
    index that sorts it; in one condition they would be gathered whole and sorted for every page.
    """
    # On the table, whose queries are not limited by themselves: the two sides below say what the account sees.
    keys = [_get_sort_column(sort), ORDERS.c.id] if sort else [ORDERS.c.id]
    base = _filter(sa.select(*keys).select_from(ORDERS), chosen)
    scope = get_scope(session)
    order = _make_sort(sort) if sort else ()
    if scope is None or scope.sees_all:
        whole: sa.Subquery = base.order_by(*order).offset(first).limit(most).subquery()
        return whole
    own = ORDERS.c.unit_code.in_(scope.unit_codes)
    parts = (base.where(own), base.where(~own, see_called(scope)))
    ends = [part.order_by(*order).limit(first + most).subquery() for part in parts]
    both = sa.union_all(*(sa.select(*part.c) for part in ends)).subquery()
    page = sa.select(*both.c)
    if sort:
        page = page.order_by(*_make_sort(sort, columns=(both.c[0], both.c[1])))
    shown: sa.Subquery = page.offset(first).limit(most).subquery()
    return shown


def stream_orders(session: Session, chosen: OrderFilter) -> Iterator[Any]:
    """Give every order of a filter by time of receipt, a few thousand at a time: nothing is held in memory."""
    last: ListMark | None = None
    while True:
        rows = list_after(session, chosen, last, rows=EXPORT_ROWS)
        yield from rows
        if len(rows) < EXPORT_ROWS:
            return
        last = ListMark(received_at=rows[-1].received_at, row_id=rows[-1].id)


@dataclass(frozen=True, kw_only=True)
class ListMark:
    """An order's place in a list by time of receipt: that time, and its ``id`` among those of the same time."""

    received_at: datetime
    row_id: int


def list_after(
    session: Session,
    chosen: OrderFilter,
    last: ListMark | None,
    *,
    rows: int,
    newest_first: bool = False,
) -> Sequence[Any]:
    """Return the orders of a filter that follow one, by time of receipt: :data:`LIST_COLUMNS`.

    Parameters
    ----------
    last
        The place of that one; None for the beginning.
    rows
        At most so many.
    newest_first
        Whether the newest come first.
    """
    query = sa.select(*LIST_COLUMNS).join(Appeal, Appeal.id == Order.appeal_id)
    query = query.select_from(Order).where(*_make_conditions(chosen))
    key = sa.tuple_(Order.received_at, Order.id)
    if last is not None:
        mark = sa.tuple_(last.received_at, last.row_id)
        query = query.where(key < mark if newest_first else key > mark)
    columns = (Order.received_at, Order.id)
    order = [one.desc() for one in columns] if newest_first else list(columns)
    return session.execute(query.order_by(*order).limit(rows)).all()


def _get_sort_column(sort: str) -> Any:
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise GridgovError(f"sort {sort!r}: expected one of {', '.join(SORTS)}")
    return SORTS[name]


def _make_sort(sort: str, *, columns: tuple[Any, Any] | None = None) -> tuple[Any, ...]:
    """Return what to sort by: the columns of orders, or those of a subquery that stand for them."""
    column = _get_sort_column(sort)
    key, number = columns or (column, ORDERS.c.id)
    down = sort.startswith("-")
    first = key.desc() if down else key.asc()
    # Said of a column that is never missing, "nulls last" would only keep its index from being read backwards.
    if getattr(column, "nullable", True):
        first = first.nulls_last()
    return (first, number.desc() if down else number.asc())


def _filter(query: Any, chosen: OrderFilter) -> Any:
    """Return a query of the table of orders with the conditions of a filter."""
    if chosen.words.strip():
        query = query.join(APPEALS, APPEALS.c.id == ORDERS.c.appeal_id)
    return query.where(*_make_conditions(chosen))


def _make_conditions(chosen: OrderFilter) -> Iterator[sa.ColumnElement[bool]]:
    if chosen.unit_codes is not None:
        yield ORDERS.c.unit_code.in_(sorted(chosen.unit_codes))
    if chosen.start is not None:
        yield ORDERS.c.received_at >= chosen.start
    if chosen.end is not None:
        yield ORDERS.c.received_at < chosen.end
    if chosen.condition is not None:
        yield chosen.condition
    yield from _make_code_conditions(chosen)
    if chosen.words.strip():
        yield from _make_word_conditions(chosen.words)


def _make_code_conditions(chosen: OrderFilter) -> Iterator[sa.ColumnElement[bool]]:
    several = (
        (ORDERS.c.state, chosen.states),
        (ORDERS.c.outcome, chosen.outcomes),
        (ORDERS.c.route, chosen.routes),
        (ORDERS.c.grade, chosen.grades),
        (ORDERS.c.kind, chosen.kinds),
        (ORDERS.c.cell_code, chosen.cell_codes),
        (ORDERS.c.order_no, chosen.order_nos),
    )
    for column, values in several:
        if values == (NONE,):
            yield column.is_(None)
        elif values:
            yield column.in_(values)
    single = ("street_code", "community_code", "item_code", "level1_code", "issue_id")
    for name in single:
        value = getattr(chosen, name)
        if value == NONE:
            yield ORDERS.c[name].is_(None)
        elif value:
            yield ORDERS.c[name] == value


def _make_word_conditions(words: str) -> Iterator[sa.ColumnElement[bool]]:
    for word in words.split()[:6]:
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        # ILIKE writes every text small before it looks: twice the time, and nothing gained for Chinese.
        has_case = word.lower() != word.upper()
        columns = (APPEALS.c.text, APPEALS.c.address)
        yield sa.or_(
            *((one.ilike if has_case else one.like)(pattern, escape="\\") for one in columns),
            *_make_number_conditions(word),
        )


def _make_number_conditions(word: str) -> Iterator[sa.ColumnElement[bool]]:
    if any(letter.isdigit() for letter in word):
        yield ORDERS.c.order_no.startswith(word, autoescape=True)
        yield APPEALS.c.appeal_no.startswith(word, autoescape=True)


def find_names(session: Session, rows: Sequence[Any]) -> dict[str, str]:
    """Return names of units, items and areas that `rows` mention, by code; three statements."""
    units = {row.unit_code for row in rows}
    items = {row.item_code for row in rows} | {row.level1_code for row in rows}
    named = find_item_names(session, items - {None}) | get_area_names(session, ("street",))
    return named | find_unit_names(session, units)


def find_unit_names(session: Session, codes: set[str]) -> dict[str, str]:
    """Return names of units by code; of several versions the newest."""
    if not codes:
        return {}
    query = sa.select(Unit.unit_code, Unit.name).where(
        Unit.unit_code.in_(sorted(codes)[:MOST_CODES])
    )
    return dict(session.execute(query.order_by(Unit.valid_from)).all())


def find_item_names(session: Session, codes: set[str]) -> dict[str, str]:
    """Return names of catalogue items by code; of several versions the newest."""
    if not codes:
        return {}
    query = sa.select(CatalogueItem.item_code, CatalogueItem.name).where(
        CatalogueItem.item_code.in_(sorted(codes)[:MOST_CODES])
    )
    return dict(session.execute(query.order_by(CatalogueItem.valid_from)).all())
