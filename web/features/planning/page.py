"""What the planning room puts together: streets with class, rank and plan; a street's map; evidence; seasons."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import geopandas as gpd
import pandas as pd
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.errors import NotFoundError
from gridgov.rules.indicators import find_change
from gridgov.storage.queries.areas import get_area_names, get_area_parents
from gridgov.storage.queries.map_counts import CountFilter, count_areas
from gridgov.storage.queries.orders import OrderFilter, OrderPage, list_orders
from gridgov.storage.queries.plans import get_classes, get_hotspots, get_plan_list
from web.features.planning.rows import make_plan_rows, make_spot_rows
from web.kit.area_outlines import find_stamp, get_base, get_shapes, to_shapes
from web.kit.links import MARK, fill_in, to_order, to_orders
from web.kit.maps import (
    RoomMap,
    add_areas,
    add_ground,
    add_outlines,
    add_spots,
    find_limits,
    make_room_map,
    render_room,
)
from web.kit.page_helpers import find_zone, to
from web.kit.page_scope import Window, make_days

YEAR = timedelta(days=365)
SORTS = {
    "street": "street",
    "class": "class",
    "orders": "orders",
    "change": "change",
    "hotspots": "hotspots",
    "tasks": "tasks",
    "percent": "percent",
    "next_due": "next_due",
}
"""What the table of streets can be sorted by → key of its rows."""
ROWS = 30


def make_street_rows(
    session: Session, *, window: Window, unit_codes: frozenset[str] | None
) -> list[dict[str, Any]]:
    """Return every street with its figures, by code.

    Returns
    -------
        ``street_code street district class class_reason orders orders_rank before change hotspots plan_no tasks done
        percent next_due href link``: ``orders`` received in the window, ``orders_rank`` 1 for most, ``change`` against
        the same days of the year before as a share, None from too few.
    """
    names, districts = get_area_names(session), get_area_names(session, ("district",))
    parents = get_area_parents(session, "street")
    orders = _count(session, window, unit_codes)
    before = _count(session, window.shift_back(days=YEAR.days), unit_codes)
    classes = get_classes(session).set_index("street_code")[["class", "reasons"]].to_dict("index")
    plans = {row["street_code"]: row for row in make_plan_rows(get_plan_list(session), names)}
    spots = get_hotspots(session)["street_code"].value_counts().to_dict()
    href = to("planning.street", street_code=MARK)
    link = to_orders(street=MARK, window=window.key)
    ranks = pd.Series({code: orders.get(code, 0) for code in names}, dtype="int64").rank(
        method="min", ascending=False
    )
    return [
        {
            "street_code": code,
            "street": name,
            "district": districts.get(parents.get(code, ""), ""),
            "class": str(classes.get(code, {}).get("class", "")),
            "class_reason": str(classes.get(code, {}).get("reasons", "")),
            "orders": orders.get(code, 0),
            "orders_rank": int(ranks[code]),
            "before": before.get(code, 0),
            "change": find_change(orders.get(code, 0), before.get(code, 0)),
            "hotspots": int(spots.get(code, 0)),
            **_take_plan(plans.get(code)),
            "href": fill_in(href, code),
            "link": fill_in(link, code),
        }
        for code, name in sorted(names.items())
    ]


def _take_plan(plan: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = ("plan_no", "tasks", "done", "percent", "next_due")
    return {key: None if plan is None else plan[key] for key in keys}


def _count(session: Session, window: Window, unit_codes: frozenset[str] | None) -> dict[str, int]:
    chosen = CountFilter(first_on=window.first_on, last_on=window.last_on, unit_codes=unit_codes)
    frame = count_areas(session, "street", chosen)
    return dict(zip(frame["code"], frame["n"].astype(int).tolist(), strict=True))


def sort_streets(rows: Sequence[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Return rows in the order asked for; rows without a value come last either way."""
    key = SORTS[sort.removeprefix("-")]
    known = [row for row in rows if row[key] not in {None, ""}]
    rest = [row for row in rows if row[key] in {None, ""}]
    return sorted(known, key=lambda row: row[key], reverse=sort.startswith("-")) + rest


