"""``city.toml`` → :class:`gridgov.pack.settings.Settings`, with every fault of it."""

import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from geodata.crs import check_metric_crs, parse_crs
from geodata.datum import Datum, parse_datum
from geodata.errors import GeodataError
from geodata.problems import Problem
from gridgov.frames import APPEAL_COLUMNS
from gridgov.pack.settings import (
    SOURCE_COLUMNS,
    AppealsSettings,
    DocumentSettings,
    GazetteerSettings,
    LayerSettings,
    Settings,
    SourceKind,
    TableSettings,
)
from gridgov.pack.toml_section import Section, TomlFile
from gridgov.rules.calendar import make_work_hours
from gridgov.rules.constants import (
    DEFAULTS,
    SECTIONS,
    STATUSES,
    Constant,
    Constants,
    Status,
    find_fault,
    make_constant,
    make_constants,
)
from gridgov.rules.dispatch.deadlines import (
    DEFAULT_GRADES,
    ClockKind,
    GradeLimit,
    Limit,
    make_limit,
)
from gridgov.rules.issues.weights import WEIGHTS
from gridgov.rules.issues.weights import make_weights as make_duplicate_weights
from gridgov.rules.rates.constants import ANSWER_NAMES, WINDOW_TIMES
from gridgov.rules.rates.score import make_weights
from gridgov.rules.rates.window import make_window_rules
from gridgov.rules.streets import check_class_limits

LAYER_ROLES = ("streets", "districts", "communities", "extent", "cells", "exceptions", "base")
TABLE_ROLES = (
    "units",
    "catalogue",
    "duties",
    "dependencies",
    "holidays",
    "categories",
    "population",
    "kinds",
    "measures",
    "capacities",
)
EXPORT_COLUMNS = (*(c for c in APPEAL_COLUMNS if c != "person_key"), "person", "item_group")
"""What ``[appeals.columns]`` may map: the contract, but the person instead of the hash of it."""

_LAYER_COLUMNS = ("code", "name", "district", "street", "unit", "kind", "priority", "population")


def read_settings(path: Path) -> tuple[Settings | None, list[Problem]]:
    """Return the settings in a file and everything wrong with them.

    Returns
    -------
        None instead of settings where the file cannot be read at all; where there are errors the settings
        hold what could be used, so that the pack's other files can be checked too.
    """
    file = TomlFile(path)
    content = file.read()
    if content is None:
        return None, file.problems
    root = file.open(content)
    city = root.section("city")
    settings = Settings(
        file=path,
        name=city.text("name", required=True),
        name_en=city.text("name_en"),
        address_name=city.text("address_name"),
        synthetic=city.flag("synthetic"),
        timezone=_read_zone(city),
        metric_crs=_read_crs(city),
        languages=_read_languages(city),
        layers=_read_layers(root.section("layers")),
        tables=_read_tables(root.section("tables")),
        gazetteer=tuple(filter(None, map(_read_source, root.sections("gazetteer")))),
        appeals=_read_appeals(root.section("appeals")),
        grades=_read_grades(root.section("deadlines").section("grades")),
        constants=_read_constants(root),
        documents=_read_documents(root.section("documents")),
    )
    city.close()
    root.close(known=SECTIONS)
    return settings, file.problems


LANGUAGES = ("zh-CN", "en")
"""What texts are in; the first that a city names is that of what is written once for everybody."""


def _read_languages(section: Section) -> tuple[str, ...]:
    said = section.texts("languages") or LANGUAGES
    unknown = [one for one in said if one.partition("-")[0] not in {"zh", "en"}]
    if unknown:
        section.fault("languages", "names a language that no text is in", "'zh-CN' or 'en'")
        return LANGUAGES
    return said


def _read_documents(section: Section) -> DocumentSettings:
    issuer = section.text("issuer")
    try:
        issuer.format(street="", city="")
    except (KeyError, IndexError, ValueError):
        section.fault("issuer", "names a field that is not known", "text with {street} and {city}")
        issuer = ""
    made = DocumentSettings(
        template=section.file_path("template"), fonts=section.folder_path("fonts"), issuer=issuer
    )
    section.close()
    return made


