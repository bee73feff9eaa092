"""The time of this process: the machine's, but a step of the machine's clock is not believed at once.

A clock that is set wrong for a while, by hand or by a bad time server, would otherwise make every deadline overdue, put
boundaries in force and send what must wait, and none of it can be taken back. So time goes on by the clock that nobody
sets (``CLOCK_BOOTTIME``), and the machine's new time is taken over once it has stood for
:data:`BELIEVED_AFTER_S`. Small corrections are taken over as they come.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

LOG = logging.getLogger("gridgov.clock")
STEP_S = 60.0
"""A larger difference from one look to the next is a step, a smaller one a correction [A]."""
BELIEVED_AFTER_S = 15 * 60.0
"""How long a new time must stand before it is taken over [A]."""


def read_steady_s() -> float:
    """Return seconds that go on evenly, also while the machine sleeps, whatever its clock is set to."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """Tells the time of this process.

    Parameters
    ----------
    wall, steady
        Return the machine's time as seconds since 1970, and seconds that go on evenly.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = read_steady_s
    ) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        self._ahead_s = wall() - steady()
        self._new_ahead_s = self._ahead_s
        self._new_since_s: float | None = None

    def now(self) -> datetime:
        """Return the time, UTC."""
        with self._lock:
            steady_s = self._steady()
            self._look(steady_s, self._wall() - steady_s)
            return datetime.fromtimestamp(steady_s + self._ahead_s, tz=UTC)

    def _look(self, steady_s: float, ahead_s: float) -> None:
        """Take a correction over, wait with a step."""
        off_s = ahead_s - self._ahead_s
        if abs(off_s) <= STEP_S:
            if self._new_since_s is not None:
                LOG.warning("the machine's clock is back where it was")
            self._ahead_s, self._new_since_s = ahead_s, None
            return
        if self._new_since_s is None or abs(ahead_s - self._new_ahead_s) > STEP_S:
            self._new_since_s = steady_s
            LOG.warning(
                "the machine's clock was set by %+.0f s; it is believed if it stands for %.0f s",
                off_s,
                BELIEVED_AFTER_S,
            )
        self._new_ahead_s = ahead_s
        if steady_s - self._new_since_s >= BELIEVED_AFTER_S:
            LOG.warning("the machine's clock stands: time goes on %+.0f s from where it was", off_s)
            self._ahead_s, self._new_since_s = ahead_s, None


CLOCK = SteadyClock()
"""Of this process."""


APART = timedelta(minutes=1)
"""Clocks of one city's machines differ by less. Assumed."""


def is_stepped_past(moment: datetime, now: datetime, longest: timedelta) -> bool:
    """Tell whether a moment that was written as at most `longest` ahead lies further ahead: the clock was set back.

    Such a moment may not be waited for. Workers that look at the same moment read their clocks a little apart, which
    is no step.
    """
    return moment - now > longest + APART
