"""Intake of one appeal: checked, placed, judged, dispatched, given its deadlines and written with all that hangs on it.

What comes out is what the main job (``gridgov.jobs.pipeline``) says of the same appeal (tested); the way there builds
no frames of one row. An appeal comes in once: its number within its source is its name. Nothing is committed here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, cast

import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from geodata.frames import JURISDICTION_COLUMNS
from gridgov.jobs.placing import find_address, find_point, judge_place
from gridgov.reading.export_words import hash_person
from gridgov.rules.dispatch import Decision, Route, decide, find_deadlines
from gridgov.rules.message_text import make_text
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.numbers import add_source
from gridgov.rules.orders.transitions import OrderState
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.cells import ensure_cells
from gridgov.services.intake.checks import NewAppeal, check_appeal
from gridgov.services.intake.corrections import find_correction
from gridgov.services.outbox import deliver as outbox
from gridgov.storage.audit import log as audit
from gridgov.storage.counts import changes as counts
from gridgov.storage.db import is_postgres
from gridgov.storage.models.appeals import Appeal, AppealPerson, FormSubmit
from gridgov.storage.models.orders import Issue, Order, Outcome
from gridgov.storage.scope.apply import without_row_scope
from gridgov.storage.statements import insert_once

__all__ = ["NewAppeal", "Prepared", "Taken", "prepare", "take_in"]

# Rows are written through tables: the unit of work of the mapper would cost more than all else together.
APPEALS = cast("sa.Table", Appeal.__table__)
PERSONS = cast("sa.Table", AppealPerson.__table__)
ORDERS = cast("sa.Table", Order.__table__)
SUBMITS = cast("sa.Table", FormSubmit.__table__)
_FIND_TAKEN = (
    sa.select(ORDERS.c.order_no)
    .join(APPEALS, APPEALS.c.id == ORDERS.c.appeal_id)
    .where(
        APPEALS.c.source == sa.bindparam("of_source"),
        APPEALS.c.appeal_no == sa.bindparam("of_number"),
    )
    .order_by(ORDERS.c.id)
)
_PLACED = ("lon", "lat", "place_level", "uncertainty_m", "matched", "place_problem")
_JUDGED = tuple(JURISDICTION_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An appeal as it would come in: for a page that shows it before anybody has saved it.

    Parameters
    ----------
    new
        The appeal, checked.
    place
        ``PLACE_COLUMNS`` and ``JURISDICTION_COLUMNS`` by name, None where there is nothing to say.
    item_code, item_confidence
        Its item: what came with it (1), what the classifier found, or None.
    decision
        Who gets the order, how, and why.
    contact_by, due_at
        Its deadlines.
    state
        Where the order begins.
    """

    new: NewAppeal
    place: Mapping[str, Any]
    item_code: str | None
    item_confidence: float | None
    decision: Decision
    contact_by: datetime | None
    due_at: datetime | None
    state: OrderState


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An appeal that is in the database.

    Parameters
    ----------
    appeal_no, order_nos
        Its number and those of its orders.
    is_new
        Whether it came in now; False: it was there already and nothing was changed.
    """

    appeal_no: str
    order_nos: tuple[str, ...]
    is_new: bool


def prepare(session: Session, runtime: CityRuntime, new: NewAppeal, *, now: datetime) -> Prepared:
    """Return an appeal with its place, unit and deadlines; nothing is written.

    Raises
    ------
    IntakeError
        With everything that is wrong with it.
    """
    new = check_appeal(new, runtime, now=now)
    place = locate(session, runtime, new)
    item_code, confidence = _find_item(runtime, new)
    decision = decide(
        make_case(new, place, item_code, confidence),
        runtime.get_book(item_code),
        runtime.get_day(new.received_at),
    )
    due = find_deadlines(
        new.received_at,
        decision.grade,
        runtime.grades,
        calendar=runtime.calendar,
        zone=runtime.zone,
    )
    return Prepared(
        new=new,
        place=place,
        item_code=item_code,
        item_confidence=confidence,
        decision=decision,
        contact_by=due.contact_by,
        due_at=due.due_at,
        state=find_start(decision, runtime.desk_code),
    )


def take_in(
    session: Session,
    runtime: CityRuntime,
    new: NewAppeal,
    *,
    now: datetime,
    actor: Actor | None = None,
    origin: str = "",
    submit_key: str = "",
) -> Taken:
    """Take an appeal in, with its order; the same number of the same source changes nothing.

    Parameters
    ----------
    session
        Owns the transaction.
    runtime
        The city.
    new
        The appeal.
    now
        Aware.
    actor, origin
        Who typed it in, or which system sent it.
    submit_key
        Names the sending of a form: what is sent again under it, by the same person, is answered with the same number.

    Raises
    ------
    IntakeError
        With everything that is wrong with it.
    """
    with without_row_scope(session):
        known = find_taken(session, new.source, new.appeal_no)
        if known is None and submit_key:
            known = _claim_submit(session, submit_key, actor=actor, now=now)
        if known is not None:
            return known
        prepared = prepare(session, runtime, new, now=now)
        written = _write_appeal(session, runtime, prepared, now=now)
        if written is None:
            # Another client has just taken in the same one; after its commit it is there to be read.
            again = find_taken(session, prepared.new.source, prepared.new.appeal_no)
            assert again is not None  # noqa: S101 - the conflict says so
            return again
        order = _write_order(session, runtime, prepared, written, now=now)
        ensure_cells(
            session,
            runtime.city,
            [order.cell_code] if order.cell_code else [],
            on=runtime.get_day(now),
        )
        counts.record_change(session, None, counts.make_key(order, runtime.zone))
        _log(session, order, prepared, written[1], now=now, actor=actor, origin=origin)
        _notify(session, order, now=now)
        if submit_key:
            _keep_submit(session, submit_key, order.order_no, actor)
    return Taken(appeal_no=written[1], order_nos=(order.order_no,), is_new=True)


def _claim_submit(
    session: Session, submit_key: str, *, actor: Actor | None, now: datetime
) -> Taken | None:
    """Claim the sending of a form; return what it has become where it was sent before.

    Two that come at the same moment wait for each other: the row of the first one holds the second.
    """
    values = {
        "submit_key": make_submit_key(submit_key, actor),
        "order_no": "",
        "sent_by": "" if actor is None else actor.person_key,
        "sent_at": now,
    }
    once = insert_once(session, SUBMITS, unique=("submit_key",), returning="submit_key")
    if session.connection().execute(once, values).scalar_one_or_none() is not None:
        return None
    query = (
        sa.select(ORDERS.c.order_no, APPEALS.c.appeal_no)
        .join(APPEALS, APPEALS.c.id == ORDERS.c.appeal_id)
        .join(SUBMITS, SUBMITS.c.order_no == ORDERS.c.order_no)
        .where(SUBMITS.c.submit_key == values["submit_key"])
    )
    order_no, appeal_no = session.connection().execute(query).one()
    return Taken(appeal_no=appeal_no, order_nos=(order_no,), is_new=False)


def _keep_submit(session: Session, submit_key: str, order_no: str, actor: Actor | None) -> None:
    key = make_submit_key(submit_key, actor)
    keep = sa.update(SUBMITS).where(SUBMITS.c.submit_key == key).values(order_no=order_no)
    session.connection().execute(keep)


def make_submit_key(submit_key: str, actor: Actor | None) -> str:
    """Return the key under which a sending is kept: nobody meets another's."""
    person = "" if actor is None else actor.person_key
    return sha256(f"{person}:{submit_key}".encode()).hexdigest()


