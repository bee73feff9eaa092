"""Tables: kinds of files, encodings, damaged rows, safe and atomic writing."""

import csv
import datetime as dt
import io
import time

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_table, write_table
from geodata.files.encodings import detect_encoding
from geodata.problems import row_number

TEXT = "工单编号,地址\n001,东华门街道\n002,\n"


def read(tmp_path, data, name="a.csv", **options):
    path = tmp_path / name
    path.write_bytes(data)
    return read_table(path, **options)


def refuse(tmp_path, data, name="a.csv", **options):
    with pytest.raises(InvalidDataError) as caught:
        read(tmp_path, data, name, **options)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_encoding_gives_the_same_table(tmp_path, encoding):
    frame, problems = read(tmp_path, TEXT.encode(encoding))
    assert problems == []
    assert list(frame.columns) == ["工单编号", "地址"]
    assert frame["工单编号"].tolist() == ["001", "002"]
    assert frame["地址"].isna().tolist() == [False, True]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_declared_encoding_is_used_and_a_wrong_one_refused(tmp_path, encoding):
    other = {"utf-8": "gb18030", "gb18030": "utf-8"}[encoding]
    lines = ["编号,地址", *(f"{i},东城区东华门街道南池子大街{i}号" for i in range(20))]
    data = "\n".join(lines).encode(encoding)
    assert len(read(tmp_path, data, encoding=encoding)[0]) == 20
    message = refuse(tmp_path, data, encoding=other)
    assert f"is not {other}" in message
    assert encoding in message
    assert "not known" in refuse(tmp_path, data, encoding="klingon")


