"""After new boundaries, units or items: open orders that are not whose they were are listed, and a dispatcher decides.

Orders keep the boundary version by which they were judged. Where the one in force says another street of the same
place, where the unit that has an order is in force no more, or where the catalogue says something else of its item than
it did, the order is marked for a person to look at, who reassigns it or keeps the unit (``rules.orders.transitions``);
nothing moves by itself.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.catalogue import find_rules
from gridgov.rules.message_text import make_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.orders.rows import AT_DESK
from gridgov.services.outbox.deliver import notify
from gridgov.storage.audit import log as audit
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.journal import JobState
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.scope.apply import without_row_scope

ITEMS = "items"
"""Name under which the job keeps what the catalogue said at its last round."""


def mark_moved(session: Session, runtime: CityRuntime, *, at: datetime) -> list[str]:
    """Mark open orders whose place, unit or item is another now; return their numbers.

    Done again it marks nothing more. What the catalogue says is kept, and compared with what it says the next time; the
    first round marks no item.
    """
    day = runtime.get_day(at)
    changed = _find_changed_items(session, runtime, day, at=at)
    query = (
        sa.select(Order, Appeal.lon, Appeal.lat)
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(
            Order.outcome == Outcome.OPEN,
            Order.replied_at.is_(None),
            Order.review.is_(False),
            Order.state.not_in(AT_DESK),
            sa.or_(
                Order.boundary_version != runtime.boundary_version,
                Order.unit_code.not_in(_find_units(runtime, day)),
                Order.item_code.in_(changed),
            ),
        )
        .order_by(Order.id)
    )
    found = [_Placed(row=row, lon=lon, lat=lat) for row, lon, lat in session.execute(query)]
    moved = _judge_anew(runtime, found)
    marked = []
    with without_row_scope(session):
        for one in found:
            row = one.row
            street = moved.get(row.order_no)
            retired = not runtime.book.is_in_force(row.unit_code, day)
            if street is not None or retired:
                _tell(session, runtime, row, street, at=at)
            elif row.item_code in changed:
                _tell_item(session, runtime, row, at=at)
            else:
                continue
            row.review = True
            marked.append(row.order_no)
    return marked


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """An order with the point of its appeal."""

    row: Order
    lon: float | None
    lat: float | None


def _find_changed_items(
    session: Session, runtime: CityRuntime, day: date, *, at: datetime
) -> list[str]:
    """Return the items of which the catalogue says something else than at the last round, and keep what it says."""
    catalogue = runtime.city.catalogue
    if catalogue is None:
        return []
    now = find_rules(catalogue, day)
    state = session.get(JobState, ITEMS)
    if state is None:
        session.add(JobState(name=ITEMS, done_at=at, value=now))
        return []
    was = dict(state.value)
    if was != now:
        state.value, state.done_at = now, at
    # An item that is new had no orders before.
    return sorted(code for code, rule in was.items() if now.get(code) != rule)


def _find_units(runtime: CityRuntime, day: date) -> list[str]:
    """Return the units in force on a day: one that has left the table is as gone as one whose last day is over."""
    codes = runtime.city.units["unit_code"].unique()
    return [str(code) for code in codes if runtime.book.is_in_force(str(code), day)]


def _judge_anew(runtime: CityRuntime, found: list[_Placed]) -> dict[str, str]:
    """Return order number → street now, of orders judged by other boundaries whose street is another one."""
    rows = [
        (one.row.order_no, one.lon, one.lat, one.row.street_code)
        for one in found
        if one.lon is not None
        and one.row.street_code
        and one.row.boundary_version != runtime.boundary_version
    ]
    if not rows:
        return {}
    frame = pd.DataFrame(rows, columns=["order_no", "lon", "lat", "street"])
    now = runtime.territory.judge(frame["lon"], frame["lat"])["street_code"].fillna("")
    differs = (now != frame["street"]).to_numpy()
    return dict(zip(frame["order_no"][differs], now[differs], strict=True))


def _tell_item(session: Session, runtime: CityRuntime, row: Order, *, at: datetime) -> None:
    code = row.item_code or ""
    catalogue = runtime.city.catalogue
    name = code if catalogue is None else catalogue.names.get(code, code)
    audit.record(
        session,
        at=at,
        action="item_changed",
        subject_kind="order",
        subject_no=row.order_no,
        before={"review": False},
        after={"review": True, "item_code": code},
        actor=None,
        origin="job boundaries",
    )
    notify(
        session,
        at=at,
        topic="item_changed",
        unit_codes=(row.desk_code,),
        say=partial(make_text, "item_changed", {"order_no": row.order_no, "item": name}),
        data={"item_code": code, "unit_code": row.unit_code},
        order_no=row.order_no,
        key=f"{row.order_no}:item_changed:{row.version}",
    )


def _tell(
    session: Session, runtime: CityRuntime, row: Order, street: str | None, *, at: datetime
) -> None:
    name = runtime.city.names.get(street or "", street or "") or "—"
    audit.record(
        session,
        at=at,
        action="boundaries_moved",
        subject_kind="order",
        subject_no=row.order_no,
        before={"review": False},
        after={
            "review": True,
            "boundary_version_now": runtime.boundary_version,
            **(
                {"street_code_now": street}
                if street is not None
                else {"unit_retired": row.unit_code}
            ),
        },
        actor=None,
        origin="job boundaries",
    )
    notify(
        session,
        at=at,
        topic="boundaries_moved",
        unit_codes=(row.desk_code,),
        say=partial(make_text, "boundaries_moved", {"order_no": row.order_no, "street": name}),
        data={"street_code": street or "", "unit_code": row.unit_code},
        order_no=row.order_no,
        key=f"{row.order_no}:boundaries:{runtime.boundary_version}:{row.version}",
    )
