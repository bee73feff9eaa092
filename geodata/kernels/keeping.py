"""Compiled code on disk: what is kept is used only if it is whole and made from exactly what would be compiled now.

The compiler's own cache knows a function by the time and size of its file. It does not notice that a function it
calls has changed, nor a constant or the fields of a tuple, and it runs whatever bytes it finds: one flipped bit has
given other answers and crashes. Here a piece of compiled code is named by a digest of all that decided it (the
function, those it calls in any room, their constants, the types it is given, compiler and processor) and carries a
digest of itself. What does not fit is compiled anew and written over; a change in one room costs the kernels that it
reaches, no others.
"""

import hashlib
import os
import pickle
import re
import sys
import tempfile
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import config, serialize
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher

MARK = b"gridgov kernel 1\n"
SUFFIX = ".kernel"
DECIDING = ("compiling.py", "emitting.py", "lending.py")
"""Files of this folder that decide what any kernel is compiled to."""
FOREIGN = {"builtins", "cmath", "llvmlite", "math", "numba", "numpy"}
"""Packages known by their version, or part of Python; all others are known by their content."""


class KeptCode:
    """The compiled versions of one function on disk; stands where numba has its own cache.

    Parameters
    ----------
    function
        The plain Python function.
    options
        What the compiler was told.
    """

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        self._function = function
        self._options = say_options(options)
        self._stamp = ""
        name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self._name = re.sub(r"[^\w.]", "_", name)

    @property
    def cache_path(self) -> str | None:
        """Folder of the compiled versions; None where nothing can be kept."""
        folder = find_folder(self._function.__code__.co_filename)
        return None if folder is None else str(folder)

    def enable(self) -> None:
        """Do nothing: numba asks."""

    def disable(self) -> None:
        """Do nothing: numba asks."""

    def flush(self) -> None:
        """Forget all versions."""
        for file in self._list_files():
            file.unlink(missing_ok=True)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the version of these argument types, or None if none is kept that is whole and up to date."""
        context.refresh()
        key = self._make_key(signature, context)
        file = self._find_file(key)
        payload = None if file is None else read_kept(file, key)
        if payload is None:
            return None
        # The digest vouches that this is what was written here; a part of numba may still refuse it.
        try:
            return CompileResult._rebuild(context, *pickle.loads(payload))  # noqa: S301, SLF001 - checked above; numba's name
        except Exception:  # noqa: BLE001 - whatever cannot be read is compiled anew
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a version, and drop those of an earlier text of the function."""
        if result.library.has_dynamic_globals or any(not one.can_cache for one in result.lifted):
            return
        key = self._make_key(signature, result.target_context)
        file = self._find_file(key)
        if file is None:
            return
        payload = serialize.dumps(result._reduce())  # noqa: SLF001 - numba names it so
        for other in self._list_files():
            if not other.name.startswith(f"{self._name}-{self._stamp[:16]}-"):
                other.unlink(missing_ok=True)
        write_kept(file, key, payload)

    def _make_key(self, signature: Any, context: Any) -> str:
        if not self._stamp:
            self._stamp = make_digest(
                [describe_tools(), self._options, *describe_function(self._function)]
            )
        arguments = signature.args if hasattr(signature, "args") else signature
        machine = repr(context.codegen().magic_tuple())
        return self._stamp + make_digest(
            [machine, *(text for one in arguments for text in describe_type(one, set()))]
        )

    def _find_file(self, key: str) -> Path | None:
        folder = find_folder(self._function.__code__.co_filename)
        half = len(key) // 2
        return (
            None
            if folder is None
            else folder / f"{self._name}-{key[:16]}-{key[half:][:16]}{SUFFIX}"
        )

    def _list_files(self) -> list[Path]:
        folder = find_folder(self._function.__code__.co_filename)
        return [] if folder is None else [*folder.glob(f"{self._name}-*{SUFFIX}")]


def read_kept(file: Path, key: str) -> bytes | None:
    """Return what was written under a key; None if it is not there, not whole, or stands under another key."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    start = len(MARK) + hashlib.sha256().digest_size
    payload = data[start:]
    whole = data[:start] == MARK + _sign(key, payload)
    return payload if whole else None


def write_kept(file: Path, key: str, payload: bytes) -> None:
    """Write a file as a whole or not at all; without room or permission nothing is kept."""
    aside = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=file.name, suffix=".part", delete=False
        ) as open_file:
            aside = Path(open_file.name)
            open_file.write(MARK + _sign(key, payload) + payload)
        aside.replace(file)
    except OSError:
        if aside is not None:
            aside.unlink(missing_ok=True)


def _sign(key: str, payload: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + payload).digest()


@cache
def find_folder(source: str) -> Path | None:
    """Return the folder for compiled code of a source file, made if need be; None where none can be written.

    ``NUMBA_CACHE_DIR`` names one for all; else it is ``__pycache__`` beside the source, or the user's cache folder
    where the program is not the user's to write.
    """
    folder = Path(source).resolve().parent
    place = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    user = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gridgov" / "kernels"
    given = os.environ.get("NUMBA_CACHE_DIR")
    wanted = [Path(given) / f"{folder.name}-{place}"] if given else []
    wanted += [] if given else [folder / "__pycache__", user / f"{folder.name}-{place}"]
    for one in wanted:
        try:
            one.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(one, os.W_OK | os.X_OK):
            return one
    return None


def make_digest(texts: list[str]) -> str:
    """Return a digest of texts and of their limits."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


