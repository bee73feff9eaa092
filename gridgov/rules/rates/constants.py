"""Defaults of the sections [rates] and [streets] of a pack: name, value, status, source, limits.

Data only; ``constants`` makes its values of them.
"""

from collections.abc import Mapping
from typing import Literal

Row = tuple[
    str,
    float | int | str | tuple[str, ...],
    Literal["documented", "practice", "assumed"],
    str,
    Mapping[str, float],
]

_SHARE = {"high": 1.0}
_COUNT = {"low": 1.0}

WINDOW_TIMES = ("received_at", "due_at", "closed_at", "called_at")
"""What ``rates.window_by`` may be."""

ANSWER_NAMES = ("contacted", "solved", "satisfied")
"""What ``rates.answers_needed`` may name."""

ASSESSMENT: tuple[Row, ...] = (
    # --- rates ------------------------------------------------------------------------------------
    (
        "rates.basically_share",
        0.9,
        "practice",
        "how much 'basically satisfied' counts (DOMAIN 5)",
        _SHARE,
    ),
    ("rates.partly_share", 0.0, "assumed", "how much 'partly solved' counts", _SHARE),
    (
        "rates.answers_needed",
        ("contacted", "solved", "satisfied"),
        "assumed",
        "a callback is valid when the person answered all of these; no rate for what is not asked",
        {},
    ),
    ("rates.response_weight", 0.2, "assumed", "weights are not public", _SHARE),
    ("rates.solution_weight", 0.4, "assumed", "weights are not public", _SHARE),
    ("rates.satisfaction_weight", 0.4, "assumed", "weights are not public", _SHARE),
    (
        "rates.weights",
        (),
        "assumed",
        "weights from a day on, such as '2024-01-01 20/40/40': response, solution, satisfaction",
        {},
    ),
    (
        "rates.not_reached_reasons",
        ("no_answer", "switched_off", "wrong_number", "refused"),
        "assumed",
        "why a callback reached nobody",
        {},
    ),
    ("rates.callback_tries_max", 3, "assumed", "tries to reach a person before it ends", _COUNT),
    (
        "rates.callback_retry_hours",
        4.0,
        "assumed",
        "time to the second try to reach a person, doubled for each further one",
        {"low": 0.5},
    ),
    ("rates.callbacks_min", 30, "assumed", "fewer valid callbacks: no rank", {}),
    (
        "rates.confidence_level",
        0.95,
        "assumed",
        "probability that the interval beside a rate holds",
        {"low": 0.5, "high": 0.9999},
    ),
    (
        "rates.exclusion_reasons",
        ("out_of_duty", "unreasonable", "no_valid_callback"),
        "assumed",
        "reason codes of exclusions: that these three exist is documented, their criteria are not (DOMAIN 5)",
        {},
    ),
    # --- windows ----------------------------------------------------------------------------------
    ("rates.day_starts_at", "12:00", "practice", "a day runs noon to noon (DOMAIN 5)", {}),
    (
        "rates.day_named_by",
        "start",
        "assumed",
        "a day has the date of its 'start' or of its 'end'",
        {},
    ),
    (
        "rates.month_starts_on_day",
        19,
        "practice",
        "the monthly assessment starts on this day of the month before (DOMAIN 5)",
        {"low": 1, "high": 28},
    ),
    (
        "rates.month_starts_in",
        "previous",
        "practice",
        "whether that day lies in the 'previous' month or in the 'same' (DOMAIN 5)",
        {},
    ),
    (
        "rates.window_by",
        "closed_at",
        "assumed",
        "which time puts an order into a window: received_at, due_at, closed_at or called_at",
        {},
    ),
    # --- ranking ----------------------------------------------------------------------------------
    (
        "rates.score_decimals",
        2,
        "assumed",
        "scores that agree to so many decimals share a rank",
        {"high": 6},
    ),
    (
        "rates.inner_districts",
        (),
        "assumed",
        "codes of the inner districts, ranked apart from the outer; none: all districts together",
        {},
    ),
    (
        "rates.commended_share",
        0.03,
        "assumed",
        "share of a group's ranked units that is commended",
        {"high": 0.5},
    ),
    (
        "rates.interview_share",
        0.03,
        "assumed",
        "share of a group's ranked units that is called in for an interview (末位约谈)",
        {"high": 0.5},
    ),
    (
        "rates.outcome_units_min",
        10,
        "assumed",
        "in a group with fewer ranked units nobody is commended or called in",
        {"low": 2},
    ),
    (
        "rates.outcome_sure",
        1,
        "assumed",
        "1: only whose interval does not hold the score of the group; 0: the rank alone decides",
        _SHARE,
    ),
    # --- classes of streets -----------------------------------------------------------------------
    ("streets.governance_top_n", 10, "documented", "streets with most appeals (DOMAIN 5)", {}),
    (
        "streets.governance_window_months",
        12,
        "assumed",
        "months whose appeals are counted together for that",
        _COUNT,
    ),
    (
        "streets.governance_population_min",
        200_000,
        "documented",
        "streets with more residents are governed (DOMAIN 5)",
        {},
    ),
    ("streets.governance_enter_months", 1, "assumed", "months in a row before governance", _COUNT),
    ("streets.governance_leave_rank", 15, "assumed", "rank by appeals beyond which it may end", {}),
    ("streets.governance_leave_months", 3, "assumed", "months in a row before it ends", _COUNT),
    ("streets.rectification_enter_share", 0.1, "assumed", "lowest share of the ranking", _SHARE),
    ("streets.rectification_enter_months", 2, "assumed", "months in a row so low", _COUNT),
    ("streets.rectification_leave_share", 0.2, "assumed", "out of the lowest share", _SHARE),
    ("streets.rectification_leave_months", 2, "assumed", "months in a row out of it", _COUNT),
    ("streets.advanced_enter_share", 0.1, "assumed", "highest share of the ranking", _SHARE),
    ("streets.advanced_enter_months", 3, "assumed", "months in a row so high", _COUNT),
    ("streets.advanced_leave_share", 0.2, "assumed", "out of the highest share", _SHARE),
    ("streets.advanced_leave_months", 2, "assumed", "months in a row out of it", _COUNT),
    ("streets.improving_enter_points", 3.0, "assumed", "points above the score a month before", {}),
    ("streets.improving_enter_months", 2, "assumed", "months in a row so much better", _COUNT),
    (
        "streets.improving_leave_points",
        0.0,
        "assumed",
        "points; less is no progress",
        {"low": -100.0},
    ),
    ("streets.improving_leave_months", 3, "assumed", "months in a row without progress", _COUNT),
)
