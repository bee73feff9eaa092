"""What is exported comes back whole, also after a spreadsheet has saved it, or is refused with the reason."""

import csv
import io
import re
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest

from geodata.errors import InvalidDataError
from gridgov.frames import ORDER_COLUMNS
from gridgov.jobs.exchange import COLUMNS, ExportFacts, Form, read_export, write_export
from gridgov.jobs.exchange.fields import Kind
from gridgov.jobs.order_file import read_orders

ZONE = ZoneInfo("Asia/Shanghai")
FACTS = ExportFacts(
    rows={"城市": "测试市", "时间窗": "2024-03-01..2024-03-31", "筛选": "状态=已派单"}
)
FIELDS = [one for one in COLUMNS if one.kind not in {Kind.WORD, Kind.CHECK}]
TEXTS = [
    "=HYPERLINK(1)",
    "'=A1",
    "''-1",
    "两行\n字",
    'a,"b";c',
    "-5 度",
    "+86",
    "\t制表",
    "'引号",
    "平常",
    None,
]


def make_rows(n=12, *, long_numbers=False):
    """Return rows as the database gives them, with what hurts in each."""
    start = pd.Timestamp("2024-03-04 01:02:03", tz="UTC")
    rows = []
    for at in range(n):
        number = f"2024030400000000{at:04d}" if long_numbers else f"A{at:04d}"
        row = dict.fromkeys(one.name for one in FIELDS) | {
            "order_no": f"{number}-1",
            "appeal_no": number,
            "state": "dispatched",
            "outcome": "open",
            "unit_code": "D01",
            "item_code": "0101" if at % 2 else "010101",
            "level1_code": "01",
            "district_code": "110101",
            "street_code": "110101001",
            "cell_code": "110101001000123",
            "kind": "complaint",
            "route": "department",
            "grade": "24h",
            "review": at % 2 == 0,
            "text": TEXTS[at % len(TEXTS)],
            "address": "和平小区3号楼",
            "received_at": (start + pd.Timedelta(minutes=at, microseconds=at)).to_pydatetime(),
            "closed_at": None if at % 3 else start.to_pydatetime(),
            "lon": None if at == 5 else 116.4051234567891 + at / 1000,
            "lat": None if at == 5 else 39.905,
            "uncertainty_m": 12.5,
            "contacted": [True, False, None][at % 3],
            "boundary_version": "2024",
        }
        rows.append(SimpleNamespace(**row))
    return rows


def say(field, code):
    return {("unit_code", "D01"): "城管委", ("state", "dispatched"): "已派单"}.get(
        (field, code), ""
    )


def write(path, rows, **more):
    form = Form(path.suffix[1:])
    return write_export(rows, path, form=form, facts=FACTS, words=say, zone=ZONE, **more)


def check_whole(path, rows):
    read = read_export(path, zone=ZONE)
    assert (read.read, read.rejected) == (len(rows), 0)
    assert not (read.problems["severity"] == "error").any()
    for one in FIELDS:
        for given, found in zip(
            (getattr(row, one.name) for row in rows), read.orders[one.name], strict=True
        ):
            if given is None:
                assert pd.isna(found), one.name
            elif one.kind is Kind.TIME:
                assert found == pd.Timestamp(given).floor("s"), one.name
            elif one.kind is Kind.NUMBER:
                assert found == pytest.approx(given, abs=1e-7), one.name
            else:
                assert found == given, one.name
    return read


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", list(Form))
def test_every_form_comes_back_whole(tmp_path, form, language):
    rows = make_rows()
    path = tmp_path / f"orders.{form}"
    assert write(path, rows, language=language) == len(rows)
    read = check_whole(path, rows)
    assert read.facts == ({} if form is Form.CSV else dict(FACTS.rows))


@pytest.mark.parametrize("form", list(Form))
def test_the_same_rows_give_the_same_bytes_and_none_an_empty_file(tmp_path, form):
    one, other = tmp_path / f"a.{form}", tmp_path / f"b.{form}"
    for path in (one, other):
        write(path, make_rows(3))
    if form is not Form.GPKG:  # which keeps the time of its making
        assert one.read_bytes() == other.read_bytes()
    assert write(tmp_path / f"none.{form}", []) == 0


@pytest.mark.parametrize("form", list(Form))
def test_an_export_is_taken_wherever_orders_of_a_run_are(tmp_path, form):
    rows = make_rows(6)
    rows[0].solved, rows[1].solved = "true", "partly"
    path = tmp_path / f"orders.{form}"
    write(path, rows)
    read = read_orders(path, zone=ZONE)
    assert (read.read, read.rejected) == (6, 0)
    assert list(read.orders) == list(ORDER_COLUMNS)
    assert read.orders["order_no"].tolist() == [row.order_no for row in rows]
    assert read.orders["solved"].tolist()[:2] == [True, False]
    assert read.orders["received_at"][0] == pd.Timestamp(rows[0].received_at)
    assert "person_key" in set(read.problems["field"])


