"""Files and hands: seen by who sees the thing, kept once, on record; work goes to people of the unit that has it."""

import stat
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gridgov.errors import ConflictError, ForbiddenError, GridgovError, NotFoundError
from gridgov.rules.orders.transitions import Role
from gridgov.rules.uploads import UploadError
from gridgov.services.attachments.folder import FileRefusedError, find_path, get_content
from gridgov.services.attachments.hands import assign, find_hand, list_in_hand, list_members
from gridgov.services.attachments.keep import add_file, get_file, list_files, remove_file
from gridgov.services.settings import ServiceSettings
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import transaction
from gridgov.storage.models.accounts import Account
from gridgov.storage.models.journal import LogEntry, Message
from gridgov.storage.models.orders import Order
from gridgov.storage.models.work import Attachment
from gridgov.storage.scope.apply import bind, make_scope
from tests.gridgov.rules.uploads.samples import SECRET, make_jpeg, make_png
from tests.gridgov.services.desks import CENTRE, OTHER_STREET, STREET, T0, WATER, put_order

NUMBER = str(uuid.UUID(int=7))


@pytest.fixture
def settings(tmp_path):
    return ServiceSettings(files=str(tmp_path / "files"))


@pytest.fixture
def desk(sessions):
    """Three orders, one of them of another street, and people of the first."""
    with transaction(sessions) as session:
        put_order(session)
        put_order(session, "O2", unit_code=OTHER_STREET, street_code=OTHER_STREET)
        for login, role, unit in (
            ("centre", Role.STREET_CENTRE, STREET),
            ("field", Role.FIELD_STAFF, STREET),
            ("other", Role.STREET_CENTRE, OTHER_STREET),
        ):
            session.add(
                Account(
                    login=login,
                    name=f"{login}君",
                    role=role,
                    unit_code=unit,
                    person_key=login,
                    created_at=T0,
                )
            )
    return sessions


def enter(sessions, login):
    session = sessions()
    account = session.scalars(sa.select(Account).where(Account.login == login)).one()
    scope = make_scope(
        session,
        account_id=account.id,
        person_key=account.person_key,
        role=account.role,
        unit_code=account.unit_code,
    )
    session.rollback()
    return bind(session, scope), scope


def add(sessions, settings, login="field", no="O1", data=None, name="照片.jpeg", **more):
    session, scope = enter(sessions, login)
    with session, session.begin():
        row = add_file(
            session,
            settings,
            "order",
            no,
            data=make_jpeg() if data is None else data,
            name=name,
            actor=scope.actor,
            by_name="x",
            at=T0 + timedelta(hours=1),
            **more,
        )
        return row.file_no, row.sha256, row.name


def test_a_photo_is_kept_once_without_its_place_and_given_out_as_it_was(desk, settings):
    first = add(desk, settings, file_no=NUMBER, name="C:\\dcim\\王 13812345678<b>.exe")
    assert add(desk, settings, file_no=NUMBER) == first  # sent again: the same row
    number, sha256, name = first
    assert number == NUMBER
    assert name.endswith(".jpg")
    assert not set("\\/<>") & set(name)
    assert "13812345678" not in name
    content = get_content(settings, sha256)
    assert SECRET not in content
    path = find_path(settings, sha256)
    assert not path.stat().st_mode & (stat.S_IXUSR | stat.S_IROTH)
    with pytest.raises(ConflictError):
        add(desk, settings, file_no=NUMBER, data=make_png())
    with pytest.raises(GridgovError, match="expected a UUID"):
        add(desk, settings, file_no="../../etc/passwd")
    with desk() as session:
        entry = session.scalars(sa.select(LogEntry).where(LogEntry.action == "attach")).one()
        assert (entry.subject_no, entry.after["sha256"]) == ("O1", sha256)
        assert verify(session) == []
    path.write_bytes(content + b"!")
    with pytest.raises(NotFoundError, match="unchanged"):
        get_content(settings, sha256)


