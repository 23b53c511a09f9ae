"""The two streams that tiles share: dispatch of command beats, the arbiter, and the consumer of responses."""

from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_tile import (
    MEMBERS_MASK,
    MEMBERS_SHIFT,
    OPCODE_MASK,
    TILE_MASK,
    TILE_SHIFT,
    members_of,
    response_of,
)
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.protocol.commands import INPUT, MOVE, PRODUCT
from twinbar.hw.protocol.layouts import COMMAND, MAX_COLUMNS
from twinbar.hw.protocol.registers import INPUT_GROUP
from twinbar.hw.protocol.vocabulary import Opcode
from twinbar.hw.timing import QUEUE_LATENCY

SAFE: Final = Opcode.SAFE.value
ABORT: Final = Opcode.ABORT.value
LOAD: Final = Opcode.LOAD.value
MULTIPLY: Final = Opcode.MULTIPLY.value
TRANSFER: Final = Opcode.TRANSFER.value
GROUP_SHIFT: Final = COMMAND["body"].offset + MOVE["group"].offset
GROUP_MASK: Final = MOVE["group"].mask
TAKES: Final = 1
SENDS: Final = 2
"""What a tile does in a transfer, as bits."""
SHARED: Final = INPUT["shared"].put(1) << COMMAND["body"].offset
"""Bit of a LOAD beat that goes to an input group."""
INPUT_GROUP_AT: Final = INPUT_GROUP.address
OUTPUTS_SHIFT: Final = COMMAND["body"].offset + PRODUCT["outputs"].offset
OUTPUTS_MASK: Final = PRODUCT["outputs"].mask

ANY: Final = -1
"""Every tile that takes the beat counts it."""
LONG_AGO: Final = -(1 << 40)


@kernel
def count_responses(commands, tiles):
    """Return the most responses that a program can have."""
    total = 0
    for beat in commands:
        opcode = beat & OPCODE_MASK
        if opcode == SAFE:
            total += tiles
        elif opcode == MULTIPLY:
            outputs = (beat >> OUTPUTS_SHIFT) & OUTPUTS_MASK
            total += outputs if outputs else MAX_COLUMNS
            # Every member of a cascade may answer that it was cut off.
            total += min((beat >> MEMBERS_SHIFT) & MEMBERS_MASK, tiles)
        elif opcode == TRANSFER or (opcode == LOAD and beat & SHARED):
            total += tiles
        else:
            total += 1
    return total


class Streams(NamedTuple):
    """A program, where its two streams stand, and what has become of it.

    Parameters
    ----------
    commands, arrivals : int64 [n]
        Of the program.
    accepted : int64 [n]
        Cycle in which each beat was accepted.
    owners : int64 [n]
        Tile that counts each beat as its command; ANY where all do.
    astray : int64 [n]
        Whether it is for a tile, group or cascade that does not exist.
    grouped : int64 [tiles]
        Which tiles the presented beat goes to, if it goes to an input group.
    stops : int64 [n + 2]
        For every position, that of the next SAFE or ABORT from there on.
    until_ready : int64 [period]
        For every cycle of the consumer's period, how many cycles later it is ready.
    queues : int64 [tiles, depth]
        Positions of the beats in each command queue.
    wakes, offers : int64 [tiles]
        When a tile has something to do; since when it offers a response.
    low, high, taken : int64 [most responses]
        Lower 64 and upper 16 bits of each response, and the cycle in which it is taken.
    flow : record `program_layout.FLOW`
        Where the streams stand.
    at_work : int64 [tiles]
        Position of the command that each tile has taken last.
    heat : int64 [n + 1, len(CellEnergy)]
        Cell energy of each command, less that of the tile before it; the last row is nobody's.
    transfers : int64 [depth, tiles]
        What each tile does in the transfers that were accepted and have not begun: `TAKES`, `SENDS`, both or nothing.
    transfers_at : int64 [depth]
        Positions of their beats.
    """

    commands: np.ndarray
    arrivals: np.ndarray
    accepted: np.ndarray
    owners: np.ndarray
    astray: np.ndarray
    grouped: np.ndarray
    stops: np.ndarray
    until_ready: np.ndarray
    queues: np.ndarray
    wakes: np.ndarray
    offers: np.ndarray
    low: np.ndarray
    high: np.ndarray
    taken: np.ndarray
    flow: np.void
    at_work: np.ndarray
    heat: np.ndarray
    transfers: np.ndarray
    transfers_at: np.ndarray