def make_street_room(
    session: Session, street_code: str, spots: gpd.GeoDataFrame, *, window: Window
) -> RoomMap:
    """Return the map of a street: its cells by orders of the window, its line, its hotspots."""
    cells = get_shapes(session, "cell", street_code=street_code)
    own = get_shapes(session, "street", street_code=street_code)
    stamp, base = find_stamp(session), get_base()
    chosen = CountFilter(first_on=window.first_on, last_on=window.last_on, street_code=street_code)
    frame = count_areas(session, "cell", chosen)
    values = {
        code: int(n)
        for code, n in zip(frame["code"], frame["n"], strict=True)
        if code in cells.each
    }
    link = to_orders(cell="CODE", street=street_code, window=window.key)
    made = make_room_map(own.bounds, base=base)
    if base is None:
        add_ground(made, shapes_url=to_shapes(stamp, "street", street_code))
    add_areas(
        made,
        values,
        shapes_url=to_shapes(stamp, "cell", street_code),
        limits=find_limits(list(values.values())),
        texts={
            "unit": gettext("maps.unit"),
            "links": [[gettext("maps.list_link"), link]] if link else [],
            "line": 0.3,
        },
    )
    add_outlines(made, shapes_url=to_shapes(stamp, "street", street_code))
    if len(spots):
        add_spots(made, spots, most=float(spots["n"].max()), base=base)
    return render_room(made, own.bounds, base)


# --- evidence -------------------------------------------------------------------------------------


def find_hotspot(session: Session, hotspot_no: str) -> dict[str, Any]:
    """Return a hotspot of the newest run as a row.

    Raises
    ------
    NotFoundError
        There is none of this number.
    """
    spots = get_hotspots(session)
    own = spots[spots["hotspot_no"] == hotspot_no]
    if own.empty:
        raise NotFoundError("hotspot", hotspot_no)
    rows = make_spot_rows(own, get_area_names(session)).drop(columns="geometry")
    return {str(key): value for key, value in rows.to_dict("records")[0].items()}


def list_spot_orders(session: Session, spot: Mapping[str, Any], *, page: int) -> OrderPage:
    """Return the orders that make a hotspot: its cells, its level-1 item, its window."""
    window = make_days(spot["window_start"], spot["window_end"], zone=find_zone())
    chosen = OrderFilter(
        start=window.start,
        end=window.end,
        cell_codes=tuple(spot["cells"]),
        level1_code=spot["level1_code"],
    )
    return list_orders(session, chosen, page=page, rows=ROWS)


def make_evidence_rows(orders: Sequence[Any], *, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return orders as the tables of evidence show them, each with its link."""
    return [
        {
            "order_no": row.order_no,
            "received_at": _as_time(row.received_at),
            "item": names.get(row.item_code, row.item_code or ""),
            "text": row.text or "",
            "address": row.address or "",
            "state": str(row.state),
            "href": to_order(row.order_no),
        }
        for row in orders
    ]


def _as_time(value: Any) -> Any:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def make_season_rows(spots: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the seasonal hotspots with the first month of their season, by that month and the surest first."""
    rows = []
    for row in spots.drop(columns="geometry").to_dict("records"):
        months = [
            int(month) for month in str(row["figures"].get("months") or "").split(";") if month
        ]
        if row["kind"] == "seasonal" and months:
            rows.append({str(key): value for key, value in row.items()} | {"months": months})
    return sorted(rows, key=lambda row: (find_first_month(row["months"]), row["q"]))


def find_first_month(months: Sequence[int]) -> int:
    """Return the month in which a season begins: the one whose month before is not in it.

    Examples
    --------
    >>> find_first_month([11, 12, 1, 2])
    11
    """
    return next((month for month in months if (month - 2) % 12 + 1 not in months), months[0])
