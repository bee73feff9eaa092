"""What each view of the map room shows: figures from read models → a map, the rows beside it, the months to slide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
from flask_babel import gettext
from sqlalchemy.orm import Session

from gridgov.storage.queries.areas import get_area_names
from gridgov.storage.queries.map_counts import (
    CountFilter,
    count_area_months,
    count_areas,
)
from gridgov.storage.queries.orders import NONE
from web.kit.area_outlines import Shapes, find_stamp, get_base, get_shapes, to_shapes
from web.kit.links import MARK, fill_in, to_orders
from web.kit.maps import (
    RoomMap,
    add_areas,
    add_ground,
    add_outlines,
    add_points,
    add_spots,
    find_limits,
    make_room_map,
    render_room,
)

FEW_AREAS = 3
"""Up to so many areas with a figure, the map shows them and not the whole city."""
NEAR_DEG = 0.004
"""Degrees around points, some four hundred metres, so that none lies at the edge."""


@dataclass(frozen=True, kw_only=True)
class AreaView:
    """Orders by area.

    Parameters
    ----------
    kind
        ``street``, ``community`` or ``cell``.
    rows
        ``code name n`` and one key an outcome, most first; ``link`` to the orders behind the count.
    total, limits
        Sum of all rows; upper limits of the classes of the map.
    room
        The map.
    months
        For the slider: values by month, and links; None where the window lies in one month.
    """

    kind: str
    rows: list[dict[str, Any]]
    total: int
    limits: tuple[float, ...]
    room: RoomMap
    months: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class AreaWords:
    """Words of the map that the page's language decides."""

    unit: str
    no_place: str
    list_link: str
    inside_link: str
    whole: str


def count_area_rows(
    session: Session, kind: str, chosen: CountFilter, *, no_place: str
) -> list[dict[str, Any]]:
    """Return the counts of the map as rows with names: table and export are made of the same.

    Parameters
    ----------
    no_place
        Name of the row of orders without such an area.
    """
    frame = count_areas(session, kind, chosen)
    names = get_area_names(session, (kind,)) if kind != "cell" else {}
    frame.insert(1, "name", [names.get(code, code) or no_place for code in frame["code"]])
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def make_words() -> AreaWords:
    """Return the words of the map in the language of the page."""
    return AreaWords(
        unit=gettext("maps.unit"),
        no_place=gettext("maps.no_place"),
        list_link=gettext("maps.list_link"),
        inside_link=gettext("maps.inside_link"),
        whole=gettext("maps.whole"),
    )


def make_area_view(
    session: Session,
    kind: str,
    chosen: CountFilter,
    *,
    filters: Mapping[str, Any],
    words: AreaWords,
    inside: str = "",
    window_key: str = "",
) -> AreaView:
    """Return the view of orders by area.

    Parameters
    ----------
    chosen
        What is counted.
    filters
        The same as arguments of the orders list.
    inside
        Address of the view inside an area, ``CODE`` in it replaced; empty for none.
    window_key
        The window as it stands in addresses.
    """
    rows = count_area_rows(session, kind, chosen, no_place=words.no_place)
    link = to_orders(**filters, **{kind: MARK})
    for row in rows:
        row["link"] = fill_in(link, row["code"] or NONE)
    values = {row["code"]: int(row["n"]) for row in rows if row["code"]}
    link = to_orders(**{**filters, kind: "CODE", "window": "WINDOW"})
    links = [[words.list_link, link]] if link else []
    if inside:
        links.append([words.inside_link, inside])
    opened = [[word, address.replace("WINDOW", window_key)] for word, address in links]
    texts = {"unit": words.unit, "links": opened, "line": 0.35 if kind == "cell" else 0.7}
    room = _make_area_room(session, kind, chosen.street_code, values=values, texts=texts)
    return AreaView(
        kind=kind,
        rows=rows,
        total=sum(int(row["n"]) for row in rows),
        limits=find_limits(list(values.values())),
        room=room,
        months=_make_months(session, kind, chosen, values, links, words.whole, window_key),
    )


def _make_area_room(
    session: Session,
    kind: str,
    street_code: str,
    *,
    values: Mapping[str, int],
    texts: Mapping[str, Any],
) -> RoomMap:
    """Return the map of areas filled by class, lines above, quiet ground below where one street fills the map."""
    stamp, base = find_stamp(session), get_base()
    bounds = find_view_bounds(get_shapes(session, kind, street_code=street_code), values)
    outlines = to_shapes(stamp, "street", street_code)
    made = make_room_map(bounds, base=base)
    if street_code and base is None:
        add_ground(made, shapes_url=outlines)
    add_areas(
        made,
        values,
        shapes_url=to_shapes(stamp, kind, street_code),
        limits=find_limits(list(values.values())),
        texts=texts,
    )
    add_outlines(made, shapes_url=outlines)
    return render_room(made, bounds, base)