@pytest.mark.parametrize(("most", "one"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
def test_rows_in_another_encoding_are_named_and_the_rest_is_read(tmp_path, most, one):
    rows = [
        f"{i},东城区和平里街道第{i}社区".encode(one if i in {3, 7} else most) for i in range(10)
    ]
    frame, problems = read(tmp_path, b"no,address\n" + b"\n".join(rows))
    assert [problem.row for problem in problems] == [5, 9]
    assert all(problem.severity == "error" and problem.field == "address" for problem in problems)
    assert "和平里街道第3社区" in problems[0].value
    assert frame.index.tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    assert frame["address"].tolist() == [f"东城区和平里街道第{i}社区" for i in frame.index]


def test_short_gb18030_words_that_look_like_utf8_are_not_taken_for_it(tmp_path):
    # The bytes of this word are valid UTF-8 (two pairs), a well-known trap.
    data = "公司,城市\n联通,北京市\n移动,上海市\n".encode("gb18030")
    frame, problems = read(tmp_path, data)
    assert problems == []
    assert frame["公司"].tolist() == ["联通", "移动"]


def test_bytes_of_no_encoding_are_one_problem(tmp_path):
    good = "\n".join(f"{i},东城区交道口街道{i}" for i in range(5)).encode()
    frame, problems = read(tmp_path, b"no,name\n" + good + b"\n9,\xff\xfe\xff\n")
    assert len(frame) == 5
    assert [problem.row for problem in problems] == [7]


def test_damaged_rows_are_named_with_their_row(tmp_path):
    data = b'a,b\n1,2\n3\n4,5,6\n7,8\n\n"x\ny",9\n"open,5\n6,7\n10,11\n'
    frame, problems = read(tmp_path, data)
    assert frame.to_dict("index") == {
        0: {"a": "1", "b": "2"},
        3: {"a": "7", "b": "8"},
        5: {"a": "x\ny", "b": "9"},
        7: {"a": "6", "b": "7"},
        8: {"a": "10", "b": "11"},
    }
    assert [(problem.row, problem.problem) for problem in problems] == [
        (3, "row has 1 fields where the header has 2"),
        (4, "row has 3 fields where the header has 2"),
        (8, "a quote opens here and is never closed"),
    ]
    assert row_number(frame.index[-1]) == 10


def test_damaged_rows_without_quotes_take_the_fast_way_to_the_same_answer(tmp_path):
    plain = b"a,b\n1,2\n3\n4,5,6\n7,8,,\n\n9,9\n"
    quoted = plain + b'"x\ny",1\n"lost,1\n'  # the stray quote forces the patient parser
    fast, fast_problems = read(tmp_path, plain)
    patient, patient_problems = read(tmp_path, quoted)
    pd.testing.assert_frame_equal(fast, patient.iloc[: len(fast)])
    assert fast_problems == patient_problems[: len(fast_problems)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text(alphabet='ab,"\n 东=;', max_size=6), min_size=2, max_size=4), max_size=12
    )
)
def test_whatever_a_csv_writer_writes_is_read_back_or_named(tmp_path_factory, rows):
    # Invariant: every written record is a row of the frame, a problem, or holds nothing at all.
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([["x", "y"], *rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    frame, problems = read_table(path, delimiter=",")
    named = {problem.row for problem in problems if problem.severity == "error"}
    for position, row in enumerate(rows):
        kept = [*row[:2], *(row[2:] if any(row[2:]) else [])]
        if len(kept) == 2 and any(kept) and not named:
            found = frame.loc[position].tolist()
            assert ["" if pd.isna(value) else value for value in found] == kept
    empty = sum(not any(row) for row in rows)
    assert len(frame) + len(named) >= len(rows) - empty


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.csv", "is empty (0 bytes)"),
        (b"\n\n", "a.csv", "has no header"),
        (b"PK\x03\x04 anything", "a.csv", "is a ZIP or XLSX file, not text"),
        (b"a,b\n" + bytes(500), "a.csv", "not a text file"),
        (b"junk", "a.xlsx", "cannot be read as XLSX"),
        (b"junk", "a.parquet", "cannot be read as Parquet"),
        (b"junk", "a.xls", "save it as .xlsx"),
        (b"junk", "a.docx", "are not read"),
        (b'"a,b\n1,2\n', "a.csv", "row 1 opens a quote"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path, data, name, message):
    assert message in refuse(tmp_path, data, name)


def test_missing_file_and_folder(tmp_path):
    (tmp_path / "appeals.csv").write_text("a\n1\n")
    with pytest.raises(InvalidDataError, match=r"does not exist.*did you mean .*appeals\.csv"):
        read_table(tmp_path / "apeals.csv")
    with pytest.raises(InvalidDataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize("data", [b"a,b", b"a,b\n", b"a,b\r\n\r\n"])
def test_header_only_is_an_empty_table_with_a_warning(tmp_path, data):
    frame, problems = read(tmp_path, data)
    assert list(frame.columns) == ["a", "b"]
    assert frame.empty
    assert [(p.severity, p.problem) for p in problems] == [("warning", "has a header and no rows")]


def test_doubled_and_missing_names_of_columns(tmp_path):
    frame, problems = read(tmp_path, b"a,a,,\n1,2,3,\n")
    assert frame.to_dict("records") == [{"a": "1", "a_2": "2", "column_3": "3"}]
    assert [problem.field for problem in problems] == ["a", ""]
    assert all(problem.severity == "warning" for problem in problems)


def test_long_cells_and_nul_bytes(tmp_path):
    long = "长" * 1_000_000
    frame, problems = read(tmp_path, f"a,b\n1,{long}\n2,x\x00y\n".encode())
    assert frame["b"].tolist() == [long, "xy"]
    assert [(p.row, p.field, p.severity) for p in problems] == [(3, "b", "warning")]
    assert "NUL" in problems[0].problem


def test_problem_values_of_long_rows_are_short(tmp_path):
    _, problems = read(tmp_path, b"a,b\n" + b"z" * 1_000_000 + b"\n")
    assert len(problems[0].value) <= 200


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_delimiter_is_found_or_given(tmp_path, delimiter):
    data = f"a{delimiter}b\r\n1{delimiter}2\r\n".encode()
    assert read(tmp_path, data)[0].to_dict("records") == [{"a": "1", "b": "2"}]
    assert read(tmp_path, data, delimiter=delimiter)[0]["b"].tolist() == ["2"]


def test_workbook_values_are_text_as_a_person_sees_it(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["编号", "数", "时间", None])
    book.active.append(["0012", 20240101000123.0, dt.datetime(2024, 1, 2, 3, 4, 5)])  # noqa: DTZ001 - XLSX has no zones
    book.active.append([None, None, None])
    book.active.append(["x", 1.5, None])
    book.create_sheet("其他").append(["z"])
    book.save(tmp_path / "a.xlsx")
    frame, problems = read_table(tmp_path / "a.xlsx")
    assert frame.index.tolist() == [0, 2]
    assert frame.loc[0].tolist() == ["0012", "20240101000123", "2024-01-02 03:04:05"]
    assert frame.loc[2].tolist()[:2] == ["x", "1.5"]
    assert ["only the first is read" in problem.problem for problem in problems] == [True]
    assert read_table(tmp_path / "a.xlsx", sheet="其他")[0].columns.tolist() == ["z"]
    with pytest.raises(InvalidDataError, match="Sheet, 其他"):
        read_table(tmp_path / "a.xlsx", sheet="none")


def test_parquet_keeps_types(tmp_path):
    frame = pd.DataFrame(
        {
            "no": pd.array(["1", None], dtype="str"),
            "at": pd.to_datetime(["2024-01-01 08:00", None]).tz_localize("Asia/Shanghai"),
            "n": [1.5, np.nan],
        },
        index=[5, 9],
    )
    write_table(frame, tmp_path / "a.parquet")
    back, problems = read_table(tmp_path / "a.parquet")
    assert problems == []
    pd.testing.assert_frame_equal(back, frame.reset_index(drop=True), check_dtype=True)


def test_csv_opens_in_excel_and_reads_back(tmp_path):
    frame = pd.DataFrame(
        {
            "编号": ["001", "002"],
            "正文": ['他说"不亮"\n第二行', None],
            "lon": [116.123456789012, np.nan],
            "at": pd.to_datetime(["2024-07-01 08:00:00", None]).tz_localize("Asia/Shanghai"),
            "kind": pd.Categorical(["投诉", "求助"]),
            "ok": pd.array([True, None], dtype="boolean"),
        }
    )
    write_table(frame, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    back, problems = read_table(tmp_path / "a.csv")
    assert problems == []
    assert back.loc[0].tolist() == [
        "001", '他说"不亮"\n第二行', "116.123456789012", "2024-07-01 08:00:00+08:00", "投诉", "true",
    ]  # fmt: skip
    assert back.loc[1].isna().tolist() == [False, True, True, True, False, True]


DANGEROUS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']
HARMLESS = ["-12.5", "+8613800000000", "1e5", "a=b", "东华门", "-.5"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_formulas_are_not_run_and_numbers_are_not_touched(tmp_path, ending):
    frame = pd.DataFrame({"t": DANGEROUS + HARMLESS, "n": np.arange(12) - 6.5})
    path = tmp_path / f"a.{ending}"
    write_table(frame, path)
    back, _ = read_table(path)
    assert back["t"].tolist()[len(DANGEROUS) :] == HARMLESS
    assert back["n"].astype(float).tolist() == frame["n"].tolist()
    if ending == "csv":
        raw = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))[1:]
        assert [row[0] for row in raw[: len(DANGEROUS)]] == [f"'{text}" for text in DANGEROUS]
        assert back["t"].tolist()[: len(DANGEROUS)] == DANGEROUS
    else:
        cells = [cell for (cell,) in openpyxl.load_workbook(path).active.iter_rows(max_col=1)]
        assert {cell.data_type for cell in cells} == {"s"}  # text, not "f" for formula


def test_workbook_survives_what_excel_forbids(tmp_path):
    frame = pd.DataFrame(
        {
            "t": ["a\x01b", "x" * 40_000, None],
            "at": pd.to_datetime(["2024-01-01 08:00"] * 3).tz_localize("Asia/Shanghai"),
            "n": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    write_table(frame, tmp_path / "a.xlsx")
    back, _ = read_table(tmp_path / "a.xlsx")
    assert back.loc[0].tolist() == ["ab", "2024-01-01 08:00:00", "1"]
    assert back.loc[1, "t"].endswith("x…")
    assert len(back.loc[1, "t"]) == 32_767


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_same_frame_gives_the_same_bytes(tmp_path, ending):
    frame = pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]})
    write_table(frame, tmp_path / f"1.{ending}")
    time.sleep(2.1)  # the resolution of time stamps in ZIP files
    write_table(frame, tmp_path / f"2.{ending}")
    assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"2.{ending}").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("old")
    with pytest.raises(pa.ArrowNotImplementedError):
        write_table(pd.DataFrame({"a": [1 + 2j]}), path)
    with pytest.raises(GeodataError, match=r"'\.doc' are not written"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "a.doc")
    with pytest.raises(GeodataError, match="is a folder"):
        (tmp_path / "b.csv").mkdir()
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "b.csv")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.parquet", "b.csv"]
    assert path.read_text() == "old"


