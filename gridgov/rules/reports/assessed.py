"""Three rates, scores and ranks of the months that a report is about, from counts by assessed month."""

import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.rates.assessment import assess_counts
from gridgov.rules.rates.three_rates import COUNT_COLUMNS, KEYS
from gridgov.rules.reports.periods import KINDS, Period

CITY = ""
"""Unit code of all units together."""
_COUNTS = [name for name in COUNT_COLUMNS if name not in KEYS]


def list_months(period: Period) -> dict[str, list[str]]:
    """Return the assessed months of a period, of the one before, and of the one a year before; empty without any."""
    if KINDS[period.kind].span not in {"month", "year"}:
        return {}
    spans = {"now": period, "before": period.before, "year_before": period.year_before}
    return {
        name: [str(month) for month in pd.period_range(one.first_on, one.last_on, freq="M")]
        for name, one in spans.items()
    }


def assess_period(
    counts: pd.DataFrame, units: pd.DataFrame, period: Period, *, constants: Constants
) -> dict[str, pd.DataFrame]:
    """Return rates, scores and ranks of a period and of those it is compared with.

    Parameters
    ----------
    counts
        Frame of ``rates.three_rates.COUNT_COLUMNS``, also with other months.
    units
        ``unit_code name kind district_code``.
    period
        A month, or a year: its months are then one window, weighed as in the last of them.
    constants
        ``rates.*``.

    Returns
    -------
        ``now``, ``before``, ``year_before`` → frame of ``rates.assessment.ASSESSMENT_COLUMNS`` with a further row of
        all units together (:data:`CITY`); a month also knows the ranks of the month before.
    """
    made = {}
    for name, months in list_months(period).items():
        last = months[-1]
        wanted = months if len(months) > 1 else [str(pd.Period(last, "M") - 1), last]
        own = counts[counts["month"].isin(wanted)]
        if len(months) > 1:
            own = own.assign(month=last)
        own = own.groupby(list(KEYS), as_index=False)[_COUNTS].sum()
        table = assess_counts(own, units, constants=constants)
        every = own.assign(unit_code=CITY).groupby(list(KEYS), as_index=False)[_COUNTS].sum()
        city = assess_counts(every, units, constants=constants)
        both = [frame for frame in (table, city) if len(frame)]
        joined = pd.concat(both, ignore_index=True) if both else table
        made[name] = joined[joined["month"] == last].reset_index(drop=True)
    return made
