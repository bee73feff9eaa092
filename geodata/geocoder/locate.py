"""Addresses to points, with a radius that says how sure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from geodata.address import encode_text, encode_texts
from geodata.address.folding import Codes
from geodata.address.parse import make_tokens
from geodata.frames import PLACE_COLUMNS
from geodata.gazetteer.postings import AREA
from geodata.gazetteer.records import fold_names
from geodata.geocoder.choice import answer_rows
from geodata.geocoder.corrections import get_valid
from geodata.geocoder.evidence import (
    LEVEL_OF_EVIDENCE,
    REASON_TEXTS,
    Answers,
    Evidence,
    Reason,
    make_answers,
)
from geodata.geocoder.explain import CANDIDATE_COLUMNS, explain_address, list_candidates
from geodata.geocoder.index import Gazetteer, make_index
from geodata.geocoder.suggest import suggest_places

CORRECTED_RADIUS_M = 25.0
"""A pin set by a person who looked: about a building [A]."""
_EXACT = (Evidence.KNOWN_NUMBER, Evidence.PLACE)


class Geocoder:
    """Places addresses with one gazetteer.

    Parameters
    ----------
    gazetteer
        The index.
    extent
        Nothing outside it is answered (EPSG:4326); default: no limit.
    corrections
        Pins that people moved (``geodata.geocoder.corrections``): they answer their own addresses before all else.
    """

    def __init__(
        self,
        gazetteer: Gazetteer,
        *,
        extent: shapely.Geometry | None = None,
        corrections: pd.DataFrame | None = None,
    ) -> None:
        self.gazetteer = gazetteer
        self._corrections = None if corrections is None else get_valid(corrections)
        self._extent = extent
        if extent is not None:
            shapely.prepare(extent)
        self._index = make_index(gazetteer)

    def locate(self, addresses: pd.Series) -> pd.DataFrame:
        """Return the place of every address.

        Parameters
        ----------
        addresses
            Texts; missing values and values of any other type are answered too (unlocated or as text).

        Returns
        -------
        Columns ``PLACE_COLUMNS`` on the index of `addresses`.
        """
        answers = self._answer(encode_texts(addresses), lambda: addresses)
        lon, lat = self.gazetteer.projection.to_degrees(answers.x, answers.y)
        self._refuse_outside(answers, lon, lat)
        lost = answers.reason > 0
        columns = {
            "lon": np.where(lost, np.nan, lon),
            "lat": np.where(lost, np.nan, lat),
            "place_level": _take(_LEVELS, np.where(lost, -1, answers.evidence)),
            "uncertainty_m": np.where(lost, np.nan, answers.radius),
            "matched": _mask(self._describe(answers), lost),
            "score": np.where(lost, 0.0, answers.score),
            "place_problem": _take(_REASONS, np.where(lost, answers.reason.astype(np.int64), -1)),
        }
        frame = pd.DataFrame(columns, index=addresses.index)
        return frame[list(PLACE_COLUMNS)]

    def locate_one(self, address: str) -> dict[str, Any]:
        """Return the place of one address, ``PLACE_COLUMNS`` by name, None where there is nothing to say.

        It is what :meth:`locate` says, without building a frame: for a service that asks many times a second.
        """
        answers = self._answer(encode_text(address), lambda: pd.Series([address], dtype=object))
        lon, lat = self.gazetteer.projection.to_degrees(answers.x, answers.y)
        self._refuse_outside(answers, lon, lat)
        reason = int(answers.reason[0])
        if reason:
            return dict.fromkeys(PLACE_COLUMNS) | {
                "score": 0.0,
                "place_problem": REASON_TEXTS[Reason(reason)],
            }
        return {
            "lon": float(lon[0]),
            "lat": float(lat[0]),
            "place_level": str(LEVEL_OF_EVIDENCE[Evidence(answers.evidence[0])]),
            "uncertainty_m": float(answers.radius[0]),
            "matched": self._describe(answers)[0].as_py(),
            "score": float(answers.score[0]),
            "place_problem": None,
        }

    def explain(self, address: str) -> dict[str, Any]:
        """Return why an address is answered as it is.

        Returns
        -------
        ``address``, ``parts`` (text, span in the original, kind), ``candidates`` (best first),
        ``winner`` (the row of :meth:`locate`) and ``why`` in words: plain values, ready for JSON.
        """
        place = self.locate(pd.Series([address])).iloc[0]
        winner = {key: None if pd.isna(value) else value for key, value in place.items()}
        return explain_address(self.gazetteer, self._index, address, place=winner)

    def suggest(self, text: str, *, limit: int = 10) -> pd.DataFrame:
        """Return entries of the gazetteer that a person may mean who has typed `text` so far.

        Returns
        -------
        At most `limit` rows (1 to 100), best first, columns ``SUGGESTION_COLUMNS`` of
        ``geodata.geocoder.suggest``: ``name kind street lon lat``.

        Raises
        ------
        ValueError
            If `limit` is out of its range.
        """
        return suggest_places(self.gazetteer, self._index, text, limit=limit)

    def find_candidates(self, addresses: pd.Series) -> pd.DataFrame:
        """Return every candidate of each address, for a person to choose from.

        Meant for the few addresses that are in doubt; :meth:`locate` is the fast way.

        Returns
        -------
        ``CANDIDATE_COLUMNS`` of ``geodata.geocoder.explain``; the index repeats that of `addresses`.
        """
        frames = [
            list_candidates(self.gazetteer, self._index, str(address)).assign(row=row)
            for row, address in addresses.dropna().items()
        ]
        if not frames:
            return pd.DataFrame(columns=list(CANDIDATE_COLUMNS))
        return pd.concat(frames).set_index("row").rename_axis(addresses.index.name)

    def _answer(self, texts: Codes, get_addresses: Callable[[], pd.Series]) -> Answers:
        n = len(texts.start) - 1
        answers = make_answers(n)
        answer_rows(self._index, texts.codes, texts.start, (0, n), make_tokens(1), answers)
        answers.reason[texts.too_long] = Reason.TOO_LONG
        if self._corrections is not None and len(self._corrections):
            self._correct(get_addresses(), answers, self._corrections)
        return answers

    def _correct(self, addresses: pd.Series, answers: Answers, fixed: pd.DataFrame) -> None:
        """Put corrected addresses where people say they are."""
        number = pd.Index(fixed["key"]).get_indexer(fold_names(addresses))
        rows = np.flatnonzero(number >= 0)
        chosen = fixed.iloc[number[rows]]
        x, y = self.gazetteer.projection.to_plane(
            chosen["lon"].to_numpy(), chosen["lat"].to_numpy()
        )
        answers.x[rows], answers.y[rows] = x, y
        answers.radius[rows] = CORRECTED_RADIUS_M
        answers.score[rows] = 1.0
        answers.evidence[rows] = Evidence.KNOWN_NUMBER
        answers.reason[rows] = Reason.NONE

    def _refuse_outside(self, answers: Answers, lon: np.ndarray, lat: np.ndarray) -> None:
        """Refuse points outside the extent; entries of the gazetteer themselves lie inside."""
        if self._extent is None:
            return
        doubtful = np.flatnonzero((answers.reason == 0) & ~np.isin(answers.evidence, _EXACT))
        inside = shapely.intersects_xy(self._extent, lon[doubtful], lat[doubtful])
        answers.reason[doubtful[~inside]] = Reason.OUTSIDE

    def _describe(self, answers: Answers) -> pa.Array:
        """Return what was matched: areas, the thing itself, its number."""
        g = self.gazetteer
        first = np.array([0, len(g.areas.x), len(g.areas.x) + len(g.ways.x)])
        label = np.where(answers.kind >= 0, first[answers.kind] + answers.ident, -1)
        parts = [_take_names(g, answers.area[:, level]) for level in range(3)]
        told = (answers.kind == AREA) & (answers.area == answers.ident[:, None]).any(axis=1)
        parts.append(_take_names(g, np.where(told, -1, label)))
        parts.append(_take_names(g, np.where(answers.other >= 0, first[1] + answers.other, -1)))
        numbers = pa.array(answers.number, mask=answers.number < 0).cast(pa.large_string())
        parts = [*(_join(part, " ") for part in parts), _join(numbers, "号")]
        whole = pc.binary_join_element_wise(
            *parts, _text(""), null_handling="replace", null_replacement=""
        )
        return pc.utf8_rtrim_whitespace(whole)


def _text(value: str | None) -> Any:
    return pa.scalar(value, pa.large_string())


def _join(texts: Any, end: str) -> Any:
    """Return texts with an ending; missing ones stay missing."""
    return pc.binary_join_element_wise(texts, _text(end), _text(""))


_LEVELS = pa.array([str(LEVEL_OF_EVIDENCE[e]) for e in Evidence], type=pa.large_string())
_REASONS = pa.array([REASON_TEXTS[r] for r in Reason], type=pa.large_string())


def _take(values: pa.Array, number: np.ndarray) -> Any:
    wanted = number.astype(np.int64)
    return _to_pandas(values.take(pa.array(wanted, mask=wanted < 0)))


def _take_names(gazetteer: Gazetteer, label: np.ndarray) -> pa.Array:
    name = np.where(label >= 0, gazetteer.labels[label], -1)
    return gazetteer.names.take(pa.array(name, mask=name < 0))


def _mask(values: pa.Array, missing: np.ndarray) -> Any:
    return _to_pandas(pc.if_else(pa.array(missing), _text(None), values))


def _to_pandas(values: Any) -> Any:
    return pd.array(values, dtype="str")
