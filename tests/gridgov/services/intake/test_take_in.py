"""Intake on both databases: what the main job says, once, whole, with nothing personal on the wide tables."""

from datetime import timedelta
from threading import Thread

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.frames import APPEAL_COLUMNS
from gridgov.jobs.pipeline import run_pipeline
from gridgov.rules.orders.transitions import OrderState
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.checks import IntakeError
from gridgov.services.intake.take_in import NewAppeal, prepare, take_in
from gridgov.storage.audit.verify import verify
from gridgov.storage.models.appeals import Appeal, AppealPerson, PinMove
from gridgov.storage.models.city import Cell
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Order
from tests.gridgov.services.city import DESK, INSIDE, NOW, STREET, take

CASES = [
    {"lon": 116.405, "lat": 39.905, "item_code": "111"},
    {"lon": 116.41999, "lat": 39.9, "item_code": "111"},  # on the edge of two streets
    {"lon": 116.412, "lat": 39.912, "item_code": "111"},  # in the compound of a joint body
    {"lon": 116.405, "lat": 39.905, "item_code": "112"},
    {"lon": 116.405, "lat": 39.905, "item_code": "113"},
    {"lon": 116.405, "lat": 39.905},
    {"address": "和平小区3号楼2单元", "item_code": "111"},
    {"address": "长安大厦", "item_code": "113", "channel": "企业热线"},
    {"address": "东华门街道", "item_code": "111"},
    {"address": "东城区", "item_code": "111"},
    {"address": "不知道在哪里的地方", "item_code": "111"},
    {"item_code": "111"},
    {"lon": 116.425, "lat": 39.925, "item_code": "111", "kind": "咨询"},
]


def make_frame(runtime: CityRuntime, cases: list[dict]) -> pd.DataFrame:
    rows = [
        {
            **dict.fromkeys(APPEAL_COLUMNS),
            "appeal_no": str(at),
            "received_at": NOW,
            "text": "x",
            **case,
        }
        for at, case in enumerate(cases)
    ]
    frame = pd.DataFrame(rows, columns=list(APPEAL_COLUMNS))
    zone = str(runtime.zone)
    for name in ("received_at", "contacted_at", "closed_at"):
        times = pd.to_datetime(frame[name], utc=True)
        frame[name] = times.dt.tz_convert(zone).astype(f"datetime64[us, {zone}]")
    for name in APPEAL_COLUMNS:
        if name in {"lon", "lat"}:
            frame[name] = frame[name].astype(float)
        elif name in {"contacted", "solved"}:
            frame[name] = frame[name].astype("boolean")
        elif not name.endswith("_at"):
            frame[name] = frame[name].astype("str")
    return frame


def test_every_column_is_what_the_main_job_says(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    wanted = run_pipeline(runtime.city, make_frame(runtime, CASES), as_of=pd.Timestamp(NOW)).orders
    with loaded.begin() as session:
        for number, case in enumerate(CASES):
            take_in(
                session,
                runtime,
                NewAppeal(received_at=NOW, source="t", appeal_no=str(number), text="x", **case),
                now=NOW,
            )
    with loaded() as session:
        found = session.execute(
            sa.select(Order, Appeal).join(Appeal, Appeal.id == Order.appeal_id).order_by(Order.id)
        ).all()
    assert len(found) == len(wanted)
    for (order, appeal), (_, row) in zip(found, wanted.iterrows(), strict=True):
        for name in wanted.columns:
            holder = order if hasattr(order, name) else appeal
            if not hasattr(holder, name) or name in {"solved", "satisfied", "contacted"}:
                continue
            one, other = getattr(holder, name), row[name]
            if isinstance(one, float):
                assert one == pytest.approx(other, abs=1e-9), (name, row["appeal_no"])
            else:
                assert one == other or (one is None and pd.isna(other)), (name, row["appeal_no"])


def test_an_appeal_with_all_that_hangs_on_it(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        taken = take(session, runtime, name="王某", phone="13812345678", address="和平小区")
    with loaded() as session:
        order = session.scalars(sa.select(Order)).one()
        appeal = session.scalars(sa.select(Appeal)).one()
        person = session.scalars(sa.select(AppealPerson)).one()
        message = session.scalars(sa.select(Message)).one()
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.subject_kind == "order")).one()
        assert verify(session) == []
    assert taken.order_nos == (order.order_no,) == (f"{appeal.appeal_no}-1",)
    assert (order.state, order.unit_code, order.level1_code) == (OrderState.DISPATCHED, STREET, "1")
    assert appeal.text == "路边摆摊占道，电话138****5678"
    assert person.raw_text == "路边摆摊占道，电话13812345678"
    assert (person.name, person.phone, person.raw_address) == ("王某", "13812345678", None)
    assert (message.unit_code, message.order_no) == (STREET, order.order_no)
    assert (entry.action, entry.subject_no, entry.origin) == ("receive", order.order_no, "test")
    assert "13812345678" not in str(entry.after) + str(message.body)
    assert (appeal.point.x, appeal.point.y) == INSIDE


