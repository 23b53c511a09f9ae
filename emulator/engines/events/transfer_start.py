"""The start of transfers: in the order in which they were accepted, when all tiles that take part can begin."""

from collections.abc import Sequence

import simpy

from twinbar.emulator.engines.events.clock import Clock, Stage
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.stream_queue import Queue
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import TRANSFER_LATENCY


class TransferStart:
    """Starts the oldest transfer in the first cycle in which all its tiles could begin it and none other runs.

    Parameters
    ----------
    clock : Clock
    tiles : sequence of Tile

    Attributes
    ----------
    queue : Queue
        Numbers of the tiles that take part in each transfer.
    """

    def __init__(self, clock: Clock, tiles: Sequence[Tile]) -> None:
        self.queue = Queue[tuple[int, ...]](clock, tiles[0].config.command_depth, -1)
        self._clock = clock
        self._this_cycle = clock.stage(Stage.STREAM)
        self._tiles = tiles
        self._waiting: dict[int, tuple[DecodedCommand, simpy.Event]] = {}
        self._next = 0
        """First cycle in which one can start."""

    def offer(self, tile: Tile, command: DecodedCommand) -> simpy.Event:
        """Return the event in which a tile takes its transfer, with its status; in the stage STREAM.

        Called in this stage, when the transfer is at the front of the tile's queue and nothing else runs.
        """
        event = self._this_cycle.event()
        self._waiting[tile.number] = command, event
        self._try()
        return event

    def _try(self) -> None:
        """Start the oldest transfer if all its tiles wait for it and none is halted in this cycle."""
        if not self.queue.visible or not all(number in self._waiting for number in self.queue.front):
            return
        cycle = self._clock.cycle
        members = [self._tiles[number] for number in self.queue.front]
        if cycle < self._next or any(tile.safety.halted == cycle for tile in members):
            self._try_in(max(self._next, cycle + 1))
            return
        self.queue.take()
        offered = [self._waiting.pop(tile.number) for tile in members]
        statuses = [tile.admission(command) for tile, (command, _) in zip(members, offered, strict=True)]
        command = offered[0][0]
        refused = any(status is not Status.OK for status in statuses)
        self._next = cycle + 1
        if not refused:
            arguments = command.arguments
            words = self._tiles[command.tile].activations.words(arguments.first, arguments.words)
            for tile in members:
                tile.arriving = words
            self._next = cycle + TRANSFER_LATENCY + arguments.words
        if len(self.queue):
            self._try_in(self._next)
        for (_, event), status in zip(offered, statuses, strict=True):
            event.succeed(Status.ABORTED if refused and status is Status.OK else status)

    def _try_in(self, cycle: int) -> None:
        self._clock.call(cycle, Stage.STREAM, self._try)
