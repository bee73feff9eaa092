"""How code is compiled: as few versions of a function as possible, and for callers that there are.

A compiled function has a version for each tuple of argument types. A number that is written out is a type of its
own to numba (0 is not 1), so that a small function called in forty places is compiled forty times; and each
version gets two entries that unpack Python's objects, which for a tuple of sixty arrays cost more than the function.
Here a number is a number, and only what Python calls has an entry for Python.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numba
from numba import njit, types
from numba.core import options
from numba.core.dispatcher import Dispatcher

from geodata.kernels.emitting import wait_with_machine_code
from geodata.kernels.keeping import KeptCode
from geodata.kernels.tried import is_tried

Function = TypeVar("Function", bound=Callable[..., Any])

_SPARED = ("no_cfunc_wrapper", "no_cpython_wrapper")
_KNOWN = {name: True for name in _SPARED if hasattr(getattr(options, "DefaultOptions", None), name)}
_INNER_OPTIONS = {"nogil": True, **_KNOWN}
_OPTIONS = {name: value for name, value in _INNER_OPTIONS.items() if name != "no_cpython_wrapper"}
_njit: Any = njit  # its types do not know every option


def spare_machine_code(version: str) -> bool:
    """Compile faster where this numba allows it, and tell whether it does; else all stays as numba has it."""
    if not is_tried(version):
        return False
    try:
        wait_with_machine_code()
    except (AttributeError, TypeError):
        return False
    return True


IS_SPARING = spare_machine_code(numba.__version__)


def kernel(function: Function) -> "Dispatcher[Function]":
    """Compile a function that Python calls; the lock of the interpreter is released meanwhile."""
    made: Dispatcher[Function] = _compile(function, _OPTIONS)
    return made


def make_kernel(**told: Any) -> Callable[[Function], "Dispatcher[Function]"]:
    """Return :func:`kernel` with more options of the compiler, such as ``fastmath`` or ``inline``."""
    return lambda function: _compile(function, _OPTIONS | told)


def inner_kernel(function: Function) -> "Dispatcher[Function]":
    """Compile a function that compiled code alone calls.

    Called from Python it raises a TypeError that names its plain ``py_func``.
    """
    made: Any = _compile(function, _INNER_OPTIONS)
    if isinstance(made, Dispatcher):  # not where numba is told to compile nothing
        made.__class__ = _make_inner_class(type(made))
    inner: Dispatcher[Function] = made
    return inner


def _compile(function: Any, told: dict[str, Any]) -> Any:
    made: Any = _njit(**told)(function)
    if isinstance(made, Dispatcher):
        vars(made)["_cache"] = KeptCode(function, told)  # numba's own cache trusts times and bytes
    return _take_plain_numbers(made)


@cache
def _make_inner_class(base: type) -> type:
    def refuse(self: Any, *_: Any, **__: Any) -> Any:
        name = self.py_func.__qualname__
        raise TypeError(f"{name} has no entry for Python; call {name}.py_func, or make it a kernel")

    return type("InnerKernel", (base,), {"__call__": refuse})


def _take_plain_numbers(made: Any) -> Any:
    """Let compiled callers hand over numbers that are written out as any other; where numba allows it."""
    find = getattr(made, "get_call_template", None)
    if find is not None:

        def find_plain(args: Any, keywords: Any) -> Any:
            return find(tuple(map(_forget_value, args)), keywords)

        made.get_call_template = find_plain
    return made


def _forget_value(kind: Any) -> Any:
    if isinstance(kind, types.IntegerLiteral):
        return types.unliteral(kind)
    items: Any = kind
    if isinstance(kind, types.BaseTuple) and not isinstance(kind, types.BaseNamedTuple):
        return types.BaseTuple.from_types(tuple(map(_forget_value, items)))
    return kind
