"""The log of a process: one handler, whose lines hold neither personal data nor anything that a visitor has written."""

import logging
import sys
from typing import Any, TextIO

from gridgov.rules.log_words import describe_error, describe_trace, escape_controls, redact
from gridgov.rules.privacy import mask_text

LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"
OURS = frozenset({"geodata", "gridgov", "planner", "web"})
"""First words of the names of our own loggers; what others say is redacted like an error."""


class SafeFormatter(logging.Formatter):
    """Writes records so that they hold no personal data, and each on lines of its own.

    Words of our own loggers are ours, and what is put into them is masked; an error among it is told as
    ``describe_error`` tells it. Other loggers say what they like: only their own words remain.
    """

    def __init__(self) -> None:
        super().__init__(LINE)

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        safe = logging.makeLogRecord(record.__dict__)
        safe.msg, safe.args = _say(record), None
        safe.exc_text = None
        return super().format(safe)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """Return an error with its place and without what it quotes."""
        return "" if ei[1] is None else describe_trace(ei[1])


def _say(record: logging.LogRecord) -> str:
    if record.name.split(".", 1)[0] not in OURS:
        return redact(record.getMessage())
    args = record.args
    if isinstance(args, tuple):
        told = tuple(describe_error(one) if isinstance(one, BaseException) else one for one in args)
        safe = logging.makeLogRecord({**record.__dict__, "args": told})
        return escape_controls(mask_text(safe.getMessage()))
    return escape_controls(mask_text(record.getMessage()))


class SafeHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error, as it is at that moment, by :class:`SafeFormatter`."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(SafeFormatter())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # the library keeps the one that it began with
        """Return standard error."""
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say that a record could not be written; the library would print what was put into it."""
        kind = sys.exc_info()[0]
        name = "error" if kind is None else kind.__name__
        sys.stderr.write(f"a line of {record.name} could not be logged: {name}\n")


def set_up_logs(level: int = logging.WARNING) -> None:
    """Let everything that this process logs go through one safe handler; calling it again changes only the level.

    Parameters
    ----------
    level
        From which level our own loggers are heard; others are heard from ``WARNING`` on.
    """
    root = logging.getLogger()
    if not any(isinstance(one, SafeHandler) for one in root.handlers):
        root.addHandler(SafeHandler())
    for name in OURS:
        logging.getLogger(name).setLevel(level)