def test_a_file_is_seen_by_who_sees_its_order_alone(desk, settings):
    number, *_ = add(desk, settings)
    other, scope = enter(desk, "other")
    with other, other.begin():
        for look in (
            lambda: get_file(other, number),
            lambda: list_files(other, "order", "O1"),
            lambda: remove_file(other, number, actor=scope.actor, at=T0),
        ):
            with pytest.raises(NotFoundError):
                look()
        assert other.scalars(sa.select(Attachment.id)).all() == []
        if other.get_bind().dialect.name == "postgresql":
            assert other.execute(sa.text("SELECT id FROM attachments")).all() == []
    with pytest.raises(NotFoundError):
        add(desk, settings, login="other")
    centre, scope = enter(desk, "centre")
    with centre, centre.begin():
        assert [one.file_no for one in list_files(centre, "order", "O1")] == [number]
        with pytest.raises(ForbiddenError, match="somebody else"):
            remove_file(centre, number, actor=scope.actor, at=T0)
    field, scope = enter(desk, "field")
    with field, field.begin():
        remove_file(field, number, actor=scope.actor, at=T0)
        assert list_files(field, "order", "O1") == []
        with pytest.raises(NotFoundError):
            get_file(field, number)


def test_nothing_is_kept_of_what_is_refused(desk, settings, tmp_path):
    with pytest.raises(UploadError):
        add(desk, settings, data=b"PK\x03\x04", name="photo.jpg")
    virus = ServiceSettings(files=settings.files, file_check="sh -c 'exit 1' check")
    with pytest.raises(FileRefusedError, match="dangerous"):
        add(desk, virus)
    for away in ("sh -c 'exit 3' check", str(tmp_path / "nothing-here")):
        with pytest.raises(FileRefusedError, match="nothing was kept"):
            add(desk, ServiceSettings(files=settings.files, file_check=away))
    kept = [file for file in Path(settings.files).rglob("*") if file.is_file()]
    assert kept == []
    with desk() as session:
        assert session.scalars(sa.select(Attachment.id)).all() == []
    good = ServiceSettings(files=settings.files, file_check="test -s")
    assert add(desk, good)[2] == "照片.jpg"


def give(sessions, login, account_id, no="O1", minutes=5):
    session, scope = enter(sessions, login)
    with session, session.begin():
        return assign(
            session,
            "order",
            no,
            account_id,
            actor=scope.actor,
            by_name=f"{login}君",
            own_account_id=scope.account_id,
            at=T0 + timedelta(minutes=minutes),
        )


def test_work_goes_to_people_of_the_unit_that_has_it(desk):
    with desk() as session:
        ids = dict(session.execute(sa.select(Account.login, Account.id)).all())
        assert {one.name for one in list_members(session, "order", "O1")} == {"centre君", "field君"}
    give(desk, "centre", ids["field"])
    give(desk, "centre", ids["field"])  # again: nothing new
    with desk() as session:
        assert find_hand(session, "order", "O1").name == "field君"
        told = session.scalars(sa.select(Message).where(Message.topic == "assigned")).all()
        logged = session.scalars(sa.select(LogEntry).where(LogEntry.action == "assign")).all()
    assert [(one.account_id, one.order_no) for one in told] == [(ids["field"], "O1")]
    assert [one.after["name"] for one in logged] == ["field君"]
    with pytest.raises(GridgovError, match="nobody of unit"):
        give(desk, "centre", ids["other"])
    with pytest.raises(ForbiddenError, match="not give it to others"):
        give(desk, "field", ids["centre"])
    with pytest.raises(NotFoundError):
        give(desk, "other", ids["other"])
    give(desk, "centre", None)
    with desk() as session:
        assert find_hand(session, "order", "O1") is None
    give(desk, "field", ids["field"])  # whoever goes out takes it
    with transaction(desk) as session:
        assert [one.subject_no for one in list_in_hand(session, ids["field"])] == ["O1"]
        order = session.scalars(sa.select(Order).where(Order.order_no == "O1")).one()
        order.unit_code = WATER.unit_code
    with desk() as session:
        assert find_hand(session, "order", "O1") is None  # in nobody's hand there
    assert CENTRE.unit_code == STREET
