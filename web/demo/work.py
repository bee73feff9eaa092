"""The demo's working day: people of its street and desk take steps in orders, through the same services as the pages.

An export knows only when an appeal came in, was answered and was closed. A desk on which nobody has reported in and
nothing is disputed shows little; for each story of ``demo_work.csv`` an earlier appeal of the street is said again on
the demo's day, and its order goes the steps of the file.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.rules.orders.needs import Actor, Facts
from gridgov.rules.orders.transitions import OrderAction, Role
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.take_in import NewAppeal, take_in
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.evidence import make_evidence
from gridgov.services.orders.exclusions import propose
from gridgov.services.orders.handling import act
from gridgov.services.orders.rows import get_order
from gridgov.services.whistles import calls as whistles
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from web.demo.accounts import PREFIX

STEPS_FILE = Path(__file__).with_suffix(".csv")
CALLED_MIN = 2
"""A call to one unit alone shows no desk at work."""
LASTS = timedelta(days=10)
"""Until when the demo's supervised and suspended orders run."""
ARRIVE_WITHIN = timedelta(days=2)
"""A unit of a later stage need not be there on the demo's day."""
LEAD_MIN = 6
"""From the receipt of an appeal to the first step of its story."""
LOOKED_AT = 2_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the file: who does what, so many minutes before the demo begins.

    Parameters
    ----------
    role
        Of the demo's account; None for people of the called units, of which the first is late.
    """

    story: str
    ago_min: int
    role: Role | None
    action: str
    reason: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DemoDay:
    """Where steps are taken: the session, the city, who is there, and when the demo begins."""

    session: Session
    runtime: CityRuntime
    actors: Mapping[Role, Actor]
    as_of: datetime


def play_day(session: Session, runtime: CityRuntime, *, as_of: datetime) -> list[str]:
    """Play the stories of the file in the demo's street and return those played.

    Parameters
    ----------
    session
        The system's own; not committed.
    runtime
        The city.
    as_of
        When the demo begins, aware. All steps lie before it.

    Notes
    -----
    A story for which the street has no model is left out.
    """
    day = DemoDay(session=session, runtime=runtime, actors=find_actors(session), as_of=as_of)
    models = find_models(day)
    played = []
    for name, steps in read_stories().items():
        model = next((one for one in models if fits(day, one, steps)), None)
        if model is None:
            continue
        models.remove(model)
        order_no = take_again(day, model, ago_min=max(step.ago_min for step in steps) + LEAD_MIN)
        for step in steps:
            take_step(day, order_no, step)
        played.append(name)
    return played


def read_stories() -> dict[str, tuple[Step, ...]]:
    """Return the steps of each story, in the order of the file."""
    stories: dict[str, tuple[Step, ...]] = {}
    with STEPS_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            step = Step(
                story=row["story"],
                ago_min=int(row["ago_min"]),
                role=Role(row["role"]) if row["role"] else None,
                action=row["action"],
                reason=row["reason"],
                text=row["text"],
            )
            stories[step.story] = (*stories.get(step.story, ()), step)
    return stories


def find_actors(session: Session) -> dict[Role, Actor]:
    """Return the people of the demo's accounts by role."""
    accounts = session.scalars(
        sa.select(Account).where(Account.login.startswith(PREFIX, autoescape=True), Account.active)
    )
    return {
        one.role: Actor(person_key=one.person_key, role=one.role, unit_code=one.unit_code)
        for one in accounts
    }


def find_models(day: DemoDay) -> list[str]:
    """Return orders of the demo's street, the newest of each item, whose appeals are said again on the demo's day."""
    centre = day.actors.get(Role.STREET_CENTRE)
    if centre is None:
        return []
    past = (
        sa.select(Order.order_no, Order.item_code)
        .where(
            Order.unit_code == centre.unit_code,
            Order.item_code.is_not(None),
            Order.lon.is_not(None),
            Order.review.is_(False),
        )
        .order_by(Order.received_at.desc(), Order.order_no)
        .limit(LOOKED_AT)
    )
    newest: dict[str, str] = {}
    for order_no, item_code in day.session.execute(past):
        newest.setdefault(str(item_code), order_no)
    return list(newest.values())


def fits(day: DemoDay, order_no: str, steps: Iterable[Step]) -> bool:
    """Tell whether an order can be the model of a story: a call would bring several units, a dispute has its place."""
    actions = {step.action for step in steps}
    if "dispute" in actions:
        return find_place_next_door(day, get_order(day.session, order_no)) is not None
    return "blow" not in actions or count_called(day, order_no) >= CALLED_MIN


def take_again(day: DemoDay, model_no: str, *, ago_min: int) -> str:
    """Take an appeal in that says what an earlier one said, at the same place, and return its order's number."""
    order, appeal = day.session.execute(
        sa.select(Order, Appeal)
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(Order.order_no == model_no)
    ).one()
    at = day.as_of - timedelta(minutes=ago_min)
    new = NewAppeal(
        received_at=at,
        text=appeal.text or "",
        address=appeal.address or "",
        channel=appeal.channel or "",
        kind=appeal.kind or "",
        item_code=order.item_code or "",
        lon=order.lon,
        lat=order.lat,
    )
    operator = day.actors.get(Role.OPERATOR)
    return take_in(day.session, day.runtime, new, now=at, actor=operator, origin="demo").order_nos[
        0
    ]


