"""Named tuples of arrays handed to compiled functions by one pointer instead of by value.

A compiled call copies every array of a tuple that it is given and counts references to each of them, twice. A
geocoder's index is some sixty arrays; on one address these copies cost more than the work itself. A borrowed
tuple is a pointer to the tuple: its fields are read where they are used, and no reference is counted, because
whoever lent it holds the arrays until the call is over.
"""

# mypy: disable-error-code="no-untyped-def,misc,no-untyped-call"
# Numba's extension interface carries no types.

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model


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
        bare = [_strip(context, builder, kind[i], item) for i, item in enumerate(items)]  # type: ignore[index]
        return context.make_tuple(builder, kind, bare)
    return value


@intrinsic
def _borrow(typing_context: Any, thing: Any) -> Any:  # noqa: ARG001 - numba's signature
    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        return cgutils.alloca_once_value(builder, _strip(context, builder, thing, values[0]))

    return Borrowed(thing)(thing), generate


borrow: Callable[[Any], Any] = _borrow  # type: ignore[assignment]  # compiled code gives the first argument
"""Return a named tuple of arrays as a pointer to it; only compiled code can call this.

Borrow what the function was given as an argument, never what it made itself: a local tuple is freed after the last
line that names it, borrowed or not. What is borrowed must not be returned.
"""
