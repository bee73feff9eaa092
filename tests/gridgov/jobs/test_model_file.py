"""A classifier survives its file; anything else is refused with the remedy."""

import numpy as np
import pandas as pd
import pytest

from gridgov.jobs.model_file import ModelFileError, read_model, write_model
from gridgov.rules.classify.fit import fit_item_classifier
from tests.gridgov.rules.classify.test_classifier import make_texts


@pytest.fixture(scope="module")
def classifier():
    texts, codes = make_texts(120, seed=5)
    return fit_item_classifier(texts, codes, [code[:2] for code in codes])


def test_suggestions_are_the_same_after_writing_and_reading(classifier, tmp_path):
    path = tmp_path / "model.npz"
    write_model(classifier, path)
    texts = pd.Series(make_texts(50, seed=6)[0], dtype="str")
    pd.testing.assert_frame_equal(read_model(path).suggest(texts), classifier.suggest(texts))
    assert [p.name for p in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other"])
def test_damaged_files_are_refused(classifier, tmp_path, damage):
    path = tmp_path / "model.npz"
    write_model(classifier, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "text":
        path.write_text("no model")
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        np.savez(path, a=np.arange(3))
    with pytest.raises(ModelFileError, match="gridgov train"):
        read_model(path)
