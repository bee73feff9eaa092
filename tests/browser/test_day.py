"""The jobs of a day by the roles that do them, on a desk in Chinese and on a phone in English, on real PostGIS."""

import re

import pytest
import sqlalchemy as sa

from gridgov.rules.orders.transitions import OrderAction, OrderState, Role
from gridgov.services.orders.evidence import make_evidence
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from tests.browser.site import Visit, open_context
from tests.gridgov.services.city import CENTRE, NEIGHBOUR, at, do, take
from tests.web.pages import PASSWORD

A = OrderAction
THERE = (116.405, 39.925)


@pytest.fixture(params=[("desk", "zh"), ("phone", "en")], ids=["desk-zh", "phone-en"])
def enter(request, browser, city_site):
    """Return an opener of pages by login, in the language and at the size of the day."""
    size, language = request.param
    contexts = []

    def open_one(login):
        context = open_context(browser, size)
        contexts.append(context)
        visit = Visit(page=context.new_page(), base=city_site)
        visit.go(f"/sign-in?lang={language}")
        visit.sign_in(str(login), PASSWORD)
        return visit

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def write(engine, desk):
    """Return a doer of something in a transaction: a function of a session and the city."""

    def run(step):
        with transaction(make_sessions(engine)) as session:
            return step(session, desk)

    return run


def read(engine, order_no):
    with make_sessions(engine)() as session:
        return session.scalars(sa.select(Order).where(Order.order_no == order_no)).one()


def handle(session, city, order_no, *, reply=False):
    for minute, action in enumerate((A.ACCEPT, A.CONTACT, A.HANDLE), 1):
        do(session, city, order_no, action, CENTRE, minutes=minute)
    if reply:
        do(session, city, order_no, A.REPLY, CENTRE, minutes=9, text="已清理")


