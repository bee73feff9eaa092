"""Reports of a period (日报告 周分析 月通报 点评会 年体检): in come counts and an assessment, out goes what is said.

The counts may come from a file of orders (:func:`count_orders`) or from the kept sums of the service: what is said of
them is composed by the same rules (:func:`compose_report`), and each figure is one of ``gridgov.rules.indicators``.
"""

from gridgov.rules.reports.assessed import assess_period, list_months
from gridgov.rules.reports.compose import Naming, compose_report
from gridgov.rules.reports.counting import (
    PeriodCounts,
    ReportScope,
    count_orders,
    make_figures,
    read_figures,
)
from gridgov.rules.reports.periods import KINDS, Period, make_period, read_period

__all__ = [
    "KINDS",
    "Naming",
    "Period",
    "PeriodCounts",
    "ReportScope",
    "assess_period",
    "compose_report",
    "count_orders",
    "list_months",
    "make_figures",
    "make_period",
    "read_figures",
    "read_period",
]
