"""The clock of the compiled controller: goes from one cycle in which something happens to the next."""

import numpy as np

from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import MULTIPLY, TRANSFER, admit
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
from twinbar.emulator.engines.program.program_flow import (
    completes_beat,
    flow_due,
    flow_on,
    keep_answered,
    offer_beat,
    stop_flow,
    take_sum,
)
from twinbar.emulator.engines.program.program_front_end import rest_parts
from twinbar.emulator.engines.program.program_housekeeping import load_inputs
from twinbar.emulator.engines.program.program_streams import (
    ANY,
    SENDS,
    TAKES,
    dispatch,
    head_visible,
    pop,
    serve,
)
from twinbar.emulator.engines.program.program_tile import (
    ABORTED,
    BODY_MASK,
    BODY_SHIFT,
    NO_CUT,
    OK,
    OPCODE_MASK,
    advance,
    hand_over,
    members_of,
    rest,
    start,
    stop_work,
)
from twinbar.emulator.engines.program.program_transfer import end_transfer, note_transfer, take_words, words_of
from twinbar.emulator.kernels.compiled import inline, kernel, part
from twinbar.hw.timing import TRANSFER_LATENCY


@part
def _next_work(streams):
    """Return the next cycle in which a beat is dispatched, a tile has something to do, or a response is handed over."""
    wakes, offers = streams.wakes, streams.offers
    wake = at.NEVER
    offer = at.NEVER
    for tile in range(wakes.shape[0]):
        wake = min(wake, wakes[tile])
        offer = min(offer, offers[tile])
    return min(min(wake, max(offer, streams.flow.room)), min(streams.flow.dispatch, streams.flow.transfer_due))


@kernel
def _schedule(tiles, tile, chip, streams, cycle):
    """Note when a tile has something to do next, behind ``cycle``."""
    row = tiles[tile]
    wake = at.NEVER
    if row.state == at.HAND_OVER:
        due = flow_due(tiles, tile)
        if not completes_beat(row, tile, chip):
            wake = max(due, cycle + 1)
        elif due != at.NEVER:
            offer_beat(tiles, tile, chip, due)
    state = row.state
    streams.offers[tile] = at.NEVER
    if state == at.RESPOND:
        streams.offers[tile] = row.offered if row.flows and row.opcode == MULTIPLY and row.status == OK else row.begin
    elif state == at.IDLE:
        visible = head_visible(row, streams, tile)
        wake = max(visible, cycle + 1)
        # What several tiles take begins when the last of them can; one that was halted looks again in the next cycle.
        if visible <= cycle and row.halted != cycle and _waits_for_others(streams, row, tile, chip):
            wake = at.NEVER
    elif state != at.HAND_OVER:
        wake = row.end
    streams.wakes[tile] = wake


@kernel
def _schedule_neighbours(tiles, tile, first, last, chip, streams, cycle):
    """Note when the neighbours of a tile that has handed over an output, from ``first`` to ``last``, can do so too."""
    for neighbour in range(max(tile - 1, first), min(tile + 1, last) + 1):
        if neighbour != tile and tiles[neighbour].state == at.HAND_OVER:
            before = streams.wakes[neighbour]
            _schedule(tiles, neighbour, chip, streams, cycle)
            streams.wakes[neighbour] = min(streams.wakes[neighbour], before)


@inline
def _members_at(streams, row, tile, chip):
    """Return the members of the command at the front of a tile's queue."""
    position = streams.queues[tile, row.head]
    return np.int64(1) if streams.astray[position] else members_of(streams.commands[position], chip)


@inline
def _waits_for_others(streams, row, tile, chip):
    """Whether the command at the front of a tile's queue is one that several tiles take in the same cycle."""
    if chip.cascade and _members_at(streams, row, tile, chip) > 1:
        return True
    position = streams.queues[tile, row.head]
    return chip.chain != 0 and streams.commands[position] & OPCODE_MASK == TRANSFER and not streams.astray[position]


