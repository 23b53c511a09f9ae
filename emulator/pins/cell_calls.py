"""The functions of single cells as Python engines call them: at the price of a call of C.

Numba's own way into `twinbar.emulator.crossbar.array` looks at all arrays of the state in each call, which takes longer
than what is computed.
"""

import ctypes
from collections.abc import Callable
from functools import partial
from inspect import isfunction
from typing import Any

from twinbar.emulator.crossbar import array
from twinbar.emulator.crossbar.array import ArrayState


class CellCalls:
    """Functions of single cells, with the arrays that they work on.

    Parameters
    ----------
    state : ArrayState

    Attributes
    ----------
    gate_opens, gate_closes, convert_single : callable
        Those of `twinbar.emulator.crossbar.array`, but for their first argument.
    """

    def __init__(self, state: ArrayState) -> None:
        self._state = state
        bound = self._uncompiled if isfunction(array.gate_opens) else self._compiled()  # NUMBA_DISABLE_JIT
        self.gate_opens = bound("gate_opens")
        self.gate_closes = bound("gate_closes")
        self.convert_single = bound("convert_single")

    def _compiled(self) -> Callable[[str], Callable[..., int]]:
        from twinbar.emulator.pins.array_abi import FUNCTIONS, record_of

        self._record = record_of(self._state)  # lives as long as its address is used
        address = self._record.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
        return lambda name: partial(FUNCTIONS[name].ctypes, address)

    def _uncompiled(self, name: str) -> Callable[..., int]:
        """Return a function that a debugger or a tracer can follow."""
        function = getattr(array, name)

        def call(*arguments: Any) -> int:
            return int(function(self._state, *arguments))

        return call
