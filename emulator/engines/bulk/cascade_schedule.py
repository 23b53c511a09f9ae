"""When commands are popped and outputs handed over where row tiles form cascades, share inputs or pack outputs.

As `twinbar.emulator.engines.bulk.schedule`, for programs whose beats are all there in cycle 0 and whose consumer takes
every response at once. What is followed cycle by cycle is the arbitration alone, in which only first members take part.
The links between members are equations: member ``m`` hands output ``i`` over in the latest of

* the cycle in which it is ready by its own work, behind output ``i - 1``;
* the cycle behind the one in which member ``m + 1`` hands it over: the sum is visible;
* the cycle behind the one in which member ``m - 1`` hands over output ``i - 2``: the link has room.

A transfer of activations is popped in the latest of the cycles in which its tiles can take it, and the last one of the
transfer before; transfers start in the order of their beats.

A member is up to two outputs ahead of the one below it, and whenever the first hands over one, every other member can
hand over one more. None of these cycles lies before the one that is reached, so that the dispatcher learns of free
tiles in time.
"""

from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.engines.bulk.cascade_ops import NO_SENDER
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
from twinbar.emulator.kernels.compiled import allocating_kernel, inline, kernel
from twinbar.hw.timing import QUEUE_LATENCY

# Positions of what is kept between two calls, behind what the calendar does.
_BEAT, _ACCEPTED, _END, _BUSY, _TO_START, _BLOCKED_BY = range(KNOWN + 1, KNOWN + 7)
# Transfers that were accepted, and that were popped; last cycle of the one that was popped last.
_MOVES, _MOVED, _MOVE_END = range(KNOWN + 7, KNOWN + 10)

_HELD: Final = 4
"""Outputs of which a tile keeps the cycle: a member is at most two ahead of the one below it."""

_TILE: Final = np.dtype(
    [
        # That it multiplies for; else one of the two below.
        ("command", np.int64),
        # Outputs that it has handed over.
        ("done", np.int64),
        # Cycle in which the next one is ready by its own work.
        ("ready", np.int64),
        # Outputs of the group that it has handed over.
        ("in_group", np.int64),
        # Outputs that lie in lanes of the beat.
        ("packed", np.int64),
        # Cycles in which it handed over the last ones.
        ("handed", np.int64, _HELD),
        # The same of those that went to the tile below, which may lie there when it has begun something else.
        ("passed", np.int64, _HELD),
        # Last cycle of the command before.
        ("free", np.int64),
        # Beats that its queue has accepted, and that it has popped.
        ("accepted", np.int64),
        ("popped", np.int64),
    ]
)
_NONE: Final = -1
_WAITS: Final = -2
"""Instead of a command: the tile can take one; it waits for the other members of a cascade."""

_QUEUED: Final = np.dtype([("command", np.int64), ("accepted", np.int64), ("popped", np.int64)])

_GATHERED: Final = np.dtype([("arrived", np.int64), ("since", np.int64)])
"""Members of a cascade that could take it, and since when the last of them can."""


class _CascadeState(NamedTuple):
    """A program, and where its tiles and streams stand."""

    beats: np.ndarray
    work: np.ndarray
    tiles: np.ndarray
    queue: np.ndarray
    gathered: np.ndarray
    offer: np.ndarray
    calendar: np.ndarray
    to_start: np.ndarray
    clock: np.ndarray
    stalls: np.ndarray
    waits: np.ndarray
    transfers: np.ndarray


@inline
def _hand_over(s, number, cycle):
    """Let a tile hand over its next output; behind the last one it can take a command."""
    tile = s.tiles[number]
    beat = s.beats[tile.command]
    place = beat.work + number - beat.first
    output = tile.done
    waited = cycle - tile.ready
    s.stalls[number] += waited
    if s.waits.shape[0] > 0 and output // beat.group < (beat.outputs - 1) // beat.group:
        s.waits[place, 0] += waited
        s.waits[place, 1] += waited * min(beat.group, beat.outputs - output)
    tile.handed[output & (_HELD - 1)] = cycle
    if number > beat.first:
        tile.passed[output & (_HELD - 1)] = cycle
    tile.done = output + 1
    tile.ready = cycle + 1
    tile.in_group += 1
    if tile.in_group == beat.group:
        tile.in_group = 0
        tile.ready += s.work[place].gap
    if output + 1 == beat.outputs:
        tile.command = _NONE
        tile.free = cycle
        s.to_start[s.clock[_TO_START]] = number
        s.clock[_TO_START] += 1


@inline
def _pass_on(s, number, last):
    """Let a member behind the first hand over its next output."""
    tile = s.tiles[number]
    output = tile.done
    cycle = tile.ready
    if number < last:
        cycle = max(cycle, s.tiles[number + 1].passed[output & (_HELD - 1)] + 1)
    if output >= 2:
        cycle = max(cycle, s.tiles[number - 1].handed[(output - 2) & (_HELD - 1)] + 1)
    _hand_over(s, number, cycle)


