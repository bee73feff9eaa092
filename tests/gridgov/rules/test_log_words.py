"""Words of a log: the program's own remain, what somebody said or wrote does not."""

import pytest

from gridgov.rules.log_words import describe_error, describe_trace, escape_controls, redact

NAME = "欧阳海棠"
NUMBER = "138-1234-5678"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "invalid literal for int() with base 10: '张三'",
            "invalid literal for int() with base 10: …",
        ),
        ('duplicate key value violates unique constraint "uq_accounts_login"',) * 2,
        ("refused\nDETAIL:  Failing row contains (7, 欧阳海棠, 13812345678)", "refused"),
        (
            'invalid input syntax for type bigint: "13812345678"',
            "invalid input syntax for type bigint: …",
        ),
        ("no place for 138 1234 5678 here", "no place for … here"),
        ("no place for 欧阳海棠 here", "no place for … here"),
        ("can't do it", "can't do it"),
        ("cut off: 'zhang san 1381", "cut off: …"),
        ("url: /search?q=zhang san (Caused by X)", "url: /search…"),
        ("mail to zhang.san@mail.example failed", "mail to ***@mail.example failed"),
        ("one\rtwo\x1b[31m", r"one\rtwo\x1b[31m"),
        ('\'its\' "a\\"b" `c`', "… … …"),
    ],
)
def test_only_the_programs_own_words_remain(said, told):
    assert redact(said) == told


def test_no_line_is_begun_by_what_was_written():
    written = "a\nERROR b\r\x1b[2K\x85\u2028\u202ec\x00"
    assert escape_controls(written) == r"a\nERROR b\r\x1b[2K\x85\u2028\u202ec\x00"


def _fail():
    try:
        int(NAME)
    except ValueError as error:
        raise RuntimeError(f"order of {NAME}, {NUMBER}") from error


def test_a_trace_tells_where_and_not_of_whom():
    with pytest.raises(RuntimeError) as caught:
        _fail()
    told = describe_trace(caught.value)
    lines = told.splitlines()
    assert "ValueError: invalid literal for int() with base 10: …" in lines
    assert "RuntimeError: order of …, …" in lines
    assert lines.index("RuntimeError: order of …, …") > lines.index(
        "ValueError: invalid literal for int() with base 10: …"
    )
    assert "in _fail" in told
    assert NAME not in told
    assert NUMBER not in told


def test_every_error_of_a_group_is_told():
    group = ExceptionGroup("two", [ValueError(f"bad {NAME}"), KeyError(NAME)])
    assert describe_trace(group).splitlines() == [
        "ExceptionGroup: two (2 sub-exceptions)",
        "ValueError: bad …",
        "KeyError: …",
    ]


def test_an_error_without_words_is_its_kind():
    assert describe_error(TimeoutError()) == "TimeoutError"