@kernel
def _begin(s, row, tile, chip, rules, streams, pins, horizon, cycle, ends):
    """Take the command at the front of a tile's queue (``ends`` as in `start`)."""
    if row.state == at.IDLE:
        rest(row, cycle)
    position = pop(row, streams, tile)
    owner = streams.owners[position]
    astray = streams.astray[position] != 0
    start(row, tile, chip, rules, streams.commands[position], cycle, owner in (ANY, tile), astray, ends)
    advance(s, row, tile, chip, pins, before_own_fault(row, horizon, cycle), NO_CUT)
    if streams.flow.waiting:
        streams.flow.dispatch = cycle + 1


@part
def _take_next(s, row, tile, chip, rules, streams, pins, horizon, cycle):
    """Take the next command if it is there, else go idle: in the last cycle of a command, or in an idle one."""
    visible = head_visible(row, streams, tile) <= cycle
    if visible and _waits_for_others(streams, row, tile, chip):
        streams.flow.gathers = 1
        visible = False
    if visible:
        _begin(s, row, tile, chip, rules, streams, pins, horizon, cycle, False)
    elif row.state != at.IDLE:
        go_idle(row, cycle)


@kernel
def _all_can_take(tiles, streams, first, behind, cycle):
    """Whether all members of a cascade could take it in ``cycle``."""
    position = streams.queues[first, tiles[first].head]
    for tile in range(first, behind):
        row = tiles[tile]
        if row.state != at.IDLE or row.halted == cycle or head_visible(row, streams, tile) > cycle:
            return False
        if streams.queues[tile, row.head] != position:
            return False
    return True


@kernel
def _start_cascades(s, tiles, chip, rules, streams, pins, horizon, cycle):
    """Let the members of a cascade take it in the cycle in which the last of them can."""
    for first in range(tiles.shape[0]):
        row = tiles[first]
        if row.state != at.IDLE or row.level == 0 or streams.owners[streams.queues[first, row.head]] != first:
            continue
        behind = first + _members_at(streams, row, first, chip)
        if behind == first + 1 or not _all_can_take(tiles, streams, first, behind, cycle):
            continue
        beat = streams.commands[streams.queues[first, row.head]]
        body = (beat >> BODY_SHIFT) & BODY_MASK
        ends = False
        for tile in range(first, behind):
            if admit(tiles[tile], rules, False, False, MULTIPLY, body) != OK:
                ends = True
        for tile in range(first, behind):
            _begin(s, tiles[tile], tile, chip, rules, streams, pins, horizon, cycle, ends)
        for tile in range(first, behind):
            _schedule(tiles, tile, chip, streams, cycle)


@kernel
def _look_for_transfer(tiles, streams, cycle):
    """Return the cycle in which the oldest transfer can begin, as far as is known; NEVER: one of its tiles cannot."""
    flow = streams.flow
    if flow.transfers_in == flow.transfers_out:
        return at.NEVER
    slot = flow.transfers_out % streams.transfers.shape[0]
    due = max(cycle, flow.transfer_free)
    for tile in range(tiles.shape[0]):
        if not streams.transfers[slot, tile]:
            continue
        row = tiles[tile]
        if row.state != at.IDLE or head_visible(row, streams, tile) > cycle:
            return at.NEVER
        if streams.queues[tile, row.head] != streams.transfers_at[slot]:
            return at.NEVER
        if row.halted == cycle:
            due = max(due, cycle + 1)
    return due


