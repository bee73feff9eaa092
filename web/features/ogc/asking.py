"""What a request for features asks: limit, box, times, coordinate systems, filter; and everything wrong with it."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import cql2
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from gridgov.storage.features.filtering import (
    Field,
    FieldKind,
    FilterError,
    FilterFrame,
    make_condition,
    read_moment,
)
from gridgov.storage.features.sources import FeatureSource, overlap_times
from gridgov.storage.spatial import Relation, relate
from web.kit.api.problems import Fault, ProblemError

LIMIT, LIMIT_MAX = 100, 1_000
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
SYSTEMS: Mapping[str, str] = {CRS84: "OGC:CRS84"} | {
    f"{_EPSG}{code}": f"EPSG:{code}"
    for code in (4326, 4490, 3857, *range(4491, 4555), *range(32643, 32654))
}
"""Coordinate systems by their URI: WGS 84 and CGCS2000 in degrees, Web Mercator, CGCS2000 in 3 and 6 degree zones, UTM
in China; each with the axes in the order of its authority."""
FILTER_MAX = 8_000
COMMON = frozenset(
    {
        "limit",
        "bbox",
        "bbox-crs",
        "datetime",
        "crs",
        "filter",
        "filter-lang",
        "filter-crs",
        "cursor",
        "version",
        "f",
        "lang",
    }
)


class _Faults:
    """Collects what is wrong with parameters, and raises all at once."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, name: str, problem: str) -> None:
        self.found.append(Fault(where="query", field=name, problem=problem))

    def check(self) -> None:
        if self.found:
            told = "; ".join(f"{one.field}: {one.problem}" for one in self.found)
            raise ProblemError(400, "address", told[:1000], faults=self.found)


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """What was asked for.

    Parameters
    ----------
    conditions
        Of the statement.
    limit
        Features of a page.
    after
        Key of the feature before the first.
    crs
        URI of the system of the answer.
    """

    conditions: Sequence[sa.ColumnElement[bool]]
    limit: int
    after: tuple[Any, ...]
    crs: str


def check_names(known: frozenset[str]) -> None:
    """Raise if the address has a parameter that is not known here, or one twice.

    Raises
    ------
    ProblemError
        It does; status 400.
    """
    faults = _Faults()
    for name in request.args:
        if name not in known:
            faults.add(name, f"is not known here; expected one of {', '.join(sorted(known))}")
        elif len(request.args.getlist(name)) > 1:
            faults.add(name, "stands twice in the address")
    faults.check()


def check_form(known: frozenset[str]) -> None:
    """Raise if another form of the answer is asked for than there is.

    Raises
    ------
    ProblemError
        It is; status 400.
    """
    form = request.args.get("f", "json")
    if form not in known:
        problem = f"{form!r} is not made here; expected one of {', '.join(sorted(known))}"
        raise ProblemError(
            400, "address", problem, faults=[Fault(where="query", field="f", problem=problem)]
        )


def read_asked(session: Session, source: FeatureSource) -> Asked:
    """Return what the address of this request asks of features.

    Besides the parameters of the standard each text and number field is one: ``unit_code=D01``.

    Raises
    ------
    ProblemError
        A parameter cannot be used; status 400, with every fault.
    """
    equals = {
        name: field
        for name, field in source.fields.items()
        if field.kind in {FieldKind.TEXT, FieldKind.INTEGER}
    }
    check_names(COMMON | frozenset(equals))
    check_form(frozenset({"json", "geojson"}))
    faults = _Faults()
    args = request.args
    limit = _read_limit(args.get("limit"), faults)
    crs = _read_system("crs", args.get("crs"), faults)
    conditions = [
        *_read_boxes(session, source, faults),
        *_read_times(source, args.get("datetime"), faults),
        *_read_filter(session, source, faults),
        *(
            _equal(name, field, args[name], faults)
            for name, field in equals.items()
            if name in args
        ),
    ]
    after = _read_cursor(source, args.get("cursor"), faults)
    faults.check()
    return Asked(conditions=conditions, limit=limit, after=after, crs=crs)


def read_crs() -> str:
    """Return the URI of the system of the answer.

    Raises
    ------
    ProblemError
        It is not known; status 400.
    """
    faults = _Faults()
    crs = _read_system("crs", request.args.get("crs"), faults)
    faults.check()
    return crs


