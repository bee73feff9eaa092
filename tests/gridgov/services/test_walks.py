"""Random walks over the services on both databases; after every step the promises of the service are checked."""

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload, sessionmaker

from gridgov.errors import ConflictError, GridgovError
from gridgov.pack.city import load_city
from gridgov.rules.orders.needs import ANSWERED, Actor, Facts
from gridgov.rules.orders.states import OrderActionError, find_actions
from gridgov.rules.orders.transitions import (
    BY_STATE,
    CLOSED,
    Need,
    OrderAction,
    OrderState,
    Permit,
    Relation,
    Role,
    Transition,
)
from gridgov.services.city_runtime import CityRuntime, make_runtime
from gridgov.services.intake.amend import Amendment, amend
from gridgov.services.intake.pins import move_pin
from gridgov.services.load.pack import load_pack
from gridgov.services.orders import issues
from gridgov.services.orders.boundaries import mark_moved
from gridgov.services.orders.callbacks import Answers, record_callback
from gridgov.services.orders.handling import act, undo
from gridgov.services.orders.rating import find_rate_key
from gridgov.services.orders.watch import watch
from gridgov.services.whistles import calls
from gridgov.storage.audit.verify import check_log
from gridgov.storage.counts.changes import RATE_COLUMNS
from gridgov.storage.counts.sums import compact, recount
from gridgov.storage.models.journal import LogEntry
from gridgov.storage.models.orders import Issue, Order, Transfer
from gridgov.storage.models.whistles import CalledUnit, WhistleCall
from gridgov.storage.queries.rate_counts import get_rate_counts
from gridgov.storage.scope.apply import Scope, bind
from tests.gridgov.packs import TABLES, TOML, make_squares, write_layer, write_pack
from tests.gridgov.services.city import (
    CLERK,
    DISPATCHER,
    NEIGHBOUR,
    STREET,
    at,
    make_evidence,
    take,
)
from tests.gridgov.services.desks import DEPENDENCIES, DUTIES
from tests.gridgov.services.promises import find_broken, find_broken_rulings

SEED = int(os.environ.get("GRIDGOV_WALK_SEED", "20260131"))
STEPS = int(os.environ.get("GRIDGOV_WALK_STEPS", "250"))
"""Steps of the walk; ``GRIDGOV_WALK_STEPS=10000`` walks for a quarter of an hour."""
LONG_WALK = 10_000
SWITCHED = 0.012
"""Share of steps after which the city is another one: boundaries, units, items."""
ORDERS_MOST = 40
"""Orders of a walk: few, so that steps meet on the same ones."""
POINTS = [(116.405, 39.905), (116.405, 39.925), (116.425, 39.905), (116.425, 39.925)]

HURRIED = (
    OrderAction.DISPATCH,
    OrderAction.ACCEPT,
    OrderAction.CONTACT,
    OrderAction.HANDLE,
    OrderAction.REPLY,
)
CALLED = (OrderState.REPLIED, OrderState.CALLBACK, *CLOSED)


MERGEABLE = tuple(sorted(state for state, action in BY_STATE if action is OrderAction.MERGE))


@pytest.fixture
def walked(small_runtime: CityRuntime) -> CityRuntime:
    """The city whose duties call two units, one after the other."""
    return small_runtime


def write_changed(folder: Path, number: int, rng: random.Random) -> Path:
    """Write a pack in which streets have changed places, items their rules, and a unit is there or not."""
    toml = TOML.replace("[layers.exceptions]", f'version = "w{number}"\n\n[layers.exceptions]')
    units, items = TABLES["units"], TABLES["catalogue"]
    if rng.random() < 0.4:
        # Another street takes over what this one has.
        units = "".join(line for line in units.splitlines(True) if not line.startswith(NEIGHBOUR))
    leads = rng.sample(["@street", "D01", "E01", "@district"], 2)
    items = items.replace("24h,@street,D01", f"{rng.choice(['24h', '7d'])},{leads[0]},")
    items = items.replace("7d,,D01,S1", f"7d,{leads[1]},,")
    if rng.random() < 0.3:
        items = items.replace("113,3,11,无主线缆", "114,3,11,架空线缆")
    pack = write_pack(
        folder, toml, units=units, catalogue=items, duties=DUTIES, dependencies=DEPENDENCIES
    )
    squares = make_squares()
    shapes = [one["geometry"] for one in squares["features"]]
    rng.shuffle(shapes)
    for one, shape in zip(squares["features"], shapes, strict=True):
        one["geometry"] = shape
    there = {line.split(",", 1)[0] for line in units.splitlines()}
    squares["features"] = [one for one in squares["features"] if one["properties"]["code"] in there]
    write_layer(pack, squares)
    return pack