@kernel
def _start_transfer(s, tiles, chip, rules, streams, pins, horizon, cycle):
    """Let the tiles that take part in the oldest transfer take it, in the cycle in which the last of them can."""
    flow = streams.flow
    flow.transfer_due = _look_for_transfer(tiles, streams, cycle)
    if flow.transfer_due != cycle:
        return
    slot = flow.transfers_out % streams.transfers.shape[0]
    beat = streams.commands[streams.transfers_at[slot]]
    body = (beat >> BODY_SHIFT) & BODY_MASK
    ends = False
    sender = 0
    for tile in range(tiles.shape[0]):
        sends = streams.transfers[slot, tile] & SENDS != 0
        if sends:
            sender = tile
        if streams.transfers[slot, tile] and admit(tiles[tile], rules, False, sends, TRANSFER, body) != OK:
            ends = True
    for tile in range(tiles.shape[0]):
        if not streams.transfers[slot, tile]:
            continue
        row = tiles[tile]
        _begin(s, row, tile, chip, rules, streams, pins, horizon, cycle, ends)
        if streams.transfers[slot, tile] & TAKES:
            note_transfer(row, not ends)
            if not ends:
                take_words(tiles[sender], row, s.inputs[tile], chip)
        _schedule(tiles, tile, chip, streams, cycle)
    flow.transfers_out += 1
    flow.transfer_free = cycle + 1 if ends else cycle + TRANSFER_LATENCY + words_of(body)
    flow.transfer_due = flow.transfer_free if flow.transfers_in != flow.transfers_out else at.NEVER


@part
def _gather(s, tiles, chip, rules, streams, pins, due, horizon, cycle):
    """Let what several tiles take begin, where the last of them can take it in this cycle."""
    if horizon < 0:
        horizon = horizon_of(streams, pins, due, cycle)
    if chip.cascade:
        _start_cascades(s, tiles, chip, rules, streams, pins, horizon, cycle)
    if chip.chain:
        _start_transfer(s, tiles, chip, rules, streams, pins, horizon, cycle)


@kernel
def _end_cascades(tiles, streams, cycle):
    """Let the neighbours of members that a halt has cut off in ``cycle`` be halted in the next one."""
    for tile in range(tiles.shape[0]):
        row = tiles[tile]
        if row.cut_off != cycle:
            continue
        for other in range(max(tile - 1, row.first_member), min(tile + 1, row.last_member) + 1):
            if tiles[other].runs:
                tiles[other].hit = cycle + 1
                streams.wakes[other] = min(streams.wakes[other], cycle + 1)


@kernel
def go_idle(row, cycle):
    """Make a tile idle from the next cycle on."""
    row.state = at.IDLE
    row.begin = cycle + 1


@part
def _visit(s, tiles, tile, chip, rules, streams, pins, horizon, cycle, served, faults, stopped):
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
    row = tiles[tile]
    halted = stopped or faults != 0 or row.hit == cycle
    reason = OK if not halted else (FAULTED if faults else ABORTED)
    free = row.state == at.IDLE
    flows = row.opcode == MULTIPLY and row.flows != 0 and row.status == OK
    runs = row.runs
    if served:
        if flows:
            keep_answered(tiles, tile, chip)
            take_sum(tiles, tile, cycle)
        free = hand_over(row, chip, cycle, reason)
    elif row.state == at.LOAD:
        load_inputs(row, s.inputs[tile], chip)
        streams.flow.busy_until = max(streams.flow.busy_until, cycle)
        free = True
    elif row.state == at.TRANSFER:
        free = end_transfer(row, cycle)
        streams.flow.busy_until = max(streams.flow.busy_until, cycle)
    elif halted and flows and (row.state == at.HAND_OVER or (row.state == at.RESPOND and row.offered > cycle)):
        free = stop_flow(tiles, tile, chip, cycle, reason)
    elif halted:
        stop_work(s, row, tile, chip, pins, cycle, reason)
    elif row.state == at.HAND_OVER:
        free = flow_on(tiles, tile, chip, cycle, True)
    else:
        advance(s, row, tile, chip, pins, before_own_fault(row, horizon, cycle), NO_CUT)
    if halted:
        _note_halt(row, chip, streams, cycle, runs, free, faults, stopped)
    elif free:
        _take_next(s, row, tile, chip, rules, streams, pins, horizon, cycle)


@kernel
def _note_halt(row, chip, streams, cycle, ran, free, faults, stopped):
    """Note what a halt in ``cycle`` leaves behind it: faults, the mode, a cascade that is cut off, an idle tile."""
    row.halted = cycle
    row.runs = 0
    if ran and not free:
        row.cut_off = cycle
    row.faults |= faults
    row.aborting += np.int64(stopped)
    if faults or streams.flow.safe_now:
        disarm(row, chip, cycle)
    if free and row.state != at.IDLE:
        go_idle(row, cycle)


