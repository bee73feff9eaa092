"""One model of how many problems come in: street × item (level 2) × day, for everything that says "expected".

In come orders (:func:`make_daily_counts`: problems alone, a person once per problem and window) and the city's
calendar; out comes one frozen :class:`CountModel` (:func:`fit_counts`) with trend, season, week, holidays, hours and
overdispersion, pooled street → district → city. It answers what is to be expected of a series from its **own** history
(:meth:`CountModel.expect`), what from its **peers** (:meth:`CountModel.expect_by_street_item`), draws predictive sums
with the uncertainty of the parameters, and forecasts. :func:`save_counts` and :func:`load_counts` keep it in a file.
"""

from planner.counts.daily import DailyCounts, make_daily_counts
from planner.counts.files import load_counts, save_counts
from planner.counts.fit import fit_counts
from planner.counts.model import CountModel, Expectation

__all__ = [
    "CountModel",
    "DailyCounts",
    "Expectation",
    "fit_counts",
    "load_counts",
    "make_daily_counts",
    "save_counts",
]
