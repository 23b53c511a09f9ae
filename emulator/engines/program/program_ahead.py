"""What may stop a tile, and when: halting beats of the stream, asynchronous inputs, and watchdogs."""

from typing import Final

import numpy as np

from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_registers import FAULT, STOP, is_high
from twinbar.emulator.kernels.compiled import kernel
from twinbar.hw.protocol.layouts import FAULTS
from twinbar.hw.protocol.registers import WATCHDOG
from twinbar.hw.protocol.vocabulary import Mode

MODE_SAFE: Final = Mode.SAFE.value
WATCHDOG_AT: Final = WATCHDOG.address
WATCHDOG_FAULT: Final = FAULTS["watchdog"].put(1)
STOP_FAULT: Final = FAULTS["stop"].put(1)
FRONT_END_FAULT: Final = FAULTS["front_end"].put(1)
"""Bits of the latched faults."""


@kernel
def pin_faults(pins, tile, cycle, latched):
    """Return the faults that the inputs raise in a tile."""
    faults = 0
    if not latched & STOP_FAULT and is_high(pins, STOP, tile, cycle):
        faults |= STOP_FAULT
    if not latched & FRONT_END_FAULT and is_high(pins, FAULT, tile, cycle):
        faults |= FRONT_END_FAULT
    return faults


@kernel
def own_fault(row, cycle):
    """Return the fault that a serial front end raises in its tile, because it was asked for what it cannot do."""
    if row.fault_first <= cycle <= row.fault_last:
        return FRONT_END_FAULT & ~row.faults
    return np.int64(0)


@kernel
def next_own_fault(tiles, cycle):
    """Return the first cycle behind ``cycle`` in which a tile may be stopped by its own front end."""
    following = np.int64(at.NEVER)
    for tile in range(tiles.shape[0]):
        row = tiles[tile]
        if row.fault_first > cycle:
            following = min(following, row.fault_first)
        elif own_fault(row, cycle + 1):
            following = cycle + 1
    return following


@kernel
def before_own_fault(row, horizon, cycle):
    """Cut a tile's horizon where its own front end may stop it."""
    if row.fault_last > cycle:
        horizon = min(horizon, max(row.fault_first, cycle + 1))
    return horizon


@kernel
def next_pin_event(tiles, pins, cycle):
    """Return the first cycle behind ``cycle`` in which an input may stop a tile, as faults are latched now."""
    following = at.NEVER
    for pulse in range(pins.shape[0]):
        if pins[pulse].first > cycle:
            following = min(following, pins[pulse].first)
    if pins.shape[0]:
        for tile in range(tiles.shape[0]):
            if pin_faults(pins, tile, cycle + 1, tiles[tile].faults):
                following = cycle + 1
    return following


@kernel
def watchdog_due(row, last_accepted):
    """Return the cycle in which a tile's watchdog expires if no beat is accepted any more."""
    if row.mode == MODE_SAFE or row.registers[WATCHDOG_AT] == 0:
        return at.NEVER
    return max(row.armed_since, last_accepted + 1) + row.registers[WATCHDOG_AT]


@kernel
def first_watchdog(tiles, last_accepted):
    """Return the cycle in which the first watchdog expires."""
    first = at.NEVER
    for tile in range(tiles.shape[0]):
        first = min(first, watchdog_due(tiles[tile], last_accepted))
    return first


@kernel
def horizon_of(streams, pins, watchdog, cycle):
    """Return the first cycle behind ``cycle`` in which a halt may come from outside of a tile."""
    flow = streams.flow
    horizon = max(watchdog, cycle + 1)
    for pulse in range(pins.shape[0]):
        if pins[pulse].last > cycle:
            horizon = min(horizon, max(pins[pulse].first, cycle + 1))
    position = flow.position
    stop = streams.stops[position + flow.waiting]
    if stop < streams.commands.shape[0]:
        # Every beat before it takes a cycle at least.
        soonest = cycle + 1 if flow.waiting else flow.dispatch
        horizon = min(horizon, max(soonest + stop - position, streams.arrivals[stop]))
    return horizon


@kernel
def rest_watchdog(row, flow, cycles):
    """Let a tile's watchdog stand still at the end of a program."""
    row.armed_since = max(row.armed_since, flow.accepted_last + 1) - cycles
