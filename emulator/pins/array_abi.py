"""The functions of `twinbar.emulator.crossbar.array` as C functions, for the harness.

Every function takes a pointer to the addresses of the arrays of `ArrayState`, in its order, followed by their sizes;
then its own arguments, all int64.
"""

import ctypes
from typing import Any, Final

import numpy as np
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic

from twinbar.emulator.crossbar.array import (
    SHAPE,
    ArrayState,
    convert_single,
    convert_sum,
    gate_closes,
    gate_opens,
    sum_step,
)
from twinbar.emulator.devices.layout import SCALARS
from twinbar.emulator.kernels.compiled import callback, part

ARRAYS: Final = len(ArrayState._fields)
SIZES: Final = 9
"""Tiles, cells, cells that age, channels, rows, columns, cells and rows that reads disturb, entries of the tables."""


@intrinsic
def _pointer(_context: Any, address: Any) -> Any:
    """Make a pointer of an address."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), code


@part
def _state(record):
    """Rebuild the arrays from the record of their addresses and sizes."""
    at = carray(record, ARRAYS + SIZES)
    tiles, cells, ageing = at[ARRAYS], at[ARRAYS + 1], at[ARRAYS + 2]
    channels, rows, columns = at[ARRAYS + 3], at[ARRAYS + 4], at[ARRAYS + 5]
    stressed, stressed_rows, entries = at[ARRAYS + 6], at[ARRAYS + 7], at[ARRAYS + 8]
    return ArrayState(
        g=carray(_pointer(at[0]), (tiles, cells), np.int32),
        pulses=carray(_pointer(at[1]), (tiles, cells), np.uint32),
        last_tick=carray(_pointer(at[2]), (tiles, ageing), np.uint32),
        fault=carray(_pointer(at[3]), (tiles, cells), np.uint8),
        conversions=carray(_pointer(at[4]), (tiles, channels), np.int64),
        grid=carray(_pointer(at[5]), (tiles, cells), np.int32),
        spread=carray(_pointer(at[6]), (tiles, cells), np.int32),
        product=carray(_pointer(at[7]), (tiles, cells), np.int32),
        product_spread=carray(_pointer(at[8]), (tiles, cells), np.int32),
        row_sum=carray(_pointer(at[9]), (tiles, rows), np.int64),
        inputs=carray(_pointer(at[10]), (tiles, rows), np.uint8),
        sums=carray(_pointer(at[11]), (tiles, columns), np.int64),
        variances=carray(_pointer(at[12]), (tiles, columns), np.int64),
        mapped=carray(_pointer(at[13]), (tiles,), np.int64),
        stress=carray(_pointer(at[14]), (tiles, stressed), np.int64),
        row_stress=carray(_pointer(at[15]), (tiles, stressed_rows), np.int64),
        shape=carray(_pointer(at[16]), (1,), SHAPE),
        scalars=carray(_pointer(at[17]), (1,), SCALARS),
        tables=carray(_pointer(at[18]), (entries,), np.int32),
    )


_RECORD = types.CPointer(types.int64)


def _function(arguments: int) -> Any:
    return callback(types.int64(_RECORD, *(types.int64,) * arguments))


@_function(6)
def opens(record, tile, cell, polarity, amplitude, gate, compliance):
    """Call `gate_opens`."""
    return gate_opens(_state(record), tile, cell, polarity, amplitude, gate, compliance)


@_function(6)
def closes(record, tile, cell, polarity, amplitude, gate, width):
    """Call `gate_closes`."""
    return gate_closes(_state(record), tile, cell, polarity, amplitude, gate, width)


@_function(7)
def converts(record, tile, cell, column, pair, channel, trim, code_range):
    """Call `convert_single`."""
    return convert_single(_state(record), tile, cell, column, pair, channel, trim, code_range)


@_function(5)
def sums_step(record, tile, plane, subtract, codes, driven):
    """Call `sum_step`; how many rows are driven goes to the int64 at the address ``driven``."""
    heat, rows = sum_step(_state(record), tile, plane, subtract, codes)
    carray(_pointer(driven), (1,), np.int64)[0] = rows
    return heat


@_function(6)
def converts_sum(record, tile, output, subtract, channel, trim, code_range):
    """Call `convert_sum`."""
    return convert_sum(_state(record), tile, output, subtract, channel, trim, code_range)


FUNCTIONS: Final = {
    "gate_opens": opens,
    "gate_closes": closes,
    "convert_single": converts,
    "sum_step": sums_step,
    "convert_sum": converts_sum,
}
_NUMBERS: Final = ("sample_and_hold", "least_code", "greatest_code", "least_pair_code", "greatest_pair_code")


class Arrays(ctypes.Structure):
    """What the harness gets: addresses of the record, of what the harness itself looks at, and of functions."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("record", "grid", "inputs", *FUNCTIONS)),
        *((name, ctypes.c_int64) for name in _NUMBERS),
    ]


def record_of(state: ArrayState) -> np.ndarray:
    """Make the record of the arrays' addresses and sizes (int64 [ARRAYS + SIZES])."""
    assert all(array.flags.c_contiguous for array in state)
    tiles, cells = state.g.shape
    sizes = (
        tiles,
        cells,
        *(
            array.shape[1]
            for array in (
                *(state.last_tick, state.conversions, state.inputs, state.sums),
                *(state.stress, state.row_stress),
            )
        ),
        len(state.tables),
    )
    return np.array([*(array.ctypes.data for array in state), *sizes], np.int64)


def arrays_of(state: ArrayState, record: np.ndarray, *, sample_and_hold: bool) -> Arrays:
    """Make what the harness gets.

    Parameters
    ----------
    state : ArrayState
    record : int64
        Of `record_of`. The caller keeps it alive, and the state.
    sample_and_hold : bool
    """
    greatest_pair = (1 << int(state.shape[0].adc_bits) - 1) - 1
    return Arrays(
        record=record.ctypes.data,
        grid=state.grid.ctypes.data,
        inputs=state.inputs.ctypes.data,
        **{name: function.address for name, function in FUNCTIONS.items()},
        sample_and_hold=int(sample_and_hold),
        # Without codes below zero, none says that something was cut off (`twinbar.emulator.crossbar.array.is_clipped`).
        least_code=int(state.scalars[0].adc_min) or np.iinfo(np.int64).min,
        greatest_code=int(state.scalars[0].adc_max),
        least_pair_code=-greatest_pair - 1,
        greatest_pair_code=greatest_pair,
    )
