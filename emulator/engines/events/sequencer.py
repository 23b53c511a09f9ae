"""The sequencer of a tile: one command after the other, every cycle in one phase."""

from collections.abc import Callable

import simpy

from twinbar.emulator.engines.events.admission import admit
from twinbar.emulator.engines.events.beats import Answer, Command
from twinbar.emulator.engines.events.clock import Clock, Gives, Stage, Steps
from twinbar.emulator.engines.events.counters import Counters
from twinbar.emulator.engines.events.drive import Drive
from twinbar.emulator.engines.events.front_end import FrontEnd
from twinbar.emulator.engines.events.front_end_time import DirectTime, FrontEndTime, SerialTime
from twinbar.emulator.engines.events.housekeeping import load, refuse
from twinbar.emulator.engines.events.input_planes import InputPlanes
from twinbar.emulator.engines.events.operations import OPERATIONS
from twinbar.emulator.engines.events.queues import Queue
from twinbar.emulator.engines.events.registers import RegisterFile
from twinbar.emulator.engines.events.safety import Pin, Safety
from twinbar.emulator.engines.events.streams import Arbiter
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.commands import CLOSED_LOOP, HALTABLE
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import Phase


class Sequencer:
    """The sequencer of a tile, and the tile's parts, with which the operations work.

    Parameters
    ----------
    clock : Clock
    tile : int
    config : ControllerConfig
    queue : Queue of Command
        Commands for this tile.
    front_end : FrontEnd
    inputs : InputPlanes
    arbiter : Arbiter
    stop : Pin
        The controller's stop input.
    last_accepted : callable
        Gives the cycle in which the controller accepted its last command beat.
    at_rest : callable
        Is called when the tile has become idle.
    parts : SerialParts, optional
        Of the front end; None: it is direct.

    Attributes
    ----------
    time : FrontEndTime
        How long the front end takes.
    answer : Answer
        Of the command that runs.
    haltable : bool
        Whether a halt ends what the tile does now.
    cut : Status
        How a multiplication was halted while it responded; OK: it was not.
    """

    def __init__(
        self,
        clock: Clock,
        tile: int,
        config: ControllerConfig,
        queue: Queue[Command],
        front_end: FrontEnd,
        inputs: InputPlanes,
        arbiter: Arbiter,
        stop: Pin,
        last_accepted: Callable[[], int],
        at_rest: Callable[[], None],
        parts: SerialParts | None = None,
    ) -> None:
        self.clock = clock
        self.tile = tile
        self.config = config
        self.queue = queue
        self.front_end = front_end
        self.inputs = inputs
        self.registers = RegisterFile(config)
        self.drive = Drive(config.safe_codes)
        self.fault_pin, self.stop_pin = Pin(), stop
        self.safety = Safety(
            clock,
            stop,
            self.fault_pin,
            watchdog=lambda: self.registers["WATCHDOG"],
            last_accepted=last_accepted,
            halt=self._halt,
            make_safe=self._make_safe,
        )
        self.time: FrontEndTime = DirectTime(self.registers)
        if parts is not None:
            self.time = SerialTime(clock, config, parts, self.registers, self.fault_pin, self._look_at_pins_in)
        self.counters = Counters(tile)
        self.answer: Answer
        self.haltable = False
        self.cut = Status.OK
        self.idle = True
        self._cut_in = -1
        self._arbiter = arbiter
        self._at_rest = at_rest
        self._responds = False
        self._process = clock.process(self._run())

    # --- what operations use ---------------------------------------------------------------------------------------

    def phase(self, phase: Phase, cycles: int) -> simpy.Event:
        """Begin a phase in this cycle; gives the event that it is over, in the cycle behind it."""
        self.counters.enter(phase, self.clock.cycle)
        return self.clock.timeout(cycles)

    def count(self, action: Action) -> None:
        """Count an action."""
        self.counters.actions[action] += 1

    def respond(self) -> Steps:
        """Offer the answer from this cycle on, until it is handed over; goes on in the cycle of the handover."""
        self.haltable, self._responds = False, True
        self.counters.enter(Phase.STALL, self.clock.cycle)
        answer = self.answer
        yield self._arbiter.offer(self.tile, lambda: answer.beat(self.tile, self.safety.faults, self.safety.mode))
        self.counters.enter(Phase.RESPOND, self.clock.cycle)
        self._responds = False

    # --- the process -----------------------------------------------------------------------------------------------

    def _run(self) -> Steps:
        while True:
            command = yield from self._next_command()
            status = admit(command, self.tile, self.config, self.registers, self.safety)
            self.count(Action.COMMAND_BEAT)
            self.answer = answer = Answer(command, status)
            self.cut = Status.OK
            yield self.clock.timeout(1)  # It runs from the next cycle on.
            started = self.clock.cycle
            if command.opcode is Opcode.LOAD and status is Status.OK:
                yield from load(self, command)
            else:
                yield from self._carry_out(command)
                yield from self.respond()
                self._count_write(answer)
            if self.counters.listener:
                name = command.opcode.name if command.opcode else "?"
                self.counters.listener.command(self.tile, name, answer.status.name, started, self.clock.cycle + 1)

    def _next_command(self) -> Gives[Command]:
        """Take the next command: in this cycle if it is visible and no halt occurs, else out of the phase IDLE."""
        cycle = self.clock.cycle
        if not self.queue.visible or self.safety.halted == cycle:
            self.counters.enter(Phase.IDLE, cycle + 1)
            self.idle = True
            if not len(self.queue):
                self._at_rest()
            yield self.queue.head()
            while self.safety.halted == self.clock.cycle:
                yield self.clock.at(self.clock.cycle + 1, Stage.STREAM)
            self.idle = False
        return self.queue.take()

    def _carry_out(self, command: Command) -> Steps:
        """Carry out a command up to its (last) response, or refuse it."""
        admitted = self.answer.status is Status.OK
        operation = OPERATIONS[command.opcode] if admitted else refuse
        self.haltable = admitted and command.opcode in HALTABLE
        try:
            yield from operation(self, command)
        except simpy.Interrupt:
            yield self.clock.timeout(1)  # Everything else that halts in this cycle is known then.
            self.answer.status = self.safety.reason
        self.haltable = False

    def _count_write(self, answer: Answer) -> None:
        if answer.command.opcode in CLOSED_LOOP:
            if answer.status is Status.OK:
                self.count(Action.WRITE_OK)
            elif answer.status is Status.FAILED:
                self.count(Action.WRITE_FAILED)

    def _halt(self) -> None:
        """Stop what the tile does: this cycle is the last in which the write gate or the read path is open."""
        self.front_end.close(self.clock.cycle + 1)
        self.time.halt()
        if self.haltable:
            self.haltable = False
            self._process.interrupt()
        elif self._responds and self.answer.command.opcode is Opcode.MULTIPLY and self.answer.status is Status.OK:
            self._cut()

    def _make_safe(self) -> None:
        self.drive.make_safe()
        self.time.make_safe(self.drive.codes)

    def _look_at_pins_in(self, cycle: int) -> None:
        self.clock.call(cycle, Stage.HALT, self.safety.look_at_pins)

    def _cut(self) -> None:
        """A multiplication is halted while it responds: the first cause counts, or a fault in the same cycle."""
        if self.cut is Status.OK or self._cut_in == self.clock.cycle:
            self.cut = self.safety.reason
            self._cut_in = self.clock.cycle
