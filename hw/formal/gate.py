"""The gate is open only when it may be: properties of a whole tile, for every input and register setting."""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.control.command_decoder import CommandPlan
from twinbar.hw.gateware.tile_states import ON_ARRAY, READ_STATES, TileState, is_any
from twinbar.hw.protocol.commands import ACCESSING, CELL_READS, CLOSED_LOOP, READING, WRITING
from twinbar.hw.protocol.layouts import ADDRESS_BITS, VALUE_BITS, WIDTH_BITS, Faults
from twinbar.hw.protocol.registers import PULSE_SHAPES, PULSE_TABLES, REGISTERS, SHAPE, Access
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Selection, Status
from twinbar.hw.timing import PHASES, Phase


class ObservationSignature(wiring.Signature):
    """What the properties look at: nothing else of a tile matters to them.

    Members
    -------
    state, phase, opcode, plan, status, ok, cut : In
        See `Sequencer`.
    write_gate, read_enable, selection : In
        See `ArrayAccess`.
    mode, faults, halt : In
        See `Supervisor`.
    width, updating, finishing : In
        See `WriteDrive`.
    first, last, next : In
        See `ClockSignature`, and `PhaseTimer`.
    register_status : In
        See `RegisterFile`.
    write, address, value : In
        See `BiasMemory`.
    done : In(1)
        See `FrontEndSignature`.
    comparing, closing_reads : In(1)
        See `PulsePlan`.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "state": In(TileState),
                "phase": In(range(len(PHASES))),
                "opcode": In(Opcode, init=Opcode.READ_REGISTER),
                "plan": In(CommandPlan),
                "status": In(Status),
                "ok": In(1, init=1),
                "cut": In(Status),
                "write_gate": In(1),
                "read_enable": In(1),
                "selection": In(Selection),
                "mode": In(Mode),
                "faults": In(Faults),
                "halt": In(1),
                "width": In(WIDTH_BITS),
                "updating": In(1),
                "finishing": In(1),
                "first": In(1),
                "last": In(1),
                "next": In(WIDTH_BITS),
                "register_status": In(Status),
                "write": In(1),
                "address": In(ADDRESS_BITS),
                "value": In(VALUE_BITS),
                "done": In(1),
                "comparing": In(1),
                "closing_reads": In(1),
            }
        )


class GateProperties(wiring.Component):
    """The properties of a tile, and what is assumed about its front end.

    The first group is what is promised. The second holds it together: the proof is by induction, which starts from any
    state, and these statements (proven themselves) leave the states that can occur.
    """

    def __init__(self) -> None:
        super().__init__(ObservationSignature())

    def observe(self, m: Module, control: Any, drive: Any, front: Any) -> None:
        """Look at a tile: at its rooms `Control` and `Drive`, and at its side of the front end."""
        sequencer, supervisor, clock = control.sequencer, control.supervisor, control.clock.clock
        m.d.comb += [
            *(
                getattr(self, name).eq(getattr(sequencer, name))
                for name in ("state", "phase", "plan", "status", "ok", "cut", "write_gate", "read_enable", "selection")
            ),
            self.opcode.eq(sequencer.command.opcode),
            *(getattr(self, name).eq(getattr(supervisor, name)) for name in ("mode", "faults", "halt")),
            *(getattr(self, name).eq(getattr(drive.write_drive, name)) for name in ("width", "updating", "finishing")),
            *(getattr(self, name).eq(getattr(clock, name)) for name in ("first", "last")),
            self.next.eq(control.clock.timer.next),
            self.register_status.eq(control.register_file.status),
            *(getattr(self, name).eq(getattr(drive.memory, name)) for name in ("write", "address", "value")),
            self.done.eq(front.done),
            self.comparing.eq(sequencer.group.comparing),
            self.closing_reads.eq(sequencer.pulses.closing_reads),
        ]

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        self._add_promises(m)
        self._add_reachable_states(m)
        self._add_reachable_plans(m)
        return m

    def _add_promises(self, m: Module) -> None:
        gate, read, faults, safe = self.write_gate, self.read_enable, self.faults.as_value(), self.mode == Mode.SAFE
        halted, was_reset = Signal(), Signal(reset_less=True)
        m.d.sync += [halted.eq(self.halt), was_reset.eq(ResetSignal())]
        opened = self._opened(m)
        always(m, ~(gate & read), "gate and read path exclude each other")
        always(m, ~gate | (self.mode == Mode.WRITE), "gate closed unless armed for writing")
        always(m, ~read | ~safe, "read path closed unless armed")
        always(m, ~(gate | read) | (faults == 0), "gate and read path closed while a fault is latched")
        always(m, ~(halted & (gate | read)), "gate and read path closed in the cycle after a halt")
        always(m, ~(was_reset & (gate | read)), "gate and read path closed in the cycle after a reset")
        always(m, ~was_reset | (self.selection == Selection.NONE), "selector open in the cycle after a reset")
        always(m, ~was_reset | safe, "disarmed in the cycle after a reset")
        always(m, ~gate | (self.width == 0) | (opened < self.width), "gate open for at most the record's width")
        always(m, gate == (self.phase == Phase.PULSE), "phase pulse exactly while the gate is open")
        always(m, self.phase < len(PHASES), "every cycle has one phase")
        locked = [register.address for register in REGISTERS if register.access is Access.LOCKED]
        with m.If(self.write & is_any(self.address, locked)):
            always(m, safe, "locked registers written only while disarmed")
        with m.If(self.write & Cat(self.address.matches(table.pattern) for table in PULSE_TABLES.values()).any()):
            always(m, safe, "entries of the pulse table written only while disarmed")
        with m.If(self.write & is_any(self.address, sorted(PULSE_SHAPES))):
            always(m, self.value[SHAPE["width"].places] != 0, "a width of 0 is never stored")
        # The timer runs along with the pulse, and has seen whether this cycle is the last.
        always(m, ~gate | ((opened + 2)[: len(self.next)] == self.next), "")
        always(m, ~gate | (self.first == (opened == 0)), "")
        always(m, ~gate | (self.last == ((opened + 1)[: len(self.width)] == self.width)), "")

    def _opened(self, m: Module) -> Signal:
        """Count the cycles for which the gate has been open."""
        opened = Signal(WIDTH_BITS + 1)
        with m.If(self.write_gate):
            m.d.sync += opened.eq(opened + 1)
        with m.Else():
            m.d.sync += opened.eq(0)
        return opened

    def _add_reachable_states(self, m: Module) -> None:
        state, gate, read, opcode, plan = self.state, self.write_gate, self.read_enable, self.opcode, self.plan
        faults, safe = self.faults.as_value(), self.mode == Mode.SAFE
        on_array = is_any(state, ON_ARRAY)
        # Every front end takes two cycles or more to settle the drive.
        m.d.comb += Assume(~((state == TileState.DRIVE) & self.first & self.done))
        always(m, ~self.updating | (state == TileState.DRIVE) & self.first, "")
        always(m, ~self.finishing | (state == TileState.RESPOND) | (state == TileState.DRIVE) & ~self.first, "")
        always(m, gate == (state == TileState.PULSE), "")
        always(m, ~is_any(state, READ_STATES) | read, "")
        between = plan.product & is_any(state, (TileState.DECIDE, TileState.RESPOND))
        always(m, ~read | is_any(state, READ_STATES) | between, "")
        always(m, ~on_array | ~safe, "")
        always(m, safe | (faults == 0), "")
        always(m, ~on_array | is_any(opcode, (*READING, *WRITING)), "")
        always(m, ~on_array | ~is_any(opcode, WRITING) | (self.mode == Mode.WRITE), "")
        always(m, ~is_any(state, (TileState.DRIVE, TileState.PULSE, TileState.RECOVER)) | is_any(opcode, WRITING), "")
        always(m, is_any(state, list(TileState)), "")
        always(m, self.ok == (self.status == Status.OK), "")
        always(m, (state != TileState.ACCESS) | plan.accesses, "")
        always(m, (state != TileState.WAIT) | (opcode == Opcode.WAIT), "")
        always(m, (state != TileState.SCAN) | (opcode == Opcode.ARM), "")
        always(m, (state != TileState.SCAN) | safe, "")
        decoded = (state == TileState.DECODE) & (self.status == Status.OK)
        always(m, ~decoded | ~is_any(opcode, (*READING, *WRITING)), "")
        # A register that is written was found legal, and the tile was safe if it is locked, one cycle before.
        always(m, (self.register_status == Status.OK) | (state != TileState.ACCESS), "")

    def _add_reachable_plans(self, m: Module) -> None:
        state, opcode, plan, follows = self.state, self.opcode, self.plan, self.plan.follows
        on_array, faults = is_any(state, ON_ARRAY), self.faults.as_value()
        always(m, plan.product == (opcode == Opcode.MULTIPLY), "")
        always(m, plan.accesses == is_any(opcode, ACCESSING), "")
        always(m, plan.closed_loop == is_any(opcode, CLOSED_LOOP), "")
        always(m, plan.writes == (opcode == Opcode.WRITE), "")
        always(m, ~self.closing_reads | plan.writes & ~self.comparing, "")
        unbroken = (self.status == Status.OK) & (self.cut == Status.OK)
        continues = (state == TileState.RESPOND) & plan.product & unbroken
        always(m, ~continues | (self.mode != Mode.SAFE), "")
        always(m, ~on_array | unbroken, "")
        always(m, ~self.read_enable | unbroken, "")
        arming = (state == TileState.SCAN) | ((state == TileState.DECODE) & (follows == TileState.SCAN))
        always(m, ~arming | (faults == 0), "")
        always(
            m,
            (state != TileState.DECODE)
            | is_any(follows, (TileState.RESPOND, TileState.ACCESS, TileState.SCAN, TileState.WAIT)),
            "",
        )
        after_select = {
            TileState.CONNECT_READ: (*CELL_READS, *CLOSED_LOOP),
            TileState.CONNECT_MULTIPLY: (Opcode.MULTIPLY,),
            TileState.PULSE: (Opcode.PULSE,),
            TileState.RESPOND: (Opcode.DRIVE,),
        }
        for each, opcodes in after_select.items():
            always(m, ~on_array | ((follows == each) == is_any(opcode, opcodes)), "")
        always(m, ~continues | (follows == TileState.CONNECT_MULTIPLY), "")
        for each, cause in ((TileState.ACCESS, plan.accesses), (TileState.SCAN, opcode == Opcode.ARM)):
            always(m, (state != TileState.DECODE) | (follows != each) | cause, "")
        always(m, (state != TileState.DECODE) | (follows != TileState.WAIT) | (opcode == Opcode.WAIT), "")
        disarms = (self.status == Status.OK) & is_any(opcode, (Opcode.DISARM, Opcode.ARM))
        always(m, (state != TileState.DECODE) | (plan.disarms == disarms), "")
        always(m, (state != TileState.DECODE) | (follows != TileState.SCAN) | plan.disarms, "")


def always(m: Module, condition: Any, message: str) -> None:
    """Assert a condition, where the caller stands in the source."""
    m.d.comb += Assert(condition, message, src_loc_at=1)
