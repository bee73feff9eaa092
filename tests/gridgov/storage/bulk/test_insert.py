"""Rows written in bulk are those that the models read back, on both databases."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gridgov.storage.bulk.insert import HEADER, insert_frame, make_rows, take_ids
from gridgov.storage.models.appeals import Appeal, AppealPerson
from gridgov.storage.models.counts import CountDelta
from gridgov.storage.models.journal import ImportRun, LogEntry
from gridgov.storage.models.orders import Outcome

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def make_appeals(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    lon = pd.Series(rng.uniform(116, 117, n)).mask(rng.random(n) < 0.2)
    times = pd.Series(pd.to_datetime(rng.integers(0, 2**50, n), unit="us", utc=True))
    texts = pd.Series(
        [None if at % 7 == 0 else f"第{at}件，路灯“不亮”😀\t\\N" for at in range(n)], dtype="str"
    )
    return pd.DataFrame(
        {
            "id": np.arange(1, n + 1),
            "source": "s",
            "appeal_no": [f"A{at}" for at in range(n)],
            "received_at": times.dt.tz_convert("Asia/Shanghai"),
            "text": texts,
            "lon": lon,
            "lat": lon - 77,
            "point_lon": lon,
            "point_lat": lon - 77,
            "confidence": lon - 116,
            "boundary_version": "1",
            "created_at": times,
        }
    )


def test_appeals_come_back_as_they_went_in(session: Session) -> None:
    frame = make_appeals(300)
    insert_frame(session, Appeal.__table__, frame)
    session.commit()
    found = session.scalars(sa.select(Appeal).order_by(Appeal.id)).all()
    assert len(found) == 300
    for row, appeal in zip(frame.to_dict("records"), found, strict=True):
        assert appeal.appeal_no == row["appeal_no"]
        assert appeal.received_at == row["received_at"].to_pydatetime()
        assert appeal.text == (None if pd.isna(row["text"]) else row["text"])
        assert appeal.channel is None
        if pd.isna(row["lon"]):
            assert (appeal.lon, appeal.point, appeal.confidence) == (None, None, None)
        else:
            assert appeal.lon == row["lon"]
            assert appeal.point == shapely.Point(row["lon"], row["lat"])


def test_every_other_type(session: Session) -> None:
    counts = pd.DataFrame(
        {
            **{name: ["x", ""] for name in ("cell_code", "community_code", "street_code")},
            **{name: ["y", "界"] for name in ("unit_code", "item_code", "level1_code")},
            "day": pd.to_datetime(["1969-12-31", "2026-02-28"]),
            "outcome": ["open", "solved"],
            "n": [-3, 2**31 - 1],
        }
    )
    insert_frame(session, CountDelta.__table__, counts)
    log = pd.DataFrame(
        {
            "chain": [3, 3],
            "position": [2**40, 2**40 + 1],
            "at": pd.to_datetime([AT, AT], utc=True),
            "action": "intake",
            "subject_kind": "order",
            "subject_no": ["1", "2"],
            "person_key": "",
            "role": "",
            "unit_code": "",
            "origin": "load",
            "after": ['{"状态": [1, 2.5, null]}', None],
            "hash": [bytes(range(32)), bytes(32)],
        }
    )
    insert_frame(session, LogEntry.__table__, log)
    session.commit()
    rows = session.scalars(sa.select(CountDelta).order_by(CountDelta.id)).all()
    assert [(one.day, one.outcome, one.n) for one in rows] == [
        (date(1969, 12, 31), Outcome.OPEN, -3),
        (date(2026, 2, 28), Outcome.SOLVED, 2**31 - 1),
    ]
    entries = session.scalars(sa.select(LogEntry).order_by(LogEntry.position)).all()
    assert [one.after for one in entries] == [{"状态": [1, 2.5, None]}, None]
    assert entries[0].hash == bytes(range(32))
    assert (entries[0].at, entries[0].position) == (AT, 2**40)


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.none(),
                st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            ),
            st.one_of(st.none(), st.floats(allow_nan=False)),
        ),
        min_size=1,
    )
)
def test_the_format_is_that_of_the_manual(rows: list[tuple[str | None, float | None]]) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Text), sa.Column("b", sa.Float(53)))
    frame = pd.DataFrame(rows, columns=["a", "b"]).astype({"a": "str", "b": "float64"})
    expected = b""
    for text, number in rows:
        expected += (2).to_bytes(2, "big")
        expected += _field(None if text is None else text.encode())
        expected += _field(None if number is None else np.array(number, dtype=">f8").tobytes())
    assert bytes(make_rows(table, frame)) == expected
    assert len(HEADER) == 19


def _field(value: bytes | None) -> bytes:
    if value is None:
        return (-1).to_bytes(4, "big", signed=True)
    return len(value).to_bytes(4, "big") + value


def test_a_time_without_a_zone_is_a_fault(postgres: sa.Engine) -> None:
    frame = make_appeals(2).assign(created_at=pd.Timestamp("2026-01-01"))
    with Session(postgres) as session, pytest.raises(TypeError, match="no zone"):
        insert_frame(session, Appeal.__table__, frame)


def test_keys_are_new_and_ascending(session: Session) -> None:
    table: Any = Appeal.__table__
    first = take_ids(session, table, 5)
    assert list(np.diff(first)) == [1] * 4
    insert_frame(session, table, make_appeals(5).assign(id=first))
    second = take_ids(session, table, 3)
    assert second.min() > first.max()
    persons = pd.DataFrame({"appeal_id": first[:2], "name": [None, "王"], "phone": None})
    insert_frame(session, AppealPerson.__table__, persons)
    run = ImportRun(source="s", file_name="f", file_hash="h", rows_read=1, started_at=AT, counts={})
    session.add(run)
    session.flush()
    found = session.scalars(sa.select(AppealPerson).order_by(AppealPerson.appeal_id)).all()
    assert [(one.name, one.phone) for one in found] == [(None, None), ("王", None)]