def _equal(name: str, field: Field, text: str, faults: _Faults) -> sa.ColumnElement[bool]:
    value: Any = text
    if field.kind is FieldKind.INTEGER:
        if not text.lstrip("-").isdecimal() or len(text) > 15:
            faults.add(name, f"{text[:40]!r} is no whole number")
            return sa.true()
        value = int(text)
    condition: sa.ColumnElement[bool] = field.column == value
    return condition


def _read_limit(text: str | None, faults: _Faults) -> int:
    if text is None:
        return LIMIT
    if not (text.isascii() and text.isdecimal()) or len(text) > 15 or int(text) < 1:
        faults.add("limit", f"{text[:40]!r}: expected a whole number from 1 on")
        return LIMIT
    # What is more than a page holds is no error (OGC 17-069r4, requirement 21).
    return min(int(text), LIMIT_MAX)


def _read_system(name: str, text: str | None, faults: _Faults) -> str:
    if text is None:
        return CRS84
    if text not in SYSTEMS:
        faults.add(
            name, f"{text[:100]!r} is not offered; the collection lists the systems that are"
        )
        return CRS84
    return text


def _read_boxes(
    session: Session, source: FeatureSource, faults: _Faults
) -> Iterator[sa.ColumnElement[bool]]:
    text = request.args.get("bbox")
    system = _read_system("bbox-crs", request.args.get("bbox-crs"), faults)
    if text is None:
        return
    try:
        numbers = [float(one) for one in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in {4, 6} or not np.isfinite(numbers).all():
        faults.add("bbox", f"{text[:100]!r}: expected 4 or 6 numbers with commas between")
        return
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    boxes = list(_split_box(numbers, system, faults))
    if boxes:
        yield sa.or_(*(relate(session, Relation.INTERSECTS, source.shape, box) for box in boxes))


def _split_box(numbers: Sequence[float], system: str, faults: _Faults) -> Iterator[shapely.Polygon]:
    """Give the parts of a box in EPSG:4326: two where it goes over the date line (first longitude above second)."""
    x_low, y_low, x_high, y_high = numbers
    lat_first = _is_lat_first(SYSTEMS[system])
    west, east = (y_low, y_high) if lat_first else (x_low, x_high)
    south, north = (x_low, x_high) if lat_first else (y_low, y_high)
    degrees = _is_degrees(SYSTEMS[system])
    if south > north or (west > east and not degrees):
        faults.add("bbox", "its first corner lies beyond its second")
        return
    if not degrees:
        outline = shapely.segmentize(
            shapely.box(x_low, y_low, x_high, y_high), (x_high - x_low) / 20 or 1.0
        )
        moved = make_lonlat(system)(outline)
        if not np.isfinite(shapely.get_coordinates(moved)).all():
            faults.add("bbox", "lies outside of where its system holds")
            return
        yield shapely.box(*moved.bounds)
        return
    if not (-180 <= west <= 180 and -180 <= east <= 180 and south >= -90 and north <= 90):
        faults.add("bbox", "degrees are -180 to 180 and -90 to 90")
        return
    if west <= east:
        yield shapely.box(west, south, east, north)
    else:
        yield shapely.box(west, south, 180.0, north)
        yield shapely.box(-180.0, south, east, north)


@cache
def _is_lat_first(system: str) -> bool:
    axes = pyproj.CRS(system).axis_info
    return axes[0].direction.lower() == "north"


@cache
def _is_degrees(system: str) -> bool:
    return bool(pyproj.CRS(system).is_geographic)


def _read_times(
    source: FeatureSource, text: str | None, faults: _Faults
) -> Iterator[sa.ColumnElement[bool]]:
    if text is None:
        return
    try:
        start, end = read_edges(text)
    except FilterError as error:
        faults.add("datetime", str(error))
        return
    yield from overlap_times(source, start, end)


def read_edges(text: str) -> tuple[datetime | None, datetime | None]:
    """Return the begin and the end of ``datetime``: a time, a day, or two with ``/`` between; None: open.

    Raises
    ------
    FilterError
        It is none of these.
    """
    ends = text.split("/")
    if len(ends) > 2 or (len(ends) == 1 and ends[0] in {"", ".."}):
        raise FilterError(f"{text[:60]!r} is neither a time nor two with / between")
    start, end = (
        None if one in {"", ".."} else _read_edge(one, is_end=bool(at))
        for at, one in enumerate((ends[0], ends[-1]))
    )
    if start is not None and end is not None and start > end:
        raise FilterError("the interval ends before it begins")
    return start, end


def _read_edge(text: str, *, is_end: bool) -> datetime:
    moment = read_moment(text)
    # A day is meant whole.
    if len(text) == 10 and is_end:
        return moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return moment


def _read_filter(
    session: Session, source: FeatureSource, faults: _Faults
) -> Iterator[sa.ColumnElement[bool]]:
    args = request.args
    language = args.get("filter-lang", "cql2-text")
    system = _read_system("filter-crs", args.get("filter-crs"), faults)
    text = args.get("filter")
    if language not in {"cql2-text", "cql2-json"}:
        faults.add("filter-lang", f"{language[:40]!r}: expected cql2-text or cql2-json")
        return
    if text is None:
        return
    try:
        told = read_cql2(text, language)
        frame = FilterFrame(
            session=session, fields=source.fields, shape=source.shape, to_lonlat=make_lonlat(system)
        )
        yield make_condition(told, frame)
    except FilterError as error:
        faults.add("filter", str(error))


def read_cql2(text: str, language: str) -> Any:
    """Return a filter as CQL2 JSON.

    Raises
    ------
    FilterError
        It cannot be read.
    """
    if len(text) > FILTER_MAX:
        raise FilterError(f"{len(text)} characters; expected at most {FILTER_MAX}")
    if text.count("(") + text.count("[") + text.count("{") > FILTER_MAX // 20:
        raise FilterError("the filter is nested too deeply")
    try:
        if language == "cql2-json":
            return json.loads(text)
        return cql2.parse_text(text).to_json()
    except Exception as error:
        # The library tells the place on lines of its own.
        told = " ".join(str(error).split())
        raise FilterError(f"cannot be read: {told[:300]}") from error


def write_cursor(key: Sequence[Any]) -> str:
    """Return the key of a feature as the address of the next page has it."""
    told = [one.isoformat() if isinstance(one, datetime) else one for one in key]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _read_cursor(source: FeatureSource, text: str | None, faults: _Faults) -> tuple[Any, ...]:
    if text is None:
        return ()
    try:
        padded = text[:500] + "=" * (-len(text[:500]) % 4)
        told = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        # A number is no list, and a list of another length does not fit: both are faults.
        return tuple(_read_key(one, field) for one, field in zip([*told], source.keys, strict=True))
    except (ValueError, TypeError, RecursionError, FilterError):
        faults.add("cursor", "is none of this collection: follow the link of the page before")
        return ()


def _read_key(value: Any, field: Field) -> Any:
    if field.kind is FieldKind.INTEGER:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
            raise ValueError(value)
        return value
    if not isinstance(value, str) or any(
        sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value
    ):
        raise ValueError(value)
    return read_moment(value) if field.kind is FieldKind.TIME else value


Move = Callable[[shapely.Geometry], shapely.Geometry]


@cache
def _make_transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=False)


def _make_move(source: str, target: str) -> Move:
    if source == target:
        return lambda shape: shape
    transformer = _make_transformer(source, target)

    def move(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    def move_shape(shape: shapely.Geometry) -> shapely.Geometry:
        moved: shapely.Geometry = shapely.transform(shape, move)
        if not np.isfinite(shapely.get_coordinates(moved)).all():
            raise FilterError("a geometry lies outside of where its system holds")
        return moved

    return move_shape


def make_lonlat(system: str) -> Move:
    """Return what moves a geometry from a system (by its URI, axes as its authority has them) to EPSG:4326, lon lat."""
    return _make_move(SYSTEMS[system], SYSTEMS[CRS84])


def make_answer_move(system: str) -> Move:
    """Return what moves a geometry from EPSG:4326, lon lat, to a system by its URI."""
    return _make_move(SYSTEMS[CRS84], SYSTEMS[system])
