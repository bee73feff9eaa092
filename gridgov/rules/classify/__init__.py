"""What an appeal is about: items suggested from citizens' words, with how sure that is.

In come texts of appeals; out go item codes with calibrated confidence. Fitting (``fit``, ``calibration``) and the parts
of a model file are for the jobs that learn and keep models; they load much and stand outside the face.
"""

from gridgov.rules.classify.classifier import ItemClassifier
from gridgov.rules.classify.text_features import normalise

__all__ = [
    "ItemClassifier",
    "normalise",
]
