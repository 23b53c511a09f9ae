"""The sequencer of a tile: one command after the other, every cycle in one phase."""

from collections.abc import Callable

import simpy

from twinbar.emulator.engines.events.clock import Stage, Steps
from twinbar.emulator.engines.events.decoding import Answer, DecodedCommand
from twinbar.emulator.engines.events.housekeeping import load, refuse, transfer
from twinbar.emulator.engines.events.joint_start import JointStart
from twinbar.emulator.engines.events.operations import OPERATIONS
from twinbar.emulator.engines.events.router import is_cascade, is_transfer
from twinbar.emulator.engines.events.tile import Tile
from twinbar.emulator.engines.events.transfer_start import TransferStart
from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import CLOSED_LOOP, HALTABLE
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import Phase


class Sequencer:
    """Takes a tile's commands from its queue, carries them out one after the other, and answers them.

    Parameters
    ----------
    tile : Tile
    at_rest : callable
        Called when the tile has become idle.
    joint_start : JointStart
    transfer_start : TransferStart

    Attributes
    ----------
    idle : bool
        Whether it waits for a command.
    """

    def __init__(
        self, tile: Tile, at_rest: Callable[[], None], joint_start: JointStart, transfer_start: TransferStart
    ) -> None:
        self.idle = True
        self._tile = tile
        self._at_rest = at_rest
        self._joint_start = joint_start
        self._transfer_start = transfer_start
        tile.process = tile.clock.process(self._run())

    def _run(self) -> Steps[None]:
        tile = self._tile
        while True:
            yield from self._next_command()
            status = yield from self._admission(tile.queue.front)
            command = tile.queue.take()
            tile.count(Action.SHARED_BEAT if command.route.copy else Action.COMMAND_BEAT)
            tile.note(command, status)
            tile.answer = answer = Answer(command, status)
            tile.cut = Status.OK
            yield tile.clock.timeout(1)  # The command runs from the next cycle on.
            started = tile.clock.cycle
            if command.opcode is Opcode.LOAD and status is Status.OK:
                yield from load(tile, command)
            elif command.opcode is Opcode.TRANSFER and status is Status.OK:
                yield from transfer(tile, command)
            else:
                yield from self._carry_out(command)
                if not answer.given:
                    yield from tile.respond()
                self._count_write(answer)
            if tile.counters.listener:
                name = command.opcode.name if command.opcode else "?"
                tile.counters.listener.command(tile.number, name, answer.status.name, started, tile.clock.cycle + 1)

    def _next_command(self) -> Steps[None]:
        """Wait for the next command: until this cycle if it is visible and no halt occurs, else in the phase IDLE."""
        tile = self._tile
        cycle = tile.clock.cycle
        if not tile.queue.visible or tile.safety.halted == cycle:
            tile.counters.enter(Phase.IDLE, cycle + 1)
            self.idle = True
            if not len(tile.queue):
                self._at_rest()
            yield tile.queue.head()
            while tile.safety.halted == tile.clock.cycle:
                yield tile.clock.at(tile.clock.cycle + 1, Stage.STREAM)
            self.idle = False

    def _admission(self, command: DecodedCommand) -> Steps[Status]:
        """Return the status of the command that is taken in this cycle; one of several tiles waits for all of them."""
        tile = self._tile
        tile.member = None
        cascade = is_cascade(command, tile.config)
        if command.route.stray or not (cascade or is_transfer(command, tile.config)):
            return tile.admission(command)
        tile.counters.enter(Phase.IDLE, tile.clock.cycle + 1)
        start = self._joint_start if cascade else self._transfer_start
        status: Status = yield start.offer(tile, command)
        return status

    def _carry_out(self, command: DecodedCommand) -> Steps[None]:
        """Carry out a command up to its (last) response, or refuse it."""
        tile = self._tile
        admitted = tile.answer.status is Status.OK
        operation = OPERATIONS[command.opcode] if admitted else refuse
        tile.haltable = admitted and command.opcode in HALTABLE
        try:
            yield from operation(tile, command)
        except simpy.Interrupt:
            yield tile.clock.timeout(1)  # By then everything else that halts in this cycle is known.
            tile.answer.status = tile.safety.reason
        tile.haltable = False

    def _count_write(self, answer: Answer) -> None:
        if answer.command.opcode in CLOSED_LOOP:
            if answer.status is Status.OK:
                self._tile.count(Action.WRITE_OK)
            elif answer.status is Status.FAILED:
                self._tile.count(Action.WRITE_FAILED)
