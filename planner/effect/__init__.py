"""Whether plans worked: appeals after a task against the count model and against places left alone.

In come orders by place (:func:`index_orders`), tasks that are done (:class:`DoneTask`), places that the same rule
found and nobody worked on (:class:`PlaceTask`), and the count model; out comes for each task, and for tasks pooled by
measure, the effect with its interval, the power of the comparison and one of five answers (:func:`judge_tasks`).
"""

from planner.effect.estimate import Answer
from planner.effect.place_orders import index_orders
from planner.effect.tasks import DoneTask, JudgedCity, JudgedTask, judge_tasks
from planner.effect.watches import PlaceTask

__all__ = [
    "Answer",
    "DoneTask",
    "JudgedCity",
    "JudgedTask",
    "PlaceTask",
    "index_orders",
    "judge_tasks",
]
