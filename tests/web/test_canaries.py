"""A person's name, telephone, identity number and address through every route, table, message, job and line of the log.

Each is put in where people put it, in six spellings. It may be found where a right allows: in the table of persons, and
on the pages of those who must reach the person of an order that is theirs.
"""

import io
import logging
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from gridgov.rules.orders.transitions import OrderAction, Role
from gridgov.services.logs import SafeHandler
from gridgov.services.settings import ServiceSettings
from gridgov.services.worker.loop import run_once
from gridgov.services.worker.table import JOBS, WorkerContext
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.tables import METADATA
from gridgov.storage.scope.viewer import PERSONAL_ROLES
from gridgov.storage.types import Geom
from tests.gridgov.services.city import CENTRE, do, take
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.pages import read_token, sign_in
from tests.web.room_rows import SPOT, Filled, fill_rooms
from web.kit.permissions import find_permission, is_granted

ROOT = Path(__file__).resolve().parents[2]
NAME = "欧阳海棠"
SPELLINGS = (
    "13987654321",
    "139-8765-4321",
    "1 3 9 8 7 6 5 4 3 2 1",
    "１３９８７６５４３２１",
    "一三九八七六五四三二一",
    "139\u200b8765\u200b4321",
)
IDENTITY = "11010119900307123X"
DIGITS = ("13987654321", "11010119900307123")
PERSON = {"name": NAME, "phone": "13987654321"}
WORDS = f"电话{'，或'.join(SPELLINGS)}，身份证{IDENTITY}"
KEPT_APART = "appeal_persons"
WINDOW = "window=2024-03-01..2024-03-31"
NUMERALS = str.maketrans("零一二三四五六七八九", "0123456789")


def find_canaries(text: str) -> list[str]:
    """Return what of the person stands in a text, however it is written."""
    plain = unicodedata.normalize("NFKC", text).translate(NUMERALS)
    bare = re.sub(r"(?<=\d)[\s\-\u200b]+(?=\d)", "", plain)
    return [one for one in DIGITS if one in bare] + [one for one in (NAME,) if one in text]


@pytest.mark.parametrize("text", [NAME, *SPELLINGS, IDENTITY])
def test_each_spelling_would_be_found(text):
    assert find_canaries(f"<td>{text}</td>")


@dataclass(kw_only=True)
class Watched:
    """A served small city with a person in it, and the lines that were logged meanwhile."""

    app: Flask
    engine: sa.Engine
    filled: Filled
    order_no: str
    lines: io.StringIO

    def enter(self, who: str):
        client = self.app.test_client()
        assert sign_in(client, who).status_code == 302
        return client


class Lines(SafeHandler):
    """The safe handler of the service, writing where a test can read."""

    def __init__(self) -> None:
        super().__init__()
        self.written = io.StringIO()

    @property
    def stream(self):
        return self.written


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("canaries"))


@pytest.fixture
def watched(engine, runtime):
    lines = Lines()
    logging.getLogger().addHandler(lines)
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        filled = fill_rooms(session, runtime)
        order_no = take(
            session,
            runtime,
            appeal_no="canary",
            text=f"路边占道，{WORDS}",
            address=f"和平小区，{WORDS}",
            **PERSON,
        ).order_nos[0]
        do(session, runtime, order_no, OrderAction.ACCEPT, CENTRE, minutes=1)
        do(session, runtime, order_no, OrderAction.CONTACT, CENTRE, minutes=2, text=WORDS)
    yield Watched(
        app=make_city_pages(engine, runtime),
        engine=engine,
        filled=filled,
        order_no=order_no,
        lines=lines.written,
    )
    logging.getLogger().removeHandler(lines)


def list_addresses(watched: Watched) -> list[tuple[object, str]]:
    """Return (view, address) of every page that can be read, with numbers of things that exist."""
    known = {
        "order_no": watched.order_no,
        "call_no": watched.filled.call_no,
        "plan_no": watched.filled.plan_no,
        "task_no": "T01",
        "hotspot_no": SPOT,
        "street_code": "110101001",
        "unit_code": "110101001",
        "kind": "weekly",
        "period": "2024-W09",
        "form": "docx",
        "path": "css/frame.css",
    }
    addresses = []
    for rule in watched.app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint == "static":
            continue
        values = {name: known.get(name, "1") for name in rule.arguments}
        if rule.rule.startswith("/maps/shapes"):
            values["kind"] = "street"
        if rule.rule.startswith("/open311"):
            values["form"] = "json"
        path = watched.app.url_map.bind("localhost").build(rule.endpoint, values)
        view = watched.app.view_functions[rule.endpoint]
        addresses += [
            (view, path),
            (view, f"{path}?{WINDOW}&q={SPELLINGS[0]}"),
        ]
    return addresses


def read_body(answer) -> str:
    """Return what an answer says, a document's parts too."""
    data = answer.get_data()
    answer.close()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            data = b"\n".join(parts.read(name) for name in parts.namelist())
    return data.decode("utf-8", "replace")


def without_own_words(text: str) -> str:
    """Return a page without the words that its visitor has just sent with the address."""
    return text.replace(SPELLINGS[0], "")


OUTSIDERS = (*tuple(sorted(set(Role) - PERSONAL_ROLES)), "other_street", Role.HANDLER)
"""Who has no right to the person: roles that read masked texts, and units whose order it is not."""


