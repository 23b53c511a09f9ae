"""When commands are popped and answered: dispatch, queues and arbitration of a whole program, exactly.

For programs whose beats are all there in cycle 0 and whose consumer takes every response at once, this gives what
``docs/controller.md`` says, without simulating what the tiles do in between: how long each command works before its
first response, and between the groups of its responses, is known beforehand. Only the arbitration, in which tiles wait
for each other, is followed cycle by cycle, over quiet cycles with a leap. Everything else is an equation:

* beat ``i`` is accepted in ``max(accepted[i - 1] + 1, popped[n - depth] + 1)``, if it is the ``n``-th of its tile;
* it is popped in ``max(accepted[i] + QUEUE_LATENCY, end of the command before)``;
* its first response is offered in ``popped[i] + 1 +`` the cycles that it works.

Of a single tile nothing is left but the equations (`twinbar.emulator.engines.bulk.schedule_alone`).
"""

import numpy as np

from twinbar.emulator.engines.bulk.offer_calendar import (
    HORIZON,
    KNOWN,
    NEVER,
    ONE,
    earliest,
    extend,
    next_in_turn,
    note,
    offers,
    ring_of,
)
from twinbar.emulator.engines.bulk.schedule_alone import follow_alone
from twinbar.emulator.engines.bulk.schedule_ops import OP_GAP, OP_GROUP, OP_OUTPUTS, OP_TILE, OP_WORK, list_ops
from twinbar.emulator.kernels.compiled import allocating_kernel, kernel
from twinbar.hw.timing import QUEUE_LATENCY

# Positions of what the dispatcher keeps between two calls, behind what the calendar does.
_BEAT, _ACCEPTED, _END, _BUSY = range(KNOWN + 1, KNOWN + 5)


@kernel
def _start(tile, ops, queue, queued, free, offer, running, calendar, clock):
    """Pop the commands of an idle tile, up to one that responds; gives whether one was popped."""
    mask = queue.shape[1] - 1
    first = queued[tile, 1]
    while offer[tile] == NEVER and queued[tile, 1] < queued[tile, 0]:
        place = queued[tile, 1] & mask
        op = queue[tile, place, 0]
        at = max(queue[tile, place, 1] + QUEUE_LATENCY, free[tile])
        queue[tile, place, 2] = at
        queued[tile, 1] += 1
        if ops[op, OP_OUTPUTS] == 0:
            free[tile] = at + ops[op, OP_WORK]
            clock[_END] = max(clock[_END], free[tile])
        else:
            running[tile, 0] = op
            running[tile, 1] = ops[op, OP_OUTPUTS]
            running[tile, 2] = ops[op, OP_GROUP]
            offer[tile] = at + 1 + ops[op, OP_WORK]
            note(calendar, tile, offer[tile], clock)
            clock[_BUSY] += 1
    return queued[tile, 1] > first


@kernel
def _dispatch(ops, depth, queue, queued, free, offer, running, calendar, clock):
    """Accept beats up to one whose tile has no room that is known of."""
    mask = queue.shape[1] - 1
    while clock[_BEAT] < ops.shape[0]:
        tile = ops[clock[_BEAT], OP_TILE]
        n = queued[tile, 0]
        at = clock[_ACCEPTED] + 1
        if n >= depth:
            if queued[tile, 1] <= n - depth:
                break
            at = max(at, queue[tile, (n - depth) & mask, 2] + 1)
        queue[tile, n & mask, 0] = clock[_BEAT]
        queue[tile, n & mask, 1] = at
        queued[tile, 0] = n + 1
        clock[_ACCEPTED] = at
        clock[_BEAT] += 1
        if offer[tile] == NEVER:
            _start(tile, ops, queue, queued, free, offer, running, calendar, clock)


