"""Filters of features: CQL2 as JSON into a condition of SQL, with everything that cannot be asked named.

CQL2 (OGC 21-065r2): comparisons, ``and or not``, ``like between in isNull``, ``casei``, spatial functions, and temporal
functions of an instant with an instant or an interval. Values are bound, never written into the statement.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.storage.spatial import Relation, relate

DEEPEST = 40
MOST_IN = 1_000


class FieldKind(StrEnum):
    """What the values of a field are."""

    TEXT = "string"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "boolean"
    TIME = "date-time"
    DAY = "date"


@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """A field of features.

    Parameters
    ----------
    column
        Of the statement.
    kind
        Of its values.
    """

    column: Any
    kind: FieldKind = FieldKind.TEXT


class FilterError(GridgovError):
    """A filter asks for what the fields do not have, or cannot be read."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FilterFrame:
    """What a filter is read against.

    Parameters
    ----------
    session
        Whose database answers.
    fields
        By name.
    shape
        The column of shapes, which is called ``geometry``.
    to_lonlat
        Brings a geometry of the filter into EPSG:4326, lon lat.
    """

    session: Session
    fields: Mapping[str, Field]
    shape: Any
    to_lonlat: Callable[[shapely.Geometry], shapely.Geometry]


def make_condition(told: Any, frame: FilterFrame) -> sa.ColumnElement[bool]:
    """Return the condition of a filter.

    Parameters
    ----------
    told
        CQL2 as JSON, read.

    Raises
    ------
    FilterError
        It cannot be asked; the message says which part and what was expected.
    """
    return _read(told, frame, 0)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def _read(told: Any, frame: FilterFrame, depth: int) -> sa.ColumnElement[bool]:
    if depth > DEEPEST:
        raise FilterError(f"the filter is nested more than {DEEPEST} deep")
    if isinstance(told, bool):
        return sa.true() if told else sa.false()
    if not isinstance(told, Mapping) or not isinstance(told.get("op"), str):
        if isinstance(told, Mapping) and set(told) == {"property"}:
            field = _find(told, frame)
            if field.kind is FieldKind.FLAG:
                return _as_condition(field.column.is_(sa.true()))
        raise FilterError(f"{_quote(told)} is no condition; expected such as unit_code = 'D01'")
    name, args = told["op"], told.get("args", [])
    if not isinstance(args, list):
        raise FilterError(f"{name}: its arguments are {_quote(args)}; expected a list")
    key = name.lower()
    if key in {"and", "or"}:
        if not args:
            raise FilterError(f"{name} has no conditions")
        parts = [_read(one, frame, depth + 1) for one in args]
        return sa.and_(*parts) if key == "and" else sa.or_(*parts)
    if key == "not":
        return sa.not_(_read(_take(name, args, 1)[0], frame, depth + 1))
    if key in _COMPARE:
        return _compare(key, _take(name, args, 2), frame)
    if key == "isnull":
        (one,) = _take(name, args, 1)
        if one == {"property": "geometry"}:
            return _as_condition(frame.shape.is_(None))
        return _as_condition(_find(one, frame).column.is_(None))
    if key == "like":
        return _like(_take(name, args, 2), frame)
    if key == "between":
        one, low, high = _take(name, args, 3)
        field = _find(one, frame)
        low, high = _value(low, field, one), _value(high, field, one)
        return _as_condition(field.column.between(low, high))
    if key == "in":
        one, several = _take(name, args, 2)
        if not isinstance(several, list) or len(several) > MOST_IN:
            raise FilterError(f"in: expected a list of at most {MOST_IN} values")
        left, field, folded = _operand(one, frame)
        values = [_fold(_value(v, field, _strip_casei(one)), folded=folded) for v in several]
        return _as_condition(left.in_(values))
    if key.startswith("s_"):
        return _relate(key, args, frame)
    if key.startswith("t_"):
        return _compare_times(key, args, frame)
    raise FilterError(
        f"{_quote(name)} is not known; expected a comparison, and, or, not, s_… or t_…"
    )


def _take(name: str, args: Sequence[Any], n: int) -> Sequence[Any]:
    if len(args) != n:
        raise FilterError(f"{name} has {len(args)} arguments; expected {n}")
    return args


