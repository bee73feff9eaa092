"""A column that cannot be read gets the line of city.toml that would read it."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from gridgov.reading.faults import RowFaults
from gridgov.reading.time_forms import FORMS, find_forms, suggest_form
from gridgov.reading.times import TimeRules, read_times

LATE = pd.Timestamp("2024-12-31 23:59:58")
"""No part of it can be another."""


@pytest.mark.parametrize("form", FORMS[::7])
def test_the_form_that_is_suggested_reads_the_column(form):
    texts = pd.Series([LATE.strftime(form)], name="received_at")
    days = [
        read_times(texts, TimeRules(zone=ZoneInfo("UTC"), forms=(one,)), RowFaults("a"))[0].date()
        for one in find_forms(texts)
    ]
    assert LATE.date() in days


def test_the_line_names_the_form():
    said = suggest_form(pd.Series(["15/05/2024 03:55:00 PM", "no", "open", "?", None]))
    assert said.endswith('city.toml: [appeals] time_format = "%d/%m/%Y %I:%M:%S %p"')


def test_forms_of_the_pack_stay_in_the_line():
    said = suggest_form(pd.Series(["2024-13-05"]), ("%d/%m/%Y",))
    assert '[appeals] time_format = "…"' in said
    said = suggest_form(pd.Series(["15.05.2024"]), ("%d/%m/%Y",))
    assert '[appeals] time_format = ["%d/%m/%Y", "%d.%m.%Y"]' in said


def test_day_or_month_first_is_for_the_city_to_say():
    said = suggest_form(pd.Series(["05/06/2024", "07/06/2024"]))
    assert '"%d/%m/%Y"' in said
    assert '"%m/%d/%Y"' in said
    assert "only the city knows" in said


@pytest.mark.parametrize("text", ["now", "open", "2024", "12"])
def test_what_is_no_time_gets_no_form(text):
    assert '"…"' in suggest_form(pd.Series([text]))


def test_seconds_since_1970_are_called_so():
    assert "since 1970" in suggest_form(pd.Series(["1714955400", "1714955401000"]))
