"""Times as exports write them: read in one way or not at all."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from geodata.files import read_table
from gridgov.reading.faults import RowFaults
from gridgov.reading.times import TimeRules, read_times

ZONE = "Asia/Shanghai"


def read(*texts, **rules):
    values = pd.Series(texts, dtype="str", name="received_at")
    return read_times(values, TimeRules(zone=ZoneInfo(ZONE), **rules), RowFaults("appeals.csv"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-06", "2024-05-06 00:00"),
        ("2024-05-06 08:30", "2024-05-06 08:30"),
        ("2024-05-06T08:30:15.25", "2024-05-06 08:30:15.25"),
        ("2024/5/6 8:30", "2024-05-06 08:30"),
        ("2024.5.6 8:30:15", "2024-05-06 08:30:15"),
        ("2024年5月6日", "2024-05-06 00:00"),
        ("2024年5月6日 8时", "2024-05-06 08:00"),
        ("2024年5月6日8时30分15秒", "2024-05-06 08:30:15"),
        ("2024年5月6日 08：30", "2024-05-06 08:30"),
        ("20240506", "2024-05-06 00:00"),
        ("202405060830", "2024-05-06 08:30"),
        ("20240506083015", "2024-05-06 08:30:15"),
        ("２０２４－０５－０６　０８：３０", "2024-05-06 08:30"),
        ("2024/5/6 上午 8:30:00", "2024-05-06 08:30"),
        ("2024年5月6日 下午8:30", "2024-05-06 20:30"),
        ("2024-05-06 8:30 PM", "2024-05-06 20:30"),
        ("2024-05-06 12:30:05 am", "2024-05-06 00:30:05"),
        ("2024-05-06 下午 15:30", "2024-05-06 15:30"),
        # Days of a spreadsheet.
        ("45418", "2024-05-06 00:00"),
        ("45418.3541666667", "2024-05-06 08:30"),
        ("45418.354178", "2024-05-06 08:30:01"),
        # With an offset the city's zone does not matter.
        ("2024-05-06 08:30:00+08", "2024-05-06 08:30"),
        ("2024-05-06 00:30:00.5+00", "2024-05-06 08:30:00.5"),
        ("2024-05-06T00:30Z", "2024-05-06 08:30"),
        ("2024-05-05T19:30:00-0500", "2024-05-06 08:30"),
        ("2024/5/6 6:00 +05:30", "2024-05-06 08:30"),
        ("20240506T083000+0800", "2024-05-06 08:30"),
    ],
)
def test_forms_that_can_be_read_in_one_way(text, expected):
    assert read(text)[0] == pd.Timestamp(expected, tz=ZONE)
    # Beside others of any form each is read as it is alone.
    mixed = read("2020-01-01", text, "1.1.2020", "2024-05-06 08:30:00-03")
    assert mixed[1] == pd.Timestamp(expected, tz=ZONE)
    assert pd.isna(mixed[2])
    assert mixed[3] == pd.Timestamp("2024-05-06 19:30", tz=ZONE)


@pytest.mark.parametrize(
    "text",
    [
        *("now", "today", "2024", "2024-05", "202405", "2024116", "99999", "20240506083"),
        *("05/06/2024 08:30", "2024-13-01", "2024-02-30", "2024年4月31日", "2024/5/6 24:01"),
        *("2024-05-06 08:60", "20240506 99", "0000/00/00", "2024-05-06 08:30 PM?", "-"),
        *("2024-05-06 13:30 AM", "19999", "73051", "454183", "5/6/2024", "1714955400"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_no_time(text):
    assert pd.isna(read(text)[0])


def test_the_form_of_the_pack_alone_counts():
    found = read("06/05/2024 08:30", "2024-05-06 08:30", forms=("%d/%m/%Y %H:%M",))
    assert found[0] == pd.Timestamp("2024-05-06 08:30", tz=ZONE)
    assert pd.isna(found[1])


@pytest.mark.parametrize("text", ["now", "Today", "202405060830", "2024506083000", "2024-05-06"])
def test_a_form_takes_nothing_else(text):
    assert pd.isna(read(text, forms=("%Y%m%d%H%M%S",))[0])


def test_forms_of_the_pack_take_single_digits_where_a_sign_parts_them():
    found = read("6/5/2024 8:30", "6/5/2024  8:30", forms=("%d/%m/%Y %H:%M",))
    assert found.tolist() == [pd.Timestamp("2024-05-06 08:30", tz=ZONE)] * 2


def test_day_numbers_are_noted_once_a_column():
    faults = RowFaults("a.csv")
    values = pd.Series(["45418.25", "2024-05-06", None, "45419", "x"], name="closed_at")
    read_times(values, TimeRules(zone=ZoneInfo(ZONE)), faults)
    (note,) = faults.frame().to_dict("records")
    assert (note["field"], note["value"], note["severity"]) == ("closed_at", "45418.25", "warning")
    assert note["problem"].startswith("2 times are a spreadsheet's day numbers")
    assert "2024-05-06 06:00" in note["problem"]
    # Numbers of a table with types are the same.
    numbers = pd.Series([45418.25, float("nan"), 45419.0], name="closed_at")
    times = read_times(numbers, TimeRules(zone=ZoneInfo(ZONE)), RowFaults("a.parquet"))
    assert times.dropna().tolist() == [
        pd.Timestamp("2024-05-06 06:00", tz=ZONE),
        pd.Timestamp("2024-05-07", tz=ZONE),
    ]


def exchange(order):
    """Return the days of a year as a spreadsheet set to the other order keeps them: dates where it could, else text."""
    days = pd.date_range("2024-01-01", "2024-12-30", freq="7D")
    texts = days.strftime(f"{order} 08:30")
    taken = days[days.day <= 12]
    swapped = [f"{day.year}-{day.day:02}-{day.month:02} 08:30:00" for day in taken]
    return [*texts[days.day > 12], *swapped], len(taken)


@pytest.mark.parametrize("order", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y"])
@pytest.mark.parametrize("form", ["none", "the texts'"])
def test_days_and_months_that_a_spreadsheet_exchanged_are_no_times(order, form):
    values, taken = exchange(order)
    faults = RowFaults("a.xlsx")
    rules = TimeRules(zone=ZoneInfo(ZONE), forms=() if form == "none" else (f"{order} %H:%M",))
    found = read_times(pd.Series(values, name="received_at"), rules, faults)
    assert found[-taken:].isna().all()
    assert found[:-taken].notna().all() == (form != "none")
    (told,) = faults.problems()
    assert f"{taken} dates have no day beyond the 12th" in told.problem


def test_dates_beside_texts_of_another_form_are_read_where_nothing_was_exchanged():
    values, taken = exchange("%d/%m/%Y")
    faults = RowFaults("a.csv")
    rules = TimeRules(zone=ZoneInfo(ZONE))
    # One day beyond the 12th was no accident of a spreadsheet; a few days may be chance.
    for more in (["2024-03-13 08:30:00", *values[-taken:]], values[-7:]):
        column = pd.Series([*values[:-taken], *more])
        found = read_times(column, rules, faults)
        assert found[-len(more) :].notna().all()
    assert faults.problems() == []


def test_cells_of_a_workbook_that_are_dates_are_seen_beside_those_that_are_not(tmp_path):
    values, taken = exchange("%d/%m/%Y")
    cells = [*values[:-taken], *map(pd.Timestamp, values[-taken:])]
    file = tmp_path / "a.xlsx"
    pd.DataFrame({"received_at": pd.Series(cells, dtype=object)}).to_excel(file, index=False)
    frame, _ = read_table(file)
    faults = RowFaults(file)
    found = read_times(frame["received_at"], TimeRules(zone=ZoneInfo(ZONE)), faults)
    assert found.isna().all()
    assert "exchanged day and month" in faults.problems()[0].problem
