"""Sequencer of one tile: takes commands in order, drives the front end, answers.

Each cycle is exactly one phase of `twinbar.hw.timing`, and each operation takes exactly the cycles that its functions
give. What they do not cover:

* A refused command, ``SET_REGISTER`` and ``GET_REGISTER`` take their RESPOND cycle only.
* ``COUNTER`` takes three DECIDE cycles before. The value holds all that its tile did before, the command's own beat
  and its DECIDE cycles.
* ``WAIT`` and ``RAW`` count as SETTLE; ``FORM`` takes the cycles of a write with its own pulse width.
* ``LOAD_INPUT`` is taken in an idle cycle, and a cycle in which it is taken is followed by an idle one.
* A command is taken in an idle cycle or together with the last response of the command before, so that a queue that is
  never empty costs no idle cycle.
"""

from typing import Final

from amaranth import Array, C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.formal.gate_properties import GateProperties
from twinbar.hw.gateware.accumulator import Accumulator
from twinbar.hw.gateware.bias import Bias
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.counters import CounterBank
from twinbar.hw.gateware.front_end import FrontEnd, FrontEndPins, Selection, Step
from twinbar.hw.gateware.guard import GateGuard
from twinbar.hw.gateware.input_buffer import InputBuffer
from twinbar.hw.gateware.level_table import LevelTable
from twinbar.hw.gateware.registers import RegisterFile
from twinbar.hw.protocol.commands import Command, Opcode, Polarity, PulseArgument, RawArgument
from twinbar.hw.protocol.faults import Fault, Reason
from twinbar.hw.protocol.registers import CODE_BITS, LEVEL_BASE, LINES, POLARITIES, WIDTH_BITS
from twinbar.hw.protocol.responses import PAYLOAD_BITS, Payload, Response
from twinbar.hw.timing import PHASES, Phase

ARRAY_OPCODES: Final = (Opcode.READ, Opcode.WRITE, Opcode.PULSE, Opcode.FORM, Opcode.MULTIPLY, Opcode.RAW)
"""Operations that touch the array: refused while a fault is latched, and aborted by one."""
DRIVE_OPCODES: Final = (Opcode.WRITE, Opcode.PULSE, Opcode.FORM, Opcode.RAW)
"""Operations that drive the array for writing: refused while disarmed, and aborted by disarming."""
CELL_OPCODES: Final = (Opcode.READ, Opcode.WRITE, Opcode.PULSE, Opcode.FORM)
ACTION_COUNTERS: Final = 16
"""Argument of ``COUNTER`` at which the action counters begin."""
SUM_EXTRA_BITS: Final = 7
"""Bits that the sum of up to 128 averaged samples needs above those of a code."""