def test_the_same_number_of_a_source_comes_in_once(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        first = take(session, runtime, appeal_no="A1")
        again = take(session, runtime, appeal_no="A1", text="something else")
    with loaded.begin() as session:
        later = take(session, runtime, appeal_no="A1")
        other = take(session, runtime, appeal_no="A1", source="other")
    assert (first.is_new, again.is_new, later.is_new, other.is_new) == (True, False, False, True)
    assert first.order_nos == again.order_nos == later.order_nos == ("A1-1",)
    assert other.order_nos == ("other:A1-1",)
    with loaded() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Order)) == 2


def test_a_number_as_long_as_may_be_comes_from_two_sources(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    longest = "A" * 70
    with loaded.begin() as session:
        take(session, runtime, appeal_no=longest)
        second = take(session, runtime, appeal_no=longest, source="a hotline with a long name")
    (number,) = second.order_nos
    assert (len(number), number[:27]) == (80, "a hotline with a long name:")


def test_numbers_are_unique_under_many_clients(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    numbers: list[str] = []

    def work() -> None:
        for turn in range(5):
            with loaded.begin() as session:
                own = take(session, runtime)
                shared = take(session, runtime, appeal_no=f"shared-{turn}")
            numbers.extend([own.appeal_no, *([shared.appeal_no] if shared.is_new else [])])

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == len(set(numbers)) == 25
    with loaded() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Order)) == 25
        assert verify(session) == []


def test_nothing_is_kept_of_what_is_rolled_back(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded() as session:
        take(session, runtime)
        session.rollback()
        for model in (Order, Appeal, AppealPerson, Message):
            assert session.scalars(sa.select(model)).all() == []


def test_a_cell_that_was_rolled_back_comes_with_the_next_appeal(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded() as session:
        take(session, runtime)
        take(session, runtime)  # finds the cell that this transaction has added
        session.rollback()
    for _ in range(2):
        with loaded.begin() as session:
            take(session, runtime)
        with loaded() as session:
            cell = session.scalars(sa.select(Order.cell_code)).first()
            assert session.scalars(sa.select(Cell.cell_code)).all() == [cell]


def test_what_needs_a_person_waits_at_the_desk(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        take(session, runtime, item_code="")
        take(session, runtime, lon=None, lat=None, address="")
    with loaded() as session:
        orders = session.scalars(sa.select(Order).order_by(Order.id)).all()
        assert session.scalars(sa.select(Message)).all() == []
    assert [order.state for order in orders] == [OrderState.RECEIVED] * 2
    assert [order.review for order in orders] == [True, True]
    assert [order.unit_code for order in orders] == [STREET, DESK]


def test_a_moved_pin_answers_the_next_address(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        appeal = session.get(Appeal, 1)
        assert appeal is None
        taken = take(session, runtime, lon=None, lat=None, address="没人知道的胡同 8号")
        order = session.scalars(sa.select(Order)).one()
        assert (taken.is_new, order.street_code) == (True, None)
        session.add(
            PinMove(
                appeal_id=order.appeal_id,
                address="没人知道的胡同8号",
                address_key="没人知道的胡同8号",
                lon=INSIDE[0],
                lat=INSIDE[1],
                source="pin",
                made_by="p",
                made_at=NOW,
            )
        )
        new = NewAppeal(received_at=NOW, address="没人知道的胡同８号", text="x", item_code="111")
        found = prepare(session, runtime, new, now=NOW)
    assert (found.place["street_code"], found.place["place_level"]) == (STREET, "number")
    assert found.state is OrderState.DISPATCHED


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"text": "", "item_code": ""}, {"text"}),
        ({"lat": None}, {"lon lat"}),
        ({"lon": float("nan")}, {"lon lat"}),
        ({"lon": 39.905, "lat": 116.405}, {"lon lat"}),
        ({"lon": 39.905, "lat": 60.0}, {"lon lat"}),
        ({"item_code": "999"}, {"item_code"}),
        ({"received_at": NOW + timedelta(hours=1)}, {"received_at"}),
        ({"received_at": NOW.replace(year=2001)}, {"received_at"}),
        ({"received_at": NOW.replace(tzinfo=None), "source": " "}, {"received_at", "source"}),
        ({"appeal_no": "9" * 71, "phone": "1" * 101}, {"appeal_no", "phone"}),
    ],
)
def test_every_fault_is_named(
    session: Session, runtime: CityRuntime, changes: dict, fields: set[str]
) -> None:
    with pytest.raises(IntakeError) as error:
        take(session, runtime, **changes)
    assert {problem.field for problem in error.value.problems} == fields


def test_what_no_database_stores_is_left_out(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    with loaded.begin() as session:
        take(session, runtime, text="a\0b\ud800c", name="\0")
    with loaded() as session:
        assert session.scalars(sa.select(Appeal.text)).one() == "ab?c"
        assert session.scalars(sa.select(AppealPerson)).all() == []
