"""How far answers lie from the truth: fitted by holding out the gazetteer's own addresses.

Distinct addresses are kept out in turn, the index is built of the rest and asked for them. For each kind
of evidence the radius that holds the truth in :data:`COVERAGE` of cases is ``base + scale × raw spread``,
the pair of least pinball loss (Koenker and Bassett, Regression Quantiles, Econometrica 46, 1978).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from geodata.address import encode_texts
from geodata.address.parse import make_tokens
from geodata.gazetteer import GazetteerSource
from geodata.gazetteer.records import fold_names
from geodata.geocoder.alike import LEAST_ALIKE, LEAST_ALIKE_UNPROVED
from geodata.geocoder.choice import answer_rows
from geodata.geocoder.evidence import Answers, Evidence, Index, make_answers

COVERAGE = 0.9
TYPICAL = 0.6
"""Share of cases within the typical error, by which candidates are compared: tails must not choose."""
FOLDS = 5
MOST_HELD_OUT = 20_000
"""Held-out addresses that are enough; a larger gazetteer holds out one share of this size."""
_FEWEST = 25
"""Fewer cases than this say too little about a kind of evidence: its default stays."""
_SCALES = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0])
_LEAST_RADIUS_M = 15.0
_ROUNDS = 2

DEFAULTS = {
    Evidence.KNOWN_NUMBER: (60.0, 0.5),
    Evidence.NEAR_NUMBER: (60.0, 1.6),
    Evidence.FREE_NUMBER: (60.0, 1.3),
    Evidence.HABIT_NUMBER: (60.0, 1.6),
    Evidence.PLACE: (60.0, 1.5),
    Evidence.BESIDE_PLACE: (80.0, 1.5),
    Evidence.INTERSECTION: (40.0, 1.5),
    Evidence.ROAD_END: (80.0, 1.6),
    Evidence.ROAD: (60.0, 1.0),
    Evidence.SIMILAR: (150.0, 1.6),
    Evidence.PART: (400.0, 1.5),
    Evidence.COMMUNITY: (30.0, 1.0),
    Evidence.STREET: (50.0, 1.0),
    Evidence.DISTRICT: (100.0, 1.0),
    Evidence.WITHIN: (150.0, 1.2),
}
"""Base (m) and scale of the radius by evidence before any fit; wide rather than narrow [A]."""

_ALIKE = (Evidence.SIMILAR, Evidence.PART, Evidence.WITHIN)

HeldOut = tuple[Index, pd.DataFrame]
"""An index and the texts with their true ``x y`` in its plane that were kept out of it."""


def get_default_calibration() -> np.ndarray:
    """Return base and scale of radius and of typical error by evidence, shape (kinds, 4)."""
    radius = np.array([DEFAULTS[evidence] for evidence in Evidence])
    return np.hstack([radius, 0.5 * radius])


def find_least_alike(calibration: np.ndarray) -> float:
    """Return from which likeness on a name tells of a place: a radius fitted to many cases speaks for itself."""
    base, scale = calibration[Evidence.SIMILAR, :2]
    default_base, default_scale = DEFAULTS[Evidence.SIMILAR]
    # Few cases only stretch the default.
    stretched = np.isclose(base * default_scale, scale * default_base)
    return LEAST_ALIKE_UNPROVED if stretched else LEAST_ALIKE


def collect_texts(sources: Sequence[GazetteerSource]) -> pd.DataFrame:
    """Return the addresses of `sources` with their source and row: ``source row text key lon lat``."""
    parts = [pd.DataFrame({"source": [], "row": [], "text": [], "lon": [], "lat": []})]
    for number, source in enumerate(sources):
        frame = source.frame
        if "lon" not in frame or source.kind not in ("address", "number"):
            continue
        if source.kind == "address" and "address" in frame:
            text = frame["address"]
        elif source.kind == "number" and {"road", "number"} <= set(frame):
            text = frame["road"].astype(str) + frame["number"].astype(str) + "号"
        else:
            continue
        place = {"lon": frame["lon"].to_numpy(), "lat": frame["lat"].to_numpy()}
        parts.append(
            pd.DataFrame(
                {"source": number, "row": np.arange(len(frame)), "text": text.to_numpy(), **place}
            )
        )
    texts = pd.concat(parts, ignore_index=True).dropna()
    return texts.assign(key=fold_names(texts["text"].astype(str)))


def make_folds(texts: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Return the fold of each text, -1 for those never held out; equal texts share their fold."""
    number, keys = pd.factorize(texts["key"], sort=True)
    order = np.random.default_rng(seed).permutation(len(keys))
    if len(keys) <= MOST_HELD_OUT:
        return np.asarray((order % FOLDS)[number])
    return np.asarray(np.where(order < min(MOST_HELD_OUT, len(keys) // 10), 0, -1)[number])


def hold_out(
    sources: Sequence[GazetteerSource], texts: pd.DataFrame, held: np.ndarray
) -> list[GazetteerSource]:
    """Return `sources` without the rows of the texts `held` (bool)."""
    gone = texts[held]
    left = []
    for number, source in enumerate(sources):
        rows = gone.loc[gone["source"] == number, "row"].to_numpy(np.int64)
        keep = np.ones(len(source.frame), dtype=bool)
        keep[rows] = False
        left.append(replace(source, frame=source.frame[keep]))
    return left


def fit_calibration(
    held: Sequence[HeldOut], measure: Callable[[Answers, pd.DataFrame], np.ndarray]
) -> np.ndarray:
    """Return base and scale of radius and typical error by evidence, shape (kinds, 4).

    `measure` gives the error in metres of each answer.
    """
    calibration = get_default_calibration()
    for _ in range(_ROUNDS):
        evidence, raw, error = [], [], []
        for index, texts in held:
            answers = _ask(_set_calibration(index, calibration), texts["text"])
            found = answers.reason == 0
            evidence.append(answers.evidence[found])
            raw.append(answers.raw[found])
            error.append(measure(answers, texts)[found])
        if not evidence:
            break
        calibration = _fit_all(*(np.concatenate(part) for part in (evidence, raw, error)))
    return calibration


def _set_calibration(index: Index, calibration: np.ndarray) -> Index:
    frozen = calibration.copy()
    frozen.flags.writeable = False
    least = np.array(
        [LEAST_ALIKE]
    )  # how far names lie that are little alike is what is to be found
    least.flags.writeable = False
    return index._replace(calibration=frozen, least_alike=least)


def _ask(index: Index, texts: pd.Series) -> Answers:
    codes = encode_texts(texts)
    answers = make_answers(len(texts))
    answer_rows(index, codes.codes, codes.start, (0, len(texts)), make_tokens(1), answers)
    return answers


def _fit_all(evidence: np.ndarray, raw: np.ndarray, error: np.ndarray) -> np.ndarray:
    calibration = get_default_calibration()
    for kind in Evidence:
        own = evidence == kind
        if kind in _ALIKE and own.sum() < _FEWEST:
            own = np.isin(
                evidence, _ALIKE
            )  # how far names lie that are merely alike, whatever the street
        for column, coverage in ((0, COVERAGE), (2, TYPICAL)):
            default = (calibration[kind, column], calibration[kind, column + 1])
            fitted = _fit_few if own.sum() < _FEWEST else _fit_many
            calibration[kind, column : column + 2] = fitted(raw[own], error[own], coverage, default)
    return calibration


def _fit_few(
    raw: np.ndarray, error: np.ndarray, coverage: float, default: tuple[float, float]
) -> tuple[float, float]:
    """Stretch the default by what few cases say; it counts as ten cases that it fits."""
    believed = np.linspace(0.05, 0.95, 10) / coverage
    factor = float(
        np.quantile(np.append(error / (default[0] + default[1] * raw), believed), coverage)
    )
    return factor * default[0], factor * default[1]


def _fit_many(
    raw: np.ndarray, error: np.ndarray, coverage: float, default: tuple[float, float]
) -> tuple[float, float]:
    """Return the base and scale of least pinball loss at the coverage wanted."""
    best, least = default, np.inf
    for scale in _SCALES:
        rest = error - scale * raw
        # The (n + 1) rank keeps the promise for new cases, not only for these.
        level = min(1.0, coverage * (len(rest) + 1) / len(rest))
        base = max(float(np.quantile(rest, level)), _LEAST_RADIUS_M - scale * float(raw.min()))
        beyond = rest - base
        loss = float(np.mean(np.maximum(coverage * beyond, (coverage - 1) * beyond)))
        if loss < least:
            best, least = (base, float(scale)), loss
    return best
