"""Monthly topics 每月一题: which problems a city or a district should cure at their source, and in which month.

In come orders with what catalogue and duty list say of their items (:func:`find_topics`); out come candidates with
evidence, score, kind of cure and one lead, and the year of those that were picked (:func:`make_topic_year`).
"""

from planner.topics.candidates import WEIGHTS, Cure, ItemFacts, TopicError, find_topics
from planner.topics.year import MonthTheme, make_topic_year

__all__ = [
    "WEIGHTS",
    "Cure",
    "ItemFacts",
    "MonthTheme",
    "TopicError",
    "find_topics",
    "make_topic_year",
]
