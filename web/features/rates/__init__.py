"""The three rates: in come kept counts of callbacks; out go ranking, months of a unit, formulas and constants."""

from web.features.rates.page import make_trend

__all__ = ["make_trend"]
