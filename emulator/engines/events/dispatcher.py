"""The dispatch: the host's command beats, each to the queue of its tile."""

from collections.abc import Sequence

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.events.clock import Clock, Stage, Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.listener import Listener
from twinbar.emulator.engines.events.router import is_transfer, routes
from twinbar.emulator.engines.events.tile import Tile
from twinbar.emulator.engines.events.transfer_start import TransferStart
from twinbar.hw.protocol.vocabulary import Opcode


class Dispatcher:
    """Presents the beats of a program one after the other, each to the queue of its tile.

    Parameters
    ----------
    clock : Clock
    tiles : sequence of Tile
    transfer_start : TransferStart

    Attributes
    ----------
    last_accepted : int
        Cycle in which the last beat of all programs was accepted.
    accepted : list of int
        Cycles of the program in which its beats were accepted.
    done : bool
        Whether all beats of the program were accepted.
    """

    def __init__(self, clock: Clock, tiles: Sequence[Tile], transfer_start: TransferStart) -> None:
        self.last_accepted = -1
        self.accepted: list[int] = []
        self.done = True
        self.listener: Listener | None = None
        self._clock = clock
        self._tiles = tiles
        self._transfers = transfer_start.queue

    def begin(self, program: Program) -> None:
        """Begin a program in this cycle."""
        self.accepted = []
        self.done = len(program.commands) == 0
        if not self.done:
            self._clock.process(self._present(program))

    def _present(self, program: Program) -> Steps[None]:
        """Present the beats of a program. A beat that waits blocks the beats behind it.

        SAFE and ABORT halt in the cycle in which they are presented.
        """
        clock, begin = self._clock, self._clock.cycle
        presented = begin
        arrivals = program.arrivals if program.arrivals is not None else np.zeros(len(program.commands), np.int64)
        for beat, arrival in zip(program.commands.tolist(), arrivals.tolist(), strict=True):
            command = DecodedCommand(beat)
            presented = max(begin + arrival, presented)
            if command.opcode in (Opcode.SAFE, Opcode.ABORT):
                yield clock.at(presented, Stage.HALT)
                self._halt(command)
            yield clock.at(presented, Stage.STREAM)
            receivers = self._receivers(command)
            for tile, _ in receivers:
                while not tile.queue.ready:
                    yield tile.queue.room()
            if is_transfer(command, self._tiles[0].config) and not receivers[0][1].route.stray:
                while not self._transfers.ready:
                    yield self._transfers.room()
                self._transfers.put(tuple(tile.number for tile, _ in receivers))
            for tile, received in receivers:
                tile.queue.put(received)
            cycle = clock.cycle
            self.last_accepted = cycle
            self.accepted.append(cycle - begin)
            if self.listener:
                name = command.opcode.name if command.opcode else "?"
                self.listener.accepted(command.tile, name, presented, cycle + 1)
            presented = cycle + 1
        self.done = True

    def _receivers(self, command: DecodedCommand) -> list[tuple[Tile, DecodedCommand]]:
        """Return the tiles that a command goes to, as it is presented in this cycle, and what each of them gets."""
        groups = [tile.registers["INPUT_GROUP"] for tile in self._tiles]
        found = routes(command, self._tiles[0].config, groups)
        return [(self._tiles[number], command.routed(route)) for number, route in found.items()]

    def _halt(self, command: DecodedCommand) -> None:
        if command.opcode is Opcode.SAFE:
            for tile in self._tiles:
                tile.safety.stop_by_command(disarm=True)
        elif command.tile < len(self._tiles):
            self._tiles[command.tile].safety.stop_by_command(disarm=False)
