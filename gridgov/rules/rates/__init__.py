"""The three rates, scores and ranks of a month.

In come orders, callbacks and approved exclusions, or kept counts; out go rates with intervals, scores and ranks by
unit
and month (``assessment``), each step a module of its own: windows, callbacks, exclusions, three_rates, score,
ranking.
``constants`` holds the table of their constants, which the rules' constants read, so this room is imported by
module.
"""
