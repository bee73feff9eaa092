"""What commands say while they work: one line a stage, a bar on a terminal, nothing in a pipe."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TextIO

import click

from geodata.datum import Datum
from geodata.errors import InvalidDataError, UndeclaredSystemError

DATUM_DEFAULT = "WGS84 where the file states its coordinate system"
"""Shown as the default of options that declare a datum: a layer that states nothing is refused without one."""

CRS_HELP = "Coordinate system of a file that states none, such as EPSG:4548."

BAR_WIDTH = 24
QUIET_S = 0.3
"""Stages shorter than this leave no line: a flicker tells nobody anything."""


@contextmanager
def declaring_by(option: str, crs_option: str) -> Iterator[None]:
    """Name the options that declare a datum or a system where a layer read in the block states no coordinate system.

    Raises
    ------
    InvalidDataError
        If the layer states none and none was declared.
    """
    try:
        yield
    except UndeclaredSystemError as error:
        remedy = (
            f"; if its coordinates are degrees: {option} with one of {', '.join(Datum)}; "
            f"if metres or feet: {crs_option} with the EPSG code, such as EPSG:4548"
        )
        told = [replace(one, expected=one.expected + remedy) for one in error.problems]
        raise InvalidDataError(told) from error


class StagePrinter:
    """A progress listener (``gridgov.progress.Progress``) that writes to a terminal's standard error.

    Parameters
    ----------
    labels
        Stage → words for people; a stage without words shows its own name.
    stream
        Where to write; standard error by default. Nothing is written if it is no terminal.
    """

    def __init__(self, labels: dict[str, str] | None = None, stream: TextIO | None = None) -> None:
        self._labels = labels or {}
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._starts: dict[str, float] = {}

    def __call__(self, stage: str, done_share: float) -> None:
        """Show that `stage` is done to `done_share`."""
        if not self._shown:
            return
        start = self._starts.setdefault(stage, time.monotonic())
        label = self._labels.get(stage, stage)
        elapsed = time.monotonic() - start
        self._clear_line()
        if done_share >= 1:
            del self._starts[stage]
            if elapsed >= QUIET_S:
                click.echo(f"  ✓ {label} · {elapsed:.1f} s", file=self._stream)
            return
        filled = round(BAR_WIDTH * done_share)
        bar = "█" * filled + "·" * (BAR_WIDTH - filled)
        click.echo(f"  {bar} {label}", file=self._stream, nl=False)

    def _clear_line(self) -> None:
        click.echo("\r\x1b[2K", file=self._stream, nl=False)
