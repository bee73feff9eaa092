"""What somebody states to the hotline, checked: every fault at once, before anything is looked up."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from geodata.problems import Problem
from gridgov.errors import GridgovError
from gridgov.reading.export_words import LONGEST_ITEM, LONGEST_NUMBER, LONGEST_TEXT
from gridgov.reading.points import find_inside
from gridgov.services.city_runtime import CityRuntime
from gridgov.storage.audit.log import clean_text

OWN_SOURCE = "desk"
"""Source of appeals that people at the desk type in."""
CLOCK_SLACK = timedelta(minutes=5)
"""How far another system's clock may be ahead of ours."""
LENGTHS = {
    "appeal_no": LONGEST_NUMBER,
    "source": 40,
    "channel": 100,
    "kind": 100,
    "item_code": LONGEST_ITEM,
    "address": 1000,
    "name": 200,
    "phone": 100,
    "text": LONGEST_TEXT,
}
"""Most characters of each field."""


class IntakeError(GridgovError):
    """An appeal that cannot be taken in as it is; nothing was kept of it.

    Attributes
    ----------
    problems
        Every fault: field, value found, what was expected.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, kw_only=True)
class NewAppeal:
    """What a person said, as a form or another system gives it.

    Parameters
    ----------
    received_at
        When, aware.
    source, appeal_no
        Where it comes from and its number there; without a number it gets one. The same number of the same source is
        taken in once.
    text, address
        What and where, in the person's words.
    lon, lat
        Point, EPSG:4326; both or none. It stands above the address.
    item_code
        Of the catalogue, where the operator or the other system chose one.
    channel, kind
        How it came, and which of the kinds of appeals it is.
    name, phone
        Of the person; kept apart.
    """

    received_at: datetime
    source: str = OWN_SOURCE
    appeal_no: str = ""
    text: str = ""
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    item_code: str = ""
    channel: str = ""
    kind: str = ""
    name: str = ""
    phone: str = ""


def check_appeal(new: NewAppeal, runtime: CityRuntime, *, now: datetime) -> NewAppeal:
    """Return the appeal with its texts trimmed and without what no database stores.

    Raises
    ------
    IntakeError
        With every fault.
    """
    texts = {name: clean_text(getattr(new, name)).strip() for name in LENGTHS}
    catalogue = runtime.city.catalogue
    if catalogue is not None and texts["item_code"]:
        # Who writes an item's exact name means that item.
        texts["item_code"] = catalogue.find_code(texts["item_code"]) or texts["item_code"]
    clean = NewAppeal(received_at=new.received_at, lon=new.lon, lat=new.lat, **texts)
    problems = [
        *_check_texts(clean),
        *_check_time(clean.received_at, runtime, now),
        *_check_point(clean, runtime),
        *_check_item(clean, runtime),
    ]
    if problems:
        raise IntakeError(tuple(problems))
    return clean


def _fault(field: str, value: object, problem: str, expected: str) -> Problem:
    return Problem(file="appeal", field=field, value=str(value), problem=problem, expected=expected)


def _check_texts(new: NewAppeal) -> list[Problem]:
    found = [
        _fault(name, getattr(new, name), f"is longer than {most} characters", "a shorter one")
        for name, most in LENGTHS.items()
        if len(getattr(new, name)) > most
    ]
    if not new.source:
        found.append(_fault("source", "", "is empty", "a name of the source"))
    if not (new.text or new.item_code):
        found.append(_fault("text", "", "is empty", "what the person said, or an item"))
    return found


def _check_time(at: datetime, runtime: CityRuntime, now: datetime) -> list[Problem]:
    if at.tzinfo is None:
        return [
            _fault(
                "received_at", at.isoformat(), "has no zone", "such as 2026-01-31T08:30:00+08:00"
            )
        ]
    if at > now + CLOCK_SLACK:
        return [_fault("received_at", at.isoformat(), "lies in the future", f"a time up to {now}")]
    since = runtime.city.settings.appeals.since
    if runtime.get_day(at) < since:
        return [
            _fault(
                "received_at",
                at.isoformat(),
                "is before the hotline began",
                f"a day from {since} on",
            )
        ]
    return []


def _check_point(new: NewAppeal, runtime: CityRuntime) -> list[Problem]:
    point = f"{new.lon}, {new.lat}"
    if new.lon is None and new.lat is None:
        return []
    if new.lon is None or new.lat is None:
        return [_fault("lon lat", point, "has only one of lon and lat", "both or none")]
    return check_point(new.lon, new.lat, runtime)


def check_point(lon: float, lat: float, runtime: CityRuntime) -> list[Problem]:
    """Return what is wrong with a point: it must lie where the city can be."""
    point = f"{lon}, {lat}"
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return [_fault("lon lat", point, "is no place on earth", "degrees such as 116.4, 39.9")]
    extent = runtime.city.extent
    if find_inside(extent, np.array([lon]), np.array([lat]))[0]:
        return []
    swapped = find_inside(extent, np.array([lat]), np.array([lon]))[0]
    hint = "lon, lat in this order" if swapped else "a point inside the city (EPSG:4326)"
    return [_fault("lon lat", point, "lies outside the city", hint)]


def _check_item(new: NewAppeal, runtime: CityRuntime) -> list[Problem]:
    catalogue = runtime.city.catalogue
    if not new.item_code or catalogue is None or new.item_code in catalogue:
        return []
    return [
        _fault("item_code", new.item_code, "is no item of the catalogue", "an item_code, or none")
    ]
