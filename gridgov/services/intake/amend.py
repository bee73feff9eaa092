"""Correcting what an appeal says: its item, its words, its address; unit, clocks and route follow at once.

An order that waits for its item gets it here; one that was dispatched by a wrong item goes to the unit of the right one
while nobody has accepted it, and is marked for a decision after that (``services.intake.reassess``).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from geodata.frames import JURISDICTION_COLUMNS
from geodata.problems import Problem
from gridgov.errors import ConflictError, ForbiddenError, GridgovError
from gridgov.jobs.placing import find_address, judge_place
from gridgov.rules.dispatch import find_deadlines
from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role
from gridgov.rules.privacy import mask_text
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.cells import ensure_cells
from gridgov.services.intake.checks import LENGTHS, IntakeError
from gridgov.services.intake.corrections import find_correction
from gridgov.services.intake.reassess import Change, OrderAfter, reassess, write_order
from gridgov.services.orders.place import PLACED, get_appeal, put_place
from gridgov.services.orders.rows import get_order
from gridgov.storage.audit.log import clean_text
from gridgov.storage.models.appeals import Appeal, AppealPerson
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.scope.apply import without_row_scope

AMENDERS = frozenset({Role.OPERATOR, Role.DISPATCHER})
"""Roles of the desk that correct an appeal [A]: who talked to the person, and who sends it on."""


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What is corrected; None stays as it is.

    Parameters
    ----------
    item_code
        Item of the catalogue, by its code or its exact name.
    text, address
        The person's words, as they should have been taken down.
    """

    item_code: str | None = None
    text: str | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class AmendPlan:
    """What a correction would do: a page shows it before anybody saves.

    Parameters
    ----------
    amendment
        Checked: the item by its code, texts trimmed, what does not differ left out.
    place
        ``PLACE_COLUMNS`` and ``JURISDICTION_COLUMNS`` by name.
    after
        What becomes of the order.
    due_at
        Final deadline by the grade of the item, before pauses.
    """

    amendment: Amendment
    place: dict[str, Any]
    after: OrderAfter
    due_at: datetime | None


def preview_amend(
    session: Session, runtime: CityRuntime, order_no: str, *, amendment: Amendment, actor: Actor
) -> AmendPlan:
    """Return what a correction would do; nothing is written.

    Raises
    ------
    NotFoundError, ForbiddenError, IntakeError
        There is no such order, this account may not, or something of it cannot be.
    GridgovError
        Nothing differs, or the order is answered already.
    """
    row = get_order(session, order_no)
    return _plan(session, runtime, get_appeal(session, row), row, amendment, actor)


def amend(
    session: Session,
    runtime: CityRuntime,
    order_no: str,
    *,
    amendment: Amendment,
    actor: Actor,
    at: datetime,
    seen_version: int | None = None,
) -> AmendPlan:
    """Correct an order's item and its appeal's words; return what became of it, flushed and not committed.

    Raises
    ------
    NotFoundError, ForbiddenError, IntakeError, GridgovError
        As :func:`preview_amend`.
    ConflictError
        Somebody changed the order meanwhile.
    """
    row = get_order(session, order_no, seen_version=seen_version)
    try:
        with without_row_scope(session):
            appeal = get_appeal(session, row)
            plan = _plan(session, runtime, appeal, row, amendment, actor)
            change = _write_appeal(session, runtime, appeal, row, plan, actor=actor, at=at)
            write_order(
                session,
                runtime,
                appeal,
                row,
                plan.after,
                change=change,
                item_code=plan.amendment.item_code,
            )
    except StaleDataError as error:
        raise ConflictError("order", order_no, seen=seen_version, found=None) from error
    return plan


def _plan(
    session: Session,
    runtime: CityRuntime,
    appeal: Appeal,
    row: Order,
    amendment: Amendment,
    actor: Actor,
) -> AmendPlan:
    if actor.role not in AMENDERS or actor.unit_code != row.desk_code:
        raise ForbiddenError(
            f"{actor.role} of {actor.unit_code!r} may not correct order {row.order_no}; "
            f"operators and dispatchers of {row.desk_code} may"
        )
    if row.outcome is not Outcome.OPEN or row.replied_at is not None:
        raise GridgovError(
            f"order {row.order_no} is {row.state}: what is answered is not corrected; reopen it first"
        )
    checked = _check(runtime, appeal, row, amendment)
    place = _find_place(session, runtime, appeal, checked)
    after = reassess(runtime, appeal, _with_item(row, checked), place, actor)
    due = find_deadlines(
        row.clock_from or row.received_at,
        after.decision.grade,
        runtime.grades,
        calendar=runtime.calendar,
        zone=runtime.zone,
    )
    return AmendPlan(amendment=checked, place=place, after=after, due_at=due.due_at)


