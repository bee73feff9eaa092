"""Surges: what comes in much more than is to be expected by now, where, in what words, and the draft of a report.

In come the fitted :class:`~planner.counts.CountModel`, thresholds that hold a stated number of false alarms
(:func:`calibrate_alarms`) and the orders of the last days (:func:`make_recent_counts`); out come the surges of streets,
districts and the city (:func:`find_surges`), and of each the draft of a special report (:func:`make_special_report`).
"""

from planner.surges.alarms import AlarmLevel, calibrate_alarms
from planner.surges.find import SURGE_COLUMNS, find_surges, make_recent_counts
from planner.surges.report import SpecialReport, make_special_report
from planner.surges.words import find_terms

__all__ = [
    "SURGE_COLUMNS",
    "AlarmLevel",
    "SpecialReport",
    "calibrate_alarms",
    "find_surges",
    "find_terms",
    "make_recent_counts",
    "make_special_report",
]
