"""What spreadsheets do to cells is undone where that is certain, and found where it is not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.files import read_table, write_table
from geodata.spreadsheets import (
    find_shortened,
    note_shortened,
    to_codes,
    to_text,
    unwrap_text,
)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('="0711"', "0711"),
        ('="a ""b"" c"', 'a "b" c'),
        ("'2405060005", "2405060005"),
        ("’24-05/7", "24-05/7"),
        ("＇24", "24"),
        ("`24", "24"),
        ("'=1+1", "=1+1"),
        ("''=1", "'=1"),
        ("'-", "-"),
    ],
)
def test_guards_are_no_part_of_the_value(cell, value):
    assert unwrap_text(cell) == value


@pytest.mark.parametrize(
    "cell", ["=A1", "='x'", "'路灯'不亮", "‘路灯’", "’", "'", "it's 5", "5'", "'5 盏路灯"]
)
def test_what_is_no_guard_stays(cell):
    assert unwrap_text(cell) == cell


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_guards_go_in_every_column_and_in_names(tmp_path, separator):
    rows = [
        ['="no"', "name"],
        ['"=""0711"""', "’=5"],
        ['="0712"', '"=""路灯"""'],
        ["'0713", "`好`"],
        ["`0714", '"=""0"""'],
        ["0715\u200b", "\ufeff坏\u2060了"],
    ]
    path = tmp_path / "a.txt"
    path.write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8")
    frame, problems = read_table(path)
    assert frame.to_dict("list") == {
        "no": ["0711", "0712", "0713", "0714", "0715"],
        "name": ["’=5", "路灯", "`好`", "0", "坏了"],
    }
    assert [(one.row, one.field, one.severity) for one in problems] == [(5, "no", "warning")]


@given(st.lists(st.text(alphabet="'=+-@ab1 路", min_size=1, max_size=5), min_size=1, max_size=9))
def test_what_is_written_is_read_back(tmp_path_factory, texts):
    # A leading apostrophe before digits alone is taken for a guard: nobody's number has one.
    sound = [text.strip() for text in texts]
    sound = [text for text in sound if text and not text.startswith(("'1", '="'))] or ["a"]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write_table(pd.DataFrame({"t": sound, "n": "x"}), path)
    assert read_table(path)[0]["t"].tolist() == sound


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([101004116078.0, None], ["101004116078", None]),
        ([110104.0, 2.0], ["110104", "2"]),
        ([1.5, 2.0], ["1.5", "2"]),
        ([2.40506e17, 1.0], ["2.405060E+17", "1"]),
        (pd.array([202405060001234567, None], dtype="Int64"), ["202405060001234567", None]),
        ([b"\xe8\xb7\xaf", None], ["路", None]),
        (pd.Series(["a\u200b ", "", " "]), ["a", None, None]),
        (pd.Series(["x", 3.0, None], dtype=object), ["x", "3", None]),
        (pd.Categorical(["7", "8"]), ["7", "8"]),
    ],
)
def test_any_column_as_text(values, texts):
    found = to_text(pd.Series(values))
    assert [None if pd.isna(value) else value for value in found] == texts


def test_a_point_goes_only_where_no_value_has_a_fraction():
    assert to_codes(pd.Series(["101.0", "102", None, "a"])).tolist()[:2] == ["101", "102"]
    assert to_codes(pd.Series(["1.0", "1.1"])).tolist() == ["1.0", "1.1"]


@pytest.mark.parametrize("text", ["2.40506E+17", "1E+05", "2.4e+17", "2.40506E17", "-1.1E+300"])
def test_scientific_notation_is_found(text):
    column = pd.Series(["24", text, None], name="no", index=[0, 5, 9])
    assert find_shortened(column).tolist() == [False, True, False]
    (problem,) = note_shortened([column, column.mask(column == text)], "a.csv")
    assert (problem.field, problem.value, problem.severity) == ("no", text, "error")
    assert "1 number is" in problem.problem
    assert "row 7" in problem.problem


@pytest.mark.parametrize("text", ["1E5", "E+17", "12E34", "3E21-1", "2.4", "A1E+05", "24E+17"])
def test_codes_that_look_like_it_are_codes(text):
    assert not find_shortened(pd.Series([text])).any()


def test_long_numbers_of_workbooks_are_known_to_be_lost(tmp_path):
    pd.DataFrame({"no": [240506123456789.0, 2405061234567890123.0], "n": [1.5, 2.0]}).to_excel(
        tmp_path / "a.xlsx", index=False
    )
    frame, _ = read_table(tmp_path / "a.xlsx")
    assert frame["n"].tolist() == ["1.5", "2"]
    assert frame["no"].tolist()[0] == "240506123456789"
    assert find_shortened(frame["no"]).tolist() == [False, True]


def test_whole_numbers_of_parquet_keep_their_digits_beside_gaps(tmp_path):
    numbers = [202405060001234567, None, 202405060001234568]
    frame = pd.DataFrame({"no": pd.array(numbers, dtype="Int64")})
    frame.to_parquet(tmp_path / "a.parquet")
    back, _ = read_table(tmp_path / "a.parquet")
    assert to_text(back["no"]).tolist()[::2] == ["202405060001234567", "202405060001234568"]
    assert np.isnan(to_text(back["no"]).iloc[1])
