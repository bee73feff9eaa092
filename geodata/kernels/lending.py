"""The numba type of a borrowed tuple, and how its fields are read; see :mod:`geodata.kernels.borrowing`."""

# mypy: disable-error-code="no-untyped-def,misc,no-untyped-call"
# Numba's extension interface carries no types.

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.datamodel.registry import default_manager
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model

_TOOLS = ("alloca_once_value", "gep_inbounds", "get_null_value", "unpack_tuple")
_HEADER = {"meminfo", "parent"}


def check_numba() -> None:
    """Raise an AttributeError if numba's arrays or tools are not as this module takes them to be."""
    for name in _TOOLS:
        getattr(cgutils, name)
    fields = getattr(models.ArrayModel(default_manager, types.float64[::1]), "_fields", ())
    if not set(fields) >= _HEADER:
        raise AttributeError(f"numba's arrays have {fields}, expected {sorted(_HEADER)}")


class Borrowed(types.Type):
    """Numba type of a borrowed tuple; ``inner`` is the type of the named tuple itself."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        super().__init__(name=f"Borrowed({inner})")


@register_model(Borrowed)
class _BorrowedModel(models.PrimitiveModel):
    """A pointer to the tuple's value."""

    def __init__(self, manager: Any, kind: Borrowed) -> None:
        super().__init__(manager, kind, manager.lookup(kind.inner).get_value_type().as_pointer())


@infer_getattr
class _BorrowedAttributes(AttributeTemplate):
    """Fields of a borrowed tuple: tuples within it are borrowed too, arrays are themselves."""

    key = Borrowed

    def generic_resolve(self, borrowed: Any, name: str) -> Any:  # type: ignore[override]  # numba overrides it so
        inner = borrowed.inner
        return _get_field(inner, name)[1] if name in inner.fields else None


def _get_field(inner: Any, name: str) -> tuple[int, Any]:
    at = inner.fields.index(name)
    kind = inner.types[at]
    return at, Borrowed(kind) if isinstance(kind, types.BaseNamedTuple) else kind


@lower_getattr_generic(Borrowed)
def _lower_field(context: Any, builder: Any, borrowed: Borrowed, value: Any, name: str) -> Any:  # noqa: ARG001 - numba's signature
    at, kind = _get_field(borrowed.inner, name)
    pointer = cgutils.gep_inbounds(builder, value, 0, at)
    return pointer if isinstance(kind, Borrowed) else builder.load(pointer)


def _strip(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return a value whose arrays count no references."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()  # noqa: SLF001 - numba names it so
    if isinstance(kind, types.BaseTuple):
        items = cgutils.unpack_tuple(builder, value, len(kind))
        bare = [_strip(context, builder, kind[i], item) for i, item in enumerate(items)]  # type: ignore[index]  # numba's tuples are not typed as such
        return context.make_tuple(builder, kind, bare)
    return value


@intrinsic
def lend(typing_context: Any, thing: Any) -> Any:  # noqa: ARG001 - numba's signature
    """Return a named tuple as a pointer to it; see :data:`geodata.kernels.borrow`."""

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        return cgutils.alloca_once_value(builder, _strip(context, builder, thing, values[0]))

    return Borrowed(thing)(thing), generate
