"""The sequencer of a tile: one command after the other, every cycle in one phase."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.layouts import PULSE_BITS, Command
from twinbar.hw.protocol.vocabulary import Opcode, Request, Selection, Status
from twinbar.hw.timing import PHASES, Phase

from ..controller_config import ControllerConfig
from ..drive.arming import ScanSignature
from ..drive.write_drive import PulseSignature
from ..readout.output_walk import WalkSignature
from ..readout.verdict import VerdictSignature
from ..tile_states import PHASE_OF, REQUEST_OF, TileState
from .array_access import ArrayAccess
from .command_decoder import CommandDecoder, CommandPlan
from .command_status import CommandStatus
from .compliance_watch import ComplianceWatch
from .next_state import NextState
from .phase_timer import ClockSignature
from .pulse_plan import GroupSignature, PulsePlan
from .register_file import Compliance
from .table_plan import WriteTable


class Sequencer(wiring.Component):
    """The sequencer of a tile.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    head, waits : In
        The command at the front of the queue, and whether there is one.
    popped, ready : Out(1)
        It starts with the next cycle; one may start with the next cycle. Combinational.
    admitted, admission : In
        Of the waiting command: whether it may start, and its status.
    halt, faulted : In(1)
        See `Supervisor`.
    command : Out(Command)
        The command that runs.
    plan : Out(CommandPlan)
    state, phase : Out
    status, ok, cut, last_response : Out
        See `CommandStatus`.
    handed_over, answered : In(1)
        A response or an output is taken in this cycle; the command ends with it.
    offered : In(1)
        See `CommandStatus`.
    register_status : In(Status)
        See `RegisterFile`.
    scan : In(ScanSignature)
    clock : Out(ClockSignature)
    walk : Out(WalkSignature)
    verdict : In(VerdictSignature)
    pulse : Out(PulseSignature)
    group : Out(GroupSignature)
    blank : Out(1)
        The write ends with this cycle, and nothing has been read since its last pulse.
    sets, resets : Out
        Pulses of the command.
    request, done
        See `FrontEndSignature`.
    write_gate, read_enable, selection : Out
        Registers.
    pulse_limit, table, compliance : In
        Registers of the tile.
    nears, limited : In(1)
        The blanking time ends with the next cycle of the pulse; synchronised compliance input.
    trip : Out(1)
        Compliance fault.

    Attributes
    ----------
    pulses, watch
        Parts whose state the proofs look at.
    empty : Signal
        The command is a multiplication without an input step.
    transferred : Signal
        See `NextState`.
    """

    head: In(Command)
    waits: In(1)
    popped: Out(1)
    ready: Out(1)
    admitted: In(1)
    admission: In(Status)
    halt: In(1)
    faulted: In(1)
    command: Out(Command)
    plan: Out(CommandPlan)
    state: Out(TileState)
    phase: Out(range(len(PHASES)))
    status: Out(Status)
    ok: Out(1)
    cut: Out(Status)
    last_response: Out(1)
    handed_over: In(1)
    answered: In(1)
    offered: In(1, init=1)
    register_status: In(Status)
    scan: In(ScanSignature())
    clock: Out(ClockSignature())
    walk: Out(WalkSignature())
    verdict: In(VerdictSignature())
    pulse: Out(PulseSignature())
    group: Out(GroupSignature())
    blank: Out(1)
    sets: Out(PULSE_BITS)
    resets: Out(PULSE_BITS)
    request: Out(Request)
    done: In(1)
    write_gate: Out(1)
    read_enable: Out(1)
    selection: Out(Selection)
    pulse_limit: In(PULSE_BITS)
    table: In(WriteTable)
    compliance: In(Compliance)
    nears: In(1)
    limited: In(1)
    trip: Out(1)

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.pulses, self.watch = PulsePlan(config), ComplianceWatch()
        self.empty, self.transferred = Signal(), Signal()
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.decoder = decoder = CommandDecoder(chain=self.config.chain)
        m.submodules.next_state = following = NextState(chain=self.config.chain)
        m.submodules.pulses = pulses = self.pulses
        m.submodules.status = status = CommandStatus()
        m.submodules.watch = watch = self.watch
        connect(m, following.walk, flipped(self.walk))
        connect(m, following.clock, flipped(self.clock))
        connect(m, flipped(self.scan), following.scan, status.scan)
        connect(m, flipped(self.verdict), following.verdict, pulses.verdict)
        connect(m, pulses.budget, following.budget)
        connect(m, pulses.group, following.group, flipped(self.group))
        connect(m, pulses.pulse, flipped(self.pulse))
        plan, state, popped = self.plan, self.state, following.popped

        # --- the command ---------------------------------------------------------------------------------------------
        m.d.comb += [
            decoder.head.eq(self.head),
            decoder.admitted.eq(self.admitted),
            decoder.empty.eq(self.walk.empty),
        ]
        with m.If(popped):
            m.d.sync += [self.command.eq(self.head), plan.eq(decoder.plan), self.empty.eq(self.walk.empty)]

        # --- its states ----------------------------------------------------------------------------------------------
        m.d.sync += state.eq(following.following)
        m.d.comb += [
            following.state.eq(state),
            following.plan.eq(plan),
            following.waits.eq(self.waits),
            following.starts.eq(decoder.starts),
            following.halt.eq(self.halt),
            following.done.eq(self.done),
            following.ended.eq(watch.ended),
            following.register_status.eq(self.register_status),
            following.reads_register.eq(self.command.opcode == Opcode.READ_REGISTER),
            following.handed_over.eq(self.handed_over),
            following.answered.eq(self.answered),
            following.continues.eq(~self.empty & (status.cut == Status.OK)),
            self.ready.eq(following.ready),
            self.popped.eq(popped),
        ]
        with m.Switch(state):
            for each, request in REQUEST_OF.items():
                with m.Case(each):
                    m.d.comb += self.request.eq(request)
        with m.If((state == TileState.CONVERT) & self.group.comparing):
            m.d.comb += self.request.eq(Request.COMPARE)
        if self.config.chain:
            m.d.comb += following.transferred.eq(self.transferred)
        with m.Switch(state):
            for each, phase in PHASE_OF.items():
                if each is TileState.TRANSFER and not self.config.chain:
                    continue
                with m.Case(each):
                    m.d.comb += self.phase.eq(phase)
        with m.If(self.handed_over):
            m.d.comb += self.phase.eq(Phase.RESPOND)

        self._give_pulses(m, following, watch)
        self._open(m, following, decoder)

        # --- how it ends ---------------------------------------------------------------------------------------------
        m.d.comb += [
            status.popped.eq(popped),
            status.admitted.eq(self.admitted),
            status.admission.eq(self.admission),
            status.plan.eq(plan),
            status.state.eq(state),
            status.register_status.eq(self.register_status),
            status.failed.eq(self.group.failed),
            status.halt.eq(self.halt),
            status.halted.eq(following.halted),
            status.faulted.eq(self.faulted),
            status.handed_over.eq(self.handed_over),
            status.last_output.eq(self.walk.last_output),
            status.offered.eq(self.offered),
            self.status.eq(status.status),
            self.ok.eq(status.ok),
            self.cut.eq(status.cut),
            self.last_response.eq(status.last_response),
            self.blank.eq((state == TileState.RECOVER) & self.clock.last & self.group.ends & ~self.group.closes),
        ]
        return m

    def _give_pulses(self, m: Module, following: NextState, watch: ComplianceWatch) -> None:
        """Plan the pulses of the command, and watch them."""
        pulses, pulsing = self.pulses, self.write_gate
        waiting, train = self.head.body.pulse, self.head.opcode == Opcode.PULSE
        m.d.comb += [
            pulses.start.eq(following.ready),
            pulses.head.eq(self.head),
            # Read only where a command gives pulses; a train's count is within the limit.
            pulses.limit.eq(Mux(train, waiting.count, self.pulse_limit)),
            pulses.plan.eq(self.plan),
            pulses.command.eq(self.command),
            pulses.table.eq(self.table),
            pulses.state.eq(self.state),
            pulses.last.eq(self.clock.last),
            pulses.pulsed.eq(pulsing & self.clock.first),
            pulses.drives.eq(following.drives),
            pulses.halt.eq(self.halt),
            self.sets.eq(pulses.sets),
            self.resets.eq(pulses.resets),
            watch.pulsing.eq(pulsing),
            watch.nears.eq(self.nears),
            watch.compliance.eq(self.compliance),
            watch.limited.eq(self.limited),
            self.trip.eq(watch.trip),
        ]

    def _open(self, m: Module, following: NextState, decoder: CommandDecoder) -> None:
        """Open the write gate, the read path and the selector."""
        m.submodules.access = access = ArrayAccess()
        # Between the groups of a step the rows stay driven.
        between = access.read_enable & self.plan.product & ~self.walk.last_group
        m.d.comb += [
            access.opens.eq(following.opens),
            access.reads.eq(following.reads | between & ~following.ready),
            access.popped.eq(following.popped),
            access.chosen.eq(decoder.selection),
            access.halt.eq(self.halt),
            self.write_gate.eq(access.write_gate),
            self.read_enable.eq(access.read_enable),
            self.selection.eq(access.selection),
        ]
