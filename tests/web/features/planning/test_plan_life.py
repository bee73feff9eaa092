"""A planner drafts, edits and submits; another approves; the unit advances; two who edit lose no word."""

import html
import io
import json
import re
import zipfile

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import NewAccount, add_account
from gridgov.storage.audit.verify import verify
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.plans import Plan, PlanTask, RankFollowUp, StreetClassRow
from tests.gridgov.services.city import STREET
from tests.web.orders_city import NOW, make_city_desk, make_city_pages, seed_city
from tests.web.pages import hash_once, read_token, sign_in
from tests.web.room_rows import fill_rooms


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("life"))


@pytest.fixture
def pages(engine, runtime):
    """Return the served city with a draft, and people: a writer of the street, a second planner of the district."""
    seed_city(engine, runtime)
    with transaction(make_sessions(engine)) as session:
        for login, role, unit in (
            ("writer", Role.PLANNER, STREET),
            ("second", Role.PLANNER, "110101"),
            ("care", Role.HANDLER, "D01"),
        ):
            new = NewAccount(
                login=login, name=f"{login}君", role=role, unit_code=unit, oidc_subject=login
            )
            add_account(session, new, password=None, now=NOW).password_hash = hash_once()
        plan_no = fill_rooms(session, runtime).plan_no
    app = make_city_pages(engine, runtime)

    def enter(who):
        client = app.test_client()
        assert sign_in(client, who).status_code == 302
        return client

    return enter, f"/planning/plans/{plan_no}", engine


def send(client, page, address, **values):
    """Send a form of a page with its token and version."""
    text = client.get(page).text
    version = re.search(r'name="version" value="(\d+)"', text)
    kept = {"version": version[1]} if version else {}
    return client.post(address, data={"csrf_token": read_token(text), **kept, **values})


def read_fields(text):
    """Return what the form of an edit holds: names and values, as a browser would send them."""
    shown = json.loads(html.unescape(re.search(r'name="shown" value="([^"]*)"', text)[1]))
    version = re.search(r'name="version" value="(\d+)"', text)[1]
    return {**shown, "shown": json.dumps(shown), "version": version, "csrf_token": read_token(text)}


def find_path(fields, name):
    return next(path for path in fields if path.endswith(f"/{name}"))


def test_from_draft_to_done(pages):
    enter, base, engine = pages
    writer, second, care = enter("writer"), enter("second"), enter("care")
    fields = read_fields(writer.get(f"{base}/edit").text)
    changed = fields | {
        find_path(fields, "consultation"): "请居委会召集议事 13800138000",
        "notes/closing": "特此说明",
    }
    assert writer.post(f"{base}/edit", data=changed).status_code == 302
    page = writer.get(base).text
    assert "轮到编制人" in page
    assert send(writer, base, f"{base}/act/submit").status_code == 302
    assert "act/approve" not in writer.get(base).text
    assert send(writer, base, f"{base}/act/approve").status_code == 422
    assert "act/approve" in second.get(base).text
    assert send(second, base, f"{base}/act/approve").status_code == 302
    assert send(writer, base, f"{base}/act/start").status_code == 302
    task = f"{base}/tasks/T01"
    centre = enter("street_centre")
    assert (
        send(centre, task, f"{task}/act/assign", unit_code="D01", assignee="王工").status_code
        == 302
    )
    assert send(care, task, f"{task}/act/accept").status_code == 302
    refused = send(care, task, f"{task}/act/advance", progress="140", text="写了很多字")
    assert refused.status_code == 422
    assert "写了很多字" in refused.text
    assert (
        send(care, task, f"{task}/act/advance", progress="40", text="已清理一半").status_code == 302
    )
    assert "已清理一半" in writer.get(base).text

    with make_sessions(engine)() as session:
        row = session.scalars(sa.select(Plan)).one()
        kept = session.scalars(sa.select(PlanTask)).one()
        assert verify(session) == []
        words = json.dumps(row.document, ensure_ascii=False)
        assert "请居委会召集议事" in words
        assert "13800138000" not in words
        assert row.sealed_at is not None
        assert (kept.progress_share, kept.assignee, kept.lead_unit_code) == (0.4, "王工", "D01")
    said = writer.get(f"{base}/document").text
    assert "特此说明" in said
    assert "执行中" in said


