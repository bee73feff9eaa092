"""Praise and questions are no problems; what is not known is one."""

import pandas as pd

from gridgov.rules.appeal_kinds import find_problem_rows

KINDS = pd.Series(["complaint", "praise", None, "咨询", "idea"], index=[3, 1, 4, 0, 2], dtype="str")


def test_without_a_table_praise_and_consultation_stand_apart():
    found = find_problem_rows(KINDS)
    assert list(found) == [True, False, True, False, True]
    assert list(found.index) == [3, 1, 4, 0, 2]


def test_the_table_of_the_pack_decides():
    table = pd.DataFrame(
        {"kind": ["complaint", "idea", "praise"], "counts_as_problem": ["true", "false", "true"]}
    )
    assert list(find_problem_rows(KINDS, table)) == [True, True, True, True, False]
    assert list(find_problem_rows(KINDS, table.iloc[:0])) == [True, False, True, False, True]
