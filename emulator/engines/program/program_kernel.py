"""The clock of the compiled controller: goes from one cycle in which something happens to the next."""

import numpy as np

from twinbar.emulator.compiled import kernel
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_ahead import (
    WATCHDOG_FAULT,
    before_own_fault,
    first_watchdog,
    horizon_of,
    next_own_fault,
    next_pin_event,
    own_fault,
    pin_faults,
    rest_watchdog,
    watchdog_due,
)
from twinbar.emulator.engines.program.program_cell import FAULTED
from twinbar.emulator.engines.program.program_drive import disarm
from twinbar.emulator.engines.program.program_front_end import rest_parts
from twinbar.emulator.engines.program.program_housekeeping import load_inputs
from twinbar.emulator.engines.program.program_streams import (
    ABORTED_NOW,
    ACCEPTED_LAST,
    BUSY_UNTIL,
    DISPATCH,
    ROOM,
    SAFE_NOW,
    WAITING,
    dispatch,
    head_visible,
    pop,
    serve,
)
from twinbar.emulator.engines.program.program_tile import (
    ABORTED,
    NO_CUT,
    OK,
    advance,
    hand_over,
    rest,
    start,
    stop_work,
)


@kernel
def _next_work(streams):
    """Give the next cycle in which a beat is dispatched, a tile has something to do, or a response is handed over."""
    wakes, offers = streams.wakes, streams.offers
    wake = at.NEVER
    offer = at.NEVER
    for tile in range(wakes.shape[0]):
        wake = min(wake, wakes[tile])
        offer = min(offer, offers[tile])
    return min(min(wake, max(offer, streams.flow[ROOM])), streams.flow[DISPATCH])


@kernel
def _schedule(row, streams, tile, cycle):
    """Note when a tile has something to do next, behind ``cycle``."""
    state = row[at.STATE]
    streams.offers[tile] = row[at.BEGIN] if state == at.RESPOND else at.NEVER
    wake = at.NEVER
    if state == at.IDLE:
        wake = max(head_visible(row, streams, tile), cycle + 1)
    elif state != at.RESPOND:
        wake = row[at.END]
    streams.wakes[tile] = wake


@kernel
def _be_free(s, row, tile, chip, rules, streams, pins, horizon, cycle):
    """Take the next command if it is there, else be idle: the last cycle of a command, or an idle one."""
    if head_visible(row, streams, tile) <= cycle:
        if row[at.STATE] == at.IDLE:
            rest(row, cycle)
        start(row, tile, chip, rules, pop(row, streams, tile), cycle)
        horizon = before_own_fault(row, horizon, cycle)
        advance(s, row, tile, chip, pins, horizon, NO_CUT)
        if streams.flow[WAITING]:
            streams.flow[DISPATCH] = cycle + 1
    elif row[at.STATE] != at.IDLE:
        be_idle(row, cycle)


@kernel
def be_idle(row, cycle):
    """Let a tile be idle behind ``cycle``."""
    row[at.STATE] = at.IDLE
    row[at.BEGIN] = cycle + 1


@kernel
def run(s, tiles, chip, rules, streams, pins):
    """Run a program; gives its cycles.

    Parameters
    ----------
    s : ArrayState
    tiles : int64 [tiles, row size]
        State of every tile (`twinbar.emulator.engines.program.program_layout`).
    chip : int64 [CHIP_SIZE]
    rules : Rules
    streams : Streams
    pins : int64 [n, 4]
        The program's pin pulses, as they are seen behind the synchronizer.
    """
    count = tiles.shape[0]
    flow, wakes = streams.flow, streams.wakes
    for pulse in range(pins.shape[0]):
        flow[BUSY_UNTIL] = max(flow[BUSY_UNTIL], pins[pulse, at.PIN_LAST])
    serial = chip[at.CHIP_SERIAL] != 0
    pin_event = next_pin_event(tiles, pins, -1)
    watchdog = first_watchdog(tiles, flow[ACCEPTED_LAST])
    while True:
        work = _next_work(streams)
        cycle = min(work, min(pin_event, watchdog))
        if work == at.NEVER and cycle > flow[BUSY_UNTIL]:
            break
        accepted_before = flow[ACCEPTED_LAST]
        flow[SAFE_NOW] = 0
        flow[ABORTED_NOW] = -1
        if cycle == flow[DISPATCH]:
            dispatch(tiles, streams, cycle)
        safe = flow[SAFE_NOW] != 0
        expires = cycle >= watchdog
        halting = safe or flow[ABORTED_NOW] >= 0 or expires or cycle >= pin_event
        server = serve(tiles, chip, streams, cycle)
        horizon = np.int64(-1)
        for tile in range(count):
            row = tiles[tile]
            faults = np.int64(0)
            stopped = False
            if halting:
                faults += pin_faults(pins, tile, cycle, row[at.FAULTS])
                if expires and watchdog_due(row, accepted_before) <= cycle:
                    faults |= WATCHDOG_FAULT
                stopped = safe or tile == flow[ABORTED_NOW]
            if serial:
                faults |= own_fault(row, cycle)
            halted = stopped or faults != 0
            if not halted and wakes[tile] != cycle and tile != server:
                continue
            reason = OK if not halted else (FAULTED if faults else ABORTED)
            if horizon < 0:
                horizon = horizon_of(streams, pins, watchdog, cycle)
            free = row[at.STATE] == at.IDLE
            if tile == server:
                free = hand_over(row, chip, cycle, reason)
            elif row[at.STATE] == at.LOAD:
                load_inputs(row, s.inputs[tile], chip)
                flow[BUSY_UNTIL] = max(flow[BUSY_UNTIL], cycle)
                free = True
            elif halted:
                stop_work(s, row, tile, chip, pins, cycle, reason)
            else:
                advance(s, row, tile, chip, pins, before_own_fault(row, horizon, cycle), NO_CUT)
            if halted:
                row[at.FAULTS] |= faults
                row[at.ABORTING] += np.int64(stopped)
                if faults or safe:
                    disarm(row, chip, cycle)
                if free and row[at.STATE] != at.IDLE:
                    be_idle(row, cycle)
            elif free:
                _be_free(s, row, tile, chip, rules, streams, pins, horizon, cycle)
            watchdog = min(watchdog, watchdog_due(row, flow[ACCEPTED_LAST]))
            _schedule(row, streams, tile, cycle)
        if pins.shape[0]:
            pin_event = next_pin_event(tiles, pins, cycle)
        if serial:
            pin_event = min(pin_event if pins.shape[0] else np.int64(at.NEVER), next_own_fault(tiles, cycle))
        if expires:
            watchdog = first_watchdog(tiles, flow[ACCEPTED_LAST])
    cycles = flow[BUSY_UNTIL] + 1
    for tile in range(count):
        row = tiles[tile]
        rest(row, cycles - 1)
        row[at.BEGIN] = 0
        row[at.HEAD] = 0
        row[at.LIMITED] = -1
        rest_watchdog(row, flow, cycles)
        if serial:
            rest_parts(row, chip, cycles)
    return cycles