def test_two_who_edit_lose_no_word(pages):
    enter, base, engine = pages
    one, other = enter("writer"), enter("second")
    first, late = (read_fields(who.get(f"{base}/edit").text) for who in (one, other))
    title, place = find_path(first, "title"), find_path(first, "place")
    assert one.post(f"{base}/edit", data=first | {title: "甲的标题"}).status_code == 302
    answer = other.post(f"{base}/edit", data=late | {title: "乙的标题", place: "乙的地点"})

    assert answer.status_code == 409
    for words in ("甲的标题", "乙的标题", "乙的地点"):
        assert words in answer.text
    fields = read_fields(answer.text)
    again = other.post(f"{base}/edit", data=fields | {title: "乙的标题", place: "乙的地点"})
    assert again.status_code == 302
    with make_sessions(engine)() as session:
        document = session.scalars(sa.select(Plan)).one().document
        task = document["tasks"][0]
        assert (task["title"], task["place"]) == ("乙的标题", "乙的地点")
        # What the first one wrote stays in the log.
        assert verify(session) == []


@pytest.mark.parametrize(("name", "value"), [("due_on", "明年"), ("lead", "NOBODY")])
def test_what_cannot_be_saved_comes_back(pages, name, value):
    enter, base, _ = pages
    writer = enter("writer")
    fields = read_fields(writer.get(f"{base}/edit").text)
    changed = fields | {find_path(fields, name): value, "notes/closing": "写好的话"}

    answer = writer.post(f"{base}/edit", data=changed)

    assert answer.status_code == 422
    assert "写好的话" in answer.text


def test_a_form_sent_unchanged_is_no_edit(pages):
    enter, base, engine = pages
    writer = enter("writer")
    assert (
        writer.post(f"{base}/edit", data=read_fields(writer.get(f"{base}/edit").text)).status_code
        == 302
    )
    with make_sessions(engine)() as session:
        row = session.scalars(sa.select(Plan)).one()
        assert (row.version, row.document["edits"]) == (1, [])


@pytest.mark.parametrize(
    ("form", "begin"),
    [("json", b"{"), ("docx", b"PK"), ("xlsx", b"PK"), ("pdf", b"%PDF"), ("gpkg", b"SQLite")],
)
def test_a_plan_in_every_form(pages, form, begin):
    enter, base, _ = pages
    client = enter("writer")

    answer = client.get(f"{base}.{form}")

    assert answer.status_code == 200
    assert answer.data.startswith(begin)
    assert answer.headers["Content-Disposition"].endswith(f".{form}")
    assert client.get(f"{base}.{form}").data == answer.data
    if form == "docx":
        text = zipfile.ZipFile(io.BytesIO(answer.data)).read("word/document.xml").decode()
        assert "（未签发）" in text


def test_a_stranger_sees_no_draft(pages):
    enter, base, _ = pages

    assert enter("other_street").get(base).status_code == 404
    assert enter("operator").get(base).status_code == 403


def test_supervision_classes_and_follow_ups(pages):
    enter, base, engine = pages
    boss = enter("desk_supervisor")
    assert STREET in boss.get("/planning/oversight").text
    page = "/planning/classes"
    text = boss.get(page).text
    month = re.search(rf"/planning/classes/{STREET}/([\d-]+)", text)[1]
    address = f"{page}/{STREET}/{month}"
    wrong = boss.post(address, data={"csrf_token": read_token(text), "class": "advanced"})
    assert wrong.status_code == 422
    right = boss.post(address, data={"csrf_token": read_token(text), "class": "governance"})
    assert right.status_code == 302
    assert "desk_supervisor 甲" in boss.get(f"{page}/{STREET}").text
    forbidden = enter("street_centre")
    token = read_token(forbidden.get(page).text)
    assert forbidden.post(address, data={"csrf_token": token, "class": ""}).status_code == 403

    follow = "/planning/follow-ups"
    token = read_token(boss.get(follow).text)
    notice = {"month": "2024-02", "unit_code": STREET, "kind": "interview", "notice": "请说明"}
    assert boss.post(follow, data={"csrf_token": token, **notice}).status_code == 302
    with make_sessions(engine)() as session:
        row = session.scalars(sa.select(RankFollowUp)).one()
        assert session.scalars(sa.select(StreetClassRow)).one().decided == "governance"
        number, version = row.id, row.version
    data = {
        "csrf_token": token,
        "version": version,
        "step": "talk",
        "persons": "主任",
        "tasks": "整改",
    }
    assert boss.post(f"{follow}/{number}", data=data).status_code == 302
    assert "整改" in boss.get(follow).text
    assert boss.post(f"{follow}/{number}", data=data).status_code == 409
    assert base
