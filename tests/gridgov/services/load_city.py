"""A small city with an export of appeals for tests of bulk intake, and a database's content to compare."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from tests.gridgov.packs import SOUTH, STEP, TOML, WEST, write_pack

AS_OF = pd.Timestamp("2024-06-01", tz="Asia/Shanghai").to_pydatetime()
ITEMS = ("111", "112", "113", None)


def write_city(folder: Path, *, appeals: int, seed: int = 5) -> tuple[Path, Path]:
    """Write a pack and an export with every kind of row; return both paths."""
    pack = write_pack(folder / "pack", TOML + 'contacted = "是否联系"\n')
    file = folder / "appeals.csv"
    make_export(appeals, seed=seed).to_csv(file, index=False)
    return pack, file


def make_export(n: int, *, seed: int) -> pd.DataFrame:
    """Return an export: points, addresses, neither; ended, called back or not; a number in the text; bad rows."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01")
    received = start + pd.to_timedelta(rng.integers(0, 140 * 86400, n), unit="s")
    closed = received + pd.to_timedelta(rng.integers(3600, 20 * 86400, n), unit="s")
    is_ended = rng.random(n) < 0.7
    is_called = is_ended & (rng.random(n) < 0.8)
    has_point = rng.random(n) < 0.9
    texts = [
        f"第{at}件，电话13800{at % 1000000:06d}" if at % 9 == 0 else f"第{at}件" for at in range(n)
    ]
    frame = pd.DataFrame(
        {
            "编号": [f"N{at:06d}" for at in range(n)],
            "受理时间": received.strftime("%Y-%m-%d %H:%M:%S"),
            "办结时间": np.where(is_ended, closed.strftime("%Y-%m-%d %H:%M:%S"), None),
            "类型": "求助",
            "事项": rng.choice(np.array(ITEMS, dtype=object), n),
            "内容": texts,
            "地址": np.where(rng.random(n) < 0.5, "和平小区", None),
            "经度": np.where(has_point, WEST + rng.random(n) * 2 * STEP, np.nan),
            "纬度": np.where(has_point, SOUTH + rng.random(n) * 2 * STEP, np.nan),
            "承办单位": None,
            "电话": [f"1390000{at % 50:04d}" for at in range(n)],
            "是否联系": np.where(is_called, "是", None),
            "是否解决": np.where(is_called, rng.choice(["是", "否"], n), None),
            "满意度": np.where(is_called, rng.choice(["满意", "基本满意", "不满意"], n), None),
        }
    )
    frame.loc[::97, "受理时间"] = "不详"
    return frame


CONTENT = {
    "appeals": "SELECT a.* FROM appeals a",
    "orders": "SELECT o.*, a.source, a.appeal_no FROM orders o JOIN appeals a ON a.id = o.appeal_id",
    "persons": "SELECT p.*, a.appeal_no, a.source FROM appeal_persons p JOIN appeals a ON a.id = p.appeal_id",
    "callbacks": "SELECT c.*, o.order_no FROM callbacks c JOIN orders o ON o.id = c.order_id",
    "log": "SELECT chain, action, subject_kind, subject_no, origin, after FROM log_entries",
    "heads": "SELECT chain, position FROM log_heads",
    "cells": "SELECT cell_code, community_code, street_code FROM cells",
    "units": "SELECT unit_code, path, kind FROM units",
    "batches": "SELECT batch, rows, added, known FROM import_batches",
    "rates": "SELECT month, unit_code, sum(orders) AS orders, sum(callbacks) AS callbacks, sum(solved) AS solved,"
    " sum(satisfied) AS satisfied, sum(basically) AS basically FROM rate_counts GROUP BY month, unit_code",
    "areas": "SELECT * FROM area_counts",
    "counts": "SELECT cell_code, street_code, unit_code, day, item_code, sum(open) AS open, sum(solved) AS solved,"
    " sum(unsolved) AS unsolved FROM cell_counts GROUP BY cell_code, street_code, unit_code, day, item_code",
}
_LEFT_OUT = {"id", "appeal_id", "order_id", "created_at", "point"}


def read_content(engine: sa.Engine, *, timeless: bool = True) -> dict[str, list[str]]:
    """Return what a database holds, rows as sorted texts, without surrogate keys and the clock."""
    found = {}
    with engine.connect() as connection:
        for name, query in CONTENT.items():
            rows = connection.execute(sa.text(query)).mappings()
            left = _LEFT_OUT if timeless else set()
            found[name] = sorted(
                repr([(key, _plain(value)) for key, value in row.items() if key not in left])
                for row in rows
            )
    return found


def _plain(value: Any) -> Any:
    """Return a value as both databases give it: times in UTC as text, flags as numbers."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict):
        return repr(sorted(value.items()))
    if isinstance(value, str) and value.startswith("{"):
        return repr(sorted(json.loads(value).items()))
    if hasattr(value, "isoformat"):
        if getattr(value, "tzinfo", None) is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
            return value.isoformat(" ", timespec="microseconds")
        return value.isoformat()
    return value