def _check(runtime: CityRuntime, appeal: Appeal, row: Order, amendment: Amendment) -> Amendment:
    """Return the amendment without what does not differ."""
    problems = []
    item = amendment.item_code
    if item is not None:
        catalogue = runtime.city.catalogue
        found = None if catalogue is None else catalogue.find_code(clean_text(item))
        if found is None:
            problems.append(
                Problem(
                    file="appeal",
                    field="item_code",
                    value=item,
                    problem="is no item of the catalogue",
                    expected="an item_code or an exact name",
                )
            )
        item = None if found == row.item_code and appeal.item_confidence == 1.0 else found
    texts = {}
    for name, masked in (("text", appeal.text), ("address", appeal.address)):
        given = getattr(amendment, name)
        words = None if given is None else clean_text(given).strip()
        if words is not None and len(words) > LENGTHS[name]:
            problems.append(
                Problem(
                    file="appeal",
                    field=name,
                    value=words[:40],
                    problem=f"is longer than {LENGTHS[name]} characters",
                    expected="a shorter one",
                )
            )
        texts[name] = None if words is not None and mask_text(words) == (masked or "") else words
    if problems:
        raise IntakeError(tuple(problems))
    checked = Amendment(item_code=item, **texts)
    if checked == Amendment():
        raise GridgovError(f"order {row.order_no}: nothing of it differs from what is there")
    return checked


def _find_place(
    session: Session, runtime: CityRuntime, appeal: Appeal, amendment: Amendment
) -> dict[str, Any]:
    """Return where the thing is: a pin stays, a place that was read off the old address is read off the new one."""
    pinned = appeal.lon is not None and not appeal.matched
    if amendment.address is None or pinned:
        return {name: getattr(appeal, name) for name in (*PLACED, *JURISDICTION_COLUMNS)}
    fixed = find_correction(session, amendment.address)
    place = fixed or find_address(amendment.address or None, lambda: runtime.geocoder)
    return {**place, **judge_place(place, lambda: runtime.territory, runtime.constants)}


def _with_item(row: Order, amendment: Amendment) -> Order:
    """Return the order as it would be with the item, beside the session."""
    if amendment.item_code is None:
        return row
    names = ("order_no", "unit_code", "bound_unit_code", "state", "kind", "received_at")
    return Order(**{name: getattr(row, name) for name in names}, item_code=amendment.item_code)


def _write_appeal(
    session: Session,
    runtime: CityRuntime,
    appeal: Appeal,
    row: Order,
    plan: AmendPlan,
    *,
    actor: Actor,
    at: datetime,
) -> Change:
    change, new = Change(action="correct", actor=actor, at=at), plan.amendment
    before: dict[str, Any] = {}
    if new.item_code is not None and row.item_code == appeal.item_code:
        appeal.item_code, appeal.item_confidence = new.item_code, 1.0
    for name in ("text", "address"):
        words = getattr(new, name)
        if words is None:
            continue
        masked = mask_text(words)
        before[name] = getattr(appeal, name)
        setattr(appeal, name, masked or None)
        _keep_raw(session, appeal, name, words if words != masked else None)
    if new.address is not None:
        put_place(runtime, appeal, plan.place)
        cell = plan.place["cell_code"]
        ensure_cells(session, runtime.city, [cell] if cell else [], on=runtime.get_day(at))
    session.flush()
    after = {name: getattr(appeal, name) for name in before}
    return replace(change, before=before, after=after)


def _keep_raw(session: Session, appeal: Appeal, name: str, words: str | None) -> None:
    """Keep the words as they were said apart, where something is masked in them."""
    person = session.scalars(
        sa.select(AppealPerson).where(AppealPerson.appeal_id == appeal.id)
    ).one_or_none()
    if person is None and words is not None:
        person = AppealPerson(appeal_id=appeal.id)
        session.add(person)
    if person is not None:
        setattr(person, f"raw_{name}", words)