@inline
def _draw_on(s, command, first, last):
    """Let every other member hand over an output, where it has one left: the first has handed one over."""
    for number in range(first + 1, last + 1):
        if s.tiles[number].command == command:
            _pass_on(s, number, last)


@kernel
def _fill_beat(s, first):
    """Let a first member put outputs into their lanes, up to the one that completes its beat, which it offers."""
    tile = s.tiles[first]
    command = tile.command
    beat = s.beats[command]
    last = first + beat.count - 1
    while True:
        cycle = tile.ready
        if last > first:
            cycle = max(cycle, s.tiles[first + 1].passed[tile.done & (_HELD - 1)] + 1)
        if tile.packed + 1 == beat.lanes or tile.done + 1 == beat.outputs:
            s.offer[first] = cycle
            note(s.calendar, first, cycle, s.clock)
            return
        tile.packed += 1
        _hand_over(s, first, cycle)
        _draw_on(s, command, first, last)


@kernel
def _begin(s, command, cycle):
    """Let all members of a cascade, or a single tile, take their command in a cycle."""
    beat = s.beats[command]
    first, last = beat.first, beat.first + beat.count - 1
    for number in range(first, last + 1):
        tile = s.tiles[number]
        s.queue[number, tile.popped & (s.queue.shape[1] - 1)].popped = cycle
        tile.popped += 1
        tile.command = command
        tile.done = 0
        tile.ready = cycle + 1 + s.work[beat.work + number - first].before
        tile.in_group = 0
        tile.packed = 0
    s.clock[_BUSY] += 1
    # The links are filled before the first member hands over anything.
    for output in range(min(2 * (last - first), beat.outputs)):
        for number in range(last, first + output // 2, -1):
            _pass_on(s, number, last)
    _fill_beat(s, first)


@inline
def _taker(beat, member):
    """Return a tile that a beat goes to; the sender of a transfer stands behind the others."""
    return beat.sender if member == beat.count else beat.first + member * beat.stride


@inline
def _takers(beat):
    return beat.count + np.int64(beat.sender != NO_SENDER)


@kernel
def _move(s):
    """Let transfers begin whose turn it is and whose tiles can take them; gives whether the dispatcher can go on."""
    goes_on = False
    ring = s.transfers.shape[0] - 1
    while s.clock[_MOVED] < s.clock[_MOVES]:
        transfer = s.transfers[s.clock[_MOVED] & ring]
        beat = s.beats[transfer.command]
        gathered = s.gathered[transfer.command]
        if gathered.arrived < _takers(beat):
            break
        # It begins in the last cycle of the transfer before at the earliest, as a command does.
        cycle = max(gathered.since, s.clock[_MOVE_END])
        transfer.popped = cycle
        s.clock[_MOVE_END] = cycle + s.work[beat.work].before
        s.clock[_MOVED] += 1
        goes_on |= s.clock[_BLOCKED_BY] == s.tiles.shape[0]
        for member in range(_takers(beat)):
            number = _taker(beat, member)
            tile = s.tiles[number]
            s.queue[number, tile.popped & (s.queue.shape[1] - 1)].popped = cycle
            tile.popped += 1
            tile.command = _NONE
            tile.free = s.clock[_MOVE_END]
            s.to_start[s.clock[_TO_START]] = number
            s.clock[_TO_START] += 1
            goes_on |= s.clock[_BLOCKED_BY] == number
        s.clock[_END] = max(s.clock[_END], s.clock[_MOVE_END])
    return goes_on


@kernel
def _start(s):
    """Let tiles that can take a command take what is in their queues; gives whether the dispatcher can go on."""
    goes_on = False
    while s.clock[_TO_START] > 0:
        s.clock[_TO_START] -= 1
        number = s.to_start[s.clock[_TO_START]]
        tile = s.tiles[number]
        while tile.command == _NONE and tile.popped < tile.accepted:
            entry = s.queue[number, tile.popped & (s.queue.shape[1] - 1)]
            beat = s.beats[entry.command]
            cycle = max(entry.accepted + QUEUE_LATENCY, tile.free)
            if beat.outputs == 0 and beat.sender == NO_SENDER:
                entry.popped = cycle
                tile.popped += 1
                tile.free = cycle + s.work[beat.work].before
                s.clock[_END] = max(s.clock[_END], tile.free)
                if number == s.clock[_BLOCKED_BY]:
                    goes_on = True
                continue
            tile.command = _WAITS
            gathered = s.gathered[entry.command]
            gathered.arrived += 1
            gathered.since = max(gathered.since, cycle)
            if beat.sender != NO_SENDER:
                goes_on |= _move(s)
            elif gathered.arrived == beat.count:
                if beat.first <= s.clock[_BLOCKED_BY] < beat.first + beat.count:
                    goes_on = True
                _begin(s, entry.command, gathered.since)
    return goes_on


@kernel
def _room(s, beat, depth):
    """Return the cycle from which there is room for a beat, or -1: what it waits for is left in the clock."""
    mask = s.queue.shape[1] - 1
    cycle = s.clock[_ACCEPTED] + 1
    for member in range(_takers(beat)):
        number = _taker(beat, member)
        tile = s.tiles[number]
        if tile.accepted >= depth:
            if tile.popped <= tile.accepted - depth:
                s.clock[_BLOCKED_BY] = number
                return np.int64(-1)
            cycle = max(cycle, s.queue[number, (tile.accepted - depth) & mask].popped + 1)
    if beat.sender != NO_SENDER and s.clock[_MOVES] >= depth:
        if s.clock[_MOVED] <= s.clock[_MOVES] - depth:
            # The queue of the transfers stands behind those of the tiles.
            s.clock[_BLOCKED_BY] = s.tiles.shape[0]
            return np.int64(-1)
        cycle = max(cycle, s.transfers[(s.clock[_MOVES] - depth) & (s.transfers.shape[0] - 1)].popped + 1)
    return cycle


@kernel
def _dispatch(s, depth):
    """Accept beats up to one that a tile has no room for that is known of."""
    mask = s.queue.shape[1] - 1
    while s.clock[_BEAT] < s.beats.shape[0]:
        beat = s.beats[s.clock[_BEAT]]
        cycle = _room(s, beat, depth)
        if cycle < 0:
            return
        if beat.sender != NO_SENDER:
            s.transfers[s.clock[_MOVES] & (s.transfers.shape[0] - 1)].command = s.clock[_BEAT]
            s.clock[_MOVES] += 1
        for member in range(_takers(beat)):
            number = _taker(beat, member)
            tile = s.tiles[number]
            entry = s.queue[number, tile.accepted & mask]
            entry.command = s.clock[_BEAT]
            entry.accepted = cycle
            tile.accepted += 1
            if tile.command == _NONE:
                s.to_start[s.clock[_TO_START]] = number
                s.clock[_TO_START] += 1
        s.clock[_ACCEPTED] = cycle
        s.clock[_BEAT] += 1
        s.clock[_BLOCKED_BY] = _NONE
        _start(s)


@allocating_kernel
def follow_cascades(beats, work, tiles, command_depth, response_depth, served, stalls, waits):
    """Follow a program from its first beat to its last response.

    Parameters
    ----------
    beats : `twinbar.emulator.engines.bulk.cascade_ops.BEAT` [commands]
        In the order of the stream. A tile that sends activations is not among those that take them.
    work : `twinbar.emulator.engines.bulk.cascade_ops.WORK` [n]
    tiles, command_depth, response_depth, served, stalls
        As in `twinbar.emulator.engines.bulk.schedule.schedule`.
    waits : int64 [n, 2] or [0, 2]
        Filled, if it has room: the stalls of each product in all groups but the last, in which rows stay driven; and
        the same in cycles of the ADC channels that are on, those that still have an output.

    Returns
    -------
    cycles : int
        Of the program.
    served : int
        Tile that the arbiter served last.
    """
    ring = ring_of(command_depth)
    stalls[:] = 0
    words = (tiles + 63) >> 6
    s = _CascadeState(
        beats,
        work,
        np.zeros(tiles, _TILE),
        np.zeros((tiles, ring), _QUEUED),
        np.zeros(beats.shape[0], _GATHERED),
        np.full(tiles, NEVER, np.int64),
        np.zeros((HORIZON, words), np.uint64),
        np.zeros(2 * tiles, np.int64),
        np.zeros(10, np.int64),
        stalls,
        waits,
        np.zeros(ring, _QUEUED),
    )
    offering = np.zeros(words, np.uint64)
    for number in range(tiles):
        s.tiles[number].command = _NONE
    s.clock[_ACCEPTED] = -1
    s.clock[_END] = -1
    s.clock[_BLOCKED_BY] = _NONE
    s.clock[KNOWN] = HORIZON
    before, before_that = np.int64(-2), np.int64(-3)
    now = np.int64(0)

    _dispatch(s, command_depth)
    while s.clock[_BUSY] > 0:
        extend(s.calendar, s.offer, now, s.clock)
        if not offers(s.calendar, offering, now):
            # The calendar is empty up to the earliest offer.
            now = earliest(s.offer)
            continue
        if response_depth == 2 and before == now - 1 and before_that == now - 2:
            # Two beats are still on their way through the queue: it is full.
            now += 1
            continue
        served = next_in_turn(offering, served)
        before_that = before
        before = now
        offering[served >> 6] &= ~(ONE << np.uint64(served & 63))
        s.offer[served] = NEVER
        tile = s.tiles[served]
        command = tile.command
        tile.packed = 0
        _hand_over(s, served, now)
        _draw_on(s, command, served, served + s.beats[command].count - 1)
        if tile.command == command:
            _fill_beat(s, served)
        else:
            s.clock[_BUSY] -= 1
        if _start(s):
            _dispatch(s, command_depth)
        now += 1
    if before >= 0:
        # The last response is taken as late as the queue shows it.
        s.clock[_END] = max(s.clock[_END], before + QUEUE_LATENCY)
    return s.clock[_END] + 1, served