def _read_zone(city: Section) -> ZoneInfo:
    text = city.text("timezone", required=True)
    try:
        return ZoneInfo(text or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        city.fault("timezone", "is not a known time zone", "such as 'Asia/Shanghai'")
        return ZoneInfo("UTC")


def _read_crs(city: Section) -> str:
    text = city.text("metric_crs")
    if text:
        try:
            return check_metric_crs(text)
        except GeodataError as error:
            city.fault("metric_crs", str(error), "a projected system in metres")
    return ""


def _read_datum(section: Section, *, required: bool) -> Datum:
    text = section.text("datum", required=required)
    if text:
        try:
            return parse_datum(text)
        except GeodataError:
            section.fault("datum", "is not a known datum", "one of " + ", ".join(Datum))
    return Datum.WGS84


def _read_declared_crs(section: Section) -> str:
    """Return the coordinate system that a section declares for a file that states none; usually none does."""
    text = section.text("crs")
    if text:
        try:
            parse_crs(text)
        except GeodataError:
            section.fault("crs", "is not a known coordinate system", "a code such as EPSG:4548")
            return ""
    return text


def _read_layers(layers: Section) -> dict[str, LayerSettings]:
    found: dict[str, LayerSettings] = {}
    for role in LAYER_ROLES:
        if role not in layers:
            continue
        section = layers.section(role)
        path = section.file_path("path", required=True)
        columns = {name: section.text(name) for name in _LAYER_COLUMNS}
        layer = LayerSettings(
            role=role,
            path=path or Path(),
            datum=_read_datum(section, required=True),
            name_format=section.text("name_format"),
            code_table=section.file_path("code_table"),
            encoding=section.text("encoding", default="auto"),
            crs=_read_declared_crs(section),
            version=section.text("version"),
            valid_from=section.day("valid_from"),
            **columns,
        )
        _check_layer(section, layer)
        section.close()
        if path is not None:
            found[role] = layer
    if "streets" not in layers:
        layers.file.add(
            "layers.streets",
            problem="is missing",
            expected="path, code, name and datum of the streets",
        )
    layers.close(known=LAYER_ROLES)
    return found


def _check_layer(section: Section, layer: LayerSettings) -> None:
    if layer.role in {"extent", "base"}:
        return
    if not layer.code and not (layer.code_table and layer.name):
        section.fault("code", "is missing", "the column with codes, or a code_table and a name")
    if layer.role == "communities" and not layer.street:
        section.fault("street", "is missing", "the column with the street code of each community")
    if layer.role == "exceptions" and not layer.unit:
        section.fault("unit", "is missing", "the column with the unit that handles each area")
    if layer.name_format and "{code}" not in layer.name_format:
        section.fault("name_format", "has no {code}", 'such as "Ward {code}"')


def _read_tables(tables: Section) -> dict[str, TableSettings]:
    found = {}
    for role in TABLE_ROLES:
        if role not in tables:
            continue
        section = tables.section(role)
        path = section.file_path("path", required=True)
        encoding = section.text("encoding", default="auto")
        columns = section.mapping("columns")
        section.close()
        if path is not None:
            found[role] = TableSettings(role=role, path=path, encoding=encoding, columns=columns)
    tables.close(known=TABLE_ROLES)
    return found


def _read_source(section: Section) -> GazetteerSettings | None:
    path = section.file_path("path", required=True)
    datum = _read_datum(section, required=True)
    kind = section.text("kind", required=True)
    kinds: dict[str, SourceKind] = {name: name for name in get_args(SourceKind)}
    if kind and kind not in kinds:
        section.fault("kind", "is not a kind of source", f"one of {', '.join(kinds)}")
    columns = section.mapping("columns")
    encoding = section.text("encoding", default="auto")
    crs = _read_declared_crs(section)
    _check_names(section, "columns", columns, SOURCE_COLUMNS)
    section.close()
    if path is None or kind not in kinds:
        return None
    return GazetteerSettings(
        path=path, datum=datum, kind=kinds[kind], columns=columns, encoding=encoding, crs=crs
    )


def _check_names(
    section: Section, key: str, given: Mapping[str, object], known: tuple[str, ...]
) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
            section.file.add(
                f"{section.name(key)}.{name}", problem="is not a known column", expected=hint
            )


def _read_appeals(section: Section) -> AppealsSettings:
    columns, patterns = section.mapping("columns"), section.mapping("patterns")
    values_section = section.section("values")
    values = {name: values_section.mapping(name) for name in list(values_section.keys())}
    for key, given in (("columns", columns), ("patterns", patterns), ("values", values)):
        _check_names(section, key, given, EXPORT_COLUMNS)
    for name, pattern in patterns.items():
        _check_pattern(section, name, pattern)
    settings = AppealsSettings(
        columns=columns,
        patterns=patterns,
        values=values,
        datum=_read_datum(section, required=False),
        encoding=section.text("encoding", default="auto"),
        sheet=section.text("sheet"),
        time_formats=section.texts("time_format"),
        since=section.day("since") or date(1983, 1, 1),
    )
    section.close()
    return settings


def _check_pattern(section: Section, name: str, pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        groups, problem = 0, f"is not a regular expression: {error}"
    else:
        problem = "has no group to take"
    if groups < 1:
        section.file.add(
            f"{section.name('patterns')}.{name}",
            value=pattern,
            problem=problem,
            expected="an expression with one group in parentheses",
        )


def _read_grades(grades: Section) -> dict[str, GradeLimit]:
    found = dict(DEFAULT_GRADES)
    for grade in list(grades.keys()):
        section = grades.section(grade)
        default = DEFAULT_GRADES.get(grade)
        contact = _read_limit(section, "contact", default.contact if default else None)
        final = _read_limit(section, "final", default.final if default else None)
        clock = section.text("clock", default="calendar")
        clocks: dict[str, ClockKind] = {"calendar": "calendar", "working": "working"}
        if clock not in clocks:
            section.fault("clock", "is not a kind of clock", "calendar or working")
        status = _read_status(section)
        section.close()
        if contact and final:
            found[grade] = GradeLimit(
                grade=grade,
                contact=contact,
                final=final,
                clock=clocks.get(clock, "calendar"),
                status=status,
            )
    return found


def _read_limit(section: Section, key: str, default: Limit | None) -> Limit | None:
    text = section.text(key, required=default is None)
    if not text:
        return default
    try:
        return make_limit(text)
    except ValueError:
        section.fault(key, "is not a limit of time", "such as '30 min', '2 h' or '7 d'")
        return default


def _read_status(section: Section, default: Status = "assumed") -> Status:
    text = section.text("status")
    for status in STATUSES:
        if status == text:
            return status
    if text:
        section.fault("status", "is not a known status", "documented, practice or assumed")
    return default


def _read_constants(root: Section) -> Constants:
    changes: list[Constant] = []
    for name in SECTIONS:
        section = root.section(name)
        default = _read_status(section)
        known = [key.partition(".")[2] for key in DEFAULTS if key.startswith(f"{name}.")]
        for key in known:
            if key in section:
                changes.extend(_read_constant(section, key, default))
        if name == "deadlines":
            section.take("grades")
        section.close(known=known)
    constants = make_constants(changes)
    _check_hours(root, constants)
    _check_assessment(root, constants)
    _check_weights(root, constants)
    return constants


def _read_constant(section: Section, key: str, default: Status) -> list[Constant]:
    name = f"{section.path}.{key}"
    value, status = section.take(key), default
    if isinstance(value, dict):
        inner = section.section(key)
        value, status = inner.take("value"), _read_status(inner, default)
        inner.close()
    fault = find_fault(name, value)
    if fault:
        section.fault(key, "has a value that does not fit", fault)
        return []
    return [make_constant(name, value, status)]


def _check_hours(root: Section, constants: Constants) -> None:
    try:
        make_work_hours(constants.texts("deadlines.work_hours"))
    except ValueError as error:
        root.file.add(
            "deadlines.work_hours", problem=str(error), expected='such as ["09:00-18:00"]'
        )


def _check_weights(root: Section, constants: Constants) -> None:
    for name in WEIGHTS:
        try:
            make_duplicate_weights(constants.get(name).value)
        except ValueError as error:
            root.file.add(name, problem=str(error), expected="see docs/architecture.md")


def _check_assessment(root: Section, constants: Constants) -> None:
    """Note constants of rates and classes that do not fit together."""
    for section, check in (
        ("rates", make_window_rules),
        ("rates", make_weights),
        ("streets", check_class_limits),
    ):
        try:
            check(constants)
        except ValueError as error:
            root.file.add(section, problem=str(error), expected="see docs/architecture.md")
    for name, known in (("rates.window_by", WINDOW_TIMES), ("rates.answers_needed", ANSWER_NAMES)):
        found = constants.texts(name)
        if not found or not set(found) <= set(known):
            root.file.add(
                name,
                value=", ".join(found),
                problem="has a value that does not fit",
                expected=", ".join(known),
            )
