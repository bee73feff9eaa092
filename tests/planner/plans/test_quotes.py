import pandas as pd

from planner.plans.quotes import MOST_CHARACTERS, find_medoids, find_quotes

HEAT = [
    "小区暖气不热，室温只有十五度",
    "家里暖气不热，室温十五度",
    "暖气不热，室温很低",
    "暖气一直不热，室温低",
]
NOISE = ["楼下餐馆油烟很大", "楼下餐馆油烟扰民很大"]


def make_orders(texts):
    days = pd.date_range("2025-11-01", periods=len(texts), tz="Asia/Shanghai")
    numbers = [f"A{k:03d}" for k in range(len(texts))]
    return pd.DataFrame({"order_no": numbers, "received_at": days, "text": texts})


def test_the_first_quote_is_of_the_commonest_kind_and_the_next_of_another():
    texts = [*HEAT, *NOISE, "路灯不亮"]
    first, second = find_medoids(texts, most=2)

    assert texts[first] in HEAT
    assert texts[second] in NOISE


def test_texts_that_say_the_same_are_quoted_once():
    assert len(find_quotes(make_orders(["暖气不热，室温很低"] * 5))) == 1


def test_numbers_of_people_are_masked_and_long_texts_cut():
    quote = find_quotes(make_orders(["电话13812345678，" + "暖气不热" * 60]))[0]

    assert "138****5678" in quote.text
    assert "13812345678" not in quote.text
    assert len(quote.text) == MOST_CHARACTERS
    assert quote.text.endswith("…")


def test_the_order_of_the_rows_does_not_show():
    orders = make_orders([*HEAT, *NOISE])
    assert find_quotes(orders) == find_quotes(orders.iloc[::-1])


def test_without_texts_nothing_is_quoted():
    assert find_quotes(make_orders([None, " "])) == ()
    assert find_quotes(make_orders([])) == ()
