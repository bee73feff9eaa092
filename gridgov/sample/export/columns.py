"""The export of the sample city's hotline: its own headings, words and faults; and the truth beside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geodata.datum import Datum, convert
from gridgov.sample.content.tables import make_units
from gridgov.sample.export.join import Text, choose, draw_words, join, make_text, take, write_number
from gridgov.sample.export.unusable import break_rows
from gridgov.sample.land.addresses import Addresses
from gridgov.sample.land.named_places import Towns
from gridgov.sample.truth.events import Events
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.outcomes import Handling
from gridgov.sample.truth.plantings import PRAISE_ITEM
from gridgov.sample.truth.seasons import FIRST_DAY

FloatArray = npt.NDArray[np.float64]

EXPORT_DATUM = Datum.GCJ02
POINT_SHARE = 2 / 3
"""Of appeals that come with coordinates; of those near a boundary more do."""
NEAR_POINT_SHARE = 0.85
ITEM_SHARE = 0.93
"""Of appeals whose item the operator has filled in."""
NO_ADDRESS_SHARE = 0.03
"""Of appeals with coordinates that have no address."""

CHANNELS = {
    "电话": 70, "微信小程序": 12, "手机客户端": 8, "网站": 4, "微博": 2, "人民网留言板": 1, "短信": 1,
    "国务院客户端": 2,
}  # fmt: skip
FIRM_CHANNEL, FIRM_LEVEL2, FIRM_SHARES = "企业服务专线", ("2702", "2703"), (0.012, 0.7)
"""Channel of firms, the level-2 items that are theirs, and its share of other appeals and of these."""
KINDS = {
    "complaint": "投诉",
    "help": "求助",
    "consultation": "咨询",
    "report": "举报",
    "suggestion": "建议",
    "opinion": "意见",
    "praise": "表扬",
    "other": "其他",
}
"""The eight kinds of appeals; the last three are not among the catalogue's."""
OPINION_ITEM = "270701"
OPINION_SHARE, OTHER_SHARE = 0.2, 0.01
"""Of suggestions that are noted as opinions, and of all appeals that are noted as something else."""
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"

COLUMNS = (
    *(
        "工单编号",
        "受理时间",
        "来源渠道",
        "诉求类型",
        "派单目录编码",
        "问题分类",
        "诉求内容",
        "地址",
        "经度",
        "纬度",
    ),
    *(
        "承办单位",
        "承办单位编码",
        "诉求人",
        "诉求人编号",
        "首次联系时间",
        "办结时间",
        "是否联系",
        "是否解决",
        "满意度",
    ),
)
"""Headings of the export, in its order."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is written.

    Parameters
    ----------
    table
        The export, all text but 经度 and 纬度.
    truth
        What is true of each usable row.
    unusable
        ``row`` (in the file, headings are row 1) ``, field, value, fault``.
    numbers
        Number of every event, before faults were made.
    """

    table: pd.DataFrame
    truth: pd.DataFrame
    unusable: list[dict[str, Any]]
    numbers: Text


def make_export(
    events: Events,
    addresses: Addresses,
    texts: Text,
    *,
    handling: Handling,
    items: Items,
    towns: Towns,
    rng: np.random.Generator,
) -> Export:
    """Return the export table with its truth; rows in order of time."""
    numbers = _make_numbers(events.frame["seconds"].to_numpy())
    columns = {"工单编号": numbers}
    columns |= _write_contents(events, texts, items=items, rng=rng)
    columns |= _write_places(events, addresses, rng)
    columns |= _write_handling(events, handling, towns)
    table = pa.table({name: columns[name] for name in COLUMNS}).to_pandas()
    truth = _make_truth(events, addresses, towns, items=items, numbers=numbers)
    unusable = break_rows(table, events.frame, rng)
    truth = truth.drop(index=[row["row"] - 2 for row in unusable])
    return Export(table=table, truth=truth, unusable=unusable, numbers=numbers)