def open_streams(program: Program, tiles: int, command_depth: int, served: int, *, chain: bool = False) -> Streams:
    """Make the streams of a program.

    Parameters
    ----------
    program : Program
    tiles, command_depth : int
    served : int
        Tile that the arbiter served last.
    chain : bool
        There are transfers.
    """
    commands = program.commands.view(np.int64)
    n = len(commands)
    flow = np.zeros(1, at.FLOW)[0]
    flow["dispatch"] = 0 if n else at.NEVER
    flow["accepted_last"] = LONG_AGO
    flow["served"] = served
    flow["busy_until"] = -1
    flow["transfer_due"] = at.NEVER
    transfers = min(command_depth, max(n, 1)) if chain else 1
    low, high, taken = np.zeros((3, count_responses(commands, tiles)), np.int64)
    streams = Streams(
        commands=commands,
        arrivals=np.asarray(program.arrivals),
        accepted=np.zeros(n, np.int64),
        owners=np.zeros(n, np.int64),
        astray=np.zeros(n, np.int64),
        grouped=np.zeros(tiles, np.int64),
        stops=np.full(n + 2, n, np.int64),
        until_ready=np.zeros(len(program.ready), np.int64),
        # No queue is ever longer than the program.
        queues=np.zeros((tiles, min(command_depth, max(n, 1))), np.int64),
        wakes=np.full(tiles, at.NEVER, np.int64),
        offers=np.full(tiles, at.NEVER, np.int64),
        low=low,
        high=high,
        taken=taken,
        flow=flow,
        at_work=np.full(tiles, n, np.int64),
        heat=np.zeros((n + 1, len(CellEnergy)), np.int64),
        transfers=np.zeros((transfers, tiles), np.int64),
        transfers_at=np.zeros(transfers, np.int64),
    )
    _look_ahead(streams, program.ready)
    return streams


@kernel
def change_command(row, streams, tile, position):
    """Charge what a tile has dissipated so far to the command before, and the rest to the one at ``position``."""
    for kind in range(streams.heat.shape[1]):
        streams.heat[streams.at_work[tile], kind] += row.energies[kind]
        streams.heat[position, kind] -= row.energies[kind]
    streams.at_work[tile] = position


@kernel
def _look_ahead(streams, ready):
    """Fill ``stops`` and ``until_ready``."""
    for position in range(streams.commands.shape[0] - 1, -1, -1):
        opcode = streams.commands[position] & OPCODE_MASK
        stops = opcode in (SAFE, ABORT)
        streams.stops[position] = position if stops else streams.stops[position + 1]
    period = ready.shape[0]
    for cycle in range(2 * period - 1, -1, -1):
        place = cycle % period
        streams.until_ready[place] = 0 if ready[place] else streams.until_ready[(place + 1) % period] + 1


@inline
def _group_of(row, cycle):
    """Return a tile's input group in a cycle."""
    return row.registers[INPUT_GROUP_AT] if cycle >= row.group_since else row.group_before


@kernel
def _find_group(tiles, streams, group, cycle):
    """Find the tiles of an input group; gives the first of them, and the one behind the last."""
    first, behind = np.int64(0), np.int64(0)
    for tile in range(tiles.shape[0]):
        streams.grouped[tile] = np.int64(_group_of(tiles[tile], cycle) == group)
        if streams.grouped[tile]:
            first = first if behind else np.int64(tile)
            behind = np.int64(tile + 1)
    return first, behind


@kernel
def _route(tiles, chip, streams, position, cycle):
    """Find the tiles that a beat goes to, in the cycle in which it is presented: tile 0, if they do not exist."""
    flow, beat = streams.flow, streams.commands[position]
    named = (beat >> TILE_SHIFT) & TILE_MASK
    first, behind, owner = named, named + members_of(beat, chip), named
    flow.transfers = np.int64(chip.chain != 0 and beat & OPCODE_MASK == TRANSFER)
    flow.to_group = np.int64(chip.shared != 0 and beat & OPCODE_MASK == LOAD and beat & SHARED != 0)
    if beat & OPCODE_MASK == SAFE:
        first, behind, owner = np.int64(0), np.int64(tiles.shape[0]), np.int64(ANY)
    elif flow.to_group:
        first, behind = _find_group(tiles, streams, named, cycle)
        owner = first
    elif flow.transfers:
        first, behind = _find_group(tiles, streams, (beat >> GROUP_SHIFT) & GROUP_MASK, cycle)
        flow.to_group = 1
        if first < behind and named < tiles.shape[0]:
            streams.grouped[named] |= SENDS
            first, behind = min(first, named), max(behind, named + 1)
        else:
            behind = first
    if first == behind or behind > tiles.shape[0]:
        flow.to_group = 0
        flow.transfers = 0
        first, behind, owner = np.int64(0), np.int64(1), np.int64(0)
        streams.astray[position] = 1
    flow.first = first
    flow.behind = behind
    streams.owners[position] = owner