@pytest.mark.parametrize("who", OUTSIDERS)
def test_no_page_tells_who_it_was(watched, who):
    client = watched.enter(who)
    opened = 0
    for _view, path in list_addresses(watched):
        answer = client.get(path)
        text = read_body(answer)
        if f"q={SPELLINGS[0]}" in path:
            text = without_own_words(text)
        assert find_canaries(text) == [], (who, path, answer.status_code)
        opened += answer.status_code == 200
    assert opened > 20, "too few pages opened for this to say anything"
    assert find_canaries(watched.lines.getvalue()) == []


def test_who_must_reach_the_person_can(watched):
    page = watched.enter(Role.STREET_CENTRE).get(f"/orders/{watched.order_no}").text
    assert NAME in page
    assert "13987654321" in page


@pytest.mark.parametrize("who", sorted(PERSONAL_ROLES))
def test_exports_lists_and_documents_are_masked_for_everybody(watched, who):
    client = watched.enter(who)
    for view, path in list_addresses(watched):
        needed = find_permission(view)
        if needed is None or not is_granted(Role(who), needed):
            continue
        is_own_page = watched.order_no in path  # there they must reach the person
        if is_own_page or "/stream" in path or "q=" in path:
            continue
        assert find_canaries(read_body(client.get(path))) == [], (who, path)


def list_fields() -> list[str]:
    """Return the names of all fields that a view reads from a form."""
    found: set[str] = set()
    for file in (ROOT / "web").rglob("*.py"):
        said = re.findall(
            r"form(?:\.get|\.getlist)?[(\[]\s*\"(\w+)\"", file.read_text(encoding="utf-8")
        )
        found.update(said)
    assert len(found) > 25
    return sorted(found - {"csrf_token", "login", "password", "new_password", "again"})


def dump(engine: sa.Engine) -> dict[str, str]:
    """Return every table as text."""
    told = {}
    with engine.connect() as connection:
        for table in METADATA.sorted_tables:
            words = [one for one in table.c if not isinstance(one.type, Geom | sa.LargeBinary)]
            rows = connection.execute(sa.select(*[sa.cast(one, sa.Text) for one in words]))
            told[table.name] = "\n".join("\t".join(map(str, row)) for row in rows)
    return told


def check_tables(watched: Watched) -> None:
    told = dump(watched.engine)
    assert set(find_canaries(told.pop(KEPT_APART))) == {*DIGITS, NAME}
    for table, text in told.items():
        found = [line for line in text.splitlines() if find_canaries(line)]
        assert found == [], table


def test_no_table_but_that_of_persons_has_them(watched):
    check_tables(watched)


def test_forms_full_of_them_leave_nothing_behind(watched):
    """Every form that every role may send, each field with the numbers: whatever comes of it is masked or refused."""
    sent = 0
    for role in (
        Role.DISPATCHER,
        Role.SUPERVISOR,
        Role.STREET_CENTRE,
        Role.PLANNER,
        Role.ADMINISTRATOR,
    ):
        client = watched.enter(role)
        token = read_token(client.get("/account").text)
        client.get("/account")
        for rule in watched.app.url_map.iter_rules():
            if "POST" not in rule.methods or rule.endpoint in {
                "sign_in.leave",
                "account.end_others",
            }:
                continue
            values = dict.fromkeys(rule.arguments, "1")
            values |= {
                name: value
                for name, value in {
                    "order_no": watched.order_no,
                    "call_no": watched.filled.call_no,
                    "plan_no": watched.filled.plan_no,
                    "task_no": "T01",
                    "street_code": "110101001",
                    "month": "2024-03",
                    "action": "accept",
                }.items()
                if name in rule.arguments
            }
            if rule.rule.startswith("/open311"):
                values["form"] = "json"
            path = watched.app.url_map.bind("localhost").build(rule.endpoint, values, method="POST")
            form = dict.fromkeys(list_fields(), WORDS)
            for more in ({}, {"version": "1", "seen_version": "1"}):
                answer = client.post(path, data={"csrf_token": token} | form | more)
                answer.close()
                assert answer.status_code < 500, path
                sent += 1
    assert sent > 100
    assert find_canaries(watched.lines.getvalue()) == []
    check_tables(watched)


def test_jobs_tell_nobody(watched, runtime):
    settings = ServiceSettings(city=str(runtime.city.settings.file.parent), salt="test")
    context = WorkerContext(settings=settings, engine=watched.engine)
    assert run_once(context, JOBS) == []
    check_tables(watched)
    assert find_canaries(watched.lines.getvalue()) == []


def test_a_database_that_fails_under_a_page_tells_nobody(watched):
    """A fault in the middle of taking in an appeal: the page, its log and the kept form's other readers."""
    client = watched.enter(Role.OPERATOR)
    token = read_token(client.get("/account").text)
    form = {
        "csrf_token": token,
        "text": f"占道 {WORDS}",
        "address": WORDS,
        "item_code": "111",
        **PERSON,
    }

    def fail(_connection, cursor, statement, _parameters, _context, _many):
        if statement.lstrip().upper().startswith("INSERT INTO APPEALS"):
            cursor.execute("INSERT INTO log_heads (chain, position, hash) VALUES (0, 0, 'x')")

    sa.event.listen(watched.engine, "before_cursor_execute", fail)
    try:
        answer = client.post("/orders/new", data=form)
    finally:
        sa.event.remove(watched.engine, "before_cursor_execute", fail)
    assert answer.status_code == 500
    assert find_canaries(answer.text) == []
    told = watched.lines.getvalue()
    assert "IntegrityError" in told
    assert find_canaries(told) == []
