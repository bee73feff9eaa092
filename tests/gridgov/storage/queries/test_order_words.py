"""Words sought in the list of orders: what is found is what a plain reading of the texts finds, on both databases."""

import pytest
from sqlalchemy.orm import Session

from gridgov.storage.models.orders import Order
from gridgov.storage.queries.orders import OrderFilter, count_orders, list_orders
from tests.gridgov.storage.order_rows import add_orders

TEXTS = (
    "和平里三区路灯不亮",
    "ETC 车道 100% 堵车",
    "etc设备故障, 路灯也不亮",
    "望京SOHO_塔三 电梯",
    "望京soho 塔一 电梯",
    r"门禁显示 C:\错误",
    "１２号楼 Ａ座漏水",
)


@pytest.fixture
def orders(session: Session) -> list[Order]:
    made = add_orders(session, len(TEXTS))
    for order, text in zip(made, TEXTS, strict=True):
        order.appeal.text, order.appeal.address = text, "东街"
    made[-1].appeal.address = "平安里西大街"
    session.flush()
    return made


@pytest.mark.parametrize(
    "words",
    [
        *("路灯", "etc", "ETC 路灯", "soho", "SOHO_塔", "100%", "C:\\", "c:\\错", "%", "_"),
        *("Ａ座", "平安里", "没有", "路 亮 灯"),
    ],
)
def test_words_find_what_reading_finds(session: Session, orders: list[Order], words: str) -> None:
    wanted = {
        order.order_no
        for order in orders
        if all(
            word.lower() in f"{order.appeal.text}\n{order.appeal.address}".lower()
            for word in words.split()
        )
    }
    chosen = OrderFilter(words=words)
    assert {row.order_no for row in list_orders(session, chosen).rows} == wanted
    assert count_orders(session, chosen) == len(wanted)
    assert wanted or words == "没有"


def test_beginnings_of_numbers_are_found(session: Session, orders: list[Order]) -> None:
    assert [row.order_no for row in list_orders(session, OrderFilter(words="A000003")).rows] == [
        orders[3].order_no
    ]
    assert count_orders(session, OrderFilter(words="A0000")) == len(TEXTS)


@pytest.mark.parametrize("most", [3, 2_000])
@pytest.mark.parametrize("sort", ["received_at", "-received_at", "-closed_at", "order_no"])
def test_pages_of_few_and_of_many_are_those_of_the_whole(
    session: Session, monkeypatch: pytest.MonkeyPatch, sort: str, most: int
) -> None:
    add_orders(session, 40)
    monkeypatch.setattr("gridgov.storage.queries.orders.COUNT_MAX_WORDS", most)
    chosen = OrderFilter(words="路灯 东街")
    whole = [row.id for row in list_orders(session, OrderFilter(), sort=sort, rows=50).rows]
    pages = [list_orders(session, chosen, sort=sort, page=at, rows=15) for at in (1, 2, 3)]
    assert [row.id for page in pages for row in page.rows] == whole
    assert [page.has_next for page in pages] == [True, True, False]
    assert {page.total for page in pages} == {min(40, most + 1)}
    assert pages[0].is_exact == (most > 40)
