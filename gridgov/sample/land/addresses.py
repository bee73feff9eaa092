"""Addresses as people say them: the administrative ladder with rungs left out, names, numbers, additions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.sample.export.join import (
    Text,
    choose,
    draw_words,
    join,
    make_text,
    take,
    write_number,
)
from gridgov.sample.land.named_places import Towns
from gridgov.sample.land.slots import SlotKind
from gridgov.sample.truth.events import Events

IntArray = npt.NDArray[np.int64]
ObjectArray = npt.NDArray[np.object_]

CITY_NAMES = ("北京市", "北京")
LADDER_SHARES = (0.17, 0.2, 0.17, 0.16, 0.1, 0.07, 0.08, 0.05)
"""How people begin (assumed), see :func:`_make_ladders` for the order."""
NAME_SHARES = (0.8, 0.185, 0.015)
"""Official name, what people call it, misheard (assumed)."""
VAGUE_SHARE = 0.004
LETTERED_SHARE = 0.03
"""House numbers with 甲, 乙 or 丙 before them."""

AT_HOME = {
    "": 30, "{b}号楼": 22, "{b}号楼{u}单元": 20,
    "{b}号楼{u}单元{r}室": 9, "{b}栋": 4, "甲{b}号楼": 2, "{b}号院{u}号楼": 3,
    "门口": 2, "南门": 2, "北门": 2, "东门外": 1, "附近": 1.5, "北侧": 0.8, "对面": 0.7,
}  # fmt: skip
IN_VILLAGE = {
    "": 34,
    "{r}号": 26,
    "{b}号院": 8,
    "村口": 6,
    "村东头": 4,
    "村西": 3,
    "南街{b}号": 6,
    "附近": 3,
    "北侧": 2,
}
AT_PLACE = {"": 40, "门口": 20, "附近": 14, "对面": 8, "北侧": 4, "南侧": 4, "旁边": 6, "东门": 4}
AT_NUMBER = {"": 55, "院": 14, "院{u}号楼": 12, "楼": 4, "门前": 6, "旁": 3, "附近": 4, "对面": 2}
AT_CROSSING = {
    "交叉口": 40,
    "路口": 30,
    "交口": 16,
    "交叉口东北角": 5,
    "路口西南角": 5,
    "交叉口附近": 4,
}
NEAR_NOTHING = {"": 40, "辖区内": 10, "附近": 20, "路边": 15, "内": 15}
VAGUE = {"小区门口": 1, "我家楼下": 1, "单位附近": 1, "路口": 1, "不清楚": 0.6}
LETTERS = {"甲": 6, "乙": 2, "丙": 1}


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """One address per appeal.

    Parameters
    ----------
    full
        As in the address column.
    spoken
        The place as it stands in the middle of a sentence.
    kind
        compound, part, village, place, number, crossing, community or vague.
    """

    full: Text
    spoken: Text
    kind: ObjectArray


def make_addresses(events: Events, towns: Towns, rng: np.random.Generator) -> Addresses:
    """Return the addresses of all events."""
    frame = events.frame
    n = len(frame)
    kind = frame["slot_kind"].to_numpy()
    ref = frame["ref"].to_numpy()
    named = np.empty(n, dtype=object)
    labels = np.empty(n, dtype=object)
    makers = {
        SlotKind.PLACE: _name_places,
        SlotKind.NUMBER: _name_numbers,
        SlotKind.CROSSING: _name_crossings,
        SlotKind.FREE: _name_communities,
    }
    for code, maker in makers.items():
        rows = np.flatnonzero(kind == code)
        text, label = maker(towns, ref[rows], rng)
        named[rows] = text.to_numpy(zero_copy_only=False)
        labels[rows] = label
    community = np.where(
        frame["slot"] >= 0, events.slots.community[frame["slot"]], frame["community"]
    )
    ladders = _make_ladders(towns)
    rung = np.searchsorted(np.cumsum(LADDER_SHARES), rng.random(n)).clip(max=len(LADDER_SHARES) - 1)
    # A bare community needs its street: "内" alone says nothing.
    rung = np.where(kind == SlotKind.FREE, np.where(rung % 2, 3, 2), rung)
    spoken = make_text(named)
    full = join(take(ladders.ravel(), community * ladders.shape[1] + rung), spoken)
    vague = rng.random(n) < VAGUE_SHARE
    full = choose([full, draw_words(VAGUE, n, rng)], vague.astype(np.int64))
    labels[vague] = "vague"
    return Addresses(full=full, spoken=spoken, kind=labels)


def fill(patterns: Mapping[str, float], n: int, rng: np.random.Generator) -> Text:
    """Return `n` additions drawn by weight, with building, entrance and room numbers in their slots."""
    texts = list(patterns)
    share = np.cumsum(list(patterns.values()))
    chosen = np.searchsorted(share, rng.random(n) * share[-1], side="right").clip(
        max=len(texts) - 1
    )
    slots = {
        "b": rng.integers(1, 25, n),
        "u": rng.integers(1, 6, n),
        "r": rng.integers(1, 19, n) * 100 + rng.integers(1, 5, n),
    }
    pieces = [_split(text) for text in texts]
    longest = max(len(own) for own in pieces)
    columns: list[Text] = []
    for k in range(longest):
        own = [row[k] if k < len(row) else "" for row in pieces]
        column = take([text if text not in slots else "" for text in own], chosen)
        for slot, values in slots.items():
            here = np.array([text == slot for text in own])[chosen]
            if here.any():
                column = choose([column, write_number(values)], here.astype(np.int64))
        columns.append(column)
    return join(*columns)


def _split(text: str) -> list[str]:
    return [part for part in text.replace("{", "\0").replace("}", "\0").split("\0") if part]


def _name_places(towns: Towns, ref: IntArray, rng: np.random.Generator) -> tuple[Text, ObjectArray]:
    places = towns.places
    which = np.searchsorted(np.cumsum(NAME_SHARES), rng.random(len(ref))).clip(max=2)
    alias = places["alias"].where(places["alias"] != "", places["name"])
    spellings = [places["name"], alias, places["heard"]]
    name = choose([take(s.to_numpy(object), ref) for s in spellings], which)
    kind = places["kind"].to_numpy(object)[ref]
    rule = pd.Categorical(kind, categories=["compound", "village", "place"]).codes.astype(np.int64)
    details = [fill(patterns, len(ref), rng) for patterns in (AT_HOME, IN_VILLAGE, AT_PLACE)]
    label = np.where(places["part_of"].to_numpy()[ref] >= 0, "part", kind)
    return join(name, choose(details, rule)), label


def _name_numbers(
    towns: Towns, ref: IntArray, rng: np.random.Generator
) -> tuple[Text, ObjectArray]:
    numbers = towns.roads.numbers
    road = take(towns.roads.lines["name"].to_numpy(object), numbers["road"].to_numpy()[ref])
    lettered = rng.random(len(ref)) < LETTERED_SHARE
    blank = take([""], np.zeros(len(ref), np.int64))
    letter = choose([blank, draw_words(LETTERS, len(ref), rng)], lettered.astype(np.int64))
    number = write_number(numbers["number"].to_numpy()[ref])
    text = join(road, letter, number, "号", fill(AT_NUMBER, len(ref), rng))
    return text, np.full(len(ref), "number", dtype=object)


def _name_crossings(
    towns: Towns, ref: IntArray, rng: np.random.Generator
) -> tuple[Text, ObjectArray]:
    names = towns.roads.lines["name"].to_numpy(object)
    pair = towns.roads.crossings[["first", "second"]].to_numpy()[ref]
    swap = rng.random(len(ref)) < 0.5
    pair = np.where(swap[:, None], pair[:, ::-1], pair)
    between = draw_words({"与": 6, "和": 4}, len(ref), rng)
    first, second = take(names, pair[:, 0]), take(names, pair[:, 1])
    text = join(first, between, second, draw_words(AT_CROSSING, len(ref), rng))
    return text, np.full(len(ref), "crossing", dtype=object)


def _name_communities(
    towns: Towns, ref: IntArray, rng: np.random.Generator
) -> tuple[Text, ObjectArray]:
    spoken = take(shorten_communities(towns), ref)
    text = join(spoken, draw_words(NEAR_NOTHING, len(ref), rng))
    return text, np.full(len(ref), "community", dtype=object)


def shorten_communities(towns: Towns) -> ObjectArray:
    """Return communities as people write them: without the committee's full name."""
    name = towns.geography.communities["name"]
    short = name.str.replace("(社区居民委员会|社区居委会|居民委员会|居委会)$", "社区", regex=True)
    short = short.str.replace("(村村民委员会|村民委员会|村委会)$", "村", regex=True)
    out: ObjectArray = short.to_numpy(object)
    return out


def _make_ladders(towns: Towns) -> ObjectArray:
    """Return the beginnings of an address in each community, object (communities, 8)."""
    geography = towns.geography
    codes = geography.communities["code"]
    street = codes.str[:9].map(geography.streets.set_index("code")["name"])
    district = codes.str[:6].map(geography.districts.set_index("code")["name"])
    community = pd.Series(shorten_communities(towns), index=codes.index)
    long, short = CITY_NAMES
    # A 地区 is often called by the township that it also is, a 街道 without its last word.
    spoken = street.str.replace("地区$", "乡", regex=True).str.replace("街道$", "", regex=True)
    rungs = [
        pd.Series("", index=codes.index),
        district,
        long + district + street,
        district + street,
        district + street + community,
        street,
        long + district,
        short + district.str.removesuffix("区") + spoken,
    ]
    return np.stack([rung.to_numpy(object) for rung in rungs], axis=1)