def _find(told: Any, frame: FilterFrame) -> Field:
    if isinstance(told, Mapping) and isinstance(told.get("property"), str):
        name = told["property"]
        if name in frame.fields:
            return frame.fields[name]
        wanted = ", ".join(sorted(frame.fields))
        raise FilterError(f"there is no field {_quote(name)}; expected one of {wanted}")
    raise FilterError(f"{_quote(told)} is no field; expected a name such as unit_code")


def _is_field(told: Any) -> bool:
    return isinstance(told, Mapping) and "property" in told


def _operand(told: Any, frame: FilterFrame) -> tuple[Any, Field, bool]:
    """Return the SQL of a field, the field, and whether its case is folded."""
    if isinstance(told, Mapping) and str(told.get("op", "")).lower() == "casei":
        field = _find(_take("casei", told.get("args", []), 1)[0], frame)
        if field.kind is not FieldKind.TEXT:
            raise FilterError("casei is of a text alone")
        return sa.func.lower(field.column), field, True
    field = _find(told, frame)
    return field.column, field, False


def _fold(value: Any, *, folded: bool) -> Any:
    return value.lower() if folded and isinstance(value, str) else value


def _strip_casei(told: Any) -> Any:
    if isinstance(told, Mapping) and str(told.get("op", "")).lower() == "casei":
        return _take("casei", told.get("args", []), 1)[0]
    return told


def _compare(key: str, args: Sequence[Any], frame: FilterFrame) -> sa.ColumnElement[bool]:
    first, second = args
    if not _is_field(_strip_casei(first)):
        first, second, key = second, first, _TURNED[key]
    left, field, folded = _operand(first, frame)
    other = _strip_casei(second)
    if _is_field(other):
        right, other_field, _ = _operand(second, frame)
        if other_field.kind is not field.kind:
            raise FilterError(f"{_quote(first)} and {_quote(second)} are of different kinds")
        return _as_condition(_COMPARE[key](left, right))
    return _as_condition(_COMPARE[key](left, _fold(_value(other, field, first), folded=folded)))


def _as_condition(made: Any) -> sa.ColumnElement[bool]:
    condition: sa.ColumnElement[bool] = made
    return condition


def _like(args: Sequence[Any], frame: FilterFrame) -> sa.ColumnElement[bool]:
    left, field, folded = _operand(args[0], frame)
    pattern = _strip_casei(args[1])
    if field.kind is not FieldKind.TEXT or not isinstance(pattern, str):
        raise FilterError("like compares a text with a pattern such as 'A%'")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise FilterError("the pattern of like ends with a backslash, which has nothing to escape")
    _check_text(pattern)
    made: sa.ColumnElement[bool] = left.like(_fold(pattern, folded=folded), escape="\\")
    return made


def _relate(key: str, args: Sequence[Any], frame: FilterFrame) -> sa.ColumnElement[bool]:
    try:
        relation = Relation(key.removeprefix("s_"))
    except ValueError as error:
        wanted = ", ".join(f"s_{one}" for one in Relation)
        raise FilterError(f"{_quote(key)} is not known; expected one of {wanted}") from error
    first, second = _take(key, args, 2)
    if first != {"property": "geometry"}:
        first, second = second, first
        turned = {Relation.WITHIN: Relation.CONTAINS, Relation.CONTAINS: Relation.WITHIN}
        relation = turned.get(relation, relation)
    if first != {"property": "geometry"}:
        raise FilterError(f"{key}: one of both must be geometry")
    return relate(frame.session, relation, frame.shape, frame.to_lonlat(read_geometry(second)))


