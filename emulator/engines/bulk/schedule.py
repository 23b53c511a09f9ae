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

from typing import Final

import numpy as np

from twinbar.emulator.engines.bulk.schedule_alone import follow_alone
from twinbar.emulator.engines.bulk.schedule_ops import OP_GAP, OP_GROUP, OP_OUTPUTS, OP_TILE, OP_WORK
from twinbar.emulator.kernels.compiled import allocating_kernel, inline, kernel, part
from twinbar.hw.timing import QUEUE_LATENCY

_NEVER: Final = np.int64(1) << np.int64(62)
_HORIZON: Final = 1 << 10
"""Cycles that the calendar of coming offers spans."""
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE: Final = np.uint64(1)
_DEBRUIJN: Final = np.uint64(0x03F79D71B4CB0A89)
_LOWEST_BIT: Final = np.zeros(64, np.int64)
for _bit in range(64):
    _LOWEST_BIT[int(_DEBRUIJN) * (1 << _bit) % (1 << 64) >> 58] = _bit

# Positions of what the dispatcher and the calendar keep between two calls.
_BEAT, _ACCEPTED, _END, _BUSY, _KNOWN = range(5)


@inline
def _lowest(bits):
    """Return the number of the lowest bit that is set (Leiserson, Prokop, Randall, 1998)."""
    return _LOWEST_BIT[np.int64(((bits & (~bits + _ONE)) * _DEBRUIJN) >> np.uint64(58))]


@inline
def _next_in_turn(offering, last):
    """Return the first tile that offers, in cyclic order after the one served last."""
    word = last >> 6
    later = offering[word] & ((_ALL << np.uint64(last & 63)) << _ONE)
    while later == 0:
        word = word + 1 if word + 1 < offering.shape[0] else 0
        later = offering[word]
    return (word << 6) + _lowest(later)


@inline
def _note(calendar, tile, cycle, clock):
    """Enter an offer into the calendar, if it reaches so far."""
    if cycle < clock[_KNOWN]:
        calendar[cycle & (_HORIZON - 1), tile >> 6] |= _ONE << np.uint64(tile & 63)


@kernel
def _start(tile, ops, queue, queued, free, offer, running, calendar, clock):
    """Pop the commands of an idle tile, up to one that responds; gives whether one was popped."""
    mask = queue.shape[1] - 1
    first = queued[tile, 1]
    while offer[tile] == _NEVER and queued[tile, 1] < queued[tile, 0]:
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
            _note(calendar, tile, offer[tile], clock)
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
        if offer[tile] == _NEVER:
            _start(tile, ops, queue, queued, free, offer, running, calendar, clock)


@part
def _extend(calendar, offer, now, clock):
    """Let the calendar reach further, when half of what it spans has passed."""
    known = clock[_KNOWN]
    if now >= known - _HORIZON // 2:
        clock[_KNOWN] = now + _HORIZON
        for tile in range(offer.shape[0]):
            if offer[tile] >= known:
                _note(calendar, tile, offer[tile], clock)


@part
def _offers(calendar, offering, now):
    """Take the offers of a cycle from the calendar; gives whether any tile offers a response."""
    some = np.uint64(0)
    for word in range(offering.shape[0]):
        offering[word] |= calendar[now & (_HORIZON - 1), word]
        calendar[now & (_HORIZON - 1), word] = 0
        some |= offering[word]
    return some != 0


@part
def _earliest(offer):
    """Return the cycle of the earliest offer."""
    earliest = _NEVER
    for tile in range(offer.shape[0]):
        earliest = min(earliest, offer[tile])
    return earliest


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
    waits : int64 [commands] or [0]
        Filled, if it has room: those of them in all groups but the last, in which rows stay driven.

    Returns
    -------
    cycles : int
        Of the program.
    served : int
        Tile that the arbiter served last.
    """
    ring = 1
    while ring < command_depth:
        ring *= 2
    stalls[:] = 0
    if tiles == 1:
        return follow_alone(ops, command_depth, response_depth, np.zeros(ring, np.int64), stalls, waits), served
    queue = np.zeros((tiles, ring, 3), np.int64)  # command, accepted, popped
    queued = np.zeros((tiles, 2), np.int64)  # accepted, popped
    free = np.zeros(tiles, np.int64)
    offer = np.zeros(tiles, np.int64)
    offer[:] = _NEVER
    running = np.zeros((tiles, 3), np.int64)  # command, responses left, left in the group
    words = (tiles + 63) >> 6
    offering = np.zeros(words, np.uint64)
    calendar = np.zeros((_HORIZON, words), np.uint64)
    clock = np.zeros(5, np.int64)
    clock[_ACCEPTED] = -1
    clock[_END] = -1
    clock[_KNOWN] = _HORIZON
    before, before_that = np.int64(-2), np.int64(-3)
    now = np.int64(0)

    _dispatch(ops, command_depth, queue, queued, free, offer, running, calendar, clock)
    while clock[_BUSY] > 0:
        _extend(calendar, offer, now, clock)
        if not _offers(calendar, offering, now):
            # The calendar is empty up to the earliest offer.
            now = _earliest(offer)
            continue
        if response_depth == 2 and before == now - 1 and before_that == now - 2:
            # Two beats are still on their way through the queue: it is full.
            now += 1
            continue
        tile = _next_in_turn(offering, served)
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
                waits[op] += now - offer[tile]
            running[tile, 2] -= 1
            offer[tile] = now + 1
            if running[tile, 2] == 0:
                running[tile, 2] = group
                offer[tile] += ops[op, OP_GAP]
            if offer[tile] > now + 1:
                offering[tile >> 6] &= ~(_ONE << np.uint64(tile & 63))
                _note(calendar, tile, offer[tile], clock)
        else:
            offering[tile >> 6] &= ~(_ONE << np.uint64(tile & 63))
            offer[tile] = _NEVER
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
