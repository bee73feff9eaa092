"""The page of work outside: what each role sees, in which order, nothing of other units, and an app to install."""

import re
import struct
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import Role
from gridgov.rules.plans.life import PlanState
from gridgov.rules.plans.task_life import TaskState
from gridgov.services.accounts.manage import NewAccount, add_account
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from gridgov.storage.models.plans import Plan, PlanTask
from tests.gridgov.services.city import INSIDE, STREET, at, take
from tests.web.orders_city import OTHER, make_city_desk, make_city_pages, seed_city, take_many
from tests.web.pages import hash_once, post, sign_in
from tests.web.room_rows import add_planning, blow

ROW = re.compile(r'<tr data-code="([^"]+)"(.*?)</tr>', re.DOTALL)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return make_city_desk(tmp_path_factory.mktemp("field"))


class Site:
    """The small city with three orders of the street, one of its neighbour, a call and a task."""

    def __init__(self, engine, runtime):
        self.engine = engine
        seed_city(engine, runtime)
        with transaction(make_sessions(engine)) as session:
            self.orders = take_many(session, runtime, 3)
            self.other = take(session, runtime, appeal_no="far").order_nos[0]
            self.called, self.call_no = blow(session, runtime, appeal_no="pipe")
            self.plan_no = add_planning(session, tuple(self.orders))
            for unit, numbers in ((STREET, self.orders), (OTHER, [self.other])):
                for place, number in enumerate(numbers):
                    # The first taken is due last.
                    self.change(
                        session, Order.order_no == number, unit_code=unit, due_at=at(9_000 - place)
                    )
            self.change(session, Order.order_no == self.called, due_at=at(20_000))
            new = NewAccount(
                login="water",
                name="水务 甲",
                role=Role.FIELD_STAFF,
                unit_code="E01",
                oidc_subject="w",
            )
            add_account(
                session, new, password=None, now=datetime.now(UTC)
            ).password_hash = hash_once()
        self.app = make_city_pages(engine, runtime)

    @staticmethod
    def change(session, which, **values):
        session.execute(sa.update(Order).where(which).values(**values))

    def run_plan(self, **values):
        """Let the plan run, with its task changed."""
        with transaction(make_sessions(self.engine)) as session:
            session.execute(sa.update(Plan).values(state=PlanState.RUNNING))
            session.execute(sa.update(PlanTask).values(state=TaskState.ACCEPTED, **values))

    def enter(self, who):
        client = self.app.test_client()
        assert sign_in(client, who).status_code == 302
        return client


@pytest.fixture
def site(engine, runtime):
    return Site(engine, runtime)


def list_rows(client):
    page = client.get("/field")
    assert page.status_code == 200
    return dict(ROW.findall(page.text))


def test_a_street_sees_its_own_by_deadline_and_nothing_of_others(site):
    site.run_plan(due_on=date(2024, 3, 20))
    first, second, third = (f"order:{no}" for no in site.orders)
    wanted = [third, second, first, f"call:{site.call_no}", f"order:{site.called}"]
    wanted.append(f"task:{site.plan_no}/T01")
    for who in ("street_centre", "field_staff"):
        client = site.enter(who)
        page = client.get("/field").text
        rows = list_rows(client)
        # The call's own deadline is its order's: the street blew and need not come itself.
        assert sorted(rows) == sorted(wanted)
        assert list(rows)[:3] == wanted[:3]
        assert set(list(rows)[3:5]) == set(wanted[3:5])
        assert list(rows)[5] == wanted[5]
        assert site.other not in page
        assert "13812345678" not in page  # as lists show an appeal's words
        assert 'href="/field"' in page
    assert f"order:{site.other}" in list_rows(site.enter("other_street"))
    assert len(list_rows(site.enter("other_street"))) == 1