def find_taken(session: Session, source: str, appeal_no: str) -> Taken | None:
    """Return what a source's number has become, None if it is new or has no number."""
    if not appeal_no:
        return None
    values = {"of_source": source, "of_number": appeal_no}
    numbers = tuple(session.connection().execute(_FIND_TAKEN, values).scalars())
    return Taken(appeal_no=appeal_no, order_nos=numbers, is_new=False) if numbers else None


def locate(session: Session, runtime: CityRuntime, new: NewAppeal) -> dict[str, Any]:
    """Return the place of an appeal: its point, else what a person said of this address, else the geocoder's."""
    if new.lon is not None and new.lat is not None:
        place = find_point(new.lon, new.lat, runtime.constants)
    else:
        fixed = find_correction(session, new.address)
        place = (
            fixed
            if fixed is not None
            else find_address(new.address or None, lambda: runtime.geocoder)
        )
    return {**place, **judge_place(place, lambda: runtime.territory, runtime.constants)}


def _find_item(runtime: CityRuntime, new: NewAppeal) -> tuple[str | None, float | None]:
    if new.item_code:
        return new.item_code, 1.0
    catalogue = runtime.city.catalogue
    named = None if catalogue is None else catalogue.find_code(new.text)
    if named is not None:
        return named, 1.0
    if runtime.classifier is None or not new.text:
        return None, None
    found = runtime.classifier.suggest(pd.Series([new.text], dtype="str")).iloc[0]
    if pd.isna(found["item_code"]):
        return None, None
    return str(found["item_code"]), float(found["item_confidence"])


