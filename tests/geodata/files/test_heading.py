"""The names of columns are found where they stand, in text and in workbooks."""

import openpyxl
import pytest

from geodata.errors import InvalidDataError
from geodata.files import read_table
from geodata.files.heading import find_heading

HEADER, ROW = ["no", "at", "lon"], ["A1", "2024-05-06", "116.4"]


def write(tmp_path, records, ending, delimiter=","):
    path = tmp_path / f"a.{ending}"
    if ending == "xlsx":
        book = openpyxl.Workbook()
        for record in records:
            book.active.append([cell or None for cell in record])
        book.save(path)
    else:
        path.write_text("\n".join(delimiter.join(record) for record in records), encoding="utf-8")
    return path


ABOVE = {
    "title": [["小样市工单明细", "", ""]],
    "title alone": [["# export 2024-05-07"]],
    "title and note": [["明细"], ["2024-05-07 导出", "", ""], ["", "", ""]],
    "levels": [["工单", "", "位置"]],
    "sentence": [["小样市12345", "2024年5月", ""]],
}


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", ABOVE)
def test_rows_above_the_names_are_left_out_and_said(tmp_path, kind, ending):
    above = ABOVE[kind]
    path = write(tmp_path, [*above, HEADER, ROW, ROW], ending)
    frame, problems = read_table(path, names=("at", "no", "address"))
    assert frame.columns.tolist() == HEADER
    assert frame.to_numpy().tolist() == [ROW, ROW]
    assert (frame.index + 2).tolist() == [len(above) + 2, len(above) + 3]
    (problem,) = problems
    assert (problem.severity, problem.row) == ("warning", len(above) + 1)
    assert f"the column names stand in row {len(above) + 1}" in problem.problem


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", ["title", "title alone", "title and note"])
def test_a_title_is_known_without_names(tmp_path, kind, ending):
    path = write(tmp_path, [*ABOVE[kind], HEADER, ROW], ending)
    assert read_table(path)[0].columns.tolist() == HEADER


@pytest.mark.parametrize("blank", ["", " ", ",,", "\n\n"])
def test_blank_lines_above_count_as_rows_and_are_not_worth_a_word(tmp_path, blank):
    path = tmp_path / "a.csv"
    path.write_text(f"{blank}\nno,at,lon\nA1,2024,116\nbad\n", encoding="utf-8")
    frame, problems = read_table(path)
    lines = blank.count("\n") + 1
    assert (frame.index + 2).tolist() == [lines + 2]
    assert [(one.row, one.severity) for one in problems] == [(lines + 3, "error")]


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;", "sep=;\r"])
def test_the_line_that_tells_excel_the_separator_is_taken(tmp_path, line):
    path = tmp_path / "a.csv"
    path.write_text(f'{line}\nno;a,b\n1;"x;y"\n2\n', encoding="utf-8", newline="")
    frame, problems = read_table(path)
    assert frame.to_dict("index") == {1: {"no": "1", "a,b": "x;y"}}
    assert [one.row for one in problems] == [4]


def test_a_list_of_one_column_has_no_title():
    assert find_heading([["地址"], ["和平里东街", "11号"], ["和平里西街"]]) == 0
    assert find_heading([["地址"], ["和平里东街11号"], ["和平里西街"]]) == 0


def test_ordinary_headers_stay_whatever_is_below():
    assert find_heading([["a", "b"], ["c", "d"], ["e", "f"]], ("x",)) == 0
    assert find_heading([["a", "", "b"], ["c", "d", "e"], ["e", "f", "g"]]) == 0
    assert find_heading([], ("a",)) == 0


def test_nothing_but_blank_cells_is_no_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",,\n,,\n")
    with pytest.raises(InvalidDataError, match="has no header"):
        read_table(path)
