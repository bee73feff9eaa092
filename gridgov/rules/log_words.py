"""What a log may say: never what a person said, and never a line that somebody else has written.

A log is read by people who may not read what it is about, is copied to other machines and kept for years. So an error
is told by its kind and its place in the program; of its words only those remain that are the program's own. What an
error quotes, in whatever script, and numbers long enough to be somebody's are left out.
"""

import re
import traceback
from collections.abc import Iterator

from gridgov.rules.privacy import mask_text

LEFT_OUT = "…"
"""Stands for what is not told."""

_QUOTED = re.compile(
    r"""(?<![A-Za-z])'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|[“‘「『《][^”’」』》]*[”’」』》]"""
)
_OPEN_QUOTE = re.compile(r"""(?<![A-Za-z])['"“‘「『《].*""", re.DOTALL)
_CONSTRAINT = re.compile(r"""['"](?:uq|ix|pk|fk|ck)_[a-z0-9_]+['"]""")
"""Names of constraints, as the tables name them: they tell which rule of the database was broken."""
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_NUMBER = re.compile(r"\d(?:[ \-.]{0,2}\d){6,}")
_QUERY = re.compile(r"\?.*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escape_controls(text: str) -> str:
    r"""Return `text` on one line, with every sign that steers a terminal or begins a line written out.

    Examples
    --------
    >>> escape_controls("a\nb")
    'a\\nb'
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def redact(text: str) -> str:
    """Return the first line of `text` without what it quotes, other scripts, long numbers and what follows a ``?``.

    Databases tell the row that they refuse on further lines, so those are left out.

    Examples
    --------
    >>> redact("invalid literal for int() with base 10: '张三 13812345678'")
    'invalid literal for int() with base 10: …'
    """
    first = text.strip().split("\n", 1)[0]
    kept = _QUOTED.sub(
        lambda found: found[0] if _CONSTRAINT.fullmatch(found[0]) else LEFT_OUT, first
    )
    open_one = _OPEN_QUOTE.search(_CONSTRAINT.sub(lambda found: " " * len(found[0]), kept))
    if open_one:
        kept = kept[: open_one.start()] + LEFT_OUT
    for pattern in (_QUERY, _FOREIGN, _NUMBER):
        kept = pattern.sub(LEFT_OUT, kept)
    return escape_controls(mask_text(kept))


def describe_error(error: BaseException) -> str:
    """Return what an error is, in one line: its kind, and its words as :func:`redact` leaves them."""
    said = redact(str(error))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def describe_trace(error: BaseException) -> str:
    """Return where an error came from: the lines of the program, and each error of the chain in its one line."""
    parts = []
    for one in _walk_chain(error):
        parts.append("".join(traceback.format_tb(one.__traceback__)) + describe_error(one))
        if isinstance(one, BaseExceptionGroup):
            parts += [describe_trace(inner) for inner in one.exceptions]
    return "\n".join(parts)


def _walk_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that led to `error`, the first one first, then itself."""
    chain: list[BaseException] = []
    last: BaseException | None = error
    while last is not None and last not in chain:
        chain.append(last)
        last = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
    yield from reversed(chain)