class Tile(wiring.Component):
    """One tile's sequencer with its registers, level table, counters and front end.

    Parameters
    ----------
    config : ControllerConfig
    number : int
        Number of the tile in its responses.

    Attributes
    ----------
    commands : In(stream)
        Commands of this tile.
    responses : Out(stream)
    pins : Out(FrontEndPins)
    armed, faults, safe : In
        State of safety: pulses are allowed; latched faults; abort what runs.
    raise_faults : Out
        Faults that this tile sees in this cycle.
    busy : Out
        A command is being carried out.
    phase : Out
        `twinbar.hw.timing.Phase` of this cycle.
    """

    def __init__(self, config: ControllerConfig, number: int) -> None:
        self._config = config
        self._number = number
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "pins": Out(FrontEndPins(config)),
                "armed": In(1),
                "faults": In(Fault),
                "safe": In(1),
                "raise_faults": Out(Fault),
                "busy": Out(1),
                "phase": Out(range(len(PHASES))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        config = self._config
        m = Module()
        m.submodules.registers = registers = RegisterFile()
        m.submodules.levels = levels = LevelTable(config.adc_bits)
        m.submodules.bias = bias = Bias()
        m.submodules.front = front = FrontEnd(WIDTH_BITS)
        m.submodules.guard = guard = GateGuard()
        m.submodules.inputs = inputs = InputBuffer(config)
        m.submodules.phase_counters = phase_counters = CounterBank(len(PHASES), 2)
        m.submodules.action_counters = action_counters = CounterBank(
            len(ACTIONS), (config.rows * config.planes).bit_length()
        )
        accumulators = [Accumulator(config) for _ in range(config.adc_channels)]
        for channel, accumulator in enumerate(accumulators):
            m.submodules[f"accumulator_{channel}"] = accumulator

        beat = self.commands.payload
        opcode = Signal(Opcode)
        argument = Signal(32)
        reason = Signal(Reason)
        sets, resets = Signal(CODE_BITS), Signal(CODE_BITS)
        code = Signal(config.adc_bits)
        taking = Signal()
        accept = Signal()
        handover = Signal()
        answer = Signal()
        ok = Signal()
        names_level = Signal()
        settling_drive = Signal()
        commands_taken, counted = Signal(PAYLOAD_BITS), Signal(PAYLOAD_BITS)
        m.d.comb += [
            self.commands.ready.eq(taking),
            accept.eq(taking & self.commands.valid),
            handover.eq(self.responses.valid & self.responses.ready),
        ]

        # --- what a command that arrives may do ------------------------------------------------------------------
        arriving = beat.opcode
        pulse = PulseArgument(beat.argument[: PulseArgument.as_shape().size])
        raw = RawArgument(beat.argument[: RawArgument.as_shape().size])
        is_level = Signal()
        refusal = Signal(Reason)
        one_of = {name: Signal(name=f"arriving_{name}") for name in ("array", "drive", "cell")}
        m.d.comb += [
            one_of["array"].eq(Cat(arriving == op for op in ARRAY_OPCODES).any()),
            one_of["drive"].eq(Cat(arriving == op for op in DRIVE_OPCODES).any()),
            one_of["cell"].eq(Cat(arriving == op for op in CELL_OPCODES).any()),
            is_level.eq(beat.row[8:] == LEVEL_BASE >> 8),
        ]
        window_low, window_high = beat.argument[:16], beat.argument[16:]
        legal_window = (window_low[config.adc_bits :] == 0) & (window_high[config.adc_bits :] == 0)
        with m.If(one_of["array"] & (Value.cast(self.faults) != 0)):
            m.d.comb += refusal.eq(Reason.FAULTED)
        with m.Elif(one_of["drive"] & ~self.armed):
            m.d.comb += refusal.eq(Reason.DISARMED)
        with m.Elif(one_of["cell"] & (beat.row >= config.rows)):
            m.d.comb += refusal.eq(Reason.ROW)
        with m.Elif(one_of["cell"] & (beat.column >= config.columns)):
            m.d.comb += refusal.eq(Reason.COLUMN)
        with m.Else():
            with m.Switch(arriving):
                with m.Case(Opcode.SET_REGISTER):
                    with m.If(is_level):
                        with m.If(~legal_window):
                            m.d.comb += refusal.eq(Reason.VALUE)
                    with m.Elif(~registers.known):
                        m.d.comb += refusal.eq(Reason.REGISTER)
                    with m.Elif(~registers.legal):
                        m.d.comb += refusal.eq(Reason.VALUE)
                with m.Case(Opcode.GET_REGISTER):
                    with m.If(~is_level & ~registers.known):
                        m.d.comb += refusal.eq(Reason.REGISTER)
                with m.Case(Opcode.COUNTER):
                    known = Mux(
                        beat.argument < ACTION_COUNTERS,
                        beat.argument < len(PHASES),
                        beat.argument < ACTION_COUNTERS + len(ACTIONS),
                    )
                    with m.If(~known):
                        m.d.comb += refusal.eq(Reason.VALUE)
                with m.Case(Opcode.WRITE, Opcode.FORM):
                    with m.If(beat.argument >= registers.levels):
                        m.d.comb += refusal.eq(Reason.LEVEL)
                with m.Case(Opcode.PULSE):
                    with m.If((pulse.polarity >= len(POLARITIES)) | (pulse.count == 0)):
                        m.d.comb += refusal.eq(Reason.VALUE)
                    with m.Elif(pulse.count > registers.pulse_limit):
                        m.d.comb += refusal.eq(Reason.PULSES)
                with m.Case(Opcode.RAW):
                    with m.If(raw.polarity >= len(POLARITIES)):
                        m.d.comb += refusal.eq(Reason.VALUE)
                with m.Case(Opcode.LOAD_INPUT):
                    with m.If(beat.row >= config.input_words):
                        m.d.comb += refusal.eq(Reason.VALUE)
                with m.Case(Opcode.MULTIPLY):
                    with m.If((beat.argument == 0) | (beat.argument > config.outputs)):
                        m.d.comb += refusal.eq(Reason.VALUE)
                with m.Case(Opcode.WAIT):
                    with m.If(beat.argument[WIDTH_BITS:] != 0):
                        m.d.comb += refusal.eq(Reason.VALUE)
                with m.Case(Opcode.READ):
                    pass
                with m.Default():
                    m.d.comb += refusal.eq(Reason.OPCODE)
        good = Signal()
        m.d.comb += [
            good.eq(accept & (refusal == Reason.NONE)),
            registers.address.eq(beat.row),
            registers.value.eq(beat.argument),
            registers.read.eq(good & (arriving == Opcode.GET_REGISTER)),
            registers.write.eq(good & (arriving == Opcode.SET_REGISTER)),
            levels.read.eq(accept),
            levels.read_level.eq(Mux(arriving == Opcode.GET_REGISTER, beat.row, beat.argument)),
            levels.write.eq(good & (arriving == Opcode.SET_REGISTER) & is_level),
            levels.write_level.eq(beat.row),
            levels.write_window.low.eq(window_low),
            levels.write_window.high.eq(window_high),
            inputs.load.eq(good & (arriving == Opcode.LOAD_INPUT)),
            inputs.index.eq(beat.row),
            inputs.data.eq(beat.argument),
        ]

        # --- read-out: sum of the kept samples, rounded half up --------------------------------------------------
        # Codes of the last conversion, which need not outlast it.
        codes = Signal(data.ArrayLayout(config.adc_bits, config.adc_channels))
        samples = Signal(range((1 << SUM_EXTRA_BITS) + 16))
        sample = Signal.like(samples)
        total = Signal(config.adc_bits + SUM_EXTRA_BITS)
        kept = Signal(SUM_EXTRA_BITS + 1)
        averaged = Signal(config.adc_bits)
        channel_code = Signal(config.adc_bits)
        m.d.comb += [
            kept.eq(C(1) << registers.average),
            samples.eq(registers.discard + kept),
            averaged.eq(total >> registers.average),
            channel_code.eq(Array(self.pins.codes)[self.pins.column % config.adc_channels]),
        ]

        # --- closed loop: what comes after a read ----------------------------------------------------------------
        inside, low_code, spent = Signal(), Signal(), Signal()
        count = Signal(CODE_BITS + 1)
        m.d.comb += [
            low_code.eq(averaged < levels.window.low),
            inside.eq(~low_code & ((averaged <= levels.window.high) | (opcode == Opcode.FORM))),
            count.eq(sets + resets),
            spent.eq(count >= registers.pulse_limit),
        ]
        pulse_argument = PulseArgument(argument[: PulseArgument.as_shape().size])
        with m.Switch(opcode):
            with m.Case(Opcode.PULSE):
                m.d.comb += bias.wanted.eq(pulse_argument.polarity)
            with m.Case(Opcode.FORM):
                m.d.comb += bias.wanted.eq(Polarity.FORM)
            with m.Default():
                m.d.comb += bias.wanted.eq(Mux(low_code, Polarity.SET, Polarity.RESET))
        m.d.comb += [
            bias.raw.eq(taking & (arriving == Opcode.RAW)),
            bias.raw_drive.amplitude.eq(raw.amplitude),
            bias.raw_drive.gate.eq(raw.gate),
            bias.safe_amplitude.eq(registers.safe_amplitude),
            bias.safe_gate.eq(registers.safe_gate),
            bias.restart.eq(accept),
        ]
        with m.If(bias.raw):
            m.d.comb += bias.wanted.eq(raw.polarity)
        for p, polarity in enumerate(POLARITIES):
            for n, line in enumerate(LINES):
                ramp = bias.ramps[p][n]
                m.d.comb += [
                    getattr(ramp, end).eq(getattr(registers, f"{polarity}_{line}_{end}"))
                    for end in ("start", "step", "stop")
                ]
                m.d.comb += [
                    getattr(ramp, end).eq(getattr(registers, f"limit_{polarity}_{line}_{end}"))
                    for end in ("low", "high")
                ]
        width = Signal(WIDTH_BITS)
        with m.Switch(bias.wanted):
            for p, polarity in enumerate(POLARITIES):
                with m.Case(p):
                    m.d.comb += width.eq(getattr(registers, f"width_{polarity}"))

        # --- steps of the front end ------------------------------------------------------------------------------
        with m.Switch(front.step):
            for step, cycles in (
                (Step.SELECT, registers.select),
                (Step.SETTLE_READ, registers.settle_read),
                (Step.SETTLE_DRIVE, registers.settle_drive),
                (Step.SETTLE_MULTIPLY, registers.settle_multiply),
                (Step.CONVERT, registers.convert),
                (Step.PULSE, width),
                (Step.RECOVER, registers.recover),
                (Step.WAIT, beat.argument[:WIDTH_BITS]),
            ):
                with m.Case(step):
                    m.d.comb += front.cycles.eq(cycles)

        pending = Signal(config.planes)
        plane = Signal(range(config.planes))
        fresh = Signal()
        group = Signal(range(config.groups))
        left = Signal(range(config.outputs + 1))
        output = Signal(range(config.outputs))
        output_group = Signal(range(config.groups))
        output_channel = Signal(range(config.adc_channels))
        next_group = Signal.like(output_group)
        next_channel = Signal.like(output_channel)
        last_output = Signal()
        active = Signal(range(config.adc_channels + 1))
        last_group = Signal()
        m.d.comb += [
            last_group.eq(left <= config.adc_channels),
            active.eq(Mux(last_group, left, config.adc_channels)),
            last_output.eq((opcode != Opcode.MULTIPLY) | (reason != Reason.NONE) | (output == argument - 1)),
        ]
        for bit in reversed(range(config.planes)):
            with m.If(pending[bit]):
                m.d.comb += plane.eq(bit)
        m.d.comb += [next_group.eq(output_group), next_channel.eq(output_channel)]
        with m.If(handover):
            with m.If(output_channel == config.adc_channels - 1):
                m.d.comb += [next_channel.eq(0), next_group.eq(output_group + 1)]
            with m.Else():
                m.d.comb += next_channel.eq(output_channel + 1)

        disturbed = Signal()
        running = {name: Signal(name=f"running_{name}") for name in ("array", "drive")}
        m.d.comb += [
            running["array"].eq(Cat(opcode == op for op in ARRAY_OPCODES).any()),
            running["drive"].eq(Cat(opcode == op for op in DRIVE_OPCODES).any()),
        ]

        def respond(why: Reason | None = None) -> None:
            """Answer in the next cycle; the read path is left."""
            if why is not None:
                m.d.sync += [reason.eq(why), ok.eq(0)]
            m.d.comb += front.release.eq(1)
            m.next = "RESPOND"

        def go(state: str, step: Step) -> None:
            """Begin a step of the front end."""
            m.d.comb += [front.start.eq(1), front.step.eq(step)]
            m.next = state

        def give_pulse() -> None:
            """Begin the next pulse: at once if the drive holds its codes, else when it has settled."""
            with m.If(bias.outside):
                respond(Reason.CODE)
            with m.Elif(width > registers.limit_width):
                respond(Reason.WIDTH)
            with m.Else():
                m.d.comb += bias.apply.eq(1)
                with m.If(bias.update):
                    go("SETTLE_DRIVE", Step.SETTLE_DRIVE)
                with m.Else():
                    go("PULSE", Step.PULSE)

        def interruptible() -> None:
            """End what runs on a fault, `safe` or disarming; stands last in a state, to override it."""
            with m.If(disturbed):
                m.d.comb += [front.start.eq(0), bias.apply.eq(0)]
                respond(Reason.ABORTED)

        def take() -> None:
            """Take the next command, if there is one; not in the very cycle of `safe`, which opens the selector."""
            m.d.comb += taking.eq(~self.safe)
            m.next = "IDLE"
            with m.If(accept):
                m.d.sync += [
                    opcode.eq(arriving),
                    argument.eq(beat.argument),
                    reason.eq(refusal),
                    ok.eq(refusal == Reason.NONE),
                    names_level.eq(is_level),
                    sets.eq(0),
                    resets.eq(0),
                    code.eq(0),
                    output.eq(0),
                    output_group.eq(0),
                    output_channel.eq(0),
                    fresh.eq(1),
                    group.eq(0),
                    left.eq(beat.argument),
                    pending.eq(inputs.steps if config.skip_empty else ~C(0, config.planes)),
                ]
                with m.If(refusal != Reason.NONE):
                    m.next = "RESPOND"
                with m.Else():
                    with m.Switch(arriving):
                        with m.Case(*CELL_OPCODES):
                            m.d.sync += [
                                self.pins.row.eq(beat.row),
                                self.pins.column.eq(beat.column),
                                self.pins.selection.eq(Selection.CELL),
                            ]
                            go("SELECT", Step.SELECT)
                        with m.Case(Opcode.MULTIPLY):
                            m.d.sync += self.pins.selection.eq(Selection.ROWS)
                            if config.skip_empty:
                                with m.If(inputs.steps == 0):
                                    m.next = "RESPOND"
                                with m.Else():
                                    go("SELECT", Step.SELECT)
                            else:
                                go("SELECT", Step.SELECT)
                        with m.Case(Opcode.RAW):
                            with m.If(bias.outside):
                                m.d.sync += reason.eq(Reason.CODE)
                                m.next = "RESPOND"
                            with m.Else():
                                m.d.comb += bias.apply.eq(1)
                                with m.If(bias.update):
                                    go("SETTLE_RAW", Step.SETTLE_DRIVE)
                                with m.Else():
                                    m.next = "RESPOND"
                        with m.Case(Opcode.WAIT):
                            with m.If(beat.argument == 0):
                                m.next = "RESPOND"
                            with m.Else():
                                go("WAIT", Step.WAIT)
                        with m.Case(Opcode.COUNTER):
                            m.next = "COUNT"
                        with m.Case(Opcode.LOAD_INPUT):
                            m.next = "IDLE"
                        with m.Default():
                            m.next = "RESPOND"

        m.d.comb += self.busy.eq(1)
        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.comb += [self.phase.eq(Phase.IDLE), self.busy.eq(0)]
                take()
            with m.State("SELECT"):
                m.d.comb += self.phase.eq(Phase.SELECT)
                m.d.sync += [sample.eq(0), total.eq(kept >> 1)]
                with m.If(front.done):
                    with m.Switch(opcode):
                        with m.Case(Opcode.MULTIPLY):
                            go("SETTLE", Step.SETTLE_MULTIPLY)
                        with m.Case(Opcode.PULSE):
                            give_pulse()
                        with m.Default():
                            go("SETTLE", Step.SETTLE_READ)
                interruptible()
            with m.State("SETTLE"):
                m.d.comb += self.phase.eq(Phase.SETTLE)
                with m.If(front.done):
                    go("CONVERT", Step.CONVERT)
                interruptible()
            with m.State("CONVERT"):
                m.d.comb += [self.phase.eq(Phase.CONVERT), front.hold.eq(opcode == Opcode.MULTIPLY)]
                with m.If(front.done):
                    m.d.sync += [sample.eq(sample + 1), Value.cast(codes).eq(Cat(self.pins.codes))]
                    with m.If(sample >= registers.discard):
                        m.d.sync += total.eq(total + channel_code)
                    with m.If((opcode == Opcode.MULTIPLY) | (sample + 1 == samples)):
                        m.next = "DECIDE"
                    with m.Else():
                        go("CONVERT", Step.CONVERT)
                interruptible()
            with m.State("DECIDE"):
                m.d.comb += self.phase.eq(Phase.DECIDE)
                m.d.sync += [sample.eq(0), total.eq(kept >> 1), code.eq(averaged)]
                with m.Switch(opcode):
                    with m.Case(Opcode.MULTIPLY):
                        with m.If(~last_group):
                            m.d.sync += [group.eq(group + 1), left.eq(left - config.adc_channels)]
                            go("CONVERT", Step.CONVERT)
                        with m.Else():
                            m.d.sync += [
                                group.eq(0),
                                left.eq(argument),
                                fresh.eq(0),
                                pending.eq(pending & (pending - 1)),
                            ]
                            with m.If((pending & (pending - 1)).any()):
                                go("SELECT", Step.SELECT)
                            with m.Else():
                                respond()
                    with m.Case(Opcode.READ):
                        respond()
                    with m.Default():
                        with m.If(inside | spent):
                            m.d.sync += ok.eq(inside)
                            respond()
                        with m.Else():
                            give_pulse()
                interruptible()
            with m.State("SETTLE_DRIVE"):
                m.d.comb += [self.phase.eq(Phase.SETTLE), settling_drive.eq(1)]
                with m.If(front.done):
                    go("PULSE", Step.PULSE)
                interruptible()
            with m.State("PULSE"):
                m.d.comb += self.phase.eq(Phase.PULSE)
                with m.If(front.first):
                    with m.If(bias.drive.polarity == Polarity.RESET):
                        m.d.sync += resets.eq(resets + 1)
                    with m.Else():
                        m.d.sync += sets.eq(sets + 1)
                with m.If(front.done):
                    go("RECOVER", Step.RECOVER)
                interruptible()
            with m.State("RECOVER"):
                m.d.comb += self.phase.eq(Phase.RECOVER)
                with m.If(front.done):
                    with m.If(opcode != Opcode.PULSE):
                        go("SETTLE", Step.SETTLE_READ)
                    with m.Elif(count == pulse_argument.count):
                        respond()
                    with m.Else():
                        give_pulse()
                interruptible()
            for state in ("SETTLE_RAW", "WAIT"):
                with m.State(state):
                    m.d.comb += [self.phase.eq(Phase.SETTLE), settling_drive.eq(C(int(state == "SETTLE_RAW")))]
                    with m.If(front.done):
                        respond()
                    interruptible()
            # COUNTER borrows a cycle from the counting: its three are counted in the first, and the second reads.
            with m.State("COUNT"):
                m.d.comb += self.phase.eq(Phase.DECIDE)
                m.next = "COUNT_READ"
            with m.State("COUNT_READ"):
                m.d.comb += self.phase.eq(Phase.DECIDE)
                m.next = "COUNT_TAKE"
            with m.State("COUNT_TAKE"):
                m.d.comb += self.phase.eq(Phase.DECIDE)
                m.d.sync += counted.eq(Mux(argument < ACTION_COUNTERS, phase_counters.value, action_counters.value))
                respond()
            with m.State("RESPOND"):
                m.d.comb += [
                    answer.eq(1),
                    self.phase.eq(Mux(self.responses.ready, Phase.RESPOND, Phase.STALL)),
                ]
                with m.If(self.responses.ready):
                    m.d.sync += [output.eq(output + 1), output_group.eq(next_group), output_channel.eq(next_channel)]
                    with m.If(last_output):
                        take()

        # --- safety ----------------------------------------------------------------------------------------------
        faulted, released = Signal(), Signal()
        overrun = Signal()
        m.d.comb += [
            faulted.eq((Value.cast(self.faults) != 0) | self.safe),
            released.eq(faulted | ~self.armed),
            guard.write_gate.eq(self.pins.write_gate),
            guard.limit_width.eq(registers.limit_width),
            guard.blanking.eq(registers.blanking),
            guard.compliance.eq(self.pins.compliance),
            overrun.eq(guard.expired & ~front.done),
            self.raise_faults.eq(Mux(guard.tripped, Fault.COMPLIANCE, 0) | Mux(overrun, Fault.WIDTH, 0)),
            front.permit.eq(~released & ~guard.expired & ~guard.tripped),
            bias.release.eq(released),
            disturbed.eq(
                (faulted & (running["array"] | (opcode == Opcode.WAIT)))
                | (~self.armed & running["drive"])
                | guard.tripped
                | overrun
            ),
        ]
        with m.If(faulted):
            m.d.sync += self.pins.selection.eq(Selection.OPEN)

        # --- pins ------------------------------------------------------------------------------------------------
        m.d.comb += [
            self.pins.plane.eq(plane),
            self.pins.amplitude.eq(bias.drive.amplitude),
            self.pins.gate.eq(bias.drive.gate),
            self.pins.polarity.eq(bias.drive.polarity),
            self.pins.write_gate.eq(front.write_gate),
            self.pins.read_enable.eq(front.read_enable),
            self.pins.convert.eq(front.convert),
            self.pins.group.eq(group),
            self.pins.forward.eq(opcode == Opcode.MULTIPLY),
            self.pins.active.eq(active),
        ]
        m.d.sync += [
            self.pins.input_load.eq(inputs.load),
            self.pins.input_clear.eq(inputs.load & (inputs.index == 0)),
            self.pins.input_index.eq(inputs.index),
            self.pins.input_data.eq(inputs.data),
        ]

        # --- shift-add -------------------------------------------------------------------------------------------
        product = Signal(accumulators[0].total.shape())
        with m.Switch(output_channel):
            for channel, accumulator in enumerate(accumulators):
                with m.Case(channel):
                    m.d.comb += product.eq(accumulator.total)
                m.d.comb += [
                    accumulator.address.eq(Mux(self.phase == Phase.CONVERT, group, next_group)),
                    accumulator.add.eq((self.phase == Phase.DECIDE) & (opcode == Opcode.MULTIPLY)),
                    accumulator.group.eq(group),
                    accumulator.first.eq(fresh),
                    accumulator.code.eq(codes[channel]),
                    accumulator.shift.eq(plane),
                ]

        # --- counters --------------------------------------------------------------------------------------------
        with m.If(accept):
            m.d.sync += commands_taken.eq(commands_taken + 1)
        m.d.comb += [
            phase_counters.add.eq(1),
            phase_counters.index.eq(self.phase),
            phase_counters.amount.eq(1),
            action_counters.amount.eq(1),
        ]
        with m.If(fsm.ongoing("COUNT")):
            m.d.comb += phase_counters.amount.eq(3)
        with m.If(fsm.ongoing("COUNT_READ")):
            m.d.comb += [
                phase_counters.index.eq(argument),
                phase_counters.amount.eq(0),
                action_counters.add.eq(1),
                action_counters.index.eq(argument),
                action_counters.amount.eq(0),
            ]
        with m.If(fsm.ongoing("COUNT_TAKE")):
            m.d.comb += phase_counters.amount.eq(0)

        def count_action(action: Action) -> None:
            m.d.comb += [action_counters.add.eq(1), action_counters.index.eq(action)]

        multiplying = opcode == Opcode.MULTIPLY
        with m.Switch(self.phase):
            with m.Case(Phase.SELECT):
                with m.If(front.first):
                    with m.If(multiplying):
                        count_action(Action.INPUT_STEP)
                    with m.Else():
                        count_action(Action.SELECT_CELL)
            with m.Case(Phase.SETTLE):
                with m.If(front.first):
                    with m.If(multiplying & fresh):
                        count_action(Action.ROW_DRIVE)
                        m.d.comb += action_counters.amount.eq(inputs.driven)
                    with m.If(settling_drive):
                        count_action(Action.DRIVE_UPDATE)
            with m.Case(Phase.CONVERT):
                with m.If(front.first):
                    with m.If(multiplying):
                        count_action(Action.CONVERT_FORWARD)
                        m.d.comb += action_counters.amount.eq(active)
                    with m.Else():
                        count_action(Action.CONVERT_VERIFY)
            with m.Case(Phase.DECIDE):
                with m.If(multiplying):
                    count_action(Action.SHIFT_ADD)
                    m.d.comb += action_counters.amount.eq(active)
                with m.Elif((opcode == Opcode.WRITE) | (opcode == Opcode.FORM)):
                    with m.If(inside):
                        count_action(Action.WRITE_OK)
                    with m.Elif(spent):
                        count_action(Action.WRITE_FAILED)
            with m.Case(Phase.PULSE):
                with m.If(front.first):
                    with m.If(bias.drive.polarity == Polarity.RESET):
                        count_action(Action.PULSE_RESET)
                    with m.Else():
                        count_action(Action.PULSE_SET)
            with m.Case(Phase.RESPOND):
                count_action(Action.RESPONSE_BEAT)

        # --- answer ----------------------------------------------------------------------------------------------
        # An answer must not change while it waits: the faults in it are those of the cycle before.
        faults = Signal(Fault)
        with m.If(~answer | self.responses.ready):
            m.d.sync += faults.eq(self.faults | self.raise_faults)
        response = self.responses.payload
        payload = Payload(response.payload)
        m.d.comb += [
            self.responses.valid.eq(answer),
            response.kind.eq(opcode),
            response.tile.eq(self._number),
            response.ok.eq(ok),
            response.reason.eq(reason),
            response.faults.eq(faults),
        ]
        with m.Switch(opcode):
            with m.Case(Opcode.MULTIPLY):
                with m.If(reason == Reason.NONE):
                    m.d.comb += [payload.product.value.eq(Mux(fresh, 0, product)), payload.product.output.eq(output)]
            with m.Case(Opcode.GET_REGISTER):
                with m.If(~ok):
                    pass
                with m.Elif(names_level):
                    m.d.comb += [payload.value[:16].eq(levels.window.low), payload.value[16:].eq(levels.window.high)]
                with m.Else():
                    m.d.comb += payload.value.eq(registers.read_value)
            with m.Case(Opcode.COUNTER):
                with m.If(~ok):
                    pass
                with m.Elif(argument == ACTION_COUNTERS + Action.COMMAND_BEAT):
                    m.d.comb += payload.value.eq(commands_taken)
                with m.Else():
                    m.d.comb += payload.value.eq(counted)
            with m.Case(*CELL_OPCODES):
                m.d.comb += [payload.cell.code.eq(code), payload.cell.sets.eq(sets), payload.cell.resets.eq(resets)]
            with m.Default():
                pass

        if platform == "formal":
            m.submodules.properties = GateProperties(
                write_gate=self.pins.write_gate,
                read_enable=self.pins.read_enable,
                convert=self.pins.convert,
                selection=self.pins.selection,
                phase=self.phase,
                armed=self.armed,
                faults=Value.cast(self.faults),
                limit_width=registers.limit_width,
                opened_before=guard.opened_before,
                on_cell=Cat(opcode == op for op in CELL_OPCODES).any(),
                on_rows=opcode == Opcode.MULTIPLY,
                driving=running["drive"],
                at_work=Cat(fsm.ongoing(state) for state in ("SELECT", "SETTLE", "CONVERT", "DECIDE")).any(),
                reading=fsm.ongoing("SETTLE") | fsm.ongoing("CONVERT") | (fsm.ongoing("DECIDE") & multiplying),
                pulsing=Cat(fsm.ongoing(state) for state in ("SETTLE_DRIVE", "PULSE", "RECOVER")).any(),
            )
        return m