@cache
def describe_tools() -> str:
    """Return what all kernels depend on: versions, the compiler's settings, and how this folder uses it."""
    own = [Path(__file__).with_name(name) for name in DECIDING]
    said = [sys.version, numba.__version__, llvmlite.__version__, np.__version__]
    said += [
        f"{name}={getattr(config, name, '')}"
        for name in ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK")
    ]
    return make_digest([*said, *(file.read_text("utf-8") for file in own)])


def say_options(options: dict[str, Any]) -> str:
    """Return what a compiler was told as text, the same in each process."""
    return repr([(name, _say(value)) for name, value in sorted(options.items())])


def _say(value: Any) -> str:
    """Return a value as text; the order of a set differs from process to process."""
    return f"set {sorted(map(repr, value))}" if isinstance(value, set | frozenset) else repr(value)


def describe_function(function: FunctionType, seen: set[int] | None = None) -> Iterator[str]:
    """Give texts that change whenever what the function is compiled to may change."""
    seen = set() if seen is None else seen
    if id(function) in seen:
        yield f"again {function.__module__}.{function.__qualname__}"
        return
    seen.add(id(function))
    yield f"function {function.__module__}.{function.__qualname__} {function.__defaults__!r}"
    names = yield from _describe_code(function.__code__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield f"closure {name}"
        yield from describe_value(cell.cell_contents, names, seen)
    for name in sorted(names & function.__globals__.keys()):
        yield f"global {name}"
        yield from describe_value(function.__globals__[name], names, seen)


def _describe_code(code: CodeType) -> Generator[str, None, set[str]]:
    """Give the texts of the code itself; returns all names in it."""
    yield f"code {code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars} {code.co_argcount}"
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= yield from _describe_code(constant)
        else:
            yield f"constant {type(constant).__name__} {_say(constant)}"
    return names


def describe_value(value: Any, names: set[str], seen: set[int]) -> Iterator[str]:
    """Give texts of a value that compiled code holds; `names` are those that the code looks up in modules."""
    if isinstance(value, Dispatcher):
        yield f"kernel {say_options(value.targetoptions)}"
        yield from describe_function(value.py_func, seen)
    elif isinstance(value, FunctionType) and _is_ours(value.__module__):
        yield from describe_function(value, seen)
    elif isinstance(value, ModuleType):
        yield f"module {value.__name__}"
        if _is_ours(value.__name__) and id(value) not in seen:
            seen.add(id(value))
            for name in sorted(names & vars(value).keys()):
                yield f"of {value.__name__}: {name}"
                yield from describe_value(vars(value)[name], names, seen)
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif isinstance(value, types.Type):
        yield from describe_type(value, seen)
    elif isinstance(value, type):
        yield from _describe_class(value)
    elif isinstance(value, tuple):
        yield f"{len(value)} in {type(value).__qualname__}"
        for one in value:
            yield from describe_value(one, names, seen)
    elif value is None or isinstance(
        value, int | float | complex | str | bytes | np.generic | np.dtype
    ):
        yield f"{type(value).__name__} {value!r}"
    else:
        module = getattr(value, "__module__", None) or type(value).__module__
        yield f"{type(value).__qualname__} {getattr(value, '__qualname__', '')} of {module}"
        yield _read_source(module)


def describe_type(kind: Any, seen: set[int]) -> Iterator[str]:
    """Give texts of an argument's type, with the fields of named tuples: their order decides where each one lies."""
    yield f"{type(kind).__name__} {kind}"
    if isinstance(kind, types.Dispatcher):
        yield from describe_value(kind.dispatcher, set(), seen)
    # Not by isinstance: numba's stubs know none of these.
    if hasattr(kind, "instance_class"):
        yield from _describe_class(kind.instance_class)
    for one in (*getattr(kind, "types", ()), getattr(kind, "inner", None)):
        if isinstance(one, types.Type):
            yield from describe_type(one, seen)


def _describe_class(given: type) -> Iterator[str]:
    yield f"class {given.__module__}.{given.__qualname__} {getattr(given, '_fields', '')}"
    if not hasattr(given, "_fields"):
        yield _read_source(given.__module__)


def _is_ours(module: str | None) -> bool:
    return (module or "builtins").partition(".")[0] not in FOREIGN


@cache
def _read_source(module: str) -> str:
    """Return a digest of a module's file; of a foreign one its version says enough."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not _is_ours(module):
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
