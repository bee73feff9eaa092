"""Where the work stands, a line a stage, for whoever waits in a notebook."""

import sys
import time

QUIET_S = 0.3
"""Shorter stages leave no line."""

_STARTS: dict[str, float] = {}


def show_stages(stage: str, done_share: float) -> None:
    """Write a line to standard output when a stage that took a while is done (a ``gridgov.progress.Progress``)."""
    if done_share < 1:
        _STARTS.setdefault(stage, time.monotonic())
        return
    seconds = time.monotonic() - _STARTS.pop(stage, time.monotonic())
    if seconds >= QUIET_S:
        sys.stdout.write(f"{stage} · {seconds:.1f} s\n")
        sys.stdout.flush()
