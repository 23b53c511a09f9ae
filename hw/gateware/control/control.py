"""Control of a tile: takes commands, runs them, keeps the tile safe, and answers."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.commands import HALTING
from twinbar.hw.protocol.layouts import (
    COLUMN_BITS,
    TILE_BITS,
    VALUE_BITS,
    WIDTH_BITS,
    WORD_BITS,
    Command,
    Response,
    Routing,
)
from twinbar.hw.protocol.registers import SCALES
from twinbar.hw.protocol.vocabulary import Destination, Opcode, Status

from ..controller_config import ControllerConfig
from ..drive.arming import ScanSignature
from ..drive.write_drive import PulseSignature
from ..front_end.handshake import RolesSignature
from ..readout.output_walk import WalkSignature
from ..readout.verdict import VerdictSignature
from ..register_access import RegisterAccessSignature
from ..sequencer_progress import ProgressSignature
from ..streams.joint_start import JointSignature
from ..streams.transfer_start import TransferSignature
from ..tile_states import TileState, is_any
from .activation_buffer import ActivationBuffer
from .admission import Admission
from .cascade_member import CascadeMember
from .phase_clock import PhaseClock
from .product_outlet import ProductOutlet
from .register_file import RegisterFile, Sampling
from .requantizer import Requantizer
from .responder import Responder
from .sequencer import Sequencer
from .supervisor import Supervisor
from .transfer_member import TransferMember
from .word_write import WordSignature


def option_ports(config: ControllerConfig) -> dict[str, Any]:
    """Return the ports that a tile has for the options of its controller."""
    partial_sum = stream.Signature(signed(config.lane_bits))
    return {
        **({"input_group": Out(TILE_BITS)} if config.shared_inputs else {}),
        **(
            {"joint": Out(JointSignature()), "above": In(partial_sum), "below": Out(partial_sum)}
            if config.cascade
            else {}
        ),
        **(
            {"transfer": Out(TransferSignature()), "outgoing": Out(WORD_BITS), "incoming": In(WORD_BITS)}
            if config.chain
            else {}
        ),
    }


class Control(wiring.Component):
    """Control of a tile.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    index, commands, responses, accepted, safe, abort, stop
        See `Tile`.
    progress : Out(ProgressSignature)
    registers : Out(RegisterAccessSignature)
    sampling : Out(Sampling)
        The register.
    inputs : Out(3)
        Synchronised compliance, stop and fault inputs.
    scan : In(ScanSignature)
    pulse : Out(PulseSignature)
    width : In
        Pulse width of the record that is driven.
    make_safe : Out(1)
        See `Supervisor`.
    uses_table : Out(1)
        See `WRITE_TABLE`.
    walk : Out(WalkSignature)
    verdict : In(VerdictSignature)
    column, result : In
        Of the response.
    front : Out(RolesSignature)
    input_group, joint, above, below, transfer, outgoing, incoming
        See `Tile`.
    moved : Out(WordSignature)
    scale : Out
        Where there are chains: what a transfer writes, and the scale that a register access asks for.
    kept, counted : Out(1)
        A sum becomes an activation, and a word is sent or taken, in this cycle.
    copied, passed, packed : Out(1)
        A command of another tile starts with the next cycle; an output is passed on, or packed, in this one.

    Attributes
    ----------
    sequencer, supervisor, register_file, clock
        Parts whose state the proofs look at.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.sequencer, self.supervisor = Sequencer(config), Supervisor(config)
        self.register_file, self.clock = RegisterFile(config), PhaseClock(compare=config.compare)
        self.member = CascadeMember() if config.cascade else None
        self.transfers = TransferMember() if config.chain else None
        says = ("request", "begins", "expires", "durations", "selection", "row", "write_gate", "read_enable")
        super().__init__(
            {
                "index": In(TILE_BITS),
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "accepted": In(1),
                "safe": In(1),
                "abort": In(1),
                "stop": In(1),
                "progress": Out(ProgressSignature()),
                "registers": Out(RegisterAccessSignature()),
                "sampling": Out(Sampling),
                "inputs": Out(3),
                "scan": In(ScanSignature()),
                "pulse": Out(PulseSignature()),
                "width": In(WIDTH_BITS),
                "make_safe": Out(1),
                "uses_table": Out(1),
                "walk": Out(WalkSignature()),
                "verdict": In(VerdictSignature()),
                "column": In(COLUMN_BITS),
                "result": In(signed(VALUE_BITS)),
                "front": Out(RolesSignature(config, *says, "done", "compliance", "fault")),
                "copied": Out(1),
                "passed": Out(1),
                "packed": Out(1),
                **(
                    {
                        "moved": Out(WordSignature()),
                        "scale": Out(SCALES.word.bits),
                        "kept": Out(1),
                        "counted": Out(1),
                    }
                    if config.chain
                    else {}
                ),
                **option_ports(config),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.supervisor = self.supervisor
        m.submodules.register_file = self.register_file
        m.submodules.clock = self.clock
        connect(m, sequencer.clock, self.clock.clock)
        connect(m, sequencer.group, self.clock.group)
        connect(m, sequencer.pulse, flipped(self.pulse))
        connect(m, sequencer.walk, flipped(self.walk))
        connect(m, flipped(self.verdict), sequencer.verdict)
        connect(m, flipped(self.scan), sequencer.scan)
        connect(m, self.registers, self.clock.registers)
        self._take_commands(m)
        self._keep_safe(m)
        self._access_registers(m)
        self._respond(m)

        front, clock, progress = self.front, self.clock, self.progress
        m.d.comb += [
            clock.state.eq(sequencer.state),
            clock.plan.eq(sequencer.plan),
            clock.gain.eq(self.verdict.gain),
            clock.last_group.eq(self.walk.last_group),
            clock.last_response.eq(sequencer.last_response),
            clock.width.eq(self.width),
            clock.wait.eq(sequencer.command.body.wait.cycles),
            clock.mark.eq(self.register_file.settings.compliance.blanking),
            sequencer.nears.eq(clock.nears_mark),
            sequencer.done.eq(front.done),
            front.request.eq(sequencer.request),
            front.begins.eq(clock.clock.first),
            front.expires.eq(clock.clock.last),
            front.durations.eq(clock.durations),
            front.selection.eq(sequencer.selection),
            front.row.eq(sequencer.command.body.cell.row),
            front.write_gate.eq(sequencer.write_gate),
            front.read_enable.eq(sequencer.read_enable),
            progress.head.eq(self.commands.payload),
            progress.ready.eq(sequencer.ready),
            progress.popped.eq(sequencer.popped),
            progress.command.eq(sequencer.command),
            progress.product.eq(sequencer.plan.product),
            progress.accesses.eq(sequencer.plan.accesses),
            progress.state.eq(sequencer.state),
            progress.phase.eq(sequencer.phase),
            progress.first.eq(clock.clock.first),
            progress.comparing.eq(sequencer.group.comparing),
            progress.high_first.eq(sequencer.group.high_first),
            progress.blank.eq(sequencer.blank),
            progress.halt.eq(self.supervisor.halt),
            progress.status.eq(sequencer.status),
            progress.handed_over.eq(sequencer.handed_over),
            progress.last_response.eq(sequencer.last_response),
        ]
        return m

    def _take_commands(self, m: Module) -> None:
        """Check the command that waits, and hand it to the sequencer."""
        m.submodules.admission = admission = Admission(self.config)
        sequencer, supervisor, settings = self.sequencer, self.supervisor, self.register_file.settings
        m.d.comb += [
            admission.command.eq(self.commands.payload),
            admission.index.eq(self.index),
            admission.mode.eq(supervisor.mode),
            admission.faults.eq(supervisor.faults),
            admission.aborting.eq(supervisor.aborting),
            admission.levels.eq(settings.levels),
            admission.pulse_limit.eq(settings.pulse_limit),
            sequencer.head.eq(self.commands.payload),
            sequencer.waits.eq(self.commands.valid),
            sequencer.admitted.eq(admission.admitted),
            sequencer.admission.eq(admission.status),
            self.commands.ready.eq(sequencer.popped),
        ]
        if self.config.pulse_entries:
            table = self.register_file.write_table
            m.d.comb += [admission.uses_table.eq(table.use), sequencer.table.eq(table), self.uses_table.eq(table.use)]
        if self.config.routes:
            routing = data.View(Routing, self.commands.payload.reserved)
            m.d.comb += self.copied.eq(sequencer.popped & routing.copy)
        if self.config.cascade:
            m.submodules.member = member = self.member
            connect(m, member.joint, flipped(self.joint))
            m.d.comb += [
                member.head.eq(self.commands.payload),
                member.waits.eq(self.commands.valid),
                member.ready.eq(sequencer.ready),
                member.halt.eq(supervisor.halt),
                member.admitted.eq(admission.admitted),
                member.admission.eq(admission.status),
                member.popped.eq(sequencer.popped),
                member.answered.eq(sequencer.answered),
                supervisor.ended.eq(member.halted),
                sequencer.waits.eq(self.commands.valid & ~member.held),
                sequencer.admitted.eq(member.starts),
                sequencer.admission.eq(member.status),
            ]
        if self.config.chain:
            self._take_transfers(m, admission)

    def _take_transfers(self, m: Module, admission: Admission) -> None:
        """Let transfers begin together with the other tiles that take part."""
        m.submodules.transfers = transfers = self.transfers
        sequencer, supervisor, member = self.sequencer, self.supervisor, self.member
        held, starts, status = (
            (member.held, member.starts, member.status)
            if member is not None
            else (0, admission.admitted, admission.status)
        )
        connect(m, transfers.joint, flipped(self.transfer))
        connect(m, transfers.write, flipped(self.moved))
        m.d.comb += [
            admission.complete.eq(transfers.complete),
            admission.unfilled.eq(transfers.unfilled),
            transfers.head.eq(self.commands.payload),
            transfers.waits.eq(self.commands.valid),
            transfers.ready.eq(sequencer.ready),
            transfers.halt.eq(supervisor.halt),
            transfers.admitted.eq(starts),
            transfers.admission.eq(status),
            transfers.popped.eq(sequencer.popped),
            transfers.state.eq(sequencer.state),
            transfers.command.eq(sequencer.command),
            transfers.incoming.eq(self.incoming),
            self.outgoing.eq(transfers.outgoing),
            self.counted.eq(transfers.moved),
            sequencer.transferred.eq(transfers.last),
            sequencer.waits.eq(self.commands.valid & ~held & ~transfers.held),
            sequencer.admitted.eq(transfers.starts),
            sequencer.admission.eq(transfers.status),
        ]

    def _keep_safe(self, m: Module) -> None:
        """Arm and disarm the tile, and halt it."""
        sequencer, supervisor, settings = self.sequencer, self.supervisor, self.register_file.settings
        limited, fault = Signal(), Signal()
        m.submodules.compliance_synchronizer = FFSynchronizer(self.front.compliance, limited)
        m.submodules.fault_synchronizer = FFSynchronizer(self.front.fault, fault)
        state, opcode = sequencer.state, sequencer.command.opcode
        # A housekeeping command that was admitted takes effect in its only DECODE cycle.
        executes = Signal()
        m.d.comb += [
            executes.eq((state == TileState.DECODE) & sequencer.ok),
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
                (state == TileState.DECODE) & sequencer.plan.disarms | (state == TileState.SCAN) & self.abort
            ),
            supervisor.clear.eq(executes & (opcode == Opcode.CLEAR)),
            supervisor.answered.eq(executes & is_any(opcode, HALTING)),
            supervisor.arm.eq(self.scan.last & self.scan.good & ~supervisor.halt),
            supervisor.arm_mode.eq(sequencer.command.body.arm.mode),
            sequencer.halt.eq(supervisor.halt),
            sequencer.faulted.eq(supervisor.faulted),
            sequencer.limited.eq(limited),
            self.make_safe.eq(supervisor.make_safe),
            self.inputs.eq(Cat(limited, self.stop, fault)),
        ]

    def _access_registers(self, m: Module) -> None:
        """Check what is written to registers, and say where it is stored."""
        sequencer, register_file, registers = self.sequencer, self.register_file, self.registers
        head, body = self.commands.payload.body.register, sequencer.command.body.register
        m.d.comb += [
            register_file.check.eq(sequencer.popped),
            register_file.head_address.eq(head.address),
            register_file.head_value.eq(head.value),
            register_file.address.eq(body.address),
            register_file.value.eq(body.value),
            register_file.write.eq(sequencer.command.opcode == Opcode.WRITE_REGISTER),
            register_file.store.eq((sequencer.state == TileState.ACCESS) & register_file.write),
            register_file.mode.eq(self.supervisor.mode),
            sequencer.register_status.eq(register_file.status),
            sequencer.pulse_limit.eq(register_file.settings.pulse_limit),
            sequencer.compliance.eq(register_file.settings.compliance),
            self.sampling.eq(register_file.settings.sampling),
            registers.address.eq(body.address),
            registers.value.eq(body.value),
            registers.granted.eq(sequencer.ok & (register_file.status == Status.OK)),
            *(
                getattr(registers, name).eq(getattr(register_file, name))
                for name in registers.signature.members
                if name.startswith("write")
            ),
        ]
        if self.config.shared_inputs:
            m.d.comb += self.input_group.eq(register_file.input_group)

    def _respond(self, m: Module) -> None:
        """Put together the response of the command that runs."""
        m.submodules.responder = responder = Responder()
        sequencer, supervisor = self.sequencer, self.supervisor
        m.d.comb += [
            responder.index.eq(self.index),
            responder.state.eq(sequencer.state),
            responder.command.eq(sequencer.command),
            responder.whole.eq(sequencer.plan.accesses | sequencer.plan.product),
            responder.column.eq(self.column),
            responder.result.eq(self.result),
            responder.sets.eq(sequencer.sets),
            responder.resets.eq(sequencer.resets),
            responder.status.eq(sequencer.status),
            responder.faults.eq(supervisor.faults),
            responder.mode.eq(supervisor.mode),
            sequencer.handed_over.eq(responder.handed_over),
            sequencer.answered.eq(responder.handed_over & sequencer.last_response),
        ]
        if self.config.cascade or self.config.outputs_per_beat > 1 or self.config.chain:
            self._hand_over(m, responder)
        else:
            connect(m, responder.responses, flipped(self.responses))

    def _hand_over(self, m: Module, responder: Responder) -> None:
        """Let the outputs of products go elsewhere than into a response each."""
        m.submodules.outlet = outlet = ProductOutlet(self.config)
        sequencer, responses = self.sequencer, responder.responses
        if self.config.cascade:
            connect(m, flipped(self.above), outlet.above)
            connect(m, outlet.below, flipped(self.below))
            m.d.comb += [outlet.adds.eq(self.member.adds), outlet.passes.eq(self.member.passes)]
        product, responds = sequencer.plan.product, sequencer.state == TileState.RESPOND
        m.d.comb += [
            outlet.start.eq(sequencer.popped),
            outlet.product.eq(product),
            outlet.responds.eq(responds & product & sequencer.ok),
            outlet.result.eq(self.result),
            outlet.column.eq(self.column),
            outlet.last_output.eq(self.walk.last_output),
            outlet.taken.eq(responder.handed_over),
            responder.column.eq(outlet.first_column),
            responder.result.eq(outlet.value),
            sequencer.offered.eq(outlet.offers),
            sequencer.handed_over.eq(responder.handed_over | outlet.passed | outlet.packed),
            sequencer.answered.eq(
                responds & self.responses.ready & outlet.closes | outlet.passed & self.walk.last_output
            ),
            self.responses.payload.eq(responses.payload),
            self.responses.valid.eq(responses.valid & outlet.offers),
            responses.ready.eq(self.responses.ready & outlet.offers),
            self.passed.eq(outlet.passed),
            self.packed.eq(outlet.packed),
        ]
        if self.config.chain:
            self._keep(m, outlet)

    def _keep(self, m: Module, outlet: ProductOutlet) -> None:
        """Make activations of sums, and keep them."""
        m.submodules.requantizer = requantizer = Requantizer(self.config)
        m.submodules.activations = activations = ActivationBuffer(self.config)
        sequencer, register_file, transfers = self.sequencer, self.register_file, self.transfers
        accesses = sequencer.plan.accesses
        m.d.comb += [
            requantizer.start.eq(sequencer.popped),
            requantizer.activation.eq(register_file.activation),
            requantizer.take.eq(outlet.kept),
            requantizer.first.eq(outlet.first),
            requantizer.last.eq(outlet.last),
            requantizer.total.eq(outlet.total),
            requantizer.column.eq(Mux(accesses, self.registers.address[: SCALES.index_bits], self.column)),
            requantizer.write.eq(register_file.write_scale),
            requantizer.value.eq(self.registers.value),
            activations.put.eq(requantizer.ready),
            activations.first.eq(requantizer.begins),
            activations.last.eq(requantizer.ends),
            activations.code.eq(requantizer.code),
            activations.index.eq(transfers.index),
            transfers.stored.eq(activations.word),
            transfers.keeps.eq(register_file.activation.sums != Destination.ANSWERED),
            transfers.kept.eq(outlet.kept & outlet.last),
            outlet.keeps.eq(requantizer.settings.sums != Destination.ANSWERED),
            outlet.quiet.eq(requantizer.settings.sums == Destination.KEPT),
            self.kept.eq(outlet.kept),
            self.scale.eq(requantizer.stored),
        ]
