"""The place service: an address or a point → cell, community, street, district, distance to the border, who answers.

One place is answered without building a frame, many at once by the kernels of the main job; both say the same (tested).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import Any

import pandas as pd

from geodata.frames import JURISDICTION_COLUMNS, PLACE_COLUMNS
from geodata.territory import NAMED, Territory
from gridgov.jobs.placing import find_address, find_places, find_point, judge_place, judge_places
from gridgov.pack.city import City
from gridgov.rules.catalogue import find_catalogue
from gridgov.rules.dispatch import DispatchBook, decide, dispatch

AREA_NAMES = {name: code for code, name in NAMED.items()}
"""Column of a name → column of its code."""
UNIT_COLUMNS = ("unit_code", "unit_name", "route", "grade", "review", "reasons")
ANSWER_COLUMNS = (*PLACE_COLUMNS, *JURISDICTION_COLUMNS, *AREA_NAMES)
"""What is answered of each place; with an item or a kind :data:`UNIT_COLUMNS` too."""

GetBook = Callable[[str | None], DispatchBook]
FindCorrection = Callable[[str], dict[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What it is about, as far as it decides who answers.

    Parameters
    ----------
    item_code
        Of the catalogue; empty: not known.
    kind
        Kind of appeal; empty: an ordinary one.
    """

    item_code: str = ""
    kind: str = ""

    def __bool__(self) -> bool:
        return bool(self.item_code or self.kind)


NOTHING = Matter()


@dataclass(frozen=True, eq=False, kw_only=True)
class PlaceService:
    """Answers where something lies in one city; its index and geocoder are compiled on first use.

    Parameters
    ----------
    city
        The pack.
    get_book
        Item → what dispatch looks up (a service keeps its own); None: the city's.
    """

    city: City
    get_book: GetBook | None = None
    _touching: dict[str, tuple[str, ...]] = field(init=False, repr=False, default_factory=dict)
    _books: dict[str, DispatchBook] = field(init=False, repr=False, default_factory=dict)

    def answer_point(
        self, lon: float, lat: float, *, on: date, matter: Matter = NOTHING
    ) -> dict[str, Any]:
        """Return where a point (degrees EPSG:4326) lies: :data:`ANSWER_COLUMNS` and ``neighbours``.

        Parameters
        ----------
        on
            Day whose units and catalogue decide.
        matter
            What it is about; with one, who answers is said too (:data:`UNIT_COLUMNS`).
        """
        return self._answer(find_point(lon, lat, self.city.settings.constants), on, matter)

    def answer_address(
        self,
        address: str,
        *,
        on: date,
        matter: Matter = NOTHING,
        find_correction: FindCorrection | None = None,
    ) -> dict[str, Any]:
        """Return where an address lies, as :meth:`answer_point`.

        Parameters
        ----------
        find_correction
            Gives the place that a person gave this address, which stands above the gazetteer.
        """
        place = None if find_correction is None else find_correction(address)
        if place is None:
            place = find_address(address or None, lambda: self.city.geocoder)
        return self._answer(place, on, matter)

    def answer_rows(
        self,
        asked: pd.DataFrame,
        *,
        on: date,
        matter: Matter = NOTHING,
        find_correction: FindCorrection | None = None,
    ) -> pd.DataFrame:
        """Return where rows lie, :data:`ANSWER_COLUMNS` on the index of `asked`.

        Parameters
        ----------
        asked
            ``address`` str or missing, ``lon lat`` float64 EPSG:4326 or NaN; a point stands above an address.
        on, matter, find_correction
            As :meth:`answer_address`, for all rows.
        """
        constants = self.city.settings.constants

        def locate(texts: pd.Series) -> pd.DataFrame:
            found = self.city.geocoder.locate(texts)
            return found if find_correction is None else _correct(found, texts, find_correction)

        places = find_places(asked, locate, constants)
        judge = partial(self._territory.judge, names=self._area_names)
        judged = judge_places(places, judge, constants)
        found = pd.DataFrame({**dict(places.items()), **dict(judged.items())})
        found = found[list(ANSWER_COLUMNS)]
        if not matter:
            return found
        cases = found.assign(
            item_code=matter.item_code or None, kind=matter.kind or None, channel=None
        )
        decided = dispatch(cases, self._get_book(matter.item_code), on=on)
        decided["unit_name"] = _name_codes(decided["unit_code"], self.city.names)
        return pd.concat([found, decided[list(UNIT_COLUMNS)]], axis=1)

    def find_neighbours(self, street_code: str) -> tuple[str, ...]:
        """Return the streets that share a border, or a corner, with a street, in order; none of an unknown one."""
        found = self._touching.get(street_code)
        if found is None:
            layer = self._territory.streets
            own = layer.frame["code"].eq(street_code)
            shapes = layer.frame.geometry.to_numpy()[own.to_numpy()]
            rows = layer.tree.query(shapes[0], predicate="intersects") if len(shapes) else []
            codes = sorted(str(layer.codes[row]) for row in rows)
            found = tuple(code for code in codes if code != street_code)
            self._touching[street_code] = found
        return found

    def prepare(self) -> None:
        """Make now what batches are answered twice as fast with; half a second, kept by the service."""
        self._territory.streets.index.prepare_near()

    @property
    def _territory(self) -> Territory:
        return self.city.territory

    @cached_property
    def _area_names(self) -> dict[str, Any]:
        """Names of areas by their position in the layers: a batch takes them without looking a code up."""
        return self._territory.list_names(self.city.names)

    def _get_book(self, item_code: str) -> DispatchBook:
        if self.get_book is not None:
            return self.get_book(item_code or None)
        key = item_code if self.city.catalogue is None else ""
        book = self._books.get(key)
        if book is None:
            constants = self.city.settings.constants
            known = [key] if key else []
            catalogue = find_catalogue(self.city.catalogue, known, constants=constants)
            book = self._books[key] = self.city.make_book(catalogue)
        return book

    def _answer(self, place: Mapping[str, Any], on: date, matter: Matter) -> dict[str, Any]:
        constants, names = self.city.settings.constants, self.city.names
        judged = judge_place(dict(place), lambda: self._territory, constants)
        told: dict[str, Any] = {**place, **judged}
        for name, code in AREA_NAMES.items():
            told[name] = names.get(told[code] or "")
        street = told["street_code"]
        told["neighbours"] = list(self.find_neighbours(street)) if street else []
        if matter:
            case = {
                **told,
                "channel": None,
                "kind": matter.kind or None,
                "item_code": matter.item_code or None,
                "item_confidence": 1.0 if matter.item_code else None,
            }
            decision = decide(case, self._get_book(matter.item_code), on)
            told |= {name: getattr(decision, name, None) for name in UNIT_COLUMNS}
            told["unit_name"] = names.get(decision.unit_code)
        return told


def _correct(
    found: pd.DataFrame, texts: pd.Series, find_correction: FindCorrection
) -> pd.DataFrame:
    """Return places with those that people gave their addresses."""
    given = {row: find_correction(str(text)) for row, text in texts.items()}
    moved = pd.DataFrame.from_dict(
        {row: place for row, place in given.items() if place is not None}, orient="index"
    )
    if moved.empty:
        return found
    kept = found.astype(object)
    kept.loc[moved.index] = moved[list(found.columns)].astype(object)
    return kept.astype(found.dtypes)


def _name_codes(codes: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Return the name of each code, missing where there is none."""
    return codes.map(names).astype("str").where(codes.notna())
