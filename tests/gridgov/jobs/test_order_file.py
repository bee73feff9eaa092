"""Orders of a run read back, also after a spreadsheet had them: never fewer or others without a word."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from geodata.errors import InvalidDataError
from gridgov.jobs.order_file import NEEDED_COLUMNS, read_orders, restore_codes

ZONE = ZoneInfo("Asia/Shanghai")


def write(tmp_path, count=30, **columns):
    days = pd.date_range("2024-05-01 08:30", periods=count, freq="D")
    frame = pd.DataFrame("", index=range(count), columns=list(NEEDED_COLUMNS))
    frame = frame.assign(
        order_no=[f"{2405060001 + at}-1" for at in range(count)],
        appeal_no=[str(2405060001 + at) for at in range(count)],
        received_at=days.strftime("%Y/%m/%d %H:%M"),
        street_code="110101001",
        cell_code=[f"110101001000{at:03}" for at in range(count)],
        item_code="101",
    )
    frame.assign(**columns).to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path / "orders.csv"


def test_a_spreadsheets_forms_are_read(tmp_path):
    read = read_orders(write(tmp_path), zone=ZONE)
    assert (read.read, len(read.orders), read.rejected) == (30, 30, 0)
    assert str(read.orders["received_at"][0]) == "2024-05-01 08:30:00+08:00"


def test_codes_that_are_lost_refuse_the_file(tmp_path):
    with pytest.raises(InvalidDataError, match="cell_code · 30 numbers are in scientific notation"):
        read_orders(write(tmp_path, cell_code="1.10101E+14"), zone=ZONE)
    frame = pd.DataFrame({"cell_code": ["1.10101E+14"], "item_code": ["101.0"]})
    found, notes = restore_codes(frame, tmp_path / "a.csv", needed=("item_code",))
    assert found["item_code"].tolist() == ["101"]
    assert found["cell_code"].isna().all()
    assert [one.severity for one in notes] == ["warning"]


def test_the_number_of_an_appeal_comes_from_its_orders(tmp_path):
    read = read_orders(write(tmp_path, appeal_no="2.40506E+09"), zone=ZONE)
    assert read.orders["appeal_no"].tolist()[:2] == ["2405060001", "2405060002"]
    assert read.problems["severity"].tolist() == ["warning"]


def test_a_bad_row_takes_nothing_from_another(tmp_path):
    path = write(tmp_path)
    frame = pd.read_csv(path, dtype=str)
    frame.loc[0, ["order_no", "received_at"]] = ["N-1", "x"]
    frame.loc[1, "order_no"] = "N-1"
    frame.loc[2, "received_at"] = "2099-01-01 08:30"
    frame.to_csv(path, index=False)
    read = read_orders(path, zone=ZONE)
    assert read.orders["order_no"].tolist()[0] == "N-1"
    assert (len(read.orders), read.rejected) == (28, 2)
    assert read.problems.loc[read.problems["severity"] == "error", "row"].tolist() == [2, 4]
    assert read.orders["received_at"].max().year == 2024


def test_zeros_that_a_spreadsheet_took_come_back_where_one_code_fits(tmp_path):
    numbers = [f"{711 + at:04}" for at in range(30)]
    path = write(
        tmp_path,
        order_no=[f"{one}-1" for one in numbers],
        appeal_no=[one.lstrip("0") for one in numbers],
        street_code="7",
        item_code="101",
    )
    known = {"street_code": {"07", "17"}, "item_code": {"0101", "00101"}}
    read = read_orders(path, zone=ZONE, known=known)
    assert read.orders["appeal_no"].tolist() == numbers
    assert set(read.orders["street_code"]) == {"07"}
    assert set(read.orders["item_code"]) == {"101"}, "two fit: neither is chosen"
    told = read.problems.set_index("field")["problem"]
    assert told["appeal_no"].startswith("30 numbers have lost their leading zeros")
    assert told["street_code"].startswith("30 codes have lost their leading zeros")
    assert "item_code" not in told


def test_a_number_that_is_not_its_orders_is_left_alone(tmp_path):
    path = write(tmp_path, order_no=[f"00{at}-1" for at in range(30)], appeal_no="9")
    read = read_orders(path, zone=ZONE)
    assert read.orders["appeal_no"].tolist() == ["9"] * 9 + ["009"] + ["9"] * 20
    assert read.problems["problem"].str.startswith("1 numbers have lost").sum() == 1
