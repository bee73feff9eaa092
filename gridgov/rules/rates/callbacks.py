"""Callbacks: which are valid, and which answer counts where an order was called back more than once.

No valid callback, no rate (DOMAIN.md section 5): a callback that lacks an answer, lies in the future or before the
appeal, or uses a word that nobody knows, counts nowhere and is flagged; it is never taken for a no.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.errors import GridgovError
from gridgov.rules.constants import Constants

CALLBACK_COLUMNS = ("order_no", "called_at", "received_at", "contacted", "solved", "satisfied")
"""Callbacks: one row each · ``called_at received_at`` aware or missing · ``contacted`` nullable boolean ·
``solved`` nullable boolean, or ``true partly false`` · ``satisfied`` one of ``frames.SATISFIED_VALUES``, or missing.
Columns other than ``order_no`` may be absent. An orders frame is a frame of callbacks, at most one per order."""

CHECKED_COLUMNS = ("valid", "flag", "contacted", "solved", "satisfied")
"""What :func:`check_callbacks` says of each row: ``valid`` bool, counts · ``flag`` :class:`CallbackFlag` value or
empty · ``contacted solved satisfied`` int8: 0 no, 1 in part, 2 yes, -1 no answer."""

NO_ANSWER, NO, PART, YES = -1, 0, 1, 2

_NO_TIME = -(2**62)
"""Before every time; not the smallest number, which pandas takes for a missing one."""

_TRUE = ("true", "1", "1.0", "yes", "y", "是", "已")
_FALSE = ("false", "0", "0.0", "no", "n", "否", "未")
_BOTH: Mapping[str, int] = {**dict.fromkeys(_TRUE, YES), **dict.fromkeys(_FALSE, NO)}
ANSWERS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "contacted": _BOTH,
        "solved": {**_BOTH, "partly": PART, "solved": YES, "unsolved": NO},
        "satisfied": {"satisfied": YES, "basically": PART, "unsatisfied": NO},
    }
)
"""Question → word of the contract → what it means; case does not matter."""


class CallbackFlag(StrEnum):
    """What is to be said of a callback; those above the line do not count."""

    FUTURE = "future"  # called after the moment of the judgement
    BEFORE_RECEIPT = "before_receipt"  # called before the appeal came
    UNKNOWN_ANSWER = "unknown_answer"  # a word that is none of the contract's
    INCOMPLETE = "incomplete"  # some questions answered, not all
    NO_ANSWER = "no_answer"
    SUPERSEDED = "superseded"  # a later valid callback says something else
    REPEATED = "repeated"  # a later valid callback says the same
    CONTRADICTING_AT_ONCE = "contradicting_at_once"  # different answers, no telling which is later
    # ---------------------------------------------------------------------------------------------
    CONTRADICTING = "contradicting"  # counts, but an earlier one said something else


def check_callbacks(
    callbacks: pd.DataFrame, *, as_of: pd.Timestamp, constants: Constants
) -> pd.DataFrame:
    """Return which callbacks count and what they say.

    Of several valid callbacks of one order the latest counts and is flagged where they differ; where two of the same
    time, or without a time, differ, none counts. The order of the rows does not matter.

    Parameters
    ----------
    callbacks
        Frame of :data:`CALLBACK_COLUMNS`.
    as_of
        Moment of the judgement, aware.
    constants
        ``rates.answers_needed``.

    Returns
    -------
        Frame of :data:`CHECKED_COLUMNS` on the index of `callbacks`.

    Raises
    ------
    GridgovError
        If ``rates.answers_needed`` names a question that is not asked.
    """
    needed = _check_needed(constants)
    answers, unknown = _read_answers(callbacks)
    codes = pd.DataFrame(answers, index=callbacks.index)
    given = np.stack([answers[name] != NO_ANSWER for name in needed])
    times = {name: _to_micros(callbacks, name) for name in ("called_at", "received_at")}
    called = times["called_at"]
    moment = as_of.tz_convert("UTC").tz_localize(None).to_datetime64().astype("datetime64[us]")
    late = (called != _NO_TIME) & (called > moment.astype(np.int64))
    early = (called != _NO_TIME) & (called < times["received_at"])
    anything = np.stack([codes[name] != NO_ANSWER for name in ANSWERS]).any(axis=0)
    table = (
        (late, CallbackFlag.FUTURE),
        (early, CallbackFlag.BEFORE_RECEIPT),
        (unknown, CallbackFlag.UNKNOWN_ANSWER),
        (~anything, CallbackFlag.NO_ANSWER),
        (~given.all(axis=0), CallbackFlag.INCOMPLETE),
    )
    flag = np.select(
        [rows for rows, _ in table], [word.value for _, word in table], default=""
    ).astype(object)
    valid = flag == ""
    _settle_repeated(callbacks["order_no"], valid, flag, answers=codes, called=called)
    codes.insert(0, "valid", valid)
    codes.insert(1, "flag", pd.Series(flag, index=codes.index, dtype="str"))
    return codes


def _check_needed(constants: Constants) -> tuple[str, ...]:
    needed = constants.texts("rates.answers_needed")
    wrong = [name for name in needed if name not in ANSWERS]
    if wrong or not needed:
        raise GridgovError(
            f"rates.answers_needed: found {', '.join(wrong) or 'nothing'}, "
            f"expected some of {', '.join(ANSWERS)}"
        )
    return needed


def _read_answers(
    callbacks: pd.DataFrame,
) -> tuple[dict[str, npt.NDArray[np.int8]], npt.NDArray[np.bool_]]:
    """Return the code of each answer, and the rows in which some word is unknown."""
    unknown = np.zeros(len(callbacks), dtype=bool)
    answers = {}
    for name, words in ANSWERS.items():
        if name not in callbacks:
            answers[name] = np.full(len(callbacks), NO_ANSWER, dtype=np.int8)
            continue
        groups, distinct = pd.factorize(callbacks[name])
        known = [words.get(str(word).strip().lower(), -2) for word in distinct]
        codes = np.array([*known, NO_ANSWER], dtype=np.int8)[groups]
        unknown |= codes == -2
        answers[name] = np.where(codes == -2, NO_ANSWER, codes).astype(np.int8)
    return answers, unknown


def _to_micros(frame: pd.DataFrame, name: str) -> npt.NDArray[np.int64]:
    """Return times as microseconds since 1970, :data:`_NO_TIME` where there is none."""
    if name not in frame:
        return np.full(len(frame), _NO_TIME)
    moments = frame[name].astype("datetime64[us, UTC]").dt.tz_localize(None)
    times = moments.to_numpy("datetime64[us]")
    return np.where(np.isnat(times), _NO_TIME, times.astype(np.int64))


def _settle_repeated(
    order_no: pd.Series,
    valid: npt.NDArray[np.bool_],
    flag: npt.NDArray[np.object_],
    *,
    answers: pd.DataFrame,
    called: npt.NDArray[np.int64],
) -> None:
    """Leave one valid callback per order at most; change `valid` and `flag` in place."""
    rows = np.flatnonzero(valid)
    owner = pd.factorize(order_no.iloc[rows])[0]
    several = np.bincount(owner, minlength=1)[owner] > 1 if len(rows) else np.zeros(0, dtype=bool)
    rows, owner = rows[several], owner[several]
    if not len(rows):
        return
    says = (answers.iloc[rows].to_numpy(np.int64) + 1) @ np.array([16, 4, 1])
    frame = pd.DataFrame({"row": rows, "owner": owner, "at": called[rows], "says": says})
    frame["last"] = frame["at"] == frame.groupby("owner")["at"].transform("max")
    at_last = frame[frame["last"]].groupby("owner")["says"].agg(["min", "max"])
    frame = frame.join(at_last, on="owner")
    settled = frame["min"] == frame["max"]
    same = settled & (frame["says"] == frame["max"])
    differs = (frame["says"] != frame["max"]).groupby(frame["owner"]).transform("any")
    first = ~frame[frame["last"]].sort_values("row").duplicated("owner")
    counts = settled & first.reindex(frame.index, fill_value=False)
    words = np.select(
        [counts & differs, counts, frame["last"] & ~settled, same],
        [
            CallbackFlag.CONTRADICTING.value,
            "",
            CallbackFlag.CONTRADICTING_AT_ONCE.value,
            CallbackFlag.REPEATED.value,
        ],
        default=CallbackFlag.SUPERSEDED.value,
    )
    valid[frame["row"]] = counts.to_numpy(dtype=bool)
    flag[frame["row"]] = words
