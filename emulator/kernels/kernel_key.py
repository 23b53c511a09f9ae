"""What a kernel is made of, as a digest: its code, the kernels it calls, and the constants that it freezes.

Every global name that a kernel's code loads is looked up where Numba looks it up, and followed. Comments, docstrings
and line numbers do not count, nor does anything that no kernel names, so that an edit there recompiles nothing. What
cannot be described is an error: with a dependency left out, kernels would go on as they were compiled.
"""

import builtins
import dis
import enum
import functools
import hashlib
import types
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.extending import _Intrinsic

_PACKAGE: Final = "twinbar"
_LIBRARIES: Final = ("numba", "llvmlite", "numpy", "math", "typing", "builtins")
"""What they do follows from their versions; Numba tells apart its own."""
_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.generic)


class _Ingredients(NamedTuple):
    """What a function is made of itself, and the compiled functions that it calls."""

    parts: tuple[str, ...]
    calls: tuple[Any, ...]


def kernel_key(compiled: Any) -> str:
    """Return the digest of a dispatcher or C callback.

    Raises
    ------
    TypeError
        If it names something of which it is not known what a kernel takes in.
    """
    digest = hashlib.sha256(np.__version__.encode())
    found, waiting = {id(compiled)}, [compiled]
    while waiting:
        function = waiting.pop()
        parts, calls = _ingredients(function)
        digest.update("\0".join(parts).encode())
        for call in calls:
            if id(call) not in found:
                found.add(id(call))
                waiting.append(call)
    return digest.hexdigest()


@functools.cache
def _ingredients(compiled: Any) -> _Ingredients:
    """Describe a dispatcher, C callback, intrinsic or plain function."""
    function = compiled._defn if isinstance(compiled, _Intrinsic) else getattr(compiled, "__wrapped__", compiled)
    where = f"{function.__module__}.{function.__qualname__}"
    parts = [where]
    calls: list[Any] = []
    if isinstance(compiled, Dispatcher):
        parts.append(repr(sorted(compiled.targetoptions.items())))
    _describe(function.__defaults__, where, parts, calls)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    scope = {**vars(builtins), **function.__globals__, **{name: cell.cell_contents for name, cell in cells}}
    for code in _codes(function.__code__):
        parts += _text_of(code)
        for path in _global_names(code):
            parts.append(".".join(path))
            if path[0] in code.co_cellvars or (code is not function.__code__ and path[0] in code.co_freevars):
                continue  # a variable of the function around it
            if path[0] not in scope:
                raise TypeError(f"{where} names {path[0]}, which does not exist")
            _describe(_resolve(scope[path[0]], path[1:], where), where, parts, calls)
    return _Ingredients(tuple(parts), tuple(calls))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Return a code object and those in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _text_of(code: types.CodeType) -> list[str]:
    """Describe what a code object does: its instructions, and the constants and names that they count."""
    constants = [constant for constant in code.co_consts if not isinstance(constant, types.CodeType)]
    if constants and isinstance(constants[0], str):
        constants[0] = None  # the docstring; kernels compute with numbers
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, code.co_kwonlyargcount)
    return [code.co_code.hex(), repr(constants), repr(names)]


def _global_names(code: types.CodeType) -> Iterator[tuple[str, ...]]:
    """Return the global names that a code object loads, each with the attributes that are taken of it."""
    path: list[str] = []
    for instruction in dis.get_instructions(code):
        if path and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            path.append(instruction.argval)
            continue
        if instruction.opname in ("CACHE", "EXTENDED_ARG", "PUSH_NULL"):
            continue
        if path:
            yield tuple(path)
        loads = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF")
        path = [instruction.argval] if instruction.opname in loads else []
    if path:
        yield tuple(path)


def _resolve(value: Any, attributes: tuple[str, ...], where: str) -> Any:
    """Follow attributes through modules and classes; those of other objects belong to what the kernel computes."""
    for attribute in attributes:
        if isinstance(value, types.ModuleType):
            if not hasattr(value, attribute):
                raise TypeError(f"{where} names {value.__name__}.{attribute}, which does not exist")
            value = getattr(value, attribute)
    if isinstance(value, types.ModuleType):
        raise TypeError(f"{where} takes in the whole module {value.__name__}; name what it needs of it")
    return value


def _describe(value: Any, where: str, parts: list[str], calls: list[Any]) -> None:
    """Add the description of a value that a function names; compiled functions are added to ``calls``."""
    if isinstance(value, (Dispatcher, _Intrinsic)) or _is_own_function(value):
        calls.append(value)
        return
    parts.append(type(value).__qualname__)
    if isinstance(value, (tuple, list)):
        parts.append(str(len(value)))
        for member in value:
            _describe(member, where, parts, calls)
    elif isinstance(value, np.ndarray):
        parts += [repr((value.dtype.descr, value.shape)), value.tobytes().hex()]
    else:
        parts.append(_description(value, where))


def _description(value: Any, where: str) -> str:
    """Return the text that tells a constant, a type or a library's function from every other."""
    if isinstance(value, enum.Enum):
        return repr((type(value).__qualname__, value.name, value.value))
    if isinstance(value, (*_PLAIN, numba.types.Type)):
        return repr(value)
    if isinstance(value, np.dtype):
        return repr((value.descr, value.itemsize))
    if isinstance(value, enum.EnumType):
        members: dict[str, Any] = dict(value.__members__)
        return repr((value.__qualname__, [(name, member.value) for name, member in members.items()]))
    if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
        return repr((value.__qualname__, value._fields))
    module = getattr(value, "__module__", None) or type(value).__module__
    if module.partition(".")[0] in _LIBRARIES:
        return f"{module}.{getattr(value, '__qualname__', repr(value))}"
    raise TypeError(f"{where} takes in {value!r}, of which it is not known what a kernel keeps")


def _is_own_function(value: Any) -> bool:
    """Say whether a value is a plain Python function of Twinbar, which an intrinsic may call."""
    return isinstance(value, types.FunctionType) and value.__module__.partition(".")[0] not in _LIBRARIES
