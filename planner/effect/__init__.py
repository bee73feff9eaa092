"""Whether plans worked: appeals after a task against the count model and against places left alone.

In come orders, tasks with their days and the count model (:func:`make_watches`); out comes, for a task or a pool of
tasks, the effect with its interval, the power of the comparison and one of five answers (:func:`judge_effect`).
"""

from planner.effect.estimate import (
    Answer,
    EffectError,
    LeftAlone,
    Verdict,
    fit_left_alone,
    judge_effect,
)
from planner.effect.watches import PlaceTask, make_watches

__all__ = [
    "Answer",
    "EffectError",
    "LeftAlone",
    "PlaceTask",
    "Verdict",
    "fit_left_alone",
    "judge_effect",
    "make_watches",
]