def test_what_is_in_hand_comes_first(site):
    last, client = site.orders[0], site.enter("field_staff")
    with site.engine.connect() as connection:
        own = connection.scalar(sa.text("SELECT id FROM accounts WHERE login = 'field_staff'"))
    assert post(client, f"/work/hand/order/{last}", account_id=own).status_code == 200
    rows = list_rows(client)
    assert next(iter(rows)) == f"order:{last}"
    assert "交给我" in rows[f"order:{last}"]
    # In another's hand it is one of the unit's.
    assert list(list_rows(site.enter("street_centre")))[2] == f"order:{last}"
    # The field staff of the called unit see the call until it is released, and nothing else.
    rows = list_rows(site.enter("water"))
    assert list(rows) == [f"call:{site.call_no}"]
    assert "待报到" in rows[f"call:{site.call_no}"]
    with transaction(make_sessions(site.engine)) as session:
        session.execute(sa.text("UPDATE called_units SET state = 'released'"))
    assert list_rows(site.enter("water")) == {}


def test_each_row_leads_to_its_page_and_to_the_phones_maps(site):
    before = list_rows(site.enter("street_centre"))
    assert not [code for code in before if code.startswith("task:")]  # its plan does not run yet
    site.run_plan()
    with transaction(make_sessions(site.engine)) as session:
        site.change(session, Order.order_no == site.orders[0], replied_at=at(5))
    after = list_rows(site.enter("street_centre"))
    assert set(before) - set(after) == {f"order:{site.orders[0]}"}  # replied: waits for nobody here
    assert set(after) - set(before) == {f"task:{site.plan_no}/T01"}
    for who in ("street_centre", "field_staff"):
        client = site.enter(who)
        for code, row in list_rows(client).items():
            href = re.search(r'data-href="([^"]+)"', row)
            if href is None:
                # Field staff have no pages of plans.
                assert (who, code.partition(":")[0]) == ("field_staff", "task")
            else:
                assert client.get(href[1].replace("&amp;", "&")).status_code == 200, code
            point = f"{INSIDE[1]:.5f},{INSIDE[0]:.5f}"
            assert f'href="geo:{point}?q={point}(' in row, code
            assert f'data-lon="{INSIDE[0]}"' in row, code


def test_the_field_is_for_units_and_stands_in_their_bar(site):
    for role in Role:
        client = site.enter(role.value)
        of_units = role in {Role.STREET_CENTRE, Role.HANDLER, Role.FIELD_STAFF}
        assert client.get("/field").status_code == (200 if of_units else 403), role
        assert ('href="/field"' in client.get("/today").text) is of_units, role


def test_markup_in_texts_stays_text_and_english_is_whole(site, runtime):
    with transaction(make_sessions(site.engine)) as session:
        number = take(session, runtime, appeal_no="x", text=f"路边{SCRIPT}").order_nos[0]
        site.change(session, Order.order_no == number, unit_code=STREET)
    client = site.enter("street_centre")
    assert "alert(1)" in client.get("/field").text
    assert SCRIPT not in client.get("/field").text
    english = client.get("/field?lang=en").text
    assert "By distance" in english
    assert "按距离" not in english
    judge_app(site, site.enter("field_staff").get("/field").text)


def judge_app(site, page):
    """Hold what the page says of its app against what a phone needs to install it."""
    path = re.search(r'<link rel="manifest" href="([^"]+)"', page)[1].replace("&amp;", "&")
    stranger = site.app.test_client()  # browsers ask without the account
    answer = stranger.get(path)
    assert answer.mimetype == "application/manifest+json"
    told = answer.json
    assert (told["id"], told["start_url"], told["scope"]) == ("/field", "/field", "/")
    assert (told["display"], told["lang"], told["short_name"]) == ("standalone", "zh-CN", "外勤")
    assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
    assert {icon["sizes"] for icon in told["icons"]} == {"192x192", "512x512"}
    for icon in told["icons"]:
        assert not urlsplit(icon["src"]).netloc
        picture = stranger.get(icon["src"])
        assert picture.mimetype == icon["type"] == "image/png"
        size = "{}x{}".format(*struct.unpack(">II", picture.data[16:24]))
        assert size == icon["sizes"]
        picture.close()
    assert stranger.get("/field/app.webmanifest?lang=en").json["short_name"] == "Field"
