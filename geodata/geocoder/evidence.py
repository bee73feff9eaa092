"""What the geocoder's compiled parts share: kinds of evidence, reasons, working room."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from geodata.address.parse import Lexicon
from geodata.frames import PlaceLevel
from geodata.gazetteer.grams import Grams
from geodata.gazetteer.places import Areas, Places
from geodata.gazetteer.postings import Postings
from geodata.gazetteer.ways import Habits, Ways
from geodata.kernels import kernel


class Evidence(IntEnum):
    """How a candidate's point was found; each kind has its own calibration."""

    KNOWN_NUMBER = 0
    NEAR_NUMBER = 1  # between or beyond known numbers of a road whose line is known
    FREE_NUMBER = 2  # the same without a line
    HABIT_NUMBER = 3  # a line and no known number
    PLACE = 4
    BESIDE_PLACE = 5
    INTERSECTION = 6
    ROAD_END = 7
    ROAD = 8
    SIMILAR = 9  # a name that looks or sounds like the one given
    PART = 10  # a known name within a longer unknown one
    COMMUNITY = 11
    STREET = 12
    DISTRICT = 13
    WITHIN = 14  # SIMILAR or PART, in the street that the address names


LEVEL_OF_EVIDENCE = {
    Evidence.KNOWN_NUMBER: PlaceLevel.NUMBER,
    Evidence.NEAR_NUMBER: PlaceLevel.NUMBER,
    Evidence.FREE_NUMBER: PlaceLevel.NUMBER,
    Evidence.HABIT_NUMBER: PlaceLevel.NUMBER,
    Evidence.PLACE: PlaceLevel.PLACE,
    Evidence.BESIDE_PLACE: PlaceLevel.PLACE,
    Evidence.INTERSECTION: PlaceLevel.INTERSECTION,
    Evidence.ROAD_END: PlaceLevel.ROAD,
    Evidence.ROAD: PlaceLevel.ROAD,
    Evidence.SIMILAR: PlaceLevel.ROAD,
    Evidence.PART: PlaceLevel.ROAD,
    Evidence.COMMUNITY: PlaceLevel.COMMUNITY,
    Evidence.STREET: PlaceLevel.STREET,
    Evidence.DISTRICT: PlaceLevel.DISTRICT,
    Evidence.WITHIN: PlaceLevel.ROAD,
}


class Reason(IntEnum):
    """Why there is no place."""

    NONE = 0
    EMPTY = 1
    TOO_LONG = 2
    ONLY_DIGITS = 3
    TOO_SHORT = 4
    OTHER_CITY = 5
    NO_NAME = 6
    OUTSIDE = 7


REASON_TEXTS = {
    Reason.NONE: None,
    Reason.EMPTY: "no text in the address",
    Reason.TOO_LONG: "longer than 1,000 characters: give the address alone",
    Reason.ONLY_DIGITS: "only digits: a road, place or area name is needed",
    Reason.TOO_SHORT: "a single character: a road, place or area name is needed",
    Reason.OTHER_CITY: "the address names another city or province",
    Reason.NO_NAME: "no road, place or area of this city's gazetteer in the address",
    Reason.OUTSIDE: "the place found lies outside the city's extent",
}


class Index(NamedTuple):
    """The gazetteer as compiled code sees it."""

    lexicon: Lexicon
    areas: Areas
    ways: Ways
    places: Places
    habits: Habits
    postings: Postings
    own_city: np.ndarray
    word_east: np.ndarray
    word_north: np.ndarray
    calibration: np.ndarray
    least_alike: np.ndarray
    grams: Grams


MOST_CANDIDATES = 64
MOST_AREAS = 16


class Candidates(NamedTuple):
    """Candidates of one address: point, raw spread and radius in metres, evidence, thing, cost.

    ``like``: found by a name that people say by mistake.
    """

    x: np.ndarray
    y: np.ndarray
    raw: np.ndarray
    radius: np.ndarray
    typical: np.ndarray
    cost: np.ndarray
    evidence: np.ndarray
    kind: np.ndarray
    ident: np.ndarray
    other: np.ndarray
    number: np.ndarray
    token: np.ndarray
    like: np.ndarray
    size: np.ndarray


class Ladder(NamedTuple):
    """Areas that the address names: ``ident[level, :size[level]]``; ``weak`` those by a bare name."""

    ident: np.ndarray
    weak: np.ndarray
    size: np.ndarray


@kernel
def make_candidates() -> Candidates:
    """Return room for the candidates of one address."""
    n = MOST_CANDIDATES
    return Candidates(
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.bool_),
        np.zeros(1, np.int64),
    )


@kernel
def make_ladder() -> Ladder:
    """Return room for the areas of one address."""
    shape = (3, MOST_AREAS)
    return Ladder(np.zeros(shape, np.int64), np.zeros(shape, np.float64), np.zeros(3, np.int64))


class Answers(NamedTuple):
    """Answer of each row: the winner's fields, its areas (-1 none), the rival and the reason."""

    x: np.ndarray
    y: np.ndarray
    raw: np.ndarray
    radius: np.ndarray
    score: np.ndarray
    evidence: np.ndarray
    kind: np.ndarray
    ident: np.ndarray
    other: np.ndarray
    number: np.ndarray
    area: np.ndarray
    rivals: np.ndarray
    reason: np.ndarray


def make_answers(rows: int) -> Answers:
    """Return room for the answers of `rows` addresses."""
    nan = np.full(rows, np.nan)
    return Answers(
        nan.copy(),
        nan.copy(),
        nan.copy(),
        nan.copy(),
        np.zeros(rows),
        np.full(rows, -1, np.int8),
        np.full(rows, -1, np.int8),
        np.full(rows, -1, np.int32),
        np.full(rows, -1, np.int32),
        np.full(rows, -1, np.int32),
        np.full((rows, 3), -1, np.int32),
        np.zeros(rows, np.int16),
        np.zeros(rows, np.uint8),
    )
