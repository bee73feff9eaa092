"""How long work tells the caller where it stands, without knowing who listens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, float], None]
"""Called with the stage's name and the share of it that is done (0 at its start, 1 at its end)."""


def ignore_progress(stage: str, done_share: float) -> None:
    """Listen to nothing: the default listener."""
    del stage, done_share


class StageClock:
    """Measures stages and tells a listener when one starts and ends.

    Attributes
    ----------
    seconds
        Stage → seconds, in the order in which they ran; a stage that ran twice is added up.
    """

    def __init__(self, progress: Progress = ignore_progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as stage `name`."""
        self._progress(name, 0.0)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        self._progress(name, 1.0)
