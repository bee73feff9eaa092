"""Boundary versions in a folder: ``<layer>/<version>.parquet`` and ``register.json``.

A file of a version is written once and never again; the register is replaced as a whole. One process
writes at a time (a lock file), so no step is lost; readers never wait.
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import geopandas as gpd

from geodata.crs import STORAGE_CRS
from geodata.paths import replace_file
from geodata.problems import Problem
from geodata.versions.register import (
    BoundarySet,
    Event,
    Step,
    VersionError,
    VersionState,
    accept_set,
    activate_set,
    check_register,
    check_set,
    find_in_force,
    get_set,
    make_boundary_set,
)

FORMAT = 1
REGISTER = "register.json"
LOCK = ".register.lock"

Check = Callable[[gpd.GeoDataFrame], Sequence[Problem]]


class VersionStore:
    """Boundary versions in one folder.

    Parameters
    ----------
    folder
        Made at the first write.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def read(self) -> tuple[BoundarySet, ...]:
        """Return all sets, in the order of loading.

        Raises
        ------
        VersionError
            If the register cannot be read, or contradicts itself.
        """
        path = self.folder / REGISTER
        if not path.exists():
            return ()
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise VersionError(f"{path} has format {content['format']}; expected {FORMAT}")
            sets = tuple(_parse_set(entry) for entry in content["sets"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VersionError(
                f"{path} is no register of boundary versions ({error!r}); restore it from a backup"
            ) from error
        check_register(sets)
        return sets

    def load_version(
        self,
        frame: gpd.GeoDataFrame,
        layer: str,
        version: str,
        *,
        check: Check,
        by: str,
        at: datetime,
    ) -> tuple[BoundarySet, list[Problem]]:
        """Store a new version, inactive, and check it; what is in force is not touched.

        Parameters
        ----------
        frame
            The areas in EPSG:4326.
        layer, version
            Names.
        check
            Everything wrong with such a frame, e.g. the coverage report.
        by, at
            Who does it and when.

        Returns
        -------
            The set with the outcome of its check, and the problems found.

        Raises
        ------
        VersionError
            If the version exists already, a name cannot be used, or the frame is not in EPSG:4326.
        """
        if frame.crs is None or not frame.crs.equals(STORAGE_CRS, ignore_axis_order=True):
            raise VersionError(
                f"layer {layer!r}, version {version!r}: CRS is {frame.crs}; expected {STORAGE_CRS}"
            )
        with self._change() as sets:
            if any((one.layer, one.version) == (layer, version) for one in sets):
                raise VersionError(
                    f"version {version!r} of layer {layer!r} exists; a version never changes, "
                    "choose another name"
                )
            fresh = make_boundary_set(
                layer, version, features=len(frame), content_hash="", by=by, at=at
            )
            content_hash = self._write_areas(frame, layer, version)
            problems = list(check(frame))
            checked = check_set(fresh, problems, by=by, at=at)
            sets.append(_with_hash(checked, content_hash))
        return sets[-1], problems

    def accept(
        self, layer: str, version: str, *, reason: str, by: str, at: datetime
    ) -> BoundarySet:
        """Accept a checked version in spite of its errors; see :func:`geodata.versions.register.accept_set`."""
        with self._change() as sets:
            place = sets.index(get_set(sets, layer, version))
            sets[place] = accept_set(sets[place], reason=reason, by=by, at=at)
        return sets[place]

    def activate(
        self, layer: str, version: str, *, valid_from: date, by: str, at: datetime
    ) -> BoundarySet:
        """Put a version in force from a day; see :func:`geodata.versions.register.activate_set`.

        Raises
        ------
        VersionError
            If the rules refuse it, or the version's file is not the one that was checked.
        """
        with self._change() as sets:
            chosen = get_set(sets, layer, version)
            self._check_file(chosen)
            sets[:] = activate_set(sets, layer, version, valid_from=valid_from, by=by, at=at)
        return get_set(sets, layer, version)

    def get_areas(self, layer: str, version: str) -> gpd.GeoDataFrame:
        """Return the areas of a version in EPSG:4326.

        Raises
        ------
        VersionError
            If there is no such version, or its file is missing or changed.
        """
        self._check_file(get_set(self.read(), layer, version))
        return gpd.read_parquet(self._path(layer, version))

    def get_in_force(self, layer: str, day: date) -> tuple[BoundarySet, gpd.GeoDataFrame]:
        """Return the version in force on a day, with its areas.

        Raises
        ------
        VersionError
            If none is in force that day.
        """
        found = find_in_force(self.read(), layer, day)
        if found is None:
            raise VersionError(f"no version of layer {layer!r} is in force on {day}")
        return found, self.get_areas(layer, found.version)

    def _path(self, layer: str, version: str) -> Path:
        return self.folder / layer / f"{version}.parquet"

    def _write_areas(self, frame: gpd.GeoDataFrame, layer: str, version: str) -> str:
        path = self._path(layer, version)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as aside:
            frame.to_parquet(aside)
            return sha256(aside.read_bytes()).hexdigest()

    def _check_file(self, chosen: BoundarySet) -> None:
        path = self._path(chosen.layer, chosen.version)
        if not path.is_file():
            raise VersionError(f"{path} is missing; restore it, or load the version anew")
        if sha256(path.read_bytes()).hexdigest() != chosen.content_hash:
            raise VersionError(
                f"{path} is not the file that was loaded and checked; restore it, "
                "or load the new content under another version"
            )

    @contextmanager
    def _change(self) -> Iterator[list[BoundarySet]]:
        """Yield all sets for a change; they are written if the block ends well and agree."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            sets = list(self.read())
            yield sets
            check_register(sets)
            content = {"format": FORMAT, "sets": [_format_set(one) for one in sets]}
            with replace_file(self.folder / REGISTER) as aside:
                text = json.dumps(content, ensure_ascii=False, indent=1)
                aside.write_text(text + "\n", encoding="utf-8")


def _with_hash(boundary_set: BoundarySet, content_hash: str) -> BoundarySet:
    return BoundarySet(**{**vars(boundary_set), "content_hash": content_hash})


def _format_set(boundary_set: BoundarySet) -> dict[str, object]:
    def plain(value: object) -> object:
        return value.isoformat() if isinstance(value, date) else value

    entry = {name: plain(value) for name, value in asdict(boundary_set).items()}
    entry["events"] = [
        {name: plain(value) for name, value in asdict(event).items()}
        for event in boundary_set.events
    ]
    return entry


def _parse_set(entry: dict[str, object]) -> BoundarySet:
    def day(name: str) -> date | None:
        return date.fromisoformat(str(entry[name])) if entry[name] else None

    events = entry["events"]
    if not isinstance(events, list):
        raise TypeError("events are no list")
    return BoundarySet(
        **{  # type: ignore[arg-type] # JSON keeps str, int and None as written
            **entry,
            "state": VersionState(str(entry["state"])),
            "valid_from": day("valid_from"),
            "valid_to": day("valid_to"),
            "events": tuple(
                Event(
                    step=Step(event["step"]),
                    by=event["by"],
                    at=datetime.fromisoformat(event["at"]),
                    note=event["note"],
                )
                for event in events
            ),
        }
    )
