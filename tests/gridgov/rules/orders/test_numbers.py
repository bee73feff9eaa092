"""An order's number with its source before it fits every table and stays its own."""

from hypothesis import given
from hypothesis import strategies as st

from gridgov.rules.orders.numbers import LONGEST_ORDER_NO, add_source

NUMBERS = st.text("Aa1-", min_size=1, max_size=72)
SOURCES = st.text("bc2", min_size=1, max_size=40)


@given(NUMBERS, SOURCES)
def test_it_fits_and_names_its_source(number: str, source: str) -> None:
    named = add_source(number, source)
    assert named == add_source(number, source)
    assert len(named) <= LONGEST_ORDER_NO
    assert named.startswith(f"{source}:")
    if len(source) + 1 + len(number) <= LONGEST_ORDER_NO:
        assert named == f"{source}:{number}"


def test_long_numbers_that_begin_alike_stay_apart() -> None:
    numbers = ["A" * 71 + end for end in "xyz"]
    assert len({add_source(number, "the hotline of the city") for number in numbers}) == 3
