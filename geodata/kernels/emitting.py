"""Machine code only for functions that Python calls.

The compiler makes machine code of each function as soon as it knows it, although a caller in compiled code takes in its
intermediate form and makes it part of its own. Here a function waits until Python wants its address; the optimiser goes
over it in full then, with all it calls taken in. A quarter of the compiler's time is saved, the callers' code is the
same. This stands on parts of numba that it does not promise: :mod:`geodata.kernels.compiling` uses it with a numba that
was tried, and leaves numba as it is with any other.
"""

# mypy: disable-error-code="no-untyped-call,attr-defined"
# Numba carries no types.

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.environment import lookup_environment
from numba.core.registry import cpu_target

_PARTS = (
    "_ensure_finalized",
    "_finalize_dynamic_globals",
    "_finalize_final_module",
    "_optimize_final_module",
    "serialize_using_bitcode",
    "serialize_using_object_code",
)
_ENVIRONMENT = "_ZN08NumbaEnv"


class WaitingLibrary(JITCodeLibrary):
    """Code of one function and of those it calls; machine code once somebody asks for an address in it."""

    _is_emitted = False

    def _optimize_final_module(self) -> None:
        """Only the cheap half: it takes in what is called, so that callers take in small functions."""
        codegen = self._codegen
        manager, builder = codegen._module_pass_manager(  # noqa: SLF001 - numba names it so
            loop_vectorize=codegen._loopvect,  # noqa: SLF001 - numba names it so
            slp_vectorize=False,
            opt=codegen._opt_level,  # noqa: SLF001 - numba names it so
            cost="cheap",
        )
        manager.run(self._final_module, builder)

    def _finalize_final_module(self) -> None:
        if getattr(self, "_compiled_object", None):  # read from disk, with its machine code
            self._emit(optimise=False)
            return
        self._finalize_dynamic_globals()
        self._finalized = True

    def _emit(self, *, optimise: bool) -> None:
        self._is_emitted = True
        self._dynamic_globals.clear()  # counted again
        if optimise:
            super()._optimize_final_module()
            self._final_module.verify()
        super()._finalize_final_module()
        for name in [one.name for one in self._final_module.global_variables]:
            found = lookup_environment(name) if name.startswith(_ENVIRONMENT) else None
            if found is not None:
                self._codegen.set_env(name, found)

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address of a function, 0 if there is none of this name."""
        self._ensure_finalized()
        if not self._is_emitted:
            if name not in {one.name for one in self.get_defined_functions()}:
                return 0
            self._emit(optimise=True)
        address: int = super().get_pointer_to_function(name)
        return address

    def serialize_using_object_code(self) -> Any:
        """Return what is kept on disk: without machine code where nobody has asked for it."""
        self._ensure_finalized()
        if not self._is_emitted:
            return self.serialize_using_bitcode()
        return super().serialize_using_object_code()


def wait_with_machine_code() -> None:
    """Let numba make machine code only where it is asked for; an AttributeError says that its parts are otherwise."""
    for name in _PARTS:
        getattr(JITCodeLibrary, name)
    codegen: Any = cpu_target.target_context.codegen()
    found = codegen._library_class  # noqa: SLF001 - numba names it so
    if found is not JITCodeLibrary:
        raise AttributeError(f"libraries of code are {found}, expected {JITCodeLibrary}")
    set_environment, is_defined = codegen.set_env, codegen._engine.is_symbol_defined  # noqa: SLF001 - as above
    codegen._library_class = WaitingLibrary  # noqa: SLF001 - as above

    def set_once_there(name: str, environment: Any) -> None:
        if is_defined(name):
            set_environment(name, environment)

    codegen.set_env = set_once_there