def read_geometry(told: Any) -> shapely.Geometry:
    """Return a geometry of a filter: GeoJSON, or ``{"bbox": […]}``.

    Raises
    ------
    FilterError
        It is none.
    """
    if isinstance(told, Mapping) and "bbox" in told:
        box = told["bbox"]
        numbers = isinstance(box, list) and all(
            isinstance(one, (int, float)) and not isinstance(one, bool) for one in box
        )
        if not numbers or len(box) not in {4, 6}:
            raise FilterError(f"{_quote(told)} is no box; expected 4 or 6 numbers")
        flat = box if len(box) == 4 else [box[0], box[1], box[3], box[4]]
        if not all(math.isfinite(one) for one in flat):
            raise FilterError(f"{_quote(told)} is no box; expected 4 or 6 numbers")
        return shapely.box(*flat)
    try:
        made = shapely.geometry.shape(told)
        shapely.to_wkb(made)
    except Exception as error:
        raise FilterError(f"{_quote(told)} is no geometry") from error
    if made.geom_type == "GeometryCollection":
        raise FilterError("a collection of geometries has no relation to others; ask for each part")
    if made.is_empty or not shapely.is_valid(made):
        raise FilterError("the geometry of the filter is empty or crosses itself")
    return made


def _compare_times(key: str, args: Sequence[Any], frame: FilterFrame) -> sa.ColumnElement[bool]:
    first, second = _take(key, args, 2)
    field = _find(first, frame)
    if field.kind not in {FieldKind.TIME, FieldKind.DAY}:
        raise FilterError(f"{key}: {_quote(first)} is no time")
    column = field.column
    if isinstance(second, Mapping) and "interval" in second:
        ends = second["interval"]
        if not isinstance(ends, list) or len(ends) != 2:
            raise FilterError("an interval has a begin and an end")
        low, high = (None if _is_open(one) else _value(one, field, first) for one in ends)
    else:
        low = high = _value(second, field, first)
    after = sa.false() if high is None else column > high
    before = sa.false() if low is None else column < low
    inside = sa.and_(
        sa.true() if low is None else column >= low, sa.true() if high is None else column <= high
    )
    strictly = sa.and_(
        sa.true() if low is None else column > low, sa.true() if high is None else column < high
    )
    known: dict[str, sa.ColumnElement[bool]] = {
        "t_after": after,
        "t_before": before,
        "t_intersects": inside,
        "t_disjoint": sa.or_(after, before),
        "t_during": strictly,
        "t_equals": sa.and_(inside, sa.true() if low == high else sa.false()),
    }
    if key not in known:
        raise FilterError(f"{_quote(key)} is not known; expected one of {', '.join(known)}")
    return known[key]


def _is_open(told: Any) -> bool:
    return told in ("..", "") or (isinstance(told, Mapping) and told.get("timestamp") == "..")


def _value(told: Any, field: Field, of: Any) -> Any:
    """Return a value in the kind of its field."""
    if isinstance(told, Mapping) and len(told) == 1:
        ((key, inner),) = told.items()
        if key in {"timestamp", "date"} and isinstance(inner, str):
            told = inner
    if isinstance(told, bool):
        if field.kind is FieldKind.FLAG:
            return told
    elif field.kind in {FieldKind.NUMBER, FieldKind.INTEGER}:
        if isinstance(told, (int, float)) and abs(told) < 2**53:
            return told
    elif isinstance(told, str):
        if field.kind is FieldKind.TEXT:
            return _check_text(told)
        if field.kind is FieldKind.TIME:
            return read_moment(told)
        if field.kind is FieldKind.DAY:
            return read_moment(told).date()
    raise FilterError(f"{_quote(told)} cannot be compared with {_quote(of)}: it is a {field.kind}")


def _check_text(text: str) -> str:
    """Return a text that a database can compare with."""
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise FilterError("a text holds a sign that no text has (NUL or half of a surrogate pair)")
    return text


def read_moment(text: str) -> datetime:
    """Return a time of RFC 3339, or the begin of a day (UTC).

    Raises
    ------
    FilterError
        It is none, or has no zone.
    """
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
        made = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise FilterError(
            f"{_quote(text)} is no time; expected such as 2025-03-01T09:00:00Z or 2025-03-01"
        ) from error
    if made.tzinfo is None:
        raise FilterError(f"{_quote(text)} has no zone; expected such as 2025-03-01T09:00:00Z")
    try:
        return made.astimezone(UTC)
    except OverflowError as error:
        raise FilterError(f"{_quote(text)} lies outside of the calendar") from error


def _quote(told: Any) -> str:
    return repr(told)[:80]
