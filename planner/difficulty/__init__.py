"""How hard the work of a street was, and its solution rate if all had the same work.

In come orders with their answers (:func:`describe_orders`); out come what goes with unsolved orders, as odds ratios
with their calibration (:func:`fit_difficulty`), and rates adjusted for it (:func:`adjust_rates`).
"""

from planner.difficulty.adjust import adjust_rates
from planner.difficulty.model import Difficulty, DifficultyError, describe_orders, fit_difficulty

__all__ = ["Difficulty", "DifficultyError", "adjust_rates", "describe_orders", "fit_difficulty"]
