"""A tile: its parts, and what every operation does with them."""

from collections.abc import Callable, Sequence

import simpy

from twinbar.emulator.crossbar.array import ArrayState
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.events.activation_buffer import ActivationBuffer
from twinbar.emulator.engines.events.admission import admit
from twinbar.emulator.engines.events.arbiter import Arbiter
from twinbar.emulator.engines.events.cascade_member import CascadeMember
from twinbar.emulator.engines.events.clock import Clock, Stage, Steps
from twinbar.emulator.engines.events.counters import Counters
from twinbar.emulator.engines.events.decoding import Answer, DecodedCommand
from twinbar.emulator.engines.events.drive import Drive
from twinbar.emulator.engines.events.front_end import FrontEnd
from twinbar.emulator.engines.events.front_end_time import DirectTime, FrontEndTime, SerialTime
from twinbar.emulator.engines.events.input_planes import InputPlanes
from twinbar.emulator.engines.events.register_file import RegisterFile
from twinbar.emulator.engines.events.safety import Safety, SynchronizedPin
from twinbar.emulator.engines.events.stream_queue import Queue
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import Phase


class Tile:
    """The parts of a tile, with which operations work. The sequencer that runs the operations is above it.

    Parameters
    ----------
    clock : Clock
    number : int
        Number of the tile.
    config : ControllerConfig
    crossbar : CrossbarConfig
    state : ArrayState
        Cells and converters of all tiles.
    arbiter : Arbiter
    stop : SynchronizedPin
        The controller's stop input.
    last_accepted : callable
        Returns the cycle in which the controller accepted its last command beat.

    Attributes
    ----------
    queue : Queue of DecodedCommand
        Commands for this tile.
    time : FrontEndTime
        How long the front end takes.
    process : Process
        The sequencer's, which a halt interrupts.
    answer : Answer
        To the command that runs.
    haltable : bool
        Whether a halt ends what the tile does now.
    cut : Status
        Why a multiplication was halted while it responded; OK: it was not.
    member : CascadeMember or None
        Its part in the cascade that it runs, or ran last before its next command.
    unfilled : bool
        Whether its row registers lack words that a transfer was to write.
    arriving : sequence of int
        Words of the transfer that it takes part in.
    """

    def __init__(
        self,
        clock: Clock,
        number: int,
        config: ControllerConfig,
        crossbar: CrossbarConfig,
        state: ArrayState,
        arbiter: Arbiter,
        stop: SynchronizedPin,
        last_accepted: Callable[[], int],
    ) -> None:
        self.clock = clock
        self.number = number
        self.config = config
        self.queue = Queue[DecodedCommand](clock, config.command_depth, number)
        self.registers = RegisterFile(config)
        self.counters = Counters(number)
        self.inputs = InputPlanes(number, state, config)
        self.activations = ActivationBuffer(config, self.registers)
        self.unfilled = False
        self.arriving: Sequence[int] = ()
        self.drive = Drive(config.safe_codes)
        self.front_end = FrontEnd(clock, number, state, config, sample_and_hold=crossbar.array.sample_and_hold)
        self.fault_pin, self.stop_pin = SynchronizedPin(), stop
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
        if crossbar.parts is not None:
            self.time = SerialTime(clock, config, crossbar.parts, self.registers, self.fault_pin, self._look_at_pins_in)
        self.process: simpy.Process
        self.answer: Answer
        self.haltable = False
        self.cut = Status.OK
        self.member: CascadeMember | None = None
        self._arbiter = arbiter
        self._responds = False
        self._cut_in = -1

    # --- what operations use ---------------------------------------------------------------------------------------

    def phase(self, phase: Phase, cycles: int) -> simpy.Event:
        """Begin a phase in this cycle; return the event that it is over, in the cycle behind it."""
        self.counters.enter(phase, self.clock.cycle)
        return simpy.Timeout(self.clock, cycles)

    def count(self, action: Action) -> None:
        """Count an action."""
        self.counters.actions[action] += 1

    def actions(self) -> list[int]:
        """Return the counts by `Action`, those of the ADC channels included."""
        actions = list(self.counters.actions)
        actions[Action.CHANNEL_CYCLE] = self.front_end.channel_cycles
        actions[Action.CHANNEL_WAKE] = self.front_end.channel_wakes
        return actions

    def admission(self, command: DecodedCommand) -> Status:
        """Return the status with which a command is refused, or OK."""
        lacks = command.opcode is Opcode.MULTIPLY and self.unfilled
        if command.opcode is Opcode.TRANSFER and not command.route.copy:
            lacks = not self.activations.complete
        return admit(command, self.number, self.config, self.registers, self.safety, lacks=lacks)

    def note(self, command: DecodedCommand, status: Status) -> None:
        """Note what a command that is taken makes of activations and inputs."""
        if command.opcode is Opcode.MULTIPLY:
            self.activations.begin()
        takes = command.opcode is Opcode.TRANSFER and command.route.several and command.route.last
        if takes and status is not Status.OK:
            self.unfilled = True
        elif (takes or command.opcode is Opcode.LOAD) and status is Status.OK and command.arguments.clear:
            self.unfilled = False

    def respond(self) -> Steps[None]:
        """Offer the answer from this cycle on, until it is handed over; go on in the cycle of the handover."""
        self.haltable, self._responds = False, True
        self.counters.enter(Phase.STALL, self.clock.cycle)
        answer = self.answer
        yield self._arbiter.offer(self.number, lambda: answer.beat(self.number, self.safety.faults, self.safety.mode))
        self.counters.enter(Phase.RESPOND, self.clock.cycle)
        self._responds = False

    # --- what safety uses ------------------------------------------------------------------------------------------

    def _halt(self) -> None:
        """Stop what the tile does: this cycle is the last in which the write gate or the read path is open."""
        self.front_end.close(self.clock.cycle + 1)
        self.time.halt()
        if self.member is not None:
            self.member.halted()
        if self.haltable:
            self.haltable = False
            self.process.interrupt()
        elif self._responds and self.answer.command.opcode is Opcode.MULTIPLY and self.answer.status is Status.OK:
            self._cut()

    def _cut(self) -> None:
        """A multiplication is halted while it responds: the first cause counts, or a fault in the same cycle."""
        if self.cut is Status.OK or self._cut_in == self.clock.cycle:
            self.cut = self.safety.reason
            self._cut_in = self.clock.cycle

    def _make_safe(self) -> None:
        self.drive.make_safe()
        self.time.make_safe(self.drive.codes)

    def _look_at_pins_in(self, cycle: int) -> None:
        self.clock.call(cycle, Stage.HALT, self.safety.look_at_pins)
