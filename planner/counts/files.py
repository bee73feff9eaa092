"""A fitted model in one file: arrays as npz, the rest as JSON inside it; the same model gives the same bytes."""

import io
import json
import zipfile
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from planner.counts.model import CountModel, Layer
from planner.counts.newton import Fit
from planner.errors import PlannerError

FORMAT = "gridgov-count-model/1"
LAYERS = ("city", "district", "street")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every part of the file."""


def save_counts(model: CountModel, path: Path) -> None:
    """Write a model."""
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {"format": FORMAT}
    for field in fields(CountModel):
        value = getattr(model, field.name)
        if field.name in LAYERS:
            arrays |= {
                f"{field.name}.basis": value.basis,
                f"{field.name}.variance": value.variance,
                f"{field.name}.coefficients": value.fit.coefficients,
                f"{field.name}.covariance": value.fit.covariance,
            }
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
        else:
            plain[field.name] = value.isoformat() if isinstance(value, date) else value
    with zipfile.ZipFile(path, "w") as file:
        text = json.dumps(plain, ensure_ascii=False, sort_keys=True, indent=1)
        file.writestr(zipfile.ZipInfo("model.json", EPOCH), text, zipfile.ZIP_DEFLATED, 1)
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.save(buffer, arrays[name], allow_pickle=False)
            part = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            file.writestr(part, buffer.getvalue(), zipfile.ZIP_DEFLATED, 1)


def load_counts(path: Path) -> CountModel:
    """Read a model.

    Raises
    ------
    PlannerError
        The file is not one that :func:`save_counts` wrote.
    """
    try:
        with zipfile.ZipFile(path) as file:
            plain = json.loads(file.read("model.json"))
            if plain.pop("format", None) != FORMAT:
                raise PlannerError(
                    f"{path.name} is of another version of the count model: fit it again"
                )
            arrays = {
                name[:-4]: np.load(io.BytesIO(file.read(name)), allow_pickle=False)
                for name in file.namelist()
                if name.endswith(".npy")
            }
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
        }
        values["first_day"] = date.fromisoformat(plain["first_day"])
        for name in LAYERS:
            values[name] = Layer(
                basis=arrays.pop(f"{name}.basis"),
                variance=arrays.pop(f"{name}.variance"),
                fit=Fit(
                    coefficients=arrays.pop(f"{name}.coefficients"),
                    covariance=arrays.pop(f"{name}.covariance"),
                ),
            )
        return CountModel(**values, **arrays)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise PlannerError(
            f"{path.name} is no count model ({type(error).__name__}: {error}): fit it again"
        ) from error