@allocating_kernel
def schedule(ops, tiles, command_depth, response_depth, served, stalls, waits):
    """Follow a program from its first beat to its last response.

    Parameters
    ----------
    ops : int64 [commands, OP_SIZE]
        In the order of the stream.
    tiles : int
    command_depth, response_depth : int
        Depths of the queues (`twinbar.hw.gateware.controller_config.ControllerConfig`).
    served : int
        Tile that the arbiter served last, before the program.
    stalls : int64 [tiles]
        Filled: cycles in which a response waited.
    waits : int64 [commands, 2] or [0, 2]
        Filled, if it has room: those of them in all groups but the last, in which rows stay driven; and the same in
        cycles of the ADC channels that are on, those that still have an output.

    Returns
    -------
    cycles : int
        Of the program.
    served : int
        Tile that the arbiter served last.
    """
    ring = ring_of(command_depth)
    stalls[:] = 0
    if tiles == 1:
        return follow_alone(ops, command_depth, response_depth, np.zeros(ring, np.int64), stalls, waits), served
    queue = np.zeros((tiles, ring, 3), np.int64)  # command, accepted, popped
    queued = np.zeros((tiles, 2), np.int64)  # accepted, popped
    free = np.zeros(tiles, np.int64)
    offer = np.zeros(tiles, np.int64)
    offer[:] = NEVER
    running = np.zeros((tiles, 3), np.int64)  # command, responses left, left in the group
    words = (tiles + 63) >> 6
    offering = np.zeros(words, np.uint64)
    calendar = np.zeros((HORIZON, words), np.uint64)
    clock = np.zeros(5, np.int64)
    clock[_ACCEPTED] = -1
    clock[_END] = -1
    clock[KNOWN] = HORIZON
    before, before_that = np.int64(-2), np.int64(-3)
    now = np.int64(0)

    _dispatch(ops, command_depth, queue, queued, free, offer, running, calendar, clock)
    while clock[_BUSY] > 0:
        extend(calendar, offer, now, clock)
        if not offers(calendar, offering, now):
            # The calendar is empty up to the earliest offer.
            now = earliest(offer)
            continue
        if response_depth == 2 and before == now - 1 and before_that == now - 2:
            # Two beats are still on their way through the queue: it is full.
            now += 1
            continue
        tile = next_in_turn(offering, served)
        served = tile
        before_that = before
        before = now
        stalls[tile] += now - offer[tile]
        running[tile, 1] -= 1
        left = running[tile, 1]
        if left > 0:
            op = running[tile, 0]
            group = ops[op, OP_GROUP]
            if waits.shape[0] > 0 and left >= (ops[op, OP_OUTPUTS] - 1) % group + 1:
                waits[op, 0] += now - offer[tile]
                waits[op, 1] += (now - offer[tile]) * min(group, left + 1)
            running[tile, 2] -= 1
            offer[tile] = now + 1
            if running[tile, 2] == 0:
                running[tile, 2] = group
                offer[tile] += ops[op, OP_GAP]
            if offer[tile] > now + 1:
                offering[tile >> 6] &= ~(ONE << np.uint64(tile & 63))
                note(calendar, tile, offer[tile], clock)
        else:
            offering[tile >> 6] &= ~(ONE << np.uint64(tile & 63))
            offer[tile] = NEVER
            free[tile] = now
            clock[_BUSY] -= 1
            popped = _start(tile, ops, queue, queued, free, offer, running, calendar, clock)
            if popped and clock[_BEAT] < ops.shape[0] and ops[clock[_BEAT], OP_TILE] == tile:
                _dispatch(ops, command_depth, queue, queued, free, offer, running, calendar, clock)
        now += 1
    if before >= 0:
        # The last response is taken as late as the queue shows it.
        clock[_END] = max(clock[_END], before + QUEUE_LATENCY)
    return clock[_END] + 1, served


@allocating_kernel
def schedule_lists(offsets, work, tiles, command_depth, response_depth, served, stalls, waits):
    """Follow interleaved lists of commands (`list_ops`) as `schedule` does, in one call."""
    return schedule(list_ops(offsets, work), tiles, command_depth, response_depth, served, stalls, waits)