class Walker:
    """Takes random steps through the services, each a transaction of its own."""

    def __init__(
        self, sessions: sessionmaker[Session], runtime: CityRuntime, folder: Path, seed: int
    ) -> None:
        self.sessions, self.runtime, self.rng = sessions, runtime, random.Random(seed)  # noqa: S311 - a walk, no secret
        self.folder, self.switches = folder, 0
        self.minute = 0
        self.versions: dict[str, int] = {}
        self.refused = self.done = 0

    def step(self) -> None:
        # Mostly minutes; now and then a night or a week, so that dates come and clocks run out.
        self.minute += self.rng.choice([1, 1, 1, 5, 30, 240, 1440, 10_000])
        kinds = [
            *([self.take] if len(self.versions) < ORDERS_MOST else []),
            *([self.act] * 5),
            self.move,
            self.group,
            self.stale,
            self.hurry,
            self.merge,
            self.correct,
            self.undo,
            self.suspend,
            self.blow,
            *([self.whistle] * 3),
            self.call,
            self.call,
        ]
        choice = self.rng.choice(kinds)
        with self.sessions() as session:
            try:
                choice(session)
                if self.rng.random() < 0.1:
                    session.rollback()
                else:
                    session.commit()
                    self.done += 1
            except GridgovError:
                self.refused += 1
                session.rollback()
        if self.rng.random() < SWITCHED:
            self.switch()
        if self.rng.random() < 0.1:
            with self.sessions.begin() as session:
                compact(session)
        watch(self.sessions, self.runtime, now=at(self.minute))

    def switch(self) -> None:
        """Load other boundaries, units and items, as an administrator does, and list what lies elsewhere now."""
        self.switches += 1
        pack = write_changed(self.folder / str(self.switches), self.switches, self.rng)
        changed = make_runtime(load_city(pack), salt="salt")
        with self.sessions.begin() as session:
            load_pack(session, changed.city, at=at(self.minute))
        self.runtime = changed
        with self.sessions.begin() as session:
            mark_moved(session, changed, at=at(self.minute))

    def pick(self, session: Session) -> Order | None:
        rows = session.scalars(sa.select(Order).order_by(Order.id)).all()
        return self.rng.choice(rows) if rows else None

    def take(self, session: Session) -> None:
        lon, lat = self.rng.choice(POINTS)
        item = self.rng.choice(["111", "111", "112", "113", ""])
        number = self.rng.choice(["", "", f"N{self.rng.randrange(5)}"])
        take(session, self.runtime, lon=lon, lat=lat, item_code=item, appeal_no=number)

    def act(self, session: Session) -> None:
        row = self.pick(session)
        if row is None:
            return
        choices = find_actions(row.state)
        if self.rng.random() < 0.15:  # something that may well be refused
            choices = tuple(
                {transition.action: transition for transition in BY_STATE.values()}.values()
            )
        transition = self.rng.choice(choices)
        actor = self.choose(row, sorted(transition.who))
        if self.rng.random() < 0.1:
            actor = Actor(person_key="x", role=self.rng.choice(list(Role)), unit_code="D01")
        act(
            session,
            self.runtime,
            row.order_no,
            transition.action,
            actor=actor,
            facts=self.fill(session, row, transition),
            seen_version=row.version,
        )

    def hurry(self, session: Session, actions: tuple[OrderAction, ...] = HURRIED) -> None:
        """Bring an order to its reply, which chance alone seldom does."""
        row = self.pick(session)
        for action in actions:
            transition = row and BY_STATE.get((row.state, action))
            if transition:
                act(
                    session,
                    self.runtime,
                    row.order_no,
                    action,
                    actor=self.choose(row, sorted(transition.who)),
                    facts=self.fill(session, row, transition),
                )

    def dispatch(self, session: Session) -> None:
        """Dispatch an order that waits for it."""
        self.hurry(session, (OrderAction.DISPATCH,))

    def call(self, session: Session) -> None:
        rows = session.scalars(
            sa.select(Order).where(Order.state.in_(CALLED)).order_by(Order.id)
        ).all()
        if rows:
            if self.rng.random() < 0.5:
                missed = Answers(called_at=at(self.minute), not_reached="no_answer")
                order_no = self.rng.choice(rows).order_no
                record_callback(session, self.runtime, order_no, actor=CLERK, answers=missed)
                return
            answers = Answers(
                called_at=at(self.minute),
                contacted=self.rng.choice([True, True, False, None]),
                solved=self.rng.choice(["true", "partly", "false", None]),
                satisfied=self.rng.choice(["satisfied", "basically", "unsatisfied", None]),
            )
            order_no = self.rng.choice(rows).order_no
            record_callback(session, self.runtime, order_no, actor=CLERK, answers=answers)

    def merge(self, session: Session) -> None:
        """Merge two orders of one place, which chance alone seldom finds."""
        rows = session.scalars(
            sa.select(Order).where(Order.state.in_(MERGEABLE)).order_by(Order.id)
        ).all()
        places = Counter((row.lon, row.lat) for row in rows)
        near = [row for row in rows if places[row.lon, row.lat] > 1]
        if not near:
            return
        one = self.rng.choice(near)
        target = self.rng.choice(
            [row for row in near if (row.lon, row.lat) == (one.lon, one.lat) and row is not one]
        )
        facts = Facts(at=at(self.minute), target_order_no=target.order_no)
        act(
            session,
            self.runtime,
            one.order_no,
            OrderAction.MERGE,
            actor=DISPATCHER,
            facts=facts,
        )

    def correct(self, session: Session) -> None:
        row = self.pick(session)
        if row is not None:
            change = Amendment(item_code=self.rng.choice(["111", "112", "113"]))
            amend(
                session,
                self.runtime,
                row.order_no,
                amendment=change,
                actor=DISPATCHER,
                at=at(self.minute),
            )

    def undo(self, session: Session) -> None:
        last = session.scalars(
            sa.select(LogEntry)
            .where(LogEntry.subject_kind == "order", LogEntry.person_key != "")
            .order_by(LogEntry.id.desc())
            .limit(1)
        ).first()
        if last is not None:
            who = Actor(person_key=last.person_key, role=Role(last.role), unit_code=last.unit_code)
            undo(session, self.runtime, last.subject_no, actor=who, at=at(self.minute))

    def suspend(self, session: Session) -> None:
        self.force(session, OrderAction.SUSPEND, (OrderState.HANDLING, OrderState.SUPERVISED))

    def force(self, session: Session, action: OrderAction, states: tuple[OrderState, ...]) -> None:
        rows = session.scalars(
            sa.select(Order).where(Order.state.in_(states)).order_by(Order.id)
        ).all()
        if rows:
            row = self.rng.choice(rows)
            transition = BY_STATE[row.state, action]
            act(
                session,
                self.runtime,
                row.order_no,
                action,
                actor=self.choose(row, sorted(transition.who)),
                facts=self.fill(session, row, transition),
            )

    def blow(self, session: Session) -> None:
        rows = session.scalars(
            sa.select(Order)
            .where(Order.state.in_((OrderState.CONTACTED, OrderState.HANDLING)))
            .order_by(Order.id)
        ).all()
        if rows:
            row = self.rng.choice(rows)
            who = Actor(person_key="s", role=Role.STREET_CENTRE, unit_code=row.unit_code)
            facts = Facts(at=at(self.minute), reason_code="joint", text="联合")
            calls.blow(session, self.runtime, row.order_no, actor=who, facts=facts)

    def whistle(self, session: Session) -> None:
        """Take a random step in a random call."""
        query = sa.select(WhistleCall).options(selectinload(WhistleCall.units))
        found = session.scalars(query.order_by(WhistleCall.id)).all()
        if not found:
            return
        call = self.rng.choice(found[-6:])
        unit = self.rng.choice(call.units)
        caller = Actor(person_key="s", role=Role.STREET_CENTRE, unit_code=call.unit_code)
        called = Actor(person_key="h", role=Role.HANDLER, unit_code=unit.unit_code)
        names, when = (call.call_no, unit.unit_code), at(self.minute)
        steps: list[Callable[[], Any]] = [
            lambda: calls.check_in(
                session,
                self.runtime,
                *names,
                actor=called,
                arrival=calls.Arrival(at=when, authority=self.rng.choice(["full", "full", "none"])),
            ),
            lambda: calls.finish_duty(
                session, *names, self.rng.choice(unit.duties or ["D9"]), actor=called, at=when
            ),
            lambda: calls.release(session, self.runtime, *names, actor=caller, at=when),
            lambda: calls.rate_unit(session, *names, 4, actor=caller, at=when),
            lambda: calls.rate_street(session, *names, 5, actor=called, at=when),
            lambda: calls.release_order(
                session,
                self.runtime,
                call.call_no,
                actor=caller,
                facts=Facts(at=when, text="完成"),
            ),
        ]
        self.rng.choice(steps)()

    def choose(self, row: Order, permits: list[Permit]) -> Actor:
        if not permits:  # a step of the service itself: nobody may
            return DISPATCHER
        role, relation = self.rng.choice(permits)
        above = self.runtime.find_superiors(row.unit_code, self.runtime.get_day(at(self.minute)))
        units = {
            Relation.DESK: row.desk_code,
            Relation.OWNER: row.unit_code,
            Relation.SUPERIOR: above[0] if above else row.desk_code,
        }
        person = f"{role}-{self.rng.randrange(2)}"
        return Actor(person_key=person, role=role, unit_code=units[relation])

    def fill(self, session: Session, row: Order, transition: Transition) -> Facts:
        others = session.scalars(sa.select(Order.order_no).where(Order.id != row.id)).all()
        reasons = self.runtime.constants.texts(transition.reasons) if transition.reasons else ("r",)
        second = None
        if Need.SECOND_PERSON in transition.needs:
            second = self.choose(row, sorted(transition.second))
        return Facts(
            at=at(self.minute),
            reason_code=self.rng.choice(reasons),
            text="说明",
            unit_code=self.rng.choice([STREET, NEIGHBOUR, "D01", "E01"]),
            target_order_no=self.rng.choice(others) if others else "",
            until=at(self.minute + 60 * 24 * self.rng.choice([1, 7, 30])).date(),
            reference="110-7",
            persons="双方",
            ground="territory",
            evidence=make_evidence(self.rng.choice([STREET, NEIGHBOUR]), 0.9),
            answer=ANSWERED.get(transition.action),
            second=second,
        )

    def move(self, session: Session) -> None:
        row = self.pick(session)
        if row is not None:
            lon, lat = self.rng.choice(POINTS)
            actor = self.rng.choice(
                [
                    DISPATCHER,
                    Actor(person_key="s", role=Role.STREET_CENTRE, unit_code=row.unit_code),
                ]
            )
            move_pin(
                session,
                self.runtime,
                row.order_no,
                lon=lon,
                lat=lat,
                actor=actor,
                at=at(self.minute),
            )

    def group(self, session: Session) -> None:
        known = session.scalars(sa.select(Issue.issue_no).order_by(Issue.id)).all()
        row = self.pick(session)
        when: dict[str, Any] = {"actor": DISPATCHER, "at": at(self.minute)}
        if row is None:
            return
        if row.issue_id is None:
            issues.open_issue(session, self.runtime, [row.order_no], title="x", **when)
        elif self.rng.random() < 0.5:
            one, other = self.rng.choice(known), self.rng.choice(known)
            issues.merge_issues(session, one, other, reason="x", **when)
        else:
            issue = session.get_one(Issue, row.issue_id).issue_no
            issues.split_issue(session, self.runtime, issue, [row.order_no], reason="x", **when)

    def stale(self, session: Session) -> None:
        row = self.pick(session)
        if row is None:
            return
        transition = self.rng.choice(find_actions(row.state))
        with pytest.raises(ConflictError):
            act(
                session,
                self.runtime,
                row.order_no,
                transition.action,
                actor=DISPATCHER,
                facts=Facts(at=at(self.minute)),
                seen_version=row.version - 1,
            )

    def check(self) -> None:
        with self.sessions() as session:
            assert find_broken(session, self.runtime, at(self.minute)) == []
            for row in session.scalars(sa.select(Order)):
                assert row.version >= self.versions.get(row.order_no, 1)
                self.versions[row.order_no] = row.version
            assert len(self.versions) == session.scalar(
                sa.select(sa.func.count()).select_from(Order)
            )

    def check_books(self) -> None:
        """Check what is costly: the log's chains and the counts anew, and the rulings along the log."""
        with self.sessions() as session:
            assert check_log(session).faults == ()
            assert recount(session, self.runtime.zone).empty
            assert find_broken_rulings(session) == []

    def check_rates(self) -> int:
        """Count anew what each order is worth in the rates, and compare with what was kept while writing."""
        with self.sessions() as session:
            computed: Counter[tuple[str, str, str]] = Counter()
            for row in session.scalars(sa.select(Order)):
                key = find_rate_key(session, self.runtime, row) or {}
                for name in RATE_COLUMNS:
                    computed[key.get("month"), key.get("unit_code"), name] += key.get(name, 0)
            table = get_rate_counts(session).set_index(["month", "unit_code"]).stack()
        kept = {(*at, name): n for (*at, name), n in table.items() if n}
        assert kept == {at: n for at, n in computed.items() if n}
        return len(kept)

    def check_states(self) -> None:
        """Follow each order through the log: it begins at its receipt and ends where it stands."""
        with self.sessions() as session:
            entries = session.scalars(
                sa.select(LogEntry).where(LogEntry.subject_kind == "order").order_by(LogEntry.id)
            )
            states: dict[str, str] = {}
            for entry in entries:
                before, after = (entry.before or {}), (entry.after or {})
                if entry.action == "receive":
                    assert entry.subject_no not in states
                elif "state" in after:
                    was = OrderState(before["state"])
                    assert states[entry.subject_no] == was
                    if entry.action == "undo":
                        assert before["state"] != after["state"]
                    else:
                        row = BY_STATE[was, OrderAction(entry.action)]
                        assert row.find_target(was) == after["state"]
                states[entry.subject_no] = after.get("state", states.get(entry.subject_no))
            stands = dict(session.execute(sa.select(Order.order_no, Order.state)).all())
        assert states == stands

    def check_scopes(self) -> None:
        for units in ((STREET,), (NEIGHBOUR, "110101"), ("D01", "E01")):
            scope = Scope(
                account_id=1,
                person_key="x",
                role=Role.HANDLER,
                unit_code=units[0],
                unit_codes=units,
                sees_all=False,
                sees_personal=True,
            )
            with self.sessions() as session:
                query = sa.select(Transfer.order_id).where(Transfer.from_unit_code.in_(units))
                called = (
                    sa.select(WhistleCall.order_id)
                    .join(CalledUnit, CalledUnit.call_id == WhistleCall.id)
                    .where(CalledUnit.unit_code.in_(units))
                )
                shared = {*session.scalars(query), *session.scalars(called)}
                wanted = {
                    row.order_no
                    for row in session.scalars(sa.select(Order))
                    if row.unit_code in units
                    or row.id in shared
                    or (row.route == "emergency" and row.street_code in units)
                }
            with bind(self.sessions(), scope) as session:
                assert set(session.scalars(sa.select(Order.order_no))) == wanted


def test_promises_hold_after_every_step(
    loaded: sessionmaker[Session], walked: CityRuntime, tmp_path: Path
) -> None:
    walker = Walker(loaded, walked, tmp_path, seed=SEED)
    for number in range(STEPS):
        walker.step()
        walker.check()
        if number % (STEPS // 15) == 0:
            walker.check_books()
            walker.check_rates()
    walker.check_books()
    assert walker.check_rates() > 0 or STEPS < LONG_WALK
    walker.check_states()
    walker.check_scopes()
    assert walker.done > STEPS / 3
    assert walker.refused > 0
    assert len(walker.versions) > 3
    if STEPS >= LONG_WALK:
        with loaded() as session:
            seen = set(session.scalars(sa.select(LogEntry.action).distinct()))
        # A walk that never comes somewhere proves nothing of it.
        assert {action.value for action in OrderAction} - seen == set()


def test_refusals_are_of_the_rules(loaded: sessionmaker[Session], runtime: CityRuntime) -> None:
    with loaded() as session:
        number = take(session, runtime).order_nos[0]
        with pytest.raises(OrderActionError):
            act(
                session,
                runtime,
                number,
                next(iter(ANSWERED)),
                actor=DISPATCHER,
                facts=Facts(at=at(1)),
            )
