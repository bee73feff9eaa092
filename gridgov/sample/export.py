"""The export of the sample city's hotline: its own headings, words and faults; and the truth beside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.datum import Datum, convert
from gridgov.sample.addresses import Addresses
from gridgov.sample.content.tables import make_units
from gridgov.sample.events import Events
from gridgov.sample.gazetteer import Towns
from gridgov.sample.handling import Handling
from gridgov.sample.items import Items
from gridgov.sample.join import Text, draw_words, join, take, write_number
from gridgov.sample.seasons import FIRST_DAY

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
KINDS = {
    "complaint": "投诉",
    "help": "求助",
    "consultation": "咨询",
    "report": "举报",
    "suggestion": "建议",
}
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"

UNUSABLE = {
    "date_far_future": (3, "受理时间", "3020-05-01 10:00:00"),
    "date_impossible": (3, "受理时间", "2024-13-45 25:61:00"),
    "date_missing": (3, "受理时间", ""),
    "number_missing": (3, "工单编号", ""),
    "number_duplicate": (6, "工单编号", None),
    "row_empty": (3, None, ""),
}
"""Rows that no program can use: fault → how many, column, value (None: the number of an earlier row)."""


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
    numbers: npt.NDArray[np.object_]


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
    frame = events.frame
    n = len(frame)
    numbers = _make_numbers(frame["seconds"].to_numpy())
    lon, lat = _make_points(events, rng)
    has_point = ~np.isnan(lon)
    full = np.where(
        has_point & (rng.random(n) < NO_ADDRESS_SHARE),
        "",
        addresses.full.to_numpy(zero_copy_only=False),
    )
    known = rng.random(n) < ITEM_SHARE
    item = frame["item"].to_numpy()
    words = items.frame
    table = pd.DataFrame(
        {
            "工单编号": numbers,
            "受理时间": _write_times(frame["seconds"].to_numpy(float)),
            "来源渠道": draw_words(CHANNELS, n, rng).to_numpy(zero_copy_only=False),
            "诉求类型": words["kind"].map(KINDS).fillna("其他").to_numpy(object)[item],
            "派单目录编码": np.where(known, words["item_code"].to_numpy(object)[item], ""),
            "问题分类": np.where(known, words["name"].to_numpy(object)[item], ""),
            "诉求内容": texts.to_numpy(zero_copy_only=False),
            "地址": full,
            "经度": lon,
            "纬度": lat,
            "承办单位": _name_units(handling, towns),
            "承办单位编码": handling.unit,
            "诉求人": _name_persons(frame["person"].to_numpy()),
            "诉求人编号": _make_keys(frame["person"].to_numpy()),
            "首次联系时间": _write_times(handling.contacted_s),
            "办结时间": _write_times(handling.closed_s),
            "是否联系": handling.contacted,
            "是否解决": handling.solved,
            "满意度": handling.satisfied,
        }
    )
    truth = _make_truth(events, addresses, towns, items=items, numbers=numbers)
    unusable = _break_rows(table, frame, rng)
    broken = [row["row"] - 2 for row in unusable]
    return Export(table=table, truth=truth.drop(index=broken), unusable=unusable, numbers=numbers)


def _make_numbers(seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Return numbers as hotlines give them: the day and a running number of the day."""
    day = seconds // 86_400
    first = np.searchsorted(day, day, side="left")
    running = np.arange(len(day)) - first + 1
    dates = (FIRST_DAY + np.arange(day.max() + 1)).astype(str)
    short = np.array([text[2:].replace("-", "") for text in dates], dtype=object)
    padded = write_number(running + 1_000_000)
    numbers = join(take(short, day), padded).to_numpy(zero_copy_only=False)
    out: npt.NDArray[np.object_] = numbers.astype(object)
    return out