def find_view_bounds(shapes: Shapes, values: Mapping[str, float]) -> tuple[float, ...] | None:
    """Return what the map shows first: all areas, or the few that have a figure."""
    known = [shapes.each[code] for code in values if code in shapes.each]
    if not 0 < len(known) <= FEW_AREAS:
        return shapes.bounds
    west, south, east, north = zip(*known, strict=True)
    return min(west), min(south), max(east), max(north)


def _make_months(
    session: Session,
    kind: str,
    chosen: CountFilter,
    values: Mapping[str, int],
    links: list[list[str]],
    word: str,
    window_key: str,
) -> dict[str, Any] | None:
    """Return the values of each month of the window, None where it has only one."""
    if (chosen.first_on.year, chosen.first_on.month) == (chosen.last_on.year, chosen.last_on.month):
        return None
    frame = count_area_months(session, kind, chosen)
    months = [
        {
            "key": str(month),
            "window": _clip_month(str(month), chosen),
            "values": dict(zip(part["code"], part["n"].astype(int).tolist(), strict=True)),
        }
        for month, part in frame.groupby("month", sort=True)
    ]
    return {
        "months": months,
        "whole": {"key": window_key, "values": dict(values)},
        "word": word,
        "links": links,
    }


def _clip_month(month: str, chosen: CountFilter) -> str:
    """Return a month as a window of addresses, cut to the window of the page where it reaches beyond."""
    first = max(pd.Timestamp(f"{month}-01").date(), chosen.first_on)
    last = min((pd.Timestamp(f"{month}-01") + pd.offsets.MonthEnd(0)).date(), chosen.last_on)
    whole = first.day == 1 and (pd.Timestamp(last) + pd.Timedelta(days=1)).day == 1
    return month if whole else f"{first}..{last}"


def make_spot_room(session: Session, spots: gpd.GeoDataFrame) -> RoomMap:
    """Return the map of hotspots: quiet streets under them, lines above.

    Parameters
    ----------
    spots
        As ``web.kit.maps.add_spots`` takes them.
    """
    shapes = get_shapes(session, "street")
    bounds = shapes.bounds
    made = make_room_map(bounds, base=get_base())
    address = to_shapes(find_stamp(session), "street")
    if get_base() is None:
        add_ground(made, shapes_url=address)
    add_outlines(made, shapes_url=address)
    if len(spots):
        add_spots(made, spots, most=float(spots["n"].max()), base=get_base())
    return render_room(made, bounds, get_base())


def make_point_room(session: Session, points: pd.DataFrame, *, near: bool = False) -> RoomMap:
    """Return a map of places with a state above the lines of the streets.

    Parameters
    ----------
    points
        As ``web.kit.maps.add_points`` takes them.
    near
        Whether the map shows the points first and not the whole city.
    """
    bounds = get_shapes(session, "street").bounds
    if near and len(points):
        lon, lat = points["lon"].astype(float), points["lat"].astype(float)
        bounds = (
            lon.min() - NEAR_DEG,
            lat.min() - NEAR_DEG,
            lon.max() + NEAR_DEG,
            lat.max() + NEAR_DEG,
        )
    made = make_room_map(bounds, base=get_base())
    address = to_shapes(find_stamp(session), "street")
    if get_base() is None:
        add_ground(made, shapes_url=address)
    add_outlines(made, shapes_url=address)
    if len(points):
        add_points(made, points, base=get_base())
    return render_room(made, bounds, get_base())


def make_value_room(
    session: Session,
    values: Mapping[str, float],
    *,
    limits: tuple[float, ...],
    texts: Mapping[str, Any],
) -> RoomMap:
    """Return a map of streets filled by any quantity, such as the progress of their plans."""
    shapes, stamp = get_shapes(session, "street"), find_stamp(session)
    made = make_room_map(shapes.bounds, base=get_base())
    add_areas(made, values, shapes_url=to_shapes(stamp, "street"), limits=limits, texts=texts)
    add_outlines(made, shapes_url=to_shapes(stamp, "street"))
    return render_room(made, shapes.bounds, get_base())
