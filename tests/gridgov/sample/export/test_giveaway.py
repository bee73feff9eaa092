"""Nothing in codes or texts tells planted appeals from others about the same item."""

import re

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from gridgov.sample.content import load_phrases
from gridgov.sample.export.texts import CLOSINGS, OPENINGS

PLACE = r"(?:.+?)"


def _strip(text: str, ends: dict[str, float], *, front: bool) -> tuple[str, str]:
    """Return the phrase that a text begins or ends with, and the rest."""
    for phrase in sorted(ends, key=len, reverse=True):
        if phrase and (text.startswith(phrase) if front else text.endswith(phrase)):
            return phrase, text.removeprefix(phrase) if front else text.removesuffix(phrase)
    return "", text


@pytest.fixture(scope="module")
def pairs(sample) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Return what can be read off a planted appeal, and off another one about the same item, without its place."""
    rows, truth = sample.usable, sample.truth.reset_index(drop=True)
    phrases = load_phrases()
    patterns: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def read(row: int) -> dict[str, str]:
        own = rows.iloc[row]
        code = str(truth["item_code"].iloc[row])
        text = re.sub(r"联系电话\d+。$", "", own["诉求内容"])
        opening, text = _strip(text, OPENINGS, front=True)
        closing, text = _strip(text, CLOSINGS, front=False)
        if code not in patterns:
            patterns[code] = [
                (template, _make_pattern(template, phrases[code].fillers))
                for template in phrases[code].templates
            ]
        found = next(
            ((t, m) for t, pattern in patterns[code] if (m := pattern.fullmatch(text))), None
        )
        facts = {
            "opening": opening,
            "closing": closing,
            "said": found[0] if found else "",
            "channel": own["来源渠道"],
            "kind": own["诉求类型"],
            "coded": str(own["派单目录编码"] != ""),
            "number": own["工单编号"][-1],
            "person": own["诉求人编号"][-1],
            "name": own["诉求人"][-2:],
        }
        fillers = found[1].groups() if found else ()
        return facts | {f"filler {k}": word for k, word in enumerate(fillers)}

    rng = np.random.default_rng(0)
    first = (truth["call"] == 1).to_numpy()
    planted = (truth["planted_id"] != "").to_numpy()
    out = []
    for where in truth[first].groupby("item_code").indices.values():
        own = np.flatnonzero(first)[where]
        both = [rng.permutation(own[planted[own] == flag]) for flag in (True, False)]
        out += [(read(a), read(b)) for a, b in zip(*both, strict=False)]
    return out


def _make_pattern(template: str, fillers) -> re.Pattern[str]:
    parts = re.split(r"[{}]", template)
    pattern = "".join(
        re.escape(part)
        if k % 2 == 0
        else PLACE
        if part == "place"
        else "(" + "|".join(map(re.escape, fillers[part])) + ")"
        for k, part in enumerate(parts)
    )
    return re.compile(pattern)


def measure_share(pairs: list[tuple[dict[str, str], dict[str, str]]]) -> float:
    """Return in which share of pairs a classifier, taught on the others, takes the planted one for planted."""
    order = np.random.default_rng(1).permutation(len(pairs))
    right = 0.0
    for half in range(2):
        teach = [pairs[k] for k in order[1 - half :: 2]]
        ask = [pairs[k] for k in order[half::2]]
        vectors = DictVectorizer()
        seen = vectors.fit_transform([facts for pair in teach for facts in pair])
        model = LogisticRegression(max_iter=500, C=0.3).fit(seen, np.tile([1, 0], len(teach)))
        a, b = (
            model.decision_function(vectors.transform([pair[k] for pair in ask])) for k in range(2)
        )
        right += float(((a > b) + 0.5 * (a == b)).sum())
    return right / len(pairs)


def test_texts_are_understood_without_their_place(pairs):
    facts = [one for pair in pairs for one in pair]
    assert len(pairs) > 800
    # What is left has a slip of the keyboard in it.
    assert np.mean([one["said"] != "" for one in facts]) > 0.97


def test_planted_appeals_read_like_others_about_the_same_item(pairs):
    assert measure_share(pairs) == pytest.approx(0.5, abs=3.5 * 0.5 / np.sqrt(len(pairs)))


def test_a_habit_of_planted_appeals_would_be_seen(pairs):
    # A fifth of them begin alike: little enough that nobody who reads them would notice.
    marked = [(a | {"opening": "您好，"} if k % 5 == 0 else a, b) for k, (a, b) in enumerate(pairs)]
    assert measure_share(marked) > 0.5 + 3.5 * 0.5 / np.sqrt(len(pairs))
