"""The dictionary of figures (指标口径): in comes the key of a figure, out go its name, unit, definition and source.

Daily, weekly, monthly, yearly and special reports, plans, their documents and the pages read the same entry.
"""

from gridgov.rules.indicators.dictionary import (
    Indicator,
    find_change,
    get_indicator,
    load_indicators,
    say_figure,
)

__all__ = ["Indicator", "find_change", "get_indicator", "load_indicators", "say_figure"]
