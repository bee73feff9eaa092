"""Sentences that say why an order went where it went: Chinese, for the people who get it."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gridgov.rules.constants import STATUS_TEXT
from gridgov.rules.dispatch.book import DispatchBook
from gridgov.rules.dispatch.deadlines import GradeLimit, Limit
from gridgov.rules.dispatch.routes import RULES

BOUNDARY_CAP_M = 200
"""Distances to the boundary are exact up to here; beyond it the sentence says 'more than'."""

SEPARATOR = "；"
_UNIT_TEXT = {"min": "分钟", "h": "小时", "d": "天"}
_STR = pd.StringDtype("pyarrow", na_value=np.nan)


def say_limit(limit: Limit) -> str:
    """Return a limit as people say it: ``24 小时``."""
    return f"{limit.amount:g} {_UNIT_TEXT[limit.unit]}"


def say_grade(grade: GradeLimit) -> str:
    """Return the two limits of a grade, and how sure they are unless documented."""
    clock = "工作时间" if grade.clock == "working" else ""
    text = f"{clock}{say_limit(grade.contact)}内联系，{clock}{say_limit(grade.final)}内办结"
    return text if grade.status == "documented" else f"{text}（{STATUS_TEXT[grade.status]}）"


def say_distance(metres: int) -> str:
    """Return how far the boundary is."""
    if metres >= BOUNDARY_CAP_M:
        return f"，距边界 {BOUNDARY_CAP_M} 米以上"
    return f"，距边界 {metres} 米"


NO_STREET = "位置在城市范围内，但不在任何已知街道内"
UNSURE_ITEM = "事项把握不足，请人工选定"
FIRM = "企业热线诉求，与群众诉求并行办理"


@dataclass(frozen=True, eq=False, kw_only=True)
class Decided:
    """Decisions as positions, before they become text; all arrays (n,)."""

    rule: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    retired: npt.NDArray[np.bool_]
    unsure_place: npt.NDArray[np.bool_]
    unsure_item: npt.NDArray[np.bool_]
    firm: npt.NDArray[np.bool_]
    placed: npt.NDArray[np.bool_]
    grade: npt.NDArray[np.object_]


def make_reasons(frame: pd.DataFrame, book: DispatchBook, decided: Decided) -> pd.Series:
    """Return the sentences of each case joined by ``；``, index 0 … n-1."""
    count = len(frame)
    parts = [
        _say_address(frame),
        _say_place(frame, book, decided.placed),
        _say_rule(book, decided),
        _say_neighbour(frame, book, decided.unsure_place),
        _say_flag(decided.unsure_item, UNSURE_ITEM),
        _say_flag(decided.firm, FIRM),
        _say_retired(book, decided),
        _say_grades(book, decided.grade),
    ]
    joined = _join(*parts, separator=SEPARATOR) if count else pa.array([], pa.large_string())
    return pd.Series(_STR.__from_arrow__(joined))


def _join(*parts: pa.Array | pa.Scalar, separator: str = "") -> pa.Array:
    return pc.binary_join_element_wise(*parts, _text(separator), null_handling="skip")


def _arrow(values: pd.Series) -> pa.Array:
    """Return a column of texts as an Arrow array with nulls."""
    array = pa.array(values.astype("str"), type=pa.large_string(), from_pandas=True)
    if not isinstance(array, pa.ChunkedArray):
        return array
    # Pandas may hold chunks of 32 and 64 bit offsets in one column.
    chunks = [chunk.cast(pa.large_string()) for chunk in array.chunks]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.large_string())


def _where(holds: npt.NDArray[np.bool_], texts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.if_else(pa.array(holds), texts, pa.scalar(None, pa.large_string()))


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())


def _take(texts: list[str], at: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(texts, pa.large_string()).take(pa.array(at))


def _numbers(values: pd.Series) -> npt.NDArray[np.float64]:
    numbers: npt.NDArray[np.float64] = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    return numbers


def _whole(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return numbers rounded to whole ones as Python rounds them, missing as 0."""
    whole: npt.NDArray[np.int64] = np.rint(np.nan_to_num(values)).astype(np.int64)
    return whole


def _say_flag(holds: npt.NDArray[np.bool_], text: str) -> pa.Array:
    return _where(holds, _text(text))


def _say_address(frame: pd.DataFrame) -> pa.Array:
    matched, radius = _arrow(frame["matched"]), _numbers(frame["uncertainty_m"])
    by_address = frame["matched"].notna().to_numpy(dtype=bool) & ~np.isnan(radius)
    metres = pa.array(_whole(radius)).cast(pa.large_string())
    said = _join(_text("按地址“"), matched, _text("”定位，误差约 "), metres, _text(" 米"))
    return _where(by_address, said)


def _say_place(frame: pd.DataFrame, book: DispatchBook, placed: npt.NDArray[np.bool_]) -> pa.Array:
    street = _arrow(frame["street_code"].map(book.streets["name"].to_dict()))
    distance = _numbers(frame["boundary_m"])
    table = [say_distance(metres) for metres in range(BOUNDARY_CAP_M + 1)]
    metres = np.clip(_whole(distance), 0, BOUNDARY_CAP_M)
    known = frame["street_code"].notna().to_numpy(dtype=bool)
    far = _where(~np.isnan(distance), _take(table, metres))
    said = _join(_text("位置在"), street, _text("内"), far)
    return pc.if_else(pa.array(known), said, _where(placed, _text(NO_STREET)))


def _say_rule(book: DispatchBook, decided: Decided) -> pa.Array:
    """Return the sentence of each case's rule; one small join per rule that was used."""
    items = _take(
        list(book.items.name), np.where(decided.item < 0, len(book.items.name) - 1, decided.item)
    )
    units = _take(
        [*book.unit_names, "有关单位"], _last_if_missing(decided.wanted, len(book.unit_names))
    )
    said = _text("")
    for at in np.unique(decided.rule):
        words = {"{item}": items, "{unit}": units}
        split = [part for part in re.split(r"(\{\w+\})", RULES[at].reason) if part]
        text = (
            _join(*(words.get(part, _text(part)) for part in split))
            if len(split) > 1
            else _text(split[0])
        )
        said = pc.if_else(pa.array(decided.rule == at), text, said)
    return said


def _last_if_missing(at: npt.NDArray[np.int64], last: int) -> npt.NDArray[np.int64]:
    return np.where(at < 0, last, at)


def _say_neighbour(
    frame: pd.DataFrame, book: DispatchBook, unsure: npt.NDArray[np.bool_]
) -> pa.Array:
    names = book.streets["name"].to_dict()
    mine = _arrow(frame["street_code"].map(names))
    other = _arrow(frame["neighbour_code"].map(names))
    share = pa.array(_whole(_numbers(frame["confidence"]) * 100)).cast(pa.large_string())
    head = _join(_text("可能属于"), mine)
    either = pc.if_else(pc.is_null(other), head, _join(head, _text("或"), other))
    said = _join(either, _text("（前者把握 "), share, _text("%），请人工核对"))
    return _where(unsure, said)


def _say_retired(book: DispatchBook, decided: Decided) -> pa.Array:
    units = _take(
        [*book.unit_names, "承办单位"], _last_if_missing(decided.wanted, len(book.unit_names))
    )
    return _where(decided.retired, _join(units, _text("不在册或已停用，转人工派单")))


def _say_grades(book: DispatchBook, grade: npt.NDArray[np.object_]) -> pa.Array:
    text = {name: say_grade(limit) for name, limit in book.grades.items()}
    return _arrow(pd.Series(grade).map(text))
