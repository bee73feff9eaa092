"""What people say: the content's sentences with the place, fillers, politeness and slips of the keyboard."""

import re
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gridgov.sample.export.join import Text, choose, draw_words, join, take
from gridgov.sample.land.addresses import Addresses
from gridgov.sample.truth.items import Items

IntArray = npt.NDArray[np.int64]

OPENINGS = {
    "": 56, "您好，": 10, "来电人反映：": 6, "市民来电称，": 6, "网友留言：": 4, "你好，我想反映一下，": 5,
    "请问，": 1, "领导好，": 2,
    "我是附近的居民，": 4, "尊敬的工作人员，": 2, "麻烦您记录一下，": 2, "再次来电，": 2,
}  # fmt: skip
CLOSINGS = {
    "": 54, "谢谢。": 10, "盼回复。": 6, "请尽快处理！": 5, "家里有老人和孩子，很不方便。": 4,
    "希望能彻底解决，不要只是走过场。": 3,
    "已拍照留存。": 3, "来电人要求保密个人信息。": 3, "请予核实并回复。": 4,
    "麻烦了。": 3, "来电人情绪激动。": 1.5, "大家都在说这件事。": 1.5,
    "如不解决将继续反映。": 2,
}  # fmt: skip
PHONE_SHARE = 0.004
"""Of texts that carry a telephone number, as real exports do though they should not."""
SLIPS = {
    "反映": "反应",
    "希望": "希忘",
    "已经": "以经",
    "居民": "居名",
    "解决": "解绝",
    "请": "青",
    "小区": "小驱",
}
SLIP_SHARE = 0.01


def make_texts(
    item: IntArray, call: IntArray, addresses: Addresses, items: Items, rng: np.random.Generator
) -> Text:
    """Return one text per appeal.

    Parameters
    ----------
    item
        Position in `items`, int64 (n,).
    call
        1 for the first call of a person about an issue, more for later ones.
    addresses
        The places named.
    items
        Phrases.
    rng
        Source of randomness.
    """
    n = len(item)
    body = _fill_templates(item, addresses.spoken, items, rng)
    later = draw_words(
        {"之前反映过，问题仍未解决。": 5, "这是又一次反映。": 3, "": 4, "上次办理后又出现了。": 3},
        n,
        rng,
    )
    blank = take([""], np.zeros(n, np.int64))
    again = choose([blank, later], (call > 1).astype(np.int64))
    text = join(draw_words(OPENINGS, n, rng), again, body, draw_words(CLOSINGS, n, rng))
    text = _add_phones(text, rng)
    return _add_slips(text, rng)


def _fill_templates(item: IntArray, place: Text, items: Items, rng: np.random.Generator) -> Text:
    """Return sentences: each template is cut at its slots, the pieces are joined column by column."""
    counts = np.array([len(phrase.templates) for phrase in items.phrases])
    first = np.cumsum(counts) - counts
    chosen = first[item] + (rng.random(len(item)) * counts[item]).astype(np.int64)
    pieces = [re.split(r"[{}]", text) for phrase in items.phrases for text in phrase.templates]
    longest = max(map(len, pieces))
    padded = [row + [""] * (longest - len(row)) for row in pieces]
    columns: list[Text] = []
    for k in range(longest):
        own = [row[k] for row in padded]
        if k % 2 == 0:
            columns.append(take(own, chosen))
        else:
            columns.append(_fill_slot(own, chosen, item, place=place, items=items, rng=rng))
    return join(*columns)


def _fill_slot(
    slots: list[str],
    chosen: IntArray,
    item: IntArray,
    *,
    place: Text,
    items: Items,
    rng: np.random.Generator,
) -> Text:
    """Return what stands in the k-th slot of every row: the place, or a filler of the row's item."""
    names = sorted(set(slots) - {"", "place"})
    code = np.array([0 if s == "" else 1 if s == "place" else 2 for s in slots])[chosen]
    which = np.array([names.index(s) if s in names else 0 for s in slots])[chosen]
    options = [tuple(phrase.fillers.get(name, ("",))) for phrase in items.phrases for name in names]
    if not options:
        options = [("",)]
    counts = np.array([len(own) for own in options])
    first = np.cumsum(counts) - counts
    row = item * max(len(names), 1) + which if names else np.zeros(len(item), np.int64)
    drawn = first[row] + (rng.random(len(item)) * counts[row]).astype(np.int64)
    blank = take([""], np.zeros(len(item), np.int64))
    return choose([blank, place, take(list(chain(*options)), drawn)], code)


def _add_phones(text: Text, rng: np.random.Generator) -> Text:
    """Add invented telephone numbers (a block that no operator has given out) to some texts."""
    n = len(text)
    numbers = take([f"联系电话1990000{k:04d}。" for k in range(10_000)], rng.integers(0, 10_000, n))
    return choose([text, join(text, numbers)], (rng.random(n) < PHONE_SHARE).astype(np.int64))


def _add_slips(text: Text, rng: np.random.Generator) -> Text:
    """Replace one word of some texts by what a hurried typist writes."""
    rows = np.flatnonzero(rng.random(len(text)) < SLIP_SHARE)
    slip = list(SLIPS.items())
    drawn = rng.integers(0, len(slip), len(rows))
    values = text.to_numpy(zero_copy_only=False).copy()
    for row, k in zip(rows, drawn, strict=True):  # one in a hundred
        values[row] = values[row].replace(*slip[k], 1)
    return pa.array(values, type=pa.large_string())
