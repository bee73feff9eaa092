"""What the parser knows without any city: token kinds, words of relation and noise, number units."""

import csv
from enum import IntEnum
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np


class TokenKind(IntEnum):
    """What a part of an address is; the values stand in compiled code."""

    NAME = 1  # a name of the gazetteer
    NUMBER = 2
    WAY = 3  # a road or lane that the gazetteer does not know
    STREET_TEXT = 4  # an unknown street, town or township
    COMMUNITY_TEXT = 5  # an unknown community
    TEXT = 6
    MARK = 7
    NOISE = 10
    NEAR = 11
    OPPOSITE = 12
    INSIDE = 13
    FRONT = 14
    SIDE = 15
    END = 16
    GATE = 17
    MIDDLE = 18
    CROSS = 19
    AND = 20
    METRO = 21
    REGION = 22
    REGION_SHORT = 23
    CITY = 24
    CITY_SHORT = 25
    CITY_STEM = 26  # a city without its ending, said after its region: 浙江金华
    DISTRICT_TEXT = 27  # an unknown district or county
    VILLAGE_TEXT = 28  # an unknown village; its houses may be numbered as those of a road


class NumberUnit(IntEnum):
    """What a number counts."""

    NONE = 0
    HOUSE = 1
    BUILDING = 2
    UNIT = 3
    ROOM = 4
    METRO_LINE = 5
    DISTANCE = 6
    OTHER = 7
    FLOOR = 8


UNIT_WORDS = {
    "号院": NumberUnit.HOUSE,
    "号大院": NumberUnit.HOUSE,
    "号": NumberUnit.HOUSE,
    "院": NumberUnit.HOUSE,
    "弄": NumberUnit.HOUSE,
    "号楼": NumberUnit.BUILDING,
    "楼": NumberUnit.FLOOR,  # a building where a unit follows: 12楼3单元
    "栋": NumberUnit.BUILDING,
    "号栋": NumberUnit.BUILDING,
    "幢": NumberUnit.BUILDING,
    "座": NumberUnit.BUILDING,
    "号楼座": NumberUnit.BUILDING,
    "单元": NumberUnit.UNIT,
    "门": NumberUnit.UNIT,
    "层": NumberUnit.FLOOR,
    "f": NumberUnit.FLOOR,
    "室": NumberUnit.ROOM,
    "号室": NumberUnit.ROOM,
    "房": NumberUnit.ROOM,
    "号线": NumberUnit.METRO_LINE,
    "米": NumberUnit.DISTANCE,
    "公里": NumberUnit.OTHER,
    "年": NumberUnit.OTHER,
    "月": NumberUnit.OTHER,
    "日": NumberUnit.OTHER,
    "点": NumberUnit.OTHER,
    "元": NumberUnit.OTHER,
    "人": NumberUnit.OTHER,
    "个": NumberUnit.OTHER,
    "天": NumberUnit.OTHER,
    "次": NumberUnit.OTHER,
    "岁": NumberUnit.OTHER,
    "辆": NumberUnit.OTHER,
    "户": NumberUnit.OTHER,
    "组": NumberUnit.OTHER,
    "队": NumberUnit.OTHER,
    "小时": NumberUnit.OTHER,
    "分钟": NumberUnit.OTHER,
    "分": NumberUnit.OTHER,
    "路公交": NumberUnit.OTHER,
    "%": NumberUnit.OTHER,
}
"""What follows a number and what it then counts; the longest wins."""


class Words(NamedTuple):
    """Words of :file:`words.csv`: ``kind`` uint8, ``east north`` float32 unit directions, ``region`` int16.

    Words of one ``region`` (province) have its number, those of none -1.
    """

    kind: np.ndarray
    east: np.ndarray
    north: np.ndarray
    region: np.ndarray


@lru_cache(maxsize=1)
def read_words() -> tuple[tuple[str, ...], Words]:
    """Return the folded words and what they mean: the file in its order, then the stems of cities."""
    text = resources.files("geodata.address").joinpath("words.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    known = {row["word"] for row in rows}
    for row in [row for row in rows if row["kind"] == "city"]:
        stem = row["word"].removesuffix("市")
        if len(stem) >= 2 and stem not in known:
            rows.append({**row, "word": stem, "kind": "city_stem"})
    regions = sorted({row["region"] for row in rows} - {""})
    words = Words(
        np.array([TokenKind[row["kind"].upper()] for row in rows], dtype=np.uint8),
        np.array([row["east"] for row in rows], dtype=np.float32),
        np.array([row["north"] for row in rows], dtype=np.float32),
        np.array([regions.index(row["region"]) if row["region"] else -1 for row in rows], np.int16),
    )
    return tuple(row["word"] for row in rows), words
