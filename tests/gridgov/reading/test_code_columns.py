"""Codes that a spreadsheet had: zeros come back where one known code fits, and what is lost is said."""

import pandas as pd

from gridgov.reading.code_columns import note_unknown_units, read_codes, restore_zeros
from gridgov.reading.faults import RowFaults


def say(faults):
    return faults.frame()["problem"].tolist()


def test_zeros_come_back_where_one_code_fits():
    faults = RowFaults("a.csv")
    values = pd.Series(["711", "0711", "12", "712", "x", None, "1"], name="unit_recorded")
    known = {"0711", "012", "0012", "712", "0712", "01", "x"}
    found = restore_zeros(values, known, faults)
    assert found.tolist()[:5] == [
        "0711",
        "0711",
        "12",
        "712",
        "x",
    ]  # 12 may be either, 712 is known
    assert found[6] == "01"
    assert say(faults) == [
        "2 codes have lost their leading zeros; they are read with them, 711 as 0711"
    ]


def test_codes_without_zeros_stay_as_they_are():
    values = pd.Series(["711", "x"])
    assert restore_zeros(values, {"1711", "0x"}, RowFaults("a")) is values


def test_values_that_are_no_unit_are_counted():
    faults = RowFaults("a.csv")
    note_unknown_units(pd.Series(["A", "B", "B", None], name="u"), {"A"}, faults)
    assert say(faults) == [
        "2 of 3 values are no unit of the city, 1 different ones; they are compared with nothing"
    ]
    faults = RowFaults("a.csv")
    note_unknown_units(pd.Series(["x", "y"], name="u"), {"A"}, faults)  # names, not codes
    assert say(faults) == []


def test_rounded_numbers_are_suspected_only_where_all_end_in_zeros():
    def read(*texts):
        faults = RowFaults("a.csv")
        read_codes(pd.Series(texts, name="no"), faults, effect="")
        return len(say(faults))

    assert read("240506123456789000", "240506123456781000") == 1
    assert read("240506123456789000", "240506123456781001") == 0
    assert read("2405061234567890") == 0  # one zero is chance
    assert read("240506") == 0