def _write_contents(
    events: Events, texts: Text, *, items: Items, rng: np.random.Generator
) -> dict[str, Text]:
    n = len(events.frame)
    item = events.frame["item"].to_numpy()
    words = items.frame
    known = (rng.random(n) < ITEM_SHARE).astype(np.int64)
    blank = take([""], np.zeros(n, np.int64))
    by_firm = _find_firms(events)
    channels = choose(
        [draw_words(CHANNELS, n, rng), take([FIRM_CHANNEL], np.zeros(n, np.int64))], by_firm
    )
    return {
        "受理时间": write_times(events.frame["seconds"].to_numpy(float)),
        "来源渠道": channels,
        "诉求类型": take(list(KINDS.values()), _choose_kinds(item, items, rng)),
        "派单目录编码": choose([blank, take(words["item_code"].to_numpy(object), item)], known),
        "问题分类": choose([blank, take(words["name"].to_numpy(object), item)], known),
        "诉求内容": texts,
    }


def _find_firms(events: Events) -> npt.NDArray[np.int64]:
    """Return 1 for the appeals of firms: the same person is always one or always none, int64 (n,)."""
    person = events.frame["person"].to_numpy()
    theirs = np.isin(events.background.level2, FIRM_LEVEL2)[events.frame["item"]]
    chance = ((person * 40_503) % 65_536) / 65_536
    by_firm: npt.NDArray[np.int64] = (
        chance < np.where(theirs, FIRM_SHARES[1], FIRM_SHARES[0])
    ).astype(np.int64)
    return by_firm


