"""The windows in which hotspots are looked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Window:
    """Some months of the history; `name` is history, years, quarter, month or season 1-4."""

    name: str
    periods: tuple[int, ...]

    @property
    def positions(self) -> NDArray[np.int64]:
        """Return the periods as an array."""
        return np.array(self.periods, dtype=np.int64)


def make_windows(months: int) -> tuple[Window, ...]:
    """Return the windows over a history of `months` months, the widest first.

    The whole history; the last two years; the last three months; the last month; and, counted back from the end, the
    four quarters of the year, each pooled over all years, which is where a season shows. Windows that repeat another
    one (a short history) are left out.
    """
    every = range(months)
    windows = [Window(name="history", periods=tuple(every))]
    windows.append(Window(name="years", periods=tuple(every[-24:])))
    windows.append(Window(name="quarter", periods=tuple(every[-3:])))
    windows.append(Window(name="month", periods=tuple(every[-1:])))
    for season in range(4):
        periods = tuple(t for t in every if (months - 1 - t) % 12 // 3 == season)
        windows.append(Window(name=f"season {season + 1}", periods=periods))
    distinct = {window.periods: window for window in reversed(windows) if window.periods}
    return tuple(window for window in windows if distinct.get(window.periods) is window)