@part
def _halts(row, tile, chip, streams, pins, cycle, accepted_before, halting):
    """Return the faults that halt a tile, and whether a SAFE or ABORT does; ``halting``: something from outside may."""
    flow = streams.flow
    faults, stopped = np.int64(0), False
    if halting:
        faults |= np.int64(pin_faults(pins, tile, cycle, row.faults))
        if cycle >= flow.watchdog and watchdog_due(row, accepted_before) <= cycle:
            faults |= WATCHDOG_FAULT
        stopped = flow.safe_now != 0 or tile == flow.aborted_now
    if chip.serial:
        faults |= own_fault(row, cycle)
    return faults, stopped


@part
def _note_next_halt(tiles, chip, streams, pins, cycle, due, expires):
    """Note the next cycles in which a watchdog expires, and in which a pin is seen to change."""
    flow = streams.flow
    flow.watchdog = first_watchdog(tiles, flow.accepted_last) if expires else due
    if pins.shape[0]:
        flow.pin_event = next_pin_event(tiles, pins, cycle)
    if chip.serial:
        flow.pin_event = min(flow.pin_event if pins.shape[0] else at.NEVER, next_own_fault(tiles, cycle))


@part
def _is_hit(tiles, cycle):
    """Whether the end of a cascade halts a tile in ``cycle``."""
    hit = False
    for tile in range(tiles.shape[0]):
        hit = hit or tiles[tile].hit == cycle
    return hit


@part
def _step(s, tiles, chip, rules, streams, pins, cycle):
    """Let everything happen that happens in a cycle."""
    flow, wakes = streams.flow, streams.wakes
    accepted_before = flow.accepted_last
    flow.safe_now = 0
    flow.aborted_now = -1
    flow.gathers = 0
    if cycle == flow.dispatch:
        dispatch(tiles, chip, streams, cycle)
    expires = cycle >= flow.watchdog
    halting = flow.safe_now != 0 or flow.aborted_now >= 0 or expires or cycle >= flow.pin_event
    server = serve(tiles, chip, streams, cycle)
    # In a cycle in which a member may be halted, its neighbours' next one is not foreseen.
    unforeseen = chip.cascade != 0 and (halting or chip.serial != 0 or _is_hit(tiles, cycle))
    horizon = cycle + 1 if unforeseen else np.int64(-1)
    due = flow.watchdog
    for tile in range(tiles.shape[0]):
        row = tiles[tile]
        faults, stopped = _halts(row, tile, chip, streams, pins, cycle, accepted_before, halting)
        if not stopped and faults == 0 and wakes[tile] != cycle and tile != server:
            continue
        if horizon < 0:
            horizon = horizon_of(streams, pins, due, cycle)
        first, last = (row.first_member, row.last_member) if row.runs else (tile, tile)
        _visit(s, tiles, tile, chip, rules, streams, pins, horizon, cycle, tile == server, faults, stopped)
        due = min(due, watchdog_due(row, flow.accepted_last))
        _schedule(tiles, tile, chip, streams, cycle)
        _schedule_neighbours(tiles, tile, first, last, chip, streams, cycle)
    if chip.cascade:
        _end_cascades(tiles, streams, cycle)
    if flow.gathers or cycle == flow.transfer_due:
        _gather(s, tiles, chip, rules, streams, pins, due, horizon, cycle)
    _note_next_halt(tiles, chip, streams, pins, cycle, due, expires)


@part
def _come_to_rest(tiles, chip, streams, cycles):
    """Prepare the tiles for the next program, which begins with cycle 0 again."""
    for tile in range(tiles.shape[0]):
        row = tiles[tile]
        rest(row, cycles - 1)
        row.begin = 0
        row.head = 0
        row.limited = -1
        row.hit = -1
        row.halted = -1
        row.cut_off = -1
        row.group_since = -1
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