def test_missing_folders_above_are_made(tmp_path):
    write_table(pd.DataFrame({"a": [1]}), tmp_path / "x" / "y" / "a.csv")
    assert read_table(tmp_path / "x" / "y" / "a.csv")[0]["a"].tolist() == ["1"]


def test_a_line_left_blank_in_a_list_of_one_column_keeps_its_row(tmp_path):
    frame, problems = read(tmp_path, "地址\n东四北大街1号\n\n朝内大街2号\n\n".encode())
    assert problems == []
    assert frame["地址"].tolist()[::2] == ["东四北大街1号", "朝内大街2号"]
    assert frame["地址"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_row_pushed_right_is_not_forgiven_for_its_empty_end(tmp_path, separator, quoted):
    text = "a,b,c\n1,x,\n2,x,y,\n3,x,\n4,x,y,,\n" + ('"5",x,\n' if quoted else "5,x,\n")
    frame, problems = read(tmp_path, text.replace(",", separator).encode(), "a.txt")
    assert frame["a"].tolist() == ["1", "3", "5"]
    assert frame["c"].isna().all()
    assert [(one.row, one.problem) for one in problems] == [
        (3, "row has 4 fields where the header has 3"),
        (5, "row has 5 fields where the header has 3"),
    ]


@pytest.mark.parametrize("quoted", [False, True])
def test_empty_ends_that_every_row_has_are_a_spreadsheets(tmp_path, quoted):
    first = '"1"' if quoted else "1"
    frame, problems = read(tmp_path, f"a,b\n{first},x,,\n\n2,y,,\n3,,z,,\n".encode())
    assert frame.to_dict("index") == {0: {"a": "1", "b": "x"}, 2: {"a": "2", "b": "y"}}
    assert [one.row for one in problems] == [5]


def test_one_filled_end_makes_all_of_them_suspect(tmp_path):
    frame, problems = read(tmp_path, b"a,b\n1,x,\n2,y,\n3,x,z\n")
    assert frame.empty
    assert [one.row for one in problems] == [2, 3, 4]


def test_quotes_escaped_by_backslashes(tmp_path):
    data = """no,text,at\n1,"他说\\"好,了\\"走了",x\n2,"\\"快\\"",y\n3,"C:\\\\",z\n""".encode()
    frame, problems = read(tmp_path, data)
    assert frame["text"].tolist() == ['他说"好,了"走了', '"快"', "C:\\\\"]
    assert [(one.severity, one.row) for one in problems] == [("warning", None)]


def test_a_path_that_ends_in_a_backslash_is_no_escape(tmp_path):
    frame, problems = read(tmp_path, b'no,text\n1,"C:\\dir\\"\n2,"D:\\"\n')
    assert frame["text"].tolist() == ["C:\\dir\\", "D:\\"]
    assert problems == []


TRADITIONAL = "案件編號,地址\nA1,臺北市信義區市府路一號\nA2,九龍旺角彌敦道，路燈不亮\n"


def test_big5_is_not_taken_for_gb18030(tmp_path):
    frame, problems = read(tmp_path, TRADITIONAL.encode("big5hkscs"))
    assert frame.columns.tolist() == ["案件編號", "地址"]
    assert frame["地址"].tolist() == ["臺北市信義區市府路一號", "九龍旺角彌敦道，路燈不亮"]
    assert problems == []
    assert read(tmp_path, TRADITIONAL.encode("gb18030"))[0].equals(frame)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0xB0A1, 0xF7FE), min_size=1, max_size=30))