def send(visit, action, **fields):
    """Open the form of an action, fill it and send it."""
    form = visit.page.locator(f"#act-{action}")
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    for name, value in fields.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("node => node.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    form.locator("button.btn-primary").first.click()
    visit.page.wait_for_selector(".notice-success, .notice-warning, .alert-success, .alert-warning")
    visit.check()


def test_a_messy_call_is_taken_in_once_and_its_item_is_chosen(enter, engine):
    visit = enter(Role.OPERATOR)
    page = visit.go("/orders/new")
    page.fill("#f-text", "喂？就是那个，嗯，门口老有人，反正你们管管")
    page.fill("#f-phone", "13800001111")
    page.wait_for_timeout(500)
    page.click("button.btn-primary.btn-lg")
    page.wait_for_url(re.compile(r"/orders/\d+"))
    order_no = page.url.split("/orders/")[1].split("?")[0]
    # Nothing says that it was dispatched: somebody must choose its item first.
    assert read(engine, order_no).state is OrderState.RECEIVED
    visit.check()
    # The next caller's form is empty, and nothing of this one is offered: it was taken.
    page = visit.go("/orders/new")
    assert page.input_value("#f-phone") == page.input_value("#f-text") == ""
    assert page.locator("[data-draft-discard]").count() == 0
    dispatcher = enter(Role.DISPATCHER)
    page = dispatcher.go(f"/orders/{order_no}")
    page.fill("#item-words", "水管")
    page.click("#correct-form [data-item='112']")
    page.click("#correct-form button[hx-post]")
    page.wait_for_selector("#correct-preview dl")
    dispatcher.check()
    page.click("#correct-form button.btn-primary")
    page.wait_for_selector(".notice-success")
    assert read(engine, order_no).item_code == "112"
    send(dispatcher, "dispatch")
    assert read(engine, order_no).state is OrderState.DISPATCHED


def test_an_unsent_draft_is_offered_and_not_put_in(enter):
    visit = enter(Role.OPERATOR)
    page = visit.go("/orders/new")
    page.fill("#f-name", "上一位")
    page.wait_for_timeout(600)
    page = visit.go("/orders/new")
    assert page.input_value("#f-name") == ""
    page.click("[data-draft-take]")
    assert page.input_value("#f-name") == "上一位"
    visit.check()
    page.click("[data-draft-discard]")
    page.wait_for_load_state()
    page = visit.go("/orders/new")
    assert page.locator("[data-draft-discard]").count() == 0


def test_a_dispute_goes_to_a_conference_with_its_evidence_and_is_upheld(enter, engine, write):
    order_no = write(lambda session, city: take(session, city).order_nos[0])
    evidence = write(lambda _session, city: make_evidence(city, *THERE, source="现场照片"))
    write(
        lambda session, city: do(
            session,
            city,
            order_no,
            A.DISPUTE,
            CENTRE,
            minutes=1,
            ground="territory",
            evidence=evidence,
        )
    )
    visit = enter(Role.DISPATCHER)
    page = visit.go(f"/orders/{order_no}")
    assert "现场照片" in page.content()
    send(visit, "call_conference", until="2024-03-06", persons="东华门街道、景山街道")
    ruler = enter("desk_supervisor")
    ruler.go(f"/orders/{order_no}")
    send(
        ruler,
        "decide_conference",
        unit_code=NEIGHBOUR,
        reason_code="territory",
        text="界桩以北归景山街道",
    )
    row = read(engine, order_no)
    assert (row.unit_code, row.street_code, row.bounces) == (NEIGHBOUR, NEIGHBOUR, 1)
    assert "界桩以北" in ruler.page.content()


def test_three_callers_are_merged_and_each_is_called_back(enter, engine, write):
    numbers = write(lambda session, city: [take(session, city).order_nos[0] for _ in range(3)])
    main, *others = numbers
    visit = enter(Role.DISPATCHER)
    for one in others:
        page = visit.go(f"/orders/{one}/merge?target={main}")
        visit.check()
        page.click("form[action*='/act/merge'] button")
        page.wait_for_selector(".notice-success")
    write(lambda session, city: handle(session, city, main, reply=True))
    page = visit.go(f"/orders/{main}")
    assert all(one in page.content() for one in others)
    clerk = enter(Role.CALLBACK_CLERK)
    clerk.go("/orders?clock=to_call_back")
    clerk.check()
    for one in numbers:
        clerk.go(f"/orders/{one}")
        send(clerk, "callback", contacted="true", solved="true", satisfied="satisfied")
    assert {read(engine, one).state for one in numbers} == {OrderState.CLOSED_SOLVED}


def test_who_is_not_reached_is_called_again(enter, engine, write):
    def prepare(session, city):
        order_no = take(session, city).order_nos[0]
        handle(session, city, order_no, reply=True)
        return order_no

    order_no = write(prepare)
    clerk = enter(Role.CALLBACK_CLERK)
    page = clerk.go(f"/orders/{order_no}")
    page.select_option("[name=not_reached]", "no_answer")
    page.click("form:has([name=not_reached]) button")
    page.wait_for_selector(".notice-warning")
    clerk.check()
    assert read(engine, order_no).calls_missed == 1
    page = clerk.go("/orders?clock=not_reached")
    assert order_no in page.content()
    clerk.check()


def test_a_step_is_taken_back_and_more_time_is_asked_for(enter, engine, write):
    order_no = write(lambda session, city: take(session, city).order_nos[0])
    visit = enter(Role.STREET_CENTRE)
    page = visit.go(f"/orders/{order_no}")
    send(visit, "accept")
    page.click("form[action*='/undo'] button")
    page.wait_for_selector(".notice-success")
    assert read(engine, order_no).state is OrderState.DISPATCHED
    send(visit, "accept")
    send(visit, "ask_extension", reason_code="配件", until="2024-03-12")
    boss = enter("desk_supervisor")
    boss.go(f"/orders/{order_no}")
    send(boss, "grant_extension")
    assert read(engine, order_no).extensions == 1
    assert read(engine, order_no).due_at > at(60 * 24 * 7)