def _make_points(events: Events, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    frame = events.frame
    share = np.where(frame["near_boundary"], NEAR_POINT_SHARE, POINT_SHARE)
    has_point = rng.random(len(frame)) < share
    lon, lat = convert(frame["lon"], frame["lat"], source=Datum.WGS84, target=EXPORT_DATUM)
    return (
        np.where(has_point, np.round(lon, 6), np.nan),
        np.where(has_point, np.round(lat, 6), np.nan),
    )


def _write_times(seconds: FloatArray) -> npt.NDArray[np.object_]:
    """Return times as text, empty where there is none."""
    known = ~np.isnan(seconds)
    times = FIRST_DAY.astype("datetime64[s]") + np.where(known, seconds, 0).astype(np.int64)
    text = (
        pd.Series(np.datetime_as_string(times)).str.replace("T", " ", regex=False).to_numpy(object)
    )
    return np.where(known, text, "").astype(object)


def _name_units(handling: Handling, towns: Towns) -> npt.NDArray[np.object_]:
    """Return names of units; a street's with its district, because some names occur in two districts."""
    streets = make_street_table(towns)
    units = make_units(streets).set_index("unit_code")["name"]
    own = streets.set_index("street_code")
    units.loc[own.index] = own["district"] + own["name"]
    out: npt.NDArray[np.object_] = pd.Series(handling.unit).map(units).to_numpy(object)
    return out


def make_street_table(towns: Towns) -> pd.DataFrame:
    """Return the streets as the content's tables want them: ``street_code, name, district_code, district``."""
    land = towns.geography
    district = land.streets["district_code"].map(land.districts.set_index("code")["name"])
    table = land.streets[["code", "name", "district_code"]].rename(columns={"code": "street_code"})
    return pd.DataFrame(table.assign(district=district))


def _name_persons(person: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    names = [f"{surname}{title}" for surname in SURNAMES for title in ("先生", "女士")]
    out: npt.NDArray[np.object_] = np.array(names, dtype=object)[
        (person * 2_654_435_761 >> 7) % len(names)
    ]
    return out


def _make_keys(person: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Return an opaque number per person (Knuth's multiplicative hash: no two persons share one)."""
    mixed = (person.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    out: npt.NDArray[np.object_] = join(
        "P", write_number(mixed.astype(np.int64) + 10**10)
    ).to_numpy(zero_copy_only=False)
    return out


def _make_truth(
    events: Events,
    addresses: Addresses,
    towns: Towns,
    *,
    items: Items,
    numbers: npt.NDArray[np.object_],
) -> pd.DataFrame:
    frame = events.frame
    code = towns.geography.communities["code"].to_numpy(object)[frame["community"]]
    hot = frame["hotspot"].to_numpy()
    names = np.array([*(f"H{k:03d}" for k in range(1, len(events.hotspots) + 1)), ""], dtype=object)
    return pd.DataFrame(
        {
            "appeal_no": numbers,
            "lon": frame["lon"].round(7),
            "lat": frame["lat"].round(7),
            "street_code": pd.Series(code).str[:9],
            "community_code": code,
            "item_code": items.frame["item_code"].to_numpy(object)[frame["item"]],
            "hotspot_id": names[hot],
            "issue_no": frame["issue"],
            "person_no": frame["person"],
            "call": frame["call"],
            "address_kind": addresses.kind,
            "near_boundary": frame["near_boundary"],
        }
    )


def _break_rows(
    table: pd.DataFrame, frame: pd.DataFrame, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Spoil some ordinary rows and return what was done to which."""
    usual = np.flatnonzero(
        (frame["hotspot"] < 0) & (frame["one_caller"] < 0) & ~frame["near_boundary"]
    )
    count = sum(number for number, *_ in UNUSABLE.values())
    rows = iter(np.sort(rng.choice(usual[usual > 100], count, replace=False)).tolist())
    spoiled = []
    for fault, (number, column, value) in UNUSABLE.items():
        for row in [next(rows) for _ in range(number)]:
            put = table["工单编号"].iloc[row - 50] if value is None else value
            if column is None:
                text = table.columns.difference(["经度", "纬度"])
                table.loc[row, text] = ""
                table.loc[row, ["经度", "纬度"]] = np.nan
            else:
                table.loc[row, column] = put
            spoiled.append({"row": row + 2, "field": column or "", "value": put, "fault": fault})
    return sorted(spoiled, key=lambda own: own["row"])