@kernel
def _push(row, queue, position, cycle):
    """Put a beat into the queue of a tile; gives the cycle in which the tile must look, NEVER if it will anyway."""
    level = row.level
    place = row.head + level
    queue[place if place < queue.shape[0] else place - queue.shape[0]] = position
    row.level = level + 1
    return cycle + QUEUE_LATENCY if level == 0 and row.state == at.IDLE else at.NEVER


@kernel
def dispatch(tiles, chip, streams, cycle):
    """Offer the presented beat to the queue of its tile, or to those of all tiles that it goes to."""
    flow, queues, wakes = streams.flow, streams.queues, streams.wakes
    depth = queues.shape[1]
    position = flow.position
    beat = streams.commands[position]
    if not flow.waiting:
        _route(tiles, chip, streams, position, cycle)
        flow.safe_now = np.int64(beat & OPCODE_MASK == SAFE)
        if beat & OPCODE_MASK == ABORT and not streams.astray[position]:
            flow.aborted_now = flow.first
    flow.dispatch = at.NEVER
    flow.waiting = np.int64(flow.transfers != 0 and flow.transfers_in - flow.transfers_out == depth)
    for tile in range(flow.first, flow.behind):
        if tiles[tile].level == depth and (not flow.to_group or streams.grouped[tile]):
            flow.waiting = 1
    if flow.waiting:
        return
    for tile in range(flow.first, flow.behind):
        if not flow.to_group or streams.grouped[tile]:
            wakes[tile] = min(wakes[tile], _push(tiles[tile], queues[tile], position, cycle))
    if flow.transfers:
        slot = flow.transfers_in % depth
        for tile in range(tiles.shape[0]):
            streams.transfers[slot, tile] = streams.grouped[tile]
        streams.transfers_at[slot] = position
        flow.transfers_in += 1
    streams.accepted[position] = cycle
    flow.accepted_last = cycle
    flow.busy_until = max(flow.busy_until, cycle)
    flow.position = position + 1
    if position + 1 < streams.commands.shape[0]:
        flow.dispatch = max(streams.arrivals[position + 1], cycle + 1)


@kernel
def serve(tiles, chip, streams, cycle):
    """Let the arbiter hand over a response; gives the tile that is served, or -1.

    Of the tiles that offer one, it is the first in cyclic order behind the one served last.
    """
    flow, offers, taken = streams.flow, streams.offers, streams.taken
    if flow.room > cycle:
        return -1
    count = offers.shape[0]
    tile = flow.served
    for _ in range(count):
        tile = tile + 1 if tile + 1 < count else 0
        if offers[tile] <= cycle:
            break
    if offers[tile] > cycle:
        return -1
    number = flow.responses
    streams.low[number], streams.high[number] = response_of(tiles[tile], tile)
    # When it will be taken depends on the consumer alone.
    taking = cycle + QUEUE_LATENCY
    if number:
        taking = max(taking, taken[number - 1] + 1)
    taking += streams.until_ready[taking % streams.until_ready.shape[0]]
    taken[number] = taking
    number += 1
    depth = chip.response_depth
    flow.room = cycle + 1
    if number >= depth:
        flow.room = max(cycle, taken[number - depth]) + 1
    flow.responses = number
    flow.served = tile
    flow.busy_until = max(flow.busy_until, taking)
    return tile


@kernel
def head_visible(row, streams, tile):
    """Return the cycle from which on a tile can take the oldest beat of its queue; NEVER if it is empty."""
    if row.level == 0:
        return at.NEVER
    return streams.accepted[streams.queues[tile, row.head]] + QUEUE_LATENCY


@kernel
def pop(row, streams, tile):
    """Take the oldest beat from the queue of a tile; gives its position in the program."""
    position = streams.queues[tile, row.head]
    change_command(row, streams, tile, position)
    row.head = row.head + 1 if row.head + 1 < streams.queues.shape[1] else 0
    row.level -= 1
    return position
