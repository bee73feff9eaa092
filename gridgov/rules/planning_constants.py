"""Defaults of the section [planning] of a pack: name, value, source, limits; every one of them is assumed.

Data only; ``constants`` makes its values of them.
"""

from collections.abc import Mapping
from typing import Literal

Row = tuple[str, float | int, Literal["assumed"], str, Mapping[str, float]]

_SHARE = {"high": 1.0}
_COUNT = {"low": 1.0}

_ROWS: tuple[tuple[str, float | int, str, Mapping[str, float]], ...] = (
    # --- what plans look at
    ("window_days", 90, "period that a plan looks at", _COUNT),
    ("background_days", 365, "period that sets the expectation", _COUNT),
    ("false_discovery_share", 0.05, "expected share of false hotspots", _SHARE),
    ("hotspot_appeals_min", 5, "fewer appeals: no hotspot", {}),
    ("tasks_max", 20, "tasks that one plan may hold", _COUNT),
    ("target_share", 0.3, "fall of appeals at the place that a task aims at", _SHARE),
    # --- diagnosis
    ("excess_share", 0.5, "share of a street's excess that its tasks must explain", _SHARE),
    (
        "frequent_share",
        0.05,
        "an item of at least so many of a street's persons is frequent",
        _SHARE,
    ),
    ("similar_streets", 8, "streets of similar structure that a street is compared with", _COUNT),
    ("trend_orders_min", 10, "a trend or season from fewer orders is not stated", _COUNT),
    ("peak_ratio", 1.25, "a month of the year with so many times its share is high", _COUNT),
    # --- tasks
    (
        "mixed_share",
        0.2,
        "level-3 items of a mixed task with such a share of its appeals say who must come",
        _SHARE,
    ),
    (
        "mixed_items",
        3,
        "level-3 items of a mixed task whose duties and measures are brought together",
        _COUNT,
    ),
    (
        "lead_share",
        0.5,
        "a mixed task is led by the unit that leads at least so many of its appeals",
        _SHARE,
    ),
    (
        "joint_share",
        0.1,
        "a street with at least so many of a hotspot's orders takes part in a joint task",
        _SHARE,
    ),
    (
        "over_months",
        3,
        "a burst or falling place that has been usual for so many months is over",
        _COUNT,
    ),
    ("rising_weight", 1.5, "how much more urgent the same excess is where it rises", {}),
    ("burst_weight", 0.7, "how much more urgent the same excess is where it is a burst", {}),
    ("falling_weight", 0.5, "how much more urgent the same excess is where it falls", {}),
    ("confident_q", 0.001, "q up to which a task is surely there", _SHARE),
    ("fair_q", 0.05, "q up to which a task is probably there", _SHARE),
    ("confident_persons", 30, "persons from which a task is surely there", _COUNT),
    ("fair_persons", 12, "persons from which a task is probably there", _COUNT),
    # --- targets
    ("measures_max", 3, "measures against one item of a task", _COUNT),
    ("effect_max", 0.8, "several measures together are not believed to take away more", _SHARE),
    ("recent_months", 6, "months that tell the level of a place that rises", _COUNT),
    ("history_months", 24, "months that tell the level of any other place", _COUNT),
    (
        "prior_months",
        12,
        "months that the item's dispersion is worth beside the place's own",
        _COUNT,
    ),
    (
        "part_share",
        0.2,
        "a task with more of its appeals in a larger one is judged as a part of it",
        _SHARE,
    ),
    ("miss_share", 0.1, "a target may be met by chance at most so often", _SHARE),
    ("hit_share", 0.8, "a target must be met so often if the effect comes", _SHARE),
    ("watch_months_min", 3, "shortest watch after a task", _COUNT),
    ("watch_months_max", 12, "longest usual watch after a task", _COUNT),
    (
        "watch_months_longest",
        24,
        "longest watch where the usual ones do not suffice",
        _COUNT,
    ),
    # --- dates
    ("approval_days", 5, "workdays from a plan's day to the start of its first tasks", {}),
    ("verify_days", 3, "workdays to look at the place and meet", {}),
    ("consultation_days", 10, "workdays of residents' consultation (议事)", {}),
    ("task_days", 40, "workdays of a task for which no list names a time", _COUNT),
    ("lead_starts_month", 3, "tasks that one lead may start in a month", _COUNT),
    ("preseason_days", 14, "days before its season in which a task is done (冬病夏治)", {}),
    (
        "buffer_days",
        20,
        "workdays that a seasonal task starts before its latest start, where there is time",
        {},
    ),
    # --- policies
    (
        "policy_callbacks_min",
        30,
        "valid callbacks of an item in the city below which its solution rate says nothing",
        _COUNT,
    ),
    (
        "policy_street_callbacks_min",
        5,
        "valid callbacks of an item in a street below which its solution rate says nothing",
        _COUNT,
    ),
    (
        "policy_streets_min",
        5,
        "streets that must be judged before an item is no matter of one street",
        _COUNT,
    ),
    (
        "policy_streets_share",
        0.5,
        "an item solved badly in more of the streets is no matter of one street",
        _SHARE,
    ),
    ("policy_orders_min", 20, "orders by a route from which an item's duty is looked at", _COUNT),
    (
        "unclear_share",
        0.5,
        "an item of which so many orders go to the first receiver has no clear duty",
        _SHARE,
    ),
    (
        "policy_bounces_min",
        5,
        "orders that bounced between the same units before somebody should decide",
        _COUNT,
    ),
    ("policies_max", 12, "policies that one plan may hold", _COUNT),
)

PLANNING: tuple[Row, ...] = tuple(
    (f"planning.{name}", value, "assumed", source, limits) for name, value, source, limits in _ROWS
)
