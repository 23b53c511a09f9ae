"""A tile: sequencer, registers, drive, read-out and counters, in front of one analog front end."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import CLOSED_LOOP, HALTING
from twinbar.hw.protocol.layouts import CODE_BITS, TILE_BITS, VALUE_BITS, Command, Response
from twinbar.hw.protocol.registers import (
    ACTION_BIT,
    GAIN_TARGET,
    INPUTS,
    LEVEL_WINDOWS,
    OFFSETS,
    PAIR_BIT,
    PHASE_COUNTERS,
    RANGE_MULTIPLY,
    RANGE_READ,
    TRIMS,
)
from twinbar.hw.protocol.vocabulary import Opcode, Record, Status
from twinbar.hw.timing import PHASES

from .admission import Admission
from .arming import Arming
from .averager import Averager
from .bias import BiasMemory
from .column_channel import ColumnChannel
from .config import ControllerConfig
from .counters import Counters
from .drive import Drive
from .durations import ROW_BITS, Durations
from .front_end import FrontEndSignature
from .gain_trims import GainTrims
from .input_planes import InputPlanes
from .level_table import LevelTable
from .output_walk import OutputWalk
from .phase_timer import PhaseTimer
from .register_file import RegisterFile
from .sequencer import POPPING, Sequencer, State, is_any
from .supervisor import Supervisor


class Tile(wiring.Component):
    """A tile. Its number is an input, so that all tiles are one netlist.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    index : In
        Number of the tile.
    commands : In(stream(Command))
    responses : Out(stream(Response))
    accepted, safe, abort : In(1)
        See `Dispatcher`.
    stop : In(1)
        Synchronised stop input.
    front : Out(FrontEndSignature)
    phase : Out
        Phase of this cycle, for observation.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "index": In(TILE_BITS),
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "accepted": In(1),
                "safe": In(1),
                "abort": In(1),
                "stop": In(1),
                "front": Out(FrontEndSignature(config)),
                "phase": Out(range(len(PHASES))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.admission = admission = Admission(config)
        m.submodules.sequencer = sequencer = Sequencer()
        m.submodules.supervisor = supervisor = Supervisor(config)
        m.submodules.register_file = register_file = RegisterFile(config)
        m.submodules.durations = durations = Durations()
        m.submodules.timer = timer = PhaseTimer()
        m.submodules.bias = bias = BiasMemory(config)
        m.submodules.drive = drive = Drive(config)
        m.submodules.arming = arming = Arming()
        m.submodules.walk = walk = OutputWalk(config)
        m.submodules.inputs = inputs = InputPlanes(config)
        m.submodules.averager = averager = Averager(config)
        m.submodules.trims = trims = GainTrims(config.adc_channels)
        m.submodules.levels = levels = LevelTable(config)
        m.submodules.counters = counters = Counters()
        channels = []
        for number in range(config.adc_channels):
            m.submodules[f"channel_{number}"] = channel = ColumnChannel(config)
            channels.append(channel)

        front, settings = self.front, register_file.settings
        head, command = self.commands.payload, sequencer.command
        state, opcode, body = sequencer.state, command.opcode, command.body

        limited, fault = Signal(), Signal()
        m.submodules.compliance_synchronizer = FFSynchronizer(front.compliance, limited)
        m.submodules.fault_synchronizer = FFSynchronizer(front.fault, fault)

        # --- commands ----------------------------------------------------------------------------------------------
        m.d.comb += [
            admission.command.eq(head),
            admission.index.eq(self.index),
            admission.mode.eq(supervisor.mode),
            admission.faults.eq(supervisor.faults),
            admission.aborting.eq(supervisor.aborting),
            admission.levels.eq(settings.levels),
            admission.pulse_limit.eq(settings.pulse_limit),
            sequencer.head.eq(head),
            sequencer.head_valid.eq(self.commands.valid),
            sequencer.admitted.eq(admission.admitted),
            sequencer.admission.eq(admission.status),
            self.commands.ready.eq(sequencer.pop),
        ]

        # --- safety ------------------------------------------------------------------------------------------------
        # A housekeeping command that was admitted takes effect in its only DECODE cycle.
        executes = Signal()
        m.d.comb += executes.eq((state == State.DECODE) & (sequencer.status == Status.OK))
        m.d.comb += [
            supervisor.safe.eq(self.safe),
            supervisor.abort.eq(self.abort),
            supervisor.accepted.eq(self.accepted),
            supervisor.stop.eq(self.stop),
            supervisor.fault.eq(fault),
            supervisor.trip.eq(sequencer.trip),
            supervisor.watchdog.eq(settings.watchdog),
            # ARM disarms first: while the records are scanned, and if they are bad, the tile is safe. If it is aborted,
            # the drive gives back what it has loaded.
            supervisor.disarm.eq(
                executes & is_any(opcode, (Opcode.DISARM, Opcode.ARM)) | (state == State.SCAN) & self.abort
            ),
            supervisor.clear.eq(executes & (opcode == Opcode.CLEAR)),
            supervisor.answered.eq(executes & is_any(opcode, HALTING)),
            supervisor.arm.eq(arming.last & arming.good & ~supervisor.halt),
            supervisor.arm_mode.eq(body.arm.mode),
            sequencer.halt.eq(supervisor.halt),
            sequencer.faulted.eq(supervisor.faulted),
        ]

        # --- registers ---------------------------------------------------------------------------------------------
        accessing = sequencer.accesses
        address, value = body.register.address, body.register.value
        m.d.comb += [
            register_file.check.eq(sequencer.pop),
            register_file.head_address.eq(head.body.register.address),
            register_file.head_value.eq(head.body.register.value),
            register_file.address.eq(address),
            register_file.value.eq(value),
            register_file.write.eq(opcode == Opcode.WRITE_REGISTER),
            register_file.store.eq((state == State.ACCESS) & register_file.write),
            register_file.mode.eq(supervisor.mode),
            sequencer.register_status.eq(register_file.status),
            bias.address.eq(address),
            bias.value.eq(value),
            bias.write.eq(register_file.write_register),
            bias.even_row.eq(drive.even_row),
            bias.odd_row.eq(drive.odd_row),
            arming.start.eq(state == State.DECODE),
            arming.active.eq(state == State.SCAN),
            sequencer.scanned.eq(arming.last),
            sequencer.good.eq(arming.good),
        ]
        with m.If(is_any(state, (State.DECODE, State.SCAN))):
            m.d.comb += [bias.even_row.eq(arming.even_row), bias.odd_row.eq(arming.odd_row)]
        with m.Elif(state == State.ACCESS):
            m.d.comb += [bias.even_row.eq(address[1:]), bias.odd_row.eq(address[1:])]
        with m.Elif(is_any(state, POPPING)):
            m.d.comb += [bias.even_row.eq(RANGE_READ.address >> 1), bias.odd_row.eq(RANGE_MULTIPLY.address >> 1)]
        with m.Elif(opcode == Opcode.CALIBRATE):
            m.d.comb += bias.even_row.eq(GAIN_TARGET.address >> 1)
        for user in (arming, drive):
            m.d.comb += [user.even.eq(bias.even), user.odd.eq(bias.odd)]

        # --- time --------------------------------------------------------------------------------------------------
        m.d.comb += [
            durations.row.eq(sequencer.row),
            durations.write.eq(register_file.write_duration),
            durations.write_row.eq(address[:ROW_BITS]),
            durations.cycles.eq(value),
            front.durations.eq(durations.at_once),
            timer.restart.eq(sequencer.restart),
            timer.duration.eq(durations.duration),
            timer.pulse.eq(state == State.PULSE),
            timer.width.eq(drive.width),
            timer.wait.eq(state == State.WAIT),
            timer.cycles.eq(body.wait.cycles),
            sequencer.begins.eq(timer.first),
            sequencer.expired.eq(timer.last),
            sequencer.next_cycle.eq(timer.next),
        ]

        # --- write drive -------------------------------------------------------------------------------------------
        m.d.comb += [
            drive.target.eq(sequencer.target),
            drive.first.eq(sequencer.first),
            drive.begin.eq(sequencer.begin),
            drive.load.eq(arming.load),
            drive.load_record.eq(arming.load_record),
            drive.make_safe.eq(supervisor.make_safe),
            sequencer.stale.eq(drive.stale),
            sequencer.driven.eq(drive.record),
            sequencer.pulse_limit.eq(settings.pulse_limit),
            sequencer.compliance.eq(settings.compliance),
            sequencer.limited.eq(limited),
        ]

        # --- outputs and cells -------------------------------------------------------------------------------------
        product, gain, offset, raw = sequencer.product, Signal(), Signal(), Signal()
        subtract = Signal()
        m.d.comb += [
            gain.eq((opcode == Opcode.CALIBRATE) & body.calibration.gain),
            offset.eq((opcode == Opcode.CALIBRATE) & ~body.calibration.gain),
            raw.eq(offset | (opcode == Opcode.CONVERT)),
            subtract.eq((product & body.product.subtract) | (offset & body.calibration.subtract)),
            walk.start.eq(sequencer.ready),
            walk.product.eq(head.opcode == Opcode.MULTIPLY),
            walk.outputs.eq(head.body.product.outputs),
            walk.first.eq(head.body.product.column),
            walk.codes.eq(head.body.product.codes),
            walk.skip.eq(head.body.product.skip),
            walk.planes.eq(inputs.planes),
            walk.hold.eq(supervisor.halt),
            walk.next_step.eq(sequencer.next_step),
            walk.next_group.eq(sequencer.next_group),
            walk.next_output.eq(sequencer.next_output),
            sequencer.empty.eq(walk.empty),
            sequencer.last_step.eq(walk.last_step),
            sequencer.last_group.eq(walk.last_group),
            sequencer.last_of_group.eq(walk.last_of_group),
            sequencer.last_output.eq(walk.last_output),
            inputs.load.eq(state == State.LOAD),
            inputs.clear.eq(body.input.clear),
            inputs.word.eq(body.input.word),
            inputs.bits.eq(body.input.bits),
        ]

        # --- read-out ----------------------------------------------------------------------------------------------
        converted = (state == State.CONVERT) & front.done
        channel_bits = (config.adc_channels - 1).bit_length()
        decided = Signal()
        m.d.comb += decided.eq(state == State.DECIDE)
        code_in = Signal.like(averager.code)
        stored_offset = Signal.like(channels[0].stored_offset)
        lane = Mux(accessing, address[:channel_bits], walk.column[:channel_bits])
        with m.Switch(lane):
            for number, channel in enumerate(channels):
                with m.Case(number) if channel_bits else m.Default():
                    m.d.comb += [code_in.eq(channel.code), stored_offset.eq(channel.stored_offset)]
        for number, channel in enumerate(channels):
            group = Cat(walk.column[channel_bits : (config.columns - 1).bit_length()], subtract)
            next_group = Cat(walk.next_column[channel_bits : (config.columns - 1).bit_length()], subtract)
            accessed = Cat(address[channel_bits : (config.columns - 1).bit_length()], address[PAIR_BIT])
            this_lane = address[:channel_bits] == number if channel_bits else 1
            m.d.comb += [
                channel.code.eq(front.code[number]),
                channel.take.eq(converted),
                channel.next_group.eq(Mux(accessing, accessed, next_group)),
                channel.group.eq(group),
                channel.plane.eq(walk.plane),
                channel.first_step.eq(walk.first_step),
                channel.add.eq(decided & product),
                channel.offset_group.eq(Mux(accessing, accessed, group)),
                channel.offset.eq(Mux(accessing, value, averager.average)),
                channel.write_offset.eq(
                    register_file.write_offset & this_lane | decided & offset & walk.active[number] & ~supervisor.halt
                ),
            ]
        # From a register, because a block RAM is slow.
        target = Signal(GAIN_TARGET.bits)
        m.d.sync += target.eq(bias.even)
        m.d.comb += [
            averager.clear.eq(state == State.CONNECT_READ),
            averager.sampling.eq(settings.sampling),
            averager.single.eq(opcode == Opcode.CONVERT),
            averager.code.eq(code_in),
            averager.offset.eq(Mux(raw, 0, stored_offset)),
            averager.take.eq(converted),
            sequencer.last_sample.eq(averager.last),
            trims.channel.eq(lane),
            trims.begin.eq(gain & (state == State.SELECT) & front.done & ~supervisor.halt),
            trims.decide.eq(gain & decided & ~supervisor.halt),
            trims.above.eq(averager.value > target),
            trims.write.eq(register_file.write_trim),
            trims.value.eq(value),
            sequencer.gain.eq(gain),
            sequencer.last_bit.eq(trims.last),
            levels.level.eq(Mux(accessing, address[: LEVEL_WINDOWS.index_bits], body.cell.level)),
            levels.window.eq(value),
            levels.write.eq(register_file.write_level),
            levels.code.eq(averager.coming),
            levels.compare.eq(converted),
            sequencer.below.eq(levels.below),
            sequencer.above.eq(levels.above),
        ]

        # --- responses ---------------------------------------------------------------------------------------------
        # Results of a group of outputs, the next one to be answered first. The first place serves all commands: it is 0
        # unless a command has given a result.
        results = [
            Signal(signed(VALUE_BITS if number == 0 else config.sum_bits), name=f"result_{number}")
            for number in range(config.adc_channels)
        ]
        # Block RAMs are slow: what they give is taken over first. Counters are right one cycle later, and faster.
        stored, register_value = Signal(VALUE_BITS), Signal(VALUE_BITS)
        with m.If(address[OFFSETS.top_bit]):
            m.d.sync += stored.eq(stored_offset.as_unsigned()[: config.adc_bits + 1])
        with m.Elif(address[TRIMS.top_bit]):
            m.d.sync += stored.eq(trims.trim)
        with m.Elif(address[LEVEL_WINDOWS.top_bit]):
            m.d.sync += stored.eq(levels.stored)
        with m.Else():
            m.d.sync += stored.eq(Mux(address[0], bias.odd, bias.even))
        with m.If(address[PHASE_COUNTERS.top_bit :] == 1):
            m.d.comb += register_value.eq(Mux(address[ACTION_BIT], counters.action_value, counters.phase_value))
        with m.Elif(address == INPUTS.address):
            m.d.comb += register_value.eq(Cat(limited, self.stop, fault))
        with m.Else():
            m.d.comb += register_value.eq(stored)
        verdict = Cat(levels.below | levels.above, levels.below).as_signed()
        answer = Mux(opcode == Opcode.VERIFY, verdict, averager.value)
        code = Mux(gain, trims.decided, Mux(raw, averager.average, answer))
        # When it is loaded is known late, and from where is not.
        source, load = Signal.like(results[0]), Signal()
        with m.Switch(state):
            with m.Case(State.ACCESS):  # a written value is not answered
                m.d.comb += [load.eq(~register_file.write), source.eq(register_value)]
            with m.Case(State.DECIDE):
                m.d.comb += [
                    load.eq((walk.last_step | ~product) & ~supervisor.halt),
                    source.eq(Mux(product, channels[0].sum, code)),
                ]
            with m.Case(State.RESPOND):
                m.d.comb += load.eq(sequencer.handed_over)
                if config.adc_channels > 1:
                    m.d.comb += source.eq(Mux(sequencer.last_response, 0, results[1]))
        with m.If(load):
            m.d.sync += results[0].eq(source)
            for number in range(1, config.adc_channels):
                # Nothing is left when a command ends: a product without an input step answers zeros from here.
                behind = Mux(sequencer.last_response, 0, results[number + 1]) if number + 1 < config.adc_channels else 0
                m.d.sync += results[number].eq(Mux(decided, channels[number].sum, behind))

        response = self.responses.payload
        cell_result = Cat(results[0][:CODE_BITS], sequencer.sets, sequencer.resets)
        m.d.comb += [
            self.responses.valid.eq(state == State.RESPOND),
            sequencer.handed_over.eq(self.responses.valid & self.responses.ready),
            response.opcode.eq(opcode),
            response.tile.eq(self.index),
            response.status.eq(sequencer.status),
            response.faults.eq(supervisor.faults),
            response.mode.eq(supervisor.mode),
            response.body.as_value().eq(
                Cat(body.cell.row, walk.column, Mux(accessing | product, results[0], cell_result))
            ),
        ]

        started = Signal()  # in the cycle before
        adc_range = Signal(RANGE_READ.bits)
        m.d.sync += started.eq(sequencer.pop)
        with m.If(started):
            m.d.sync += adc_range.eq(Mux(product, bias.odd, bias.even))

        # --- front end ---------------------------------------------------------------------------------------------
        m.d.comb += [
            front.request.eq(sequencer.request),
            sequencer.done.eq(front.done),
            front.begins.eq(timer.first),
            front.expires.eq(timer.last),
            front.selection.eq(sequencer.selection),
            front.row.eq(body.cell.row),
            front.column.eq(walk.column),
            front.plane.eq(walk.plane),
            front.subtract.eq(subtract),
            front.record.eq(drive.record),
            front.codes.eq(drive.codes),
            front.compliance_code.eq(drive.compliance_code),
            front.update.eq(drive.update),
            front.range.eq(adc_range),
            front.row_load.eq(state == State.LOAD),
            front.row_clear.eq((state == State.LOAD) & body.input.clear),
            front.row_word.eq(body.input.word),
            front.row_bits.eq(inputs.inputs),
            front.write_gate.eq(sequencer.write_gate),
            front.read_enable.eq(sequencer.read_enable),
            front.channels.eq(walk.active),
            *(pin.eq(trim) for pin, trim in zip(front.trim, trims.trims, strict=True)),
            self.phase.eq(sequencer.phase),
        ]

        # --- counters ----------------------------------------------------------------------------------------------
        first = timer.first
        m.d.comb += [
            counters.phase.eq(sequencer.phase),
            counters.started.eq(sequencer.pop),
            counters.phase_index.eq(address[: PHASE_COUNTERS.index_bits]),
            counters.action_index.eq(address[: PHASE_COUNTERS.index_bits]),
            counters.amount.eq(1),
        ]

        def count(condition, action) -> None:
            with m.If(condition):
                m.d.comb += [counters.act.eq(1), counters.action.eq(action)]

        count((state == State.SELECT) & first, Mux(product, Action.INPUT_STEP, Action.SELECT_CELL))
        count((state == State.DRIVE) & first, Action.DRIVE_UPDATE)
        reset_pulse = drive.record == Record.RESET
        count((state == State.PULSE) & first, Mux(reset_pulse, Action.PULSE_RESET, Action.PULSE_SET))
        failed = sequencer.status == Status.FAILED
        written = is_any(opcode, CLOSED_LOOP) & ((sequencer.status == Status.OK) | failed)
        count(sequencer.handed_over & written, Mux(failed, Action.WRITE_FAILED, Action.WRITE_OK))
        # All conversions of a read are counted when it ends, one way or the other.
        ends = (state == State.CONVERT) & (front.done & (product | averager.last) | supervisor.halt)
        count(ends, Mux(product, Action.CONVERT_FORWARD, Action.CONVERT_VERIFY))
        with m.If(ends):
            m.d.comb += counters.amount.eq(Mux(product, walk.count, averager.count))

        if platform == "formal":
            from twinbar.hw.formal.gate import add_gate_properties

            self.sequencer, self.supervisor, self.drive = sequencer, supervisor, drive
            self.register_file, self.bias, self.timer = register_file, bias, timer
            add_gate_properties(m, self)
        return m