def make_case(
    new: NewAppeal, place: Mapping[str, Any], item_code: str | None, confidence: float | None
) -> dict[str, Any]:
    """Return what dispatch reads of an appeal."""
    return {
        **place,
        "channel": new.channel or None,
        "kind": new.kind or None,
        "item_code": item_code,
        "item_confidence": confidence,
    }


def find_start(decision: Decision, desk_code: str) -> OrderState:
    """Return where an order begins: dispatched, or received where the desk must look at it first."""
    at_desk = decision.unit_code == desk_code or decision.route == Route.DISPATCHER
    return OrderState.RECEIVED if decision.review or at_desk else OrderState.DISPATCHED


def make_number(
    session: Session,
    runtime: CityRuntime,
    now: datetime,
    *,
    of: type[Appeal] | type[Issue] = Appeal,
) -> str:
    """Return a new number of the day for an appeal or an issue: rising, unique, gaps do not matter."""
    if is_postgres(session):
        n = session.scalar(sa.text("SELECT nextval('appeal_numbers')"))
    else:  # one writer at a time: nobody else sees the same number
        n = session.scalar(sa.select(sa.func.coalesce(sa.func.max(of.id), 0) + 1))
    return f"{runtime.get_day(now):%Y%m%d}{n:07d}"


def _write_appeal(
    session: Session, runtime: CityRuntime, prepared: Prepared, *, now: datetime
) -> tuple[int, str] | None:
    """Add the appeal and its person; return its id and number, None if the source's number is taken."""
    new = prepared.new
    once = insert_once(session, APPEALS, unique=("source", "appeal_no"), returning="id")
    while True:
        number = new.appeal_no or make_number(session, runtime, now)
        values = _make_appeal(runtime, prepared, number, now=now)
        added = session.connection().execute(once, values).scalar_one_or_none()
        if added is not None:
            _write_person(session, new, values, added)
            return added, number
        if new.appeal_no:
            return None


def _make_appeal(
    runtime: CityRuntime, prepared: Prepared, number: str, *, now: datetime
) -> dict[str, Any]:
    new, place = prepared.new, prepared.place
    who = new.phone or new.name
    point = None if place["lon"] is None else shapely.Point(place["lon"], place["lat"])
    return {
        "source": new.source,
        "appeal_no": number,
        "received_at": new.received_at,
        "channel": new.channel or None,
        "kind": new.kind or None,
        "text": mask_text(new.text) or None,
        "address": mask_text(new.address) or None,
        "item_code": prepared.item_code,
        "item_confidence": prepared.item_confidence,
        "person_key": hash_person(who, runtime.salt) if who else None,
        "point": point,
        **{name: place[name] for name in (*_PLACED, *_JUDGED)},
        "boundary_version": runtime.boundary_version,
        "created_at": now,
    }