def _choose_kinds(
    item: npt.NDArray[np.int64], items: Items, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return the position in :data:`KINDS` of each appeal's kind: the item's, with what operators note besides."""
    names = list(KINDS)
    code = items.frame["item_code"]
    kind = items.frame["kind"].where(code != PRAISE_ITEM, "praise")
    kind = kind.where(code != OPINION_ITEM, "opinion")
    out = np.array([names.index(name) for name in kind])[item]
    drawn = rng.random(len(item))
    is_opinion = (out == names.index("suggestion")) & (drawn < OPINION_SHARE)
    out = np.where(is_opinion, names.index("opinion"), out)
    chosen: npt.NDArray[np.int64] = np.where(drawn > 1 - OTHER_SHARE, names.index("other"), out)
    return chosen


def _write_places(events: Events, addresses: Addresses, rng: np.random.Generator) -> dict[str, Any]:
    n = len(events.frame)
    lon, lat = _make_points(events, rng)
    silent = ~np.isnan(lon) & (rng.random(n) < NO_ADDRESS_SHARE)
    blank = take([""], np.zeros(n, np.int64))
    return {
        "地址": choose([addresses.full, blank], silent.astype(np.int64)),
        "经度": lon,
        "纬度": lat,
    }


def _write_handling(events: Events, handling: Handling, towns: Towns) -> dict[str, Any]:
    person = events.frame["person"].to_numpy()
    return {
        "承办单位": _name_units(handling, towns),
        "承办单位编码": make_text(handling.unit),
        "诉求人": choose([_name_persons(person), _name_firms(person)], _find_firms(events)),
        "诉求人编号": _make_keys(person),
        "首次联系时间": write_times(handling.contacted_s),
        "办结时间": write_times(handling.closed_s),
        "是否联系": make_text(handling.contacted),
        "是否解决": make_text(handling.solved),
        "满意度": make_text(handling.satisfied),
    }


def _make_numbers(seconds: npt.NDArray[np.int64]) -> Text:
    """Return numbers as hotlines give them: the day and a running number of the day."""
    day = seconds // 86_400
    first = np.searchsorted(day, day, side="left")
    running = np.arange(len(day)) - first + 1
    dates = (FIRST_DAY + np.arange(day.max() + 1)).astype(str)
    short = np.array([text[2:].replace("-", "") for text in dates], dtype=object)
    padded = write_number(running + 1_000_000)
    return join(take(short, day), padded)


def _make_points(events: Events, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    frame = events.frame
    share = np.where(frame["near_boundary"], NEAR_POINT_SHARE, POINT_SHARE)
    has_point = rng.random(len(frame)) < share
    lon, lat = convert(frame["lon"], frame["lat"], source=Datum.WGS84, target=EXPORT_DATUM)
    return (
        np.where(has_point, np.round(lon, 6), np.nan),
        np.where(has_point, np.round(lat, 6), np.nan),
    )


def write_times(seconds: FloatArray) -> Text:
    """Return times as text such as ``2024-01-31 08:30:00``, empty where there is none.

    Parameters
    ----------
    seconds
        Since the first day, whole, NaN where unknown, float64 (n,).
    """
    known = ~np.isnan(seconds)
    times = FIRST_DAY.astype("datetime64[s]") + np.where(known, seconds, 0).astype(np.int64)
    letters = np.datetime_as_string(times).astype("U19").view("U1").reshape(-1, 19)
    letters[:, 10] = " "
    letters[~known] = ""
    return make_text(letters.view("U19").ravel())


def _name_units(handling: Handling, towns: Towns) -> Text:
    """Return names of units; a street's with its district, because some names occur in two districts."""
    streets = make_street_table(towns)
    units = make_units(streets).set_index("unit_code")["name"]
    own = streets.set_index("street_code")
    units.loc[own.index] = own["district"] + own["name"]
    codes, unit = np.unique(handling.unit.astype(str), return_inverse=True)
    return take(units.loc[codes].to_numpy(object), unit)


def make_street_table(towns: Towns) -> pd.DataFrame:
    """Return the streets as the content's tables want them: ``street_code, name, district_code, district``."""
    land = towns.geography
    district = land.streets["district_code"].map(land.districts.set_index("code")["name"])
    table = land.streets[["code", "name", "district_code"]].rename(columns={"code": "street_code"})
    return pd.DataFrame(table.assign(district=district))


def _name_persons(person: npt.NDArray[np.int64]) -> Text:
    names = [f"{surname}{title}" for surname in SURNAMES for title in ("先生", "女士")]
    return take(names, (person * 2_654_435_761 >> 7) % len(names))


def _name_firms(person: npt.NDArray[np.int64]) -> Text:
    stems = ("恒信", "众合", "启明", "嘉禾", "远达", "安泰", "博瑞", "和顺")
    tails = ("商贸", "科技", "餐饮管理", "物流", "文化传媒")
    names = [f"样例{stem}{tail}有限公司" for stem in stems for tail in tails]
    return take(names, (person * 2_654_435_761 >> 7) % len(names))


def _make_keys(person: npt.NDArray[np.int64]) -> Text:
    """Return an opaque number per person (Knuth's multiplicative hash: no two persons share one)."""
    mixed = (person.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    return join("P", write_number(mixed.astype(np.int64) + 10**10))


def name_planted(events: Events) -> npt.NDArray[np.object_]:
    """Return the numbers of what is planted on the scale of the background, and an empty one at the end."""
    return np.array([*(f"P{k:03d}" for k in range(1, len(events.planted) + 1)), ""], dtype=object)


def _make_truth(
    events: Events,
    addresses: Addresses,
    towns: Towns,
    *,
    items: Items,
    numbers: Text,
) -> pd.DataFrame:
    frame = events.frame
    code = towns.geography.communities["code"].to_numpy(object)[frame["community"]]
    hot = frame["hotspot"].to_numpy()
    names = np.array([*(f"H{k:03d}" for k in range(1, len(events.hotspots) + 1)), ""], dtype=object)
    return pd.DataFrame(
        {
            "appeal_no": numbers.to_numpy(zero_copy_only=False),
            "lon": frame["lon"].round(7),
            "lat": frame["lat"].round(7),
            "street_code": pd.Series(code).str[:9],
            "community_code": code,
            "item_code": items.frame["item_code"].to_numpy(object)[frame["item"]],
            "hotspot_id": names[hot],
            "planted_id": np.where(
                hot >= 0, names[hot], name_planted(events)[frame["planting"].to_numpy()]
            ),
            "issue_no": frame["issue"],
            "person_no": frame["person"],
            "call": frame["call"],
            "address_kind": addresses.kind,
            "near_boundary": frame["near_boundary"],
        }
    )
