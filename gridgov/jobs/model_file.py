"""Trained classifiers as files: arrays and plain text only, nothing that runs when it is read."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.paths import replace_file
from gridgov.errors import GridgovError
from gridgov.rules.classify import ItemClassifier
from gridgov.rules.classify.calibration import Calibration
from gridgov.rules.classify.classifier import ClassGroup
from gridgov.rules.classify.nbsvm import NbSvm
from gridgov.rules.classify.text_features import PARTS, TextFeatures

FORMAT = "gridgov item classifier 2"
"""The number grows when texts are cut otherwise: the weights of an older file would mean other words."""


class ModelFileError(GridgovError):
    """A model file is damaged, of another version, or no model at all.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be used as a classifier: {reason}. Train it anew: gridgov train CITY APPEALS --out FILE"
        )


def write_model(classifier: ItemClassifier, path: Path) -> None:
    """Write a classifier; the file appears as a whole or not at all."""
    arrays: dict[str, Any] = {
        "format": _pack_text([FORMAT]),
        "level1_calibration": _pack_calibration(classifier.level1_calibration),
        "item_calibration": _pack_calibration(classifier.item_calibration),
    }
    for part in PARTS:
        arrays[f"vocabulary/{part}"] = _pack_text(classifier.features.vocabularies[part])
        arrays[f"idf/{part}"] = classifier.features.idf[part]
    arrays |= _pack_machine("level1", classifier.level1)
    for position, code in enumerate(classifier.level1.classes):
        group = classifier.groups[str(code)]
        arrays |= _pack_machine(f"group{position}", group.machine)
        arrays[f"group{position}/columns"] = group.columns
    with replace_file(path) as aside, aside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_model(path: Path) -> ItemClassifier:
    """Read a classifier written by :func:`write_model`.

    Raises
    ------
    ModelFileError
        If the file is damaged, of another version, or something else.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if _unpack_text(arrays["format"]) != [FORMAT]:
                raise ModelFileError(path, f"it is not of the form {FORMAT!r}")
            return _unpack(arrays)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(path, f"it is damaged or no model ({error})") from error


def _unpack(arrays: Any) -> ItemClassifier:
    level1 = _unpack_machine(arrays, "level1")
    groups = {
        str(code): ClassGroup(
            columns=arrays[f"group{position}/columns"],
            machine=_unpack_machine(arrays, f"group{position}"),
        )
        for position, code in enumerate(level1.classes)
    }
    features = TextFeatures(
        vocabularies={part: _unpack_text(arrays[f"vocabulary/{part}"]) for part in PARTS},
        idf={part: arrays[f"idf/{part}"] for part in PARTS},
    )
    return ItemClassifier(
        features=features,
        level1=level1,
        level1_calibration=_unpack_calibration(arrays["level1_calibration"]),
        groups=groups,
        item_calibration=_unpack_calibration(arrays["item_calibration"]),
    )


def _pack_machine(name: str, machine: NbSvm) -> dict[str, NDArray[Any]]:
    return {
        f"{name}/classes": _pack_text(machine.classes.tolist()),
        f"{name}/weights": machine.weights,
        f"{name}/intercepts": machine.intercepts,
    }


def _unpack_machine(arrays: Any, name: str) -> NbSvm:
    return NbSvm(
        classes=np.array(_unpack_text(arrays[f"{name}/classes"]), dtype=str),
        weights=arrays[f"{name}/weights"],
        intercepts=arrays[f"{name}/intercepts"],
    )


def _pack_calibration(calibration: Calibration) -> NDArray[np.float64]:
    return np.array([calibration.sharpness, *calibration.surety])


def _unpack_calibration(values: NDArray[np.float64]) -> Calibration:
    sharpness, intercept, best, second = map(float, values)
    return Calibration(sharpness=sharpness, surety=(intercept, best, second))


def _pack_text(texts: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(texts, ensure_ascii=False).encode(), dtype=np.uint8)


def _unpack_text(data: NDArray[np.uint8]) -> list[str]:
    texts: list[str] = json.loads(data.tobytes())
    return texts
