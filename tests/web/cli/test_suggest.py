"""``gridgov train`` and ``gridgov suggest`` as a user calls them: learn, suggest, say why, or say what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from gridgov.jobs.training import make_report
from tests.gridgov.packs import TOML, write_pack
from tests.gridgov.rules.classify.test_classifier import FRAMES, PLACES
from web.cli.train import describe

PHRASES = {
    "111": ["摊贩占道经营", "店铺出店经营占道", "早市摆摊占道"],
    "112": ["自来水管爆裂", "水管爆了到处是水", "供水管道爆裂漏水"],
    "113": ["电线杆上无主线缆", "线缆垂落无人管", "废弃线缆垂在路上"],
}


def make_export(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    codes = rng.choice(list(PHRASES), size=count)
    texts = [
        rng.choice(FRAMES).format(p=rng.choice(PLACES), x=rng.choice(PHRASES[code])) + f"第{at}次"
        for at, code in enumerate(codes)
    ]
    return pd.DataFrame(
        {
            "编号": [f"A{at}" for at in range(count)],
            "受理时间": "2024-05-01 10:00",
            "事项": codes,
            "内容": texts,
            "地址": "和平小区",
            "经度": 116.405,
            "纬度": 39.905,
        }
    )


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """Return a pack, a classifier and what learning said."""
    folder = tmp_path_factory.mktemp("learnt")
    city = write_pack(folder / "city", TOML)
    make_export(240).to_csv(folder / "appeals.csv", index=False)
    return city, folder / "appeals.csv", folder / "model.npz"


@pytest.fixture
def model(learnt, gridgov, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path_factory.getbasetemp() / "learnt-cache"))
    city, appeals, path = learnt
    if not path.exists():
        code, _, err = gridgov("train", city, appeals, "--out", path)
        assert (code, err) == (0, "")
    return path


def test_learning_writes_a_report(model):
    report = model.parent / "model-report"
    items = pd.read_csv(report / "items.csv", dtype={"item_code": str})
    assert items["item_code"].tolist() == ["111", "112", "113"]
    assert items["texts"].sum() == 240
    assert (items[["precision", "recall"]] > 0.95).all(axis=None)
    assert (report / "confusion.csv").is_file()
    figures = pd.read_csv(report / "figures.csv").iloc[0]
    assert figures["item_share"] > 0.95
    assert figures["ece"] < 0.03


def test_a_report_tells_every_class_and_what_is_taken_for_what():
    labelled = pd.DataFrame(
        {
            "level1_code": ["1"] * 8 + ["2"] * 2,
            "item_code": ["11"] * 8 + ["21"] * 2,
        }
    )
    said = pd.DataFrame(
        {
            "level1_code": ["1"] * 6 + ["2"] * 4,
            "item_code": ["11"] * 6 + ["21"] * 4,
            "level1_confidence": 0.8,
            "item_confidence": 0.8,
        }
    )
    told = describe(make_report(labelled, said), {"1": "市容", "2": "供水", "11": "占道"})
    lines = told.splitlines()
    assert lines[0] == "10 texts, 2 items in 2 classes"
    assert "   100.0%   75.0%       8  1 市容" in lines
    assert "    50.0%  100.0%       2  2 供水" in lines
    assert "  1 市容 → 2 供水  2" in lines
    assert lines[-1] == "   100.0%   75.0%       8  11 占道"


def test_a_suggestion_names_item_confidence_and_words(learnt, model, gridgov):
    code, out, err = gridgov("suggest", learnt[0], model, "和平里南口自来水管爆裂了", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert (facts["item_code"], facts["item_name"]) == ("112", "水管爆裂")
    assert facts["level1_name"] == "市容"
    assert not facts["review"]
    words = [one["word"] for one in facts["words"]]
    assert {"水管", "爆裂"} & set(words)
    assert "和平" not in words[:2]
    shares = [one["share"] for one in facts["likeliest"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=0.01)
    code, out, _ = gridgov("suggest", learnt[0], model, "和平里南口自来水管爆裂了")
    assert "事项 112 水管爆裂，把握" in out
    assert "由人选择" not in out


def test_what_is_unclear_is_left_to_a_person_with_candidates(learnt, model, gridgov):
    code, out, _ = gridgov("suggest", learnt[0], model, "水管线缆占道", "  ", "--json")
    assert code == 0
    unclear, empty = map(json.loads, out.splitlines())
    assert unclear["review"]
    assert len(unclear["likeliest"]) == 3
    assert "113" in [one["item_code"] for one in unclear["found_by_search"]]
    assert empty["item_code"] is None
    assert empty["review"]
    code, out, _ = gridgov("suggest", learnt[0], model, "水管线缆占道")
    assert "低于 60%（假定值），由人选择：" in out


def test_a_file_of_texts_gets_suggestions_beside_its_rows(learnt, model, gridgov, tmp_path):
    source, out = tmp_path / "texts.csv", tmp_path / "suggested.csv"
    frame = pd.DataFrame({"no": ["a", "b", "c"], "content": ["早市摆摊占道", None, "线缆垂落"]})
    frame.to_csv(source, index=False)
    code, _, err = gridgov(
        "suggest", learnt[0], model, "--file", source, "--column", "content", "--out", out
    )
    assert (code, err) == (0, "")
    read = pd.read_csv(out, dtype=str)
    assert read["no"].tolist() == ["a", "b", "c"]
    assert read["item_code"].fillna("").tolist() == ["111", "", "113"]
    assert read["item_name"].fillna("").tolist() == ["占道经营", "", "无主线缆"]
    assert "摆摊" in read["words"][0]
    assert read["review"].str.lower()[1] == "true"


def test_columns_that_a_file_has_already_are_kept(learnt, model, gridgov, tmp_path):
    source, out = tmp_path / "orders.csv", tmp_path / "suggested.csv"
    frame = pd.DataFrame(
        {"text": ["早市摆摊占道"], "item_code": ["999"], "suggested_words": ["x"], "words": ["y"]}
    )
    frame.to_csv(source, index=False)
    assert gridgov("suggest", learnt[0], model, "--file", source, "--out", out)[0] == 0
    read = pd.read_csv(out, dtype=str).iloc[0]
    assert (read["item_code"], read["suggested_item_code"]) == ("999", "111")
    assert (read["words"], read["suggested_words"]) == ("y", "x")
    assert "摆摊" in read["suggested_suggested_words"]


def test_wrong_calls_say_what_is_expected(learnt, model, gridgov, tmp_path):
    code, _, err = gridgov("suggest", learnt[0], model)
    assert code == 2
    assert "either texts, or --file" in err
    source = tmp_path / "texts.csv"
    source.write_text("a,b\n1,2\n", encoding="utf-8")
    words = ("--file", source, "--out", tmp_path / "o.csv")
    code, _, err = gridgov("suggest", learnt[0], model, *words)
    assert code == 2
    assert "this column is missing" in err
    code, _, err = gridgov("suggest", learnt[0], source, "水管")
    assert code == 2
    assert "Train it anew" in err


def test_texts_with_nothing_in_common_are_refused(learnt, gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    frame = make_export(60)
    frame["内容"] = [chr(0x4E00 + 37 * at) for at in range(60)]
    frame.to_csv(tmp_path / "appeals.csv", index=False)
    out = tmp_path / "model.npz"
    code, _, err = gridgov("train", learnt[0], tmp_path / "appeals.csv", "--out", out)
    assert code == 2
    assert "in common" in err
    assert not out.exists()
