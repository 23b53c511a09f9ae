"""The clock of the compiled controller: goes from one cycle in which something happens to the next."""

import numpy as np

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
from twinbar.emulator.kernels.compiled import kernel, part


@part
def _next_work(streams):
    """Return the next cycle in which a beat is dispatched, a tile has something to do, or a response is handed over."""
    wakes, offers = streams.wakes, streams.offers
    wake = at.NEVER
    offer = at.NEVER
    for tile in range(wakes.shape[0]):
        wake = min(wake, wakes[tile])
        offer = min(offer, offers[tile])
    return min(min(wake, max(offer, streams.flow.room)), streams.flow.dispatch)


@kernel
def _schedule(row, streams, tile, cycle):
    """Note when a tile has something to do next, behind ``cycle``."""
    state = row.state
    streams.offers[tile] = row.begin if state == at.RESPOND else at.NEVER
    wake = at.NEVER
    if state == at.IDLE:
        wake = max(head_visible(row, streams, tile), cycle + 1)
    elif state != at.RESPOND:
        wake = row.end
    streams.wakes[tile] = wake


@part
def _take_next(s, row, tile, chip, rules, streams, pins, horizon, cycle):
    """Take the next command if it is there, else go idle: in the last cycle of a command, or in an idle one."""
    if head_visible(row, streams, tile) <= cycle:
        if row.state == at.IDLE:
            rest(row, cycle)
        start(row, tile, chip, rules, pop(row, streams, tile), cycle)
        horizon = before_own_fault(row, horizon, cycle)
        advance(s, row, tile, chip, pins, horizon, NO_CUT)
        if streams.flow.waiting:
            streams.flow.dispatch = cycle + 1
    elif row.state != at.IDLE:
        go_idle(row, cycle)


@kernel
def go_idle(row, cycle):
    """Make a tile idle from the next cycle on."""
    row.state = at.IDLE
    row.begin = cycle + 1


@part
def _visit(s, row, tile, chip, rules, streams, pins, horizon, cycle, served, faults, stopped):
    """Let a tile do what it does in a cycle in which it has something to do, is answered, or is halted.

    Parameters
    ----------
    horizon : int
        First cycle behind this one in which a halt may come from outside of the tile.
    served : bool
        Its response is handed over.
    faults : int
        Faults that halt it.
    stopped : bool
        A SAFE or ABORT halts it.
    """
    halted = stopped or faults != 0
    reason = OK if not halted else (FAULTED if faults else ABORTED)
    free = row.state == at.IDLE
    if served:
        free = hand_over(row, chip, cycle, reason)
    elif row.state == at.LOAD:
        load_inputs(row, s.inputs[tile], chip)
        streams.flow.busy_until = max(streams.flow.busy_until, cycle)
        free = True
    elif halted:
        stop_work(s, row, tile, chip, pins, cycle, reason)
    else:
        advance(s, row, tile, chip, pins, before_own_fault(row, horizon, cycle), NO_CUT)
    if halted:
        row.faults |= faults
        row.aborting += np.int64(stopped)
        if faults or streams.flow.safe_now:
            disarm(row, chip, cycle)
        if free and row.state != at.IDLE:
            go_idle(row, cycle)
    elif free:
        _take_next(s, row, tile, chip, rules, streams, pins, horizon, cycle)


@part
def _halts(row, tile, streams, pins, cycle, accepted_before):
    """Return the faults that halt a tile from outside, and whether a SAFE or ABORT does."""
    flow = streams.flow
    faults = np.int64(pin_faults(pins, tile, cycle, row.faults))
    if cycle >= flow.watchdog and watchdog_due(row, accepted_before) <= cycle:
        faults |= WATCHDOG_FAULT
    return faults, flow.safe_now != 0 or tile == flow.aborted_now


@part
def _step(s, tiles, chip, rules, streams, pins, cycle):
    """Let everything happen that happens in a cycle."""
    flow, wakes = streams.flow, streams.wakes
    accepted_before = flow.accepted_last
    flow.safe_now = 0
    flow.aborted_now = -1
    if cycle == flow.dispatch:
        dispatch(tiles, streams, cycle)
    expires = cycle >= flow.watchdog
    halting = flow.safe_now != 0 or flow.aborted_now >= 0 or expires or cycle >= flow.pin_event
    server = serve(tiles, chip, streams, cycle)
    horizon = np.int64(-1)
    due = flow.watchdog
    for tile in range(tiles.shape[0]):
        row = tiles[tile]
        faults, stopped = np.int64(0), False
        if halting:
            faults, stopped = _halts(row, tile, streams, pins, cycle, accepted_before)
        if chip.serial:
            faults |= own_fault(row, cycle)
        if not stopped and faults == 0 and wakes[tile] != cycle and tile != server:
            continue
        if horizon < 0:
            horizon = horizon_of(streams, pins, due, cycle)
        _visit(s, row, tile, chip, rules, streams, pins, horizon, cycle, tile == server, faults, stopped)
        due = min(due, watchdog_due(row, flow.accepted_last))
        _schedule(row, streams, tile, cycle)
    flow.watchdog = first_watchdog(tiles, flow.accepted_last) if expires else due
    if pins.shape[0]:
        flow.pin_event = next_pin_event(tiles, pins, cycle)
    if chip.serial:
        flow.pin_event = min(flow.pin_event if pins.shape[0] else at.NEVER, next_own_fault(tiles, cycle))


@part
def _come_to_rest(tiles, chip, streams, cycles):
    """Prepare the tiles for the next program, which begins with cycle 0 again."""
    for tile in range(tiles.shape[0]):
        row = tiles[tile]
        rest(row, cycles - 1)
        row.begin = 0
        row.head = 0
        row.limited = -1
        rest_watchdog(row, streams.flow, cycles)
        if chip.serial:
            rest_parts(row, chip, cycles)


@kernel
def run(s, tiles, chip, rules, streams, pins):
    """Run a program; gives its cycles.

    Parameters
    ----------
    s : ArrayState
    tiles : `program_layout.TILE` [tiles]
        State of every tile.
    chip : record `program_layout.CHIP`
    rules : Rules
    streams : Streams
    pins : `program_layout.PIN` [n]
        The program's pin pulses, as they are seen behind the synchronizer.
    """
    flow = streams.flow
    for pulse in range(pins.shape[0]):
        flow.busy_until = max(flow.busy_until, pins[pulse].last)
    flow.pin_event = next_pin_event(tiles, pins, -1)
    flow.watchdog = first_watchdog(tiles, flow.accepted_last)
    while True:
        work = _next_work(streams)
        cycle = min(work, min(flow.pin_event, flow.watchdog))
        if work == at.NEVER and cycle > flow.busy_until:
            break
        _step(s, tiles, chip, rules, streams, pins, cycle)
    cycles = flow.busy_until + 1
    _come_to_rest(tiles, chip, streams, cycles)
    return cycles
