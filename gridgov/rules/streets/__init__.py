"""Classes of streets (先进 进步 整改 治理): the rules of a month propose, people decide.

In come the monthly assessment, appeals at the place, residents and what people decided; out goes the class of every
street with its reasons: of all months for review, or the one in force at a moment for plans. The table of decisions
(``class_decisions``) is read by the jobs that read files.
"""

from gridgov.rules.streets.class_review import ClassDecision
from gridgov.rules.streets.class_rules import CLASSES, GOVERNANCE, RECTIFICATION, check_class_limits
from gridgov.rules.streets.classes import count_appeals, find_street_classes, review_months

__all__ = [
    "CLASSES",
    "GOVERNANCE",
    "RECTIFICATION",
    "ClassDecision",
    "check_class_limits",
    "count_appeals",
    "find_street_classes",
    "review_months",
]
