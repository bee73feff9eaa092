"""The life of a street's plan and of its tasks, as tables (一街镇一方案).

In comes where a plan or a task stands and who wants to do what; out comes where it leads, or why it is refused. What a
plan says belongs to the planner; here are only its states.
"""

from gridgov.rules.plans.life import (
    LifeError,
    PlanAction,
    PlanState,
    Step,
    find_steps,
    take_step,
)
from gridgov.rules.plans.task_life import TaskAction, TaskState

__all__ = [
    "LifeError",
    "PlanAction",
    "PlanState",
    "Step",
    "TaskAction",
    "TaskState",
    "find_steps",
    "take_step",
]