def test_characters_of_gb2312_are_never_taken_for_big5(codes):
    data = b"".join(c.to_bytes(2, "big") for c in codes if c & 0xFF >= 0xA1 and c & 0xFF != 0xFF)
    assert detect_encoding(b"a," + data + b"\n") in {"gb18030", "utf-8"}


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_the_first_rows_are_read_as_the_whole_is(tmp_path, ending):
    frame = pd.DataFrame({"a": [f"{i}\nzeile" for i in range(500)], "b": "x"})
    write_table(frame, tmp_path / f"a.{ending}")
    some, problems = read_table(tmp_path / f"a.{ending}", most_rows=40)
    whole, _ = read_table(tmp_path / f"a.{ending}")
    assert problems == []
    assert 20 <= len(some) <= 40  # lines are counted in text, where a cell may have several
    pd.testing.assert_frame_equal(some, whole.iloc[: len(some)])


def test_formulas_that_nobody_has_worked_out(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["no", "n"])
    book.active.append(['="0711"', "=1+1"])
    book.active.append(["0712", 5])
    book.save(tmp_path / "a.xlsx")
    frame, problems = read_table(tmp_path / "a.xlsx")
    assert frame["no"].tolist() == ["0711", "0712"]
    assert frame["n"].tolist()[1] == "5"
    assert [(one.row, one.field, one.value) for one in problems] == [(2, "B", "=1+1")]