def _write_person(
    session: Session, new: NewAppeal, masked: Mapping[str, Any], appeal_id: int
) -> None:
    """Keep apart what tells who it was: name, number, and the words where something was masked in them."""
    values = {
        "name": new.name or None,
        "phone": new.phone or None,
        "raw_text": new.text if new.text != (masked["text"] or "") else None,
        "raw_address": new.address if new.address != (masked["address"] or "") else None,
    }
    if any(values.values()):
        session.connection().execute(sa.insert(PERSONS), {"appeal_id": appeal_id, **values})


def _write_order(
    session: Session,
    runtime: CityRuntime,
    prepared: Prepared,
    appeal: tuple[int, str],
    *,
    now: datetime,
) -> Order:
    new, place, decision = prepared.new, prepared.place, prepared.decision
    dispatched = prepared.state is OrderState.DISPATCHED
    values: dict[str, Any] = dict(
        order_no=f"{appeal[1]}-1",
        appeal_id=appeal[0],
        state=prepared.state,
        state_at=now,
        desk_code=runtime.desk_code,
        **{name: value for name, value in asdict(decision).items() if name != "review"},
        review=decision.review,
        dispatched_at=now if dispatched else None,
        contact_by=prepared.contact_by,
        due_at=prepared.due_at,
        outcome=Outcome.OPEN,
        received_at=new.received_at,
        kind=new.kind or None,
        item_code=prepared.item_code,
        level1_code=runtime.find_level1(prepared.item_code),
        **{name: place[name] for name in (*_ORDER_PLACE, "lon", "lat")},
        boundary_version=runtime.boundary_version,
    )
    once = insert_once(session, ORDERS, unique=("order_no",), returning="id")
    if session.connection().execute(once, values).scalar_one_or_none() is None:
        # Another source has the same number: this one's stands before it.
        values["order_no"] = add_source(values["order_no"], new.source)
        session.connection().execute(sa.insert(ORDERS), values)
    # Not added to the session: the row is written, and nobody changes it here.
    return Order(version=1, **values)


_ORDER_PLACE = ("cell_code", "community_code", "street_code", "district_code")


def _log(
    session: Session,
    order: Order,
    prepared: Prepared,
    appeal_no: str,
    *,
    now: datetime,
    actor: Actor | None,
    origin: str,
) -> None:
    audit.record(
        session,
        at=now,
        action="receive",
        subject_kind="order",
        subject_no=order.order_no,
        before=None,
        after={
            "source": prepared.new.source,
            "appeal_no": appeal_no,
            "received_at": order.received_at,
            "state": order.state,
            "unit_code": order.unit_code,
            "route": order.route,
            "grade": order.grade,
            "review": order.review,
            "item_code": order.item_code,
            "cell_code": order.cell_code,
            "street_code": order.street_code,
            "contact_by": order.contact_by,
            "due_at": order.due_at,
            "boundary_version": order.boundary_version,
        },
        actor=actor,
        origin=origin,
    )


def _notify(session: Session, order: Order, *, now: datetime) -> None:
    """Tell the unit; what waits at the desk is seen in the desk's list."""
    if order.state is not OrderState.DISPATCHED:
        return
    facts = {"order_no": order.order_no, "reasons": order.reasons}
    outbox.notify(
        session,
        at=now,
        topic="dispatch",
        unit_codes=[order.unit_code],
        say=partial(make_text, "dispatch", facts),
        data={"unit_code": order.unit_code, "state": order.state.value},
        order_no=order.order_no,
        key=f"{order.order_no}:{order.version}:receive",
    )
