import csv
import io

import pytest

from web.kit.exports import make_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_taken_for_a_formula(start: str) -> None:
    text = make_csv(["name"], [(f"{start}HYPERLINK(1)",)])
    cell = next(csv.DictReader(io.StringIO(text, newline="")))["name"]
    assert cell == f"'{start}HYPERLINK(1)"


def test_numbers_stay_numbers_and_missing_values_are_empty() -> None:
    text = make_csv(["a", "b", "c", "d"], [(-1, 0.5, None, float("nan"))])
    assert text == "a,b,c,d\r\n-1,0.5,,\r\n"


def test_commas_quotes_and_lines_survive() -> None:
    value = '景山,"东"\n街'
    text = make_csv(["name"], [(value,)])
    assert next(csv.DictReader(io.StringIO(text, newline="")))["name"] == value
