"""Reading TOML so that every fault is found at once, with its line, and a misspelt key names its neighbour."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from geodata.problems import Problem, Severity

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*("[^"]*"|'[^']*'|[\w-]+(?:\.[\w-]+)*)\s*=""")


class TomlFile:
    """One TOML file and the faults found in it so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._lines: dict[str, int] = {}

    def read(self) -> dict[str, Any] | None:
        """Return the content, or None after noting why it cannot be read."""
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            content = tomllib.loads(text)
        except OSError as error:
            self.add(
                "", problem=f"cannot be read: {error.strerror}", expected="a city pack's city.toml"
            )
        except UnicodeDecodeError:
            self.add("", problem="is not UTF-8 text", expected="city.toml saved as UTF-8")
        except tomllib.TOMLDecodeError as error:
            self.add("", problem=f"is not valid TOML: {error}", expected="'key = value' lines")
        else:
            self._lines = _find_lines(text)
            return content
        return None

    def add(
        self,
        field: str,
        *,
        problem: str,
        expected: str = "",
        value: object = "",
        severity: Severity = "error",
    ) -> None:
        """Note a fault of the setting `field` (dotted path)."""
        row = self._lines.get(field) or self._lines.get(field.rpartition(".")[0])
        self.problems.append(
            Problem(
                file=str(self.path),
                row=row,
                field=field,
                value=str(value),
                problem=problem,
                expected=expected,
                severity=severity,
            )
        )

    def open(self, content: Mapping[str, Any]) -> "Section":
        """Return the root section."""
        return Section(self, "", content)


class Section:
    """One table of the file; what nobody takes from it is an unknown key."""

    def __init__(self, file: TomlFile, path: str, table: Mapping[str, Any]) -> None:
        self.file = file
        self.path = path
        self._table = table
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def keys(self) -> Iterable[str]:
        """Return the keys as written."""
        return self._table.keys()

    def name(self, key: str) -> str:
        """Return the dotted path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str) -> Any:
        """Return the raw value of a key, None if absent; the key counts as known."""
        self._known.add(key)
        return self._table.get(key)

    def text(self, key: str, *, default: str = "", required: bool = False) -> str:
        """Return a text; a number is taken as text, because codes look like numbers."""
        value = self.take(key)
        if value is None:
            if required:
                self.fault(key, "is missing", "a text")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.fault(key, "is not a text", "a text in quotes")
            return default
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one text or a list of them as a tuple."""
        value = self.take(key)
        if value is None:
            return ()
        parts = [value] if isinstance(value, str) else value
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            return tuple(parts)
        self.fault(key, "is not a text or a list of texts", 'such as ["a", "b"]')
        return ()

    def flag(self, key: str) -> bool:
        """Return true or false, false if absent."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            self.fault(key, "is not true or false", "true or false without quotes")
        return value is True

    def day(self, key: str) -> date | None:
        """Return a date, None if absent."""
        value = self.take(key)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        if value is not None:
            self.fault(key, "is not a date", "a date such as 2024-01-01")
        return None

    def file_path(self, key: str, *, required: bool = False) -> Path | None:
        """Return an existing file, relative to the folder of the pack."""
        text = self.text(key, required=required)
        if not text:
            return None
        path = (self.file.path.parent / text).resolve()
        if not path.is_file():
            near = get_close_matches(path.name, _list_names(path.parent), n=1)
            hint = f"an existing file; did you mean {near[0]!r}?" if near else "an existing file"
            self.fault(key, "names a file that does not exist", hint)
            return None
        return path

    def folder_path(self, key: str) -> Path | None:
        """Return an existing folder, relative to the folder of the pack."""
        text = self.text(key)
        if not text:
            return None
        path = (self.file.path.parent / text).resolve()
        if not path.is_dir():
            self.fault(key, "names a folder that does not exist", "an existing folder")
            return None
        return path

    def section(self, key: str) -> "Section":
        """Return a table inside this one, empty if absent."""
        value = self.take(key)
        if value is not None and not isinstance(value, dict):
            self.fault(key, "is not a table", f"[{self.name(key)}] with 'key = value' lines")
        return Section(self.file, self.name(key), value if isinstance(value, dict) else {})

    def sections(self, key: str) -> "list[Section]":
        """Return an array of tables, ``[[key]]``."""
        value = self.take(key)
        tables = [value] if isinstance(value, dict) else value or []
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self.fault(key, "is not a list of tables", f"[[{self.name(key)}]] once per source")
            return []
        return [
            Section(self.file, f"{self.name(key)}[{at}]", table) for at, table in enumerate(tables)
        ]

    def mapping(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        inner = self.section(key)
        return {name: inner.text(name) for name in list(inner.keys())}

    def fault(self, key: str, problem: str, expected: str) -> None:
        """Note a fault of a key of this table."""
        value = self._table.get(key, "")
        self.file.add(self.name(key), problem=problem, expected=expected, value=value)

    def close(self, *, known: Iterable[str] = ()) -> None:
        """Note every key that nobody took, with the nearest name that would be known."""
        names = sorted(self._known | set(known))
        for key in self._table:
            if key not in names:
                near = get_close_matches(key, names, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(names)}"
                self.file.add(self.name(key), problem="is not a known setting", expected=hint)


def _list_names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


def _find_lines(text: str) -> dict[str, int]:
    """Return the line of each table and key by dotted path; good enough to point a person at it."""
    lines: dict[str, int] = {}
    arrays: dict[str, int] = {}
    path = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            path = ".".join(_unquote(part) for part in re.findall(r'"[^"]*"|[^.\s"]+', header[2]))
            if header[1] == "[[":
                arrays[path] = arrays.get(path, -1) + 1
                path = f"{path}[{arrays[path]}]"
            lines.setdefault(path, number)
        elif key := _KEY.match(line):
            name = _unquote(key[1])
            lines.setdefault(f"{path}.{name}" if path else name, number)
    return lines


def _unquote(text: str) -> str:
    return text.strip().strip("\"'")
