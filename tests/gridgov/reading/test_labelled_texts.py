"""A classifier learns from texts and items alone: no other column of the export is needed."""

import pandas as pd
import pytest

from geodata.errors import InvalidDataError
from gridgov.pack.city import load_city
from gridgov.reading.labelled_texts import read_texts
from tests.gridgov.packs import write_pack


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDGOV_CACHE", str(folder / "store"))
        return load_city(write_pack(folder / "pack"))


def test_texts_and_items_are_enough(city, tmp_path):
    frame = pd.DataFrame({"内容": ["路灯不亮", "", "停水"], "事项": ["111", "112", "什么"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    read = read_texts(city, tmp_path / "a.csv")
    assert read.texts["text"].fillna("").tolist() == ["路灯不亮", "", "停水"]
    assert read.texts["item_code"].fillna("").tolist() == ["111", "112", ""]
    problems = read.problems[read.problems["row"].notna()]
    assert problems["row"].tolist() == [4]


def test_without_texts_or_items_there_is_nothing_to_learn(city, tmp_path):
    pd.DataFrame({"事项": ["111"]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InvalidDataError, match="has no column '内容'") as caught:
        read_texts(city, tmp_path / "a.csv")
    assert [one.field for one in caught.value.problems] == ["text"]