def test_words_stand_beside_codes(tmp_path):
    write(tmp_path / "orders.csv", make_rows(1))
    text = (tmp_path / "orders.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
    assert (row["承办单位"], row["承办单位编码"]) == ("城管委", "D01")
    assert (row["状态"], row["状态编码"]) == ("已派单", "dispatched")
    assert row["受理时间"] == "2024-03-04 09:02:03"
    assert row["诉求内容"] == "'=HYPERLINK(1)"


def test_other_programs_read_what_is_written(tmp_path):
    rows = make_rows()
    for form in Form:
        write(tmp_path / f"orders.{form}", rows)
    parquet = gpd.read_parquet(tmp_path / "orders.parquet")
    package = gpd.read_file(tmp_path / "orders.gpkg", layer="orders")
    for frame in (parquet, package):
        assert frame.crs.to_authority() in {("EPSG", "4326"), ("OGC", "CRS84")}
        assert frame.geometry.isna().sum() == 1
        assert frame.geometry.x.iloc[0] == pytest.approx(rows[0].lon, abs=1e-7)
    book = openpyxl.load_workbook(tmp_path / "orders.xlsx")
    assert book.sheetnames == ["工单", "说明"]
    assert [cell.value for cell in book["说明"][1]] == ["城市", "测试市"]
    assert book["工单"]["A2"].value == "A0000-1"
    assert book["工单"]["A2"].data_type in {"s", "inlineStr"}


def test_a_workbook_that_a_spreadsheet_saved_comes_back_whole(tmp_path):
    rows = make_rows(long_numbers=True)
    path = tmp_path / "orders.xlsx"
    write(path, rows)
    book = openpyxl.load_workbook(path)
    book["工单"].column_dimensions["A"].width = 30
    book.save(path)
    check_whole(path, rows)


def save_as_spreadsheet(path, *, encoding="utf-8-sig", keep_seconds=True):
    """Save a CSV as a spreadsheet does: numbers and times in its own form, formulas' guards as they are."""
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))

    def change(cell):
        if re.fullmatch(r"-?\d+(\.\d+)?", cell):
            number = float(cell)
            return f"{number:.5E}" if abs(number) >= 1e11 else f"{number:.10g}"
        if time := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", cell):
            year, month, day, hour, minute, second = map(int, time.groups())
            tail = f":{second:02d}" if keep_seconds else ""
            return f"{year}/{month}/{day} {hour}:{minute:02d}{tail}"
        return cell

    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([change(cell) for cell in row] for row in rows)


def test_a_table_that_a_spreadsheet_saved_without_loss_comes_back_whole(tmp_path):
    rows = make_rows(3)
    for row in rows:
        row.level1_code = row.item_code = "X1"
        row.cell_code = None
        row.text = "平常"
    path = tmp_path / "orders.csv"
    write(path, rows)
    save_as_spreadsheet(path, encoding="gb18030")
    check_whole(path, rows)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"long_numbers": True, "numbers": True}, "scientific notation"),
        ({"keep_seconds": False}, "lost their seconds"),
        ({}, "as it was exported"),  # 01 has become 1
    ],
)
def test_what_a_spreadsheet_has_spoilt_is_refused_with_the_reason(tmp_path, change, told):
    rows = make_rows(4)
    if change.pop("numbers", False):
        change.pop("long_numbers")
        for at, row in enumerate(rows):
            row.appeal_no = row.order_no = f"2024030400000000{at:04d}"
    else:
        for row in rows:
            row.cell_code = None
    path = tmp_path / "orders.csv"
    write(path, rows)
    save_as_spreadsheet(path, **change)
    with pytest.raises(InvalidDataError, match=told):
        read_export(path, zone=ZONE)


def test_one_changed_row_is_refused_and_the_others_stay(tmp_path):
    path = tmp_path / "orders.xlsx"
    write(path, make_rows(4))
    book = openpyxl.load_workbook(path)
    sheet = book["工单"]
    head = [cell.value for cell in sheet[1]]
    sheet.cell(3, head.index("承办单位编码") + 1).value = "D02"
    sheet.append([cell.value for cell in sheet[2]])
    book.save(path)
    read = read_export(path, zone=ZONE)
    assert (read.read, read.rejected) == (5, 3)
    wrong = read.problems[read.problems["severity"] == "error"]
    assert sorted(wrong["row"].tolist()) == [2, 3, 6]
    assert read.orders["order_no"].tolist() == ["A0002-1", "A0003-1"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("orders.csv", "编号,内容\n1,x\n".encode(), "lacks the columns"),
        ("orders.parquet", b"no", "Parquet"),
        ("orders.gpkg", b"no", "GeoPackage"),
        ("orders.docx", b"no", "is of kind"),
        ("orders.xlsx", b"no", "XLSX"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidDataError, match=told):
        read_export(tmp_path / name, zone=ZONE)


def test_more_rows_than_a_sheet_holds_go_on_in_another(tmp_path, monkeypatch):
    monkeypatch.setattr("gridgov.jobs.exchange.writing.SHEET_ROWS", 5)
    rows = make_rows(11)
    write(tmp_path / "orders.xlsx", rows)
    names = openpyxl.load_workbook(tmp_path / "orders.xlsx").sheetnames
    assert names == ["工单", "工单 2", "工单 3", "说明"]
    check_whole(tmp_path / "orders.xlsx", rows)


def test_control_characters_and_long_texts_do_not_break_a_workbook(tmp_path):
    rows = make_rows(2)
    rows[0].text, rows[1].text = "a\x00b\x1fc<>&]]>", "长" * 40_000
    write(tmp_path / "orders.xlsx", rows)
    found = read_export(tmp_path / "orders.xlsx", zone=ZONE).orders["text"]
    assert found[0] == "abc<>&]]>"
    assert len(found[1]) == 32_767
    assert np.all(found.notna())
