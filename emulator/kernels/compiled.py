"""How kernels are compiled: the decorators that every compiled function of Twinbar bears.

Whatever integers a kernel is called with from another one, it is compiled for ``int64`` (``uint64`` where a caller has
that), and never for the value of a constant: each kernel is compiled once for each set of array types. `KernelCache`
keeps it between processes.

No kernel divides by zero: what it is given is checked before. So integers are divided without looking for one
(``error_model``).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numba
from numba import types
from numba.core import sigutils
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher

from twinbar.emulator.kernels.kernel_cache import KernelCache


def _plain(argument: Any) -> Any:
    """Return the type that a kernel is compiled for, where a caller passes ``argument``."""
    argument = types.unliteral(argument)
    if isinstance(argument, types.Integer) and argument != types.uint64:
        return types.int64
    return argument


def _compile_with(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options)(function)
        if dispatcher is function:  # NUMBA_DISABLE_JIT: a debugger or a tracer follows the Python code
            return function
        resolve = dispatcher.get_call_template

        def resolve_plain(args: Any, kws: Any) -> Any:
            return resolve(tuple(map(_plain, args)), {name: _plain(argument) for name, argument in kws.items()})

        dispatcher.get_call_template = resolve_plain
        _keep(dispatcher)
        return dispatcher

    return decorate


def _keep(compiled: Any) -> None:
    """Let the compiled function use `KernelCache`, where Numba's decorators would set its own."""
    if not hasattr(compiled, "_cache"):
        raise RuntimeError(f"Numba {numba.__version__} keeps compiled functions in another way than Twinbar knows")
    compiled._cache = KernelCache(compiled)


def cache_of(compiled: Any) -> KernelCache:
    """Return what keeps a compiled function between processes."""
    kept: KernelCache = compiled._cache
    return kept


inline: Final = _compile_with(forceinline=True, _nrt=False, no_cfunc_wrapper=True, error_model="numpy")
"""Compile once, and let the machine code of every caller contain it: hundreds of millions of calls a second."""

part: Final = _compile_with(inline="always", _nrt=False, error_model="numpy")
"""Compile as if the function stood in its caller: for the parts of one kernel, which have no other caller.

Compiling them on their own would take as long as the kernel itself, which contains them, once for every level of calls.
"""

kernel: Final = _compile_with(_nrt=False, nogil=True, no_cfunc_wrapper=True, error_model="numpy")
"""Compile without reference counts, which would take most of the time of functions that look at many arrays.

The caller holds all arrays; a kernel cannot make one. Called from Python, it lets other threads run.
"""

allocating_kernel: Final = _compile_with(no_cfunc_wrapper=True)
"""Compile a function that makes arrays."""


def for_types_of(compiled: Any, arguments: Sequence[Any]) -> Callable[..., Any]:
    """Return the machine code of a compiled function for arguments of the same types, dimensions and layouts as these.

    Numba inspects every argument of every call to find that code, and named tuples of arrays for longer than a small
    kernel runs. The code itself inspects nothing: use it only for arrays that are always made alike.
    """
    if not isinstance(compiled, Dispatcher):  # NUMBA_DISABLE_JIT
        function: Callable[..., Any] = compiled
        return function
    prepared: Callable[..., Any] = compiled.compile(tuple(map(numba.typeof, arguments)))
    return prepared


def callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that C code calls; gives a decorator, as `numba.cfunc` does."""

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = CFunc(function, sigutils.normalize_signature(signature), locals={}, options={})
        _keep(compiled)
        compiled.compile()
        return compiled

    return decorate