def count_called(day: DemoDay, order_no: str) -> int:
    """Return how many units a call about an order would bring soon, 0 where it cannot be made."""
    try:
        plan = whistles.make_plan(day.session, day.runtime, order_no, at=day.as_of)
    except GridgovError:
        return 0
    within_min = ARRIVE_WITHIN / timedelta(minutes=1)
    return sum(call.report_in_min <= within_min for call in plan.calls)


def find_place_next_door(day: DemoDay, order: Order) -> tuple[float, float] | None:
    """Return the place of an appeal in another street, the nearest one, degrees EPSG:4326."""
    if order.lon is None or order.lat is None:
        return None
    gap = (Appeal.lon - order.lon) * (Appeal.lon - order.lon) + (Appeal.lat - order.lat) * (
        Appeal.lat - order.lat
    )
    nearest = (
        sa.select(Appeal.lon, Appeal.lat)
        .where(Appeal.street_code != order.unit_code, Appeal.lon.is_not(None))
        .order_by(gap)
        .limit(1)
    )
    found = day.session.execute(nearest).one_or_none()
    return None if found is None else (found.lon, found.lat)


# --- steps ----------------------------------------------------------------------------------------


def take_step(day: DemoDay, order_no: str, step: Step) -> None:
    """Take one step."""
    at = day.as_of - timedelta(minutes=step.ago_min)
    STEPS.get(step.action, _act)(day, order_no, step, at)


def _make_facts(day: DemoDay, order_no: str, step: Step, at: datetime) -> Facts:
    facts = Facts(at=at, reason_code=step.reason, text=step.text)
    action = OrderAction(step.action)
    if action in {OrderAction.SUPERVISE, OrderAction.SUSPEND}:
        facts = replace(facts, until=(day.as_of + LASTS).date())
    if action is OrderAction.SUSPEND:
        reasons = day.runtime.constants.texts("deadlines.suspension_reasons")
        facts = replace(facts, reason_code=reasons[0], second=day.actors[Role.SUPERVISOR])
    if action is OrderAction.DISPUTE:
        place = find_place_next_door(day, get_order(day.session, order_no))
        if place is not None:
            evidence = make_evidence(day.runtime, *place, source=step.text)
            facts = replace(facts, ground="territory", evidence=evidence)
    return facts


def _act(day: DemoDay, order_no: str, step: Step, at: datetime) -> None:
    act(
        day.session,
        day.runtime,
        order_no,
        OrderAction(step.action),
        actor=_get_actor(day, step),
        facts=_make_facts(day, order_no, step, at),
    )


def _get_actor(day: DemoDay, step: Step) -> Actor:
    if step.role is None:
        raise GridgovError(f"{STEPS_FILE.name}: {step.story}/{step.action} names no role")
    return day.actors[step.role]


def _blow(day: DemoDay, order_no: str, step: Step, at: datetime) -> None:
    whistles.blow(
        day.session,
        day.runtime,
        order_no,
        actor=_get_actor(day, step),
        facts=Facts(at=at, reason_code=step.reason, text=step.text),
    )


def _report_in(day: DemoDay, order_no: str, _step: Step, at: datetime) -> None:
    """Let the units that must be there soon arrive at the place, a minute after each other, but for the first."""
    call = day.session.scalars(
        sa.select(WhistleCall)
        .join(Order, Order.id == WhistleCall.order_id)
        .where(Order.order_no == order_no)
    ).one()
    called = day.session.scalars(
        sa.select(CalledUnit.unit_code)
        .where(CalledUnit.call_id == call.id, CalledUnit.report_in_by <= at + ARRIVE_WITHIN)
        .order_by(CalledUnit.report_in_by, CalledUnit.unit_code)
    ).all()
    for place, unit in enumerate(called[1:]):
        arrival = whistles.Arrival(at=at + timedelta(minutes=place), lon=call.lon, lat=call.lat)
        who = Actor(person_key=f"demo:{unit}", role=Role.HANDLER, unit_code=unit)
        whistles.check_in(day.session, day.runtime, call.call_no, unit, actor=who, arrival=arrival)


def _propose(day: DemoDay, order_no: str, step: Step, at: datetime) -> None:
    propose(
        day.session,
        day.runtime,
        order_no,
        actor=_get_actor(day, step),
        reason_code=day.runtime.constants.texts("rates.exclusion_reasons")[0],
        at=at,
    )


def _call_back(day: DemoDay, order_no: str, step: Step, at: datetime) -> None:
    answers = Answers(
        called_at=at, contacted=True, solved="true", satisfied="satisfied", note=step.text
    )
    record_callback(
        day.session, day.runtime, order_no, actor=_get_actor(day, step), answers=answers
    )


STEPS: Mapping[str, Callable[[DemoDay, str, Step, datetime], None]] = MappingProxyType(
    {"blow": _blow, "report_in": _report_in, "propose": _propose, "call_back": _call_back}
)
"""What is more than one action of the transition table; all else is one."""
