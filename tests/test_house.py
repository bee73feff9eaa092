"""The house by subject: what can be checked of its rules. Each list of exceptions may only become shorter."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("geodata", "gridgov", "planner", "web")
MOST_MODULES = 15
"""In a folder; beyond, two subjects share it."""

LARGE = {
    "web/cli": 30,  # one file a command
    "web/kit": 18,  # one concern each, imported by module
    "web/features/orders": 16,
    "planner/documents": 20,
    "planner/hotspots": 18,
    "planner/plans": 20,
}
"""Folders with more modules, and how many."""

REPEATING = {"planner/plans/plan_text.py"}
"""Files whose name repeats that of their folder."""

ROLES = {
    "__init__",
    "build",
    "check",
    "checks",
    "constants",
    "errors",
    "files",
    "find",
    "fit",
    "frames",
    "index",
    "input",
    "kernels",
    "main",
    "make",
    "model",
    "page",
    "problems",
    "read",
    "rows",
    "settings",
    "store",
    "tables",
    "views",
}
"""Names that say what a module is in its folder, the same in each: the folder says of what."""

NAMED_BY_THE_THING = {"api", "cli", "models", "queries"}
"""Folders whose files are named by what they are about: a call, a command, a table, the questions to a table."""

SHARED_NAMES = {
    # the rule and the service of the same thing
    "callbacks",
    "corrections",
    "exclusions",
    # two things
    "classes",
    "tasks",
    "topics",
    "background",
    "candidates",
    "cells",
    "changes",
    "daily",
    "describe",
    "evidence",
    "facts",
    "faults",
    "items",
    "layers",
    "lineage",
    "maps",
    "numbers",
    "points",
    "records",
    "words",
}
"""Other names that several folders use."""

WITHOUT_DOCSTRING = {
    "geodata",
    "gridgov",
    "gridgov/sample",
    "gridgov/sample/export",
    "gridgov/sample/land",
    "gridgov/sample/truth",
    "planner",
    "planner/documents",
    "planner/jobs",
    "planner/plans",
}
"""Folders whose ``__init__`` does not say yet what comes in and what goes out."""

MIXED_TUPLES = {
    "geodata/geocoder/build.py": 1,
    "geodata/geocoder/candidates.py": 5,
    "geodata/geocoder/choice.py": 5,
    "gridgov/rules/duties/graph.py": 1,
    "gridgov/services/intake/take_in.py": 1,
    "gridgov/services/load/batches.py": 1,
    "gridgov/services/orders/rating.py": 2,
    "planner/documents/drawing.py": 1,
    "planner/plans/dates.py": 1,
}
"""File → parameters that are tuples of mixed things: each wants a frozen dataclass, or one argument more."""

SUPPRESSIONS = {
    "benchmarks/hotspots.py": 1,
    "benchmarks/statistics_forecast.py": 4,
    "geodata/gazetteer/array_file.py": 1,
    "geodata/gazetteer/places.py": 3,
    "gridgov/sample/truth/background.py": 1,
    "gridgov/services/intake/cells.py": 1,
    "gridgov/services/settings.py": 2,
    "gridgov/storage/bulk/insert.py": 1,
    "gridgov/storage/counts/span_tables.py": 2,
    "gridgov/storage/counts/sums.py": 19,
    "gridgov/storage/statements.py": 1,
    "tests/planner/documents/test_street_map.py": 1,
}
"""File → suppressions without a reason on their line."""


def list_modules(*roots: str) -> list[Path]:
    """Return the Python files of some folders, relative to the root of the checkout."""
    files = (file for root in roots for file in (ROOT / root).rglob("*.py"))
    return sorted(file.relative_to(ROOT) for file in files if "__pycache__" not in file.parts)


def list_folders() -> list[Path]:
    """Return the folders that hold modules."""
    return sorted({file.parent for file in list_modules(*PACKAGES)})


def test_no_folder_holds_two_subjects():
    counted = Counter(file.parent for file in list_modules(*PACKAGES) if file.stem != "__init__")
    too_many = {
        str(folder): n
        for folder, n in counted.items()
        if n > LARGE.get(folder.as_posix(), MOST_MODULES)
    }
    assert not too_many


def test_no_file_repeats_the_name_of_its_folder():
    repeating = {
        file.as_posix()
        for file in list_modules(*PACKAGES)
        for name in [file.parent.name]
        if file.stem in {name, name.removesuffix("s")}
        or file.stem.startswith((f"{name}_", f"{name.removesuffix('s')}_"))
    }
    assert repeating <= REPEATING


def test_every_folder_says_what_comes_in_and_what_goes_out():
    silent = set()
    for folder in list_folders():
        face = ROOT / folder / "__init__.py"
        assert face.exists(), f"{folder} is no package"
        if not ast.get_docstring(ast.parse(face.read_text("utf-8"))):
            silent.add(folder.as_posix())
    assert silent <= WITHOUT_DOCSTRING


def test_no_two_rooms_share_a_name_for_two_things():
    modules = sorted(list_modules(*PACKAGES), key=lambda file: file.stem)
    inside = [file for file in modules if not NAMED_BY_THE_THING & set(file.parts)]
    shared = {
        stem for stem, files in groupby(inside, key=lambda file: file.stem) if len([*files]) > 1
    }
    assert shared - ROLES <= SHARED_NAMES


def is_mixed(annotation: ast.expr) -> bool:
    """Tell whether an annotation holds a tuple of a fixed length whose members differ."""
    for node in ast.walk(annotation):
        match node:
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=members)):
                said = {ast.unparse(member) for member in members}
                if "..." not in said and len(said) > 1:
                    return True
            case _:
                pass
    return False


def find_mixed_parameters(source: str) -> Iterator[str]:
    """Give the parameters of a source that are tuples of mixed things."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            for one in [*given.posonlyargs, *given.args, *given.kwonlyargs]:
                if one.annotation is not None and is_mixed(one.annotation):
                    yield f"{node.name}({one.arg})"


def test_what_belongs_together_has_a_name():
    worse = {}
    for file in list_modules(*PACKAGES):
        found = [*find_mixed_parameters((ROOT / file).read_text("utf-8"))]
        if len(found) > MIXED_TUPLES.get(file.as_posix(), 0):
            worse[file.as_posix()] = found
    assert not worse, "make a frozen dataclass of them, or pass one argument more"


def test_mixed_tuples_are_recognised():
    given = "def f(a: tuple[int, str], b: tuple[int, ...], c: tuple[float, float], *, d: list[tuple[A, B]]): ..."
    assert [*find_mixed_parameters(given)] == ["f(a)", "f(d)"]


BARE = re.compile(
    r"#\s*noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?\s*$|#\s*type:\s*ignore(?:\[[^]]*\])?\s*$"
)


def test_every_suppression_has_its_reason():
    worse = {}
    for file in list_modules(*PACKAGES, "tests", "script", "benchmarks", "migrations"):
        lines = (ROOT / file).read_text("utf-8").splitlines()
        bare = [number for number, line in enumerate(lines, 1) if BARE.search(line)]
        if len(bare) > SUPPRESSIONS.get(file.as_posix(), 0):
            worse[file.as_posix()] = bare
    assert not worse, "say why behind it: # noqa: X000 - reason"


def test_suppressions_without_a_reason_are_recognised():
    assert BARE.search("x = 1  # noqa: S101")
    assert BARE.search("x = 1  # type: ignore[misc]")
    assert not BARE.search("x = 1  # noqa: S101, S102 - the table names commands only")
    assert not BARE.search("x = 1  # type: ignore[misc]  # the library has no types")
