"""Callbacks: what counts, what is flagged, and which of several wins; compared with one-by-one rules."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.errors import GridgovError
from gridgov.rules.constants import make_constant, make_constants
from gridgov.rules.rates.callbacks import CHECKED_COLUMNS, check_callbacks

NOW = pd.Timestamp("2025-03-20 12:00", tz="Asia/Shanghai")
CONSTANTS = make_constants()


def make_callbacks(*rows):
    """Return callbacks of ``(order_no, called day of March or None, contacted, solved, satisfied)``."""
    columns = ["order_no", "day", "contacted", "solved", "satisfied"]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    days = [pd.NaT if day is None else pd.Timestamp(2025, 3, day) for day in frame.pop("day")]
    frame["called_at"] = pd.Series(days, dtype="datetime64[us]").dt.tz_localize("Asia/Shanghai")
    frame["received_at"] = pd.Timestamp("2025-03-02", tz="Asia/Shanghai")
    return frame


def check(frame, **options):
    return check_callbacks(frame, **({"as_of": NOW, "constants": CONSTANTS} | options))


@pytest.mark.parametrize(
    ("row", "flag"),
    [
        ((10, True, True, "satisfied"), ""),
        ((10, False, False, "unsatisfied"), ""),
        ((None, "是", "partly", "basically"), ""),
        ((25, True, True, "satisfied"), "future"),
        ((1, True, True, "satisfied"), "before_receipt"),
        ((10, True, "perhaps", "satisfied"), "unknown_answer"),
        ((10, True, True, "满意"), "unknown_answer"),
        ((10, True, None, "satisfied"), "incomplete"),
        ((10, None, None, None), "no_answer"),
    ],
)
def test_one_callback(row, flag):
    checked = check(make_callbacks(("A", *row)))

    assert tuple(checked.columns) == CHECKED_COLUMNS
    assert checked[["valid", "flag"]].to_numpy().tolist() == [[flag == "", flag]]


def test_answers_are_read_as_codes():
    frame = make_callbacks(("A", 9, True, "partly", "basically"), ("B", 9, False, "true", None))

    answers = check(frame)[["contacted", "solved", "satisfied"]]

    assert answers.to_numpy().tolist() == [[2, 1, 1], [0, 2, -1]]


def test_nullable_booleans_of_an_orders_frame():
    frame = make_callbacks(("A", 9, True, False, "satisfied"), ("B", 9, None, None, None))
    frame = frame.astype({"contacted": "boolean", "solved": "boolean"})

    assert check(frame)["flag"].tolist() == ["", "no_answer"]


@pytest.mark.parametrize(
    ("rows", "flags"),
    [
        # The latest counts; where an earlier one differs it is flagged.
        ([(9, True), (12, False)], ["superseded", "contradicting"]),
        ([(12, False), (9, True)], ["contradicting", "superseded"]),
        ([(9, True), (12, True)], ["repeated", ""]),
        ([(9, True), (12, False), (14, True)], ["repeated", "superseded", "contradicting"]),
        # At the same time nobody can say which is later.
        ([(9, True), (9, False)], ["contradicting_at_once"] * 2),
        ([(9, True), (9, True)], ["", "repeated"]),
        ([(None, True), (9, False)], ["superseded", "contradicting"]),
        ([(8, True), (9, True), (9, False)], ["superseded"] + ["contradicting_at_once"] * 2),
        # An invalid later one does not displace a valid one.
        ([(9, True), (12, None)], ["", "incomplete"]),
        ([(9, True), (25, False)], ["", "future"]),
    ],
)
def test_several_callbacks_of_one_order(rows, flags):
    checked = check(
        make_callbacks(*(("A", day, True, solved, "satisfied") for day, solved in rows))
    )

    assert checked["flag"].tolist() == flags
    counting = checked["flag"].isin(["", "contradicting"])
    assert checked["valid"].tolist() == counting.tolist()


def test_a_city_that_does_not_ask_for_contact():
    constants = make_constants(
        [make_constant("rates.answers_needed", ["solved", "satisfied"], "practice")]
    )
    frame = make_callbacks(("A", 9, None, True, "satisfied"))

    assert check(frame)["flag"].tolist() == ["incomplete"]
    assert check(frame, constants=constants)["valid"].tolist() == [True]
    assert check(frame.drop(columns="contacted"), constants=constants)["valid"].tolist() == [True]


def test_an_unknown_question_is_an_error():
    constants = make_constants([make_constant("rates.answers_needed", ["happy"], "assumed")])

    with pytest.raises(GridgovError, match="found happy, expected some of contacted"):
        check(make_callbacks(("A", 9, True, True, "satisfied")), constants=constants)


def test_no_rows():
    assert check(make_callbacks()).empty


ROWS = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from([None, 1, 9, 12, 25]),
        st.sampled_from([True, False, None]),
        st.sampled_from([True, "partly", "x"]),
        st.just("satisfied"),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_show(rows, random):
    shuffled = random.sample(rows, len(rows))

    def count(given_rows):
        frame = make_callbacks(*given_rows)
        checked = check(frame)
        kept = checked.assign(order_no=frame["order_no"])[checked["valid"]]
        assert not kept["order_no"].duplicated().any()
        assert len(checked) == len(frame)
        return sorted(kept[["order_no", "contacted", "solved", "flag"]].to_numpy().tolist())

    assert count(rows) == count(shuffled) == sorted(count_one_by_one(rows))


def count_one_by_one(rows):
    """Apply the rule to one order after the other, as one would by hand."""
    for order in sorted({row[0] for row in rows}):
        valid = [
            (row[1] or 0, row[2], row[3])
            for row in rows
            if row[0] == order and row[1] not in (1, 25) and row[2] is not None and row[3] != "x"
        ]
        if not valid:
            continue
        latest = {row[1:] for row in valid if row[0] == max(valid, key=lambda r: r[0])[0]}
        if len(latest) == 1:
            contacted, solved = latest.pop()
            differ = len({row[1:] for row in valid}) > 1
            yield [
                order,
                2 * contacted,
                1 if solved == "partly" else 2,
                "contradicting" if differ else "",
            ]


def test_codes_are_small():
    checked = check(make_callbacks(("A", 9, True, True, "satisfied")))

    assert checked["solved"].dtype == np.int8
